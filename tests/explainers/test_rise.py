"""RISE on players: enumeration, what regression saves, errors that cover, what it shares and refuses."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from scipy import stats

import perturbxai as px

EVERY_P = pytest.mark.parametrize("p", [0.3, 0.5, 0.7])
ESTIMATORS = ("regression", "centred", "plain")
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", ESTIMATORS)


def slow_rise(game, n_players, p):
    """E[v | i is present] (P, K) and E v (K,), coalition by coalition."""
    z = oracles.all_coalitions(n_players)
    values, chance = np.asarray(game(z)), np.where(z, p, 1 - p).prod(axis=1)
    return np.array([chance[z[:, i]] @ values[z[:, i]] / p for i in range(n_players)]), chance @ values


def explained(game, budget=None, seed=0, **options):
    return px.explain(px.Rise(**options), *games.door(game), budget=budget, seed=seed)["rise"]


def map_error(found, truth):
    """Squared error up to a constant, relative: what a heat map's reader sees."""
    return games.squared_error(found - found.mean(axis=0), truth - truth.mean(axis=0))


def published(game, p, n_masks, rng):
    """sum of M v / (N p) over independent masks, as in the paper."""
    z = rng.random((n_masks, game.n_players)) < p
    return z.T @ game(z) / (n_masks * p)


@EVERY_P
@EVERY_ESTIMATOR
@pytest.mark.parametrize("n_players", [1, 2, 3, 8])
def test_listed_values_are_those_of_the_definition(n_players, estimator, p):
    game = games.random_table(n_players, seed=n_players)
    found, (held, mean) = explained(game, p=p, estimator=estimator), slow_rise(game, n_players, p)
    np.testing.assert_allclose(found.values[0], held if estimator == "plain" else held - mean, atol=1e-12)
    np.testing.assert_allclose(found.meta["mean"], mean, atol=1e-12)
    assert found.stderr.max() < 1e-13


@EVERY_P
def test_by_regression_it_is_an_affine_map_of_the_banzhaf_value(p):
    found = px.explain([px.Rise(p=p), px.Banzhaf(p=p)], *games.door(games.sigmoid_game(13, 2.0, 4.0)), budget=300)
    for what in ("values", "stderr"):
        expected = (1 - p) * getattr(found["banzhaf"], what)
        np.testing.assert_allclose(getattr(found["rise"], what), expected, rtol=1e-12)


@pytest.mark.parametrize("budget", [14, 20, 26, 100, 1000])
def test_an_additive_game_is_exact_by_regression_from_any_table(budget):
    game = games.additive(12, 0, n_outputs=2)
    np.testing.assert_allclose(explained(game, budget).values[0], 0.5 * game.shapley, atol=1e-9)


def test_regression_errs_a_tenth_of_what_the_published_estimator_does():
    game = games.sigmoid_game(49, 3.0, 7.0)
    z = np.random.default_rng(1).random((400_000, 49)) < 0.5  # its own error is 200 times below that of 2,000
    fit = np.linalg.lstsq(np.column_stack([np.ones(len(z)), z]), game(z), rcond=None)[0]
    truth = 0.5 * fit[1:]
    ours = np.mean([map_error(explained(game, 2000, seed).values[0], truth) for seed in range(4)])
    theirs = np.mean([map_error(published(game, 0.5, 2000, np.random.default_rng(seed)), truth) for seed in range(4)])
    plain = np.mean([map_error(explained(game, 2000, seed, estimator="plain").values[0], truth) for seed in range(4)])
    assert ours < theirs / 10  # about 1/45
    assert ours < plain / 10  # of the same coalitions, which are paired and drawn by size: about 1/20


@EVERY_P
@EVERY_ESTIMATOR
def test_drawn_values_come_close_to_the_enumerated_ones_within_their_errors(p, estimator):
    game = games.sigmoid_game(13, 2.0, 4.0)
    held, mean = slow_rise(game, 13, p)
    truth = held - (0.0 if estimator == "plain" else mean)
    found = [explained(game, 400, seed, p=p, estimator=estimator) for seed in range(8)]
    inside = [np.abs(f.values[0] - truth) <= f.interval()[1][0] - f.values[0] for f in found]
    assert np.mean(inside) > 0.88  # 104 intervals of nominally 95 %


