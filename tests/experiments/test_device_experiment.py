"""The experiment on devices runs on a CPU too, at a small size, and tells its figures by part and case."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from samples import convolutional

from perturbxai.models import compilation

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def experiment(monkeypatch):
    """The experiment with a small network, small photos, and a compiler that compiles nothing."""
    pytest.importorskip("efficientnet_lite_pytorch", reason="efficientnet-lite-pytorch is not installed")
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import device

    net, photo = convolutional().eval(), device.assets.photo
    monkeypatch.setattr(device.assets, "photo", lambda name: photo(name, size=48))
    monkeypatch.setattr(device, "network", lambda: (net, lambda pictures: pictures / 255))
    monkeypatch.setattr(device, "OUTPUTS", [0, 1])
    monkeypatch.setattr(device, "session", lambda _size: None)
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    return device


def figures(experiment, part):
    found = list(experiment.PARTS[part](experiment.Size("cpu", 4, 8, 2)))
    assert {line[0] for line in found} <= {part}
    return {line[1:3]: line[3] for line in found}


def test_every_plan_has_its_speed_its_start_and_how_far_it_moves_answers(experiment):
    found = figures(experiment, "plans")
    names = {"as it is", *experiment.FASTER}
    assert {name for name, _ in found} == names
    assert all(found[name, "images/s"] > 0.0 and found[name, "seconds to begin"] >= 0.0 for name in names)
    assert found["as it is", "moved at most"] == 0.0 == found["as it is", "seconds to begin"]
    assert 0.0 < found["bfloat16", "moved at most"] < 0.1 and found["compiled", "moved at most"] < 1e-5
    assert all(found[name, "images from which it pays"] >= 0.0 for name in names)


def test_passes_alone_are_compared_and_the_first_round_is_not_counted(experiment):
    assert len(figures(experiment, "overhead")) == 4
    assert np.isfinite([*figures(experiment, "ahead").values()]).all()
    assert figures(experiment, "memory") == {}  # of a GPU alone


def test_the_promises_are_counted(experiment, monkeypatch, capsys):
    told = SimpleNamespace(stdout="...\n3 failed, 34 passed, 35 skipped in 20.1s", returncode=1)
    monkeypatch.setattr(experiment.subprocess, "run", lambda *_, **__: told)
    found = figures(experiment, "promises")
    assert found == {("tests/cuda", "failed"): 3, ("tests/cuda", "passed"): 34, ("tests/cuda", "skipped"): 35}
    assert "3 failed" in capsys.readouterr().out
