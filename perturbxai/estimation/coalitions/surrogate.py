"""Surrogates: games fitted to the answers that take what they explain out of the noise of linear fits.

A surrogate less the linear game of its own values is a game whose values are zero: a share of it may be taken from the
answers, and what is estimated stays as it is. The surrogate of a pair is fitted to four folds of the pairs and says
something of the fifth (cross-fitting), so that it cannot have seen what it takes away. Where a good part of all pairs of a
size was drawn, the pairs that were not matter less, and with them the surrogate of their fold: a size that was drawn by the
share a takes 1 - a of the surrogate that has not seen the pair and a of the mean of all five. With everything drawn nothing
is left to chance, as without a surrogate.

A process (`estimation/posterior`) is a surrogate too, and it has values of its own, which draw on all pairs at once: where
few were asked, or the game is of high orders, they are nearer than those of any fit that is free of bias. Of all these the
one with the smallest estimated variance is taken.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from perturbxai.core.evaluations import Estimate, Evaluations
from perturbxai.core.types import Bools, Floats, Ints, Presence
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.surrogate_games import explained, grow, triple_controls
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.posterior.crossfit import Known
from perturbxai.estimation.posterior.errors import posterior_errors
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import N_FOLDS, Knowledge, folds
from perturbxai.estimation.survey import ROUNDING

SURROGATES = ("auto", "all", "none", "linear", "process", "triples", "trees")
FEWEST = 20  # coalitions a player below which triples and trees are not tried
MOST_OUTPUTS = 20  # beyond them none is tried
WORTH = 0.25  # seconds that a table can afford, from which "auto" tries triples and trees
LOWERED = 0.8  # triples and trees are taken if the estimated variance with them is at most so much of that without
BETTER = 0.9  # two are taken together if they leave at most so much of what one leaves
FAR = 2.0  # times the estimated variance of the plain values: to that distance, squared, controls may move them
CAUTIOUS = 0.6  # of the variance that a posterior states, which is never below what it said of itself, is near the truth
PROMISING = 0.2  # trees that explain less of the first fold are not worth the others
ENOUGH, FEW_OUTPUTS = 0.5, 3  # "auto" grows trees where more is left of the variance, and for so many outputs at most


def adjusted(
    surrogate: str, fit: LinearFit, weights: SizeWeights, table: Evaluations, answers: Floats, left: Floats, plain: Estimate
) -> Estimate:
    """The plain estimate with the surrogate of each output that lowers its variance enough, or as it is.

    surrogate  one of SURROGATES;  weights  of the method's values;  answers (n, K) that the fit is of
    left (n, K)  what it leaves of them
    """
    tried = _tried(surrogate, fit, table, answers.shape[1])
    knowledge = Knowledge.of(table, surrogate == "auto") if "process" in tried else None
    if not tried or (tried == ["process"] and knowledge is None):
        return plain
    n_ends = fit.n_ends
    values, ends, before, left = plain.values.copy(), left[:n_ends], left[n_ends:], left.copy()
    level = answers - answers.mean(axis=0) if n_ends else answers
    taken: list[_Taken] = []
    for k in range(answers.shape[1]):
        if (twin := _opposite(level, k)) is not None:  # of two classes one is told by the other
            values[:, k] -= values[:, twin] - plain.values[:, twin]
            left[:, k] = -left[:, twin]
            taken.append(taken[twin])
            continue
        game = _Game(fit, weights, table, knowledge, answers, k, left[:, k])
        taken.append(game.best(tried, surrogate == "auto"))
        values[:, k] = taken[k].values if taken[k].values is not None else values[:, k] - taken[k].moved
        left[:, k] = taken[k].left
    stderr, critical = fit.errors(left[n_ends:], values, table, ends if n_ends else None, tails=bool(n_ends), before=before)
    for k, one in enumerate(taken):
        if np.any(one.beyond):
            stderr[:, k] = np.sqrt(stderr[:, k] ** 2 + one.beyond)
        if one.values is not None and knowledge is not None:
            known = knowledge.known(weights)
            stderr[:, k], critical[k] = posterior_errors(
                known, k, fit, one.left[n_ends:], (before[:, k], ends[:, k]), values[:, k], table
            )
    notes = plain.notes | {"surrogate": [{"taken": one.taken, "variance": one.variance} for one in taken]}
    return Estimate(values, stderr, critical, plain.df, plain.stderr_background, notes)


def _tried(surrogate: str, fit: LinearFit, table: Evaluations, n_outputs: int) -> list[str]:
    """What is tried of a kind of surrogate."""
    design = table.design
    if surrogate in ("none", "linear") or design.listed or n_outputs > MOST_OUTPUTS or table.weight is not None:
        return []
    found = ["process"] if surrogate in ("auto", "all", "process") and fit.df > 0 else []
    cheap = surrogate == "auto" and table.affordable < WORTH
    if isinstance(fit, PairFit) and not cheap and len(design.z) + 2 >= FEWEST * design.n_players:
        found += ["triples"] * (surrogate in ("auto", "all", "triples"))
        found += ["trees"] * (surrogate in ("all", "trees") or (surrogate == "auto" and n_outputs <= FEW_OUTPUTS))
    return found


def _opposite(answers: Floats, k: int) -> int | None:
    """The number of an earlier output that is the opposite to rounding, None if there is none."""
    close = 1e-12 * np.abs(answers[:, k]).max()
    return next((j for j in range(k) if np.abs(answers[:, k] + answers[:, j]).max() <= close), None)


class _Taken(NamedTuple):
    """What was taken, the estimated variance with it over that without, by how much it moves the values, what is then left.

    moved (P,), to be taken from the values;  left (n,);  values (P,) in place of those of the fit, or None
    beyond (P,): variances that nothing left of the answers tells
    """

    taken: str
    variance: float
    moved: Floats
    left: Floats
    values: Floats | None = None
    beyond: Floats | float = 0.0


class _Control(NamedTuple):
    """What a surrogate says of the answers, less the linear game of its values: by the fit that has not seen each, and by
    the mean of all fits, (n,) each."""

    blind: Floats
    whole: Floats


@dataclass(frozen=True, eq=False)
class _Game:
    """One output of a table, by its number among the answers (n, K); left (n,): what the plain fit leaves of it."""

    fit: LinearFit
    weights: SizeWeights
    table: Evaluations
    knowledge: Knowledge | None
    answers: Floats
    output: int
    left: Floats

    def best(self, tried: list[str], sparing: bool) -> _Taken:
        """sparing: whether trees are grown only where the others leave much"""
        found = _Taken("none", 1.0, np.zeros(self.table.design.n_players), self.left)
        rounding = float(self.table.design.n_players * ROUNDING * self.table.scale[self.output]) ** 2
        plain = self._variance(self.left)
        if plain <= rounding:
            return found
        controls: dict[str, _Control] = {}
        for name in tried:
            if name == "trees" and sparing and found.variance <= ENOUGH:
                continue
            control = self._control(name)
            if control is None:
                continue
            found = self._taken({name: control}, plain, found)
            for other, beside in controls.items():
                found = self._taken({other: beside, name: control}, plain, found)
            controls[name] = control
        return self._posterior(plain, found) if "process" in controls else found

    def _control(self, name: str) -> _Control | None:
        """None if it tells little, or if the table is not worth it."""
        if name == "process":
            return None if self.knowledge is None else self._process
        made = self._triples() if name == "triples" else self._trees()
        return None if made is None else _Control(made[self._fold, np.arange(len(self._fold))], made.mean(axis=0))

    @cached_property
    def _fold(self) -> Ints:
        return folds(self.fit.clusters.stratum)

    @property
    def _kept(self) -> Bools:
        """(F, R): the pairs that the surrogate of each fold may be fitted to."""
        return np.asarray(self._fold != np.arange(N_FOLDS)[:, None])

    @property
    def _z(self) -> Presence:
        """(R, P): the first sides of the pairs."""
        assert isinstance(self.fit, PairFit)
        return self.table.design.z[self.fit.first]

    def _triples(self) -> Floats | None:
        """(F, R)"""
        return triple_controls(self._z, self.left, self.fit.row_weight, self._kept)

    def _trees(self) -> Floats | None:
        """(F, R), or None if the trees of the first fold tell little of it."""
        made, z, weight = [], self._z, self.fit.row_weight
        for fold, mine in enumerate(self._kept):
            game = grow(z[mine], self.left[mine], weight[mine], fold)
            made.append(game.odd(z) - self.fit.line(game.shapley()[:, None])[:, 0])
            if not fold and explained(made[0][~mine], self.left[~mine], weight[~mine]) < PROMISING:
                return None
        return np.array(made)

    @cached_property
    def _said(self) -> Floats:
        """(F, n): what the processes say of the answers, by all pairs but those of each fold."""
        assert self.knowledge is not None
        return self.fit.answers(self.knowledge.said[..., self.output].T).T

    @cached_property
    def _unseen(self) -> Floats:
        """(n,): what each answer is more than the process said that had not seen it."""
        return self.answers[:, self.output] - self._by_row(self._said)

    def _by_row(self, said: Floats) -> Floats:
        """(n,) of (F, n): by the fit that has not seen each; nothing and everything all have seen."""
        assert self.knowledge is not None
        fold = self.knowledge.fold[: len(said[0])] if self.fit.n_ends else self._fold
        return np.asarray(said[fold, np.arange(len(fold))])

    @cached_property
    def _known(self) -> Known:
        assert self.knowledge is not None
        return self.knowledge.known(self.weights)

    @cached_property
    def _beyond(self) -> Floats:
        """(P,): variances, by the process, of what sizes bring of which nothing was drawn: no answer tells whether it knows
        them."""
        assert self.knowledge is not None
        undrawn = np.ones(self.table.design.n_players + 1, dtype=bool)
        undrawn[[0, -1]] = undrawn[self.table.design.sizes] = False
        found = np.zeros(self.table.design.n_players)
        if undrawn.any() and (self.weights.inside[undrawn].any() or self.weights.outside[undrawn].any()):
            found += self.knowledge.known(self.weights.times(undrawn.astype(np.float64))).variances[:, self.output]
        return found

    @property
    def _process(self) -> _Control:
        free = self._said - self.fit.line(self._known.by_fold[..., self.output].T).T
        return _Control(self._by_row(free), free.mean(axis=0))

    def _taken(self, controls: dict[str, _Control], plain: float, before: _Taken) -> _Taken:
        """With these controls, if they do better than what was found before and well enough."""
        asked = self.fit.asked
        blind = np.column_stack([one.blind for one in controls.values()])  # (n, C)
        whole = np.column_stack([one.whole for one in controls.values()])
        # how much of each: where all pairs were drawn nothing is at stake
        root = np.sqrt(self.fit.row_weight * np.maximum(1.0 - asked, 0.0))[:, None]
        free = self.fit.left_by(blind)
        share = np.linalg.lstsq(free * root, self.left * root[:, 0], rcond=None)[0]
        left = self.left - free @ share
        beyond: Floats | float = self._beyond if "process" in controls else 0.0
        ratio = (self._variance(left) + float(np.sum(beyond))) / plain
        needed = BETTER if len(controls) > 1 else 1.0 if "process" in controls else LOWERED
        if ratio >= needed * before.variance:
            return before
        mixed = blind + asked[:, None] * (whole - blind)
        moved = self.fit.values_of((mixed @ share)[:, None])[:, 0]
        if float(moved @ moved) > FAR * plain:  # what both estimate is the same, so that one of them must be far off
            return before
        return _Taken(" and ".join(controls), ratio, moved, left, beyond=beyond)

    def _posterior(self, plain: float, before: _Taken) -> _Taken:
        """The process's own values, if they are said to be nearer."""
        ratio = float(self._known.variances[:, self.output].sum()) / plain
        if ratio > 1.0 or CAUTIOUS * ratio >= before.variance:
            return before
        values = self._known.values[:, self.output]
        if not self.fit.n_ends:  # Shapley values: their sum is known better than the process has it
            gain = self.table.full[self.output] - self.table.empty[self.output]
            values = values + (gain - values.sum()) / len(values)
        return _Taken("posterior", ratio, np.zeros(len(values)), self._unseen, values)

    def _variance(self, left: Floats) -> float:
        """The sum over players of the estimated variances."""
        return float(self.fit.variances(left[self.fit.n_ends :, None]).sum())
