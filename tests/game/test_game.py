"""Game: the value of coalitions against a slow oracle, each question once, on tables and on pictures."""

from __future__ import annotations

import numpy as np
import oracles
import pandas as pd
import pytest
import recorders
from recorders import FIVE, Recorder

import perturbxai as px
from perturbxai.core import questions
from perturbxai.models.predictor import ModelError


def splice(model, space, x, z):
    """(M, K), slowly: the weighted mean over the background of the model at x with the absent players' columns replaced."""
    values = []
    for present in z:
        rows = []
        for base in space.background:
            rows.append([x[d] if present[p] else base[d] for d, p in enumerate(space.player_of_column)])
        values.append(space.background_weights @ model(np.array(rows)))
    return np.array(values)


def reveal(model, picture, fill, labels, z):
    """(M, K), slowly: the model at the picture where a superpixel is present, at the fill elsewhere."""
    return np.concatenate([model(oracles.splice_pixels(picture, fill, labels, present[None])) for present in z])


def coalitions(n_players):
    z = oracles.all_coalitions(n_players)
    return z if len(z) <= 64 else z[:: len(z) // 60]


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    "options",
    [
        {"background": 1},
        {"background": 9},
        {"background": 6, "choose": "kmeans"},
        {"background": "all", "weights": np.arange(40.0)},
        {"background": 9, "groups": {"ab": ["x0", "x3"], "cd": ["x1", "x4", "x5"]}},
    ],
    ids=str,
)
def test_values_on_a_table_are_the_weighted_mean_over_spliced_background_rows(options):
    X = np.random.default_rng(0).normal(size=(40, 6))
    space = px.TabularSpace(X, **options)
    x = np.random.default_rng(1).normal(size=(2, 6))
    game = px.Game(px.Predictor(recorders.of_table, batch_size=11), space, x)
    z = oracles.all_coalitions(space.n_players)
    for number in (0, 1):
        expected = splice(recorders.of_table, space, x[number], z)
        np.testing.assert_allclose(game.evaluate(z, number), expected, atol=1e-13)
        np.testing.assert_allclose(game.ends(number), expected[[0, -1]], atol=1e-13)


def test_a_row_that_equals_the_background_in_some_columns_has_the_values_of_its_splices():
    space, x = recorders.table()
    game = px.Game(px.Predictor(recorders.of_table), space, x)
    z = oracles.all_coalitions(6)
    assert [len(one.active) for one in game.inputs] == [5, 6, 5, 6]
    for number in range(4):
        np.testing.assert_allclose(game.evaluate(z, number), splice(recorders.of_table, space, x[number], z), atol=1e-13)


def test_missing_values_of_the_background_and_of_the_row_reach_the_model_as_they_are():
    def model(X):
        return np.column_stack([np.nan_to_num(X, nan=10.0) @ [1.0, 2.0, 4.0], np.isnan(X).sum(axis=1)])

    space = px.TabularSpace(np.array([[np.nan, 0.0, 1.0], [2.0, np.nan, 3.0]]))
    x = np.array([np.nan, 5.0, np.nan])
    z = oracles.all_coalitions(3)
    found = px.Game(px.Predictor(model), space, x).evaluate(z)
    np.testing.assert_allclose(found, splice(model, space, x, z), atol=1e-13)


@pytest.mark.parametrize("fill", ["mean", "blur", 0.25, (0.1, 0.5, 0.9)], ids=str)
def test_values_on_pictures_are_the_model_at_the_filled_pictures(fill):
    space, x = recorders.pictures(2, fill=fill)
    game = px.Game(px.Predictor(recorders.of_pictures, batch_size=7), space, x)
    z = coalitions(9)
    for number, one in enumerate(game.inputs):
        expected = reveal(recorders.of_pictures, one.picture, one.fill, one.labels, z)
        np.testing.assert_array_equal(game.evaluate(z, number), expected)


