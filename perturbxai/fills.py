"""What a hidden superpixel shows: a fill picture of the size of the input, made once an input."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import kernels

Picture = NDArray[np.float32]
BLUR_SHARE = 1 / 22  # of the longer side: 10 pixels at 224


def make_fill(fill: Any, picture: Picture, labels: NDArray[np.int32]) -> Picture:
    """(H, W, C) float32: what each pixel shows when its superpixel is hidden.

    fill: "blur" (Gaussian, deviation of the longer side / 22), "mean" (each superpixel's mean colour), a number or one
    number a channel (a constant in the picture's own units), or a picture of the same shape.
    Raises ValueError for an unknown name, a wrong shape, or values that are not finite.
    """
    if isinstance(fill, str):
        if fill == "blur":
            from skimage.filters import gaussian

            deviation = max(picture.shape[:2]) * BLUR_SHARE
            blurred = gaussian(picture.astype(np.float64), sigma=deviation, channel_axis=-1, preserve_range=True)
            return np.ascontiguousarray(blurred, dtype=np.float32)
        if fill == "mean":
            return _superpixel_means(picture, labels)
        raise ValueError(f'fill={fill!r} is not known; expected "blur", "mean", a constant or a picture.')
    values = np.asarray(fill).astype(np.float32)  # a copy: the caller may change theirs
    if not np.isfinite(values).all():
        raise ValueError("fill has values that are not finite; give a constant or a picture without NaN.")
    if values.ndim <= 1:
        if values.ndim == 1 and len(values) != picture.shape[2]:
            raise ValueError(f"fill has {len(values)} numbers, but the picture has {picture.shape[2]} channels.")
        return np.ascontiguousarray(np.broadcast_to(values, picture.shape))
    if values.ndim == 2:
        values = values[..., None]
    if values.shape != picture.shape:
        raise ValueError(f"fill has shape {values.shape}, but the picture {picture.shape}; resize it first (px.fit).")
    return np.ascontiguousarray(values)


def describe_fill(fill: Any) -> str:
    """A short name for tables: "blur", "mean", the constant, or "picture" with a checksum that tells it from others."""
    if isinstance(fill, str):
        return fill
    values = np.asarray(fill)
    if values.ndim <= 1:
        return "constant " + " ".join(f"{v:g}" for v in values.ravel())
    return f"picture {zlib.crc32(np.ascontiguousarray(values, dtype=np.float32).tobytes()):08x}"


def _superpixel_means(picture: Picture, labels: NDArray[np.int32]) -> Picture:
    n_players = int(labels.max()) + 1
    channels = np.ascontiguousarray(np.moveaxis(picture, -1, 0), dtype=np.float64)
    sums = np.zeros((channels.shape[0], n_players))
    kernels.pool_regions(channels, labels, sums)
    means = sums / np.bincount(labels.ravel(), minlength=n_players)
    return np.ascontiguousarray(means.T[labels], dtype=np.float32)
