"""A process over coalitions against all 2^P of them: its functionals, its likelihood, and what it knows of answers."""

from __future__ import annotations

from functools import cache

import numpy as np
import oracles
import pair_oracles
import pytest
from dense import Dense, close, prior_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perturbxai.estimation.coalitions.semivalues import banzhaf_weights, shapley_weights
from perturbxai.estimation.posterior import evidence
from perturbxai.estimation.posterior.evidence import BESIDE, EVENED, TILTED, Answers, searched
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.pairs import PairWeights
from perturbxai.estimation.posterior.prior import JITTER, tilts
from perturbxai.estimation.posterior.process import Process
from perturbxai.sampling import laws

FEW = settings(max_examples=20, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
METHODS = {
    "shapley": lambda n: SizeWeights.semivalue(shapley_weights(n)),
    "banzhaf .3": lambda n: SizeWeights.semivalue(banzhaf_weights(n, 0.3)),
    "banzhaf .5": lambda n: SizeWeights.semivalue(banzhaf_weights(n, 0.5)),
    "lime .25": lambda n: SizeWeights.slopes(laws.lime(n, 0.25)),
    "lime 1": lambda n: SizeWeights.slopes(laws.lime(n, 1.0)),
}
EVERY = pytest.mark.parametrize("method", METHODS)


# -------------------------------------------------------------------------------------------------- functionals


@pytest.mark.parametrize("n_players", [2, 5, 7])
def test_shapley_weights_give_the_shapley_values_of_any_game(n_players):
    values = np.random.default_rng(0).normal(size=(2**n_players, 2))
    operator = Dense(prior_of(0, n_players)).operator(METHODS["shapley"](n_players))
    close(operator @ values, oracles.shapley(lambda _: values, n_players), 1e-12)


@pytest.mark.parametrize("law", [laws.lime(6, 0.25), laws.lime(6, 1.0), laws.binomial(6, 0.3), laws.shapley(6)])
def test_slopes_are_those_of_weighted_least_squares_on_all_coalitions(law):
    dense = Dense(prior_of(0, 6))
    mass = law.in_fits / law.in_fits.sum() / np.bincount(dense.size)
    x, root = np.column_stack([np.ones(64), dense.z]), np.sqrt(mass[dense.size])[:, None]
    values = np.random.default_rng(0).normal(size=(64, 2))
    slow = np.linalg.lstsq(root * x, root * values, rcond=None)[0][1:]
    close(dense.operator(SizeWeights.slopes(law)) @ values, slow)


@pytest.mark.parametrize("p", [0.3, 0.5])
def test_banzhaf_weights_are_slopes_under_their_law(p):
    semivalue, slopes = METHODS[f"banzhaf {p:g}".replace("0.", ".")](7), SizeWeights.slopes(laws.binomial(7, p))
    close(slopes.inside[1:], semivalue.inside[1:])  # at no size is there nobody inside, or everybody outside
    close(slopes.outside[:-1], semivalue.outside[:-1])


@EVERY
@FEW
@given(seed=SEEDS, n_players=st.integers(5, 7))
def test_covariances_with_the_game_are_those_of_all_coalitions(method, seed, n_players):
    prior, weights = prior_of(seed, n_players), METHODS[method](n_players)
    dense = Dense(prior)
    found = weights.times(prior.scale).covariance(prior, dense.x) * prior.scale[dense.size]
    close(found, dense.operator(weights) @ dense.cov)


@EVERY
@FEW
@given(seed=SEEDS, n_players=st.integers(5, 7))
def test_variances_beforehand_are_those_of_all_coalitions(method, seed, n_players):
    prior, weights = prior_of(seed, n_players), METHODS[method](n_players)
    dense = Dense(prior)
    operator = dense.operator(weights)
    close(weights.times(prior.scale).variance(prior), np.einsum("pz,zy,py->p", operator, dense.cov, operator))


# -------------------------------------------------------------------------------------------------- pairs of players

EVERY_INDEX = pytest.mark.parametrize("index", list(pair_oracles.INDEX))


@cache
def of_definition(index, n_players):
    """(P, 2^P), (d, 2^P): from a game to values and pairs."""
    values, pairs = pair_oracles.INDEX[index](lambda _: np.eye(2**n_players), n_players)
    return values, pairs[np.triu_indices(n_players, 1)]


@EVERY_INDEX
@pytest.mark.parametrize("n_players", [2, 3, 6])
def test_weights_of_pairs_are_those_of_the_definition(index, n_players):
    weights, x = PairWeights.of_index(index, n_players), 2.0 * oracles.all_coalitions(n_players) - 1.0
    close(weights.at(x).T, of_definition(index, n_players)[1])


@pytest.mark.parametrize("index", ["k-sii", "fsii"])
@pytest.mark.parametrize("n_players", [2, 3, 6])
def test_main_effects_are_values_less_half_of_their_pairs(index, n_players):
    weights = PairWeights.of_index(index, n_players).main_effects(METHODS["shapley"](n_players))
    close(Dense(prior_of(0, n_players)).operator(weights), of_definition(index, n_players)[0])


@EVERY_INDEX
@FEW
@given(seed=SEEDS, n_players=st.integers(2, 7))
def test_covariances_and_variances_of_pairs_are_those_of_all_coalitions(index, seed, n_players):
    prior = prior_of(seed, n_players)
    dense, operator = Dense(prior), of_definition(index, n_players)[1]
    scaled = PairWeights.of_index(index, n_players).times(prior.scale)
    close(scaled.covariance(prior, dense.x) * prior.scale[dense.size], operator @ dense.cov)
    close(scaled.variance(prior), np.einsum("pz,zy,py->p", operator, dense.cov, operator))


# -------------------------------------------------------------------------------------------------- evidence


def asked(seed, n_players=6, n_pairs=12, n_outputs=2):
    """Answers of a random game at nothing, everything and pairs, the numbers of the coalitions, and the whole game."""
    rng = np.random.default_rng(seed)
    z, n = oracles.all_coalitions(n_players), 2**n_players
    size = z.sum(axis=1, keepdims=True)
    game = np.tanh(z @ rng.normal(size=(n_players, n_outputs)) + 0.1 * size) + 0.05 * rng.normal(size=(n, n_outputs))
    first = rng.choice(np.arange(1, n // 2), n_pairs, replace=False)
    rows = np.concatenate([[0, n - 1], np.stack([first, n - 1 - first], axis=1).ravel()])
    return Answers(2.0 * z[rows] - 1.0, game[rows] - game[rows].mean(axis=0)), rows, game - game[rows].mean(axis=0)


def points(n_players=6):
    """Places of a likelihood (P + BESIDE,), among them such of strong tilts, of nearly even and of nearly odd games."""
    rng = np.random.default_rng(1)
    for tilt, even, nugget in (((0.3, 0.4), 0.6, -4.0), ((-1.0, 0.7), -1.5, -2.0), ((0.0, -0.4), 0.0, -7.0)):
        yield np.concatenate([rng.normal(-1.5, 0.5, n_players), tilt, [even, nugget], rng.normal(-0.5, 1.0, 2)])


@pytest.mark.parametrize("alike", [0.0, 0.7])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("place", range(3))
def test_the_gradient_of_the_surprise_is_its_slope(alike, n_outputs, place):
    answers, found, step = asked(0, n_outputs=n_outputs)[0], list(points())[place], 1e-3
    _, gradient = answers.surprise(found, alike)

    def slope(way):
        """Of five points, whose error is of the fourth power of the step."""
        at = [answers.surprise(found + k * step * way, alike)[0] for k in (-2, -1, 1, 2)]
        return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step)

    close(gradient, np.array([slope(way) for way in np.eye(len(found))]), 1e-6)


@pytest.mark.parametrize("alike", [0.0, 0.7])
@pytest.mark.parametrize("place", range(3))
def test_the_surprise_is_minus_the_log_density_at_the_best_variances(alike, place):
    answers, rows, _ = asked(0)
    found = list(points())[place]
    prior = answers.prior(found)
    cov = Dense(prior).cov[np.ix_(rows, rows)]
    cov[[0, 1], [0, 1]] += JITTER * prior.scale[[0, -1]] ** 2
    n, slow = len(rows), 0.0
    for y in answers.y.T:
        variance = y @ np.linalg.solve(cov, y) / n
        slow -= stats.multivariate_normal(np.zeros(n), variance * cov).logpdf(y) + 0.5 * n * (1.0 + np.log(2.0 * np.pi))
    slow -= stats.norm(0.0, TILTED).logpdf(found[6:8]).sum() - 2 * stats.norm(0.0, TILTED).logpdf(0.0)
    slow -= stats.norm(0.0, EVENED).logpdf(found[8]) - stats.norm(0.0, EVENED).logpdf(0.0)
    slow += 0.5 * alike * 6 * found[:6].var()
    # the covariances at nothing and everything are solved with to the jitter
    assert answers.surprise(found, alike)[0] == pytest.approx(slow, rel=1e-7)


def test_answers_that_a_prior_cannot_give_are_a_hopeless_surprise():
    answers = asked(0)[0]
    twice = Answers(np.vstack([answers.x, answers.x[2:]]), np.vstack([answers.y, answers.y[2:]]))
    found = np.concatenate([np.full(6, -9.0), [0.0, 0.0, 0.0, -60.0, -7.0, -7.0]])
    value, gradient = twice.surprise(found, 0.0)
    assert value == evidence.HOPELESS and not gradient.any()


def bounds(n_players):
    rest = [evidence.TILTS, evidence.TILTS, evidence.EVENS, evidence.NUGGETS, evidence.SHARES, evidence.SHARES]
    return np.array([evidence.RATES] * n_players + rest).T


@pytest.mark.parametrize("alike", [0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_search_lowers_the_surprise_within_its_bounds(alike, seed):
    answers = asked(seed)[0]
    start = answers.best(np.inf)
    found = answers.best(alike, start)
    low, high = bounds(6)
    assert answers.surprise(found, alike)[0] < answers.surprise(start, alike)[0] - 0.1
    assert (found >= low).all() and (found <= high).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_common_search_finds_one_rate_for_all_from_the_best_of_its_starts(seed):
    answers = asked(seed)[0]
    found = answers.best(np.inf)
    low, high = bounds(6)
    assert np.ptp(found[:-BESIDE]) == 0.0 and (found >= low).all() and (found <= high).all()
    for own, nugget in evidence.STARTS:
        start = np.concatenate([np.full(6, np.log(np.arctanh(own))), [0.0, 0.0, 0.0, np.log(nugget), -2.0, -2.0]])
        assert answers.surprise(found, 0.0)[0] < answers.surprise(start, 0.0)[0]


def test_a_search_looks_at_whole_pairs_and_no_more_than_enough():
    answers = asked(0, n_players=10, n_pairs=400)[0]
    out = np.repeat(np.arange(401) % 5 == 2, 2)
    out[:2] = False
    kept = answers.but(out)
    assert len(kept.x) == searched(802) == 240
    np.testing.assert_array_equal(kept.x[:2], answers.x[:2])
    np.testing.assert_array_equal(kept.x[0::2], -kept.x[1::2])
    left_out = {one.tobytes() for one in answers.x[out]}
    assert not left_out & {one.tobytes() for one in kept.x}


# -------------------------------------------------------------------------------------------------- processes


@pytest.fixture(params=range(4))
def known(request):
    """A process of 26 answers, the last eight of them held back; the whole covariance, and the rows in it."""
    answers, rows, _ = asked(request.param)
    last = np.isin(np.arange(len(rows)), [6, 7, 10, 11, 16, 17, 20, 21])
    prior = prior_of(request.param, 6)
    dense = Dense(prior)
    with_jitter = dense.cov[np.ix_(rows, rows)]
    with_jitter[[0, 1], [0, 1]] += JITTER * prior.scale[[0, -1]] ** 2
    return Process.of(prior, answers, last), answers, dense, rows, last, with_jitter


def variance_of(y, cov):
    """(K,): of a game whose answers have this covariance up to a factor."""
    return np.einsum("nk,nk->k", y, np.linalg.solve(cov, y)) / len(y)


def test_said_is_what_the_first_answers_make_of_all(known):
    process, answers, _, _, last, cov = known
    first = np.flatnonzero(~last)
    slow = cov[:, first] @ np.linalg.solve(cov[np.ix_(first, first)], answers.y[first])
    close(process.said, slow, 1e-8)
    np.testing.assert_allclose(process.variance, variance_of(answers.y[first], cov[np.ix_(first, first)]), rtol=1e-7)


@EVERY
def test_a_reading_is_the_game_given_the_answers(known, method):
    process, answers, dense, rows, last, cov = known
    weights = METHODS[method](6)
    read, operator = process.reading(weights), dense.operator(weights)
    cross, first = operator @ dense.cov[:, rows], np.flatnonzero(~last)
    of_first = cov[np.ix_(first, first)]
    values = cross @ np.linalg.solve(cov, answers.y)
    before = cross[:, first] @ np.linalg.solve(of_first, answers.y[first])
    told = cross @ np.linalg.solve(cov, cross.T)
    told_first = cross[:, first] @ np.linalg.solve(of_first, cross[:, first].T)
    left = np.diag(operator @ dense.cov @ operator.T - told)
    close(read.values, values, 1e-7)
    close(read.first, before, 1e-7)
    close(read.variances, left[:, None] * variance_of(answers.y, cov), 1e-7)
    close(read.moved, ((values - before) ** 2).sum(axis=0), 1e-6)
    assert read.expected == pytest.approx(np.trace(told - told_first), rel=1e-6)
    assert read.together == pytest.approx(((told - told_first) ** 2).sum(), rel=1e-6)


def test_the_density_is_of_each_held_back_answer_alone(known):
    process, answers, _, _, last, cov = known
    first, late = np.flatnonzero(~last), np.flatnonzero(last)
    gain = np.linalg.solve(cov[np.ix_(first, first)], cov[np.ix_(first, late)])
    mean, own = gain.T @ answers.y[first], np.diag(cov[np.ix_(late, late)] - gain.T @ cov[np.ix_(first, late)])
    spread = own[:, None] * variance_of(answers.y[first], cov[np.ix_(first, first)])
    slow = stats.norm(mean, np.sqrt(spread)).logpdf(answers.y[late]).sum() + 0.5 * mean.size * np.log(2.0 * np.pi)
    assert process.density == pytest.approx(slow, rel=1e-7)


def test_nothing_and_everything_are_known_without_error(known):
    process, answers, *_ = known
    np.testing.assert_allclose(process.said[:2], answers.y[:2], atol=1e-6 * np.abs(answers.y).max())


def test_what_is_said_of_answers_held_back_does_not_hang_on_them(known):
    process, answers, _, _, last, _ = known
    other = answers.y + last[:, None] * np.random.default_rng(0).normal(size=answers.y.shape)
    again = Process.of(process.prior, Answers(answers.x, other), last)
    weights = METHODS["shapley"](6)
    np.testing.assert_array_equal(again.said, process.said)
    np.testing.assert_array_equal(again.variance, process.variance)
    np.testing.assert_array_equal(again.reading(weights).first, process.reading(weights).first)
    assert np.abs(again.reading(weights).values - process.reading(weights).values).max() > 0.01


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_of_a_game_that_was_asked_everything_nothing_is_left_to_know(method, seed):
    answers, _, game = asked(seed, n_pairs=31)
    process, weights = Process.of(prior_of(seed, 6), answers, np.zeros(64, dtype=bool)), METHODS[method](6)
    read, exact = process.reading(weights), Dense(process.prior).operator(weights) @ game
    np.testing.assert_allclose(read.values, exact, atol=1e-6 * np.abs(game).max())
    # of nothing and everything the jitter is left, a standard error of 1e-5 of the game's
    assert np.sqrt(read.variances.max()) < 1e-4 * np.abs(game).max()


def test_a_tilt_is_the_logarithm_of_the_size_of_a_game_where_few_and_where_most_are_there():
    prior = prior_of(0, 5)._replace(tilt=np.array([0.3, 0.2]))
    np.testing.assert_allclose(np.log(prior.scale[[0, 5]]), [-0.1, 0.5], atol=1e-15)
    np.testing.assert_allclose(tilts(np.array([-1.0, 0.0, 1.0])), [[-1, 0, 1], [1, 0, 1]])
