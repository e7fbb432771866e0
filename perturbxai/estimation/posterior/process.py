"""A prior that has seen answers: what it expects elsewhere, and of any functional of the game."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import linalg

from perturbxai.core.types import Bools, Floats, Ints, PerOutput
from perturbxai.estimation.posterior.evidence import Answers
from perturbxai.estimation.posterior.pairs import Functional
from perturbxai.estimation.posterior.prior import Prior

LEAST = 1e-12  # of a variance beforehand: what is left of it is no less


@dataclass(frozen=True, eq=False)
class Process:
    """A game given answers, some of which come last, so that what was known without them is known as well.

    x (n, P) signs, in that order;  place (n,): of the answers in it;  n_first: how many come before those
    scale (n,): of the game at each;  low (n, n): a factor of the covariance
    news (n, K): what each answer says beyond those before it, in standard deviations of a game of variance one
    """

    prior: Prior
    x: Floats
    place: Ints
    n_first: int
    scale: Floats
    low: Floats
    news: Floats

    @classmethod
    def of(cls, prior: Prior, answers: Answers, last: Bools) -> Self:
        place = np.argsort(last, kind="stable")
        x, size = answers.x[place], answers.size[place]
        scale = prior.scale[size]
        low = linalg.cholesky(prior.of_answers(x, size), lower=True, check_finite=False)
        news = linalg.solve_triangular(low, answers.y[place] / scale[:, None], lower=True, check_finite=False)
        return cls(prior, x, place, int((~last).sum()), scale, low, news)

    @property
    def variance(self) -> PerOutput:
        """(K,): of the game, by the answers that come first."""
        return self._of_news(self.news[: self.n_first])

    def _of_news(self, news: Floats) -> PerOutput:
        return np.asarray(np.maximum((news**2).mean(axis=0), np.finfo(np.float64).tiny))

    @property
    def said(self) -> Floats:
        """(n, K): what the answers that come first say of all, in the order in which they were given."""
        found = np.empty_like(self.news)
        found[self.place] = self.scale[:, None] * (self.low[:, : self.n_first] @ self.news[: self.n_first])
        return found

    @property
    def density(self) -> float:
        """The log density of each answer that comes last, given those that come first and none of the others, summed."""
        own = self.low[self.n_first :, self.n_first :]
        off = own @ self.news[self.n_first :]
        spread = (own**2).sum(axis=1)[:, None] * self.variance
        of_scale = np.log(self.scale[self.n_first :]).sum() * off.shape[1]
        return float(-0.5 * (off**2 / spread + np.log(spread)).sum() - of_scale)

    @property
    def farthest(self) -> PerOutput:
        """(K,): of the answers that come last, how far one lies at most from what those that come first say of it."""
        own = self.low[self.n_first :, self.n_first :]
        off = np.abs(own @ self.news[self.n_first :])
        spread = np.sqrt((own**2).sum(axis=1)[:, None] * self.variance)
        return np.asarray((off / spread).max(axis=0, initial=0.0))

    def solved(self, covariances: Floats) -> Floats:
        """(n, m): covariances (n, m) of the answers, in standard deviations of what each says beyond those before it."""
        return np.asarray(linalg.solve_triangular(self.low, covariances, lower=True, check_finite=False))

    def reading(self, weights: Functional) -> "Reading":
        """What it knows of a method's values, as sums over all coalitions."""
        weights = weights.times(self.prior.scale)
        gain = self.solved(weights.covariance(self.prior, self.x).T)
        before = weights.variance(self.prior)
        left = np.maximum(before - (gain**2).sum(axis=0), LEAST * before)
        late, news = gain[self.n_first :], self.news[self.n_first :]
        inner = late.T @ late
        return Reading(
            gain.T @ self.news, left[:, None] * self._of_news(self.news), gain[: self.n_first].T @ self.news[: self.n_first],
            ((late.T @ news) ** 2).sum(axis=0), float(np.trace(inner)), float((inner**2).sum()),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reading:
    """Values (P, K) by a process, and their variances (P, K);  first (P, K): by the answers alone that come first.

    moved (K,): the squares by which the answers that come last moved the values, summed over the players
    expected: what that is of a game of variance one;  together: the squares of its covariances
    """

    values: Floats
    variances: Floats
    first: Floats
    moved: PerOutput
    expected: float
    together: float
