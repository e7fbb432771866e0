"""Pictures and maps as data inside the page: photos as JPEG, maps as PNG from blue over nothing to orange."""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.types import Bools, Floats
from perturbxai.reporting.photo import shown

LONGEST = 512  # pixels of a side in the page
LEVELS = 32  # on each side of zero
FOR, AGAINST = (0xE6, 0x5C, 0x1A), (0x1F, 0x6F, 0xD0)
STRONGEST = 230  # of 255: how much the strongest colour hides
OUTLIERS = 99.5  # percentile of the sizes of a map by the pixel that has the strongest colour


def step_of(shape: tuple[int, ...]) -> int:
    """Every how many pixels of a picture (H, W, ...) are kept."""
    return max(1, -(-max(shape[:2]) // LONGEST))


def photo_data(picture: ArrayLike) -> str:
    """A picture (H, W, C) in its own units as the address of a JPEG."""
    from PIL import Image

    pixels = shown(picture)
    step = step_of(pixels.shape)
    image = Image.fromarray((255.0 * pixels + 0.5).astype(np.uint8))
    if step > 1:
        image = image.resize((-(-image.width // step), -(-image.height // step)), Image.Resampling.LANCZOS)
    kept = BytesIO()
    image.save(kept, "JPEG", quality=86)
    return _address("jpeg", kept)


def strongest(values: Floats) -> float:
    """The size of a map (H, W) from which on its colour is full: that of few of its pixels; 0 if it is zero all over."""
    return float(np.percentile(np.abs(values), OUTLIERS)) or float(np.abs(values).max())


def map_data(values: Floats, largest: float | None = None) -> str:
    """A map (H, W) as the address of a PNG: clear at zero, full at the largest size; clear too where it is not known."""
    from PIL import Image

    step = step_of(values.shape)
    kept_values = np.nan_to_num(values[::step, ::step], nan=0.0, posinf=0.0, neginf=0.0)
    most = strongest(kept_values) if largest is None else largest
    share = np.clip(kept_values / (most or 1.0), -1.0, 1.0)
    image = Image.fromarray((np.rint(LEVELS * share) + LEVELS).astype(np.uint8))
    colours = bytes(channel for n in range(2 * LEVELS + 1) for channel in (AGAINST if n < LEVELS else FOR))
    image.putpalette(colours)
    clear = bytes(round(STRONGEST * abs(n - LEVELS) / LEVELS) for n in range(2 * LEVELS + 1))
    kept = BytesIO()
    image.save(kept, "PNG", optimize=True, transparency=clear)
    return _address("png", kept)


def _address(kind: str, kept: BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(kept.getvalue()).decode('ascii')}"


def empty_data(empty: Bools) -> str:
    """Cells (H, W) as the address of a PNG: grey stripes where it is true, clear elsewhere."""
    from PIL import Image

    fine = np.kron(empty, np.ones((6, 6), dtype=bool))
    row, column = np.indices(fine.shape)
    image = Image.fromarray((fine & ((row + column) % 12 < 2)).astype(np.uint8))
    image.putpalette(bytes((0, 0, 0, 0x80, 0x80, 0x80)))
    kept = BytesIO()
    image.save(kept, "PNG", optimize=True, transparency=bytes((0, 255)))
    return _address("png", kept)
