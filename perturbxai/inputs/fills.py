"""What a hidden superpixel shows: a fill picture of the size of the input, made once an input."""

import zlib
from typing import Any

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.compiled import kernels
from perturbxai.core.functions import name_of, takes
from perturbxai.core.types import Floats, Labels, Picture
from perturbxai.inputs.pictures import as_picture, as_pictures

BESIDE = ("labels", "rng")  # what a function may take beside the picture
BLUR_SHARE = 1 / 22  # of the longer side: 10 pixels at 224


def read_fill(fill: object) -> Any:
    """A name, a function, or an array that is the caller's no more: a constant () or (C,), or a picture (H, W) or (H, W, C).

    Several pictures, in a list or (N, H, W, C), are the constant that is their mean colour, each picture counting once.
    Raises TypeError for what is none of these, ValueError for pictures whose channels differ.
    """
    if isinstance(fill, str) or (callable(fill) and not isinstance(fill, type)):
        return fill
    if getattr(fill, "ndim", 0) == 4 or (isinstance(fill, (list, tuple)) and len(fill) and all(map(_is_picture, fill))):
        means = [picture.mean(axis=(0, 1), dtype=np.float64) for picture in as_pictures(fill)]
        if len(channels := sorted({len(mean) for mean in means})) > 1:
            raise ValueError(f"fill: the pictures have {channels} channels; convert them to one.")
        return np.mean(means, axis=0)
    values = as_picture(fill, "fill")
    if values.dtype.kind not in "fiub":
        raise TypeError(f"fill={fill!r} is not known; expected a name, a number, one a channel, a picture, or a function.")
    rgba = values.ndim == 3 and values.shape[2] == 4 and values.dtype == np.uint8
    return as_pictures([fill])[0] if rgba else values.copy()


def _is_picture(one: object) -> bool:
    return getattr(one, "ndim", 0) in (2, 3) or hasattr(one, "getbands")


def make_fill(fill: object, picture: Picture, labels: Labels, rng: np.random.Generator | None = None) -> Picture:
    """(H, W, C) float32: what each pixel shows when its superpixel is hidden.

    fill: a name in the catalogue; a number or one number a channel (a constant in the picture's own units); a picture of the
    same shape; or a function from the picture to one of these, which is given labels (H, W) and rng if it names them.
    Raises ValueError for an unknown name, a wrong shape, or values that are not finite; TypeError for a fill that is drawn
    without rng, and for a function that returns something else.
    """
    what = "fill"
    if isinstance(fill, str):
        if fill not in catalogue.FILLS:
            known = ", ".join(f'"{name}"' for name in catalogue.FILLS)
            raise ValueError(
                f"fill={fill!r} is not known; expected {known}, a constant, a picture, several for their mean, a function."
            )
        fill, what = catalogue.load(catalogue.FILLS, fill), f"fill={fill!r}"
    elif callable(fill):
        what = f"fill: what {name_of(fill, 'fill')} returned"
    if callable(fill):
        wanted = takes(fill, BESIDE, "fill", first=1)
        if "rng" in wanted and rng is None:
            raise TypeError(f"{what} is drawn; give rng, a NumPy Generator.")
        offered = {"labels": labels.copy(), "rng": rng}
        fill = as_picture(fill(picture.copy(), **{name: offered[name] for name in wanted}), what)
        if fill.dtype.kind not in "fiub":
            raise TypeError(f"{what} is no picture; expected a number, one number a channel, or (H, W, C).")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        values = np.asarray(fill).astype(np.float32)  # a copy: the caller may change theirs
    if not np.isfinite(values).all():
        raise ValueError(f"{what} has values that are not finite; give a constant or a picture without NaN.")
    if values.ndim <= 1:
        if values.ndim == 1 and len(values) != picture.shape[2]:
            raise ValueError(f"{what} has {len(values)} numbers, but the picture has {picture.shape[2]} channels.")
        return np.ascontiguousarray(np.broadcast_to(values, picture.shape))
    if values.ndim == 2:
        values = values[..., None]
    if values.shape != picture.shape:
        rgba = values.ndim == 3 and (values.shape[2], picture.shape[2]) == (4, 3)
        white = " Lay its opacity on white: px.on_white(fill)." if rgba else ""
        raise ValueError(
            f"{what} has shape {values.shape}, but the picture {picture.shape}; give as many channels, and resize it "
            f"(px.fit).{white}"
        )
    return np.ascontiguousarray(values)