def test_a_superpixel_that_the_fill_cannot_hide_changes_nothing_and_is_named():
    space, x = recorders.pictures(2)
    game = px.Game(px.Predictor(recorders.of_pictures), space, x)
    z = coalitions(9)
    hidden, shown = z.copy(), z.copy()
    hidden[:, 4], shown[:, 4] = False, True
    np.testing.assert_array_equal(game.evaluate(hidden, 1), game.evaluate(shown, 1))
    found = px.explain(FIVE, px.Predictor(recorders.of_pictures), space, x, budget=200)
    for one in found.values():
        assert [e.meta["merged"] for e in one] == [[], ["superpixel 4"]]
        assert (one[1].values[4] == 0).all() and (one[0].values[4] != 0).all()
        assert (one[1].stderr[4] > 0).all()  # rounding, never nothing


def test_the_players_that_are_left_are_those_of_the_picture_with_one_superpixel_less():
    space, x = recorders.pictures(2)
    labels = space.segments
    found = px.explain("kernel_shap", px.Predictor(recorders.of_pictures), space, x[1], budget=512)["kernel_shap"][0]
    fill = px.ImageSpace(segments=labels, fill="mean").players(x[1])[0].fill
    rest = np.delete(np.arange(9), 4)

    def game(z):
        whole = np.ones((len(z), 9), dtype=bool)
        whole[:, rest] = np.asarray(z, dtype=bool)
        return reveal(recorders.of_pictures, x[1], fill, labels, whole)

    np.testing.assert_allclose(found.values[rest], oracles.shapley(game, 8), atol=1e-11)


@pytest.mark.parametrize("methods", [["lime", "kernel_shap", "pdp", "ice", "ale"]], ids=len)
def test_the_order_of_the_columns_does_not_matter(methods):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 6)), columns=list("abcdef"))

    def model(rows):
        return recorders.of_table(rows[list("abcdef")].to_numpy())

    found = []
    for order in ("abcdef", "fcadbe"):
        space = px.TabularSpace(frame[list(order)], background="all")
        result = px.explain(methods, px.Predictor(model), space, frame.iloc[:2][list(order)])
        found.append({m: a.values[:, [order.index(c) for c in "abcdef"]] for m, a in result.items()})
    for method in methods:  # listed, so that nothing but rounding is left
        np.testing.assert_allclose(found[0][method], found[1][method], atol=1e-11)


def test_the_order_of_the_background_rows_does_not_matter():
    X, x = np.random.default_rng(0).normal(size=(30, 6)), np.random.default_rng(1).normal(size=(1, 6))
    weights = np.random.default_rng(2).random(30)
    turned = np.random.default_rng(3).permutation(30)
    z = oracles.all_coalitions(6)
    found = [
        px.Game(px.Predictor(recorders.of_table), px.TabularSpace(X[o], background="all", weights=weights[o]), x).evaluate(z)
        for o in (np.arange(30), turned)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-13)


# ------------------------------------------------------------------------------------------------ memo


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_what_was_asked_once_is_not_asked_again(kind):
    recorder = Recorder(recorders.of_table if kind == "table" else recorders.of_pictures)
    space, x = recorders.table() if kind == "table" else recorders.pictures()
    predictor = px.Predictor(recorder)
    game = px.Game(predictor, space, x)
    z = coalitions(game.inputs[0].names.__len__())
    first = [game.evaluate(z, number) for number in range(len(x))]
    asked = predictor.rows
    again = [game.evaluate(z[::-1], number)[::-1] for number in range(len(x))]
    game.ends(0)
    assert predictor.rows == asked == len(recorder.rows) and recorder.repeated == 0
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_row_or_picture_given_twice_is_asked_once():
    for kind in ("table", "picture"):
        space, x = recorders.table() if kind == "table" else recorders.pictures(fill=0.0)
        predictor = px.Predictor(recorders.of_table if kind == "table" else recorders.of_pictures)
        game = px.Game(predictor, space, [x[0], x[0]] if kind == "picture" else x[[0, 0]])
        z = coalitions(len(game.inputs[0].names))
        first = game.evaluate(z, 0)
        asked = predictor.rows
        np.testing.assert_array_equal(game.evaluate(z, 1), first)
        assert predictor.rows == asked


