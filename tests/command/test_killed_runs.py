"""Reports of photos whose run was killed, at any instant and more than once: they are those of an undisturbed run."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from kept_steps import Killed, assert_alike, reported
from PIL import Image

from perturbxai.command.config import parse_config
from perturbxai.command.run import run
from perturbxai.reporting import report
from perturbxai.reporting.parts import steps
from perturbxai.reporting.parts.status import told
from perturbxai.reporting.parts.steps import STEPS

NETWORK = """
import torch
from torch import nn

CALLS, KILL = [0], [None, BaseException]

def killed(net, given):
    CALLS[0] += 1
    if CALLS[0] == KILL[0]:
        raise KILL[1]

def photo():
    torch.manual_seed(0)
    parts = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    net = nn.Sequential(*parts).eval()
    net.register_forward_pre_hook(killed)
    return net
"""
FUNCTION = """
import os, signal
import numpy as np

CALLS = [0]

def photo():
    def model(pictures):
        CALLS[0] += 1
        if CALLS[0] == int(os.environ.get("KILLED_AT", 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        return np.stack([pictures[:, :8].mean(axis=(1, 2, 3)), pictures[:, 8:].mean(axis=(1, 2, 3)) ** 2], axis=1)
    return model
"""
MAPS = ["grad_cam", "cam_difference", "gradient", "score_cam", "random"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report.drawing, "figures", lambda *_: [])  # they take most of the time
    rng = np.random.default_rng(0)
    for name in "pq":
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(f"{name}.png")
    Image.open("p.png").save("same.png")
    for name, text in (("ownnets", NETWORK), ("ownphotos", FUNCTION)):
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
    yield tmp_path
    for name in ("ownnets", "ownphotos"):
        sys.modules.pop(name, None)


def config(model="ownnets:photo", baselines=MAPS, **more):
    photo = {
        "image": ["p.png", "q.png", "same.png"], "size": 16, "segments": "grid", "n_segments": 4, "fills": ["mean", 0],
        "methods": ["lime"], "baselines": baselines, "model": model, "budget": 16, "metrics": ["srg", "faithfulness"],
    }  # fmt: skip
    return parse_config({"photo": photo | more})


def go(folder, how):
    return run(how, folder, progress=False)


@pytest.mark.usefixtures("own")
def test_killed_after_each_step_of_a_network_one_after_the_other(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    go(tmp_path / "whole", config())
    real, n_kills = steps.write_json, 0

    def stops(path, said):
        real(path, said)
        if "step" in said:
            raise Killed

    monkeypatch.setattr(steps, "write_json", stops)
    while True:
        try:
            done = go(tmp_path / "out", config())
            break
        except Killed:
            n_kills += 1
            assert f"photo: {n_kills} of 14 steps done" in told(tmp_path / "out")
    # of two pictures, one of which comes twice: explained and mapped and scored under two fills, and other maps
    assert n_kills == 14 and any("it went on" in one for one in done.told)
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))
    assert not (tmp_path / "out" / STEPS).exists()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "shares",
    [pytest.param((0.2, 0.3), marks=pytest.mark.slow), (0.6, 0.2), pytest.param((0.9, 0.05), marks=pytest.mark.slow)],
)
def test_killed_twice_while_the_network_is_asked(shares, tmp_path):
    pytest.importorskip("torch")
    go(tmp_path / "whole", config())
    calls, kill = sys.modules["ownnets"].CALLS, sys.modules["ownnets"].KILL
    n_calls, kill[1] = calls[0], Killed
    for share in shares:
        calls[0], kill[0] = 0, max(1, int(share * n_calls))
        with pytest.raises(Killed):
            go(tmp_path / "out", config())
    calls[0], kill[0] = 0, None
    go(tmp_path / "out", config())
    assert calls[0] < n_calls
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))


@pytest.mark.usefixtures("own")
def test_a_process_that_is_killed_twice_goes_on_in_another(tmp_path):
    how = {"model": "ownphotos:photo", "baselines": ["random", "centre"]}
    words = [
        "explain", "--image", "p.png", "q.png", "same.png", "--size", "16", "--segments", "grid", "--n-segments", "4",
        "--fills", "mean,0", "--methods", "lime", "--baselines", "random,centre", "--model", "ownphotos:photo",
        "--budget", "16", "--metrics", "srg,faithfulness", "--results", "out", "--quiet",
    ]  # fmt: skip
    go(tmp_path / "whole", config(**how))
    n_calls = sys.modules["ownphotos"].CALLS[0]
    for killed_at in (n_calls // 2, n_calls // 3):
        asked = os.environ | {"KILLED_AT": str(killed_at)}
        found = subprocess.run([sys.executable, "-m", "perturbxai", *words], env=asked, capture_output=True, check=False)
        assert found.returncode == -9, found.stderr
    assert "ended without a word; the same command goes on from here" in told(tmp_path / "out")
    done = go(tmp_path / "out", config(**how))
    assert any("an earlier run, by process" in one for one in done.told) and any("it went on" in one for one in done.told)
    assert_alike(reported(tmp_path / "out"), reported(tmp_path / "whole"))
