"""Which coalitions to ask next: those whose answers leave the least variance of what is wanted."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Bools, Floats, Presence
from perturbxai.estimation.posterior.knowledge import Knowledge
from perturbxai.estimation.posterior.pairs import Functional
from perturbxai.estimation.posterior.prior import signs
from perturbxai.estimation.posterior.process import Process

ALONE = 2 / 3  # of what the best pair lowers, from which on a single coalition does better for its one row
LEAST = 1e-10  # of the variance of a game of variance one: what is left of a candidate's is no less


def choose(knowledge: Knowledge, wanted: Sequence[Functional], z: Presence, free: Bools, n_rows: int) -> Presence:
    """(n, P) of candidates z (C, P), complements side by side, as far as they are free (C,) to be asked.

    One after the other, or two that are complements, which with those before lower the posterior variances most. n is
    n_rows, or as many as are free if these are fewer.

    wanted: what methods make of the game. Each counts alike, and so does each output that changes and has a process of its
    own: what is lowered is the sum, over these, of the variance that is left over the variance that there is now. What will
    be answered does not matter to it, so that all of a look are chosen at once, greedily.
    """
    outlooks = [_Outlook(fit.first, wanted, signs(z)) for fit in knowledge.moving]
    chosen: list[int] = []
    free = free.copy()
    while len(chosen) < n_rows and free.any():
        gain = np.where(free[0::2] & free[1::2], np.sum([one.gain for one in outlooks], axis=0), -np.inf)
        alone = np.where(free, np.sum([one.alone for one in outlooks], axis=0), -np.inf)
        pair, single = int(gain.argmax()), int(alone.argmax())
        one_row = alone[single] > ALONE * gain[pair] or len(chosen) + 1 == n_rows
        for number in (single,) if one_row else (2 * pair, 2 * pair + 1):
            chosen.append(number)
            free[number] = False
            for one in outlooks:
                one.ask(number)
    return np.asarray(z[chosen])


class _Outlook:
    """What a process expects of candidates in signs x (C, P), complements side by side.

    told (n, C): how the answers it has tell them, in standard deviations;  wanted (d, C): covariances with what is wanted
    variance (C,) of the candidates;  between (C / 2,): covariances of the two of a pair
    """

    def __init__(self, process: Process, wanted: Sequence[Functional], x: Floats) -> None:
        self.prior, self.x = process.prior, x
        self.told = process.solved(self.prior.between(process.x, x))
        self.wanted = np.vstack([self._of(process, one.times(self.prior.scale)) for one in wanted])
        before, both = self.prior.of_pairs(x[0::2])
        self.variance = np.maximum(np.repeat(before, 2) - (self.told**2).sum(axis=0), LEAST)
        self.between = both - (self.told[:, 0::2] * self.told[:, 1::2]).sum(axis=0)
        self.asked: list[Floats] = []

    def _of(self, process: Process, weights: Functional) -> Floats:
        """(P, C): of a method's values, over what the sum of their variances is now."""
        gain = process.solved(weights.covariance(self.prior, process.x).T)
        left = np.maximum(weights.variance(self.prior) - (gain**2).sum(axis=0), 0.0).sum()
        found = weights.covariance(self.prior, self.x) - gain.T @ self.told
        return np.asarray(found / np.sqrt(max(left, np.finfo(np.float64).tiny)))

    @property
    def gain(self) -> Floats:
        """(C / 2,): by how much each pair lowers what is left, as shares of what there is now."""
        one, other = self.wanted[:, 0::2], self.wanted[:, 1::2]
        slope = self.between / self.variance[0::2]
        alone = np.maximum(self.variance[1::2] - self.between * slope, LEAST)  # the other, once the one is known
        return np.asarray((one**2).sum(axis=0) / self.variance[0::2] + ((other - slope * one) ** 2).sum(axis=0) / alone)

    @property
    def alone(self) -> Floats:
        """(C,): the same of each candidate by itself."""
        return np.asarray((self.wanted**2).sum(axis=0) / self.variance)

    def ask(self, number: int) -> None:
        """Take the answer at a candidate for known."""
        cov = self.prior.between(self.x, self.x[number : number + 1])[:, 0] - self.told.T @ self.told[:, number]
        for one in self.asked:
            cov -= one * one[number]
        cov[number] = self.variance[number]
        news = cov / np.sqrt(self.variance[number])
        self.wanted -= np.outer(self.wanted[:, number] / np.sqrt(self.variance[number]), news)
        self.variance = np.maximum(self.variance - news**2, LEAST)
        self.between -= news[0::2] * news[1::2]
        self.asked.append(news)
