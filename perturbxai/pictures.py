"""Pictures as people have them, made (H, W, C) float32 in their own units."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def as_pictures(x: Any) -> list[Picture]:
    """A list of (H, W, C) float32 pictures in their own units: one picture, a stack (N, H, W, C), or a list of pictures.

    Greyscale (H, W) gets one channel. RGBA is laid on white, with a warning.
    Raises ValueError for other shapes, for no picture, and for values that are not finite.
    """
    items = list(x) if isinstance(x, (list, tuple)) else [x] if np.ndim(x) in (2, 3) else list(np.asarray(x))
    if not items:
        raise ValueError("x holds no picture; give at least one.")
    return [_one(item, number) for number, item in enumerate(items)]


def _one(item: Any, number: int) -> Picture:
    array = np.asarray(item)
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise TypeError(f"picture {number} has dtype {array.dtype}; expected numbers (H, W, C) or (H, W).")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"picture {number} has shape {array.shape}; expected (H, W), (H, W, 3), (H, W, 1) or (H, W, 4). "
            "Channels come last: a (C, H, W) tensor becomes one by permute(1, 2, 0)."
        )
    white = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1.0
    values = array.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"picture {number} has {int(bad.sum())} value(s) that are not finite, the first at {where}; "
            "replace NaN and infinity before explaining."
        )
    if array.shape[2] == 4:
        warnings.warn(f"picture {number} is RGBA; it was laid on white", stacklevel=4)
        alpha = values[..., 3:] / np.float32(white)
        values = values[..., :3] * alpha + np.float32(white) * (np.float32(1.0) - alpha)
    return np.ascontiguousarray(values)


def fit(image: Any, size: int | tuple[int, int] = 224, crop: float = 1.0) -> Any:
    """The largest centred square of a picture, scaled to size x size: what a classifier sees.

    image  an array (H, W) or (H, W, C), or a PIL picture; the dtype and the units are kept
    size   the side in pixels, or (height, width)
    crop   the share of the largest centred region of that shape that is kept, in (0, 1]

    >>> import numpy as np
    >>> fit(np.zeros((300, 400, 3), dtype=np.uint8), 224).shape
    (224, 224, 3)
    """
    from PIL import Image

    height, width = (size, size) if isinstance(size, int) else size
    if not 0.0 < crop <= 1.0 or min(height, width) < 1:
        raise ValueError(f"size={size} must be positive, and crop={crop} in (0, 1].")
    array = np.asarray(image)
    if array.ndim not in (2, 3):
        raise ValueError(f"image has shape {array.shape}; expected one picture (H, W) or (H, W, C).")
    scale = crop * min(array.shape[0] / height, array.shape[1] / width)
    tall, wide = scale * height, scale * width
    top, left = (array.shape[0] - tall) / 2.0, (array.shape[1] - wide) / 2.0
    box = (left, top, left + wide, top + tall)
    if array.dtype == np.uint8:
        return np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BICUBIC, box=box))
    planes = array[..., None] if array.ndim == 2 else array
    done = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC, box=box))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    out = np.stack(done, axis=-1)
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        out = np.clip(np.round(out), limits.min, limits.max)
    out = out.astype(array.dtype)
    return out[..., 0] if array.ndim == 2 else out
