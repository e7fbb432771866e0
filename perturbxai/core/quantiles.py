"""Weighted quantiles, and order statistics between which they lie."""

import numpy as np

from perturbxai.core.types import Floats, Ints, Weights


def quantile_edges(values: Floats, weight: Weights, n_bins: int) -> Floats:
    """Edges of bins that hold alike much, values of the data, ties merged: every bin has a row."""
    return np.unique(order_statistics(values, weight, np.arange(n_bins + 1), n_bins))


def order_statistics(values: Floats, weight: Weights, k: Ints, of: int) -> Floats:
    """(len(k),): the smallest values (n,) that at least k / of of all weight does not exceed; the smallest one for k = 0.

    In whole numbers where all rows weigh the same: a float level a hair above k / of takes the next row. With weights
    (n,) a sum counts as reached where it is short of its level by no more than what rounding may have taken.
    """
    order = np.argsort(values, kind="stable")
    if (weight == weight[0]).all():
        row = -(-k * len(values) // of) - 1
    else:
        total = np.cumsum(weight[order])
        short = len(values) * np.finfo(float).eps * total[-1]
        row = np.searchsorted(total, k * total[-1] / of - short, side="left")
    return np.asarray(values[order[np.clip(row, 0, len(values) - 1)]])


def spread_rows(n_rows: int, most: int) -> Ints:
    """Numbers of at most so many of the reference rows, which rise in t: evenly spread, and in antithetic pairs."""
    if n_rows <= most:
        return np.arange(n_rows)
    first = 2 * np.linspace(0, n_rows // 2 - 1, -(-most // 2)).astype(np.int64)
    return np.column_stack([first, first + 1]).ravel()[:most]
