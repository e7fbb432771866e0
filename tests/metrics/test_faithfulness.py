"""Faithfulness: correlation with coalitions that nobody asked, within sizes; areas and orders of curves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.metrics import faithfulness as metric

FEW = settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)


def some_coalitions(rng, n_players=9, n=60):
    return rng.random((n, n_players)) < rng.uniform(0.2, 0.8, (n, 1))


def slow_faithfulness(values, z, answers, weight):
    """Weighted correlation of the map's sums with the game, both less their weighted mean of the same size."""
    sums = np.array([sum(v for v, here in zip(values, row, strict=True) if here) for row in z])
    left, right = sums.copy(), np.array(answers, dtype=float)
    for size in {int(s) for s in z.sum(axis=1)}:
        inside = z.sum(axis=1) == size
        left[inside] -= np.average(sums[inside], weights=weight[inside])
        right[inside] -= np.average(np.asarray(answers)[inside], weights=weight[inside])
    return (weight * left * right).sum() / np.sqrt((weight * left**2).sum() * (weight * right**2).sum())


# ------------------------------------------------------------------------------------------------ the metric


@FEW
@given(seed=SEEDS)
def test_it_is_the_correlation_after_each_sizes_mean_is_taken(seed):
    rng = np.random.default_rng(seed)
    z, values = some_coalitions(rng), rng.normal(size=9)
    answers, weight = rng.normal(size=60), rng.uniform(0.5, 2, 60)
    expected = slow_faithfulness(values, z, answers, weight)
    np.testing.assert_allclose(metric.faithfulness(values, z, answers, weight), expected, atol=1e-10)
    expected = slow_faithfulness(values, z, answers, np.ones(60))
    np.testing.assert_allclose(metric.faithfulness(values, z, answers), expected, atol=1e-10)


@FEW
@given(seed=SEEDS)
def test_the_textbook_one_is_a_plain_correlation(seed):
    rng = np.random.default_rng(seed)
    z, values, answers = some_coalitions(rng), rng.normal(size=9), rng.normal(size=60)
    expected = np.corrcoef(z @ values, answers)[0, 1]
    np.testing.assert_allclose(metric.faithfulness_raw(values, z, answers), expected, atol=1e-10)


@FEW
@given(seed=SEEDS, constant=st.floats(-1e3, 1e3))
def test_a_map_that_counts_players_scores_zero(seed, constant):
    rng = np.random.default_rng(seed)
    z = some_coalitions(rng)
    assert metric.faithfulness(np.full(9, constant), z, rng.normal(size=60)) == 0.0


def test_a_game_that_counts_players_can_be_told_by_no_map():
    rng = np.random.default_rng(0)
    z = some_coalitions(rng)
    assert metric.faithfulness(rng.normal(size=9), z, 0.1 * z.sum(axis=1) + 3.0) == 0.0


@FEW
@given(
    seed=SEEDS, scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), of_map=st.floats(1e-3, 1e3),
    added=st.floats(-10, 10),
)  # fmt: skip
def test_scale_and_shift_of_the_game_and_of_the_map_do_not_matter(seed, scale, shift, of_map, added):
    rng = np.random.default_rng(seed)
    z, values, answers = some_coalitions(rng), rng.normal(size=9), rng.normal(size=60)
    expected = metric.faithfulness(values, z, answers)
    moved = metric.faithfulness(of_map * values + added, z, scale * answers + shift)
    # a shift of 100 on a range of 1e-3 leaves ten digits of the game, and as many of the map
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    assert -1 - 1e-12 <= expected <= 1 + 1e-12


def test_the_slopes_of_an_additive_game_score_one_and_their_negative_minus_one():
    game = games.additive(9, 0)
    z = some_coalitions(np.random.default_rng(0))
    answers, slopes = game(z)[:, 0], game.shapley[:, 0]
    np.testing.assert_allclose(metric.faithfulness(slopes, z, answers), 1.0, atol=1e-12)
    np.testing.assert_allclose(metric.faithfulness(-slopes, z, answers), -1.0, atol=1e-12)


