"""One signed value a player by five methods: where they must agree, and what a call of all five costs."""

from __future__ import annotations

import games
import numpy as np
import pandas as pd
import pytest

import perturbxai as px

FIVE = ["lime", "kernel_shap", "pdp", "ice", "ale"]


def linear(X):
    return np.column_stack([X @ [2.0, -1.0, 0.5, 3.0], X @ [0.0, 1.0, -4.0, 0.25] + 7.0])


def stepped(X):
    return (X[:, 0] ** 2 + np.sin(3 * X[:, 1]) + np.exp(X[:, 2] / 2))[:, None]


@pytest.fixture
def levels():
    """Whole numbers on few levels, each of them an edge of ALE's bins, on which any function is linear within bins."""
    X = np.random.default_rng(0).integers(-2, 4, size=(300, 3)).astype(float)
    return X, px.TabularSpace(X, background=25), np.array([[3.0, -2.0, 0.0], [-1.0, 2.0, 3.0]])


def test_all_five_agree_on_a_linear_model():
    X = np.random.default_rng(0).normal(size=(300, 4))
    space, x = px.TabularSpace(X, background=25), X[:3]
    found = px.explain(FIVE, px.Predictor(linear), space, x)
    coefficient = np.array([[2.0, -1.0, 0.5, 3.0], [0.0, 1.0, -4.0, 0.25]]).T
    expected = (x - space.background.mean(axis=0))[:, :, None] * coefficient
    for method in FIVE:
        np.testing.assert_allclose(found[method].values, expected, atol=1e-9, err_msg=method)


def test_all_five_agree_on_an_additive_model_whose_parts_are_linear_within_the_bins(levels):
    _, space, x = levels
    found = px.explain(FIVE, px.Predictor(stepped), space, x)
    parts = [lambda v: v**2, lambda v: np.sin(3 * v), lambda v: np.exp(v / 2)]
    expected = np.array([[g(row[j]) - g(space.background[:, j]).mean() for j, g in enumerate(parts)] for row in x])
    for method in FIVE:
        np.testing.assert_allclose(found[method].values[:, :, 0], expected, atol=1e-9, err_msg=method)


def test_on_an_additive_model_no_coalition_method_and_no_bin_claims_an_error(levels):
    _, space, x = levels
    for method, found in px.explain(FIVE, px.Predictor(stepped), space, x).items():
        assert found.stderr.max() < 1e-12, method  # rounding of values of order 10


def test_interactions_set_the_methods_apart():
    X = np.random.default_rng(0).normal(size=(300, 2))
    found = px.explain(FIVE, px.Predictor(lambda X: X[:, 0] * X[:, 1]), px.TabularSpace(X), np.array([[2.0, 1.0]]))
    v = {m: found[m].values[0, 0, 0] for m in FIVE}
    np.testing.assert_allclose(v["kernel_shap"], (v["pdp"] + v["ice"]) / 2, atol=1e-12)  # two players: the two orders
    assert abs(v["ice"] - v["pdp"]) > 1.0


def test_all_five_agree_on_a_picture_that_is_a_sum_of_pixels():
    rng = np.random.default_rng(0)
    picture, slope = rng.random((12, 12, 3), dtype=np.float32), rng.normal(size=(12, 12, 3))
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.25)
    predictor = px.Predictor(lambda pictures: np.tensordot(pictures.astype(np.float64), slope, 3))
    found = px.explain(FIVE, predictor, space, picture, budget=400)
    expected = space.pool(((picture.astype(np.float64) - 0.25) * slope).sum(axis=2), picture)[0]
    for method in FIVE:
        # ALE blends in float32: 48 pixels of a superpixel at 6e-8 each, five bins
        atol = 1e-5 if method == "ale" else 1e-9
        np.testing.assert_allclose(found[method].values[0, :, 0], expected, atol=atol, err_msg=method)


def test_the_gap_of_all_that_sum_to_the_gain_is_not_reported_and_that_of_the_others_vanishes_if_additive(levels):
    _, space, x = levels
    found = px.explain(FIVE, px.Predictor(stepped), space, x)
    np.testing.assert_allclose([e.meta["gap"] for e in found["ale"]], 0.0, atol=1e-9)
    gain = found["ale"].prediction - found["ale"].base
    np.testing.assert_allclose(found["kernel_shap"].values.sum(axis=1), gain, atol=1e-9)
    assert "gap" not in found["kernel_shap"].meta


