"""Are perturbation explanations better than class activation maps? Fifty-eight photos, every method, fills and cuts.

    python experiments/verdict.py configs/verdict.toml [--scale small] [--out results/verdict]
    python experiments/verdict.py configs/verdict_lite1.toml     the same of a second network

A network explains its own likeliest class of each photo, as a logit and as a probability. Every method's map is scored on
the same untouched coalitions under three fills, the one it was explained under ("home") and others ("away"). A cell is a
photo, a cut and a fill of explanation; each is written to a file of its own when it is whole, and a run that was stopped
goes on with those that are not there. At the end `verdict_page.py` makes of them a page: paired differences with intervals,
ranks, by fill and by cut, what methods cost, what a network of random weights does to them, and photos where a CAM wins and
loses.

What was settled before any number was seen: the score is faithfulness within sizes, of the logit, away; the family tested is
each of LIME, KernelSHAP, PDP, ICE and ALE against Grad-CAM, explained under blur on SLIC superpixels, by Wilcoxon's test
with Holm's correction at .05. All else is exploratory and has intervals alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import verdict_page
from photos import Photo, photos
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from settings import chosen, parser_of, validated
from side_by_side import each
from verdict_model import OUTPUTS, SIDES, TITLES, Asked, asked, check_folder, networks

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.metrics.agreement import spearman
from perturbxai.results.explanation import Attribution

EXPLAINERS = ("lime", "kernel_shap", "ice", "rise", "pdp", "ale", "partition_shap")  # ICE is occlusion on pictures
SHARED = ("lime", "kernel_shap", "ice", "rise")  # by one table of coalitions
OF_BOTH = (
    "grad_cam",
    "grad_cam_plus_plus",
    "xgrad_cam",
    "hires_cam",
    "layer_cam",
    "gradient",
    "gradient_x_input",
)  # baselines of the probability too
SCORES = ("faithfulness", "faithfulness_raw", "sensitivity_n", "infidelity", "entropy", "gini", "features_90")
SLOW = ("score_cam", "ablation_cam", "mask_optimisation")
FILLS: dict[str, Any] = {"blur": "blur", "mean": "mean", "grey": 127}
CUTS = ("slic", "grid", "cells")
MAIN = ("slic", "blur")
ROWS_A_PLAYER = 20  # what ALE needs at least, and all others get
Count = Annotated[StrictInt, Field(ge=0)]
Whole = Annotated[StrictInt, Field(ge=1)]


class Scale(BaseModel):
    """How much is measured.

    photos      how many, explained in the main cell;  crossed: the first of them, explained under each fill on each cut
    curves      methods whose deletion and insertion are asked too, in the main cell
    randomised  the first photos whose maps are made again with the network's weights re-drawn
    seeds       the first photos that methods which draw are explained for under five seeds
    defaults    the first photos that are explained with every method's own budget too
    n_segments  superpixels to aim at;  slow: whether maps that take a pass a channel are made
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    photos: Annotated[StrictInt, Field(ge=2, le=58)]
    crossed: Count
    randomised: Count
    seeds: Count
    defaults: Count
    n_segments: Annotated[StrictInt, Field(ge=8)]
    curves: tuple[str, ...]
    slow: bool = False


