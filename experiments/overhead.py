"""What calls take outside of the model: by method and size, beside shap, and in the first call of a process.

    python experiments/overhead.py [own] [peers] [first] [--rounds 3] [--out results/overhead]

own     seconds outside of a model that costs next to nothing, as players, rows, outputs and the budget grow, each alone; the
        exponent is by what power of the growth the seconds grow, 1 where they follow what was asked
peers   shap's time over ours at equal coalitions, on breast cancer (30 columns, 100 rows, 100 background rows): whole calls,
        and what is outside of the model. Ours is handed the estimator, shap its method. Each side runs in processes of its
        own, in turn; processor seconds, for one thread runs and other programs disturb them less; medians count
first   seconds of the first explain() of a process, with and without what numba has compiled before on the disk
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

METHODS = ["lime", "kernel_shap", "banzhaf", "interactions", "permutation_shap", "lime_tabular", "ale"]
START = {"players": 16, "rows": 20, "outputs": 1, "budget": 200}
GROWN = {"players": [30, 100], "rows": [200, 1000], "outputs": [10, 100], "budget": [1000, 5000]}
FEWER_PLAYERS = {"interactions": [24, 32]}  # it has a column a pair
MODELS = ["linear", "network", "forest", "boosted"]
PAIRS = {"kernel_shap": 602, "permutation_shap": 602}
COLUMNS = {
    "own": ["method", *START, "seconds", "model_seconds", "grown", "exponent"],
    "peers": ["method", "model", "ours", "shap", "ratio", "ours_outside", "shap_outside", "ratio_outside"],
    "first": ["players", "cache", "seconds"],
}


def own_seconds(method: str, players: int, rows: int, outputs: int, budget: int) -> dict[str, float]:
    """One call in this process, after a warm-up that loads and compiles."""
    import numpy as np

    import perturbxai as px
    from perturbxai.core import kernels  # noqa: F401  # else a small first call would leave its loading to the second

    rng = np.random.default_rng(0)
    data, x = rng.normal(size=(500, players)), rng.normal(size=(rows, players))
    slopes = rng.normal(size=(players, outputs))
    predictor = px.Predictor(lambda table: table @ slopes)
    space = px.TabularSpace(data, background=20)
    found: dict[str, float] = {}
    for some in (x[: max(1, rows // 5)], x):
        before, began = predictor.seconds, time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            px.explain(method, predictor, space, some, outputs=list(range(outputs)), budget=budget)
        model = predictor.seconds - before
        found = {"seconds": time.perf_counter() - began - model, "model_seconds": model}
    return found


def peer_seconds(side: str, method: str, model: str) -> dict[str, float]:
    """One call of ours or of shap's in this process, after a warm-up: seconds of it all, and outside of the model."""
    import numpy as np
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    fitted, name = _model(model, X, y)
    inside = _timed(fitted, name)
    x, background, budget = X[-100:], X[:100], PAIRS[method]
    seconds: dict[str, float] = {}
    for some in (x[:20], x):  # the first loads what the second needs
        inside[0], began = 0.0, time.process_time()
        if side == "ours":
            import perturbxai as px

            space = px.TabularSpace(background, background="all")
            px.explain(method, px.Predictor(fitted), space, some, outputs=[int(name != "predict")], budget=budget)
        else:
            import shap  # type: ignore[import-untyped]

            def ask(rows: Any) -> Any:
                answers = getattr(fitted, name)(rows)
                return answers[:, 1] if answers.ndim == 2 else answers

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                np.random.seed(0)  # noqa: NPY002  # shap draws from the global state
                if method == "kernel_shap":
                    explainer = shap.KernelExplainer(ask, background)
                    explainer.shap_values(some, nsamples=budget - 2, silent=True, l1_reg=0)
                else:
                    shap.PermutationExplainer(ask, background)(some, max_evals=budget - 2, silent=True)
        total = time.process_time() - began
        seconds = {"total": total, "outside": total - inside[0]}
    return seconds


def _model(name: str, X: Any, y: Any) -> Any:
    """A fitted model and the name of the method that answers."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPClassifier

    if name == "linear":
        return LinearRegression().fit(X, y), "predict"
    kinds = {
        "forest": RandomForestClassifier(100, random_state=0), "boosted": HistGradientBoostingClassifier(random_state=0),
        "network": MLPClassifier((64, 64), random_state=0, max_iter=400),
    }  # fmt: skip
    return kinds[name].fit(X, y), "predict_proba"


def _timed(fitted: Any, name: str) -> list[float]:
    """A list whose one number grows by the seconds inside of a model's method."""
    inside, method = [0.0], getattr(fitted, name)

    def timed(rows: Any) -> Any:
        began = time.process_time()
        answer = method(rows)
        inside[0] += time.process_time() - began
        return answer

    setattr(fitted, name, timed)
    return inside


