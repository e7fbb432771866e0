"""Error of Shapley values against model rows: ours, shap, shapiq and LightSHAP on the same models, rows and backgrounds.

    python experiments/convergence.py configs/convergence.toml [--scale small] [--out results/convergence]

The error is the squared distance to the truth over the truth's square. The truth is read from trees, listed where 2^P
coalitions can be, and for the network of 30 columns the mean of long runs, whose own error stands beside each measurement.
"background": absence is 100 rows of the table, which every method gets. "population": absence is the whole table; ours draws
from all of it, the peers get 100 rows, another 100 for each seed. "picture": one fill, all coalitions listed.
Each measurement is a line of errors.csv, and is not made again: delete lines to have them measured anew.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from convergence_figure import summarise
from convergence_games import Point, on_pictures, on_tables
from convergence_methods import EXACT_ON_BACKGROUND, METHODS, ON_POPULATION, Method
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from settings import chosen, validated

KEY = ("target", "table", "model", "method", "point", "seed", "asked")
FIELDS = (*KEY, "rows", "once", "error", "truth_error", "covered", "odd_share", "seconds")
Whole = Annotated[StrictInt, Field(ge=1)]


class Scale(BaseModel):
    """How much is measured.

    tables, models  which;  rows: model rows a point, each a place on the x axis;  points, seeds: how many of each
    population      models whose values for the whole table are asked as well
    pictures        which;  per_player: coalitions a player, each a place on the x axis;  pictures_seeds: how many
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    tables: tuple[Literal["breast cancer", "diabetes", "california"], ...] = ()
    models: tuple[Literal["boosted", "forest", "mlp"], ...] = ()
    population: tuple[Literal["boosted", "forest"], ...] = ()
    rows: tuple[Annotated[StrictInt, Field(ge=500)], ...] = ()
    points: Whole = 3
    seeds: Whole = 3
    pictures: tuple[Literal["digits", "chelsea"], ...] = ()
    per_player: tuple[Annotated[StrictInt, Field(ge=3)], ...] = ()
    pictures_seeds: Whole = 20


class Config(BaseModel):
    """Where results go, which scale is meant, and the scales by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    scale: str
    scales: dict[str, Scale]


def read(path: Path, scale: str | None) -> tuple[Config, Scale]:
    """A config and the scale chosen in it or by name. Raises SystemExit with a sentence for each thing that is wrong."""
    config = validated(path, Config)
    return config, chosen(path, config.scales, scale or config.scale)


class Lines:
    """errors.csv: what is measured already, and what comes."""

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

    def measure(self, point: Point, method: Method, asked: int, seed: int) -> None:
        """Run a method once and add its line, unless it is there."""
        head = (point.target, point.table, point.model, method.name, point.number, seed, asked)
        if tuple(map(str, head)) in self.done:
            return
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the peers, at every turn
            found = method.run(point, asked, seed)
        seconds = round(time.perf_counter() - began, 4)
        error = point.error(found.values)
        line = (*head, found.rows, found.once, error, point.truth_error, found.covered, found.odd_share, seconds)
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(line)


def measurements(scale: Scale, folder: Path) -> Iterator[tuple[Point, Method, int, int]]:
    """Point, method, rows and seed of all that the scale wants."""
    for target, models in (("background", scale.models), ("population", scale.population)):
        chosen = [one for one in METHODS if target == "background" or one.name in ON_POPULATION]
        for table in scale.tables:
            for model in models:
                for point in on_tables(target, table, model, scale.points, folder):
                    yield from _of_point(point, chosen, scale.rows, scale.seeds)
                    if target == "population":
                        yield from ((point, EXACT_ON_BACKGROUND, 0, seed) for seed in range(scale.seeds))
    for name in scale.pictures:
        for point in on_pictures(name, scale.points, folder):
            rows = tuple(per_player * len(point.x) for per_player in scale.per_player)
            yield from _of_point(point, METHODS, rows, scale.pictures_seeds)


def _of_point(point: Point, methods: Any, rows: tuple[int, ...], seeds: int) -> Iterator[tuple[Point, Method, int, int]]:
    for method in methods:
        for asked in rows:
            if method.works(point, asked):
                yield from ((point, method, asked, seed) for seed in range(seeds))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--scale")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    config, scale = read(given.config, given.scale)
    folder = given.out or Path(config.results)
    lines = Lines(folder / "errors.csv")
    last = None
    for point, method, asked, seed in measurements(scale, folder):
        if (now := (point.target, point.table, point.model)) != last:
            print(*now, flush=True)
            last = now
        lines.measure(point, method, asked, seed)
    summarise(lines.path, folder)


if __name__ == "__main__":
    main()
