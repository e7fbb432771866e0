"""Accumulated local effects in one and two dimensions, from mean steps by place: centring, bands, empty cells.

Everything is linear in the mean steps, so that one operator gives the curve and, applied to unit steps, its variance.
"""

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import prod
from typing import Self

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.estimation.curves.averaged import errors_of_importance, importance_of, largest_of
from perturbxai.estimation.curves.axes import Axis, Standing
from perturbxai.estimation.curves.grid_tables import Curve, GridTable, Steps
from perturbxai.estimation.intervals import LEVEL
from perturbxai.estimation.quantiles import student
from perturbxai.estimation.survey import ROUNDING, sum_by

NUMBERS_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class Ground:
    """Where the data are on the grid of an accumulated curve.

    axes      one or two, known points only
    standing  where the rows stand on them
    support   (places...,) the rows' weights
    centred   whether the curve's mean over the data is taken away; else it starts at 0
    """

    axes: tuple[Axis, ...]
    standing: Standing
    support: Floats
    centred: bool

    @cached_property
    def step_of(self) -> Ints:
        """(C, S): which step each of a place's numbers belongs to, -1 where it takes part in none."""
        parts = []
        for axis in self.axes:
            step = axis.first[:, None] + np.arange(axis.window - 1)
            parts.append(np.where(np.take_along_axis(axis.used, step, axis=1), step, -1))
        if len(parts) == 1:
            return parts[0]
        a, b = parts[0][:, None, :, None], parts[1][None, :, None, :]
        both = np.where((a >= 0) & (b >= 0), a * self.axes[1].n_steps + b, -1)
        return both.reshape(prod(both.shape[:2]), -1)

    @cached_property
    def share(self) -> Floats:
        """(C, S): the weight of each place in the mean of its steps."""
        taken = self.step_of >= 0
        weight = np.where(taken, self.support.ravel()[:, None], 0.0)
        total = np.bincount(self.step_of[taken], weights=weight[taken], minlength=prod(self.steps_shape))
        return np.asarray(weight / np.where(total > 0, total, 1.0)[self.step_of])

    @property
    def steps_shape(self) -> tuple[int, ...]:
        return tuple(a.n_steps for a in self.axes)

    @cached_property
    def empty(self) -> Bools:
        """(steps...,): steps that no row takes part in; they are filled from the nearest."""
        weight = self.support
        for number, axis in enumerate(self.axes):
            weight = np.moveaxis(np.tensordot(axis.used.T.astype(float), weight, axes=(1, number)), 0, number)
        return np.asarray(weight <= 0)

    @cached_property
    def nearest(self) -> tuple[Ints, Ints, Floats]:
        """Empty steps (E,), steps with rows (F,), and by which shares (E, F) the first take the mean of their nearest."""
        empty = self.empty.ravel()
        middle = [(np.arange(n) + 0.5) / n for n in self.steps_shape]
        at = np.stack([m.ravel() for m in np.meshgrid(*middle, indexing="ij")], axis=1)
        missing, there = np.flatnonzero(empty), np.flatnonzero(~empty)
        apart = sum((at[missing, None, d] - at[None, there, d]) ** 2 for d in range(at.shape[1]))
        # all that are as near, so that no order of the axes decides
        close = apart <= np.min(apart, axis=1, keepdims=True, initial=np.inf) + 1e-12
        return missing, there, np.asarray(close / np.maximum(close.sum(axis=1, keepdims=True), 1))

    def accumulate(self, step: Floats) -> Floats:
        """(T, C) values at the points, from steps (steps, C)."""
        if self.empty.any():
            step, area = step.copy(), reduce(np.multiply.outer, [a.widths for a in self.axes]).reshape(-1, 1)
            missing, there, share = self.nearest
            step[missing] = area[missing] * (share @ (step[there] / area[there]))
        cube = step.reshape(*self.steps_shape, -1)
        for d in range(len(self.axes)):
            cube = np.cumsum(cube, axis=d)
            cube = np.pad(cube, [(int(e == d), 0) for e in range(cube.ndim)])
        if len(self.axes) == 2:
            cube = cube - self._main(cube, 0)[:, None] - self._main(cube, 1)[None]
        flat = cube.reshape(-1, cube.shape[-1])
        return np.asarray(flat - self.standing.centre @ flat if self.centred else flat)

    def _main(self, surface: Floats, number: int) -> Floats:
        """(G, C): the accumulated effect of one column in a surface (G1, G2, C), at the rows near each of its steps.

        A row of a cell stands between both of the edges that bound it, and takes its part of the step along either.
        """
        mine, other, at = self.axes[number], 1 - number, self.standing
        surface = surface if number == 0 else surface.swapaxes(0, 1)
        near = np.zeros((mine.n_places, len(self.axes[other].points)))
        for end, part in ((at.low[other], 1.0 - at.share[other]), (at.high[other], at.share[other])):
            np.add.at(near, (mine.place[at.rows], end), at.weight * part)
        weight = mine.used.T.astype(float) @ near  # (steps, points of the other)
        total = weight.sum(axis=1, keepdims=True)
        weight = np.where(total > 0, weight, 1.0) / np.where(total > 0, total, weight.shape[1])
        step = np.einsum("sg,sgc->sc", weight, np.diff(surface, axis=0))
        return np.pad(np.cumsum(step, axis=0), ((1, 0), (0, 0)))


