"""Results and comparisons without a model, for what is drawn and written of them."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from perturbxai.core import catalogue
from perturbxai.results.explanation import Attribution, Explanation


@dataclass(frozen=True)
class Stub:
    name: str = ""


def method_of(name):
    """The object that a call of this name would have kept."""
    known = catalogue.EXPLAINERS | catalogue.BASELINES
    key = name.partition("@")[0]
    return catalogue.load(known, key)() if key in known else Stub(name)


def result(name="lime", n_players=6, outputs=("cat", "dog"), n_rows=1, stderr=0.1, fill=None):
    fill = fill or name.partition("@")[2] or "blur"
    rng = np.random.default_rng(len(name))
    parts = []
    for row in range(n_rows):
        parts.append(
            Explanation(
                values=rng.normal(size=(n_players, len(outputs))),
                stderr=np.full((n_players, len(outputs)), stderr),
                critical=np.full(len(outputs), 2.8),
                df=20.0,
                base=np.zeros(len(outputs)),
                prediction=np.ones(len(outputs)),
                names=tuple(f"part {p}" for p in range(n_players)),
                outputs=tuple(outputs),
                label=row,
                input=np.zeros(n_players),
                method=method_of(name),
                meta={},
            )
        )
    plan = {"batch_size": np.int64(8)}
    meta = {"seed": 3, "rows": 40, "seconds": 0.5, "fill": fill, "plan": plan, "versions": {"numpy": np.__version__}}
    return Attribution(tuple(parts), meta)


def comparison(names=("lime@blur", "lime@mean", "cam"), fills=("blur", "mean"), outputs=("cat", "dog"), picture=True):
    """A comparison of made-up results, with the columns that compare() gives."""
    results = {name: result(name, outputs=outputs) for name in names}
    rng = np.random.default_rng(0)
    scores, curves = [], []
    for name in names:
        for output in outputs:
            for fill in fills:
                own = name.partition("@")[2] or "none"
                head = {"method": name, "row": 0, "output": output}
                for metric in ("deletion", "insertion", "srg"):
                    tail = {"explained_fill": own, "scored_fill": fill, "home": own == fill, "value": rng.normal()}
                    scores.append({**head, "metric": metric, **tail, "test_set": "none"})
                for curve in ("deletion", "insertion"):
                    for share in (0.0, 0.5, 1.0):
                        step = {"scored_fill": fill, "curve": curve, "share": share, "value": rng.normal()}
                        curves.append({**head, **step})
    pairs = [
        {"method_a": a, "method_b": b, "row": 0, "output": output, "metric": "spearman", "value": rng.uniform(-1, 1)}
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        for output in outputs
    ]
    labels = np.repeat(np.repeat(np.arange(6, dtype=np.int32).reshape(2, 3), 8, axis=0), 8, axis=1)
    photo = SimpleNamespace(picture=rng.uniform(0, 255, (16, 24, 3)).astype(np.float32), labels=labels)
    summary = pd.DataFrame({"srg": range(len(names))}, index=pd.Index(names, name="method"))
    return SimpleNamespace(
        scores=pd.DataFrame(scores),
        agreement=pd.DataFrame(pairs, columns=["method_a", "method_b", "row", "output", "metric", "value"]),
        costs=pd.DataFrame([{"method": n, "rows": 40, "seconds": 0.5, "rows_shared_with": ""} for n in names]),
        fill_spread=pd.DataFrame(columns=["method", "row", "output", "correlation", "same_sign"]),
        curves=pd.DataFrame(curves),
        results=results,
        inputs=[photo if picture else SimpleNamespace(codes=np.zeros(6))],
        call={"rows": np.int64(120), "seconds": 1.5},
        summary=lambda: summary,
    )
