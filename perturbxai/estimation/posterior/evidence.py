"""How well a prior explains answers, and which explains them best: the marginal likelihood and its gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy import linalg

from perturbxai.core.compiled import game_kernels
from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.estimation.posterior.prior import ROUGH, Prior, sizes, tilts

RATES = tuple(np.log(np.arctanh([1e-4, 0.98])))  # bounds of their logarithms
TILTS, TILTED = (-3.0, 3.0), 0.5  # bounds, and the standard deviation that a tilt is expected to have
EVENS, EVENED = (-4.0, 4.0), 1.0  # the same of what `even` is the tanh of
NUGGETS = (np.log(1e-9), 0.0)
SHARES = (-7.0, 5.0)  # of logits, of what is rough and of what is counted
BESIDE = 6  # numbers of a prior beside the rates
STEPS = 30  # of a search
STARTS = ((0.02, 1e-4), (0.1, 1e-4), (0.4, 1e-4), (0.1, 1e-1))  # common relevances and nuggets
STEEPEST, FLATTEST = 0.8, 0.005  # relevances of players in a start by slopes
SEARCHED = (120, 240)  # answers that a search looks at: a third of them, but no fewer and no more than these
HOPELESS = 1e10  # the surprise at answers that a prior cannot give

Surprise = Callable[[Floats], tuple[float, Floats]]


def searched(n_answers: int) -> int:
    """How many of the answers a search looks at, at most."""
    return min(max(n_answers // 3, SEARCHED[0]), SEARCHED[1])


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers at coalitions, of which the first two, at nothing and at everything, are known without error.

    x (n, P) signs;  y (n, K), less their mean
    """

    x: Floats
    y: Floats

    @cached_property
    def size(self) -> Ints:
        return sizes(self.x)

    @cached_property
    def tilts(self) -> Floats:
        return tilts(self.x.mean(axis=1))

    def at(self, rows: Ints) -> Self:
        return type(self)(self.x[rows], self.y[rows])

    def spread(self, most: int, rows: Ints | None = None) -> Ints:
        """Numbers of the answers, or of those rows, or of every so many pairs of them: strata come one after the other, and
        the two sides of a pair."""
        rows = np.arange(len(self.x)) if rows is None else rows
        if len(rows) <= most:
            return rows
        pairs = np.linspace(0, len(rows) // 2 - 1, most // 2).astype(np.int64)
        return np.asarray(rows[(2 * pairs[:, None] + np.arange(2)).ravel()])

    def but(self, out: Bools) -> Self:
        """The answers less those that are left out (n,), or every so many of them: a search looks at enough and no more."""
        return self.at(self.spread(searched(len(out)), np.flatnonzero(~out)))

    def prior(self, found: Floats) -> Prior:
        """found (P + BESIDE,): log rates, two tilts, what `even` is the tanh of, log nugget, logits of the two shares"""
        rough, counted = 1.0 / (1.0 + np.exp(-found[-2:]))
        even, nugget = np.tanh(found[-4]), np.exp(found[-3])
        return Prior(np.exp(found[:-BESIDE]), float(rough), float(counted), float(nugget), float(even), found[-6:-4])

    def by_slopes(self) -> Floats:
        """(P + BESIDE,): a place to search from, rates as steep as the players' slopes in a linear fit.

        Where few players matter, and all at once, one rate for all leads to where nothing but their number counts.
        """
        slopes = np.linalg.lstsq(np.column_stack([np.ones(len(self.x)), self.x]), self.y, rcond=None)[0][1:]
        share = (slopes**2).sum(axis=1)
        relevance = np.clip(STEEPEST * share / max(share.max(), np.finfo(np.float64).tiny), FLATTEST, STEEPEST)
        return np.concatenate([np.log(np.arctanh(relevance)), [0.0, 0.0, 0.0, np.log(1e-4), -2.0, -2.0]])

    def surprise(self, found: Floats, alike: float) -> tuple[float, Floats]:
        """Minus the log marginal likelihood, the variances profiled out, and its gradient by `found`.

        alike: how strongly log rates are drawn to their mean (the precision of a normal around it)
        """
        prior = self.prior(found)
        tilted = prior.tilt @ self.tilts
        y = self.y * np.exp(-tilted)[:, None]
        solved = _solved(prior.of_answers(self.x, self.size), y)
        if solved is None:
            return HOPELESS, np.zeros(len(found))
        inverse, log_det, a = solved
        n, n_outputs = y.shape
        variance = np.maximum(np.einsum("nk,nk->k", y, a) / n, np.finfo(np.float64).tiny)
        value = 0.5 * n * np.log(variance).sum() + n_outputs * (0.5 * log_det + tilted.sum())
        gradient = np.empty(len(found))
        gradient[-6:-4] = self.tilts @ (n_outputs - (y * a / variance).sum(axis=1))
        self._by_covariances(gradient, prior, inverse, a / np.sqrt(variance))
        return _expected(found, alike, float(value), gradient)

    def _by_covariances(self, gradient: Floats, prior: Prior, inverse: Floats, loads: Floats) -> None:
        """Fill in the slopes by all but the tilts."""
        steep, sums = np.empty_like(inverse), np.empty(7)
        angle, total = (self.x * prior.rate) @ self.x.T, float(prior.rate.sum())
        game_kernels.weigh_covariances(angle, total, prior.mix, self.size, inverse, loads, steep, sums)
        high, low, high_rough, low_rough, same, other, own = sums
        even, rough, counted = prior.even, prior.rough, prior.counted
        smooth, rougher, counts = high + even * low, high_rough + even * low_rough, same + even * other
        by_sets = (1.0 - rough) * smooth + ROUGH * rough * rougher
        rates = np.einsum("np,np->p", self.x, steep @ self.x) - by_sets
        gradient[:-BESIDE] = (1.0 - counted) * prior.rate * rates
        by_even = (1.0 - counted) * ((1.0 - rough) * low + rough * low_rough) + counted * other
        gradient[-4] = (1.0 - even**2) * by_even
        gradient[-3] = prior.nugget * own
        gradient[-2] = rough * (1.0 - rough) * (1.0 - counted) * (rougher - smooth)
        gradient[-1] = counted * (1.0 - counted) * (counts - (1.0 - rough) * smooth - rough * rougher)

    def best(self, alike: float, start: Floats | None = None, steps: int = STEPS) -> Floats:
        """(P + BESIDE,): the most likely rates, tilts, nugget and shares, from a start or from the best of a few.

        alike: infinite for one rate of all players
        """
        n_players = self.x.shape[1]
        beside = [TILTS, TILTS, EVENS, NUGGETS, SHARES, SHARES]
        if alike < np.inf:
            start = self.best(np.inf) if start is None else start
            return _least(lambda found: self.surprise(found, alike), start, [RATES] * n_players + beside, steps)

        def spread(short: Floats) -> Floats:
            return np.concatenate([np.full(n_players, short[0]), short[1:]])

        def of_common(short: Floats) -> tuple[float, Floats]:
            value, gradient = self.surprise(spread(short), 0.0)
            return value, np.concatenate([[gradient[:-BESIDE].sum()], gradient[-BESIDE:]])

        if start is None:
            starts = [
                np.array([np.log(np.arctanh(own)), 0.0, 0.0, 0.0, np.log(nugget), -2.0, -2.0]) for own, nugget in STARTS
            ]
            start = spread(min(starts, key=lambda one: of_common(one)[0]))
        short = np.concatenate([[start[:-BESIDE].mean()], start[-BESIDE:]])
        return spread(_least(of_common, short, [RATES, *beside], steps))


def _solved(cov: Floats, y: Floats) -> tuple[Floats, float, Floats] | None:
    """The lower triangle of the inverse of a covariance, whose own is overwritten, the logarithm of its determinant, and the
    inverse times y (n, K)."""
    # LAPACK reads columns: the lower triangle by rows is its upper one
    factor, failed = linalg.lapack.dpotrf(cov.T, lower=0, clean=0, overwrite_a=1)
    if failed:
        return None
    a, _ = linalg.lapack.dpotrs(factor, y, lower=0)
    log_det = 2.0 * float(np.log(np.diag(factor)).sum())
    inverse, _ = linalg.lapack.dpotri(factor, lower=0, overwrite_c=1)
    return inverse.T, log_det, a


def _expected(found: Floats, alike: float, value: float, gradient: Floats) -> tuple[float, Floats]:
    """With what rates and tilts are expected to be."""
    value += 0.5 * float(found[-6:-4] @ found[-6:-4]) / TILTED**2 + 0.5 * found[-4] ** 2 / EVENED**2
    gradient[-6:-4] += found[-6:-4] / TILTED**2
    gradient[-4] += found[-4] / EVENED**2
    apart = found[:-BESIDE] - found[:-BESIDE].mean()
    if 0.0 < alike < np.inf:
        value += 0.5 * alike * float(apart @ apart)
        gradient[:-BESIDE] += alike * apart
    return value, gradient


def _least(of: Surprise, start: Floats, bounds: list[tuple[float, float]], steps: int) -> Floats:
    from scipy import optimize  # a search takes longer than this does to load, and many calls need none

    found = optimize.minimize(of, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps})
    return np.asarray(found.x, dtype=np.float64)