class Config(BaseModel):
    """Where results go, which network is asked, which scale is meant, how many cells are measured at once, and the scales by
    name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    network: Literal["efficientnet_lite0", "efficientnet_lite1"] = "efficientnet_lite0"
    scale: str
    workers: Whole = 2
    scales: dict[str, Scale]


@dataclass(frozen=True)
class Cell:
    """What is measured together: a photo on a cut, explained under a fill; or something else of the photo in the main cell.

    what  "scores", "seeds", "defaults" or "weights"
    """

    photo: int
    cut: str
    fill: str
    what: str = "scores"

    def path(self, folder: Path) -> Path:
        return folder / "cells" / f"{self.what}-{self.photo:02}-{self.cut}-{self.fill}.csv"


def cells(scale: Scale) -> Iterator[Cell]:
    for number in range(scale.photos):
        yield Cell(number, *MAIN)
    for number in range(min(scale.randomised, scale.photos)):
        yield Cell(number, *MAIN, "weights")
    for number in range(min(scale.seeds, scale.photos)):
        yield Cell(number, *MAIN, "seeds")
    for number in range(min(scale.defaults, scale.photos)):
        yield Cell(number, *MAIN, "defaults")
    for number in range(min(scale.crossed, scale.photos)):
        yield from (Cell(number, cut, fill) for cut in CUTS for fill in FILLS if (cut, fill) != MAIN)


def space_of(cell: Cell, photo: Photo, ask: Asked, scale: Scale) -> px.ImageSpace:
    segments: Any = px.layer_grid(ask.inside, photo.picture) if cell.cut == "cells" else cell.cut
    return px.ImageSpace(segments=segments, n_segments=scale.n_segments, fill=FILLS[cell.fill])


def explained(photo: Photo, space: px.ImageSpace, ask: Asked, *, equal: bool = True) -> dict[str, Attribution]:
    """The perturbation methods, all by as many rows, or each by what is its default."""
    budget = ROWS_A_PLAYER * len(space.players(photo.picture)[0].names) if equal else None
    return px.explain(list(EXPLAINERS), ask.values, space, photo.picture, budget=budget, seed=0)


def maps(photo: Photo, space: px.ImageSpace, ask: Asked, slow: bool) -> dict[str, Attribution]:
    """The baselines and controls. Each is taken of the logit and of the probability; where it cannot be, or where that takes
    long, the map of the logit stands for both."""
    names = [name for name in catalogue.MAPS if slow or name not in SLOW]
    methods: list[Any] = [px.IntegratedGradients(steps=20, tol=1.0) if n == "integrated_gradients" else n for n in names]
    of_logit = {n: px.baselines(one, ask.inside, space, photo.picture)[n] for n, one in zip(names, methods, strict=True)}
    both = [name for name in names if name in OF_BOTH]
    found = px.baselines(both, ask.whole, space, photo.picture, outputs=[OUTPUTS[1]])
    return {name: joined(one, found.get(name, one)) for name, one in of_logit.items()}


def joined(logit: Attribution, probability: Attribution) -> Attribution:
    """One result of both outputs."""

    def beside(what: str) -> list[Any]:
        pairs = zip(logit, probability, strict=True)
        return [np.concatenate([getattr(a, what), getattr(b, what)], axis=-1) for a, b in pairs]

    fields = {what: beside(what) for what in ("values", "stderr", "critical", "base", "prediction")}
    parts = tuple(
        replace(one, outputs=OUTPUTS, heat=None, **{what: arrays[number] for what, arrays in fields.items()})
        for number, one in enumerate(logit)
    )
    return Attribution(parts, dict(logit.meta))


def measured(cell: Cell, photo: Photo, network: str, folder: Path, scale: Scale) -> pd.DataFrame:
    """A line a method, output, metric and scored fill."""
    ask = asked(photo, network, folder)
    space = space_of(cell, photo, ask, scale)
    if cell.what == "weights":
        return of_weights(photo, space, ask)
    results = explained(photo, space, ask, equal=cell.what != "defaults")
    if cell.what == "defaults":
        return lines(px.compare(results, ask.values, space, metrics="faithfulness", fills=list(FILLS.values())), ask)
    if cell.what == "seeds":
        compared = px.compare(results, ask.values, space, metrics="faithfulness", fills=list(FILLS.values()), seeds=5)
        return lines(compared, ask)
    results |= maps(photo, space, ask, scale.slow)
    frame = lines(px.compare(results, ask.values, space, metrics=list(SCORES), fills=list(FILLS.values())), ask)
    if (cell.cut, cell.fill) == MAIN:
        write_maps(results, folder / "maps" / f"{cell.photo:02}.npz", space, photo)
        curved = {name: result for name, result in results.items() if name in scale.curves}
        if curved:
            more = px.compare(curved, ask.values, space, metrics="srg", fills=list(FILLS.values()))
            frame = pd.concat([frame, lines(more, ask)])
    return frame


def of_weights(photo: Photo, space: px.ImageSpace, ask: Asked) -> pd.DataFrame:
    """How maps change as the network's weights are re-drawn, layer by layer from the last."""
    budget = ROWS_A_PLAYER * len(space.players(photo.picture)[0].names)
    results = px.explain(list(SHARED), ask.inside, space, photo.picture, budget=budget, seed=0)
    for name in catalogue.MAPS:
        if name not in (*SLOW, "integrated_gradients", "smooth_grad"):
            results |= px.baselines(name, ask.inside, space, photo.picture)
    return lines(px.compare(results, ask.inside, space, metrics=["emprt", still_alike]), ask)


def still_alike(values: Any, randomised: Any) -> float:
    """Rank correlation of a map with that of a network whose weights were all re-drawn, whatever its sign; 0 if either of
    them is constant."""
    found = spearman(values, randomised[-1])
    return 0.0 if np.isnan(found) else abs(found)


def lines(compared: px.Comparison, ask: Asked) -> pd.DataFrame:
    costs = compared.costs.set_index("method")[["rows", "seconds"]]
    return compared.scores.join(costs, on="method").assign(probability_of_class=ask.probability)


def write_maps(results: dict[str, Attribution], path: Path, space: px.ImageSpace, photo: Photo) -> None:
    """The logit's values by the superpixel, for the pictures of the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = space.players(photo.picture)[0].labels
    held: dict[str, Any] = {name: result[0].values[:, 0] for name, result in results.items()}
    np.savez_compressed(path, labels=labels, **held)


def measure(cell: Cell, photo: Photo, network: str, folder: Path, scale: Scale) -> None:
    """Measure a cell and write its file, whole or not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of merged superpixels and of small effective sizes, at every photo
        frame = measured(cell, photo, network, folder, scale)
    path = cell.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    frame.assign(photo=photo.name, cut=cell.cut).to_csv(fresh, index=False)
    fresh.rename(path)
    print(path.stem, flush=True)


def read(path: Path, scale: str | None) -> tuple[Config, Scale]:
    """A config and the scale chosen in it or by name. Raises SystemExit with a sentence for each thing that is wrong."""
    config = validated(path, Config)
    found = chosen(path, config.scales, scale or config.scale)
    if unknown := [name for name in found.curves if name not in (*EXPLAINERS, *catalogue.MAPS)]:
        raise SystemExit(f"{path}: curves names {unknown}, which are not measured here.")
    return config, found


def main(arguments: list[str] | None = None) -> None:
    given = parser_of(__doc__).parse_args(arguments)
    config, scale = read(given.config, given.scale)
    folder = given.out or Path(config.results)
    check_folder(config.network, folder)
    pictures = photos(scale.photos, SIDES[config.network])
    networks(config.network, folder)  # exported once, before workers want it
    left = [cell for cell in cells(scale) if not cell.path(folder).exists()]
    print(f"{len(left)} cells to measure", flush=True)
    each(measure, [(cell, pictures[cell.photo], config.network, folder, scale) for cell in left], config.workers)
    verdict_page.write(folder, [cell.path(folder) for cell in cells(scale)], pictures, TITLES[config.network])


if __name__ == "__main__":
    main()