def test_a_call_of_all_five_asks_nothing_twice_and_each_method_names_its_own_rows(levels):
    _, space, x = levels
    asked = []

    def model(rows):
        asked.append(rows.copy())
        return stepped(rows)

    predictor = px.Predictor(model)
    found = px.explain(FIVE, predictor, space, x)
    rows = np.concatenate(asked)
    assert len(np.unique(rows, axis=0)) == len(rows) == predictor.rows
    assert found["lime"].meta["rows"] == found["pdp"].meta["rows"]
    assert predictor.rows <= found["lime"].meta["rows"] + found["ale"].meta["rows"]


def test_a_call_of_all_five_returns_results_that_share_names_outputs_and_units():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=["age", "pay", "debt"])
    predictor = px.Predictor(lambda rows: rows["age"].to_numpy() * 2, outputs=["score"])
    found = px.explain(FIVE, predictor, px.TabularSpace(frame), frame.iloc[[4, 7]])
    tables = pd.concat([result.to_frame() for result in found.values()])
    assert list(tables.columns[:6]) == ["method", "row", "feature", "feature_value", "output", "value"]
    assert set(tables.method) == set(FIVE) and set(tables.row) == {4, 7}
    assert set(tables.feature) == {"age", "pay", "debt"} and set(tables.output) == {"score"}


@pytest.mark.parametrize("method", FIVE)
def test_a_row_gets_the_same_bits_alone_and_in_company(method):
    X = np.random.default_rng(0).normal(size=(200, 4))
    space, x = px.TabularSpace(X, background=10), X[:6]

    def model(rows):  # row by row, so that the batch cannot change a bit
        return rows[:, 0] * rows[:, 1] + rows[:, 2] ** 3

    together = px.explain(method, px.Predictor(model), space, x)[method]
    backwards = px.explain(method, px.Predictor(model), space, x[::-1])[method]
    alone = px.explain(method, px.Predictor(model), space, x[4])[method]
    for other in (backwards[1], alone[0]):
        np.testing.assert_array_equal(other.values, together[4].values)
        np.testing.assert_array_equal(other.stderr, together[4].stderr)


@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_on_a_photo_the_seed_decides_the_reference_rows(method):
    game = games.network_game(0, n_players=4)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor, picture = px.Predictor(game.extras["net"], batch_size=64), game.extras["picture"]
    one, again, other = (
        px.explain(method, predictor, space, picture, budget=80, seed=seed)[method].values for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-6


# ------------------------------------------------------------------------------------------------ few players


@pytest.mark.parametrize("n_players", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_the_background_error_is_that_of_redrawing_it_also_for_few_players(n_players):
    X = np.random.default_rng(0).normal(size=(5_000, n_players))  # fifty of them are drawn as if it had no end
    x = np.arange(1.0, n_players + 1.0)

    def model(rows):
        return rows[:, 0] ** 2 + rows.prod(axis=1) + rows[:, 0]

    drawn = {"pdp": [], "ice": []}
    stated = {"pdp": [], "ice": []}
    for seed in range(150):
        space = px.TabularSpace(X, background=50, seed=seed)
        for name, found in px.explain(["pdp", "ice"], px.Predictor(model), space, x).items():
            drawn[name].append(found.values[0, :, 0])
            stated[name].append(found.stderr_background[0, :, 0] ** 2)
    for name in drawn:
        ratio = np.sqrt(np.mean(stated[name], axis=0)) / np.std(drawn[name], axis=0)
        assert (np.abs(ratio - 1.0) < 0.25).all(), (name, ratio)  # a deviation of 150 draws is known to 6 %


def test_an_input_without_players_does_not_hide_the_background_error_of_the_others():
    X = np.random.default_rng(0).normal(size=(400, 3))
    space = px.TabularSpace(X[:, :2] * [1.0, 0.0], background=30)
    found = px.explain(["pdp", "ice"], px.Predictor(lambda rows: rows[:, 0]), space, np.array([[2.0, 0.0], [1.0, 0.0]]))
    for one in found.values():
        assert (one.stderr_background[:, 0] > 0).all() and (one.stderr_background[:, 1] == 0).all()
