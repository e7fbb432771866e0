"""How much of what columns do they do together: means over rows as the answers come, and H squared of them.

H squared is a variance over the rows i (Friedman & Popescu, "Predictive learning via rule ensembles", 2008). What varies is
a mean over the rows b of a mixed difference: with f(b; jk of i) the model at b with two columns as i has them, it is
f(b; jk of i) - f(b; j of i) - f(b; k of i) + f(b) for a pair, and f(i) - f(b; j of i) - f(i; j of b) + f(b) for one column
against all others. Its noise is how far the means over groups of rows b lie apart.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.types import Floats, Ints, Weights
from perturbxai.estimation.intervals import LEVEL
from perturbxai.estimation.survey import ROUNDING

GROUPS = 20  # of rows, whose means tell how far the mean of all errs
DRAWS = 4000  # behind the quantile of noise


@dataclass(eq=False)
class PartialMeans:
    """The model at every row b, with some columns as each of T points has them: means over groups of the rows.

    place (n,)   the point at which each row stands itself;  weight (n,), sums to 1;  group (n,) in 0..R-1
    against_all  keeps also what each row answers on average over the points that the rows of a group stand at
    sums (R, T, K)  by group of the asked row, weighted;  own (n, K): the model at the rows as they are
    others (R, n, K);  share (R,) the weights of the groups;  scale (K,): the largest magnitude seen
    """

    place: Ints
    weight: Weights
    group: Ints
    n_points: int
    n_outputs: int
    against_all: bool

    def __post_init__(self) -> None:
        n_rows, n_groups = len(self.place), int(self.group.max()) + 1
        self.sums = np.zeros((n_groups, self.n_points, self.n_outputs))
        self.own, self.scale = np.zeros((n_rows, self.n_outputs)), np.zeros(self.n_outputs)
        self.others = np.zeros((n_groups if self.against_all else 0, n_rows, self.n_outputs))
        self.share = np.bincount(self.group, weights=self.weight).astype(np.float64)
        at = np.zeros((n_groups, self.n_points))
        np.add.at(at, (self.group, self.place), self.weight)
        self._at = at / self.share[:, None]

    def add_all_points(self, rows: Ints, curves: Floats) -> None:
        """The answers (m, T, K) of these rows (m,) at all points."""
        np.add.at(self.sums, self.group[rows], curves * self.weight[rows, None, None])
        self.own[rows] = curves[np.arange(len(rows)), self.place[rows]]
        np.maximum(self.scale, np.abs(curves).max(axis=(0, 1), initial=0.0), out=self.scale)
        if self.against_all:
            self.others[:, rows] = np.matmul(self._at, curves).transpose(1, 0, 2)

    def at_rows(self) -> Floats:
        """(R, n, K): the partial dependence at each row's own point, over the rows of each group."""
        return np.asarray((self.sums / self.share[:, None, None])[:, self.place])

    def mean_at_rows(self) -> Floats:
        """(n, K): the partial dependence at each row's own point."""
        return np.asarray(self.sums.sum(axis=0)[self.place])

    def mean_of_others(self) -> Floats:
        """(n, K): the partial dependence on all other columns at each row."""
        return np.tensordot(self.share, self.others, axes=1)

    def without_others(self) -> Self:
        """Itself, with what only the column itself needs given up."""
        self.others = self.others[:0, :0].copy()
        return self


@dataclass(frozen=True, eq=False)
class Shared:
    """What one column shares with all others, or two with each other; every array is (K,). See `h_statistic.HStatistic`."""

    values: Floats
    floor: Floats
    threshold: Floats
    stderr: Floats
    strength: Floats
    spread: Floats


def of_pair(pair: PartialMeans, one: PartialMeans, other: PartialMeans, rng: np.random.Generator) -> Shared:
    """H squared of two columns."""
    joint = pair.at_rows()
    return _conclude(joint - one.at_rows() - other.at_rows(), joint, pair, rng)


def of_column(column: PartialMeans, rng: np.random.Generator) -> Shared:
    """H squared of a column and all others."""
    mixed = column.own - column.at_rows() - column.others
    return _conclude(mixed, np.broadcast_to(column.own, mixed.shape), column, rng)


def spread_of(values: Floats, weight: Weights) -> Floats:
    """(..., K): the variance over the rows of values (..., n, K), by their weights (n,)."""
    centred = values - np.einsum("n,...nk->...k", weight, values)[..., None, :]
    return np.asarray(np.einsum("n,...nk->...k", weight, centred**2))


def _conclude(mixed: Floats, joint: Floats, table: PartialMeans, rng: np.random.Generator) -> Shared:
    """mixed, joint (R, n, K): what is not additive, and the whole, by group of rows over which it is a mean."""
    weight, share = table.weight, table.share
    mean, whole = (np.tensordot(share, part, axes=1) for part in (mixed, joint))  # (n, K)
    top, below = spread_of(mean, weight), spread_of(whole, weight)
    rounding = (ROUNDING * table.scale) ** 2
    live = below > rounding  # where nothing has an effect there is none to share
    below = np.where(live, below, 1.0)
    ratio = np.where(live, top / below, 0.0)
    noise = np.where(live, np.maximum(_noise(mixed, weight, share, rng), rounding) / below, 0.0)
    return Shared(
        ratio, noise[0], noise[1], np.where(live, _jackknife(mixed, joint, table), 0.0), np.sqrt(top),
        np.sqrt(np.where(live, below, 0.0)),
    )  # fmt: skip


def _noise(mixed: Floats, weight: Weights, share: Floats, rng: np.random.Generator) -> Floats:
    """(2, K): mean and upper quantile of the variance over the rows that the error of the mean over groups has by itself."""
    n_groups = len(mixed)
    apart = mixed - np.einsum("n,rnk->rk", weight, mixed)[:, None]
    apart = (apart - np.tensordot(share, apart, axes=1)) * share[:, None, None]
    gram = np.einsum("n,rnk,snk->krs", weight, apart, apart, optimize=True) * (n_groups / (n_groups - 1.0))
    parts = np.maximum(np.linalg.eigvalsh(gram), 0.0)  # (K, R)
    # the errors are estimated from so many groups, as in Student's t
    drawn = rng.chisquare(1.0, (n_groups, DRAWS)) / (rng.chisquare(n_groups - 1.0, DRAWS) / (n_groups - 1.0))
    return np.stack([parts.sum(axis=1), np.quantile(parts @ drawn, LEVEL, axis=1)])


def _jackknife(mixed: Floats, joint: Floats, table: PartialMeans) -> Floats:
    """(K,): the standard error of H squared, from leaving out each group, as rows b and as points i."""
    weight, share, n_groups = table.weight, table.share, len(mixed)
    mean, whole = (np.tensordot(share, part, axes=1) for part in (mixed, joint))
    found = []
    for g in range(n_groups):
        kept = np.where(table.group == g, 0.0, weight) / (1.0 - share[g])
        top, below = (
            spread_of((total - share[g] * part[g]) / (1.0 - share[g]), kept)
            for total, part in ((mean, mixed), (whole, joint))
        )
        found.append(top / np.maximum(below, np.finfo(float).tiny))
    return np.asarray(np.sqrt((n_groups - 1.0) / n_groups * ((found - np.mean(found, axis=0)) ** 2).sum(axis=0)))
