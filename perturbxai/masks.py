"""Smooth pixel masks: coarse maps enlarged over a picture, and the picture seen through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.plan import ImagePlan, Masked

Masks = NDArray[np.float32]


def enlarge(maps: NDArray[Any], shape: tuple[int, int]) -> Masks:
    """(M, H, W) float32 from (M, h, w): bilinear between the centres of the cells, flat beyond the outermost ones.

    The same as torch's bilinear interpolation with align_corners=False, without torch: two products with small matrices.
    """
    down, across = (_between_centres(n, size) for n, size in zip(maps.shape[1:], shape, strict=True))
    return np.asarray(down @ maps.astype(np.float32) @ across.T)


def _between_centres(n_cells: int, n_pixels: int) -> NDArray[np.float32]:
    """(n_pixels, n_cells): the weight of each cell in each pixel; rows sum to one."""
    place = np.clip((np.arange(n_pixels) + 0.5) * n_cells / n_pixels - 0.5, 0.0, n_cells - 1.0)
    low = np.minimum(place.astype(np.int64), max(n_cells - 2, 0))
    share = place - low
    weights = np.zeros((n_pixels, n_cells))
    pixel = np.arange(n_pixels)
    weights[pixel, low] = 1.0 - share
    weights[pixel, np.minimum(low + 1, n_cells - 1)] += share
    return weights.astype(np.float32)


def stretch(masks: Masks) -> Masks:
    """Each mask (H, W) of (M, H, W) from its least to its largest value onto 0..1; one that is constant becomes 0."""
    low = masks.min(axis=(1, 2), keepdims=True)
    span = masks.max(axis=(1, 2), keepdims=True) - low
    return np.asarray((masks - low) / np.where(span > 0, span, np.float32(1)))


@dataclass(frozen=True, eq=False)
class SeenThrough:
    """A picture seen through maps: as it is where a map is largest, as its fill where the map is least.

    picture, fill (H, W, C) float32;  maps (M, h, w), any units: each is enlarged and stretched to 0..1 as its row is built,
    so that no more masks are held than a batch has rows.
    """

    picture: NDArray[np.float32]
    fill: NDArray[np.float32]
    maps: NDArray[Any]

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def row_bytes(self) -> int:
        return 4 * int(self.picture.size)

    def host(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start, H, W, C) float32, in the picture's own units."""
        return self._rows(start, stop).host(0, stop - start)

    def device(self, start: int, stop: int, device: Any) -> Any:
        """The same rows as a tensor on the device; masks travel, not pictures."""
        return self._rows(start, stop).device(0, stop - start, device)

    def _rows(self, start: int, stop: int) -> ImagePlan:
        height, width = self.picture.shape[:2]
        masks = stretch(enlarge(self.maps[start:stop], (height, width))).reshape(stop - start, height * width)
        pixels = np.arange(height * width, dtype=np.int32).reshape(height, width)  # a player each
        return ImagePlan([Masked(self.picture, self.fill, pixels, np.ascontiguousarray(masks))])
