"""The model on grids of one or two columns, gathered block by block: counts, sums and second moments, never all rows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from perturbxai.core.interpolation import interpolate
from perturbxai.core.methods import OfCurves
from perturbxai.core.types import Bools, Floats, Ints, PerOutput, Weights
from perturbxai.estimation.curves.axes import Axis, Standing, cell_of


class Moments:
    """Weighted means of vectors (V, K) over rows, the variance of these means and the spread of the rows around them.

    joint  keeps the covariance of the V numbers, else their variances only
    """

    def __init__(self, n_values: int, n_outputs: int, joint: bool) -> None:
        shape = (n_outputs, n_values, n_values) if joint else (n_values, n_outputs)
        self.joint, self.n = joint, 0
        self.weight, self.squares = 0.0, 0.0
        self._reference = np.zeros((n_values, n_outputs))  # the first row: what all rows share must not drown the rest
        self._sums = np.zeros((2, n_values, n_outputs))  # by the weights, and by their squares
        self._products = np.zeros((2, *shape))

    def add(self, found: Floats, weight: Weights) -> None:
        """found (m, V, K), weight (m,)."""
        if not len(found):
            return
        if not self.n:
            self._reference[:] = found[0]
        self.n += len(found)
        self.weight += weight.sum()
        self.squares += (weight**2).sum()
        apart = found - self._reference
        for power in (0, 1):
            weighted = apart * (weight ** (power + 1))[:, None, None]
            self._sums[power] += weighted.sum(axis=0)
            if self.joint:
                self._products[power] += np.matmul(weighted.transpose(2, 1, 0), apart.transpose(2, 0, 1))
            else:
                self._products[power] += (weighted * apart).sum(axis=0)

    @property
    def mean(self) -> Floats:
        """(V, K)"""
        return np.asarray(self._reference + self._sums[0] / self.weight)

    @property
    def error(self) -> Floats:
        """Covariance of the mean (K, V, V), or its variances (V, K); infinite from a single row."""
        if self.n < 2:
            return np.full(self._products.shape[1:], np.inf)
        return np.asarray(self._central(1, self.squares) * (self.n / (self.n - 1) / self.weight**2))

    @property
    def spread(self) -> Floats:
        """Covariance of the rows (K, V, V), or their variances (V, K); zero from a single row."""
        if self.n < 2:
            return np.zeros(self._products.shape[1:])
        return np.asarray(self._central(0, self.weight) / (self.weight - self.squares / self.weight))

    def _central(self, power: int, total: float) -> Floats:
        """Products of the distances from the mean, summed by the weights or by their squares, which sum to `total`."""
        mean, sums = self._sums[0] / self.weight, self._sums[power]
        if not self.joint:
            return np.asarray(np.maximum(self._products[power] - mean * (2.0 * sums - total * mean), 0.0))
        mean, sums = mean.T, sums.T  # (K, V)
        cross = mean[:, :, None] * sums[:, None, :]
        outer = mean[:, :, None] * mean[:, None, :]
        return np.asarray(self._products[power] - cross - cross.transpose(0, 2, 1) + total * outer)


class Steps:
    """Steps between neighbouring points at the rows near them, by place: what an accumulated curve is made of.

    In two dimensions a step is the difference of differences over a cell. A place has S of them (two at a level, one in a
    bin), whose means err together.

    n, weight, squares (C,)  rows of a place, the sum of their weights and of its squares
    scale (K,)               the largest magnitude among the answers
    """

    def __init__(self, axes: Sequence[Axis], n_outputs: int, n_steps: int | None = None) -> None:
        """n_steps: how many S of a row are given, None for those between the points of its window."""
        self.axes = tuple(axes)
        cells, width = prod(a.n_places for a in axes), prod(a.window - 1 for a in axes) if n_steps is None else n_steps
        self.n = np.zeros(cells, dtype=np.int64)
        self.weight, self.squares = np.zeros(cells), np.zeros(cells)
        self.scale = np.zeros(n_outputs)
        self._reference = np.zeros((cells, width, n_outputs))
        self._sums = np.zeros((2, cells, width, n_outputs))
        self._products = np.zeros((cells, width, width, n_outputs))
        self._spread = np.zeros((cells, width, n_outputs))

    def add(self, step: Floats, cell: Ints, weight: Weights, answers: Floats) -> None:
        """step (m, S, K) of rows at places cell (m,), weight (m,);  answers (m, ..., K) of the model that they come from."""
        np.maximum(self.scale, np.abs(answers).max(axis=tuple(range(answers.ndim - 1)), initial=0.0), out=self.scale)
        places, first = np.unique(cell, return_index=True)
        new = self.n[places] == 0
        self._reference[places[new]] = step[first[new]]
        np.add.at(self.n, cell, 1)
        np.add.at(self.weight, cell, weight)
        np.add.at(self.squares, cell, weight**2)
        apart = step - self._reference[cell]
        weighted = apart * weight[:, None, None]
        np.add.at(self._sums[0], cell, weighted)
        np.add.at(self._sums[1], cell, weighted * weight[:, None, None])
        np.add.at(self._spread, cell, weighted * apart)
        weighted *= weight[:, None, None]
        np.add.at(self._products, cell, weighted[:, :, None] * apart[:, None, :])

    @property
    def mean(self) -> Floats:
        """(C, S, K): mean steps of each place, zero where it has no row."""
        return np.asarray(self._reference + self._shift)

    @property
    def error(self) -> Floats:
        """(C, S, S, K): sums of squared weights times the products of the rows' distances from the mean."""
        mean, sums = self._shift, self._sums[1]
        cross = mean[:, :, None] * sums[:, None]
        outer = mean[:, :, None] * mean[:, None]
        return np.asarray(self._products - cross - cross.transpose(0, 2, 1, 3) + self.squares[:, None, None, None] * outer)

    @property
    def spread(self) -> Floats:
        """(C, S, K): weighted variance of the rows' steps within each place."""
        weight = np.where(self.weight > 0, self.weight, 1.0)[:, None, None]
        return np.asarray(np.maximum(self._spread / weight - self._shift**2, 0.0))

    @property
    def _shift(self) -> Floats:
        """(C, S, K): the mean less the reference."""
        return np.asarray(self._sums[0] / np.where(self.weight > 0, self.weight, 1.0)[:, None, None])


