"""Does a map point at what it should? The share of positive attribution where the evidence is known to be.

    python experiments/localisation.py configs/localisation.toml [--scale small] [--out results/localisation]

"digits": a digit on a texture, explained for its class; a small network was trained on others. "mosaics": four photos of
different classes in one picture, explained for each. Every method of the catalogue that pictures have is asked on the same
superpixels, and is measured on them: `share` is `energy_pointing_game` of its values, spread evenly over each superpixel;
`own_share` that of the map by the pixel where it draws one. `chance` is the region's share of the area, which an even map
gets; `most` is what a map gets that is one superpixel, the best. Explainers are asked once a seed, and so are baselines that
draw; the others once. Each measurement is a line of a picture's file in shares/, and is not made again: delete lines to have
them measured anew. summary.csv has means with 95 % intervals over pictures. A method that refuses says why in the column
`refused`; a rectified map that is empty has no share (nan).
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
from localisation_pictures import Scene, digits, mosaics
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from settings import chosen, parser_of, validated
from side_by_side import each

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.metrics.localisation import energy_pointing_game, on_pixels, pointing_game
from perturbxai.metrics.statistics import bootstrap

KEY = ("set", "picture", "method", "seed", "output")
FIELDS = (*KEY, "share", "own_share", "hit", "chance", "most", "probability", "probability_alone", "rows", "refused")
NEAR = 0.0625  # of the picture's side: how far from the region the peak may be
Whole = Annotated[StrictInt, Field(ge=1)]
Count = Annotated[StrictInt, Field(ge=0)]


class Scale(BaseModel):
    """How much is measured.

    digits, mosaics  pictures of each set;  seeds: of what draws;  per_player: coalitions a superpixel
    mosaics_confidence  probability of its class that a photo has to have by itself to be in a mosaic
    digits_cut, mosaics_cut  superpixels of a picture;  fill: what hidden ones show;  without: methods to leave out
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    digits: Count
    mosaics: Count
    seeds: Whole
    per_player: Annotated[StrictInt, Field(ge=4)]
    digits_cut: Annotated[StrictInt, Field(ge=4)]
    mosaics_cut: Annotated[StrictInt, Field(ge=4)]
    mosaics_confidence: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    fill: str | float = "blur"
    without: tuple[str, ...] = ()


class Config(BaseModel):
    """Where results go, which scale is meant, how many pictures are measured at once, and the scales by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    scale: str
    workers: Whole = 2
    scales: dict[str, Scale]


def read(path: Path, scale: str | None) -> tuple[Config, Scale]:
    """A config and the scale chosen in it or by name. Raises SystemExit with a sentence for each thing that is wrong."""
    config = validated(path, Config)
    found = chosen(path, config.scales, scale or config.scale)
    if unknown := [name for name in found.without if name not in {*catalogue.EXPLAINERS, *catalogue.MAPS}]:
        raise SystemExit(f"{path}: without names {unknown}, which are no methods of pictures.")
    return config, found


def groups(scale: Scale, n_players: int, seed: int) -> Iterator[tuple[str, list[Any]]]:
    """("explain" or "baselines", methods) of each call: those that share a table of coalitions are asked together."""
    explainers = [n for n in catalogue.EXPLAINERS if n not in (*catalogue.ON_TABLES_ONLY, "sampling_shap", *scale.without)]
    if 2**n_players > scale.per_player * n_players:
        explainers = [name for name in explainers if name != "exact_shap"]
    loaded = {name: catalogue.load(catalogue.EXPLAINERS, name) for name in explainers}
    # interactions need a coalition for every pair
    by_law = (n for n, one in loaded.items() if hasattr(one, "law") and "image" in getattr(one, "law_on", ("image",)))
    shared = [name for name in by_law if name != "interactions"]
    yield "explain", [loaded[name]() for name in shared]
    yield from (("explain", [loaded[name]()]) for name in explainers if name not in shared)
    for name in catalogue.MAPS:
        found = catalogue.load(catalogue.BASELINES, name)
        draws = any(field.name == "seed" for field in fields(found))
        if name not in scale.without and (draws or seed == 0):
            yield "baselines", [found(seed=seed) if draws else found()]


class Lines:
    """The file of a picture: what is measured already, and what comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(FIELDS) + "\n")
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != FIELDS:
                raise SystemExit(f"{path} has other columns than {', '.join(FIELDS)}. Move it away.")
            self.done = {tuple(row[name] for name in KEY) for row in reader}

    def measure(self, scene: Scene, how: str, methods: list[Any], seed: int, budget: int) -> None:
        """Ask methods of a scene together and add their lines, unless all are there."""
        names = [catalogue.key_of(method) for method in methods]
        outputs = list(scene.inside)
        heads = [(scene.set, scene.name, name, str(seed), output) for name in names for output in outputs]
        if all(head in self.done for head in heads):
            return
        try:
            found = ask(scene, how, methods, outputs, seed, budget)
        except (ValueError, TypeError) as error:
            lines = [(*head, *[""] * 8, str(error).partition(";")[0]) for head in heads]
        else:
            lines = [line for name in names for line in shares(scene, name, found[name][0], seed)]
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerows(line for line in lines if tuple(map(str, line[: len(KEY)])) not in self.done)


