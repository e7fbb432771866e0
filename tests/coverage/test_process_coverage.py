"""Intervals of values with a process, simulated: how often they hold the truth, one by one and all at once. Slow."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from scipy import stats

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.sampling.coalitions import draw_design

pytestmark = pytest.mark.slow


def of(name, n_players, value):
    """A game by its values at all coalitions in signs (2^P, P)."""
    return games.tabulated(name, n_players, value(2.0 * oracles.all_coalitions(n_players) - 1.0))


def threshold(x):
    weights = 1.0 + 0.1 * np.sin(1.7 * np.arange(14))
    return (x @ weights > 0.1 * weights.sum()).astype(float)


def high_orders(x):
    rng = np.random.default_rng(1)
    terms = [(rng.normal(), rng.choice(14, 7 + t % 3, replace=False)) for t in range(60)]
    return sum(slope * x[:, members].prod(axis=1) for slope, members in terms)


def nearly_even(x):
    rng = np.random.default_rng(5)
    pairs, slopes = rng.normal(size=(12, 12)), rng.normal(size=12)
    return 0.2 * x @ slopes + 0.5 * np.einsum("zi,ij,zj->z", x, pairs, x)


def heavy_tails(x):
    present = (x + 1.0) / 2.0
    return np.sinh(np.einsum("zi,ij,zj->z", present, np.random.default_rng(6).normal(size=(12, 12)) / 3.0, present))


def steps(x):
    """A sum of stumps of depth three, as trees are."""
    rng = np.random.default_rng(7)
    return sum(rng.normal() * (x[:, rng.choice(13, 3, replace=False)] > 0).all(axis=1) for _ in range(40))


GAMES = {
    "sigmoid12": games.sigmoid_game(12, 2.0, 4.0),
    "network": games.network_game(0),
    "random": games.random_table(11, 0, 1),
    "unanimity": games.unanimity(14, 7),
    "cubic": games.polynomial(16, (1, 3), 40, 1),
    "threshold": of("threshold", 14, threshold),
    "high orders": of("high orders", 14, high_orders),
    "nearly even": of("nearly even", 12, nearly_even),
    "heavy tails": of("heavy tails", 12, heavy_tails),
    "steps": of("steps", 13, steps),
    "sigmoid20": games.SIGMOID_20,
    "polynomial": games.polynomial(20, (1, 2, 3, 4, 5), 30, 0),
    "sparse": games.polynomial(24, (3, 4, 5), 60, 0),
    "sigmoid50": games.sigmoid_game(50, 2.0, 6.0),
    "sixty": games.polynomial(60, (1, 2, 3, 4, 5), 120, 1),
}
METHODS = {"shapley": px.KernelShap, "lime": px.Lime, "banzhaf": px.Banzhaf}
# a value that none has shown is in no error of few, so it is without a process; and of Banzhaf values at five coalitions a
# player bands held .88 of 150 draws
SHORT = {(method, "heavy tails"): (0.85, 0.78) for method in METHODS} | {("banzhaf", "sigmoid12"): (0.92, 0.85)}


def truth(method, game):
    return game.shapley if method == "shapley" else games.drawn([METHODS[method]()], game, 2**game.n_players, 0)[0].values


@pytest.mark.parametrize(
    ("method", "name"),
    [("shapley", name) for name in GAMES]
    + [(method, name) for method in ("lime", "banzhaf") for name, game in GAMES.items() if game.n_players <= 14],
)
@pytest.mark.parametrize("per_player", [5, 10, 20, 40])
def test_intervals_cover(method, name, per_player):
    """Over 132 cells .974 of single values and .976 of all at once were held when this was written."""
    game, explainer, inside, together = GAMES[name], METHODS[method](surrogate="process"), [], []
    n_players, exact = game.n_players, truth(method, game)
    for seed in range(60 if n_players < 50 else 15):
        budget = min(per_player * n_players, 2**n_players - 2)
        design = draw_design([explainer.law(n_players)], n_players, budget, np.random.default_rng(seed))
        one = explainer.estimate(Evaluations(design, game(design.z), *game.ends))
        off = np.abs(one.values - exact)
        inside.append(off <= stats.t.ppf(0.975, one.df) * one.stderr)
        together.append((off <= one.critical * one.stderr).all(axis=0))
    least, least_together = SHORT.get((method, name), (0.92, 0.88))
    print(f"{method}, {name}, {per_player} P: {np.mean(inside):.3f}, {np.mean(together):.2f}")
    assert np.mean(inside) >= least and np.mean(together) >= least_together