class Differences:
    """Differences between all pairs of levels at the rows of both, which need no order."""

    def __init__(self, n_levels: int, n_outputs: int) -> None:
        self.n = np.zeros(n_levels, dtype=np.int64)
        self.weight, self.squares = np.zeros(n_levels), np.zeros(n_levels)
        # by the row's own level, then by the other: sums by the weights and by their squares, and squares
        self._sums = np.zeros((3, n_levels, n_levels, n_outputs))

    def add(self, curve: Floats, level: Ints, weight: Weights) -> None:
        """curve (m, L, K), the model at every level;  level (m,) the row's own;  weight (m,)."""
        rise = curve - curve[np.arange(len(curve)), level][:, None]  # (m, L, K)
        by = weight[:, None, None]
        for into, values in ((self.n, 1), (self.weight, weight), (self.squares, weight**2)):
            np.add.at(into, level, values)
        for part, values in enumerate((by * rise, by**2 * rise, (by * rise) ** 2)):
            np.add.at(self._sums[part], level, values)

    def conclude(self) -> tuple[Floats, Floats]:
        """Means and standard errors (L, L, K): what going from the first level to the second adds."""
        both, total, rows = ((one[:, None] + one[None])[..., None] for one in (self.weight, self.squares, self.n))
        both = np.where(both > 0.0, both, 1.0)  # of levels that no row has the sums are 0
        rise, squared, squares = self._sums
        mean = (rise - rise.transpose(1, 0, 2)) / both
        squared, squares = squared - squared.transpose(1, 0, 2), squares + squares.transpose(1, 0, 2)
        variance = np.maximum(squares - 2.0 * mean * squared + total * mean**2, 0.0) / both**2
        alone = ~np.eye(len(self.n), dtype=bool)[..., None] & (rows < 2)
        return mean, np.where(alone, np.inf, np.sqrt(variance * rows / np.maximum(rows - 1, 1)))


