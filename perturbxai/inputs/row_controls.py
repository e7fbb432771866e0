"""Numbers that describe background rows, of known mean zero: controls for values on single rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights

MOST_LEVELS = 3  # indicators of a column of levels, those of its most frequent levels
ENDS = (0.05, 0.95)  # a number counts as far beyond these quantiles as they are apart: a few far out would rule the fit
CUTS = (0.25, 0.5, 0.75)  # a finer description of a number: which quarter of the rows it lies in


def row_controls(
    rows: Codes, share: Weights, columns: Sequence[Sequence[int]], numeric: Bools
) -> tuple[Floats, Ints, tuple[int, int]]:
    """Numbers (B, C) that describe coded rows (B, D), the player (C,) of each, and how many are coarse and how many fine.

    Coarse: a number itself, whether it is missing, the most frequent levels of a column of levels. Fine: the quarters of a
    number. Each is scaled to weighted mean zero and variance one; constant ones are left out.

    share (B,) weights that sum to one;  columns of each player;  numeric (D,): which columns are numbers and not levels
    """
    parts: tuple[list[Floats], list[Floats]] = ([], [])
    owners: tuple[list[int], list[int]] = ([], [])
    for p, own in enumerate(columns):
        for d in own:
            described = _of_number(rows[:, d], share) if numeric[d] else (_of_levels(rows[:, d], share), [])
            for grade, found in enumerate(described):
                scaled = [s for s in (_scaled(one, share) for one in found) if s is not None]
                parts[grade].extend(scaled)
                owners[grade].extend([p] * len(scaled))
    every = parts[0] + parts[1]
    table = np.column_stack(every) if every else np.zeros((len(rows), 0))
    return table, np.array(owners[0] + owners[1], dtype=np.int64), (len(parts[0]), len(parts[1]))


def _of_number(values: Floats, share: Weights) -> tuple[list[Floats], list[Floats]]:
    missing = np.isnan(values)
    there = ~missing & np.isfinite(values)
    if not there.any():
        return [], []
    known = np.where(there, values, np.median(values[there]))  # of the largest numbers no sum is taken
    order = np.argsort(known, kind="stable")
    below = np.cumsum(share[order])
    low, *edges, high = known[order][np.minimum(np.searchsorted(below, (ENDS[0], *CUTS, ENDS[1])), len(known) - 1)].tolist()
    reach = min(high - low, np.finfo(np.float64).max / 4.0)
    quarters = [(known > edge).astype(np.float64) for edge in sorted(set(edges))]
    return [np.clip(known, low - reach, high + reach), missing.astype(np.float64)], quarters


def _of_levels(values: Floats, share: Weights) -> list[Floats]:
    codes = np.nan_to_num(values, nan=-1.0)
    levels, place = np.unique(codes, return_inverse=True)
    frequent = np.argsort(-np.bincount(place, weights=share), kind="stable")[:MOST_LEVELS]
    return [(codes == levels[k]).astype(np.float64) for k in frequent]


def _scaled(values: Floats, share: Weights) -> Floats | None:
    largest = np.abs(values).max(initial=0.0)
    if largest == 0.0:
        return None
    values = values / largest  # squares of the largest numbers overflow
    centred = values - share @ values
    deviation = np.sqrt(share @ centred**2)
    return np.asarray(centred / deviation) if deviation > 1e-12 else None
