"""Every method on one picture whose answer is known: a mosaic of four photos, and the share of each map in the right cell.

    python experiments/gallery.py configs/gallery.toml [--out results/gallery] [--draw]

The methods are those of the catalogue that can explain a picture within the budget. A map is the values of the superpixels,
none of which lies in two cells; its share is the sum of its positive values in the cell of the class over that of all of
them. A map that knows nothing has .25. What a method says of a cell is also a matter of the model: a network that finds
cats in a cup is explained rightly by a map that points there. attributions.csv holds the values, shares.csv a line a method
and class, left_out.csv the methods that could not work, and why; gallery.png shows two classes. --draw makes it anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator
from settings import validated

from perturbxai import Predictor, assets
from perturbxai.command.config import PhotoConfig
from perturbxai.command.photo_files import Photos
from perturbxai.command.photo_part import PhotoJob
from perturbxai.core import catalogue
from perturbxai.inputs.segments import make_segments
from perturbxai.reporting import style
from perturbxai.reporting.photo import grey, painted, shown
from perturbxai.reporting.tables import attributions

SIDE = 224
CHANCE = 0.25
ACROSS = 8  # methods side by side
COLOURS = 256  # of the figure's file
SMALL, GAP = 0.76, 0.03  # inches: the side of a map, and between the two of a method
TILE = (2 * SMALL + GAP + 0.13, SMALL + 0.41)  # of a method, with its words
Whole = Annotated[StrictInt, Field(ge=1)]
Four = Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]


class Config(BaseModel):
    """results: where to write;  photos and classes: of the four cells, line by line;  shown: two classes of the figure.

    n_segments: superpixels to aim at in a cell;  fill, budget, seed: as for `px.explain`
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    seed: StrictInt = 0
    photos: Four
    classes: Four
    shown: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    n_segments: Whole = 8
    fill: str | int = "mean"
    budget: Whole = 600

    @model_validator(mode="after")
    def _shown_are_classes(self) -> Config:
        if missing := [name for name in self.shown if name not in self.classes]:
            raise ValueError(f"shown has {missing[0]!r}, which is none of the classes {', '.join(self.classes)}")
        return self


def mosaic(cells: list[Any]) -> Any:
    """Four pictures of one shape as one, line by line."""
    return np.vstack([np.hstack(cells[:2]), np.hstack(cells[2:])])


def cut(n_segments: int) -> Any:
    """What cuts a mosaic into superpixels, each cell by itself; those of a cell are numbered one after another."""

    def cells(picture: Any) -> Any:
        halves = [half for line in np.vsplit(picture, 2) for half in np.hsplit(line, 2)]
        labels = [make_segments("slic", half, n_segments) for half in halves]
        first = np.cumsum([0, *(one.max() + 1 for one in labels[:-1])])
        return mosaic([one + number for one, number in zip(labels, first, strict=True)])

    return cells