def test_pictures_of_one_size_share_the_picture_of_a_constant_fill_but_not_one_of_their_own():
    nothing = np.zeros((1, 9), dtype=bool)
    for fill, expected in ((0.0, 2), ("mean", 3)):
        space, x = recorders.pictures(2, fill=fill)
        predictor = px.Predictor(recorders.of_pictures)
        game = px.Game(predictor, space, x)
        values = [game.evaluate(nothing, number) for number in (0, 1)]
        assert predictor.rows == expected  # the first picture itself, and one or two fills
        for one, found in zip(game.inputs, values, strict=True):
            np.testing.assert_array_equal(found, reveal(recorders.of_pictures, one.picture, one.fill, one.labels, nothing))


def test_a_picture_with_a_part_that_no_fill_hides_keeps_its_own_empty_coalition():
    labels = np.arange(144).reshape(12, 12) // 36
    x = [np.random.default_rng(s).random((12, 12, 3)).astype(np.float32) for s in (0, 1)]
    x[1][labels == 2] = 0.0  # as the fill has it: the same empty picture, though one player less
    space = px.ImageSpace(segments=labels, fill=0.0)
    game = px.Game(px.Predictor(recorders.of_pictures), space, x)
    for number in (0, 1):
        one = game.inputs[number]
        expected = reveal(recorders.of_pictures, one.picture, one.fill, labels, oracles.all_coalitions(4))
        np.testing.assert_array_equal(game.evaluate(oracles.all_coalitions(4), number), expected)


def test_opacities_of_0_and_1_are_the_coalitions_that_were_asked_already():
    space, x = recorders.pictures(1)
    predictor = px.Predictor(recorders.of_pictures)
    game = px.Game(predictor, space, x)
    z = coalitions(9)
    values = game.evaluate(z)
    asked = predictor.rows
    (answer,) = game.ask([(0, questions.Opacities(z.astype(np.float64)))])
    np.testing.assert_array_equal(answer.values, values)
    assert predictor.rows == asked


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("z", [np.ones(6), np.ones((2, 5)), np.ones((1, 2, 6))], ids=np.shape)
def test_coalitions_of_another_shape_are_refused(z):
    space, x = recorders.table()
    with pytest.raises(ValueError, match=r"z has shape .*; expected \(coalitions, 6 players\)"):
        px.Game(px.Predictor(recorders.of_table), space, x).evaluate(z)


def test_half_present_players_are_refused_as_coalitions():
    space, x = recorders.table()
    with pytest.raises(ValueError, match="z has values other than 0 and 1"):
        px.Game(px.Predictor(recorders.of_table), space, x).evaluate(np.full((1, 6), 0.5))


def test_questions_of_the_wrong_kind_are_refused():
    space, x = recorders.table()
    with pytest.raises(TypeError, match="a table's columns have no opacity"):
        px.Game(px.Predictor(recorders.of_table), space, x).ask([(0, questions.Opacities(np.ones((1, 6))))])
    space, x = recorders.pictures()
    with pytest.raises(TypeError, match="a picture has no table rows"):
        px.Game(px.Predictor(recorders.of_pictures), space, x).ask([(0, questions.Rows(np.ones((1, 6))))])


def test_the_spread_of_the_background_survives_a_failure_on_the_way():
    space, x = recorders.table()
    bad = {"left": 1}

    def model(X):
        values = recorders.of_table(X)
        bad["left"] -= 1
        return values * np.nan if bad["left"] == -1 else values  # the second call: the background rows

    game = px.Game(px.Predictor(model), space, x)
    question = [(0, questions.Coalitions(oracles.all_coalitions(5)))]
    with pytest.raises(ModelError):
        game.ask(question, spread=True)
    (again,) = game.ask(question, spread=True)
    (expected,) = px.Game(px.Predictor(recorders.of_table), space, x).ask(question, spread=True)
    np.testing.assert_array_equal(again.spread, expected.spread)
