"""Spreads of few draws: against their definition, what they may never say, and how they move with what was drawn."""

from __future__ import annotations

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core.questions import Players
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import semivalues

FEW = settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
NOTHING = np.zeros(1)


def by_hand(draws, largest=0.0):
    """The variance of a draw of each player, one output, from the words of the module."""
    own = [np.var(one, ddof=1) for one in draws]
    elsewhere = sum(v * v for v in own) / sum(own) if sum(own) else 0.0
    jump = max(max(abs(x - np.mean(one)) for x in one) * np.sqrt(len(one) / (len(one) - 1)) for one in draws)
    largest = max(largest, max(max(abs(x) for x in one) for one in draws))
    found = []
    for one, v in zip(draws, own, strict=True):
        n = len(one)
        p = 1 / (n + 2)
        here = ((n - 1) * v + 2 * elsewhere) / (n - 1 + 2)
        if sum(abs(x - np.median(one)) <= 0.02 * jump for x in one) > n / 2:
            here = max(here, v + 2 * p * (1 - p) * jump**2)
        if jump <= 1e-3 * largest:
            p = 1 / (sum(map(len, draws)) + 2)
            here = p * (1 - p) * largest**2
        found.append(here)
    return np.array(found)


def draws_of(seed, kind):
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 12, size=rng.integers(2, 7))
    if kind == "normal":
        return [rng.normal(rng.normal(), rng.exponential(), size=n) for n in counts]
    if kind == "rare":
        return [(rng.random(n) < 0.15) * rng.choice([-1.0, 2.0]) for n in counts]
    return [np.full(n, rng.normal()) for n in counts]


def variances(draws, largest=0.0):
    return spread.variances([one[:, None] for one in draws], np.array([largest]), np.array([1e-14]))[:, 0]


# ------------------------------------------------------------------------------------------------ the definition


@FEW
@given(seed=SEEDS, kind=st.sampled_from(["normal", "rare", "still"]))
def test_variances_are_those_of_the_definition(seed, kind):
    draws = draws_of(seed, kind)
    np.testing.assert_allclose(variances(draws, 0.5), by_hand(draws, 0.5), rtol=1e-9)


@FEW
@given(seed=SEEDS, kind=st.sampled_from(["normal", "rare"]), factor=st.floats(0.01, 100))
def test_variances_go_with_the_square_of_the_draws_and_not_with_the_order_of_players(seed, kind, factor):
    draws = [one + 1.0 for one in draws_of(seed, kind)]
    found = variances(draws)
    np.testing.assert_allclose(variances([factor * one for one in draws]), factor**2 * found, rtol=1e-7)
    np.testing.assert_allclose(variances(draws[::-1]), found[::-1], rtol=1e-12)


@FEW
@given(seed=SEEDS, kind=st.sampled_from(["normal", "rare"]))
def test_no_variance_is_below_the_part_that_is_a_player_s_own_nor_nothing(seed, kind):
    draws = draws_of(seed, kind)
    own = np.array([one.var(ddof=1) for one in draws])
    free = np.array([len(one) - 1.0 for one in draws])
    found = variances(draws, 1.0)
    assert (found >= own * free / (free + spread.PRIOR) * (1 - 1e-12)).all() and (found > 1e-4).all()


def test_the_more_draws_agree_the_less_is_left_to_chance():
    other = np.random.default_rng(0).normal(size=50)
    of_a_still_player = [variances([np.zeros(n), other])[0] / n for n in (2, 3, 5, 12, 40, 200)]
    where_all_are_still = [variances([np.zeros(n), np.ones(n)])[0] / n for n in (2, 3, 5, 12, 40, 200)]
    assert (np.diff(of_a_still_player) < 0).all() and (np.diff(where_all_are_still) < 0).all()


def test_where_nothing_was_seen_to_vary_nothing_is_known():
    assert np.isinf(variances([np.zeros(5), np.zeros(5)])).all()
    assert np.isinf(variances([np.full(5, 1e-15), np.zeros(5)])).all()
    assert np.isfinite(variances([np.zeros(5), np.zeros(5)], largest=1.0)).all()


def test_outputs_do_not_lend_to_each_other():
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=(6, 2)) * [1.0, 100.0] for _ in range(4)]
    both = spread.variances(draws, np.zeros(2), np.zeros(2))
    for k in range(2):
        alone = spread.variances([one[:, [k]] for one in draws], NOTHING, NOTHING)
        np.testing.assert_array_equal(both[:, [k]], alone)


@FEW
@given(seed=SEEDS)
def test_errors_of_a_fit_are_no_less_than_what_rows_tell_than_the_mean_of_all_and_than_the_jump(seed):
    rng = np.random.default_rng(seed)
    own, missed = rng.exponential(size=(2, 4)) * rng.exponential(size=4)
    found = spread.errors_of_fit(own, missed, 0.5) ** 2
    np.testing.assert_allclose(found, np.maximum.reduce([own, np.full(4, 1.5 * own.mean()), missed]))


# ------------------------------------------------------------------------------------------------ never certain and wrong


def zero_one(n_players, seed, share):
    """A game of zeros and ones, a share of them ones: nothing, everything and all else at random."""
    return games.tabulated("zeros and ones", n_players, np.random.default_rng(seed).random(2**n_players) < share)


