"""Pictures that a configuration names, from disk: found, turned as the camera says, cropped and scaled."""

from __future__ import annotations

import glob
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import assets
from perturbxai.config import Naming, PhotoConfig
from perturbxai.pictures import fit
from perturbxai.report.manifest import describe_file

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")  # what a folder is read for
OURS = "efficientnet_lite0"


@dataclass(frozen=True, eq=False)
class Photos:
    """Pictures (H, W, C) to explain, the name of each, and what the manifest tells of their files."""

    pictures: list[NDArray[Any]]
    names: list[str]
    facts: list[dict[str, Any]] = field(default_factory=list)


def read_photos(section: PhotoConfig, naming: Naming) -> Photos:
    """The configured pictures. Raises ValueError, in the user's own words, for what is not there and no picture."""
    key = naming("photo.picture")
    paths = [path for place in section.picture for path in _paths(place, key)]
    if twice := [path for number, path in enumerate(paths) if path.resolve() in [p.resolve() for p in paths[:number]]]:
        raise ValueError(f"{key} names {twice[0]} twice; once is enough.")
    crop = section.crop or (assets.CROP if section.model == OURS else 1.0)
    pictures = [fit(_read(path, section.grey, key, naming), section.size, crop) for path in paths]
    stems = [path.stem for path in paths]
    names = [path.stem if stems.count(path.stem) == 1 else str(path) for path in paths]
    return Photos(pictures, names, [describe_file(path, path.parent) for path in paths])


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
    """(H, W, 3) uint8, or (H, W) of a grey one in its own units."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.load()
    except UnidentifiedImageError as error:
        raise ValueError(f"{key} = {str(path)!r} is no picture that Pillow can read; save it as PNG or JPEG.") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # broken files raise all of these
        raise ValueError(f"{key} = {str(path)!r} cannot be read: {error}. Save it anew as PNG or JPEG.") from error
    if picture.mode.startswith(("I", "F")):
        if not grey:
            raise ValueError(
                f"{key} = {str(path)!r} is grey with more than 8 bits; give {naming('photo.grey')} for a model of one "
                "channel in the file's own units, or save it as RGB of 8 bits."
            )
        return np.asarray(picture)
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("L" if grey else "RGB"))
