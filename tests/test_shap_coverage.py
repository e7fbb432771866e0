"""Intervals of permutation_shap, sampling_shap and banzhaf, simulated. Minutes; run with -m slow."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from scipy import stats

import perturbxai as px
from perturbxai.explainers import semivalues

pytestmark = pytest.mark.slow

GAMES = {
    "sigmoid20": games.SIGMOID_20,
    "sigmoid50": games.SIGMOID_50,
    "cubic20": games.polynomial(20, (3,), 60, seed=1),
    "sparse20": games.polynomial(20, (3, 4, 5), 60, seed=0),
    "network0": games.network_game(0),
    "network1": games.network_game(1),
}
SEEDS = range(300)
EVERY_GAME = pytest.mark.parametrize("name", GAMES)


def covered(found, exact):
    """The shares of exact values that pointwise intervals hold, and of draws whose simultaneous ones hold all players."""
    off = np.array([np.abs(f.values - exact) for f in found])
    point = np.array([stats.t.ppf(0.975, f.df) * f.stderr for f in found])
    together = np.array([f.critical * f.stderr for f in found])
    return float((off <= point).mean()), float((off <= together).all(axis=1).mean())


@EVERY_GAME
@pytest.mark.parametrize(("n_pairs", "low", "high"), [(5, 0.90, 0.98), (12, 0.92, 0.98), (30, 0.92, 0.98)])
def test_intervals_of_pairs_of_walks_cover(name, n_pairs, low, high):
    game = GAMES[name]
    budget = 2 + 2 * (game.n_players - 1) * n_pairs
    point, _ = covered([games.answered(px.PermutationShap(), game, budget, seed) for seed in SEEDS], game.shapley)
    assert low - 0.01 <= point <= high, f"{point:.4f}"  # a share over 300 dependent sets of intervals is known to .01


@EVERY_GAME
def test_simultaneous_intervals_of_many_pairs_of_walks_cover(name):
    game = GAMES[name]
    n_pairs = 40 if game.n_players < 50 else 100  # at 10 players 40 pairs are fewer than the 2^10 coalitions
    budget = 2 + 2 * (game.n_players - 1) * n_pairs
    _, together = covered([games.answered(px.PermutationShap(), game, budget, seed) for seed in SEEDS], game.shapley)
    assert together >= 0.90 - 0.02, f"{together:.4f}"


@EVERY_GAME
@pytest.mark.parametrize(("per_player", "low"), [(10, 0.92), (60, 0.935)])
def test_intervals_of_sampled_differences_cover(name, per_player, low):
    """per_player samples: alike for all players at 10, by their spread from 100 on."""
    game = GAMES[name]
    per_player = min(per_player, 2 ** (game.n_players - 1) // game.n_players - 1)
    budget = 2 + 2 * game.n_players * per_player
    point, _ = covered([games.answered(px.SamplingShap(), game, budget, seed) for seed in SEEDS], game.shapley)
    assert low - 0.01 <= point <= 0.98, f"{point:.4f}"


@pytest.mark.parametrize("name", ["sigmoid20", "sparse20"])
def test_intervals_of_differences_sampled_by_their_spread_cover(name):
    game = GAMES[name]
    budget = 2 + 2 * game.n_players * 120
    point, _ = covered([games.answered(px.SamplingShap(), game, budget, seed) for seed in SEEDS], game.shapley)
    assert 0.93 <= point <= 0.98, f"{point:.4f}"


SMALL = {
    "sigmoid14": games.sigmoid_game(14, 2.0, 4.0),
    "sparse14": games.polynomial(14, (3, 4, 5), 40, seed=0),
    "network0": GAMES["network0"],
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("p", [0.3, 0.5, 0.7])
@pytest.mark.parametrize(("per_player", "low", "high"), [(6, 0.92, 0.99), (40, 0.93, 0.975)])
def test_intervals_of_banzhaf_values_cover(name, p, per_player, low, high):
    game = SMALL[name]
    z = oracles.all_coalitions(game.n_players)
    exact = semivalues.of_all_coalitions(z, game(z), semivalues.banzhaf_weights(game.n_players, p))
    found = [games.drawn([px.Banzhaf(p=p)], game, per_player * game.n_players, seed)[0] for seed in SEEDS]
    point, _ = covered(found, exact)
    assert low <= point <= high, f"{point:.4f}"