def ask(scene: Scene, how: str, methods: list[Any], outputs: list[str], seed: int, budget: int) -> Any:
    if how == "explain":
        return px.explain(methods, scene.predictor, scene.space, scene.picture, outputs=outputs, budget=budget, seed=seed)
    return px.baselines(methods, scene.predictor, scene.space, scene.picture, outputs=outputs)


def shares(scene: Scene, name: str, one: Any, seed: int) -> Iterator[tuple[Any, ...]]:
    """A line an output."""
    labels = scene.space.players(scene.picture)[0].labels
    for k, (output, inside) in enumerate(scene.inside.items()):
        heat = on_pixels(one.values[:, k], labels)
        own = "" if one.heat is None else energy_pointing_game(one.heat[k], inside)
        most = (np.bincount(labels[inside], minlength=len(one.names)) / np.bincount(labels.ravel())).max()
        hit = int(pointing_game(heat, inside, NEAR * max(labels.shape)))
        numbers = (energy_pointing_game(heat, inside), own, hit, inside.mean(), most, *scene.certain[output])
        # a Predictor looks for a layer once, wherever a run begins
        rows = one.meta.get("rows", 0) - one.meta.get("rows_once_a_call", {}).get("where the layer is", 0)
        yield scene.set, scene.name, name, seed, output, *numbers, rows, ""


def summarise(paths: list[Path]) -> pd.DataFrame:
    """One line a set, class (mosaics) and method: mean shares with an interval over pictures, hits, chance, and how many
    pictures there are. Lines of several seeds and classes of a picture are its mean first."""
    lines = pd.concat([pd.read_csv(path, dtype={"picture": str, "output": str}) for path in paths])
    lines = lines[lines.refused.isna()]
    numbers = ["share", "own_share", "hit", "chance", "most"]
    of_picture = lines.groupby(["set", "method", "picture"], sort=False)[numbers].mean()
    found = []
    for (name, method), own in of_picture.groupby(["set", "method"], sort=False):
        told = own.dropna(subset="share")
        low, high = interval(told.share.to_numpy())
        above, _ = interval((told.share - told.chance).to_numpy())  # chance is each picture's own
        over_seeds = lines[(lines.set == name) & (lines.method == method)].groupby("seed").share.mean().std()
        found.append({
            "set": name, "method": method, **own.mean(), "low": low, "high": high, "empty": int(own.share.isna().sum()),
            "beyond_chance": bool(above > 0), "over_seeds": over_seeds, "pictures": len(own),
        })  # fmt: skip
    return pd.DataFrame(found).sort_values(["set", "share"], ascending=[True, False])


def interval(shares: Any) -> tuple[float, float]:
    """Of the mean over pictures, as comparisons have it (BCa): none of fewer than six pictures or of equal shares."""
    low, high = bootstrap.interval(shares, np.ones(len(shares), dtype=np.int64), 0.95, np.random.default_rng(0))
    return (low, high) if np.isfinite([low, high]).all() else (np.nan, np.nan)


def measure(scene: Scene, scale: Scale, path: Path) -> Path:
    """All methods on one picture."""
    torch.set_num_threads(1)
    lines = Lines(path)
    n_players = len(scene.space.players(scene.picture)[0].names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of small effective sizes, at every picture
        for seed in range(scale.seeds):
            for how, methods in groups(scale, n_players, seed):
                lines.measure(scene, how, methods, seed, scale.per_player * n_players)
    print(scene.set, scene.name, flush=True)
    return path


def scenes_of(scale: Scale) -> Iterator[Scene]:
    if scale.digits:
        found, right = digits(scale.digits, scale.fill, scale.digits_cut)
        print(f"digits: {right:.1%} of those not trained on are recognised", flush=True)
        yield from found
    if scale.mosaics:
        found, n_photos = mosaics(scale.mosaics, scale.fill, scale.mosaics_cut, scale.mosaics_confidence)
        print(f"mosaics: of {n_photos} photos whose class is as probable as {scale.mosaics_confidence}", flush=True)
        yield from found


def main(arguments: list[str] | None = None) -> None:
    asked = parser_of(__doc__).parse_args(arguments)
    config, scale = read(asked.config, asked.scale)
    folder = asked.out or Path(config.results)
    shares = folder / "shares"
    given = [(one, scale, shares / f"{one.set}-{one.name}.csv") for one in scenes_of(scale)]
    paths = each(measure, given, config.workers)
    summarise(paths).round(4).to_csv(folder / "summary.csv", index=False)


if __name__ == "__main__":
    main()
