"""Occlusion and inclusion: the coalitions of one player and of all but one, on tables and photos."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest

import perturbxai as px
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

BOTH = pytest.mark.parametrize("method", ["occlusion", "inclusion"])


def by_definition(method, game):
    """(P, K) from the game's own values."""
    empty, full = game.ends
    eye = np.eye(game.n_players)
    return full - game(1.0 - eye) if method == "occlusion" else game(eye) - empty


def data(n=200, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 4))


def curved(X):
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 3] * X[:, 1]])


@BOTH
@pytest.mark.parametrize("n_players", [1, 2, 3, 12, 60])
def test_values_are_those_of_the_definition_from_p_plus_2_coalitions(method, n_players):
    game = games.two_additive(n_players, n_players, n_outputs=2) if n_players > 7 else games.random_table(n_players, 0)
    predictor, space, x = games.door(game)
    found = px.explain(method, predictor, space, x, budget=n_players + 2)[method]
    np.testing.assert_allclose(found.values[0], by_definition(method, game), atol=1e-11)
    assert predictor.rows == found.meta["rows"] <= n_players + 2


@BOTH
def test_there_is_no_error_of_coalitions_but_rounding(method):
    found = px.explain(method, px.Predictor(curved), px.TabularSpace(data(), background=10), data(2, seed=1))[method]
    assert found.stderr.max() < 1e-13 and np.isinf(found[0].df)
    assert found.stderr_background.max() > 0.01  # ten rows of 200


@pytest.mark.parametrize(("method", "twin"), [("occlusion", "ice"), ("inclusion", "pdp")])
def test_on_a_table_they_are_the_values_of_ice_and_pdp_with_their_background_errors(method, twin):
    space, predictor = px.TabularSpace(data(), background=20), px.Predictor(curved)
    found = px.explain([method, twin], predictor, space, data(3, seed=1))
    np.testing.assert_array_equal(found[method].values, found[twin].values)
    np.testing.assert_array_equal(found[method].stderr_background, found[twin].stderr_background)


def test_together_they_cost_two_coalitions_a_player_and_the_ends():
    game = games.two_additive(15, 0)
    predictor, space, x = games.door(game)
    found = px.explain(["occlusion", "inclusion"], predictor, space, x)
    assert predictor.rows == 2 * 15 + 2
    # of main effects and pairs the Shapley value is the mean of both
    mean = (found["occlusion"].values[0] + found["inclusion"].values[0]) / 2
    np.testing.assert_allclose(mean, game.shapley, atol=1e-11)


@BOTH
def test_they_cost_no_row_where_everything_is_listed(method):
    predictor, space, x = games.door(games.random_table(8, 0))
    px.explain(["kernel_shap", method], predictor, space, x)
    assert predictor.rows == 2**8


@pytest.fixture(scope="module")
def photo():
    game = games.network_game(0, n_players=8)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    return game, space


@BOTH
def test_on_a_photo_one_superpixel_is_hidden_or_shown_at_a_time(method, photo):
    game, space = photo
    picture, labels = game.extras["picture"], game.extras["labels"]
    predictor = px.Predictor(game.extras["net"])
    found = px.explain(method, predictor, space, picture, budget=10)[method]
    fill = np.full_like(picture, game.extras["fill"])
    alone = np.eye(8, dtype=bool)
    if method == "occlusion":
        expected = predictor(picture[None]) - predictor(oracles.splice_pixels(picture, fill, labels, ~alone))
    else:
        expected = predictor(oracles.splice_pixels(picture, fill, labels, alone)) - predictor(fill[None])
    np.testing.assert_allclose(found.values[0], expected, atol=1e-12)  # a float64 network in other batches
    assert found.meta["rows"] == 10


@BOTH
def test_a_budget_below_p_plus_2_is_refused_before_the_model_is_asked(method):
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match=f"budget=13 is below the 14 coalitions that {method}"):
        px.explain(method, predictor, space, x, budget=13)
    assert predictor.rows == 0


@pytest.mark.parametrize(("method", "size"), [(px.Occlusion(), 8), (px.Inclusion(), 1)])
def test_a_table_without_their_coalitions_is_refused(method, size):
    design = draw_design([laws.shapley(9)], 9, 30, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"of the 9 coalitions of size {size}; all are needed"):
        method.estimate(games.evaluate(games.two_additive(9, 0), design))
