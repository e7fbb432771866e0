"""Priors of all answers but those of a fold of the pairs, and errors that these pairs have tried.

A search starts where that of a neighbour ended, which has seen the fold, and is short: a fold has next to no say in its own
prior, not none.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints, PerOutput
from perturbxai.estimation.posterior.evidence import Answers
from perturbxai.estimation.posterior.pairs import Functional
from perturbxai.estimation.posterior.prior import Prior
from perturbxai.estimation.posterior.process import Process

ALIKE = (np.inf, 1.0, 0.1)  # how strongly the players' rates are drawn together; infinite: one for all
JUDGES = 2  # folds that choose between these
MOST_JUDGED = 1000  # answers, by which they do
STEPS, LATER = 30, 8  # of a search, and of one that starts where a neighbour ended


class Known(NamedTuple):
    """What is known of a method's values: (P, K) each, and degrees of freedom (K,) of the variances.

    by_fold (F, P, K): the values by all but the pairs of each fold;  surprise (K,): see `CrossFit`
    """

    values: Floats
    variances: Floats
    df: PerOutput
    by_fold: Floats
    surprise: PerOutput


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Processes of a game, each of a prior that was fitted without a fold of the pairs, given all answers.

    priors, out: by fold, its prior and which answers (n,) belong to it;  alike: the choice of `ALIKE`
    """

    answers: Answers
    priors: tuple[Prior, ...]
    out: tuple[Bools, ...]
    alike: float

    @classmethod
    def of(cls, answers: Answers, fold: Ints, common: bool) -> Self:
        """fold (n,): of each answer, -1 for nothing and everything, which all see

        common: one rate for all players, which takes less time
        """
        folds = [fold == own for own in range(int(fold.max()) + 1)]
        judged = answers.spread(MOST_JUDGED)
        chosen: tuple[float, float, list[Floats]] | None = None
        start = None
        for alike in ALIKE[: 1 if common else None]:
            searched: list[Floats] = []
            density = 0.0
            for out in folds[:JUDGES]:
                own = answers.but(out)
                start = own.best(alike, start, LATER if searched else STEPS)
                if alike == ALIKE[-1] and not searched:
                    start = min(start, own.best(alike, own.by_slopes()), key=lambda one: own.surprise(one, alike)[0])
                searched.append(start)
                density += Process.of(answers.prior(start), answers.at(judged), out[judged]).density
            start = searched[0]
            if chosen is None or density > chosen[0]:
                chosen = density, alike, searched
        assert chosen is not None
        _, alike, searched = chosen
        for out in folds[JUDGES:]:
            searched.append(answers.but(out).best(alike, searched[0], LATER))
        return cls(answers, tuple(map(answers.prior, searched)), tuple(folds), alike)

    @cached_property
    def first(self) -> Process:
        """That of the first fold, for what does not depend on folds."""
        return Process.of(self.priors[0], self.answers, self.out[0])

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        rest = zip(self.priors[1:], self.out[1:], strict=True)
        return self.first, *(Process.of(prior, self.answers, out) for prior, out in rest)

    @cached_property
    def surprise(self) -> PerOutput:
        """(K,): how far an answer lies at most from what the pairs of other folds say, in the standard deviations said."""
        return np.asarray(np.max([one.farthest for one in self.processes], axis=0))

    @property
    def said(self) -> Floats:
        """(F, n, K): what all but the pairs of each fold say of every answer."""
        return np.array([one.said for one in self.processes])

    def known(self, weights: Functional) -> Known:
        """A method's values.

        The variances are what the processes say, by as much more as each fold moved the values more than was said, and what
        the choice of the prior brings.
        """
        read = [one.reading(weights) for one in self.processes]
        values = np.array([one.values for one in read])
        moved = np.sum([one.moved for one in read], axis=0)
        expected = np.sum([one.expected * fit.variance for one, fit in zip(read, self.processes, strict=True)], axis=0)
        wider = np.maximum(np.divide(moved, expected, out=np.ones_like(moved), where=expected > 0), 1.0)
        # so many squares of one variance the moves of a fold are worth
        df = sum(one.expected**2 / max(one.together, np.finfo(np.float64).tiny) for one in read)
        variances = wider * np.mean([one.variances for one in read], axis=0) + values.var(axis=0)
        by_fold = np.array([one.first for one in read])
        return Known(values.mean(axis=0), variances, np.full(len(wider), df), by_fold, self.surprise)
