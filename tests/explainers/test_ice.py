"""ICE's value of a player: the input's own curve against its definition on tables, occlusion on photos."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design


def curved(X):
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 2] * X[:, 1]])


def data(n=200, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def slow_own_curve(model, x, background, weights):
    """(D, K): the model at x, less its mean over x with one column taken from the background rows."""
    out = []
    for d in range(len(x)):
        moved = np.repeat(x[None], len(background), axis=0)
        moved[:, d] = background[:, d]
        out.append(model(x[None])[0] - weights @ model(moved))
    return np.array(out)


@pytest.mark.parametrize("choose", ["sample", "kmeans", "all"])
def test_a_value_is_the_model_at_x_less_its_mean_without_the_column(choose):
    space = px.TabularSpace(data(60), background=20, choose=choose)
    x = data(3, seed=1)
    found = px.explain("ice", px.Predictor(curved), space, x)["ice"]
    expected = [slow_own_curve(curved, row, space.background, space.background_weights) for row in x]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)  # sums of 20 terms of order 1


@pytest.mark.parametrize("n_players", [2, 3, 7])
def test_on_any_game_it_is_what_the_players_absence_takes_from_everything(n_players):
    game = games.random_table(n_players, seed=n_players)
    found = px.explain("ice", *games.door(game))["ice"]
    _, full = game.ends
    expected = full - np.asarray(game(1.0 - np.eye(n_players)))
    np.testing.assert_allclose(found.values[0], expected, atol=1e-12)


def test_with_two_players_pdp_and_ice_read_the_same_two_coalitions_the_other_way():
    game = games.random_table(2, seed=4)
    found = px.explain(["pdp", "ice"], *games.door(game))
    empty, full = game.ends
    alone = game(np.eye(2))
    np.testing.assert_allclose(found["pdp"].values[0], alone - empty, atol=1e-12)
    np.testing.assert_allclose(found["ice"].values[0], full - alone[::-1], atol=1e-12)


def test_a_single_player_has_the_whole_gain_by_both():
    X = data(50, d=1)
    predictor, x = px.Predictor(lambda rows: rows[:, 0] ** 2), np.array([[2.0]])
    for method in ("pdp", "ice"):
        found = px.explain(method, predictor, px.TabularSpace(X, background="all"), x)[method]
        np.testing.assert_allclose(found.values[0, 0, 0], 4.0 - (X**2).mean(), atol=1e-12)


def test_alone_it_asks_for_the_leave_one_outs_and_the_ends_only():
    predictor, space, x = games.door(games.two_additive(15, 0))
    px.explain("ice", predictor, space, x)
    assert predictor.rows == 15 + 2


def test_a_table_without_the_leave_one_outs_is_refused():
    game = games.two_additive(9, 0)
    design = draw_design([laws.shapley(9)], 9, 30, np.random.default_rng(0))
    with pytest.raises(ValueError, match="of the 9 coalitions of size 8; all are needed"):
        px.Ice().estimate(games.evaluate(game, design))


def test_on_a_photo_it_is_occlusion():
    game = games.network_game(0, n_players=8)
    picture, labels = game.extras["picture"], game.extras["labels"]
    predictor = px.Predictor(game.extras["net"])
    space = px.ImageSpace(segments=labels, fill=game.extras["fill"])
    found = px.explain("ice", predictor, space, picture, budget=10)["ice"]
    fill = np.full_like(picture, game.extras["fill"])
    hidden = oracles.splice_pixels(picture, fill, labels, ~np.eye(8, dtype=bool))
    expected = predictor(picture[None]) - predictor(hidden)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-12)  # a float64 network in other batches
    assert found.meta["rows"] == 10


def test_occlusion_shares_the_table_of_the_other_methods_on_a_photo():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor = px.Predictor(game.extras["net"])
    found = px.explain(["kernel_shap", "ice"], predictor, space, game.extras["picture"], budget=100)
    assert predictor.rows <= 100
    assert found["ice"].meta["rows_shared_with"] == ["kernel_shap"]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), n_players=st.integers(2, 7), scale=st.floats(-10, 10), shift=st.floats(-100, 100))
def test_pdp_and_ice_scale_with_the_model_and_do_not_see_a_shift(seed, n_players, scale, shift):
    game = games.random_table(n_players, seed)
    moved = games.KnownGame("moved", n_players, lambda z: scale * game(z) + shift, None)
    for method in ("pdp", "ice"):
        before, after = (px.explain(method, *games.door(g))[method].values for g in (game, moved))
        np.testing.assert_allclose(after, scale * before, atol=1e-10)  # rounding at 100


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), n_players=st.integers(2, 7))
def test_the_ice_of_a_game_is_the_pdp_of_its_mirror_image(seed, n_players):
    game = games.random_table(n_players, seed)
    mirror = games.KnownGame("mirror", n_players, lambda z: -game(1.0 - z), None)
    ice, pdp = px.explain("ice", *games.door(game))["ice"], px.explain("pdp", *games.door(mirror))["pdp"]
    np.testing.assert_allclose(ice.values, pdp.values, atol=1e-12)
