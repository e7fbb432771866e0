"""What explain() costs beside its own model: seconds over model seconds, and memory at ten times the coalitions.

    python experiments/overhead_photo.py [--coalitions 500] [--repeats 3] [--out results/overhead_photo]

Time: explain(["lime", "kernel_shap"]) on chelsea with EfficientNet-Lite0, wall seconds over the seconds inside the model.
Memory: each size runs in a fresh process; the peak resident set, with the coalition table's own bytes beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path


def one_run(coalitions: int) -> dict[str, float]:
    """One explain() in this process, after a warm-up that compiles and loads everything."""
    import perturbxai as px
    from perturbxai import assets

    net, transform = assets.efficientnet_lite0()
    photo = assets.photo("chelsea")
    predictor = px.Predictor(net, output="logit", transform=transform, batch_size=8)
    space = px.ImageSpace(n_segments=50, fill="blur")
    px.explain(["lime", "kernel_shap"], predictor, space, photo, outputs=[281, 285], budget=150, seed=1)
    warm = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = predictor.seconds
    began = time.perf_counter()
    found = px.explain(["lime", "kernel_shap"], predictor, space, photo, outputs=[281, 285], budget=coalitions, seed=0)
    wall = time.perf_counter() - began
    n_players = len(found["lime"].names)
    return {
        "coalitions": coalitions,
        "players": n_players,
        "wall_seconds": wall,
        "model_seconds": predictor.seconds - seconds,
        "ratio": wall / (predictor.seconds - seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "warm_mib": warm / 1024,
        "table_mib": coalitions * (n_players + 8 * 2) / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coalitions", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/overhead_photo"))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one_run(given.one)))
        return
    runs = []
    for size in [given.coalitions] * given.repeats + [10 * given.coalitions]:
        done = subprocess.run([sys.executable, __file__, "--one", str(size)], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        print({k: round(v, 3) for k, v in runs[-1].items()}, flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "overhead_photo.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(runs[0]))
        writer.writeheader()
        writer.writerows(runs)
    small = [r for r in runs if r["coalitions"] == given.coalitions]
    print(f"wall / model seconds, median of {given.repeats}: {statistics.median(r['ratio'] for r in small):.3f}")
    growth = runs[-1]["peak_mib"] / statistics.median(r["peak_mib"] for r in small)
    print(f"peak at ten times the coalitions: {growth:.3f} x")
    print(f"written to {given.out / 'overhead_photo.csv'}")


if __name__ == "__main__":
    main()
