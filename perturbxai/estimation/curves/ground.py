"""The grid of an accumulated curve or surface, with the data on it: steps are added up, effects of columns taken away.

Everything is linear in the mean steps, so that one operator gives the curve and, applied to unit steps, its variance.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod

import numpy as np
from scipy.sparse import csr_array

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.estimation.curves.axes import Axis, Standing


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
    def lent(self) -> tuple[Ints, Ints, Floats]:
        """Empty steps (E,), steps with rows (F,), and (E, F) how much of each of these the first take.

        They take the mean of the nearest, as large as their own width makes it.
        """
        empty = self.empty.ravel()
        middle = [(np.arange(n) + 0.5) / n for n in self.steps_shape]
        at = np.stack([m.ravel() for m in np.meshgrid(*middle, indexing="ij")], axis=1)
        missing, there = np.flatnonzero(empty), np.flatnonzero(~empty)
        apart = sum((at[missing, None, d] - at[None, there, d]) ** 2 for d in range(at.shape[1]))
        # all that are as near, so that no order of the axes decides
        close = apart <= np.min(apart, axis=1, keepdims=True, initial=np.inf) + 1e-12
        share = close / np.maximum(close.sum(axis=1, keepdims=True), 1)
        return missing, there, np.asarray(share * (self.area[missing, None] / self.area[there]))

    @cached_property
    def area(self) -> Floats:
        """(steps,): how wide the steps are, one along levels."""
        return np.asarray(reduce(np.multiply.outer, [a.widths for a in self.axes]).ravel())

    @cached_property
    def area_of(self) -> Floats:
        """(C,): how wide the steps of a place are, which are all alike."""
        return np.asarray(self.area[self.step_of.max(axis=1)])

    def accumulate(self, step: Floats) -> Floats:
        """(T, C) values at the points, from steps (steps, C); those of empty cells are filled in."""
        return self.add_up(self.fill(step))

    def fill(self, step: Floats) -> Floats:
        """(steps, C): the same, with what the empty ones take from the nearest."""
        if not self.empty.any():
            return step
        step, (missing, there, _) = step.copy(), self.lent
        step[missing] = self._few_lend @ step[there]
        return step

    @cached_property
    def _few_lend(self) -> csr_array:
        """(E, F): the same shares; an empty step takes of few."""
        return csr_array(self.lent[2])

    def add_up(self, step: Floats) -> Floats:
        """(T, C) values at the points, from steps (steps, C) that are all known."""
        cube = self.sums(step)
        if len(self.axes) == 2:
            cube = cube - self._main(cube, 0)[:, None] - self._main(cube, 1)[None]
        flat = cube.reshape(-1, cube.shape[-1])
        return np.asarray(flat - self.standing.centre @ flat if self.centred else flat)

    def sums(self, step: Floats) -> Floats:
        """(G..., C): sums of steps (steps, C) up to each point."""
        cube = step.reshape(*self.steps_shape, -1)
        for d in range(len(self.axes)):
            cube = np.cumsum(cube, axis=d)
            cube = np.pad(cube, [(int(e == d), 0) for e in range(cube.ndim)])
        return cube

    def _main(self, surface: Floats, number: int) -> Floats:
        """(G, C): the accumulated effect of one column in a surface (G1, G2, C), at the rows near each of its steps."""
        return np.pad(np.cumsum(self.rises(surface, number)[1], axis=0), ((1, 0), (0, 0)))

    def rises(self, surface: Floats, number: int) -> tuple[Floats, Floats]:
        """How a surface (G1, G2, C) rises over each step of one column: (S, G', C) at the other's points, and (S, C) in the
        mean over the rows near the step.

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
        rise = np.diff(surface, axis=0)
        return rise, np.einsum("sg,sgc->sc", weight, rise)
