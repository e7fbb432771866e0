"""PermutationSHAP: its walks against the definition, closed forms, what it asks, its errors, and shap's own."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest

import perturbxai as px
from perturbxai.estimation import spread
from perturbxai.sampling.asked import Reader
from perturbxai.sampling.coalitions import draw_orders, prefixes
from perturbxai.sampling.streams import Streams


def explained(game, budget=None, seed=0):
    return px.explain("permutation_shap", *games.door(game), budget=budget, seed=seed)["permutation_shap"]


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize("n_pairs", [1, 2, 5])
def test_values_are_the_mean_of_antithetic_walks_along_its_orders(n_pairs):
    game = games.random_table(9, 3)
    _, space, x = games.door(game)
    found = explained(game, budget=2 + 16 * n_pairs, seed=4)
    rng = Streams(4).of_input(space.players(x)[0].digest, "permutation_shap")
    walks = np.array([oracles.antithetic_walk(game, order) for order in draw_orders(n_pairs, 9, rng)])
    np.testing.assert_allclose(found.values[0], walks.mean(axis=0), atol=1e-12)
    if n_pairs > 1:
        draws = [walks[:, p] for p in range(9)]
        expected = np.sqrt(spread.variances(draws, np.zeros(2), np.zeros(2)) / n_pairs)
        np.testing.assert_allclose(found.stderr[0], expected, rtol=1e-9)
        assert found[0].df == n_pairs  # one is lent by the other players


@pytest.mark.parametrize("n_players", [5, 12, 40])
def test_one_pair_solves_games_of_main_effects_and_pairs(n_players):
    game = games.two_additive(n_players, 1, n_outputs=2)
    np.testing.assert_allclose(explained(game, budget=2 * n_players).values[0], game.shapley, atol=1e-11)


def test_more_pairs_of_such_a_game_are_no_proof_but_leave_less_and_less_error():
    few, many = (explained(games.two_additive(12, 1), budget=budget).stderr for budget in (200, 2000))
    assert many.min() > 1e-3 and many.max() < 0.2 * few.min() and few.max() < 0.1


def test_more_and_more_equal_pairs_go_with_an_error_that_holds_what_was_not_seen():
    """All but one of 4,096 coalitions are additive: the pairs of walks that miss it agree, and are wrong."""
    needle = games.tabulated("needle", 12, oracles.all_coalitions(12) @ np.ones(12) + 50 * (np.arange(4096) == 0b1111))
    for seed in range(10):
        found = explained(needle, 200, seed)
        assert (np.abs(found.values[0] - needle.shapley) <= found[0].critical * found.stderr[0]).all()


@pytest.mark.parametrize("budget", [512, 5000, None])
def test_where_all_coalitions_fit_they_are_asked_and_the_values_exact(budget):
    game = games.random_table(9, 5)
    predictor, space, x = games.door(game)
    found = px.explain("permutation_shap", predictor, space, x, budget=budget)["permutation_shap"]
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-12)
    assert predictor.rows == 512 and found.meta["listed"] is True and found.stderr.max() < 1e-12


def test_prefixes_grow_by_one_player_in_the_order_of_each_walk():
    orders = draw_orders(20, 7, np.random.default_rng(0))
    z = prefixes(orders)
    np.testing.assert_array_equal(z.sum(axis=2), np.tile(np.arange(1, 7), (20, 1)))
    joined = np.argmax(np.diff(z.astype(int), axis=1), axis=2)
    np.testing.assert_array_equal(joined, orders[:, 1:-1])


def test_every_player_is_as_often_at_every_place_of_an_order():
    orders = draw_orders(7000, 7, np.random.default_rng(0))
    counts = np.array([np.bincount(orders[:, place], minlength=7) for place in range(7)])
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 6 / 7)  # five deviations, 49 counts


# ------------------------------------------------------------------------------------------------ what it asks


@pytest.mark.parametrize("budget", [24, 25, 45, 46, 47, 300])
def test_a_pair_costs_two_coalitions_a_step_and_what_is_left_is_not_spent(budget):
    predictor, space, x = games.door(games.random_table(12, 0))
    found = px.explain("permutation_shap", predictor, space, x, budget=budget)["permutation_shap"]
    n_pairs = (budget - 2) // 22
    assert found.meta["pairs"] == n_pairs
    assert predictor.rows == found.meta["rows"] == found.meta["coalitions"] <= 2 + 22 * n_pairs <= budget


def test_coalitions_that_come_twice_are_asked_once():
    predictor, space, x = games.door(games.random_table(6, 0))
    found = px.explain("permutation_shap", predictor, space, x, budget=63)["permutation_shap"]
    assert predictor.rows == found.meta["coalitions"] < 62  # there are but 12 coalitions of sizes 1 and 5


def test_nothing_is_counted_once_a_call_for_inputs_that_share_their_background():
    space = px.TabularSpace(np.random.default_rng(0).normal(size=(50, 9)), background=20)
    predictor = px.Predictor(lambda X: X.prod(axis=1))
    x = np.random.default_rng(1).normal(size=(4, 9))
    found = px.explain("permutation_shap", predictor, space, x, budget=60)["permutation_shap"]
    assert sum(one.meta["rows"] for one in found) - 3 * 20 == found.meta["rows"] == predictor.rows


def test_it_asks_no_coalition_again_that_another_method_asked():
    game = games.random_table(9, 0)
    alone, shared = games.door(game), games.door(game)
    px.explain("permutation_shap", *alone, budget=100)
    found = px.explain(["permutation_shap", "occlusion", "inclusion"], *shared, budget=100)
    assert shared[0].rows < alone[0].rows + 18  # walks have coalitions of sizes 1 and 8 of their own
    assert found["permutation_shap"].meta["rows"] == alone[0].rows


def test_the_coalitions_that_it_asked_are_known():
    game = games.random_table(9, 0)
    _, space, x = games.door(game)
    found, one = explained(game, budget=300), space.players(x)[0]
    walks = prefixes(draw_orders(found.meta["pairs"], 9, Streams(0).of_input(one.digest, "permutation_shap")))
    walks = walks.reshape(-1, 9)
    everything = oracles.all_coalitions(9).astype(bool)
    (asked,) = Reader().read({"one": found[0].meta}, 9, one.digest)
    known = {row.tobytes() for row in everything[asked.holds(everything)]}
    ends = {row.tobytes() for row in everything[[0, -1]]}
    assert known == {row.tobytes() for row in np.concatenate([walks, ~walks])} | ends


@pytest.mark.parametrize(("n_players", "budget"), [(12, 23), (30, 59)])
def test_a_budget_below_2p_is_refused_before_the_model_is_asked(n_players, budget):
    predictor, space, x = games.door(games.additive(n_players, 0))
    with pytest.raises(ValueError, match=rf"budget={budget} is below the {budget + 1} coalitions that permutation_shap"):
        px.explain("permutation_shap", predictor, space, x, budget=budget)
    assert predictor.rows == 0


@pytest.mark.parametrize("n_players", [1, 2])
def test_few_players_are_listed_from_the_least_budget(n_players):
    game = games.random_table(n_players, 0)
    np.testing.assert_allclose(explained(game, budget=2**n_players).values[0], game.shapley, atol=1e-12)


# ------------------------------------------------------------------------------------------------ errors, photos, peers


def test_one_pair_knows_no_error_and_says_infinity():
    found = explained(games.random_table(9, 0), budget=20)
    assert found.meta["pairs"] == 1 and np.isinf(found.stderr).all()
    assert np.isneginf(found.interval()[0]).all()


def test_all_outputs_come_from_the_same_walks():
    game = games.random_table(9, 0, n_outputs=3)
    predictor, space, x = games.door(game)
    together = px.explain("permutation_shap", predictor, space, x, budget=100)["permutation_shap"]
    one = games.KnownGame("one", 9, lambda z: game(z)[:, 1:2], None)
    np.testing.assert_allclose(together.values[0, :, 1:2], explained(one, budget=100).values[0], atol=1e-12)


def test_a_photo_is_walked_over_its_superpixels():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor = px.Predictor(game.extras["net"])
    found = px.explain("permutation_shap", predictor, space, game.extras["picture"], budget=400)["permutation_shap"]
    assert predictor.rows == found.meta["rows"] == found.meta["coalitions"] <= 400
    assert games.squared_error(found.values[0], game.shapley) < 1e-3  # some 5e-5 at 21 pairs
    empty, full = game.ends
    np.testing.assert_allclose(found.values[0].sum(axis=0), full - empty, atol=1e-11)


def test_squared_errors_are_those_of_the_permutation_explainer_of_shap_at_the_same_budget():
    pytest.importorskip("shap")
    game, ours, theirs = games.polynomial(14, (1, 2, 3), n_terms=40, seed=0), [], []
    for seed in range(20):
        door = games.door(game)
        ours.append(games.squared_error(explained(game, 5 * 29, seed).values[0], game.shapley))
        (peer,) = px.reference("shap.permutation", *door, budget=5 * 29, seed=seed).values()
        theirs.append(games.squared_error(peer.values[0], game.shapley))
    # five pairs of walks each; the mean of 20 squared errors is known to some 15 % on either side
    assert 0.5 < np.mean(ours) / np.mean(theirs) < 2.0


def test_values_of_a_game_of_pairs_equal_those_of_the_permutation_explainer_of_shap():
    pytest.importorskip("shap")
    game = games.two_additive(10, 0)
    (peer,) = px.reference("shap.permutation", *games.door(game), budget=100).values()
    np.testing.assert_allclose(explained(game, budget=100).values, peer.values, atol=1e-10)
