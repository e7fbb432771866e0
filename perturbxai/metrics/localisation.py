"""Is a map where the evidence is known to be? A model may look elsewhere, which a good map then shows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.types import Bools, Floats


def on_pixels(values: ArrayLike, labels: NDArray[Any]) -> Floats:
    """(H, W): the values (P,) of superpixels spread evenly over their pixels, so that a region's sum stays its value.

    labels (H, W), whole numbers 0..P-1. Raises ValueError for labels that are no numbers of the values.
    """
    numbers = np.asarray(values, dtype=np.float64)
    area = np.bincount(np.ravel(labels), minlength=len(numbers))
    if len(area) > len(numbers) or (area == 0).any():
        raise ValueError(
            f"labels goes up to {len(area) - 1} or has gaps; expected a region for each of {len(numbers)} values."
        )
    return np.asarray((numbers / area)[labels])


def energy_pointing_game(heat: ArrayLike, inside: ArrayLike) -> float:
    """The share of a map's positive attribution that lies inside a region; NaN if nothing is positive.

    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu, "Score-CAM" (2020). An even map has the region's share of the area,
    which must stand beside it.

    heat (H, W);  inside (H, W), True in the region.  Raises ValueError if shapes differ, or for a map that is not finite.
    """
    positive, region = _both(heat, inside)
    total = positive.sum()
    return float(positive[region].sum() / total) if total > 0 else float("nan")


def grid_pg(heat: ArrayLike, inside: ArrayLike) -> float:
    """The share of a map's positive attribution that lies in the cell of a mosaic that shows the explained class; NaN if
    nothing is positive. An even map has 1 over the number of cells.

    heat (H, W);  inside (H, W): True in one cell of a regular mosaic.  Raises ValueError for a region
    that is none, and as `energy_pointing_game` does.
    """
    positive, region = _both(heat, inside)
    # one cell that fills the picture would have everything whatever the map
    down, across = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    whole = len(down) > 0 and region[down[0] : down[-1] + 1, across[0] : across[-1] + 1].all()
    on_grid = (
        whole
        and not region.all()
        and all(
            size % len(own) == 0 and own[0] % len(own) == 0 for own, size in zip((down, across), region.shape, strict=True)
        )
    )
    if not on_grid:
        raise ValueError(
            f"inside is no cell of a regular mosaic of {region.shape[0]} x {region.shape[1]} pixels; take "
            "energy_pointing_game for a region of any shape."
        )
    return energy_pointing_game(positive, region)


def cell_shares(heat: ArrayLike, shape: tuple[int, int] = (2, 2)) -> Floats:
    """(rows, columns): the share of a map's positive attribution in each cell of a mosaic; NaN if nothing is positive.

    The grid pointing game of Boehle, Fritz & Schiele, "Convolutional dynamic alignment networks" (2021): the cell whose
    picture shows the explained class should have it all; an even map gives every cell 1 / (rows * columns).

    heat (H, W), whose sides are multiples of shape.  Raises ValueError if they are not, or for a map that is not finite.
    """
    heat = np.asarray(heat, dtype=np.float64)
    rows, columns = shape
    if heat.ndim != 2 or heat.shape[0] % rows or heat.shape[1] % columns:
        raise ValueError(f"heat has shape {heat.shape}; expected (H, W) that {rows} x {columns} cells of one size fill.")
    positive, _ = _both(heat, np.ones(heat.shape, dtype=bool))
    cells = positive.reshape(rows, heat.shape[0] // rows, columns, heat.shape[1] // columns).sum(axis=(1, 3))
    total = cells.sum()
    return np.asarray(cells / total if total > 0 else np.full(shape, np.nan))


def pointing_game(heat: ArrayLike, inside: ArrayLike, tolerance: float = 0.0) -> bool:
    """Whether a map's peak lies in a region or within `tolerance` pixels of it.

    Zhang, Bargal, Lin, Brandt, Shen & Sclaroff, "Top-down neural attention by excitation backprop" (2018), with 15 pixels.
    Where several pixels share the largest value, as in a superpixel, the peak is the one of them nearest to their middle. A
    map that is the same everywhere has no peak and hits nothing.

    heat (H, W);  inside (H, W), True in the region.  Raises ValueError if shapes differ, or for a map that is not finite.
    """
    _, region = _both(heat, inside)
    if np.ptp(heat) == 0:
        return False
    best = np.argwhere(np.asarray(heat) == np.max(heat))
    peak = best[np.argmin(((best - best.mean(axis=0)) ** 2).sum(axis=1))]
    there = np.argwhere(region)
    return bool(len(there) and ((there - peak) ** 2).sum(axis=1).min() <= tolerance**2)


def _both(heat: ArrayLike, inside: ArrayLike) -> tuple[Floats, Bools]:
    """The positive part of a map, and a region of its shape."""
    heat, region = np.asarray(heat, dtype=np.float64), np.asarray(inside, dtype=bool)
    if heat.ndim != 2 or heat.shape != region.shape:
        raise ValueError(f"heat has shape {heat.shape} and inside {region.shape}; expected (H, W) for both.")
    if not np.isfinite(heat).all():
        raise ValueError("heat has values that are not finite, which have no share.")
    return np.maximum(heat, 0.0), region
