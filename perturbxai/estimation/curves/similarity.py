"""In which order levels without one follow each other along an accumulated curve: those whose rows are alike."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.quantiles import order_statistics
from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights

MANY_VALUES = 200  # beyond these many a column of numbers is compared at so many quantiles


def similarity_order(
    codes: Codes, weight: Weights, number: int, numeric: Bools, points: Floats, names: Sequence[str]
) -> Ints:
    """(L,): an order in which levels whose rows are alike follow each other, from nothing but the drawn rows.

    The distance of two levels is summed over the other columns: that of Kolmogorov and Smirnov for numbers, the total
    variation for levels. Classical scaling puts the levels on a line (Apley & Zhu, 2020, do so). The levels' names (L,)
    decide the line's direction, and between levels that are alike, so that the order of the rows does not.

    codes (n, D), weight (n,)  the drawn rows, all of which have one of the levels
    number, points (L,)        the column, and the codes of its levels as they rise, each of which some row has
    numeric (D,)               which columns are numbers
    """
    rank = np.argsort(np.argsort(np.array(names), kind="stable"))
    level, n_levels = np.searchsorted(points, codes[:, number]), len(points)
    total = np.bincount(level, weights=weight, minlength=n_levels)[:, None]
    distance = np.zeros((n_levels, n_levels))
    for d in range(codes.shape[1]):
        if d != number:
            mass = _mass(codes[:, d], bool(numeric[d]), level, weight, n_levels) / total
            below = np.cumsum(mass, axis=1) if numeric[d] else mass
            for a in range(n_levels):
                apart = np.abs(below - below[a])
                distance[a] += apart.max(axis=1) if numeric[d] else 0.5 * apart.sum(axis=1)
    centred = distance**2 - (distance**2).mean(axis=0) - (distance**2).mean(axis=1)[:, None] + (distance**2).mean()
    values, vectors = np.linalg.eigh(-0.5 * (centred + centred.T) / 2.0)
    line = np.round(vectors[:, -1] * np.sqrt(max(values[-1], 0.0)), 9)
    if line @ (rank - (n_levels - 1) / 2.0) < 0:
        line = -line
    return np.lexsort((rank, line))


def _mass(column: Floats, number: bool, level: Ints, weight: Weights, n_levels: int) -> Floats:
    """(L, V): the weight of each level's rows at each value of another column, or, of many numbers, up to each quantile."""
    values, place = np.unique(column, return_inverse=True)  # a missing value comes last, as one value
    if number and len(values) > MANY_VALUES:
        known = column[~np.isnan(column)]
        values = order_statistics(known, np.ones(len(known)), np.arange(MANY_VALUES), MANY_VALUES - 1)
        place = np.searchsorted(values, column)
    n_values = int(place.max()) + 1
    cells = np.bincount(level * n_values + place, weights=weight, minlength=n_levels * n_values)
    return cells.reshape(n_levels, n_values).astype(np.float64, copy=False)