def describe_fill(fill: object, seed: int = 0) -> str:
    """A short name for tables: "blur", the constant, "noise 3" of seed 3, or "picture" with a checksum of its own."""
    if isinstance(fill, str) or callable(fill):
        ours = isinstance(fill, str) and fill in catalogue.FILLS
        function = catalogue.load(catalogue.FILLS, str(fill)) if ours else fill
        name = fill if isinstance(fill, str) else name_of(fill, "fill", catalogue.FILLS)
        drawn = callable(function) and "rng" in takes(function, BESIDE, "fill", first=1)
        return f"{name} {seed}" if drawn and seed else name
    values = np.asarray(fill)
    if values.ndim <= 1:
        return "constant " + " ".join(f"{v:g}" for v in values.ravel())
    return f"picture {zlib.crc32(np.ascontiguousarray(values, dtype=np.float32).tobytes()):08x}"


def blur(picture: Picture) -> Floats:
    """The picture under a Gaussian, whose deviation is the longer side / 22."""
    from skimage.filters import gaussian

    deviation = max(picture.shape[:2]) * BLUR_SHARE
    return np.asarray(gaussian(picture.astype(np.float64), sigma=deviation, channel_axis=-1, preserve_range=True))


def noise(picture: Picture, rng: np.random.Generator) -> Picture:
    """Drawn evenly within each channel's range."""
    low, high = picture.min(axis=(0, 1)), picture.max(axis=(0, 1))
    return np.asarray(low + (high - low) * rng.random(picture.shape, dtype=np.float32))


def mean(picture: Picture, labels: Labels) -> Picture:
    """Each superpixel's mean colour."""
    n_players = int(labels.max()) + 1
    channels = np.ascontiguousarray(np.moveaxis(picture, -1, 0), dtype=np.float64)
    sums = np.zeros((channels.shape[0], n_players))
    kernels.pool_regions(channels, labels, sums)
    means = sums / np.bincount(labels.ravel(), minlength=n_players)
    return np.ascontiguousarray(means.T[labels], dtype=np.float32)


def inpaint(picture: Picture, labels: Labels) -> Picture:
    """Each superpixel alone as its surroundings continue into it: every pixel is the mean of the four around it.

    That is harmonic, and so stays within the colours of the rim, where smoother continuations run beyond them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    number = np.arange(labels.size).reshape(labels.shape)
    colours = picture.reshape(labels.size, -1).astype(np.float64)
    sides = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    here = np.concatenate([side.ravel() for a, b in sides for side in (a, b)])
    there = np.concatenate([side.ravel() for a, b in sides for side in (b, a)])
    inside = labels.ravel()[here] == labels.ravel()[there]
    # unknown neighbours on the left, those of other superpixels, which are seen, on the right
    rows = np.concatenate([here[inside], number.ravel()])
    columns = np.concatenate([there[inside], number.ravel()])
    entries = np.concatenate([np.full(inside.sum(), -1.0), np.bincount(here, minlength=labels.size)])
    shown = np.zeros_like(colours)
    np.add.at(shown, here[~inside], colours[there[~inside]])
    system = coo_array((entries, (rows, columns)), shape=(labels.size, labels.size)).tocsc()
    solved = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(shown)
    return np.ascontiguousarray(solved.reshape(picture.shape), dtype=np.float32)