@pytest.mark.parametrize(("budget", "known"), [(14, False), (45, False), (46, True)])
def test_by_regression_an_error_is_infinite_while_a_walk_is_part_of_the_table(budget, known):
    found = explained(games.sigmoid_game(12, 2.0, 4.0), budget)
    assert np.isfinite(found.stderr).all() == known
    assert np.isinf(found.stderr).all() != known


@pytest.mark.slow
@EVERY_ESTIMATOR
@pytest.mark.parametrize(("p", "budget"), [(0.5, 60), (0.5, 200), (0.5, 800), (0.35, 400)])
@pytest.mark.parametrize("make", [lambda: games.sigmoid_game(16, 2.0, 4.0), lambda: games.polynomial(16, (1, 2, 3), 40, 0)])
def test_intervals_cover(make, p, budget, estimator):
    game = make()
    held, mean = slow_rise(game, 16, p)
    truth = held - (0.0 if estimator == "plain" else mean)
    method, inside = px.Rise(p=p, estimator=estimator), []
    for seed in range(300):
        (found,) = games.drawn([method], game, budget, seed)
        factor = stats.t.ppf(0.975, found.df) if found.df > 0 else 1.0  # then the error is infinite
        inside.append(np.abs(found.values - truth) <= factor * found.stderr)
    assert 0.92 < np.mean(inside) <= 1.0  # 4,800 intervals, dependent within a table: +- .015


def test_a_drawn_background_adds_the_error_that_it_adds_to_banzhaf():
    rng = np.random.default_rng(0)
    X, x = rng.standard_normal((400, 5)), rng.standard_normal((1, 5))
    predictor, space = px.Predictor(lambda rows: np.tanh(rows.sum(axis=1))), px.TabularSpace(X)
    methods = [px.Banzhaf(), px.Rise(), px.Rise(estimator="centred"), px.Rise(estimator="plain")]
    banzhaf, *found = px.explain(methods, predictor, space, x).values()
    for one in found[:2]:  # all coalitions are listed, and the two are the same linear map of the table
        np.testing.assert_allclose(one.stderr_background, 0.5 * banzhaf.stderr_background, rtol=1e-9)
    assert (found[2].stderr_background > found[0].stderr_background).all()  # the mean's own error is in all its values


def test_it_shares_the_table_of_shap_and_lime():
    predictor, space, x = games.door(games.two_additive(14, 0))
    found = px.explain(["rise", "kernel_shap", "lime"], predictor, space, x, budget=200)
    assert predictor.rows == 200
    assert found["rise"].meta["rows_shared_with"] == ["kernel_shap", "lime"]


def test_by_regression_single_background_rows_will_do_and_means_want_whole_coalitions():
    rng = np.random.default_rng(0)
    X, x = rng.standard_normal((200, 12)), rng.standard_normal((1, 12))
    predictor, space = px.Predictor(lambda rows: rows @ np.arange(12.0)), px.TabularSpace(X)
    found = px.explain([px.Rise(), px.Banzhaf()], predictor, space, x, rows=400)
    np.testing.assert_allclose(found["rise"].values, 0.5 * found["banzhaf"].values, rtol=1e-12)
    with pytest.raises(ValueError, match="rows=400 asks coalitions on single background rows, which rise cannot take"):
        px.explain(px.Rise(estimator="plain"), predictor, space, x, rows=400)


def test_on_a_photo_listed_values_are_those_of_the_definition():
    game = games.network_game(0, n_players=8)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    found = px.explain(px.Rise(p=0.7), px.Predictor(game.extras["net"]), space, game.extras["picture"], budget=256)
    held, mean = slow_rise(game, 8, 0.7)
    np.testing.assert_allclose(found["rise"].values[0], held - mean, atol=1e-12)


def test_an_input_that_absence_cannot_change_has_no_values_to_give():
    found = px.explain("rise", px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(np.ones((1, 3))), np.ones((1, 3)))
    assert found["rise"].values.tolist() == [[[0.0], [0.0], [0.0]]]


@pytest.mark.parametrize("p", [0.0, 1.0, float("nan")])
def test_a_p_that_is_no_chance_is_refused(p):
    with pytest.raises(ValueError, match=r"p=.* must lie between 0 and 1"):
        px.Rise(p=p)


def test_an_estimator_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="estimator='mean' is not known; expected one of 'regression', 'centred', 'plain'"):
        px.Rise(estimator="mean")


def test_a_budget_below_p_plus_2_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match="budget=13 is below the 14 coalitions that rise"):
        px.explain("rise", predictor, space, x, budget=13)
    assert predictor.rows == 0
