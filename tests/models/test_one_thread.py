"""Whatever a call solves is solved in one thread of BLAS, however its answers came: else its last bits hang on threads."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

import perturbxai as px
from perturbxai.explainers.kernel_shap import KernelShap
from perturbxai.explainers.sampling_shap import SamplingShap

METHODS = ["kernel_shap", "sampling_shap"]
WAYS = {"whole": {"budget": 40}, "with a tolerance": {"budget": 60, "tol": 1e-9}, "on rows": {"rows": 60}}


def knotted(rows):
    return rows[:, 0] * rows[:, 1] + np.abs(rows[:, 2] - rows[:, 3]) * rows[:, 4] + rows[:, 5]


class Fails:
    """NaN from the call after so many rows."""

    def __init__(self, n_rows):
        self.left = n_rows

    def __call__(self, rows):
        self.left -= len(rows)
        return knotted(rows) if self.left >= 0 else np.full(len(rows), np.nan)


@pytest.fixture
def threads(monkeypatch):
    """Threads of BLAS at each conclusion of a table and each step of a generator, in a process that has two."""
    found = []

    def look():
        found.append(max(one["num_threads"] for one in ThreadpoolController().info() if one["user_api"] == "blas"))

    concludes, asks = KernelShap.estimate, SamplingShap.ask

    def estimate(self, table):
        look()
        return concludes(self, table)

    def ask(self, *given):
        steps, told = asks(self, *given), None
        while True:
            look()
            try:
                told = yield steps.send(told)
            except StopIteration as end:
                return end.value

    monkeypatch.setattr(KernelShap, "estimate", estimate)
    monkeypatch.setattr(SamplingShap, "ask", ask)
    with threadpool_limits(2, user_api="blas"):
        look()
        if found.pop() < 2:
            pytest.skip("this BLAS has one thread")
        yield found


@pytest.mark.parametrize("fails", [False, True], ids=["whole", "failing"])
@pytest.mark.parametrize("way", WAYS)
def test_everything_is_solved_in_one_thread(way, fails, threads):
    rng = np.random.default_rng(0)
    space, x = px.TabularSpace(rng.normal(size=(60, 6)), background=3), rng.normal(size=(3, 6))
    methods = METHODS if way == "whole" else METHODS[:1]
    plain = Fails(10**9)
    whole = px.explain(methods, px.Predictor(plain, batch_size=20), space, x, **WAYS[way])
    if fails:
        asked = 10**9 - plain.left
        with pytest.raises(px.ModelError) as caught:
            px.explain(methods, px.Predictor(Fails(asked - 5), batch_size=20), space, x, **WAYS[way])
        assert 1 <= len(caught.value.partial["kernel_shap"]) <= len(whole["kernel_shap"])
    assert threads and set(threads) == {1}
