"""What each row says of a curve, so that rows may be told apart by it: the shape of its curve, or its step where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.curves.grid_tables import GridTable


@dataclass(frozen=True, eq=False)
class Profiles:
    """Of n rows V numbers each, of which some rows may have none.

    value (n, V)  0 where a row has none
    mass (n, V)   the weight of the row there, 0 where it has none
    place (n,)    rows among which nothing but chance tells who has which value: the bin of steps, 0 of whole curves
    width         V numbers of one output stand together: V = width times the outputs

    Heterogeneity is the weighted sum over rows of the squared distance between what a row says and what rows of its region
    say on average there; with degrees of freedom, so that a cut by chance takes nothing away on average.
    """

    value: Floats
    mass: Floats
    place: Ints
    width: int

    def heterogeneity(self, inside: Ints | None = None) -> Floats:
        """(K,): the summed variance of these rows (of all) around their own means, in squared units of the output."""
        rows = slice(None) if inside is None else inside
        value, mass = self.value[rows], self.mass[rows]
        return self.within(mass.sum(axis=0), (mass * value).sum(axis=0), (mass * value**2).sum(axis=0),
                           (mass > 0).sum(axis=0))  # fmt: skip

    def within(self, mass: Floats, first: Floats, second: Floats, n: Ints) -> Floats:
        """(..., K): the same from sums over rows, (..., V) each: of masses, of values and squares by them, and how many."""
        there = n > 1
        total = np.where(there, mass, 1.0)
        squares = np.maximum(second - first**2 / total, 0.0) * (n / np.maximum(n - 1, 1))
        # a place with a single row knows nothing of its spread, and counts as the others do
        shape = (*squares.shape[:-1], -1, self.width)
        found = np.where(there, squares, 0.0).reshape(shape).sum(axis=-1)
        known = np.where(there, mass, 0.0).reshape(shape).sum(axis=-1)
        of_all = mass.reshape(shape).sum(axis=-1)
        return np.asarray(found * np.where(known > 0, of_all / np.where(known > 0, known, 1.0), 0.0))

    def part(self, rows: Ints) -> Profiles:
        """Of some rows."""
        return Profiles(self.value[rows], self.mass[rows], self.place[rows], self.width)


def of_curves(table: GridTable, rows: Ints, curves: Floats) -> Profiles:
    """Of whole curves (m, T, K) of drawn rows (m,): each less its own mean over the data, its points weighing as data."""
    centre = table.standing.centre
    level = np.einsum("mtk,t->mk", curves, centre)[:, None]
    shape = (curves - level) * np.sqrt(np.maximum(centre, 0.0))[:, None]
    value = shape.transpose(0, 2, 1).reshape(len(curves), -1)
    mass = np.broadcast_to(table.weight[rows][:, None], value.shape)
    return Profiles(_around(value, mass), mass, np.zeros(len(value), dtype=np.int64), curves.shape[1])


def of_steps(table: GridTable, rows: Ints, steps: Floats) -> Profiles:
    """Of steps (m, S, K) of drawn rows (m,), each at the place where the row lies.

    S, the steps that a row takes part in, is one in a bin and up to two at a level.
    """
    m, n_steps, n_outputs = steps.shape
    cell = table.cell[rows]
    n_cells = int(cell.max(initial=0)) + 1
    value, mass = np.zeros((2, m, n_outputs, n_cells, n_steps))
    value[np.arange(m), :, cell] = steps.transpose(0, 2, 1)
    mass[np.arange(m), :, cell] = table.weight[rows][:, None, None] / n_steps
    flat = m, n_outputs * n_cells * n_steps
    value, mass = value.reshape(flat), mass.reshape(flat)
    return Profiles(_around(value, mass), mass, cell, n_cells * n_steps)


def _around(value: Floats, mass: Floats) -> Floats:
    """Values less their mean over all rows: what all say alike must not drown what they do not."""
    total = mass.sum(axis=0)
    return np.where(mass > 0, value - (mass * value).sum(axis=0) / np.where(total > 0, total, 1.0), 0.0)