def test_a_constant_map_scores_high_on_the_textbook_one_which_therefore_never_ranks():
    z = some_coalitions(np.random.default_rng(0), n=500)
    answers = z.sum(axis=1) + np.random.default_rng(1).normal(size=500)
    assert metric.faithfulness_raw(np.ones(9), z, answers) > 0.8
    assert metric.faithfulness(np.ones(9), z, answers) == 0.0


def test_a_listed_table_gives_every_size_the_same_weight():
    z = oracles.all_coalitions(6)[1:-1]
    weight = metric.size_weights(z)
    np.testing.assert_allclose(np.bincount(z.sum(axis=1), weights=weight)[1:6], 1.0)


# ------------------------------------------------------------------------------------------------ orders and areas


@FEW
@given(constant=st.floats(-1e6, 1e6), n=st.integers(2, 50))
def test_the_area_under_a_constant_curve_is_the_constant(constant, n):
    np.testing.assert_allclose(metric.area(np.full(n, constant)), constant, rtol=1e-12, atol=1e-300)


@FEW
@given(curve=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_the_area_is_the_mean_of_the_trapezoids_and_the_same_backwards(curve):
    values = np.array(curve)
    expected = sum((a + b) / 2 for a, b in pairwise(curve)) / (len(curve) - 1)
    np.testing.assert_allclose(metric.area(values), expected, atol=1e-9)
    np.testing.assert_allclose(metric.area(values[::-1]), expected, atol=1e-9)


@FEW
@given(values=st.lists(st.integers(-3, 3), min_size=2, max_size=20), seed=SEEDS)
def test_an_order_falls_in_value_and_ties_come_in_two_opposite_orders(values, seed):
    values = np.array(values, dtype=float)
    orders = metric.rankings(values, np.random.default_rng(seed))
    for order in orders:
        assert sorted(order) == list(range(len(values)))
        assert (np.diff(values[order]) <= 0).all()
    if len(set(values)) == len(values):
        assert len(orders) == 1
    else:
        for level in set(values):
            tied = [[p for p in order if values[p] == level] for order in orders]
            assert tied[0] == tied[1][::-1]


def test_untied_values_have_one_order_which_no_seed_changes():
    values = np.random.default_rng(0).normal(size=12)
    orders = [metric.rankings(values, np.random.default_rng(seed)) for seed in range(5)]
    for order in orders:
        np.testing.assert_array_equal(order, [np.argsort(-values)])


def test_deletion_hides_and_insertion_shows_the_first_players_of_the_order_first():
    deletion, insertion = metric.curve_coalitions(np.array([2, 0, 1]))
    assert insertion.tolist() == [[False] * 3, [False, False, True], [True, False, True], [True] * 3]
    np.testing.assert_array_equal(deletion, ~insertion)


# ------------------------------------------------------------------------------------------------ through compare()


def scored(game, methods=("kernel_shap",), metrics=("faithfulness",), seed=0, maps=None, **options):
    predictor, space, x = games.door(game)
    found = px.explain(list(methods), predictor, space, x, seed=seed, **options)
    first = found[methods[0]]
    for name, values in (maps or {}).items():
        found[name] = px.Attribution((replace(first[0], values=values),), first.meta)
    return px.compare(found, predictor, space, metrics=list(metrics))


@pytest.mark.parametrize("game", [games.network_game(0), games.network_game(1), games.SIGMOID_20], ids=str)
def test_exact_shapley_values_beat_their_reverse_and_a_constant_map_scores_zero(game):
    backwards = np.empty_like(game.shapley)
    np.put_along_axis(backwards, np.argsort(game.shapley, axis=0), -np.sort(-game.shapley, axis=0), axis=0)
    maps = {"exact": game.shapley, "backwards": backwards, "flat": np.ones_like(game.shapley)}
    lines = scored(game, maps=maps, budget=400).to_frame()
    value = lines.groupby("method").value.mean()
    assert value["exact"] > 0.7 and value["backwards"] < 0 and value["flat"] == 0.0


@pytest.mark.parametrize("budget", [40, 60, 200])
def test_no_coalition_that_the_explainers_asked_is_scored_on(budget):
    asked = []
    inner = games.polynomial(12, (1, 2, 3), 20, seed=0)

    def value(z):
        asked.append(z.copy())
        return inner(z)

    game = games.KnownGame("recorded", 12, value, None)
    predictor, space, x = games.door(game)
    found = px.explain(["kernel_shap", "lime", "pdp", "ice"], predictor, space, x, seed=5, budget=budget)
    fitted = {row.tobytes() for row in np.concatenate(asked)}
    asked.clear()
    px.compare(found, predictor, space, metrics=["faithfulness"])
    rows = np.concatenate(asked)
    scored_on = [row for row in rows if 0 < row.sum() < 12]
    assert len(scored_on) == 200
    assert not any(row.tobytes() in fitted for row in scored_on)


def test_scores_equal_the_metric_on_the_coalitions_asked():
    asked, inner = [], games.polynomial(12, (1, 2, 3), 20, seed=0)

    def value(z):
        asked.append(z.copy())
        return inner(z)

    predictor, space, x = games.door(games.KnownGame("recorded", 12, value, None))
    found = px.explain("kernel_shap", predictor, space, x, budget=60)
    asked.clear()
    lines = px.compare(found, predictor, space, metrics=["faithfulness", "faithfulness_raw"]).to_frame()
    z = np.concatenate(asked)
    z = z[z.sum(axis=1) < 12].astype(bool)  # the full one is asked first, to learn the outputs
    values, answers = found["kernel_shap"].values[0, :, 0], inner(z)[:, 0]
    expected = slow_faithfulness(values, z, answers, np.ones(len(z)))
    np.testing.assert_allclose(lines[lines.metric == "faithfulness"].value.item(), expected, atol=1e-12)
    expected = np.corrcoef(z @ values, answers)[0, 1]
    np.testing.assert_allclose(lines[lines.metric == "faithfulness_raw"].value.item(), expected, atol=1e-12)
    assert set(lines.test_set) == {"200 untouched coalitions, sizes uniform"}


def test_where_everything_was_listed_the_whole_table_is_the_test_with_sizes_weighted_alike():
    game = games.random_table(5, 0)
    lines = scored(game).to_frame()
    assert set(lines.test_set) == {"exact table"}
    z = oracles.all_coalitions(5)[1:-1]
    counts = np.bincount(z.sum(axis=1))
    weight = 1.0 / counts[z.sum(axis=1)]
    for k in range(2):
        expected = slow_faithfulness(game.shapley[:, k], z, game(z)[:, k], weight)
        np.testing.assert_allclose(lines[lines.output == str(k)].value.item(), expected, atol=1e-12)


@pytest.mark.parametrize("n_players", [2, 3])
def test_games_too_small_to_leave_anything_are_scored_on_the_whole_table(n_players):
    lines = scored(games.additive(n_players, 0)).to_frame()
    assert set(lines.test_set) == {"exact table"}
    np.testing.assert_allclose(lines.value, 1.0, atol=1e-12)


def test_a_map_is_scored_on_the_same_coalitions_whatever_it_is_compared_with():
    game = games.SIGMOID_20
    alone = scored(game, budget=200).to_frame()
    together = scored(game, methods=("kernel_shap",), maps={"flat": np.ones((20, 1))}, budget=200).to_frame()
    assert together[together.method == "kernel_shap"].value.item() == alone.value.item()


def test_scale_and_shift_of_a_model_do_not_change_the_ranking():
    game = games.polynomial(12, (1, 2, 3), 20, seed=0)
    moved = games.KnownGame("moved", 12, lambda z: 7 * game(z) - 40, None)
    values = [scored(g, methods=("kernel_shap", "lime"), budget=80).to_frame().value for g in (game, moved)]
    np.testing.assert_allclose(values[0], values[1], atol=1e-9)


def test_road_is_the_mean_of_what_the_most_valued_take_more_than_the_least_valued():
    most, least = np.linspace(1.0, 0.1, 10), np.ones(10)
    assert metric.road(most, least) == pytest.approx(0.45)
    assert metric.road(least, most) == pytest.approx(-0.45)
    assert metric.road(most, most) == 0.0