SAMPLED = {
    "permutation_shap": px.PermutationShap(),
    "sampling_shap": px.SamplingShap(),
    "flat": px.PartitionShap(partition=[f"x{p}" for p in range(8)]),
    "two": px.PartitionShap(partition=[["x0", "x1", "x2", "x3"], ["x4", "x5", "x6", "x7"]]),
    "kernel_shap": px.KernelShap(),
    "triples": px.KernelShap(surrogate="triples"),
    "lime": px.Lime(),
    "banzhaf": px.Banzhaf(),
    "banzhaf .3": px.Banzhaf(p=0.3),
    "rise": px.Rise(),
    "centred": px.Rise(estimator="centred"),
    "plain": px.Rise(estimator="plain"),
    "interactions": px.Interactions(),
    "k-sii": px.Interactions(index="k-sii"),
    "fsii": px.Interactions(index="fsii"),
}
EVERY_SAMPLED = pytest.mark.parametrize("method", SAMPLED.values(), ids=SAMPLED)


def sampled(method, game, budget, seed):
    """The estimate from a sample, without the way through a model."""
    if hasattr(method, "law"):
        return games.drawn([method], game, max(budget, method.law(game.n_players).minimum), seed)[0]
    names = tuple(f"x{p}" for p in range(game.n_players))
    players = Players("image", names, {}, lambda: np.random.default_rng(seed), everyone=names)
    return games.answered(method, game, budget, seed, players)


def all_of(method, game):
    """(P, K): its values from all coalitions."""
    return sampled(method, game, 2**game.n_players, 0).values


@EVERY_SAMPLED
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=SEEDS, share=st.sampled_from([0.004, 0.02, 0.1, 0.5, 0.9, 0.99]), more=st.integers(0, 100))
def test_what_was_not_listed_is_never_told_as_certain_and_wrong(method, seed, share, more):
    game = zero_one(8, seed, share)
    found = sampled(method, game, 32 + more, seed)
    wrong = np.abs(found.values - all_of(method, game)) > 1e-9
    assert (found.stderr[wrong] > 1e-4).all()  # in a game of zeros and ones
    if found.interactions is not None:
        wrong = np.abs(found.interactions - sampled(method, game, 2**8, 0).interactions) > 1e-9
        assert (found.interactions_stderr[wrong] > 1e-4).all()


@EVERY_SAMPLED
@pytest.mark.parametrize("level", [0.0, 1.0, 0.3])
def test_a_game_that_was_not_seen_to_vary_has_infinite_errors(method, level):
    game = games.tabulated("constant", 8, np.full(256, level))
    assert np.isinf(sampled(method, game, 40, 0).stderr).all()


def test_a_constant_output_beside_others_leaves_them_as_they_are():
    inner = games.random_table(8, 0, n_outputs=2)
    both = games.KnownGame("both", 8, lambda z: np.column_stack([inner(z), np.full(len(z), 0.25)]), None)
    for method in (px.PermutationShap(), px.SamplingShap(), px.KernelShap(), px.Lime(), px.Interactions()):
        found, alone = sampled(method, both, 100, 3), sampled(method, inner, 100, 3)
        np.testing.assert_array_equal(found.stderr[:, :2], alone.stderr)
        assert np.isinf(found.stderr[:, 2]).all()


@pytest.mark.parametrize("name", ["permutation_shap", "sampling_shap", "kernel_shap", "lime", "banzhaf"])
def test_players_of_a_game_of_few_products_are_not_told_as_certain_through_a_model(name):
    def value(Z):
        return (Z[:, 0] + Z[:, 1] + Z[:, 2] >= 2) + 1.5 * Z[:, 3] * Z[:, 4]

    space, x = px.TabularSpace(np.zeros((1, 12))), np.ones((1, 12))
    for seed in range(10):
        (found,) = px.explain(name, px.Predictor(value), space, x, budget=72, seed=seed).values()
        assert found.stderr.min() > 1e-3


@FEW
@given(seed=SEEDS, n_pairs=st.integers(2, 30))
def test_an_additive_game_is_told_to_a_share_of_its_largest_value_and_the_closer_the_more_was_asked(seed, n_pairs):
    """Equal differences are no proof: what is left is a jump as large as the largest value that none of all draws showed."""
    game = games.additive(10, seed)
    found = games.answered(px.PermutationShap(), game, 2 + 18 * n_pairs, seed)
    expected = np.sqrt(spread.unseen(10 * n_pairs) / n_pairs) * np.abs(game.shapley).max()
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-11)
    np.testing.assert_allclose(found.stderr, expected, rtol=1e-9)


def test_rise_of_masks_that_all_score_alike_knows_no_error():
    space, picture = px.ImageSpace(segments="grid", n_segments=4, fill=0), np.ones((12, 12))
    still = px.Predictor(lambda pictures: np.full(len(pictures), 0.5))
    found = px.explain(px.RiseSmooth(cells=3), still, space, picture, budget=60)["rise_smooth"]
    assert np.isinf(found.stderr).all()
    rare = px.Predictor(lambda pictures: (pictures[..., 0].min(axis=(1, 2)) > 0.99) * 1.0)  # the whole picture alone
    found = px.explain(px.RiseSmooth(cells=3), rare, space, picture, budget=60)["rise_smooth"]
    assert found.stderr.min() > 1e-3 and found[0].meta["heat_stderr"].min() > 1e-4


def test_listed_values_stay_certain():
    game = zero_one(8, 0, 0.02)
    for name, method in SAMPLED.items():
        found = sampled(method, game, 2**8, 0)
        assert found.stderr.max() < 1e-12, name


def test_banzhaf_values_of_a_product_of_many_lie_within_their_errors_though_no_draw_shows_it():
    game = games.tabulated("and", 12, oracles.all_coalitions(12)[:, :8].all(axis=1))
    z = oracles.all_coalitions(12)
    exact = semivalues.of_all_coalitions(z, game(z), semivalues.banzhaf_weights(12, 0.5))
    inside = [np.abs((found := sampled(px.Banzhaf(), game, 72, s)).values - exact) <= 2 * found.stderr for s in range(30)]
    assert np.mean(inside) > 0.95  # .39 where only drawn residuals speak
