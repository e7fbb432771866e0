"""One column of a grid: its points, where the rows stand on it, and which steps between points they take part in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from perturbxai.tables import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Axis:
    """One column of a grid, in codes.

    points (G,)   ascending values, or the levels; where `missing`, the last one is the missing value
    by_level      rows lie at the points (levels, whole numbers, few values), else in the bins between neighbours, open
                  to the left; what lies outside belongs to the first or the last bin
    ordered       False for levels without an order; `order` then says how they follow each other along an accumulated curve
    place (n,)    int32, the level or bin of each drawn row, -1 where its value is missing
    number        True where distances between points mean something
    lean (bins,)  where in their bin the rows lie on average, from 0 to 1
    """

    column: int
    name: str
    points: Floats
    by_level: bool
    ordered: bool
    number: bool
    place: NDArray[np.int32]
    missing: bool = False
    order: Ints | None = None
    lean: Floats | None = None

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
    def corners(self) -> Floats:
        """(places, known points): where the rows of a place stand: at their level, or half at both ends of their bin."""
        unit = np.eye(self.n_known)
        return unit if self.by_level else 0.5 * (unit[:-1] + unit[1:])

    @property
    def leaning(self) -> Floats:
        """(places, known points): the same, with the rows of a bin where they lie on average and not in its middle."""
        if self.by_level or self.lean is None:
            return self.corners
        unit = np.eye(self.n_known)
        return np.asarray((1.0 - self.lean[:, None]) * unit[:-1] + self.lean[:, None] * unit[1:])

    @property
    def widths(self) -> Floats:
        """(steps,): distances between neighbouring points, one for levels."""
        return np.diff(self.points[: self.n_known]) if not self.by_level else np.ones(self.n_steps)

    def along(self) -> Axis:
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


def support_of(axes: Sequence[Axis], weight: Floats) -> Floats:
    """(places...,): the rows' weights by place, missing values left out."""
    cell = cell_of(axes)
    shape = tuple(a.n_places for a in axes)
    found = np.bincount(cell[cell >= 0], weights=weight[cell >= 0], minlength=prod(shape))
    return np.asarray(found, dtype=np.float64).reshape(shape)


def counts_of(axes: Sequence[Axis], counted: Bools) -> Ints:
    """(places...,) how many of the counted rows lie at each place; missing values, where the grid has one, come last."""
    place = [np.where(a.place < 0, a.n_places, a.place) for a in axes]
    shape = tuple(a.n_places + a.missing for a in axes)
    inside = counted & np.logical_and.reduce([p < s for p, s in zip(place, shape, strict=True)])
    flat = np.ravel_multi_index([p[inside] for p in place], shape)
    return np.asarray(np.bincount(flat, minlength=prod(shape)).reshape(shape))


def onto_points(corners: Sequence[Floats], support: Floats) -> Floats:
    """(known points...,): weights by place (places...,) at the points that the places stand at, by axis."""
    for number, share in enumerate(corners):
        support = np.moveaxis(np.tensordot(share.T, support, axes=(1, number)), 0, number)
    return support


def centre_of(axes: Sequence[Axis], weight: Floats) -> Floats:
    """(G...,): the share of the data at each point, half of a bin's at either end; nothing at missing values."""
    share = onto_points([axis.corners for axis in axes], support_of(axes, weight))
    share = np.pad(share, [(0, int(axis.missing)) for axis in axes])
    return np.asarray(share / max(share.sum(), np.finfo(float).tiny))
