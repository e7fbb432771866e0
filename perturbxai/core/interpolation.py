"""Bilinear weights: what each cell of a coarse line counts at each pixel of a fine one."""

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints


def between_centres(n_cells: int, n_pixels: int) -> Floats:
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


def between(points: Floats, codes: Floats, number: bool) -> tuple[Ints, Floats]:
    """Where codes (n,) lie on a grid: the point (n,) below each, -1 for none, and the share (n,) of the way to the next one.

    points (G,)  ascending where they are numbers, the missing value last; levels in any order. Next to a level is nothing
    The share is below 0 or above 1 for numbers outside. On a point it is 0 or 1 exactly, so the curve there is the point's.
    """
    if not number:
        same = points == codes[:, None]
        return np.where(same.any(axis=1), same.argmax(axis=1), -1), np.zeros(len(codes))
    n_known = len(points) - int(np.isnan(points[-1]))
    known = points[:n_known]
    low = np.clip(np.searchsorted(known, codes, side="right") - 1, 0, n_known - 2)
    share = (codes - known[low]) / (known[low + 1] - known[low])
    missing = np.isnan(codes)
    place = np.where(missing, n_known if n_known < len(points) else -1, low)
    return place, np.where(missing, 0.0, share)


def interpolate(curves: Floats, place: Ints, share: Floats) -> Floats:
    """(n, K): each of the curves (n, G, K) at its own place; see `between`."""
    row, last = np.arange(len(place)), curves.shape[1] - 1
    low, high = curves[row, place], curves[row, np.minimum(place + 1, last)]
    return np.asarray((1.0 - share)[:, None] * low + share[:, None] * high)


def on_grid(place: Ints, share: Floats) -> Bools:
    """(n,): which have a place on the grid."""
    return np.asarray((place >= 0) & (share >= 0.0) & (share <= 1.0))
