"""Coalitions that are chosen for what they tell: against the posterior of all coalitions, one by one."""

from __future__ import annotations

from types import SimpleNamespace

import games
import numpy as np
import oracles
import pytest

from perturbxai.core.evaluations import Chosen, Evaluations
from perturbxai.estimation.coalitions.semivalues import shapley_weights
from perturbxai.estimation.posterior.choice import ALONE, choose
from perturbxai.estimation.posterior.evidence import Answers
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import Knowledge
from perturbxai.estimation.posterior.prior import Prior
from perturbxai.estimation.posterior.process import Process
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design
from perturbxai.sampling.strata import pair_key, with_complements
from perturbxai.sampling.untouched import draw_candidates

N_PLAYERS = 6
SHAPLEY = SizeWeights.semivalue(shapley_weights(N_PLAYERS))
LIME = SizeWeights.slopes(laws.lime(N_PLAYERS, 0.5))
EVENS = pytest.mark.parametrize("even", [-0.95, -0.3, 0.0, 0.8])


def prior_of(even, seed=0):
    rng = np.random.default_rng(seed)
    return Prior(np.exp(rng.normal(-1.5, 0.7, N_PLAYERS)), 0.2, 0.1, 0.01, even, np.array([0.2, -0.3]))


class Game:
    """Coalitions that were asked, and what is left of the variances of values by the covariances of all 2^P coalitions."""

    def __init__(self, prior, n_pairs=6, seed=0):
        z = oracles.all_coalitions(N_PLAYERS).astype(bool)
        order = np.argsort(np.minimum(z.sum(axis=1), N_PLAYERS - z.sum(axis=1)), kind="stable")  # the ends first
        self.z, self.prior = z[order], prior
        x, size = 2.0 * self.z - 1.0, self.z.sum(axis=1)
        lower = np.tril(prior.of_answers(x, size))
        self.cov, self.size = lower + np.tril(lower, -1).T, size
        firsts = np.array([row for row in self.z[2:] if row[0]])
        self.firsts = np.random.default_rng(seed).permutation(firsts)
        self.asked = with_complements(self.firsts[:n_pairs])
        self.free = with_complements(self.firsts[n_pairs:])

    @property
    def knowledge(self):
        x = 2.0 * np.vstack([self.z[:2], self.asked]) - 1.0
        answers = Answers(x, np.random.default_rng(1).normal(size=(len(x), 1)))
        process = Process.of(self.prior, answers, np.zeros(len(x), dtype=bool))
        return SimpleNamespace(moving=[SimpleNamespace(first=process)])

    def left(self, weights, *beside):
        """The sum of the variances of values, in units of a game of variance one, once these are answered too."""
        named = {row.tobytes(): number for number, row in enumerate(self.z)}
        seen = [0, 1, *(named[row.tobytes()] for row in [*self.asked, *beside])]
        scaled = weights.times(self.prior.scale)
        operator = np.where(self.z.T, scaled.inside[self.size], scaled.outside[self.size])
        with_answers = operator @ self.cov[:, seen]
        told = with_answers @ np.linalg.solve(self.cov[np.ix_(seen, seen)], with_answers.T)
        return float(np.trace(operator @ self.cov @ operator.T - told))

    def lowered(self, wanted, *beside):
        return sum(1.0 - self.left(one, *beside) / self.left(one) for one in wanted)


@EVENS
@pytest.mark.parametrize("wanted", [[SHAPLEY], [LIME], [SHAPLEY, LIME]], ids=["shapley", "lime", "both"])
def test_each_is_the_one_that_lowers_what_is_left_most(even, wanted):
    """Greedily: of all pairs and all single coalitions, a single one where it does more than two thirds of a pair."""
    game = Game(prior_of(even))
    everything = np.ones(len(game.free), dtype=bool)
    chosen = choose(game.knowledge, wanted, game.free, everything, 7)
    before, left = [], list(game.free)
    while len(before) < 7:
        keys = {row.tobytes() for row in left}
        pairs = [(row, ~row) for row in left if (~row).tobytes() in keys]
        now = game.lowered(wanted, *before)
        gain = {one.tobytes(): game.lowered(wanted, *before, one) - now for one in left}
        of_pairs = [game.lowered(wanted, *before, *pair) - now for pair in pairs]
        best = max(gain.values())
        own = chosen[len(before)]
        if len(before) == 6 or best > ALONE * max(of_pairs) * (1 + 1e-6):
            assert gain[own.tobytes()] == pytest.approx(best, rel=1e-6)
            taken = [own]
        else:
            found = game.lowered(wanted, *before, own, ~own) - now
            assert (chosen[len(before) + 1] == ~own).all() and found == pytest.approx(max(of_pairs), rel=1e-6)
            taken = [own, ~own]
        before += taken
        left = [row for row in left if row.tobytes() not in {one.tobytes() for one in taken}]


