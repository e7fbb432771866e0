"""Intervals, simulated: how often nominal 95 % intervals hold the exact answer. Minutes; run with -m slow."""

from __future__ import annotations

from functools import cache

import games
import numpy as np
import pytest
from scipy import stats

import perturbxai as px

pytestmark = pytest.mark.slow

GAMES = {
    "sigmoid20": games.SIGMOID_20,
    "sigmoid50": games.SIGMOID_50,
    "cubic20": games.polynomial(20, (3,), 60, seed=1),
    "sparse20": games.polynomial(20, (3, 4, 5), 60, seed=0),
    "sparse40": games.polynomial(40, (3, 4, 5), 120, seed=2),
    "network0": games.network_game(0),
    "network1": games.network_game(1),
}
N_SEEDS = 200


@cache
def _simulated(name, method, per_player):
    """(found values (S, P, K), stderr, df (S,), critical (S, K), exact (P, K))."""
    game = GAMES[name]
    explainer = px.KernelShap() if method == "kernel_shap" else px.Lime()
    exact = game.shapley if method == "kernel_shap" else game.lime(0.25)
    found = [games.drawn([explainer], game, per_player * game.n_players, seed)[0] for seed in range(N_SEEDS)]
    values, stderr = np.array([f.values for f in found]), np.array([f.stderr for f in found])
    return values, stderr, np.array([f.df for f in found]), np.array([f.critical for f in found]), exact


def pointwise(name, method, per_player):
    values, stderr, df, _, exact = _simulated(name, method, per_player)
    half = stats.t.ppf(0.975, df)[:, None, None] * stderr
    return float((np.abs(values - exact) <= half).mean())


def simultaneous(name, method, per_player):
    values, stderr, _, critical, exact = _simulated(name, method, per_player)
    return float((np.abs(values - exact) <= critical[:, None, :] * stderr).all(axis=1).mean())


@pytest.mark.parametrize("method", ["kernel_shap", "lime"])
@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize(("per_player", "low", "high"), [(6, 0.93, 0.995), (40, 0.93, 0.99)])
def test_pointwise_intervals_cover(name, method, per_player, low, high):
    covered = pointwise(name, method, per_player)
    assert low <= covered <= high, f"{covered:.4f}"


@pytest.mark.parametrize("method", ["kernel_shap", "lime"])
@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("per_player", [6, 40])
def test_simultaneous_intervals_cover_all_players_at_once(name, method, per_player):
    covered = simultaneous(name, method, per_player)
    # nominal .95; a share of .90 counted over 200 seeds has a deviation of .021
    assert covered >= 0.90 - 0.021, f"{covered:.4f}"


def test_intervals_of_pdp_on_a_picture_cover_the_shapley_values():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor = px.Predictor(game.extras["net"], batch_size=512)
    inside, together = [], []
    for seed in range(60):
        found = px.explain("pdp", predictor, space, game.extras["picture"], budget=660, seed=seed)["pdp"]
        low, high = found.interval()
        inside.append(((low[0] <= game.shapley) & (game.shapley <= high[0])).mean())
        low, high = found.interval(simultaneous=True)
        together.append(((low[0] <= game.shapley) & (game.shapley <= high[0])).all(axis=0).mean())
    assert 0.92 <= np.mean(inside) <= 0.995, f"{np.mean(inside):.4f}"
    assert np.mean(together) >= 0.90, f"{np.mean(together):.4f}"


if __name__ == "__main__":  # the table of what was measured
    for case in GAMES:
        for kind in ("kernel_shap", "lime"):
            for m in (6, 40):
                print(case, kind, m, round(pointwise(case, kind, m), 4), round(simultaneous(case, kind, m), 4), flush=True)
