"""PDP's value of a player: partial dependence against its definition on tables, opacity's rise against Shapley on photos."""

from __future__ import annotations

from functools import cache

import games
import numpy as np
import oracles
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design
from perturbxai.sampling.references import draw_references
from perturbxai.sampling.streams import Streams


def curved(X):
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 3] * X[:, 1]])


def data(n=200, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def slow_partial_dependence(model, x, background, weights):
    """(D, K): the mean over background rows that take x's value in one column, less the mean over background rows."""
    out = []
    for d in range(len(x)):
        moved = background.copy()
        moved[:, d] = x[d]
        out.append(weights @ (model(moved) - model(background)))
    return np.array(out)


def explained(space, model=curved, x=None, **options):
    x = np.array([[0.3, -1.2, 2.0, 0.7]]) if x is None else x
    return px.explain("pdp", px.Predictor(model), space, x, **options)["pdp"]


# ------------------------------------------------------------------------------------------------ tables


@pytest.mark.parametrize("choose", ["sample", "kmeans", "all"])
def test_a_value_is_partial_dependence_at_x_less_the_mean_over_the_background(choose):
    space = px.TabularSpace(data(60), background=20, choose=choose)
    x = data(3, seed=1)
    found = explained(space, x=x)
    expected = [slow_partial_dependence(curved, row, space.background, space.background_weights) for row in x]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)  # sums of 20 terms of order 1


def test_a_group_of_columns_moves_together():
    space = px.TabularSpace(data(), background=30, groups={"both": ["x0", "x1"]})
    moved = space.background.copy()
    moved[:, :2] = [0.3, -1.2]
    expected = (curved(moved) - curved(space.background)).mean(axis=0)
    found = explained(space)
    assert found.names == ("both", "x2", "x3")
    np.testing.assert_allclose(found.values[0, 0], expected, atol=1e-12)


def test_levels_and_missing_values_have_a_partial_dependence():
    X = pd.DataFrame({"town": ["a", "b", "b", "c"], "age": [1.0, np.nan, 3.0, 4.0]})

    def model(rows):
        return (rows.town == "b").to_numpy() * 2.0 + rows.age.isna().to_numpy() + (rows.age.fillna(0) > 2).to_numpy()

    x = pd.DataFrame({"town": ["b"], "age": [np.nan]})
    found = px.explain("pdp", px.Predictor(model), px.TabularSpace(X), x)["pdp"]
    np.testing.assert_allclose(found.values[0, :, 0], [2 - 1.0, 1 - (0.25 + 0.5)], atol=1e-12)


def test_pdp_and_ice_cost_no_row_where_everything_is_listed():
    space, x = px.TabularSpace(data(), background=10), data(2, seed=1)
    rows = []
    for methods in (["lime", "kernel_shap"], ["lime", "kernel_shap", "pdp", "ice"]):
        predictor = px.Predictor(curved)
        px.explain(methods, predictor, space, x)
        rows.append(predictor.rows)
    assert rows[0] == rows[1]


def test_pdp_and_ice_stay_within_the_budget_of_the_table_they_share():
    game = games.two_additive(15, 0)
    predictor, space, x = games.door(game)
    found = px.explain(["kernel_shap", "lime", "pdp", "ice"], predictor, space, x, budget=100)
    assert predictor.rows <= 100
    assert {result.meta["rows"] for result in found.values()} == {predictor.rows}


def test_alone_it_asks_for_the_singletons_and_the_ends_only():
    predictor, space, x = games.door(games.two_additive(15, 0))
    px.explain("pdp", predictor, space, x)
    assert predictor.rows == 15 + 2


def test_a_value_is_the_same_in_any_company():
    space, x = px.TabularSpace(data(), background=10), data(2, seed=1)
    alone = explained(space, x=x).values
    shared = px.explain(["ice", "kernel_shap", "pdp"], px.Predictor(curved), space, x)["pdp"].values
    np.testing.assert_array_equal(alone, shared)


def test_given_the_background_a_value_is_exact():
    found = explained(px.TabularSpace(data(), background=10))
    assert found.stderr.max() < 1e-13  # rounding of values of order 1
    assert np.isinf(found[0].df)


def test_a_table_without_the_singletons_is_refused():
    game = games.two_additive(9, 0)
    design = draw_design([laws.shapley(9)], 9, 30, np.random.default_rng(0))
    with pytest.raises(ValueError, match="of the 9 coalitions of size 1; all are needed"):
        px.Pdp().estimate(games.evaluate(game, design))


# ------------------------------------------------------------------------------------------------ the background's error


@cache
def redrawn(n_rows=20, draws=250):
    """By method: root mean square of the stated error, and the deviation over redrawn backgrounds, (P, K) each."""
    X, x = data(4_000), np.array([[0.3, -1.2, 2.0, 0.7]])
    values, stated = {"pdp": [], "ice": []}, {"pdp": [], "ice": []}
    for seed in range(draws):
        space = px.TabularSpace(X, background=n_rows, seed=seed)
        for method, found in px.explain(["pdp", "ice"], px.Predictor(curved), space, x, budget=10).items():
            values[method].append(found.values[0])
            stated[method].append(found.stderr_background[0])
    return {m: (np.sqrt(np.mean(np.square(stated[m]), axis=0)), np.std(values[m], axis=0)) for m in values}


