"""Errors of slopes where a few answers are far larger than the others: wide enough there, and no wider elsewhere."""

from __future__ import annotations

import few_draws
import numpy as np
import pytest

import perturbxai as px
from perturbxai.estimation.intervals import independent_factor
from perturbxai.estimation.linear_fit import for_tails

PLAYERS = few_draws.PLAYERS
SPACE, X = px.TabularSpace(np.zeros((1, PLAYERS))), np.ones((1, PLAYERS))


def steep(seed):
    """A game whose answers have a kurtosis of some tens: hyperbolic sines of products of two players."""
    products = np.triu(np.random.default_rng(seed).normal(size=(PLAYERS, PLAYERS)), 1)
    return px.Predictor(lambda z: np.sinh(0.3 * np.einsum("ni,ij,nj->n", z, products, z)))


def shares(method, predictor, budget, seeds):
    """How many exact values pointwise intervals hold, and of how many draws simultaneous ones hold all."""
    (exact,) = px.explain(method, predictor, SPACE, X, budget=2**PLAYERS).values()
    held, together = [], []
    for seed in range(seeds):
        (found,) = px.explain(method, predictor, SPACE, X, budget=budget, seed=seed).values()
        for into, simultaneous in ((held, False), (together, True)):
            low, high = found.interval(simultaneous=simultaneous)
            into.append((low <= exact.values) & (exact.values <= high))
    return float(np.mean(held)), float(np.mean([one.all() for one in together]))


@pytest.mark.parametrize("method", [px.Lime(), px.Banzhaf(), px.Rise(), px.Rise(estimator="centred")], ids=str)
@pytest.mark.parametrize("per_player", [pytest.param(6, marks=pytest.mark.slow), 20])
def test_intervals_of_slopes_hold_on_heavy_tails(method, per_player):
    found = [shares(method, steep(seed), per_player * PLAYERS, 50) for seed in (2, 3, 5, 77)]
    held, all_held = np.mean(found, axis=0)
    assert held >= 0.93 and all_held >= 0.92, f"{held:.3f} {all_held:.3f}"


ROUNDING = np.array([1e-12])


def test_residuals_that_are_normal_leave_errors_as_they_are():
    residuals = np.random.default_rng(0).choice([-1.0, 1.0], (200, 1)) * np.linspace(0.5, 1.5, 200)[:, None]
    errors = np.full((PLAYERS, 1), 0.1), np.array([3.0])
    for one, other in zip(for_tails(*errors, np.ones(200), residuals, 100, 88.0, ROUNDING), errors, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_residual_beside_many_small_ones_leaves_a_single_degree_of_freedom():
    residuals = np.full((200, 1), 1e-6)
    residuals[7] = 1.0
    stderr, critical = for_tails(
        np.full((PLAYERS, 1), 0.1), np.array([3.0]), np.ones(200), residuals, 100, 88.0, ROUNDING
    )  # fmt: skip
    np.testing.assert_allclose(stderr, 0.1 * independent_factor(1, 200 / 199) / independent_factor(1, 88.0), rtol=1e-6)
    assert critical[0] > 3.0
