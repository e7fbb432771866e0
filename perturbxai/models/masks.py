"""Masks of pixels: coarse maps or grids enlarged over a picture, and the picture seen through them."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.interpolation import between_centres
from perturbxai.core.questions import PixelMasks
from perturbxai.core.types import Masks, Picture
from perturbxai.models.image_plan import ImagePlan, Masked
from perturbxai.models.plan import resident
from perturbxai.models.torch_types import Tensor, Where


def enlarge(maps: NDArray[Any], shape: tuple[int, int]) -> Masks:
    """(M, H, W) float32 from (M, h, w): bilinear between the centres of the cells, flat beyond the outermost ones.

    The same as torch's bilinear interpolation with align_corners=False, without torch: two products with small matrices.
    """
    down, across = (between_centres(n, size).astype(np.float32) for n, size in zip(maps.shape[1:], shape, strict=True))
    return np.asarray(down @ maps.astype(np.float32) @ across.T)


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

    picture: Picture
    fill: Picture
    maps: NDArray[Any]

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def row_bytes(self) -> int:
        return 4 * int(self.picture.size)

    def host(self, start: int, stop: int) -> Picture:
        """(stop - start, H, W, C) float32, in the picture's own units."""
        return self._rows(start, stop).host(0, stop - start)

    def device(self, start: int, stop: int, device: Where) -> Tensor:
        """The same rows as a tensor on the device; masks travel, not pictures."""
        return self._rows(start, stop).device(0, stop - start, device)

    def _rows(self, start: int, stop: int) -> ImagePlan:
        height, width = self.picture.shape[:2]
        masks = stretch(enlarge(self.maps[start:stop], (height, width))).reshape(stop - start, height * width)
        pixels = np.arange(height * width, dtype=np.int32).reshape(height, width)  # a player each
        return ImagePlan([Masked(self.picture, self.fill, pixels, np.ascontiguousarray(masks))])


@dataclass(frozen=True, eq=False)
class Described:
    """The masks of a question as an array (M, H W) float32 that is made a batch at a time, on the host or on the device.

    It stands where a plan of pictures has its masks, a player each pixel: only grids and shifts are held, and travel.
    """

    question: PixelMasks
    height: int
    width: int
    dtype: ClassVar[Any] = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.question), self.height * self.width

    def __len__(self) -> int:
        return len(self.question)

    def __getitem__(self, rows: slice) -> Masks:
        """(n, H W) of rows start..stop."""
        masks = self.question.build(rows.start, rows.stop, self.height, self.width, self.dtype)
        return masks.reshape(len(masks), -1)

    def on(self, rows: slice, device: Where) -> Tensor:
        """The same as a tensor that is made on the device."""
        import torch

        asked = self.question
        grid, down, across = (resident(a, device, torch.float32) for a in (asked.grid[rows], asked.down, asked.across))
        shift = resident(asked.shift[rows], device, torch.int64)
        left = down[shift[:, :1] + torch.arange(self.height, device=device)]  # (n, H, a)
        right = across[shift[:, 1:] + torch.arange(self.width, device=device)]  # (n, W, b)
        masks = left @ grid @ right.transpose(1, 2)
        return masks.clamp(0.0, 1.0).reshape(len(masks), -1)

    def of(self, picture: NDArray[Any], fill: NDArray[Any]) -> Masked:
        """The picture seen through the masks."""
        pixels = np.arange(self.height * self.width, dtype=np.int32).reshape(self.height, self.width)
        return Masked(picture, fill, pixels, self)
