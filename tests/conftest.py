"""Fixtures that several files share."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy and torch: threads of two workers wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture
def clock(monkeypatch):
    """A clock of the Predictor that stands still but for what a model adds to it."""
    from perturbxai import predictor

    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(predictor, "time", SimpleNamespace(perf_counter=lambda: found.now))
    return found
