"""Accumulated local effects in one and two dimensions, from mean steps by place: the curve and its bands."""

from dataclasses import dataclass, replace
from math import prod
from typing import Self

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.estimation.curves.averaged import (
    error_of_reach,
    errors_of_importance,
    importance_of,
    largest_of,
)
from perturbxai.estimation.curves.axes import Standing
from perturbxai.estimation.curves.grid_tables import Curve, GridTable, Steps
from perturbxai.estimation.curves.ground import Ground
from perturbxai.estimation.curves.surface_error import SurfaceError
from perturbxai.estimation.intervals import LEVEL
from perturbxai.estimation.quantiles import student
from perturbxai.estimation.survey import ROUNDING, sum_by

NUMBERS_AT_ONCE = 1 << 21
MOST_JOINT = 900  # points of a surface whose errors are known together: their covariance is that many squared, an output


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
    def of(cls, steps: Steps, taken: Bools, area: Floats | None = None) -> Self:
        """taken (C, S): which steps of a place count.

        area (C,)  how wide a place is: the spread that it borrows is then that of others, or that of others as wide if that
                   is less, for steps of smooth functions grow with the place and those of jumps do not. None: all alike
        """
        squares = np.where((taken[:, :, None] & taken[:, None])[..., None], steps.error, 0.0)
        own = np.einsum("cssk->ck", squares)
        there, several = steps.n > 0, steps.n > 1
        weight = np.where(there, steps.weight, 1.0)
        rounding = (ROUNDING * steps.scale * np.abs(steps.squares).sum() ** 0.5) ** 2
        lent = there[:, None] & (~several[:, None] | (own <= rounding))
        n_taken = np.maximum(taken.sum(axis=1), 1)
        rows = np.where(several, steps.squares * (1.0 - 1.0 / np.maximum(steps.n, 1)), 0.0)
        tiny = np.finfo(float).tiny
        pooled = (own / n_taken[:, None])[several].sum(axis=0) / max(rows.sum(), tiny)
        if area is not None:
            a_width = (own / n_taken[:, None] / area[:, None] ** 2)[several].sum(axis=0) / max(rows.sum(), tiny)
            pooled = np.minimum(pooled, area[:, None] ** 2 * a_width)
        factor = (np.maximum(steps.n, 1) / np.maximum(steps.n - 1, 1)) / weight**2
        borrowed = (steps.squares / weight**2)[:, None] * pooled  # (C, K)
        unit = np.where(taken, 1.0, 0.0)[:, :, None] * np.eye(taken.shape[1])
        covariance = np.where(
            lent[:, None, None], unit[..., None] * borrowed[:, None, None], squares * factor[:, None, None, None]
        )
        pooled_df = float((steps.n - 1)[several].sum())
        return cls(covariance, np.maximum(steps.n - 1.0, 1.0), lent, pooled_df)

    def variance(self, ground: Ground) -> tuple[Floats, Floats, Floats | None]:
        """At the points (T, K) the variance, the sum of its squared parts over their degrees of freedom; of up to MOST_JOINT
        points, and in one dimension, also how each place moves them (T, C, S)."""
        n_cells, n_own = ground.step_of.shape
        n_points = prod(len(a.points) for a in ground.axes)
        total, squares, common = np.zeros((3, n_points, self.covariance.shape[-1]))
        width = max(1, NUMBERS_AT_ONCE // (n_points * n_own * self.covariance.shape[-1]))
        kept = []
        for low in range(0, n_cells, width):
            cells = np.arange(low, min(low + width, n_cells))
            move = _move(ground, cells)
            if len(ground.axes) == 1 or n_points <= MOST_JOINT:
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
    errors = PlaceErrors.of(steps, taken, ground.area_of if len(axes) > 1 else None).with_drawn_shares(steps, ground, mean)
    variance, squares, move = errors.variance(ground)
    surface = SurfaceError.of(ground, mean, values) if len(axes) == 2 else None
    more = np.zeros(n_outputs) if surface is None else surface.variance
    if population:  # its band has besides the variance of the curve's mean over the drawn rows
        read, weight, n_drawn = standing.read(values), standing.weight, len(standing.rows)
        more = weight**2 @ (read - weight @ read) ** 2 * (n_drawn / max(n_drawn - 1, 1))
    stderr = np.maximum(np.sqrt(variance + more), ROUNDING * steps.scale * len(values) ** 0.5)
    if not errors.pooled_df:
        stderr[:] = np.inf
    df = _freedom(variance + more, squares)
    points, covariance = (*standing.shape, n_outputs), None
    if move is not None and errors.pooled_df:
        covariance = errors.along(move)
    if surface is None and covariance is not None:
        # the least known error of all stands for the others
        critical = largest_of(covariance + more[:, None, None], stderr, df.min(axis=0), rng)
    else:
        critical = student(0.5 + 0.5 * LEVEL ** (1.0 / len(values)), df).reshape(points)
    notes = {"missing_rows": int(((table.cell < 0) & (table.weight > 0)).sum())}
    found = Curve(
        values.reshape(points), stderr.reshape(points), critical, df.reshape(points),
        counts.reshape(ground.steps_shape), np.sqrt(heterogeneity).reshape(*ground.steps_shape, n_outputs), axes,
        standing.centre, importance_of(standing, values), extrapolated=ground.empty, notes=notes,
    )  # fmt: skip
    if surface is None and covariance is not None:
        found = replace(found, reach_stderr=np.maximum(error_of_reach(values, covariance), ROUNDING * steps.scale))
    if surface is None or covariance is not None:
        covariance = covariance if surface is None or covariance is None else covariance + surface.covariance
        n_rows = steps.weight.sum() ** 2 / max(steps.squares.sum(), np.finfo(float).tiny)
        error, bias = errors_of_importance(standing, values, covariance, n_rows)
        error = np.maximum(error, ROUNDING * steps.scale * len(values) ** 0.5)  # which a surface may be made of
        found = replace(found, importance_stderr=error, importance_bias=bias)
    if table.differences is not None:
        order, (rise, error) = table.axes[0].order, table.differences.conclude()
        assert order is not None
        at = np.ix_(order, order)
        found = replace(found, differences=rise[at], differences_stderr=error[at])
    return found


def _freedom(variance: Floats, squares: Floats) -> Floats:
    """Degrees of freedom (T, K) of sums of variances that have their own (Satterthwaite); squares: sums of v^2 / df."""
    tiny = np.finfo(float).tiny
    whole = np.maximum(variance, tiny)
    shared = squares / whole / whole
    return np.where(shared > tiny, 1.0 / np.maximum(shared, tiny), np.inf)
