"""Pictures as people have them, made (H, W, C) float32 in their own units."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.types import Photo, Picture

COLOURS = (1, 3, 4)  # grey, RGB, RGBA: so many channels are channels, wherever they stand
NOT_COLOURS = {"PA": "RGBA", "LA": "RGBA", "La": "RGBA", "RGBa": "RGBA"} | dict.fromkeys(
    ("P", "CMYK", "HSV", "LAB", "YCbCr", "RGBX"), "RGB"
)  # PIL's modes whose values are something else or have more than the shape tells, and what to convert them to
OPAQUE = {"u1": 255.0, "u2": 65535.0}  # white, and no transparency, by kind and size; 1 for floats
MOSTLY = 0.5  # of the pixels: a fourth channel that is full in more of them may be opacity


def as_pictures(x: Any) -> list[Picture]:
    """A list of (H, W, C) float32 pictures in their own units: one picture, a stack (N, H, W, C), or a list of pictures.

    Arrays, tensors and PIL pictures, of any number of channels. Arrays have their channels last; tensors may have them
    first, (C, H, W) or (N, C, H, W), where that is plain to see. Greyscale (H, W) gets one channel. Four channels are RGBA
    in a PIL picture and in uint8, and are laid on white, with a warning; in other numbers they are four bands (`on_white`).
    Raises ValueError for other shapes, for tensors that could be either, for no picture, and for values not finite.
    """
    if isinstance(x, (list, tuple)):
        items = list(x)
    else:
        whole = as_array(x, "x")
        if whole.ndim == 0:
            raise TypeError(f"x is a {type(x).__name__}; expected a picture (H, W, C), or several.")
        items = [x] if whole.ndim in (2, 3) else list(x if hasattr(x, "detach") else whole)
    if not items:
        raise ValueError("x holds no picture; give at least one.")
    return [_one(item, number) for number, item in enumerate(items)]


def as_array(item: object, what: str) -> NDArray[Any]:
    """The values of an array, of a tensor on any device, or of a PIL picture whose values are colours.

    Raises ValueError for PIL pictures of other modes, and for arrays with masked values.
    """
    mode = getattr(item, "mode", None)
    if mode in NOT_COLOURS:
        raise ValueError(f'{what} is a PIL picture of mode {mode!r}; use picture.convert("{NOT_COLOURS[mode]}") first.')
    if np.ma.is_masked(item):
        raise ValueError(f"{what} is a masked array, whose masked pixels show something; use array.filled(...) first.")
    if not hasattr(item, "detach"):
        return even(item, what)
    tensor = item.detach().cpu()
    return np.asarray(tensor.float() if "bfloat16" in str(tensor.dtype) else tensor)  # which NumPy does not have


def even(item: Any, what: str) -> NDArray[Any]:
    """What is no tensor as an array. Raises ValueError for lists whose parts have different lengths."""
    try:
        return np.asarray(item)
    except ValueError as error:
        raise ValueError(
            f"{what} has parts of different lengths, {checks.as_given(item)}; expected numbers whose rows have one length."
        ) from error


def as_picture(item: object, what: str) -> NDArray[Any]:
    """The values of one picture, (H, W, C) or (H, W): of a tensor (C, H, W) the channels are moved to the end.

    Raises ValueError for a tensor that could be (C, H, W) as well as (H, W, C).
    """
    array = as_array(item, what)
    if not hasattr(item, "detach") or array.ndim != 3 or not _channels_first(array.shape):
        return array
    alike = array.shape[0] not in COLOURS and _oblong(array.shape[1:]) == _oblong(array.shape[:2])
    if array.shape[2] in COLOURS or alike:
        raise ValueError(
            f"{what} is a tensor {array.shape}, which may be (C, H, W) or (H, W, C); give an array with its channels last: "
            "tensor.permute(1, 2, 0).numpy() if they come first, tensor.numpy() if not."
        )
    return np.moveaxis(array, 0, 2)


def _channels_first(shape: tuple[int, ...]) -> bool:
    """Whether the first axis looks like one of channels, or may be: so many as colours have, or the others are as near to a
    square as it is with the second, where the last one is none of colours."""
    return shape[0] in COLOURS or (shape[2] not in COLOURS and _oblong(shape[1:]) <= _oblong(shape[:2]))


def _is_transposed(shape: tuple[int, ...]) -> bool:
    """Whether an array, whose channels come last, has them first by all that it looks like."""
    bands = shape[2] not in COLOURS and _channels_first(shape)
    return bands and (shape[0] in COLOURS or (shape[0] < min(shape[1:]) and _oblong(shape[1:]) < _oblong(shape[:2])))


def _oblong(sides: tuple[int, ...]) -> float:
    """How far a picture is from a square: its long side over its short one."""
    return max(sides) / max(min(sides), 1)


@renamed(picture="image")
def on_white(image: Photo) -> NDArray[Any]:
    """A picture (H, W, 4) of red, green, blue and opacity laid on white: (H, W, 3) of the same dtype and units.

    An array, a tensor or a PIL picture, in uint8, uint16 or floats of 0..1. Four channels of uint8 are laid on white
    wherever pictures are taken; those of other numbers are four bands, unless they go through here first.
    Raises ValueError for other shapes, and where it is not clear what is white and opaque.

    >>> import numpy as np
    >>> on_white(np.array([[[1.0, 0.0, 0.0, 0.5]]]))
    array([[[1. , 0.5, 0.5]]])
    """
    array = as_picture(image, "image")
    if array.ndim != 3 or array.shape[2] != 4:
        raise ValueError(f"image has shape {array.shape}; expected (H, W, 4): red, green, blue and opacity.")
    white = 1.0 if array.dtype.kind == "f" else OPAQUE.get(array.dtype.str[1:], 0.0)
    if white == 0.0 or not (array.min(initial=0) >= 0.0 and array.max(initial=0) <= white):
        raise ValueError(
            f"image has four channels of {array.dtype} from {array.min():g} to {array.max():g}, so that it is not clear "
            "what is white and opaque: give uint8, uint16 or floats in 0..1."
        )
    # in float32 at least, the precision that a model gets
    values = array.astype(np.result_type(array.dtype, np.float32), copy=False)
    laid = _laid(values, white)
    return np.asarray((laid if array.dtype.kind == "f" else np.round(laid)).astype(array.dtype))


def _laid(values: NDArray[Any], white: float) -> NDArray[Any]:
    """Colours and opacity (H, W, 4) laid on white, in their own precision."""
    share = values[..., 3:] / white
    return np.asarray(values[..., :3] * share + white * (1.0 - share))


def _one(item: object, number: int) -> Picture:
    array = as_picture(item, f"picture {number}")
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise TypeError(f"picture {number} has dtype {array.dtype}; expected numbers (H, W, C) or (H, W).")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or _is_transposed(array.shape):
        raise ValueError(
            f"picture {number} has shape {array.shape}; expected (H, W) or (H, W, C). "
            "Channels come last: an array (C, H, W) becomes one by transpose(1, 2, 0); several grey pictures are a list, "
            "and of a video single frames."
        )
    if array.size == 0:
        raise ValueError(f"picture {number} has shape {array.shape}: no pixel at all.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is named below
        values = array.astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"picture {number} has {int(bad.sum())} value(s) that are not finite, the first at {where}; "
            "replace NaN and infinity before explaining."
        )
    if array.shape[2] == 4:
        values = _four(values, array.dtype, number)
    return np.ascontiguousarray(values)


def _four(values: Picture, dtype: np.dtype, number: int) -> Picture:
    """RGBA laid on white, where the dtype says that it is that; else the four bands."""
    if dtype == np.uint8:
        warnings.warn(
            f"picture {number} is RGBA; it was laid on white (four bands that are no opacity: give them as float32)",
            stacklevel=6,
        )
        return _laid(values, 255.0)
    full = 1.0 if dtype.kind == "f" else OPAQUE.get(dtype.str[1:], np.inf)
    if values.min() >= 0.0 and values.max() <= full and (values[..., 3] == full).mean() > MOSTLY:
        warnings.warn(
            f"picture {number} has four channels of {dtype}, taken as four bands; the last looks like opacity: "
            "px.on_white(image) lays it on white",
            stacklevel=6,
        )
    return values


def fit(image: Photo, size: int | tuple[int, int] = 224, crop: float = 1.0) -> NDArray[Any]:
    """The largest centred region of a picture of that shape, scaled to it: what a classifier sees.

    image  an array (H, W) or (H, W, C), a tensor (its channels may come first), or a PIL picture; the dtype, the units and
           the range of the values are kept; an array with its channels last comes back
    size   the side in pixels, or (height, width)
    crop   the share of the largest centred region of that shape that is kept, in (0, 1]

    Raises TypeError for what is no picture of numbers, ValueError for other shapes, sizes and crops.

    >>> import numpy as np
    >>> fit(np.zeros((300, 400, 3), dtype=np.uint8), 224).shape
    (224, 224, 3)
    """
    from PIL import Image

    height, width = _sides(size)
    checks.number("crop", crop, "a number in (0, 1]", above=0.0, most=1.0)
    array = as_picture(image, "image")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"image has dtype {array.dtype}; expected a picture of numbers (H, W) or (H, W, C).")
    many = array.ndim == 3 and _is_transposed(array.shape)
    if array.ndim not in (2, 3) or array.size == 0 or many:
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
    return np.asarray(out[..., 0] if array.ndim == 2 else out)


def _sides(size: object) -> tuple[int, int]:
    """Height and width. Raises ValueError for what is not one or two whole numbers from 1 up."""
    sides = np.asarray(size)
    whole = sides.dtype.kind in "iuf" and sides.shape in ((), (1,), (2,)) and bool((sides == np.floor(sides)).all())
    if not whole or not (np.isfinite(sides).all() and (sides >= 1).all()):
        raise ValueError(f"size={size!r} must be the side in whole pixels from 1 up, or (height, width).")
    height, width = (int(side) for side in np.broadcast_to(sides, 2))
    return height, width