def test_of_a_game_that_is_all_but_odd_a_complement_is_asked_late_or_never():
    game = Game(prior_of(-0.999))
    chosen = choose(game.knowledge, [SHAPLEY], game.free, np.ones(len(game.free), dtype=bool), 12)
    assert len({pair_key(row) for row in chosen}) == 12


def test_nothing_is_chosen_twice_nor_what_is_not_free_and_no_more_than_there_is():
    game = Game(prior_of(0.0))
    free = np.ones(len(game.free), dtype=bool)
    free[[1, 4, 7]] = False
    chosen = choose(game.knowledge, [SHAPLEY], game.free, free, 1000)
    assert {row.tobytes() for row in chosen} == {row.tobytes() for row in game.free[free]} and len(chosen) == free.sum()


@pytest.mark.parametrize("n_players", [5, 6, 12, 40])
def test_candidates_are_what_was_not_asked_and_the_other_side_of_what_was(n_players):
    rng = np.random.default_rng(0)
    design = draw_design([laws.shapley(n_players)], n_players, 20 if n_players < 7 else 4 * n_players, rng)
    singles = draw_candidates(design.z, 4, rng)[0][0::2]
    asked = np.concatenate([design.z, singles])
    z, free = draw_candidates(asked, 500, rng)
    names = {row.tobytes() for row in asked}
    assert (z[0::2] != z[1::2]).all() and len({row.tobytes() for row in z}) == len(z)
    assert [row.tobytes() not in names for row in z] == free.tolist()
    assert {(~row).tobytes() for row in singles} <= {row.tobytes() for row in z[free]}
    if n_players < 7:  # all of them
        assert free.sum() == 2**n_players - 2 - len(asked)
    else:
        assert free.sum() == 1000 + len(singles)


def test_what_is_not_free_is_left_where_nothing_tells_of_what_is_wanted():
    game, nothing = Game(prior_of(0.0)), SizeWeights(np.zeros(N_PLAYERS + 1), np.zeros(N_PLAYERS + 1))
    free = np.arange(len(game.free)) % 4 == 1
    chosen = choose(game.knowledge, [nothing], game.free, free, 1000)
    assert {row.tobytes() for row in chosen} == {row.tobytes() for row in game.free[free]} and len(chosen) == free.sum()


@pytest.mark.parametrize("n_constant", [1, 2])
def test_outputs_that_never_change_have_no_say(n_constant):
    """Neither by a process of their own, nor where all outputs never do, which is no reason to choose nothing."""
    game = games.sigmoid_game(9, 1.0, 3.0)
    design = draw_design([laws.shapley(9)], 9, 60, np.random.default_rng(0))
    z, free = draw_candidates(design.z, 100, np.random.default_rng(1))
    own, constants = np.vstack([*game.ends, game(design.z)]), np.full((len(design.z) + 2, n_constant), 0.3)
    live, both, still = (
        Evaluations(design, values[2:], values[0], values[1]) for values in (own, np.hstack([constants, own]), constants)
    )
    wanted = [SizeWeights.semivalue(shapley_weights(9))]
    first, second, third = (choose(Knowledge.of(one, sparing=False), wanted, z, free, 20) for one in (live, both, still))
    np.testing.assert_array_equal(first, second)
    assert len(third) == 20


def test_answers_that_were_chosen_are_known_and_are_no_part_of_the_sample():
    """A process takes them for what they are; what is drawn keeps its folds, its fit and what is said of it."""
    game = games.sigmoid_game(11, 2.0, 4.0)
    design = draw_design([laws.shapley(11)], 11, 90, np.random.default_rng(0))
    z = draw_candidates(design.z, 20, np.random.default_rng(1))[0]
    table = Evaluations(design, game(design.z), *game.ends)
    beside = Evaluations(design, game(design.z), *game.ends, chosen=Chosen(z, game(z)))
    plain, with_more = (Knowledge.of(one, sparing=False) for one in (table, beside))
    np.testing.assert_array_equal(with_more.fold[: len(plain.fold)], plain.fold)
    own = with_more.fold[len(plain.fold) :]
    assert len(z) == 40 and (own[0::2] == own[1::2]).all() and set(own) == set(range(5))
    assert with_more.said.shape == plain.said.shape
    weights = SizeWeights.semivalue(shapley_weights(11))
    assert with_more.known(weights).variances.sum() < 0.7 * plain.known(weights).variances.sum()
    # asked for, a process is made whatever it costs: the answers would be of no use
    assert Knowledge.of(table, sparing=True) is None and Knowledge.of(beside, sparing=True) is with_more
