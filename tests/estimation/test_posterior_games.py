"""What a table of pairs knows of its game: folds, groups of outputs, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import games
import numpy as np
import oracles
import pytest

from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation.coalitions.semivalues import shapley_weights
from perturbxai.estimation.posterior import cost
from perturbxai.estimation.posterior.crossfit import CrossFit
from perturbxai.estimation.posterior.evidence import Answers
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import MOST_OUTPUTS, MOST_PLAYERS, MOST_ROWS, N_FOLDS, Knowledge
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_cells, draw_design


def table(game, per_player, seed=0):
    """As pictures, and tables with many background rows, come: a coalition is costly."""
    n_players = game.n_players
    budget = min(per_player * n_players, 2**n_players - 2)
    design = draw_design([laws.shapley(n_players)], n_players, budget, np.random.default_rng(seed))
    return Evaluations(design, game(design.z), *game.ends, affordable=10.0)


def of_outputs(game, *maps):
    """A game of several outputs, each made of the game's first."""
    return games.KnownGame("maps", game.n_players, lambda z: np.hstack([f(game(z)[:, :1]) for f in maps]), None)


SHAPLEY_OF_11 = SizeWeights.semivalue(shapley_weights(11))
NOISE = games.random_table(11, 0, 1)
SIGMOID = games.sigmoid_game(11, 2.0, 4.0)
KINDS = {
    "additive": lambda v: v, "opposite": lambda v: -v, "square": lambda v: v**2, "root": lambda v: np.sqrt(1.0 + v),
    "sine": lambda v: np.sin(5.0 * v),
}  # fmt: skip


# -------------------------------------------------------------------------------------------------- folds


def test_folds_keep_pairs_together_and_spread_every_size():
    found = table(SIGMOID, 20)
    knowledge = Knowledge.of(found, False)
    fold, sizes = knowledge.fold[2:], found.design.sizes
    assert set(knowledge.fold[:2]) == {-1} and set(fold) == set(range(N_FOLDS))
    for pair in np.unique(found.design.pair):
        assert np.ptp(fold[found.design.pair == pair]) == 0
    for size in range(1, 6):
        counts = np.bincount(fold[np.minimum(sizes, 11 - sizes) == size], minlength=N_FOLDS)
        assert np.ptp(counts) <= 2  # rows, of which a pair has two


def answers_of(game, per_player=10, seed=0):
    knowledge = Knowledge.of(table(game, per_player, seed), False)
    return Answers(knowledge.signs, knowledge.values - knowledge.values.mean(axis=0)), knowledge.fold


def changed(answers, rows):
    noise = answers.y.std() * np.random.default_rng(1).normal(size=answers.y.shape)
    return Answers(answers.x, np.where(rows[:, None], answers.y + noise, answers.y))


def test_other_answers_in_the_first_fold_change_nothing_of_what_is_said_of_it():
    """With one rate for all players no other fold's search comes before it, and no other choice."""
    answers, fold = answers_of(NOISE)
    one, other = (CrossFit.of(each, fold, True) for each in (answers, changed(answers, fold == 0)))
    for found, again in zip(one.processes[0].prior, other.processes[0].prior, strict=True):
        np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(one.said[0], other.said[0])
    assert min(np.abs(one.said[f] - other.said[f]).max() for f in range(1, N_FOLDS)) > 0.01


def test_the_processes_of_the_folds_hold_back_their_own_pairs_and_no_others():
    answers, fold = answers_of(SIGMOID)
    for own, process in enumerate(CrossFit.of(answers, fold, True).processes):
        assert process.n_first == (fold != own).sum()
        np.testing.assert_array_equal(process.place[process.n_first :], np.flatnonzero(fold == own))


