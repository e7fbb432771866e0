"""What explain() holds beside the model's own memory and its results, as rows and outputs grow.

    python experiments/memory.py [--rows 1000 3000 10000] [--outputs 1 100] [--out results/memory]

A table of 30 columns of normal numbers, 20 background rows, and a model that holds nothing but a batch's answers. Each
measurement runs in a fresh process: after a warm-up that compiles, loads, and asks the model its largest batch, the rise
of the peak resident set over one call, less what the results themselves take. Several outputs are measured at the first
number of rows alone: their results take as many times the memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS, BACKGROUND = 30, 20
BUDGETS = {
    "lime, kernel_shap": 200,
    "pdp, ice, ale": 64,
    "lime_tabular": 1000,
    "lime_tabular shared": 1000,
    "glass_box": 0,
}


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def arrays_mib(found: Any) -> float:
    """What the arrays of the results take."""
    import numpy as np

    kept = [vars(one).values() for result in found.values() for one in result]
    return sum(value.nbytes for values in kept for value in values if isinstance(value, np.ndarray)) / 2**20


def one_run(case: str, rows: int, outputs: int) -> dict[str, Any]:
    """One call in this process, after a warm-up."""
    import numpy as np

    import perturbxai as px
    from perturbxai.models.device import LARGEST_BATCH

    rng = np.random.default_rng(0)
    data, x = rng.normal(size=(2000, COLUMNS)), rng.normal(size=(rows, COLUMNS))
    slopes = rng.normal(size=(COLUMNS, outputs))
    space = px.TabularSpace(data, background=BACKGROUND)
    if case == "glass_box":
        from sklearn.ensemble import RandomForestRegressor

        answers = np.tanh(data @ slopes) + data[:, :1] * data[:, 1:2]
        model = RandomForestRegressor(10, max_depth=6, random_state=0).fit(data, answers if outputs > 1 else answers[:, 0])
        predictor = px.Predictor(model)

        def explain(some: Any) -> Any:
            return px.baselines("glass_box", predictor, space, some, outputs=list(range(outputs)))
    else:
        shared = px.TabularLime(shared_draws=True, name="shared")
        methods: list[Any] = [shared] if case.endswith("shared") else case.split(", ")
        predictor = px.Predictor(lambda rows: np.tanh(rows @ slopes) + rows[:, :1] * rows[:, 1:2])

        def explain(some: Any) -> Any:
            return px.explain(methods, predictor, space, some, outputs=list(range(outputs)), budget=BUDGETS[case])

    explain(x[:2])
    predictor(rng.normal(size=(LARGEST_BATCH, COLUMNS)))
    before, asked, inside = peak_mib(), predictor.rows, predictor.seconds
    began = time.process_time()
    found = explain(x)
    seconds, risen, kept = time.process_time() - began, peak_mib() - before, arrays_mib(found)
    return {
        "case": case, "rows": rows, "outputs": outputs, "model_rows": predictor.rows - asked,
        "cpu_seconds": round(seconds, 2), "model_seconds": round(predictor.seconds - inside, 2),
        "rise_mib": round(risen, 1), "results_mib": round(kept, 1), "beside_mib": round(risen - kept, 1),
    }  # fmt: skip


def measurements(rows: list[int], outputs: list[int]) -> Iterator[tuple[str, int, int]]:
    for case in BUDGETS:
        yield from ((case, n, outputs[0]) for n in rows)
        yield from ((case, rows[0], k) for k in outputs[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--outputs", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--out", type=Path, default=Path("results/memory"))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        case, rows, outputs = given.one
        print(json.dumps(one_run(case, int(rows), int(outputs))))
        return
    runs = []
    for measured in measurements(given.rows, given.outputs):
        command = [sys.executable, __file__, "--one", *map(str, measured)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        print(runs[-1], flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "memory.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(runs[0]))
        writer.writeheader()
        writer.writerows(runs)
    print(f"written to {given.out / 'memory.csv'}")


if __name__ == "__main__":
    main()