def cell_of(labels: Any) -> Any:
    """(P,): the cell, 0 to 3, of each superpixel of a mosaic."""
    height, width = labels.shape
    numbers = np.arange(4).reshape(2, 2).repeat(height // 2, axis=0).repeat(width // 2, axis=1)
    found = np.zeros(labels.max() + 1, dtype=int)
    found[labels] = numbers
    return found


def share(values: Any, inside: Any) -> float:
    """Share of the positive values (P,) that lies inside; NaN for a map without any."""
    positive = np.maximum(values, 0.0)
    return float(positive[inside].sum() / positive.sum()) if positive.any() else float("nan")


def explained(config: Config, predictor: Any, picture: Any) -> tuple[pd.DataFrame, dict[str, str]]:
    """The values of every method that can explain the mosaic, tidy, and the methods left out with the reason."""
    section = PhotoConfig(methods=("all",), baselines=(), outputs=config.classes, fills=(config.fill,), budget=config.budget)
    photos = Photos([picture], ["mosaic"])
    job = PhotoJob(section, predictor, photos, config.seed, str, cut=cut(config.n_segments))
    job.check()
    found = {name.partition("@")[0]: one for name, one in job.explained().items()}
    return attributions(found), job.left_out


def values(frame: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """(method, class) -> (P,) values, in the order of the methods."""
    parts = frame.groupby(["method", "output"], sort=False)
    return {(str(method), str(output)): part.value.to_numpy() for (method, output), part in parts}


def shares(config: Config, frame: pd.DataFrame, labels: Any) -> pd.DataFrame:
    """One line a method and class: the share of positive values in the right cell, and chance."""
    cells, lines = cell_of(labels), []
    for (name, output), found in values(frame).items():
        cell = config.classes.index(output)
        kind = "explainer" if name in catalogue.EXPLAINERS else "baseline"
        told = {"share": share(found, cells == cell), "chance": CHANCE}
        lines.append({"method": name, "kind": kind, "class": output, "photo": config.photos[cell], **told})
    return pd.DataFrame(lines)


@style.rc
def figure(config: Config, frame: pd.DataFrame, picture: Any, labels: Any, table: pd.DataFrame) -> Any:
    """The mosaic, and for every method its maps of two classes side by side, the share in the right cell below each."""
    found, told = values(frame), table.set_index(["method", "class"]).share
    names = list(dict.fromkeys(frame.method))
    n_lines = -(-(len(names) + 1) // ACROSS)
    drawn = style.new_figure(ACROSS * TILE[0], n_lines * TILE[1])
    drawn.set_layout_engine("none")  # every axis is placed by hand
    places = [(place % ACROSS * TILE[0], (n_lines - 1 - place // ACROSS) * TILE[1]) for place in range(len(names) + 1)]
    axes = _pair(drawn, places[0], " | ".join(config.shown), ["chance", f"{CHANCE:.0%}"], "bold")
    for axis, output in zip(axes, config.shown, strict=True):
        axis.imshow(shown(picture))
        cell, side = config.classes.index(output), picture.shape[0] // 2
        axis.add_patch(_frame((cell % 2 * side, cell // 2 * side), side))
    dim = grey(picture)
    for place, name in zip(places[1:], names, strict=True):
        below = [f"{told[name, output]:.0%}".replace("nan%", "nothing for it") for output in config.shown]
        axes = _pair(drawn, place, style.TITLES[name], below)
        for axis, output in zip(axes, config.shown, strict=True):
            axis.imshow(painted(dim, labels, found[name, output]))
    return drawn


def _pair(drawn: Any, corner: tuple[float, float], above: str, below: list[str], weight: str = "normal") -> list[Any]:
    """Two axes side by side in a tile whose lower left corner is given in inches, with words above and below."""
    wide, high = drawn.get_size_inches()
    axes = []
    for number, words in enumerate(below):
        left, low = corner[0] + number * (SMALL + GAP), corner[1] + 0.19
        axis = drawn.add_axes((left / wide, low / high, SMALL / wide, SMALL / high))
        axis.set_axis_off()
        drawn.text((left + SMALL / 2) / wide, (low - 0.03) / high, words, ha="center", va="top", fontsize=7.5)
        axes.append(axis)
    middle, top = corner[0] + SMALL + GAP / 2, corner[1] + 0.19 + SMALL + 0.04
    drawn.text(middle / wide, top / high, above, ha="center", va="bottom", fontsize=8.5, fontweight=weight)
    return axes


def _frame(corner: tuple[float, float], side: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((corner[0] + 1, corner[1] + 1), side - 3, side - 3, fill=False, edgecolor="#FFE100", linewidth=2.2)


def shrink(path: Path) -> None:
    """The same picture in few colours: a tenth of the bytes."""
    from PIL import Image

    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--draw", action="store_true")
    given = parser.parse_args(arguments)
    config = validated(given.config, Config)
    folder = given.out or Path(config.results)
    picture = mosaic([assets.photo(name, SIDE // 2) for name in config.photos])
    if not given.draw:
        net, transform = assets.efficientnet_lite0()
        names = assets.imagenet_classes()
        predictor = Predictor(net, output="logit", outputs=names, transform=transform, batch_size=8, progress=True)
        ask(config, predictor, picture, folder)
    draw(config, picture, folder)


def ask(config: Config, predictor: Any, picture: Any, folder: Path) -> None:
    """Explain a mosaic, and write the values."""
    frame, left_out = explained(config, predictor, picture)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "attributions.csv", index=False)
    pd.DataFrame(left_out.items(), columns=["method", "why"]).to_csv(folder / "left_out.csv", index=False)
    print(f"{predictor.rows:,} model rows; left out: {', '.join(left_out) or 'none'}")


def draw(config: Config, picture: Any, folder: Path) -> None:
    """Print and write the shares, and draw the figure, from the values in a folder."""
    frame = pd.read_csv(folder / "attributions.csv")
    labels = cut(config.n_segments)(np.float32(picture))
    table = shares(config, frame, labels)
    table.to_csv(folder / "shares.csv", index=False)
    wide = table.pivot(index="method", columns="class", values="share").loc[list(dict.fromkeys(frame.method))]
    wide = wide[list(config.classes)]
    print(wide.assign(mean=wide.mean(axis=1)).round(2).to_string(), f"chance {CHANCE}", sep="\n")
    style.save(figure(config, frame, picture, labels, table), folder / "gallery.png")
    shrink(folder / "gallery.png")


if __name__ == "__main__":
    main()
