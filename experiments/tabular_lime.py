"""How long lime and lime_tabular take for the same table: seconds of whole processes' explanations, in turn.

    python experiments/tabular_lime.py [--rows 100] [--draws 5000] [--rounds 3] [--out results/tabular_lime]

Breast cancer (30 columns), a multi-layer perceptron and boosted trees. Each measurement runs in a process of its own that
trains the same model, warms up on one row, and explains the rows: lime as shipped (quartile bins, 10 features), ours with
own draws a row, and ours with shared draws. A round runs them in the order A B C C B A; medians and their ratios count.
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

PEERS = ("lime", "ours", "ours shared")
MODELS = ("mlp", "boosted")


def trained(model: str) -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    if model == "mlp":
        network = MLPClassifier((100,), max_iter=300, random_state=0)
        return X, make_pipeline(StandardScaler(), network).fit(X, y)
    return X, GradientBoostingClassifier(random_state=0).fit(X, y)


def one_run(peer: str, model: str, rows: int, draws: int) -> dict[str, Any]:
    """Seconds of explaining so many rows, after a warm-up."""
    warnings.simplefilter("ignore")
    X, fitted = trained(model)
    if peer == "lime":
        from lime.lime_tabular import LimeTabularExplainer

        explainer = LimeTabularExplainer(X, random_state=0)
        explainer.explain_instance(X[0], fitted.predict_proba, num_samples=draws)
        began = time.perf_counter()
        for row in X[:rows]:
            explainer.explain_instance(row, fitted.predict_proba, num_samples=draws)
        return {"seconds": time.perf_counter() - began}
    import perturbxai as px

    predictor, space = px.Predictor(fitted), px.TabularSpace(X)
    method = px.TabularLime(shared_draws=peer == "ours shared")
    px.explain([method], predictor, space, X[:1], outputs=[1], budget=draws)
    before = predictor.seconds
    began = time.perf_counter()
    px.explain([method], predictor, space, X[:rows], outputs=[1], budget=draws)
    return {"seconds": time.perf_counter() - began, "model_seconds": predictor.seconds - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/tabular_lime"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        peer, model = given.one
        print(json.dumps(one_run(peer, model, given.rows, given.draws)))
        return
    runs = []
    for model in MODELS:
        for number in range(given.rounds):
            for peer in (*PEERS, *reversed(PEERS)):
                command = [sys.executable, __file__, "--rows", str(given.rows), "--draws", str(given.draws)]
                done = subprocess.run([*command, "--one", peer, model], capture_output=True, text=True, check=True)
                run = {"model": model, "peer": peer, "round": number} | json.loads(done.stdout.splitlines()[-1])
                runs.append({"model_seconds": None} | run)
                print({k: round(v, 3) if isinstance(v, float) else v for k, v in run.items()}, flush=True)
        took = {p: statistics.median(r["seconds"] for r in runs if (r["model"], r["peer"]) == (model, p)) for p in PEERS}
        for peer in PEERS[1:]:
            print(f"{model}: lime's time over that of {peer}: {took['lime'] / took[peer]:.1f}")
    given.out.mkdir(parents=True, exist_ok=True)
    with open(given.out / "tabular_lime.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["model", "peer", "round", "seconds", "model_seconds"])
        writer.writeheader()
        writer.writerows(runs)
    print(f"written to {given.out / 'tabular_lime.csv'}")


if __name__ == "__main__":
    main()
