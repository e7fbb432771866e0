"""Pictures as people have them, made (H, W, C) float32 in their own units."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

OPAQUE = {"u1": 255.0, "u2": 65535.0}  # white, and no transparency, by kind and size; 1 for floats


def as_pictures(x: Any) -> list[Picture]:
    """A list of (H, W, C) float32 pictures in their own units: one picture, a stack (N, H, W, C), or a list of pictures.

    Arrays, tensors and PIL pictures. Greyscale (H, W) gets one channel. RGBA is laid on white, with a warning.
    Raises ValueError for other shapes, for no picture, and for values that are not finite.
    """
    if isinstance(x, (list, tuple)):
        items = list(x)
    else:
        whole = as_array(x, "x")
        if whole.ndim == 0:
            raise TypeError(f"x is a {type(x).__name__}; expected a picture (H, W, C), or several.")
        items = [whole] if whole.ndim in (2, 3) else list(whole)
    if not items:
        raise ValueError("x holds no picture; give at least one.")
    return [_one(item, number) for number, item in enumerate(items)]


def as_array(item: Any, what: str) -> NDArray[Any]:
    """The values of an array, of a tensor on any device, or of a PIL picture whose values are colours."""
    mode = getattr(item, "mode", None)
    if mode in ("P", "PA", "LA", "La", "CMYK", "HSV", "LAB", "YCbCr"):
        raise ValueError(f'{what} is a PIL picture of mode {mode!r}; use picture.convert("RGB") first.')
    return np.asarray(item.detach().cpu() if hasattr(item, "detach") else item)


def _one(item: Any, number: int) -> Picture:
    array = as_array(item, f"picture {number}")
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise TypeError(f"picture {number} has dtype {array.dtype}; expected numbers (H, W, C) or (H, W).")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"picture {number} has shape {array.shape}; expected (H, W), (H, W, 3), (H, W, 1) or (H, W, 4). "
            "Channels come last: a (C, H, W) tensor becomes one by permute(1, 2, 0); several grey pictures are a list."
        )
    if array.size == 0:
        raise ValueError(f"picture {number} has shape {array.shape}: no pixel at all.")
    values = array.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"picture {number} has {int(bad.sum())} value(s) that are not finite, the first at {where}; "
            "replace NaN and infinity before explaining."
        )
    if array.shape[2] == 4:
        values = _on_white(values, array.dtype, number)
    return np.ascontiguousarray(values)


def _on_white(values: Picture, dtype: np.dtype, number: int) -> Picture:
    white = np.float32(1.0 if dtype.kind == "f" else OPAQUE.get(dtype.str[1:], 0.0))
    alpha = values[..., 3:]
    if white == 0.0 or alpha.min() < 0.0 or alpha.max() > white:
        raise ValueError(
            f"picture {number} has four channels of {dtype}, whose opacity is not clear: give RGBA as uint8, uint16 or "
            "floats in 0..1, or drop the fourth channel."
        )
    warnings.warn(f"picture {number} is RGBA; it was laid on white", stacklevel=5)
    alpha = alpha / white
    return np.asarray(values[..., :3] * alpha + white * (np.float32(1.0) - alpha))


def fit(image: Any, size: int | tuple[int, int] = 224, crop: float = 1.0) -> Any:
    """The largest centred region of a picture of that shape, scaled to it: what a classifier sees.

    image  an array (H, W) or (H, W, C), or a PIL picture; the dtype, the units and the range of the values are kept
    size   the side in pixels, or (height, width)
    crop   the share of the largest centred region of that shape that is kept, in (0, 1]

    >>> import numpy as np
    >>> fit(np.zeros((300, 400, 3), dtype=np.uint8), 224).shape
    (224, 224, 3)
    """
    from PIL import Image

    height, width = (int(side) for side in np.broadcast_to(size, 2))
    if not 0.0 < crop <= 1.0 or min(height, width) < 1:
        raise ValueError(f"size={size} must be positive, and crop={crop} in (0, 1].")
    array = as_array(image, "image")
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] > 4):
        raise ValueError(f"image has shape {array.shape}; expected one picture (H, W) or (H, W, C), channels last.")
    scale = crop * min(array.shape[0] / height, array.shape[1] / width)
    tall, wide = scale * height, scale * width
    top, left = (array.shape[0] - tall) / 2.0, (array.shape[1] - wide) / 2.0
    box = (left, top, left + wide, top + tall)
    if array.dtype == np.uint8 and (array.ndim == 2 or array.shape[2] in (3, 4)):
        return np.array(Image.fromarray(array).resize((width, height), Image.Resampling.BICUBIC, box=box))
    planes = array[..., None] if array.ndim == 2 else array
    done = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC, box=box))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    # cubic interpolation overshoots at edges; fmin and fmax, so that a NaN stays where it is
    out = np.clip(np.stack(done, axis=-1), np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None))
    out = (np.round(out) if array.dtype.kind in "iub" else out).astype(array.dtype)
    return out[..., 0] if array.ndim == 2 else out
