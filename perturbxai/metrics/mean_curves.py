"""Deletion and insertion curves, averaged over inputs that need not have equally many players."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Floats
from perturbxai.metrics.metric import CURVES

SAME = 1e-12  # shares this near are one, 1/3 and 2/6
COLUMNS = ["method", "output", "scored_fill", "curve", "share", "value", "stderr", "inputs"]


def mean_curves(curves: Any) -> dict[str, NDArray[Any]]:
    """The mean over inputs of each method's curves: columns of a table with a line a method, panel and share.

    curves  a DataFrame with a line a step (`Comparison.curves`)

    An input of P players has steps at the shares 0, 1/P ... 1, so that photos of other P share few of them, and a mean over
    those that have a step somewhere is of other photos from one share to the next. Each curve is therefore read, straight
    between its own steps, at every share where any input of the panel has one. The mean's area is the mean of the areas.

    Returns method, output, scored_fill, curve, share, value, stderr (over the inputs; NaN of a single one) and inputs, how
    many they are.
    """
    parts: list[tuple[Any, ...]] = []
    stepped = curves[curves.curve.isin(CURVES)]
    for _, panel in stepped.groupby(["output", "scored_fill", "curve"], sort=False):
        grid = np.unique(panel.share.to_numpy(dtype=np.float64))
        grid = grid[np.diff(grid, prepend=-1.0) > SAME]
        for head, lines in panel.groupby(COLUMNS[:4], sort=False):
            read = np.array([np.interp(grid, *one) for one in _inputs(lines)])  # (inputs, G)
            n = len(read)
            error = read.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(grid), np.nan)
            named = (np.full(len(grid), name, dtype=object) for name in head)
            parts.append((*named, grid, read.mean(axis=0), error, np.full(len(grid), n)))
    return {name: np.concatenate([part[c] for part in parts]) if parts else np.empty(0) for c, name in enumerate(COLUMNS)}


def _inputs(lines: Any) -> list[tuple[Floats, Floats]]:
    """(shares, values) of each input: the next begins where shares do not climb (labels may repeat)."""
    share, value = lines.share.to_numpy(dtype=np.float64), lines.value.to_numpy(dtype=np.float64)
    begins = np.flatnonzero(np.diff(share) <= 0) + 1
    return list(zip(np.split(share, begins), np.split(value, begins), strict=True))
