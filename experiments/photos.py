"""Fifty-eight photos that lie inside pip packages, as EfficientNet-Lite0 sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

import perturbxai as px
from perturbxai import assets

OWN = ("chelsea", "coffee", "rocket", "camera", "motorcycle_left")  # of scikit-image, in the public domain
LOADED = ("china.jpg", "flower.jpg")  # of scikit-learn, CC BY 2.0


@dataclass(frozen=True)
class Photo:
    """A photo as the network sees it, (224, 224, 3) uint8. shown: whether its licence lets a page show it"""

    name: str
    picture: Any
    shown: bool


def photos(n: int) -> list[Photo]:
    """The first n of 58: those that may be shown, then those of ImageNet, of either package in turn."""
    found = [Photo(name, assets.photo(name), shown=True) for name in OWN]
    found += [Photo(file.partition(".")[0], _fitted(Image.fromarray(_loaded(file))), shown=True) for file in LOADED]
    others = list(assets.imagenet_photos().items())
    half = len(others) - len(others) // 2
    in_turn = [pair for both in zip(others[:half], others[half:], strict=False) for pair in both]
    in_turn += [pair for pair in others if pair not in in_turn]
    for name, path in in_turn[: max(0, n - len(found))]:
        with Image.open(path) as picture:
            found.append(Photo(name, _fitted(picture.convert("RGB")), shown=False))
    return found[:n]


def _loaded(file: str) -> Any:
    from sklearn.datasets import load_sample_image

    return load_sample_image(file)


def _fitted(picture: Any) -> Any:
    return np.asarray(px.fit(picture, 224, assets.CROP))
