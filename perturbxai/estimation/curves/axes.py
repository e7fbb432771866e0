"""Grids of one or two columns: their points, where the rows stand, and which steps between points they take part in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import Self

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints, Ints32, Weights


@dataclass(frozen=True, eq=False)
class Axis:
    """One column of a grid, in codes.

    points (G,)   ascending values, or the levels; where `missing`, the last one is the missing value
    by_level      rows lie at the points (levels, whole numbers, few values), else in the bins between neighbours, open
                  to the left; what lies outside belongs to the first or the last bin
    ordered       False for levels without an order; `order` then says how they follow each other along an accumulated curve
    place (n,)    int32, the level or bin of each drawn row, -1 where its value is missing
    number        True where distances between points mean something
    share (n,)    how far through its bin each drawn row lies, from 0 to 1; 0 at levels and missing values
    """

    column: int
    name: str
    points: Floats
    by_level: bool
    ordered: bool
    number: bool
    place: Ints32
    share: Floats
    missing: bool = False
    order: Ints | None = None

    @property
    def n_known(self) -> int:
        """Points that are no missing value."""
        return len(self.points) - self.missing

    @property
    def n_steps(self) -> int:
        return self.n_known - 1

    @property
    def n_places(self) -> int:
        """Levels or bins."""
        return self.n_known if self.by_level else self.n_steps

    @property
    def window(self) -> int:
        """How many neighbouring points a row is asked at for an accumulated curve."""
        return min(3, self.n_known) if self.by_level else 2

    @property
    def first(self) -> Ints:
        """(places,): the first point of each place's window."""
        places = np.arange(self.n_places)
        return np.clip(places - 1, 0, self.n_known - self.window) if self.by_level else places

    @property
    def used(self) -> Bools:
        """(places, steps, bool): whether the rows of a place take part in a step: a bin in its own, a level in both."""
        steps, places = np.arange(self.n_steps)[None], np.arange(self.n_places)[:, None]
        return np.asarray((steps == places) | (self.by_level & (steps == places - 1)))

    @property
    def widths(self) -> Floats:
        """(steps,): distances between neighbouring points, one for levels."""
        return np.diff(self.points[: self.n_known]) if not self.by_level else np.ones(self.n_steps)

    def along(self) -> Self:
        """The known points as they follow each other along an accumulated curve."""
        known = self.points[: self.n_known]
        if self.order is None:
            return replace(self, points=known, missing=False) if self.missing else self
        rank = np.argsort(self.order).astype(np.int32)
        place = np.where(self.place < 0, self.place, rank[self.place])
        return replace(self, points=known[self.order], place=place, missing=False, order=None)


def cell_of(axes: Sequence[Axis]) -> Ints:
    """(n,): the place of each drawn row on all axes together, -1 where a value is missing."""
    cell, known = axes[0].place.astype(np.int64), axes[0].place >= 0
    for axis in axes[1:]:
        cell, known = cell * axis.n_places + axis.place, known & (axis.place >= 0)
    return np.where(known, cell, -1)


def counts_of(axes: Sequence[Axis], counted: Bools) -> Ints:
    """(places...,) how many of the counted rows lie at each place; missing values, where the grid has one, come last."""
    place = [np.where(a.place < 0, a.n_places, a.place) for a in axes]
    shape = tuple(a.n_places + a.missing for a in axes)
    inside = counted & np.logical_and.reduce([p < s for p, s in zip(place, shape, strict=True)])
    flat = np.ravel_multi_index([p[inside] for p in place], shape)
    return np.asarray(np.bincount(flat, minlength=prod(shape)).reshape(shape))


@dataclass(frozen=True, eq=False)
class Standing:
    """Where rows stand on a grid, so that a curve is read at each: between its bin's ends as far through it as the row is.

    Everything "over the data" is a mean or a deviation of what is read there, with the rows' weights. A row with a missing
    value stands at the point for it, where the grid has one, and nowhere else.

    rows (n,)  numbers among the drawn rows of those that stand somewhere and have a weight;  weight (n,), sums to one
    low, high, share  by axis, each (n,): the points below and above a row, and how far it is from the one to the other
    shape      points along each axis
    """

    rows: Ints
    weight: Weights
    low: tuple[Ints, ...]
    high: tuple[Ints, ...]
    share: tuple[Floats, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, axes: Sequence[Axis], weight: Weights) -> Self:
        """weight (n,) of the drawn rows, 0 where they do not count."""
        there = np.logical_and.reduce([weight > 0, *((a.place >= 0) | a.missing for a in axes)])
        rows = np.flatnonzero(there)
        place = [np.where(a.place[rows] < 0, a.n_known, a.place[rows]).astype(np.int64) for a in axes]
        between = [~(a.by_level | (a.place[rows] < 0)) for a in axes]
        return cls(
            rows, weight[rows] / max(weight[rows].sum(), np.finfo(float).tiny), tuple(place),
            tuple(p + b for p, b in zip(place, between, strict=True)),
            tuple(np.where(b, a.share[rows], 0.0) for a, b in zip(axes, between, strict=True)),
            tuple(len(a.points) for a in axes),
        )  # fmt: skip

    @cached_property
    def corners(self) -> Ints:
        """(n, Q): the points around each row, numbered over all axes."""
        ends = product(*zip(self.low, self.high, strict=True))
        return np.stack([np.ravel_multi_index(end, self.shape) for end in ends], axis=1)

    @cached_property
    def parts(self) -> Floats:
        """(n, Q): what each of these points counts for the row; they sum to one."""
        ends = product(*((1.0 - s, s) for s in self.share))
        return np.stack([np.prod(end, axis=0) for end in ends], axis=1)

    @cached_property
    def centre(self) -> Floats:
        """(T,): centre @ curve is the mean of what is read of a curve (T, K)."""
        found = np.zeros(prod(self.shape))
        np.add.at(found, self.corners, self.weight[:, None] * self.parts)
        return found

    @cached_property
    def gram(self) -> Floats:
        """(T, T): curve' gram curve is the mean square of what is read."""
        found = np.zeros((len(self.centre), len(self.centre)))
        both = self.parts[:, :, None] * self.parts[:, None] * self.weight[:, None, None]
        np.add.at(found, (self.corners[:, :, None], self.corners[:, None]), both)
        return found

    def read(self, curve: Floats) -> Floats:
        """(n, K): the curve (T, K) at the rows."""
        return np.asarray(np.einsum("nq,nqk->nk", self.parts, curve[self.corners]))

    @cached_property
    def cells(self) -> tuple[Ints, Floats, Ints]:
        """Points around each cell with rows (C, Q), factors (C, Q, Q), and the cell of each row (n,).

        The sum over the cells of |factor @ a curve at the cell's points| squared is the mean square of what is read of the
        curve: as many numbers a curve as there are cells, not rows.
        """
        _, first, cell = np.unique(np.ravel_multi_index(self.low, self.shape), return_index=True, return_inverse=True)
        n_corners = self.corners.shape[1]
        factors = np.zeros((len(first), n_corners, n_corners))
        scaled = np.sqrt(self.weight)[:, None] * self.parts
        ends = np.cumsum(np.bincount(cell, minlength=len(first)))
        for c, rows in enumerate(np.split(np.argsort(cell, kind="stable"), ends[:-1])):
            # a triangle says of its rows what they say themselves, to rounding: no difference of squares is taken
            own = scaled[rows] if len(rows) <= n_corners else np.linalg.qr(scaled[rows], mode="r")
            factors[c, : len(own)] = own
        return self.corners[first], factors, cell