def first_seconds(players: int) -> dict[str, float]:
    """The first explain() of this process."""
    import numpy as np

    import perturbxai as px

    rng = np.random.default_rng(0)
    data, slopes = rng.normal(size=(500, players)), rng.normal(size=players)
    predictor, space = px.Predictor(lambda rows: rows @ slopes), px.TabularSpace(data)
    began = time.perf_counter()
    px.explain("kernel_shap", predictor, space, rng.normal(size=players))
    return {"seconds": time.perf_counter() - began}


def child(what: str, *given: Any, **environment: str) -> dict[str, float]:
    """A measurement in a process of its own, with one thread of BLAS as both sides have."""
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | environment
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages are compiled
    command = [sys.executable, __file__, "--child", json.dumps([what, *given])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def own(_rounds: int) -> list[dict[str, Any]]:
    lines = []
    for method in METHODS:
        grown_by = GROWN | ({"players": FEWER_PLAYERS[method]} if method in FEWER_PLAYERS else {})
        sizes = [START] + [START | {axis: size} for axis, larger in grown_by.items() for size in larger]
        before: dict[str, float] = {}
        for size in sizes:
            least = 2 * size["players"] ** (2 if method == "interactions" else 1) + 2
            asked = size | {"budget": max(size["budget"], least)}
            seconds = child("own", method, *asked.values())
            grown = next((axis for axis in GROWN if size[axis] != START[axis]), "")
            exponent: Any = ""
            if grown:
                exponent = round(math.log(seconds["seconds"] / before["seconds"]) / math.log(size[grown] / START[grown]), 2)
            else:
                before = seconds
            lines.append({"method": method, **asked, **seconds, "grown": grown, "exponent": exponent})
            _tell(lines[-1])
    return lines


def peers(rounds: int) -> list[dict[str, Any]]:
    lines = []
    for method in PAIRS:
        for model in MODELS:
            runs: dict[str, list[dict[str, float]]] = {"ours": [], "shap": []}
            for turn in range(rounds):
                for side in ("ours", "shap") if turn % 2 == 0 else ("shap", "ours"):
                    runs[side].append(child("peers", side, method, model))
            median = {
                (side, part): statistics.median(run[part] for run in runs[side])
                for side in runs
                for part in ("total", "outside")
            }
            line: dict[str, Any] = {"method": method, "model": model}
            for part, end in (("total", ""), ("outside", "_outside")):
                line |= {side + end: median[side, part] for side in runs}
                line["ratio" + end] = median["shap", part] / median["ours", part]
            lines.append(line)
            _tell(line)
    return lines


def first(rounds: int) -> list[dict[str, Any]]:
    lines = []
    for players in (10, 30):
        for cache in ("warm", "cold"):
            seconds = []
            for _ in range(rounds):
                with tempfile.TemporaryDirectory() as folder:
                    seconds.append(
                        child("first", players, **({"NUMBA_CACHE_DIR": folder} if cache == "cold" else {}))["seconds"]
                    )
            lines.append({"players": players, "cache": cache, "seconds": statistics.median(seconds)})
            _tell(lines[-1])
    return lines


def _tell(line: dict[str, Any]) -> None:
    print({key: round(value, 3) if isinstance(value, float) else value for key, value in line.items()}, flush=True)


MEASURED: dict[str, Callable[..., dict[str, float]]] = {"own": own_seconds, "peers": peer_seconds, "first": first_seconds}
PARTS: dict[str, Callable[[int], list[dict[str, Any]]]] = {"own": own, "peers": peers, "first": first}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/overhead"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        what, *sizes = json.loads(given.child)
        print(json.dumps(MEASURED[what](*sizes)))
        return
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))} is no part; expected {', '.join(PARTS)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for part in given.parts or PARTS:
        with open(given.out / f"{part}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS[part])
            writer.writeheader()
            writer.writerows(PARTS[part](given.rounds))
        print(f"written to {given.out / f'{part}.csv'}")


if __name__ == "__main__":
    main()
