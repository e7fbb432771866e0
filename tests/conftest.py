"""Fixtures that several files share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def clock(monkeypatch):
    """A clock of the Predictor that stands still but for what a model adds to it."""
    from perturbxai import predictor

    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(predictor, "time", SimpleNamespace(perf_counter=lambda: found.now))
    return found