def test_values_are_means_over_the_folds_and_their_spread_is_in_the_variances():
    answers, fold = answers_of(NOISE)
    fit = CrossFit.of(answers, fold, False)
    known, read = fit.known(SHAPLEY_OF_11), [one.reading(SHAPLEY_OF_11) for one in fit.processes]
    np.testing.assert_allclose(known.values, np.mean([one.values for one in read], axis=0), rtol=1e-12)
    np.testing.assert_array_equal(known.by_fold, [one.first for one in read])
    least = np.mean([one.variances for one in read], axis=0) + np.var([one.values for one in read], axis=0)
    assert (known.variances >= least * (1.0 - 1e-12)).all() and (known.df > 0).all()


def test_variances_widen_by_as_much_as_the_folds_moved_the_values_more_than_was_said():
    """Answers of one fold that are much larger than all others move the values as nobody had said they would."""
    answers, fold = answers_of(SIGMOID)
    louder = Answers(answers.x, np.where((fold == 4)[:, None], 30.0 * answers.y, answers.y))
    fit = CrossFit.of(louder, fold, True)
    read = [one.reading(SHAPLEY_OF_11) for one in fit.processes]
    moved = sum(one.moved for one in read)
    said = sum(one.expected * process.variance for one, process in zip(read, fit.processes, strict=True))
    assert moved[0] > 1.5 * said[0]
    slow = moved / said * np.mean([one.variances for one in read], axis=0) + np.var([one.values for one in read], axis=0)
    np.testing.assert_allclose(fit.known(SHAPLEY_OF_11).variances, slow, rtol=1e-12)


# -------------------------------------------------------------------------------------------------- knowledge


def test_one_table_gives_one_answer_to_the_bit():
    game = of_outputs(SIGMOID, KINDS["additive"], KINDS["square"])
    one, other = (Knowledge.of(table(game, 10), False).known(SHAPLEY_OF_11) for _ in range(2))
    for found, again in zip(one, other, strict=True):
        np.testing.assert_array_equal(found, again)


def test_a_table_is_fitted_once_and_anew_for_another_purse():
    found = table(SIGMOID, 10)
    assert Knowledge.of(found, False) is Knowledge.of(found, False)
    assert Knowledge.of(found, True) is Knowledge.of(found, True)
    assert Knowledge.of(replace(found, affordable=0.0, cache={}), True) is None


def test_of_opposite_outputs_one_tells_the_other_and_every_output_keeps_its_place():
    both = of_outputs(NOISE, KINDS["additive"], KINDS["square"], KINDS["opposite"])
    knowledge, alone = (Knowledge.of(table(one, 10), False) for one in (both, of_outputs(NOISE, KINDS["square"])))
    assert knowledge.groups == [[0], [1]]
    assert knowledge.twin.tolist() == [0, 1, 0] and knowledge.sign.tolist() == [1, 1, -1]
    found, square = knowledge.known(SHAPLEY_OF_11), alone.known(SHAPLEY_OF_11)
    np.testing.assert_array_equal(found.values[:, 2], -found.values[:, 0])
    np.testing.assert_array_equal(found.variances[:, 2], found.variances[:, 0])
    for one, part in zip(found, square, strict=True):
        np.testing.assert_array_equal(one[..., 1], part[..., 0])
    np.testing.assert_allclose(knowledge.said[..., 1], alone.said[..., 0], atol=1e-13)


def test_more_than_three_outputs_share_their_rates():
    few = of_outputs(SIGMOID, *list(KINDS.values())[:4])  # two of them are opposites
    many = of_outputs(SIGMOID, *KINDS.values())
    assert Knowledge.of(table(few, 10), False).groups == [[0], [2], [3]]
    assert Knowledge.of(table(many, 10), False).groups == [[0, 2, 3, 4]]


def test_methods_that_insist_and_methods_that_spare_share_a_fit_where_nothing_is_spared():
    rich, poor = table(SIGMOID, 10), replace(table(SIGMOID, 10), affordable=0.06)
    assert Knowledge.of(rich, True) is Knowledge.of(rich, False)
    assert Knowledge.of(poor, True).common and not Knowledge.of(poor, False).common