@dataclass(frozen=True, eq=False)
class PlaceErrors:
    """How the mean steps of the places err: covariance (C, S, S, K) of the means, df (C,) of places with an own spread.

    lent (C, K) places that took the pooled variance, with `pooled_df`: a single row has no spread, and rows that all answer
    alike may have missed what few others would show. Without a degree of freedom nothing is known of any spread.
    """

    covariance: Floats
    df: Floats
    lent: Bools
    pooled_df: float

    @classmethod
    def of(cls, steps: Steps, taken: Bools) -> Self:
        """taken (C, S): which steps of a place count."""
        squares = np.where((taken[:, :, None] & taken[:, None])[..., None], steps.error, 0.0)
        own = np.einsum("cssk->ck", squares)
        there, several = steps.n > 0, steps.n > 1
        weight = np.where(there, steps.weight, 1.0)
        rounding = (ROUNDING * steps.scale * np.abs(steps.squares).sum() ** 0.5) ** 2
        lent = there[:, None] & (~several[:, None] | (own <= rounding))
        n_taken = np.maximum(taken.sum(axis=1), 1)
        rows = np.where(several, steps.squares * (1.0 - 1.0 / np.maximum(steps.n, 1)), 0.0)
        pooled = (own / n_taken[:, None])[several].sum(axis=0) / max(rows.sum(), np.finfo(float).tiny)
        factor = (np.maximum(steps.n, 1) / np.maximum(steps.n - 1, 1)) / weight**2
        borrowed = (steps.squares / weight**2)[:, None] * pooled
        unit = np.where(taken, 1.0, 0.0)[:, :, None] * np.eye(taken.shape[1])
        covariance = np.where(
            lent[:, None, None], unit[..., None] * borrowed[:, None, None], squares * factor[:, None, None, None]
        )
        pooled_df = float((steps.n - 1)[several].sum())
        return cls(covariance, np.maximum(steps.n - 1.0, 1.0), lent, pooled_df)

    def variance(self, ground: Ground) -> tuple[Floats, Floats, Floats | None]:
        """At the points (T, K) the variance, the sum of its squared parts over their degrees of freedom; in one dimension
        also how each place moves them (T, C, S)."""
        n_cells, n_own = ground.step_of.shape
        n_points = prod(len(a.points) for a in ground.axes)
        total, squares, common = np.zeros((3, n_points, self.covariance.shape[-1]))
        width = max(1, NUMBERS_AT_ONCE // (n_points * n_own * self.covariance.shape[-1]))
        kept = []
        for low in range(0, n_cells, width):
            cells = np.arange(low, min(low + width, n_cells))
            move = _move(ground, cells)
            if len(ground.axes) == 1:
                kept.append(move)
            part = np.einsum("tcs,csuk,tcu->tck", move, self.covariance[cells], move, optimize=True)
            part = np.maximum(part, 0.0)
            lent = self.lent[cells]
            total += part.sum(axis=1)
            squares += np.where(lent, 0.0, part**2 / self.df[cells][:, None]).sum(axis=1)
            common += np.where(lent, part, 0.0).sum(axis=1)
        squares += common**2 / max(self.pooled_df, 1.0)
        return total, squares, np.concatenate(kept, axis=1) if kept else None

    def with_drawn_shares(self, steps: Steps, ground: Ground, mean: Floats) -> Self:
        """The same where it is chance as well how many rows a place has.

        A level's own step moves the mean step (steps, K) that other levels take part in too; a bin is alone in its own.
        """
        apart = np.where(ground.step_of[..., None] >= 0, steps.mean - mean[ground.step_of], 0.0)  # (C, S, K)
        weight = np.where(steps.weight > 0, steps.weight, 1.0)
        share = (steps.squares / weight**2)[:, None, None, None]
        return replace(self, covariance=self.covariance + share * apart[:, :, None] * apart[:, None])

    def at(self, move: Floats) -> tuple[Floats, float]:
        """Of a number that moves with the mean steps of the places by `move` (C, S): the variance (K,), and its degrees of
        freedom, the smallest of the outputs, as of a sum of variances that have their own (Satterthwaite)."""
        part = np.maximum(np.einsum("cs,csuk,cu->ck", move, self.covariance, move), 0.0)
        total = part.sum(axis=0)
        squares = np.where(self.lent, 0.0, part**2 / self.df[:, None]).sum(axis=0)
        squares += np.where(self.lent, part, 0.0).sum(axis=0) ** 2 / max(self.pooled_df, 1.0)
        live = squares > 0
        return total, float((total[live] ** 2 / squares[live]).min()) if live.any() else np.inf

    def along(self, move: Floats) -> Floats:
        """(K, T, T): covariance along the curve; move (T, C, S)."""
        n_points, (n_cells, n_own) = len(move), self.covariance.shape[:2]
        spread = np.matmul(self.covariance.transpose(3, 0, 1, 2), move.transpose(1, 2, 0)[None])  # (K, C, S, T)
        return np.asarray(move.reshape(n_points, -1) @ spread.reshape(-1, n_cells * n_own, n_points))


def _move(ground: Ground, cells: Ints) -> Floats:
    """(T, cells, S): how the points move with each mean step of these places."""
    step, share = ground.step_of[cells], ground.share[cells]
    unit = np.zeros((prod(ground.steps_shape), step.size))
    taken = np.flatnonzero(step.ravel() >= 0)
    unit[step.ravel()[taken], taken] = share.ravel()[taken]
    return ground.accumulate(unit).reshape(-1, *step.shape)


def accumulated_curve(table: GridTable, *, centred: bool, population: bool, rng: np.random.Generator) -> Curve:
    """The accumulated curve or surface of a table's steps, with its bands; see `ale.Ale` for what they are about."""
    steps, axes = table.steps, table.along
    assert steps is not None
    standing = Standing.of(axes, table.weight)
    ground = Ground(axes, standing, steps.weight.reshape([a.n_places for a in axes]), centred)
    taken = ground.step_of >= 0
    n_steps, n_outputs = prod(ground.steps_shape), table.n_outputs
    step, share = ground.step_of[taken], ground.share[..., None]
    mean = sum_by(step, (share * steps.mean)[taken], n_steps)
    apart = steps.spread + (steps.mean - mean[ground.step_of]) ** 2
    heterogeneity = sum_by(step, (share * apart)[taken], n_steps)
    counts = sum_by(step, np.broadcast_to(steps.n[:, None], taken.shape)[taken], n_steps).astype(np.int64)
    values = ground.accumulate(mean)
    errors = PlaceErrors.of(steps, taken).with_drawn_shares(steps, ground, mean)
    variance, squares, move = errors.variance(ground)
    more = np.zeros(n_outputs)
    if population:  # its band has besides the variance of the curve's mean over the drawn rows
        read, weight, n_drawn = standing.read(values), standing.weight, len(standing.rows)
        more = weight**2 @ (read - weight @ read) ** 2 * (n_drawn / max(n_drawn - 1, 1))
    stderr = np.maximum(np.sqrt(variance + more), ROUNDING * steps.scale * len(values) ** 0.5)
    if not errors.pooled_df:
        stderr[:] = np.inf
    tiny = np.finfo(float).tiny
    # degrees of freedom of a sum of variances that have their own (Satterthwaite)
    whole = np.maximum(variance + more, tiny)
    shared = squares / whole / whole
    df = np.where(shared > tiny, 1.0 / np.maximum(shared, tiny), np.inf)
    points, covariance = (*standing.shape, n_outputs), None
    if move is not None and errors.pooled_df:
        # the least known error of all stands for the others
        covariance = errors.along(move)
        critical = largest_of(covariance + more[:, None, None], stderr, df.min(axis=0), rng)
    else:
        critical = student(0.5 + 0.5 * LEVEL ** (1.0 / len(values)), df).reshape(points)
    notes = {"missing_rows": int(((table.cell < 0) & (table.weight > 0)).sum())}
    found = Curve(
        values.reshape(points), stderr.reshape(points), critical, df.reshape(points),
        counts.reshape(ground.steps_shape), np.sqrt(heterogeneity).reshape(*ground.steps_shape, n_outputs), axes,
        standing.centre, importance_of(standing, values), extrapolated=ground.empty, notes=notes,
    )  # fmt: skip
    if len(axes) == 1:
        n_rows = steps.weight.sum() ** 2 / max(steps.squares.sum(), tiny)
        error, bias = errors_of_importance(standing, values, covariance, n_rows)
        found = replace(found, importance_stderr=error, importance_bias=bias)
    if table.differences is not None:
        order, (rise, error) = table.axes[0].order, table.differences.conclude()
        assert order is not None
        at = np.ix_(order, order)
        found = replace(found, differences=rise[at], differences_stderr=error[at])
    return found
