"""Surrogates of games: their Shapley values, and when they are taken."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

import perturbxai as px
from perturbxai.explainers import surrogate
from perturbxai.explainers.surrogate import (
    N_FOLDS,
    Pairs,
    Trees,
    Triples,
    folds,
    tell_by_trees,
    tell_by_triples,
    tree_values,
)
from perturbxai.laws import shapley
from perturbxai.sampling import draw_design, draw_held_out
from perturbxai.tables import Evaluations


def forest_game(n_players, seed, n_trees=30):
    """A sum of trees that were grown on noise, with its Shapley values by the leaves."""
    rng = np.random.default_rng(seed)
    X, y = rng.random((400, n_players)) < 0.5, rng.normal(size=400)
    y = y * 0.1 + (X[:, 0] & X[:, 1]) + 2.0 * (X[:, 2] & ~X[:, 3] & X[:, 4]) - (X[:, 5] | (X[:, 6] & X[:, 7]))
    model = GradientBoostingRegressor(n_estimators=n_trees, max_depth=4, random_state=0).fit(X.astype(np.float32), y)
    values = sum(0.1 * tree_values(stage.tree_, n_players) for stage in model.estimators_[:, 0])
    return lambda z: model.predict(np.asarray(z, dtype=np.float32))[:, None], values[:, None]


def table(value, n_players, budget, seed=0):
    rng = np.random.default_rng(seed)
    design = draw_design([shapley(n_players)], n_players, budget, rng, draw_held_out(n_players, rng))
    ends = value(np.array([[0.0] * n_players, [1.0] * n_players]))
    return Evaluations(design, value(design.z.astype(float)), ends[0], ends[1])


def pairs_of(found, k=0):
    z = found.design.z
    odd, even = 0.5 * (found.values[0::2, k] - found.values[1::2, k]), 0.5 * (found.values[0::2, k] + found.values[1::2, k])
    size = np.minimum(z[0::2].sum(axis=1), z.shape[1] - z[0::2].sum(axis=1))
    return Pairs(z[0::2], odd, even, 1.0 / (size * (z.shape[1] - size)), folds(size), np.zeros(z.shape[1]))


# -------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_a_tree_s_values_by_its_leaves_are_those_of_all_coalitions(depth, seed):
    rng = np.random.default_rng(seed)
    X = (rng.random((200, 7)) < 0.5).astype(np.float32)
    model = DecisionTreeRegressor(max_depth=depth, random_state=seed).fit(X, rng.normal(size=200))
    slow = oracles.shapley(lambda z: model.predict(np.asarray(z, dtype=np.float32))[:, None], 7)[:, 0]
    np.testing.assert_allclose(tree_values(model.tree_, 7), slow, atol=1e-12)


def test_boosted_trees_values_sum_to_their_gain():
    value, _ = forest_game(9, 0)
    pairs = pairs_of(table(value, 9, 200))
    game = Trees.fitted(pairs.z, pairs.odd, pairs.even, pairs.weight, np.zeros(9), 0)
    ends = game.odd(np.ones((1, 9), dtype=bool)) * 2
    np.testing.assert_allclose(game.shapley().sum(), ends[0], atol=1e-12)


def test_a_product_of_three_signs_gives_two_thirds_to_each():
    slow = oracles.shapley(lambda z: np.prod(2.0 * np.asarray(z)[:, 1:4] - 1.0, axis=1)[:, None], 6)[:, 0]
    np.testing.assert_allclose(slow, [0, 2 / 3, 2 / 3, 2 / 3, 0, 0], atol=1e-12)


@pytest.mark.parametrize("kind", ["triples", "trees"])
def test_what_is_told_of_a_fold_comes_from_the_others(kind, monkeypatch):
    """Other answers in a fold change nothing of what is told of it."""
    value, _ = forest_game(12, 0)
    first = pairs_of(table(value, 12, 900))
    inside = first.fold == 2
    odd = np.where(inside, first.odd + 5.0, first.odd)
    second = Pairs(first.z, odd, first.even, first.weight, first.fold, first.linear)
    monkeypatch.setattr(surrogate, "PROMISING", np.inf)
    told = [tell_by_trees(p) if kind == "trees" else tell_by_triples(p, Triples.of(p.z)) for p in (first, second)]
    np.testing.assert_array_equal(told[0].odd[inside], told[1].odd[inside])
    assert np.abs(told[0].odd[~inside] - told[1].odd[~inside]).max() > 0.01


def test_folds_spread_every_size():
    stratum = np.repeat([1, 2, 3, 4], [3, 17, 40, 11])
    found = folds(stratum)
    for size in range(1, 5):
        assert np.ptp(np.bincount(found[stratum == size], minlength=N_FOLDS)) <= 1


# -------------------------------------------------------------------------------------------------- taking


def errors(value, truth, budget, kind, n_seeds=6):
    n_players = len(truth)
    found = [px.KernelShap(surrogate=kind).estimate(table(value, n_players, budget, seed)) for seed in range(n_seeds)]
    return found, np.mean([((one.values - truth) ** 2).sum() / (truth**2).sum() for one in found])


def test_trees_lower_the_error_on_a_game_of_trees_and_say_so():
    value, truth = forest_game(16, 1)
    found, with_trees = errors(value, truth, 40 * 16, "trees")
    _, without = errors(value, truth, 40 * 16, "none")
    assert with_trees < 0.4 * without
    assert all(
        one.notes["surrogate"][0]["taken"] == "trees" and one.notes["surrogate"][0]["variance"] < 0.8 for one in found
    )


def test_triples_lower_the_error_on_a_game_of_triples():
    game = games.polynomial(14, (1, 3), 8, 0)
    _, with_triples = errors(game, game.shapley, 60 * 14, "triples")
    _, without = errors(game, game.shapley, 60 * 14, "none")
    assert with_triples < 0.3 * without


GAMES = {
    "sigmoid20": games.sigmoid_game(20, 2, 4),
    "sigmoid50": games.sigmoid_game(50, 3, 7),
    "additive": games.additive(15, 0),
    "pairs": games.two_additive(15, 0),
    "polynomial": games.polynomial(20, (1, 2, 3, 4, 5), 30, 0),
    "cubic": games.polynomial(16, (1, 3), 40, 1),
    "unanimity": games.unanimity(14, 4),
    "random": games.random_table(11, 0, 1),
}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("per_player", [20, 40])
def test_the_gate_never_loses_a_quarter(name, per_player):
    game = GAMES[name]
    budget = min(per_player * game.n_players, 2**game.n_players - 2)
    gated, plain = np.zeros(2)
    for seed in range(4):
        found = table(game, game.n_players, budget, seed)
        for kind in ("none", "triples", "trees"):
            found.design.cache.clear()
            error = ((px.KernelShap(surrogate=kind).estimate(found).values - game.shapley) ** 2).sum()
            if kind == "none":
                plain += 2.0 * error
            else:
                gated += error
    assert gated <= 1.25 * plain + 1e-18


def test_values_keep_their_sum_and_intervals_their_meaning():
    value, truth = forest_game(14, 3)
    inside = []
    for seed in range(20):
        found = table(value, 14, 30 * 14, seed)
        one = px.KernelShap(surrogate="trees").estimate(found)
        np.testing.assert_allclose(one.values.sum(axis=0), found.full - found.empty, atol=1e-10)
        inside.append(np.abs(one.values - truth) <= 1.97 * one.stderr)
    assert 0.91 < np.mean(inside) < 0.99


def test_auto_looks_only_where_a_coalition_is_costly():
    X = np.random.default_rng(0).normal(size=(200, 12))
    predictor = px.Predictor(lambda rows: (rows[:, 0] > 0) * (rows[:, 1] > 0) * 2.0 + (rows[:, 2] > 0) * (rows[:, 3] < 0))
    told = {}
    for background in (5, 50):
        space = px.TabularSpace(X, background=background)
        found = px.explain(["kernel_shap"], predictor, space, X[:1], budget=400)["kernel_shap"]
        told[background] = found[0].meta.get("surrogate")
    assert told[5] is None and len(told[50]) == 1


def test_one_seed_gives_one_answer_alone_and_in_company():
    X = np.random.default_rng(0).normal(size=(100, 11))
    space = px.TabularSpace(X, background=3)
    predictor = px.Predictor(lambda rows: (rows[:, 0] > 0) * (rows[:, 1] > 0) * 2.0 + (rows[:, 2] > rows[:, 3]))
    method = px.KernelShap(surrogate="trees")
    together = px.explain([method], predictor, space, X[:3], budget=300)["kernel_shap"]
    alone = px.explain([method], predictor, space, X[2:3], budget=300)["kernel_shap"]
    np.testing.assert_array_equal(alone.values[0], together.values[2])


def test_an_unknown_surrogate_is_refused():
    with pytest.raises(ValueError, match="surrogate='forest' is not known; expected one of auto"):
        px.KernelShap(surrogate="forest")


def test_the_odd_share_is_one_of_an_odd_game_and_nought_of_an_even_one():
    odd = table(lambda z: (np.asarray(z) - 0.5).sum(axis=1, keepdims=True) ** 3, 9, 200)
    even = table(lambda z: (np.asarray(z) - 0.5).sum(axis=1, keepdims=True) ** 2, 9, 200)
    assert px.KernelShap().estimate(odd).notes["odd_share"] == pytest.approx([1.0])
    assert px.KernelShap().estimate(even).notes["odd_share"] == pytest.approx([0.0], abs=1e-20)


@pytest.mark.slow
@pytest.mark.parametrize("per_player", [20, 40])
def test_intervals_cover_with_a_surrogate(per_player):
    value, truth = forest_game(16, 5)
    inside = []
    for seed in range(100):
        one = px.KernelShap(surrogate="trees").estimate(table(value, 16, per_player * 16, seed))
        inside.append(np.abs(one.values - truth) <= 1.97 * one.stderr)
    assert 0.92 <= np.mean(inside) <= 0.985
