"""Exact Shapley values and the sums over all coalitions behind them: enumeration, the axioms, sharing, refusals."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px
from perturbxai.estimation.coalitions import semivalues
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

GAMES = [
    games.additive(5, 0),
    games.two_additive(8, 1, n_outputs=3),
    games.unanimity(9, 4),
    games.sigmoid_game(12, 2.0, 4.0),
    games.random_table(7, 2),
    games.network_game(0),
]


def explained(game, budget=None, method="exact_shap", seed=0):
    return px.explain(method, *games.door(game), budget=budget, seed=seed)[method]


@pytest.mark.parametrize("game", GAMES, ids=str)
def test_values_are_those_of_the_definition(game):
    found = explained(game)
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-12)


@pytest.mark.parametrize("n_players", [1, 2, 6])
def test_values_are_the_mean_over_all_orders(n_players):
    game = games.random_table(n_players, seed=n_players)
    np.testing.assert_allclose(explained(game).values[0], oracles.shapley_by_orders(game, n_players), atol=1e-12)


def test_what_is_left_is_rounding_and_the_interval_contains_the_exact_values():
    game = games.random_table(8, 0)
    found = explained(game)
    low, high = found.interval()
    assert (low[0] <= game.shapley).all() and (game.shapley <= high[0]).all()
    assert found.stderr.max() < 1e-13 and np.isinf(found[0].df)


def test_an_output_far_from_zero_loses_no_digit_of_its_differences():
    game = games.random_table(8, 1)
    far = games.KnownGame("far", 8, lambda z: game(z) + 1e6, None)
    # the answers themselves hold 1e6 to 1e-10; a mean over them is known no better
    np.testing.assert_allclose(explained(far).values[0], game.shapley, atol=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), n_players=st.integers(1, 8), data=st.data())
def test_any_weight_by_size_gives_the_weighted_sum_of_what_a_player_adds(seed, n_players, data):
    game = games.random_table(n_players, seed)
    weight = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=n_players, max_size=n_players)))
    z = oracles.all_coalitions(n_players)
    values, expected = game(z), np.zeros((n_players, 2))
    for i in range(n_players):
        for code in range(2**n_players):
            if not code >> i & 1:
                expected[i] += weight[code.bit_count()] * (values[code | 1 << i] - values[code])
    order = np.random.default_rng(seed).permutation(len(z))
    found = semivalues.of_all_coalitions(z[order], values[order], weight)
    np.testing.assert_allclose(found, expected, atol=1e-11)  # up to 128 terms of order 10


# ------------------------------------------------------------------------------------------------ what it asks


def test_without_a_budget_every_coalition_of_up_to_16_players_is_asked_once():
    game = games.additive(11, 0)
    predictor, space, x = games.door(game)
    found = px.explain("exact_shap", predictor, space, x)["exact_shap"]
    assert predictor.rows == found.meta["rows"] == found.meta["coalitions"] == 2**11
    assert found.meta["listed"] is True


def test_it_shares_its_table_and_makes_the_others_exact():
    game = games.random_table(11, 0)
    predictor, space, x = games.door(game)
    found = px.explain(["kernel_shap", "exact_shap", "banzhaf", "pdp", "ice"], predictor, space, x)
    assert predictor.rows == 2**11
    np.testing.assert_allclose(found["kernel_shap"].values, found["exact_shap"].values, atol=1e-12)
    assert found["exact_shap"].meta["rows_shared_with"] == ["kernel_shap", "banzhaf", "pdp", "ice"]


def test_its_default_budget_leaves_that_of_methods_with_their_own_questions_alone():
    game = games.sigmoid_game(11, 2.0, 4.0)
    alone = explained(game, method="permutation_shap")
    together = px.explain(["exact_shap", "permutation_shap"], *games.door(game))["permutation_shap"]
    np.testing.assert_array_equal(alone.values, together.values)


def test_a_budget_below_2_to_the_p_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(9, 0))
    with pytest.raises(ValueError, match=r"budget=511 is below the 512 coalitions that exact_shap .* permutation_shap"):
        px.explain("exact_shap", predictor, space, x, budget=511)
    assert predictor.rows == 0


@pytest.mark.parametrize(
    ("n_players", "match"), [(17, "below the 131072 coalitions"), (25, "25 players have .* at most 24 players are")]
)
def test_more_players_than_are_listed_are_refused_before_the_model_is_asked(n_players, match):
    predictor, space, x = games.door(games.additive(n_players, 0))
    with pytest.raises(ValueError, match=match):
        px.explain("exact_shap", predictor, space, x)
    assert predictor.rows == 0


def test_a_table_that_is_a_sample_is_refused():
    game = games.two_additive(9, 0)
    design = draw_design([laws.shapley(9)], 9, 30, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"needs all 2\^9 coalitions, and the table holds a sample of 30"):
        px.ExactShap().estimate(games.evaluate(game, design))


# ------------------------------------------------------------------------------------------------ tables, photos, peers


@pytest.fixture(scope="module")
def boosted():
    rng = np.random.default_rng(0)
    # values that float32 represents, as the trees compare in it
    X = rng.normal(size=(200, 6)).astype(np.float32).astype(np.float64)
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0) * X[:, 4]
    return GradientBoostingRegressor(n_estimators=15, max_depth=3, random_state=0).fit(X, y), X


@pytest.mark.parametrize("choose", ["sample", "kmeans"])
def test_values_of_boosted_trees_equal_the_walk_over_their_leaves(boosted, choose):
    model, X = boosted
    space = px.TabularSpace(X, background=12, choose=choose)
    found = px.explain("exact_shap", px.Predictor(model), space, X[:2])["exact_shap"]
    expected = [oracles.tree_shapley(model, x, space.background, space.background_weights) for x in X[:2]]
    np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-9)


def test_values_equal_those_of_the_exact_explainer_of_shap(boosted):
    pytest.importorskip("shap")
    model, X = boosted
    space, predictor = px.TabularSpace(X, background=20), px.Predictor(model)
    ours = px.explain("exact_shap", predictor, space, X[:3])["exact_shap"]
    (theirs,) = px.reference("shap.exact", predictor, space, X[:3]).values()
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-9)


def test_a_photo_is_explained_from_all_masks_of_its_superpixels():
    game = games.network_game(0, n_players=8)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor = px.Predictor(game.extras["net"])
    found = px.explain("exact_shap", predictor, space, game.extras["picture"])["exact_shap"]
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-12)  # a float64 network in other batches
    assert predictor.rows == 2**8


def test_players_whose_absence_changes_nothing_get_nothing_and_are_not_asked():
    game = games.random_table(4, 0)
    predictor = px.Predictor(lambda X: game(X[:, :4]))
    found = px.explain("exact_shap", predictor, px.TabularSpace(np.zeros((1, 6))), [1, 1, 1, 1, 0, 0])["exact_shap"]
    np.testing.assert_allclose(found.values[0, :4], game.shapley, atol=1e-12)
    assert not found.values[0, 4:].any() and predictor.rows == 16


def test_an_input_that_equals_its_absence_has_no_value_at_all():
    for method in ("exact_shap", "permutation_shap", "sampling_shap", "banzhaf", "occlusion", "inclusion"):
        found = px.explain(method, px.Predictor(lambda X: X[:, 0]), px.TabularSpace(np.zeros((1, 3))), np.zeros(3))
        assert not found[method].values.any(), method