@dataclass(eq=False)
class GridTable:
    """What was asked about one column or pair, at all drawn rows or at those of a group, as far as it was gathered.

    axes        one or two;  along: the same as accumulated curves follow them
    weight (n,) of the drawn rows, 0 outside the group
    rank (n,)   the drawn rows in a random order;  n_kept: the curves of so many of the first are kept
    moments, slopes, steps, differences  of whole curves, of secants, of steps, and between levels; None: not wanted
    own         where each drawn row lies on the grid itself (see `readings.between`), None: not wanted or not known
    varied (2, K)  weighted sums over the rows, where curves are kept, of their curve's standard deviation and of its
                   square;  bent (C, Q, Q, K): of how that deviation moves with a row of the data in a cell of the grid
    answers (K,)   weighted sum over the rows of their curve where they lie themselves
    scale (K,)     the largest magnitude seen
    """

    axes: tuple[Axis, ...]
    along: tuple[Axis, ...]
    weight: Weights
    rank: Ints
    n_kept: int
    n_outputs: int
    moments: Moments | None = None
    slopes: Moments | None = None
    steps: Steps | None = None
    differences: Differences | None = None
    own: tuple[Ints, Floats] | None = None
    kept: list[tuple[Ints, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.varied = np.zeros((2, self.n_outputs))
        self.scale, self.answers = np.zeros(self.n_outputs), np.zeros(self.n_outputs)
        self.cell = cell_of(self.along)
        if self.n_kept:
            self.bent = np.zeros((*self.standing.cells[1].shape, self.n_outputs))
        starts = [np.arange(a.n_known) if a.order is None else a.order for a in self.axes]
        windows = [at[a.first[:, None] + np.arange(a.window)] for at, a in zip(starts, self.along, strict=True)]
        # (places, window): where the points around a place stand in a whole curve
        self.around = windows[0]
        if len(windows) == 2:
            grid = windows[0][:, None, :, None] * len(self.axes[1].points) + windows[1][None, :, None, :]
            self.around = grid.reshape(grid.shape[0] * grid.shape[1], -1)

    @cached_property
    def standing(self) -> Standing:
        """Where the rows stand on the grid: what is said over the data is read there."""
        return Standing.of(self.axes, self.weight)

    def individual(self, most: int) -> tuple[Ints, Floats]:
        """(rows,) numbers among the drawn rows, and their curves (rows, G..., K), of at most so many."""
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows for rows, _ in self.kept)])
        none = np.empty((0, prod(self.standing.shape), self.n_outputs))
        curves = np.concatenate([none, *(curves for _, curves in self.kept)])
        chosen = self.rank[rows] < most
        return rows[chosen], curves[chosen].reshape(-1, *self.standing.shape, self.n_outputs)

    def add_all_points(self, rows: Ints, curves: Floats) -> None:
        """The model at all T points of the grid, axes in turn: curves (m, T, K) of these drawn rows (m,)."""
        inside = self.weight[rows] > 0
        rows, curves = rows[inside], curves[inside]
        weight = self.weight[rows]
        np.maximum(self.scale, np.abs(curves).max(axis=(0, 1), initial=0.0), out=self.scale)
        first = self.rank[rows] < self.n_kept
        if first.any():
            self.kept.append((rows[first], curves[first]))
        level = np.einsum("mtk,t->mk", curves, self.standing.centre)[:, None]
        shape = curves - level
        if self.moments is not None:
            self.moments.add(np.concatenate([shape, level if self.moments.joint else curves], axis=1), weight)
            if self.n_kept:
                self._add_varied(shape, weight)
        if self.own is not None:
            place, share = self.own
            self.answers += weight @ interpolate(curves, place[rows], share[rows])
        if self.slopes is not None:
            axis = self.axes[0]
            rise = np.diff(curves[:, : axis.n_known], axis=1)
            self.slopes.add(rise / np.diff(axis.points[: axis.n_known])[:, None], weight)
        known = self.cell[rows] >= 0
        if self.differences is not None:
            self.differences.add(curves[known], self.axes[0].place[rows[known]].astype(np.int64), weight[known])
        if self.steps is not None:
            corners = np.take_along_axis(curves[known], self.around[self.cell[rows[known]]][:, :, None], axis=1)
            self.add_corners(rows[known], corners)

    def _add_varied(self, shape: Floats, weight: Weights) -> None:
        """shape (m, T, K): curves of mean 0 over the data."""
        corners, factors, _ = self.standing.cells
        at = shape[:, corners]  # (m, C, Q, K)
        spread = ((factors @ at) ** 2).sum(axis=(1, 2))
        deviation = np.sqrt(spread)
        self.varied += np.stack([weight @ deviation, weight @ spread])
        steep = weight[:, None] / np.where(spread > 0, 2.0 * deviation, np.inf)
        self.bent += np.einsum("mcqk,mcrk->cqrk", at * steep[:, None, None], at)

    def moved_by(self) -> Floats:
        """(n, K): how the mean deviation of the rows' curves moves with each row that stands on the grid, as data."""
        parts = self.standing.parts
        return np.asarray(np.einsum("nq,nr,nqrk->nk", parts, parts, self.bent[self.standing.cells[2]]))

    def add_corners(self, rows: Ints, corners: Floats) -> None:
        """The model at the points around each of these drawn rows, corners (m, window, K)."""
        assert self.steps is not None
        inside = self.weight[rows] > 0
        rows, corners = rows[inside], corners[inside]
        step = corners.reshape(len(corners), *(a.window for a in self.along), self.n_outputs)
        for number in range(len(self.along)):
            step = np.diff(step, axis=1 + number)
        step = step.reshape(len(step), prod(step.shape[1:-1]), self.n_outputs)
        self.steps.add(step, self.cell[rows], self.weight[rows], corners)

    def add_slopes(self, rows: Ints, slopes: Floats) -> None:
        """Derivatives (m, K) at these drawn rows, in place of steps: times the width of the bin they are one."""
        known = (self.cell[rows] >= 0) & (self.weight[rows] > 0)
        rows, cell = rows[known], self.cell[rows[known]]
        assert self.steps is not None
        step = slopes[known] * self.along[0].widths[cell][:, None]
        self.steps.add(step[:, None], cell, self.weight[rows], step)


@dataclass(frozen=True, eq=False)
class Curve:
    """What a method concludes of a table, in numbers only; see `effect.Effect` and `readings.Reading` for the fields.

    centre (T,): what each point of the grid counts in a mean over the data
    """

    values: Floats
    stderr: Floats
    critical: Floats
    df: Any
    counts: Ints
    heterogeneity: Floats
    axes: tuple[Axis, ...]
    centre: Floats
    importance: Floats = field(default_factory=lambda: np.zeros(0))
    importance_stderr: Floats | None = None
    importance_bias: Floats | None = None
    reach_stderr: Floats | None = None
    midpoints: bool = False
    individual: Floats | None = None
    rows: Ints | None = None
    extrapolated: Bools | None = None
    differences: Floats | None = None
    differences_stderr: Floats | None = None
    base: PerOutput | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class FromGrid(OfCurves, ABC):
    """A method of curves, which `effects` takes: it concludes from answers on the grid of a column or pair."""

    @abstractmethod
    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """The curve of a column or the surface of a pair, and its errors; rng: of the draws behind simultaneous bands."""
