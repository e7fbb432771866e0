"""The games of models: rows of scikit-learn's tables under trees and networks, and photos under EfficientNet-Lite0."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import perturbxai as px
from perturbxai.core.types import Floats

BACKGROUND = 50  # rows of the table that stand for absence
AT_ONCE = 2000  # coalitions whose rows are made together
ROWS = (11, 60, 150)  # of each table; of wine, one of each class
TABLES = ("cancer", "diabetes", "wine")
KINDS = ("boosted", "forest", "network")
PHOTOS = ("chelsea", "coffee", "rocket", "camera", "motorcycle_left", "china", "flower")
OF_SKLEARN = ("china", "flower")  # the others lie in the scikit-image wheel
GRID, REGIONS = (3, 4), 12  # regions of a photo are patches


@dataclass(frozen=True, eq=False)
class OnTable:
    """value: (M, P) bool -> (M,), the mean of the model's output over the background's rows."""

    n_players: int
    value: Callable[[Any], Floats]


@cache
def table_of(name: str) -> tuple[Floats, Any]:
    """Columns and what is predicted of them, as numbers that float32 holds: trees compare in it."""
    from sklearn import datasets

    load = {"cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes, "wine": datasets.load_wine}[name]
    X, y = load(return_X_y=True)
    return X.astype(np.float32).astype(np.float64), y


@cache
def model_of(table: str, kind: str) -> tuple[Any, str]:
    """A fitted model and the scale that is explained, of its last output."""
    from sklearn import ensemble, neural_network
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = table_of(table)
    classes = table != "diabetes"
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


def _background(table: str) -> Floats:
    X = table_of(table)[0]
    return X[np.random.default_rng(0).permutation(len(X))[:BACKGROUND]]


def _players(table: str, kind: str) -> Any:
    """(D,): the player that each column belongs to.

    The network on cancer's 30 columns cannot be listed: a player is one of 10 quantities with its mean, error and worst.
    """
    n_columns = table_of(table)[0].shape[1]
    return np.arange(n_columns) % 10 if (table, kind) == ("cancer", "network") else np.arange(n_columns)


def on_table(table: str, kind: str, row: int) -> OnTable:
    X, _ = table_of(table)
    model, output = model_of(table, kind)
    predictor, background, players = px.Predictor(model, output=output), _background(table), _players(table, kind)

    def value(z: Any) -> Floats:
        found = []
        for at in range(0, len(z), AT_ONCE):
            shown = np.asarray(z[at : at + AT_ONCE], dtype=bool)[:, players]
            rows = np.where(shown[:, None, :], X[row], background).reshape(-1, X.shape[1])
            found.append(predictor(rows)[:, -1].reshape(-1, BACKGROUND).mean(axis=1))
        return np.concatenate(found)

    return OnTable(int(players.max()) + 1, value)


def walked(table: str, kind: str, row: int) -> Floats:
    """Exact Shapley values of trees."""
    model, output = model_of(table, kind)
    space = px.TabularSpace(_background(table), background="all")
    x = table_of(table)[0][row : row + 1]
    return px.baselines(["glass_box"], px.Predictor(model, output=output), space, x)["glass_box"].values[0, :, -1]


def on_photo(name: str) -> Callable[[Any], Floats]:
    """The logit of a photo's first class, patches shown or blurred: a pass of the network a coalition."""
    from perturbxai import assets
    from perturbxai.game.game import Game

    net, preprocess = assets.efficientnet_lite0()
    predictor = px.Predictor(net, output="logit", transform=preprocess, batch_size=32)
    photo = _photo(name)
    height, width = photo.shape[:2]
    down, across = np.arange(height) * GRID[0] // height, np.arange(width) * GRID[1] // width
    space = px.ImageSpace(segments=down[:, None] * GRID[1] + across, fill="blur")
    game = Game(predictor, space, photo, [int(predictor(photo[None])[0].argmax())])
    return lambda z: game.evaluate(z)[:, 0]


def _photo(name: str) -> Any:
    from perturbxai import assets

    if name not in OF_SKLEARN:
        return assets.photo(name)
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from perturbxai.inputs.pictures import fit

    return np.asarray(fit(Image.fromarray(load_sample_image(f"{name}.jpg")), 224, assets.CROP))
