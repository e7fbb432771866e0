"""Places of a surface of two columns: which are beside rows of the data, and which may be nothing but noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.types import Bools
from perturbxai.results.tidy import LEVEL

if TYPE_CHECKING:
    from perturbxai.results.effect import Effect


def beside_rows(effect: Effect) -> Bools:
    """(G1, G2): corners of a cell that holds rows; all, where a surface is not filled in from beside.

    The others were filled from their nearest and carried on from there, as far from all data as the cell is.
    """
    empty, shape = effect.extrapolated, effect.values.shape[:-1]
    if empty is None or empty.shape != tuple(n - 1 for n in shape) or empty.all():
        return np.ones(shape, dtype=bool)
    held = np.pad(~empty, 1)
    return np.asarray(held[1:, 1:] | held[1:, :-1] | held[:-1, 1:] | held[:-1, :-1])


def within_noise(effect: Effect, k: int) -> Bools:
    """(G1, G2): points at which the 95 % interval of what two columns do together holds 0; none where 0 means nothing."""
    if not effect.declared.accumulates:
        return np.zeros(effect.values.shape[:-1], dtype=bool)
    low, high = (end[..., k] for end in effect.interval(LEVEL))
    return np.asarray(~((low > 0) | (high < 0)))