@pytest.mark.parametrize("method", [pytest.param("pdp", marks=pytest.mark.slow), "ice"])
def test_the_backgrounds_error_is_what_redrawing_it_brings(method):
    stated, seen = redrawn()[method]
    live = seen > 1e-9  # an output that a player does not enter has no error at all
    assert live.sum() >= 6
    # 250 draws know a deviation to 4.5 %, skewed gains somewhat worse; eight ratios are looked at
    np.testing.assert_allclose(stated[live] / seen[live], 1.0, atol=0.2)
    np.testing.assert_allclose(stated[~live], 0.0, atol=1e-9)


@pytest.mark.parametrize("method", ["pdp", "ice"])
@pytest.mark.parametrize("options", [{"background": "all"}, {"background": 1}], ids=str)
def test_a_background_that_is_not_a_draw_brings_no_error(method, options):
    X = data(50) if options["background"] == "all" else data(1)
    found = px.explain(method, px.Predictor(curved), px.TabularSpace(X, **options), data(1, seed=1))[method]
    assert found.stderr_background is None


# ------------------------------------------------------------------------------------------------ photos


def photo(game):
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    return px.Predictor(game.extras["net"], batch_size=64), space, game.extras["picture"]


def test_the_rise_of_opacity_is_the_shapley_value_within_its_interval():
    game = games.network_game(0)
    predictor, space, picture = photo(game)
    found = [px.explain("pdp", predictor, space, picture, budget=440, seed=s)["pdp"] for s in range(10)]
    inside = [np.abs(f.values[0] - game.shapley) <= f.interval()[1][0] - f.values[0] for f in found]
    assert np.mean(inside) >= 0.9  # 200 intervals of nominally 95 %, correlated within a run
    mean = np.mean([f.values[0] for f in found], axis=0)
    error = np.sqrt(np.mean([f.stderr[0] ** 2 for f in found], axis=0) / len(found))
    assert (np.abs(mean - game.shapley) < 4 * error).all()  # no bias that ten runs could show


def test_the_rise_of_opacity_is_the_mean_rise_over_its_reference_rows():
    game = games.network_game(1)
    predictor, space, picture = photo(game)
    found = px.explain("pdp", predictor, space, picture, budget=100, seed=3)["pdp"]
    rng = Streams(3).of_input(space.players(picture)[0].digest, "pdp")
    n_pairs = 100 // (2 * 11)
    _, present = draw_references(n_pairs, 10, rng)
    rise = np.zeros((10, 2))
    for row in present:
        for j in range(10):
            low, high = row.copy(), row.copy()
            low[j], high[j] = False, True
            rise[j] += (game(high[None]) - game(low[None]))[0] / len(present)
    np.testing.assert_allclose(found.values[0], rise, atol=1e-12)
    assert found.meta["reference_rows"] == 2 * n_pairs


def test_a_photo_costs_one_row_a_player_and_one_for_each_reference_row_at_most():
    game = games.network_game(0)
    predictor, space, picture = photo(game)
    for budget in (46, 67, 68, 500):
        before = predictor.rows
        found = px.explain("pdp", predictor, space, picture, budget=budget)["pdp"]
        asked = predictor.rows - before
        assert found.meta["rows"] <= found.meta["reference_rows"] * 11 <= budget - 2
        assert asked <= found.meta["rows"] + 2 <= budget  # the ends are asked besides


def test_a_budget_below_two_pairs_of_reference_rows_is_refused_before_the_model_is_asked():
    predictor, space, picture = photo(games.network_game(0))
    with pytest.raises(ValueError, match="budget=45 is below the 46 rows that pdp needs at 10 players"):
        px.explain("pdp", predictor, space, picture, budget=45)
    assert predictor.rows == 0


def test_the_gap_is_what_the_values_leave_of_the_gain_of_everything_over_nothing():
    game = games.network_game(0)
    found = px.explain("pdp", *photo(game), budget=300)["pdp"]
    empty, full = game.ends
    np.testing.assert_allclose(found[0].meta["gap"], full - empty - found.values[0].sum(axis=0), atol=1e-12)
    assert np.abs(found[0].meta["gap"]).max() > 1e-6


def test_an_additive_picture_is_exact_from_the_least_budget():
    rng = np.random.default_rng(0)
    picture, slope = rng.random((12, 12, 1), dtype=np.float32), rng.normal(size=(12, 12, 1))
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.25)
    predictor = px.Predictor(lambda pictures: (pictures * slope).sum(axis=(1, 2, 3)))
    found = px.explain("pdp", predictor, space, picture, budget=42)["pdp"]
    expected = space.pool(((picture.astype(np.float64) - 0.25) * slope)[:, :, 0], picture)[0]
    np.testing.assert_allclose(found.values[0, :, 0], expected, atol=1e-12)  # hard masks only: no float32 blend
    assert found.stderr.max() < 1e-12


def test_batch_size_does_not_change_a_bit_of_the_values_of_a_row_wise_model():
    def total(pictures):  # each row on its own, whatever the batch
        return np.array([np.sum(p, dtype=np.float64) ** 2 for p in pictures])

    picture = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    one, many = (
        px.explain("pdp", px.Predictor(total, batch_size=size), space, picture, budget=100)["pdp"] for size in (1, 64)
    )
    np.testing.assert_array_equal(one.values, many.values)
    np.testing.assert_array_equal(one.stderr, many.stderr)


def test_the_listed_values_of_these_photos_agree_with_the_mean_over_all_orders():
    game = games.network_game(0, n_players=6)
    np.testing.assert_allclose(oracles.shapley_by_orders(game, 6), game.shapley, atol=1e-12)
