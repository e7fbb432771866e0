"""Pictures that a configuration names, from disk: found, turned as the camera says, cropped and scaled."""

import glob
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import assets
from perturbxai.command.config import Naming, PhotoConfig
from perturbxai.inputs.pictures import fit
from perturbxai.reporting.manifest import describe_file

# what a folder is read for
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".npy")
BANDS = 5  # samples a pixel from which on Pillow reads no TIFF
OURS = "efficientnet_lite0"


@dataclass(frozen=True, eq=False)
class Photos:
    """Pictures (H, W, C) to explain, the name of each, and what the manifest tells of their files.

    left_out  files that could not be read, and why
    """

    pictures: list[NDArray[Any]]
    names: list[str]
    facts: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def read_photos(section: PhotoConfig, naming: Naming) -> Photos:
    """The configured pictures. Of several, those that cannot be read are left out and told, unless `strict` is set.

    Raises ValueError, in the user's own words, for what is not there, for one that is no picture, and if none can be read.
    """
    key = naming("photo.image")
    paths = [path for place in section.image for path in _paths(place, key)]
    if twice := [path for number, path in enumerate(paths) if path.resolve() in [p.resolve() for p in paths[:number]]]:
        raise ValueError(f"{key} names {twice[0]} twice; once is enough.")
    crop = section.crop or (assets.CROP if section.model == OURS else 1.0)
    pictures, left_out = {}, {}
    for path in paths:
        try:
            pictures[path] = fit(_read(path, section.grey, key, naming), section.size, crop)
        except ValueError as error:
            left_out[path] = error
    if left_out and (section.strict or not pictures):
        first = next(iter(left_out.values()))
        if len(paths) == 1:
            raise first
        others = f"Nor can the other {len(paths) - 1}." if not pictures else f"Leave out {naming('photo.strict')} to go on."
        raise ValueError(f"{first} {others}") from first
    if left_out:
        warnings.warn(
            f"{len(left_out)} of {len(paths)} pictures cannot be read and are left out: "
            f"{'; '.join(map(str, left_out.values()))}",
            stacklevel=2,
        )
    stems = [path.stem for path in pictures]
    names = [path.stem if stems.count(path.stem) == 1 else str(path) for path in pictures]
    facts = [describe_file(path, path.parent) for path in pictures]
    return Photos(list(pictures.values()), names, facts, {str(path): str(why) for path, why in left_out.items()})


def _paths(place: str, key: str) -> list[Path]:
    """The files that one entry means: a file, a folder, a pattern, or a name of the scikit-image wheel."""
    path = Path(place)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(inner for inner in path.iterdir() if inner.suffix.lower() in ENDINGS)
        if not found:
            raise ValueError(f"{key} = {place!r} is a folder without pictures ({', '.join(ENDINGS)}).")
        return found
    if glob.has_magic(place):
        found = sorted(inner for inner in map(Path, glob.glob(place, recursive=True)) if inner.is_file())
        if not found:
            raise ValueError(f"{key} = {place!r} matches no file.")
        return found
    if place and path.name == place and path.suffix == "":
        return [assets.photo_path(place)]
    raise ValueError(f"{key} = {place!r} is no file; give a picture, a folder of them, or a name such as 'chelsea'.")


def _read(path: Path, grey: bool, key: str, naming: Naming) -> NDArray[Any]:
    """(H, W, 3) uint8, (H, W) of a grey one in its own units, or (H, W, C) of several bands in theirs."""
    where = f"{key} = {str(path)!r}"
    if (bands := _bands(path, where)) is not None:
        _check_bands(bands, grey, where, naming)
        return bands
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.load()
    except UnidentifiedImageError as error:
        raise ValueError(f"{where} is no picture that Pillow can read; save it as PNG or JPEG.") from error
    except (OSError, SyntaxError, Image.DecompressionBombError, struct.error) as error:  # broken files raise all of these
        raise ValueError(f"{where} cannot be read: {error}. Save it anew as PNG or JPEG.") from error
    if picture.mode.startswith(("I", "F")):
        if not grey:
            raise ValueError(
                f"{where} is grey with more than 8 bits; give {naming('photo.grey')} for a model of one "
                "channel in the file's own units, or save it as RGB of 8 bits."
            )
        return np.asarray(picture)
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("L" if grey else "RGB"))


def _bands(path: Path, where: str) -> NDArray[Any] | None:
    """The array of a .npy file, or the bands of a TIFF with more of them than Pillow reads; None for any other file."""
    ending = path.suffix.lower()
    try:
        if ending == ".npy":
            return np.load(path)  # type: ignore[no-any-return]
        if ending not in (".tif", ".tiff"):
            return None
        import tifffile

        with tifffile.TiffFile(path) as opened:
            page = opened.pages.first
            if page.samplesperpixel < BANDS and page.samplesperpixel != 2:
                return None
            found = np.asarray(page.asarray())
            return np.moveaxis(found, 0, 2) if page.axes.startswith("S") else found
    except Exception as error:  # whatever a broken file does to its reader
        if ending == ".npy":
            raise ValueError(f"{where} cannot be read: {error}. Save it anew by numpy.save.") from error
        return None  # Pillow says what is wrong with it


def _check_bands(found: NDArray[Any], grey: bool, where: str, naming: Naming) -> None:
    """Refuse an array that is no picture of numbers, or not as grey as it should be. Raises ValueError."""
    if found.ndim not in (2, 3) or found.size == 0 or found.dtype.kind not in "fiub":
        raise ValueError(f"{where} has shape {found.shape} of {found.dtype}; expected numbers (H, W) or (H, W, C).")
    one = found.ndim == 2 or found.shape[2] == 1
    if one != grey:
        key = naming("photo.grey")
        told = f"has one band; give {key}" if one else f"has {found.shape[2]} bands; leave {key} out"
        raise ValueError(f"{where} {told}.")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{where} has values that are not finite; replace NaN and infinity first.")
