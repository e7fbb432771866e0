"""The sampler: budgets, pairs, spans, uniformity within a size, and the smallest games."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import comb

import games
import numpy as np
import pytest
from scipy import stats

import perturbxai as px
from perturbxai.sampling import laws, strata
from perturbxai.sampling.coalitions import draw_design, least_budget

PORTFOLIOS = {
    "shap": [laws.shapley],
    "lime": [lambda p: laws.lime(p, 0.25)],
    "narrow lime": [lambda p: laws.lime(p, 0.05)],
    "shap and lime": [laws.shapley, lambda p: laws.lime(p, 0.25)],
    "all on a table": [laws.shapley, lambda p: laws.lime(p, 0.25), laws.singletons, laws.all_but_one],
    "lime and ice": [lambda p: laws.lime(p, 0.25), laws.all_but_one],
}
EVERY_PORTFOLIO = pytest.mark.parametrize("portfolio", PORTFOLIOS)


@cache
def _draws(portfolio, seeds=3):
    """[(budget, design)] for 2..12 players, budgets from the least up."""
    found = []
    for n_players in range(2, 13):
        chosen = [make(n_players) for make in PORTFOLIOS[portfolio]]
        least = least_budget(chosen, n_players)
        more = {3 * n_players, 4 * n_players + 1, 10 * n_players, 2**n_players - 1}
        for budget in sorted(b for b in {least, least + 1, least + 2, least + 3} | more if b >= least):
            for seed in range(seeds):
                rng = np.random.default_rng([seed, n_players, budget])
                found.append((budget, draw_design(chosen, n_players, budget, rng)))
    return found


@EVERY_PORTFOLIO
def test_budgets_are_never_exceeded_and_at_most_one_coalition_stays_unspent(portfolio):
    for budget, design in _draws(portfolio):
        used = len(design.z) + 2
        assert used <= budget or design.listed
        assert used <= max(budget, 4)
        free = 2**design.n_players - 2 - len(design.z)
        if not design.listed and free >= 2:
            assert budget - used <= 1, (design.n_players, budget, used)


@EVERY_PORTFOLIO
def test_no_coalition_comes_twice_and_the_ends_are_not_drawn(portfolio):
    for _, design in _draws(portfolio):
        assert len(np.unique(design.z, axis=0)) == len(design.z)
        assert ((design.sizes > 0) & (design.sizes < design.n_players)).all()


@EVERY_PORTFOLIO
def test_rows_of_a_pair_are_complements(portfolio):
    for budget, design in _draws(portfolio):
        if not design.listed and budget < 2 * design.n_players:
            continue  # LIME below 2P: one walk without complements
        order = np.argsort(design.pair, kind="stable")
        assert (design.z[order[0::2]] ^ design.z[order[1::2]]).all()


@EVERY_PORTFOLIO
def test_every_design_spans_the_players(portfolio):
    for budget, design in _draws(portfolio):
        x = np.column_stack([np.ones(len(design.z) + 2), np.vstack([design.z, design.z[:1] & False, design.z[:1] | True])])
        assert np.linalg.matrix_rank(x) == design.n_players + 1, (design.n_players, budget)


def test_pairs_alone_span_the_shapley_hyperplane_from_the_least_budget_up():
    for _, design in _draws("shap"):
        first = design.z[np.unique(design.pair, return_index=True)[1]] - 0.5
        assert np.linalg.matrix_rank(first - first.mean(axis=1, keepdims=True)) == design.n_players - 1


@pytest.mark.parametrize("n_players", [5, 6, 9])
def test_below_two_p_minus_two_pairs_one_antithetic_walk_comes_first(n_players):
    law = laws.shapley(n_players)
    for n_pairs in range(n_players - 1, 2 * (n_players - 1) + 2):
        if 2 * n_pairs + 2 >= 2**n_players:
            continue
        design = draw_design([law], n_players, 2 * n_pairs + 2, np.random.default_rng(n_pairs))
        walk = design.z[design.chain == 0]
        if n_pairs >= 2 * (n_players - 1):
            assert len(walk) == 0
            continue
        assert len(walk) == 2 * (n_players - 1)
        assert walk[0::2].sum(axis=1).tolist() == list(range(1, n_players))
        assert (walk[0:-2:2] <= walk[2::2]).all()  # each prefix holds the one before


@pytest.mark.parametrize(
    ("portfolio", "n_players", "budget"),
    [("shap", 7, 30), ("shap", 9, 60), ("shap", 8, 17), ("shap and lime", 7, 40), ("lime", 8, 50)],
)
def test_each_player_is_as_often_present_as_any_other_within_a_size(portfolio, n_players, budget):
    chosen = [make(n_players) for make in PORTFOLIOS[portfolio]]
    counts = np.zeros((n_players + 1, n_players))
    for seed in range(400):
        design = draw_design(chosen, n_players, budget, np.random.default_rng(seed))
        np.add.at(counts, design.sizes, design.z)
    for size in range(1, n_players):
        expected = counts[size].mean()
        if expected < 50 or counts[size].std() == 0:
            continue
        # draws of one size exclude each other, which only narrows the counts: the test is conservative
        assert stats.chi2.sf(((counts[size] - expected) ** 2 / expected).sum(), n_players - 1) > 1e-4, (size, counts[size])


@pytest.mark.parametrize("game", [games.random_table(10, 0, 1), games.network_game(0)], ids=str)
def test_a_budget_that_goes_whole_to_the_explanation_errs_far_less_than_with_two_hundred_coalitions_kept_out(game):
    law, plain = laws.shapley(10), px.KernelShap(surrogate="none")
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        found, every = draw_design([law], 10, 800, rng), draw_design([law], 10, 1024, rng)
        kept_out = {strata.pair_key(row) for row in strata.draw_strata(10, np.arange(2, 6), [29, 29, 28, 14], set(), rng)}
        left = np.array([strata.pair_key(row) not in kept_out for row in every.z])
        without = replace(every, z=every.z[left], pair=every.pair[: left.sum()], chain=every.chain[left], listed=False)
        assert len(found.z) == 798 < len(without.z)
        assert (found.sizes == 2).sum() == comb(10, 2)  # none of which any draw may miss
        values = (plain.estimate(games.evaluate(game, one)).values for one in (found, without))
        errors.append([games.squared_error(one, game.shapley) for one in values])
    whole, kept = np.mean(errors, axis=0)
    assert whole < kept / 4  # a twelfth when it was written


@pytest.mark.parametrize(("n_players", "size"), [(5, 1), (6, 2), (6, 3), (9, 4), (8, 4), (2, 1)])
def test_unranking_is_a_bijection_on_the_pairs_of_a_stratum(n_players, size):
    population = comb(n_players, size) // (2 if 2 * size == n_players else 1)
    z = strata.unrank(np.arange(population), n_players, size)
    assert (z.sum(axis=1) == size).all()
    assert len({strata.pair_key(row) for row in z}) == population


def test_a_coalition_and_its_complement_have_one_key():
    for n_players in (5, 6, 71):
        z = np.random.default_rng(0).random((50, n_players)) < 0.5
        assert [strata.pair_key(row) for row in z] == [strata.pair_key(~row) for row in z]


@pytest.mark.parametrize("n_players", [71, 90, 200])
def test_no_pair_comes_twice_where_strata_are_too_large_to_rank(n_players):
    assert comb(n_players, n_players // 2) > strata.RANKED
    design = draw_design([laws.shapley(n_players)], n_players, 12 * n_players, np.random.default_rng(n_players))
    keys = [strata.pair_key(row) for row in design.z[0::2]]
    assert len(design.z) == 12 * n_players - 2 and len(set(keys)) == len(keys)


def test_the_rejection_branch_drops_what_is_taken():
    # nothing is taken twice even where almost everything is: 28 of the 30 pairs of this stratum, by rejection
    original, strata.RANKED = strata.RANKED, 0
    try:
        rng, taken = np.random.default_rng(0), set()
        everything = strata.unrank(np.arange(comb(9, 3)), 9, 3)
        taken = {strata.pair_key(row) for row in everything[:-3]}
        drawn = strata.draw_stratum(9, 3, 3, taken, strata.count_taken(taken, 9)[3], rng)
    finally:
        strata.RANKED = original
    assert {row.tobytes() for row in drawn} == {row.tobytes() for row in everything[-3:]}


@pytest.mark.parametrize("n_players", [2, 3, 5, 12])
def test_listing_gives_every_interior_coalition_once(n_players):
    design = draw_design([laws.shapley(n_players)], n_players, 2**n_players, np.random.default_rng(0))
    assert design.listed and len(design.z) == 2**n_players - 2
    assert len(np.unique(design.z, axis=0)) == 2**n_players - 2


@pytest.mark.parametrize(
    ("portfolio", "n_players", "least"),
    [
        ("shap", 8, 16), ("lime", 8, 10), ("shap and lime", 8, 16), ("shap", 2, 4), ("shap", 3, 6), ("lime", 3, 5),
        ("all on a table", 8, 2 + 2 * (8 + 3)), ("lime and ice", 8, 2 + 2 * (8 + 3)), ("all on a table", 3, 8),
    ],
)  # fmt: skip
def test_least_budget_of_a_portfolio(portfolio, n_players, least):
    assert least_budget([make(n_players) for make in PORTFOLIOS[portfolio]], n_players) == least


def test_pdp_and_ice_together_need_both_outer_sizes_and_alone_one():
    one, both = laws.singletons(9), [laws.singletons(9), laws.all_but_one(9)]
    assert least_budget([one], 9) == 11
    assert least_budget(both, 9) == 20
    assert len(draw_design([one], 9, 11, np.random.default_rng(0)).z) == 9
    assert len(draw_design(both, 9, 20, np.random.default_rng(0)).z) == 18


@EVERY_PORTFOLIO
def test_a_budget_below_the_least_is_refused_and_the_message_says_how_much_is_needed(portfolio):
    chosen = [make(7) for make in PORTFOLIOS[portfolio]]
    least = least_budget(chosen, 7)
    with pytest.raises(ValueError, match=rf"budget={least - 1} is below the least of {least} .* 7 players.*budget={least}"):
        draw_design(chosen, 7, least - 1, np.random.default_rng(0))


def test_explain_refuses_a_budget_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(7, 0))
    with pytest.raises(ValueError, match=r"budget=13 is below the 14 coalitions that kernel_shap need.*budget=14"):
        px.explain("kernel_shap", predictor, space, x, budget=13)
    assert predictor.rows == 0


@pytest.mark.parametrize("methods", [["lime"], ["kernel_shap"], ["pdp", "ice"], ["lime", "kernel_shap", "ale"]])
def test_one_player_gets_everything(methods):
    predictor, space, x = games.door(games.unanimity(1, 1))
    for found in px.explain(methods, predictor, space, x).values():
        np.testing.assert_allclose(found.values, [[[1.0]]], atol=1e-12)
        low, high = found.interval()
        assert (low <= 1.0).all() and (high >= 1.0).all()


@pytest.mark.parametrize("n_players", [2, 3])
def test_two_and_three_players_are_listed_and_exact(n_players):
    game = games.random_table(n_players, seed=n_players)
    predictor, space, x = games.door(game)
    found = px.explain(["lime", "kernel_shap", "pdp", "ice"], predictor, space, x)
    assert predictor.rows == 2**n_players
    np.testing.assert_allclose(found["kernel_shap"].values[0], game.shapley, atol=1e-12)
    np.testing.assert_allclose(found["lime"].values[0], game.lime(0.25), atol=1e-10)
    empty, full = game.ends
    alone, rest = np.eye(n_players), 1.0 - np.eye(n_players)
    np.testing.assert_allclose(found["pdp"].values[0], game(alone) - empty, atol=1e-12)
    np.testing.assert_allclose(found["ice"].values[0], full - game(rest), atol=1e-12)


def test_a_row_that_equals_the_background_has_no_players_and_no_effects():
    space = px.TabularSpace(np.ones((1, 3)))
    predictor = px.Predictor(lambda X: X.sum(axis=1))
    found = px.explain(["lime", "kernel_shap", "pdp", "ice", "ale"], predictor, space, np.ones(3))
    for one in found.values():
        assert (one.values == 0).all() and one.meta["merged"] == ["x0", "x1", "x2"]


def test_the_seed_decides_the_draw():
    chosen = [laws.shapley(9)]
    same = [draw_design(chosen, 9, 50, np.random.default_rng(s)).z for s in (1, 1, 2)]
    assert (same[0] == same[1]).all() and not (same[0] == same[2]).all()


def test_a_picture_that_equals_its_fill_has_no_players_and_no_effects():
    labels = np.arange(64).reshape(8, 8) // 32
    space = px.ImageSpace(segments=labels, fill=0.0)
    predictor = px.Predictor(lambda X: X.mean(axis=(1, 2, 3)))
    found = px.explain(["lime", "kernel_shap", "pdp", "ice", "ale"], predictor, space, np.zeros((8, 8, 3), np.float32))
    assert predictor.rows == 1
    for one in found.values():
        assert (one.values == 0).all() and one.meta["merged"] == ["superpixel 0", "superpixel 1"]
