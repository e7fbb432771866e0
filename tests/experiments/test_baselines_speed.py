"""The experiment on the speed of baselines: it alternates, leaves the first run out, and compares medians."""

from __future__ import annotations

from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_ours_and_theirs_alternate_and_the_first_of_each_is_not_counted(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import baselines_speed

    ran, clock = [], [0.0]
    takes = {"ours": iter([100.0, 1.0, 3.0, 2.0]), "theirs": iter([100.0, 8.0, 8.0, 4.0])}

    def run(who):
        ran.append(who)
        clock[0] += next(takes[who])

    monkeypatch.setattr(baselines_speed.time, "perf_counter", lambda: clock[0])
    found = baselines_speed.measured(("a map", "a peer", 1, lambda: run("ours"), lambda: run("theirs")), repeats=3)
    assert ran == ["ours", "theirs"] * 4
    assert (found["seconds"], found["peer_seconds"], found["speed"]) == pytest.approx((2.0, 8.0, 4.0))
