"""Fixtures that several files share."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy and torch: threads of two workers wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


HERE = Path(__file__).parent
OURS = (HERE, HERE.parent / "experiments")


class _NoTorch:
    """Where torch is not installed a test or an experiment that imports it is skipped. The package has to do without."""

    def find_spec(self, name, _path=None, _target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "efficientnet_lite_pytorch"):
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            if any(Path(frame.f_code.co_filename).is_relative_to(folder) for folder in OURS):
                pytest.skip(f"{name} is not installed", allow_module_level=True)


if find_spec("torch") is None:
    sys.meta_path.insert(0, _NoTorch())


def pytest_runtest_setup(item):
    """Tests that need a GPU are skipped where torch finds none."""
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("torch finds no GPU here")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def device(request):
    """Where a promise about devices is claimed: on a CPU that builds its rows as a GPU does, and on a GPU if there is one.

    A GPU computes in float32 here, whose shorter TF32 is an answer's precision and not the suite's.
    """
    import torch

    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield request.param


@pytest.fixture(autouse=True)
def no_open_figures():
    """What a test draws by pyplot is closed after it, so that none finds another's figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def undrawn(monkeypatch):
    """Reports hold all but figures, for claims that are about something else: drawing takes most of a report's time."""
    from perturbxai.reporting import figures

    for name in ("figures", "of_effects"):
        monkeypatch.setattr(figures, name, lambda *_: iter(()))


@pytest.fixture
def plain_fits(monkeypatch):
    """Least squares alone, for claims that are not about values: more fits to a photo's answers would take half a second."""
    from perturbxai.calls import purse

    monkeypatch.setattr(purse, "affordable", lambda *_: 0.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock of the Predictor that stands still but for what a model adds to it."""
    from perturbxai.models import predictor

    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(predictor, "time", SimpleNamespace(perf_counter=lambda: found.now))
    return found
