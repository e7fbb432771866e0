"""Which other column goes with what a column's own value leaves open of its effect."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from perturbxai.core.types import Floats

FEW = 12  # rows below which nothing is said
WINDOW = 10  # rows that are alike in the column itself


def strongest_partner(numbers: Floats, values: Floats, column: int, candidates: Sequence[int]) -> int | None:
    """The candidate whose numbers go most with the values (n,) among rows that are alike in the column.

    numbers (n, P), NaN where they have no order;  values (n,) of the column. Rows are taken in windows along the column,
    and rank correlations within these are averaged by size. None for few rows, and where nothing goes with them.
    """
    there = np.flatnonzero(np.isfinite(numbers[:, column]) & np.isfinite(values))
    if len(there) < FEW:
        return None
    order = there[np.argsort(numbers[there, column], kind="stable")]
    windows = np.array_split(order, max(len(order) // WINDOW, 1))
    best, found = 0.0, None
    for other in candidates:
        strength = (
            float(np.mean([_strength(numbers[rows, other], values[rows]) for rows in windows])) if other != column else 0.0
        )
        if strength > best + 1e-9:
            best, found = strength, other
    return found


def _strength(other: Floats, values: Floats) -> float:
    there = np.isfinite(other)
    if there.sum() < 4 or np.ptp(other[there]) == 0.0 or np.ptp(values[there]) == 0.0:
        return 0.0
    return abs(float(np.corrcoef(stats.rankdata(other[there]), stats.rankdata(values[there]))[0, 1]))
