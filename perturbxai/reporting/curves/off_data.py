"""Where partial dependence asks a model about rows that the data do not have."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.quantiles import order_statistics
from perturbxai.core.types import Floats, Ints
from perturbxai.inputs.spaces import TabularSpace

MOST_BINS = 10
EXPECTED = 8.0  # rows where columns were independent: then a cell is empty by chance once in e^8 = 3,000 times
ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, eq=False)
class Unsupported:
    """The share of the questions along one column that lie where no row is.

    share   over all points of the grid;  at (G,): at each point of the grid
    column  the other column that most of them are far from the data in, "" if there are none
    """

    share: float
    at: Floats
    column: str


def unsupported(space: TabularSpace, name: str, grid: NDArray[Any]) -> Unsupported:
    """How many of the rows that partial dependence makes up lie where the data of a space have none.

    A question is a row of the table with the named column at a point of the grid (G,), in the table's own values. Each of
    its planes, this column and one other, is cut into cells, at most ten quantile bins (or the levels) by as many. A cell is
    empty if it holds no row, though it would hold at least eight if the two columns were independent: more than the sample
    kept them away from there. A question counts if it lies in an empty cell of any of its planes. Of independent columns
    next to none does. What three columns exclude together, and what happens within a cell, is not seen: a lower bound.
    """
    number = space.columns.names.index(name)
    codes = space.codes[space.weights > 0]
    codes = codes[:: max(1, len(codes) // ROWS_AT_ONCE)]
    n_bins = int(np.clip(np.sqrt(len(codes) / EXPECTED), 1, MOST_BINS))
    own = _Cut.of(codes[:, number], bool(space.columns.numeric[number]), n_bins)
    far = np.zeros((own.n_places, len(codes)), dtype=bool)
    blame, culprit = 0.0, ""
    grid_place = own.place(space.columns.encode_values(number, grid))
    asked = np.bincount(grid_place, minlength=own.n_places) / len(grid_place)
    mine = own.place(codes[:, number])
    for other in range(codes.shape[1]):
        if other == number:
            continue
        cut = _Cut.of(codes[:, other], bool(space.columns.numeric[other]), n_bins)
        theirs = cut.place(codes[:, other])
        rows = np.bincount(mine * cut.n_places + theirs, minlength=own.n_places * cut.n_places)
        cells = rows.reshape(own.n_places, cut.n_places)
        alone = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / len(codes)
        here = ((cells == 0) & (alone >= EXPECTED))[:, theirs]
        far |= here
        if (part := float(asked @ here.mean(axis=1))) > blame:
            blame, culprit = part, space.columns.names[other]
    at = far.mean(axis=1)[grid_place]
    return Unsupported(float(at.mean()), at, culprit)


@dataclass(frozen=True, eq=False)
class _Cut:
    """A column in pieces of alike many rows, or by its levels; missing values are the last piece."""

    edges: Floats
    by_level: bool

    @classmethod
    def of(cls, column: Floats, numeric: bool, n_bins: int) -> Self:
        known = column[~np.isnan(column)]
        values = np.unique(known)
        if not numeric or len(values) <= n_bins:
            return cls(values, True)
        inner = order_statistics(known, np.ones(len(known)), np.arange(1, n_bins), n_bins)
        return cls(np.unique(inner), False)

    @property
    def n_places(self) -> int:
        return len(self.edges) + 1 + (not self.by_level)

    def place(self, column: Floats) -> Ints:
        """(n,): the piece of each value, the nearest below for one between two levels."""
        if self.by_level:
            found = np.clip(np.searchsorted(self.edges, column, side="right") - 1, 0, len(self.edges) - 1)
        else:
            found = np.searchsorted(self.edges, column, side="left")
        return np.where(np.isnan(column), self.n_places - 1, found)
