"""How far rows of a table lie apart, columns of any kinds together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.core.compiled import row_kernels
from perturbxai.core.types import Codes, Floats
from perturbxai.inputs.columns import Columns

BLOCK = 1 << 22  # distances that are held at a time where only what they add up to is wanted
PAIRS = 1000  # rows whose distances tell the width of a kernel


@dataclass(frozen=True, eq=False)
class Gower:
    """Distances between coded rows: the mean over the columns of how far two rows lie apart in each, from 0 to 1 in the
    data.

    Gower, "A general coefficient of similarity and some of its properties" (1971), as a distance: of numbers and of levels
    with an order the difference over the column's range in the data, of other levels whether they differ. A missing value is
    a level of its own, as everywhere here: as far from any other as two values can be. Where pairs with a missing value
    were left out, as there, rows with many would be near to all. Along a column that is the same in all rows another value
    is as far as can be.

    As a distance is a sum of such differences, exp(-distance / width) is a positive definite kernel over rows of the data.

    scale (D,)    what differences are divided by, 0 where values are the same or not
    missing (D,)  the code of a missing value among levels with an order, else NaN
    """

    scale: Floats
    missing: Floats

    @classmethod
    def of(cls, columns: Columns, codes: Codes) -> Gower:
        """As the ranges of the columns in these rows are. Raises ValueError for infinite numbers, which have no distance."""
        endless = np.flatnonzero(np.isinf(codes).any(axis=0))
        if len(endless):
            name = columns.names[endless[0]]
            raise ValueError(f"X has infinite values in {name!r}, which no distance can be told from; leave these rows out.")
        missing = np.asarray(columns.missing_codes, dtype=np.float64)
        known = _unknown_as_nan(codes, missing)
        there = ~np.isnan(known)
        low, high = np.where(there, known, np.inf).min(axis=0), np.where(there, known, -np.inf).max(axis=0)
        measured = (np.asarray(columns.numeric) | np.asarray(columns.ordered)) & there.any(axis=0)
        with np.errstate(over="ignore"):
            scale = np.where(measured, high - low, 0.0)
        return cls(np.where(np.isfinite(scale), scale, np.finfo(np.float64).max), missing)

    def __call__(self, rows: Codes, others: Codes) -> Floats:
        """(n, m): from each of rows (n, D) to each of others (m, D)."""
        one, other = (np.ascontiguousarray(_unknown_as_nan(table, self.missing)) for table in (rows, others))
        out = np.empty((len(one), len(other)))
        with np.errstate(over="ignore", invalid="ignore"):
            row_kernels(out.size * one.shape[1]).mixed_distances(one, other, self.scale, out)
        return out


def _unknown_as_nan(codes: Codes, missing: Floats) -> Codes:
    return codes if np.isnan(missing).all() else np.where(codes == missing, np.nan, codes)


def kernel_width(distances: Floats) -> float:
    """The median of the distances between rows that differ, the usual width of a kernel; 1 where no two do."""
    apart = distances[distances > 0.0]
    return float(np.median(apart)) if len(apart) else 1.0
