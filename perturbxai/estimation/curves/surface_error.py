"""What a surface of accumulated effects errs by beside its steps: where the drawn rows lie, and cells that none is in.

The mean steps of the cells have an error of their own (`accumulated.PlaceErrors`). The surface hangs on the drawn rows in
two more ways: the effects of the columns that are taken away from it are means over the rows near each step, and so is its
level; and an empty cell takes what its nearest have, which rows of its own need not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.ground import Ground

ROWS_AT_ONCE = 1 << 14
NUMBERS_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class SurfaceError:
    """Errors of a surface that are not those of its steps.

    Where a row lies moves the surface by a number for each point of the first axis and one for each of the second:
    own     by axis, (K, G, G): sums over the rows of the products of these numbers;  across (K, G1, G2): of both axes
    ground, step (steps, K)  what is lent to empty cells, and of which size
    """

    own: tuple[Floats, Floats]
    across: Floats
    ground: Ground
    step: Floats

    @classmethod
    def of(cls, ground: Ground, step: Floats, values: Floats) -> Self:
        """Of a surface (T, K) made of mean steps (steps, K)."""
        standing, n_outputs = ground.standing, values.shape[1]
        surface, read = ground.sums(ground.fill(step)), standing.read(values)
        along = [_Along.of(ground, surface, number) for number in (0, 1)]
        own = tuple(np.zeros((n_outputs, n, n)) for n in standing.shape)
        across = np.zeros((n_outputs, *standing.shape))
        for low in range(0, len(standing.rows), ROWS_AT_ONCE):
            rows = np.arange(low, min(low + ROWS_AT_ONCE, len(standing.rows)))
            moved = [one.moved(rows) for one in along]
            moved[0] -= (standing.weight[rows, None] * read[rows])[:, None]  # the level, of all points alike
            first, second = (one.transpose(2, 1, 0) for one in moved)  # (K, G, m)
            own[0][:] += first @ first.transpose(0, 2, 1)
            own[1][:] += second @ second.transpose(0, 2, 1)
            across += first @ second.transpose(0, 2, 1)
        return cls((own[0], own[1]), across, ground, step)

    @property
    def variance(self) -> Floats:
        """(T, K)"""
        first, second = (np.diagonal(one, axis1=1, axis2=2) for one in self.own)
        placed = first[:, :, None] + second[:, None] + 2.0 * self.across  # (K, G1, G2)
        found = np.maximum(placed.reshape(len(placed), -1).T, 0.0)
        for k, lent in self._lent():
            found[:, k] += (lent**2).sum(axis=1)
        return found

    @property
    def covariance(self) -> Floats:
        """(K, T, T)"""
        (first, second), mixed = self.own, self.across[:, :, None, None, :]
        placed = first[:, :, None, :, None] + second[:, None, :, None] + mixed + mixed.transpose(0, 3, 4, 1, 2)
        found = placed.reshape(len(first), self.across[0].size, -1)
        for k, lent in self._lent():
            found[k] += lent @ lent.T
        return np.asarray(found)

    def _lent(self) -> Iterator[tuple[int, Floats]]:
        """Numbers of outputs, and (T, some of F): what each cell that lends to empty ones does to the surface there.

        It may be nothing in truth, or twice as much: what a cell lends errs by as much as it is, in all empty cells alike.
        """
        missing, there, share = self.ground.lent
        if not share.size:
            return
        lends, width = np.flatnonzero(share.any(axis=0)), max(1, NUMBERS_AT_ONCE // len(self.step))
        for k, one in enumerate(self.step.T):
            for low in range(0, len(lends), width):
                some = lends[low : low + width]
                step = np.zeros((len(self.step), len(some)))
                step[missing] = share[:, some] * one[there[some]]
                yield k, self.ground.add_up(step)


@dataclass(frozen=True, eq=False)
class _Along:
    """How the drawn rows move the effect of one column that is taken away from a surface.

    axis, number  of the column;  rise (S, G', K) of the surface over its steps, at the other's points;  mean (S, K) of the
                  rows near them;  total (S,) the weight of these, and by which factor (S,) they err more than they show
    level (G,)    what each point counts in a mean over the data
    """

    axis: Axis
    ground: Ground
    number: int
    rise: Floats
    mean: Floats
    total: Floats
    factor: Floats
    level: Floats

    @classmethod
    def of(cls, ground: Ground, surface: Floats, number: int) -> Self:
        axis, standing = ground.axes[number], ground.standing
        rise, mean = ground.rises(surface, number)
        place, used = axis.place[standing.rows], axis.used.T.astype(float)
        n = used @ np.bincount(place, minlength=axis.n_places)
        total = used @ np.bincount(place, weights=standing.weight, minlength=axis.n_places).astype(np.float64)
        level = standing.centre.reshape(standing.shape).sum(axis=1 - number)
        return cls(axis, ground, number, rise, mean, total, np.sqrt(n / np.maximum(n - 1, 1)), level)

    def moved(self, rows: Ints) -> Floats:
        """(m, G, K): how each of these rows moves the surface by way of the effect, with a mean over the data of 0."""
        at, other = self.ground.standing, 1 - self.number
        low, high, share = (ends[other][rows] for ends in (at.low, at.high, at.share))
        place, weight = self.axis.place[at.rows[rows]].astype(np.int64), at.weight[rows]
        by = np.zeros((len(rows), self.axis.n_steps + 1, self.mean.shape[1]))
        for back in range(1 + self.axis.by_level):  # the rows of a level take part in the step before it and in the next
            step = place - back
            there = np.flatnonzero((step >= 0) & (step < self.axis.n_steps))
            step, part = step[there], share[there, None]
            seen = self.rise[step, low[there]] * (1.0 - part) + self.rise[step, high[there]] * part
            counted = (weight[there] * self.factor[step] / self.total[step])[:, None]
            by[there, step + 1] -= counted * (seen - self.mean[step])
        by = np.cumsum(by, axis=1)
        return np.asarray(by - np.einsum("mgk,g->mk", by, self.level)[:, None])
