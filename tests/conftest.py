"""Fixtures that several files share."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy and torch: threads of two workers wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture(autouse=True)
def no_open_figures():
    """What a test draws by pyplot is closed after it, so that none finds another's figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def clock(monkeypatch):
    """A clock of the Predictor that stands still but for what a model adds to it."""
    from perturbxai.models import predictor

    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(predictor, "time", SimpleNamespace(perf_counter=lambda: found.now))
    return found
