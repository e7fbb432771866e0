"""Bilinear weights: what each cell of a coarse line counts at each pixel of a fine one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def between_centres(n_cells: int, n_pixels: int) -> NDArray[np.float64]:
    """(n_pixels, n_cells): straight between the centres of the cells, flat beyond the outermost ones; rows sum to one.

    The same as torch's bilinear interpolation with align_corners=False, one axis at a time.
    """
    place = np.clip((np.arange(n_pixels) + 0.5) * n_cells / n_pixels - 0.5, 0.0, n_cells - 1.0)
    low = np.minimum(place.astype(np.int64), max(n_cells - 2, 0))
    share = place - low
    weights = np.zeros((n_pixels, n_cells))
    pixel = np.arange(n_pixels)
    weights[pixel, low] = 1.0 - share
    weights[pixel, np.minimum(low + 1, n_cells - 1)] += share
    return weights
