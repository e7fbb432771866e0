"""Banzhaf values: enumeration at several p, the fit behind drawn tables, its law, what it shares and refuses."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest

import perturbxai as px
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

EVERY_P = pytest.mark.parametrize("p", [0.3, 0.5, 0.7])


def slow_banzhaf(game, n_players, p):
    """(P, K): the mean of v(S + i) - v(S) over the others, each present with probability p."""
    z = oracles.all_coalitions(n_players)
    values, found = np.asarray(game(z)), []
    for i in range(n_players):
        others = np.delete(z, i, axis=1)
        chance = np.where(others, p, 1 - p).prod(axis=1)[~z[:, i]]
        found.append(chance @ (values[z[:, i]] - values[~z[:, i]]))
    return np.array(found)


def explained(game, p=0.5, budget=None, seed=0):
    return px.explain(px.Banzhaf(p=p), *games.door(game), budget=budget, seed=seed)["banzhaf"]


@EVERY_P
@pytest.mark.parametrize("n_players", [1, 2, 3, 8])
def test_listed_values_are_those_of_the_definition(n_players, p):
    game = games.random_table(n_players, seed=n_players)
    found = explained(game, p)
    np.testing.assert_allclose(found.values[0], slow_banzhaf(game, n_players, p), atol=1e-12)
    assert found.stderr.max() < 1e-13


@EVERY_P
def test_a_member_of_a_unanimity_game_gets_the_chance_that_the_other_members_are_there(p):
    found = explained(games.unanimity(9, 4), p).values[0, :, 0]
    np.testing.assert_allclose(found, np.where(np.arange(9) < 4, p**3, 0.0), atol=1e-12)


@EVERY_P
def test_the_slope_of_the_weighted_fit_to_all_coalitions_is_the_banzhaf_value(p):
    game = games.random_table(7, 1)
    z = oracles.all_coalitions(7).astype(float)
    weight = np.sqrt(np.where(z == 1, p, 1 - p).prod(axis=1))[:, None]
    slopes = np.linalg.lstsq(weight * np.column_stack([np.ones(len(z)), z]), weight * game(z), rcond=None)[0][1:]
    np.testing.assert_allclose(explained(game, p).values[0], slopes, atol=1e-11)


@EVERY_P
@pytest.mark.parametrize("budget", [14, 20, 26, 100, 1000])
def test_an_additive_game_is_exact_from_any_table(p, budget):
    game = games.additive(12, 0, n_outputs=2)
    np.testing.assert_allclose(explained(game, p, budget).values[0], game.shapley, atol=1e-9)


@EVERY_P
def test_drawn_values_come_close_to_the_enumerated_ones_within_their_errors(p):
    game = games.sigmoid_game(13, 2.0, 4.0)
    exact = slow_banzhaf(game, 13, p)
    found = [explained(game, p, 400, seed) for seed in range(8)]
    assert np.mean([games.squared_error(f.values[0], exact) for f in found]) < 0.01
    inside = [np.abs(f.values[0] - exact) <= f.interval()[1][0] - f.values[0] for f in found]
    assert np.mean(inside) > 0.88  # 104 intervals of nominally 95 %


def test_values_do_not_sum_to_the_gain_of_everything_over_nothing():
    found = explained(games.unanimity(6, 3)).values[0].sum()
    assert found == pytest.approx(3 * 0.25)


def test_a_table_without_pairs_knows_no_error_and_says_infinity():
    assert np.isinf(explained(games.random_table(9, 0), budget=11).stderr).all()


@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("n_players", [2, 7, 60, 1500])
def test_the_law_is_the_binomial_and_gives_no_size_nothing(n_players, p):
    from scipy import stats

    law = laws.binomial(n_players, p)
    np.testing.assert_allclose(law.mass, stats.binom.pmf(np.arange(n_players + 1), n_players, p), rtol=1e-8, atol=1e-13)
    assert law.mass.min() > 0 and law.mass.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(law.design, law.design[::-1], rtol=1e-12)


def test_many_players_and_a_p_far_from_one_half_do_not_underflow():
    game = games.additive(250, 0)
    found = explained(game, 0.02, budget=600)
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-7)


def test_it_shares_the_table_of_shap_and_lime():
    predictor, space, x = games.door(games.two_additive(14, 0))
    found = px.explain(["banzhaf", "kernel_shap", "lime"], predictor, space, x, budget=200)
    assert predictor.rows == 200
    assert found["banzhaf"].meta["rows_shared_with"] == ["kernel_shap", "lime"]
    game = games.two_additive(14, 0)
    # of main effects and pairs the Banzhaf and the Shapley value are the same; the fit to drawn rows is not exact
    assert (np.abs(found["banzhaf"].values[0] - game.shapley) < 5 * found["banzhaf"].stderr[0]).all()


def test_a_table_drawn_for_shap_alone_is_refused_far_from_its_sizes():
    design = draw_design([laws.shapley(400)], 400, 1000, np.random.default_rng(0))
    with pytest.warns(UserWarning, match=r"effective sample .* under the law of Banzhaf \(p 0.5\)"):
        px.Banzhaf().estimate(games.evaluate(games.additive(400, 0), design))


def test_two_of_them_are_keyed_by_their_p():
    found = px.explain([px.Banzhaf(p=0.3), px.Banzhaf(p=0.7)], *games.door(games.unanimity(5, 2)))
    assert list(found) == ["banzhaf(p=0.3)", "banzhaf(p=0.7)"]
    np.testing.assert_allclose(found["banzhaf(p=0.3)"].values[0, 0, 0], 0.3, atol=1e-12)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, float("nan")])
def test_a_p_that_is_no_chance_is_refused(p):
    with pytest.raises(ValueError, match=r"p=.* must lie between 0 and 1"):
        px.Banzhaf(p=p)


def test_a_budget_below_p_plus_2_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match="budget=13 is below the 14 coalitions that banzhaf"):
        px.explain("banzhaf", predictor, space, x, budget=13)
    assert predictor.rows == 0


def test_on_a_photo_listed_values_are_those_of_the_definition():
    game = games.network_game(0, n_players=8)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    found = px.explain(px.Banzhaf(p=0.7), px.Predictor(game.extras["net"]), space, game.extras["picture"], budget=256)
    np.testing.assert_allclose(found["banzhaf"].values[0], slow_banzhaf(game, 8, 0.7), atol=1e-12)