@pytest.mark.parametrize("name", ["rows", "players", "outputs"])
def test_what_is_too_much_work_is_not_known(name):
    n_players = MOST_PLAYERS + 1 if name == "players" else 20
    per_player = MOST_ROWS // n_players + 2 if name == "rows" else 4
    least = Knowledge.of(table(games.additive(min(n_players, MOST_PLAYERS), 0), 4), False)
    game = games.additive(n_players, 0, MOST_OUTPUTS + 1 if name == "outputs" else 1)
    assert least is not None and Knowledge.of(table(game, per_player), False) is None


def test_cells_listed_designs_unpaired_designs_and_weights_of_rows_are_not_known():
    rng, found = np.random.default_rng(0), table(SIGMOID, 10)
    z = found.design.z
    cells = draw_cells([laws.shapley(11)], 11, 200, 5, rng)
    on_cells = Evaluations(cells, SIGMOID(cells.z), *SIGMOID.ends, affordable=10.0)
    listed = Evaluations(
        draw_design([laws.shapley(11)], 11, 2**11, rng), SIGMOID(oracles.all_coalitions(11)[1:-1]), *SIGMOID.ends
    )
    assert listed.design.listed
    unpaired = replace(found, design=replace(found.design, z=np.roll(z, 1, axis=0), cache={}), cache={})
    weighed = replace(found, weight=np.ones(len(z)), cache={})
    for one in (on_cells, listed, unpaired, weighed):
        assert Knowledge.of(one, False) is None
    assert Knowledge.of(found, False) is not None


def test_the_opposite_game_has_opposite_values_to_the_bit():
    one, other = (
        Knowledge.of(table(of_outputs(NOISE, kind), 10), False).known(SHAPLEY_OF_11)
        for kind in (KINDS["additive"], KINDS["opposite"])
    )
    np.testing.assert_array_equal(other.values, -one.values)
    np.testing.assert_array_equal(other.variances, one.variances)


# -------------------------------------------------------------------------------------------------- costs


def worth(table, n_groups, seconds):
    return cost.worthwhile(seconds, len(table.values) + 2, 11, n_groups, n_groups)


@pytest.mark.parametrize("n_groups", [1, 3])
def test_what_a_table_is_worth_falls_with_what_it_can_afford(n_groups):
    found = table(of_outputs(SIGMOID, *list(KINDS.values())[2 : 2 + n_groups]), 10)
    needed = [cost.seconds(level, len(found.values) + 2, 11, n_groups, n_groups) for level in cost.LEVELS]
    assert needed == sorted(needed, reverse=True)
    purses = sorted({*needed, *(0.999 * one for one in needed), 0.0}, reverse=True)
    told = [worth(found, n_groups, purse) for purse in purses]
    order = [*cost.LEVELS, None]
    assert [order.index(one) for one in told] == sorted(order.index(one) for one in told)
    for level, enough in zip(cost.LEVELS, needed, strict=True):
        best = next(one for one, least in zip(cost.LEVELS, needed, strict=True) if least <= enough)
        assert worth(found, n_groups, enough) == best
        assert n_groups == 1 or best == level
    assert told[0] == cost.OWN and told[-1] is None


def test_a_small_purse_buys_shared_rates_and_a_smaller_one_a_common_rate():
    found = table(of_outputs(SIGMOID, *list(KINDS.values())[2:5]), 10)
    own, shared, common = (cost.seconds(level, len(found.values) + 2, 11, 3, 3) for level in cost.LEVELS)
    made = [Knowledge.of(replace(found, affordable=purse, cache={}), True) for purse in (own, shared, common)]
    assert [len(one.groups) for one in made] == [3, 1, 1]
    assert [one.common for one in made] == [False, False, True]
    assert np.ptp(made[2].fits[0].processes[0].prior.rate) == 0.0
