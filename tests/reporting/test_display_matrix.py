"""plot_effects beside scikit-learn's display: the same call, the same numbers, the same artists, labels and limits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC

import perturbxai as px

ROWS = 40
ARRAYS = ("axes_", "bars_", "contours_", "heatmaps_", "deciles_vlines_", "deciles_hlines_", "lines_")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def _levels(X, seed):
    """Two columns of few values more, of numbers."""
    rng = np.random.default_rng(seed)
    return np.column_stack([X, rng.integers(0, 3, len(X)), rng.integers(1, 3, len(X))]).astype(float)


def _regressor():
    X, y = make_regression(ROWS, 4, random_state=0)
    X = _levels(X, 0)
    return make_pipeline(PolynomialFeatures(2), LinearRegression()).fit(X, y + X[:, 4] * X[:, 0]), X, {}


def _tasks():
    X, y = make_regression(ROWS, 4, n_targets=3, random_state=1)
    X = _levels(X, 1)
    return LinearRegression().fit(X, y), X, {"target": 1}


def _binary():
    X, y = make_classification(ROWS, 4, random_state=2)
    X = _levels(X, 2)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, np.array(["no", "yes"])[y]), X, {}


def _multiclass():
    X, y = make_classification(ROWS, 4, n_classes=3, n_informative=3, n_redundant=0, random_state=3)
    X = _levels(X, 3)
    return LogisticRegression().fit(X, np.array(["rye", "oats", "wheat"])[y]), X, {"target": "rye"}


def _margins():
    X, y = make_classification(ROWS, 4, n_classes=3, n_informative=3, n_redundant=0, random_state=4)
    X = _levels(X, 4)
    return LinearSVC().fit(X, y), X, {"target": 2}


def _pipeline():
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.normal(size=(ROWS, 4)), columns=["a", "b", "c", "d"])
    X["kind"] = rng.choice(["oak", "elm", "ash"], ROWS)
    X["side"] = pd.Categorical(rng.choice(["left", "right"], ROWS))
    encoder = make_column_transformer((OneHotEncoder(), ["kind", "side"]), remainder="passthrough")
    y = X["a"] * (X["kind"] == "oak") + X["b"] ** 2
    return make_pipeline(encoder, PolynomialFeatures(2), LinearRegression()).fit(X, y), X, {}


MODELS = {f.__name__.strip("_"): f for f in (_regressor, _tasks, _binary, _multiclass, _margins, _pipeline)}
PANELS = {
    "one": ([0, 2], None),
    "two": ([(0, 1)], None),
    "levels": ([4], [4, 5]),
    "two of levels": ([(4, 5)], [4, 5]),
    "mixed": ([1, 4, 0, (2, 3), (5, 4)], [False, False, False, False, True, True]),
}


@pytest.fixture(scope="module")
def models():
    return {name: make() for name, make in MODELS.items()}


def both(model, X, features, **options):
    theirs = PartialDependenceDisplay.from_estimator(model, X, features, method="brute", **options)
    ours = px.plot_effects(model, X, features, method="brute", **options)
    return ours, theirs


def assert_same_numbers(ours, theirs):
    assert ours.target_idx == theirs.target_idx and ours.features == theirs.features and ours.kind == theirs.kind
    for mine, their in zip(ours.pd_results, theirs.pd_results, strict=True):
        assert set(mine) == set(their) and len(mine.grid_values) == len(their.grid_values)
        for one, other in zip(mine.grid_values, their.grid_values, strict=True):
            assert np.array_equal(one, other) or np.allclose(one, other, rtol=0, atol=1e-9)
        for name in set(their) - {"grid_values"}:
            assert mine[name].shape == their[name].shape
            np.testing.assert_allclose(mine[name], their[name], rtol=0, atol=1e-9)
    assert set(ours.deciles) == set(theirs.deciles)
    for column, found in theirs.deciles.items():
        np.testing.assert_allclose(ours.deciles[column], found, rtol=0, atol=1e-12)
    assert [tuple(map(bool, one)) for one in theirs.is_categorical] == ours.is_categorical


def assert_same_artists(ours, theirs):
    for name in ARRAYS:
        mine, their = getattr(ours, name), getattr(theirs, name)
        assert mine.shape == their.shape, name
        for one, other in zip(mine.ravel(), their.ravel(), strict=True):
            assert type(one) is type(other), name
            if name == "lines_" and one is not None:
                np.testing.assert_allclose(np.array(one.get_data()), np.array(other.get_data()), rtol=0, atol=1e-9)
            if name == "bars_" and one is not None:
                assert one.get_height() == pytest.approx(other.get_height(), abs=1e-9) and one.get_x() == other.get_x()
            if name == "contours_" and one is not None:
                np.testing.assert_allclose(one.levels, other.levels, rtol=0, atol=1e-9)
            if name == "heatmaps_" and one is not None:
                np.testing.assert_allclose(one.get_array(), other.get_array(), rtol=0, atol=1e-9)


def assert_same_axes(ours, theirs):
    for one, other in zip(ours.axes_.ravel(), theirs.axes_.ravel(), strict=True):
        if other is None:
            continue
        assert (one.get_xlabel(), one.get_ylabel()) == (other.get_xlabel(), other.get_ylabel())
        np.testing.assert_allclose([one.get_xlim(), one.get_ylim()], [other.get_xlim(), other.get_ylim()], atol=1e-9)
        assert len(one.get_lines()) == len(other.get_lines())
        told, theirs_told = (legend and [t.get_text() for t in legend.get_texts()]
                             for legend in (one.get_legend(), other.get_legend()))  # fmt: skip
        assert told == theirs_told
    assert len(ours.figure_.axes) == len(theirs.figure_.axes)
    assert (ours.bounding_ax_ is None) == (theirs.bounding_ax_ is None)


KINDS = ("average", "individual", "both")


def _calls():
    """Which model, panels and kind; rows' curves are of single columns of numbers. Two models have every kind, the others
    take turns."""
    for number, model in enumerate(MODELS):
        for panels in PANELS:
            kinds = KINDS if model in ("regressor", "pipeline") else (KINDS[number % 3],)
            for kind in kinds if panels in ("one", "mixed") else ("average",):
                yield pytest.param(model, panels, kind, id=f"{model}-{panels}-{kind}")


@pytest.mark.parametrize(("model", "panels", "kind"), list(_calls()))
def test_the_same_call_gives_the_same_display(models, model, panels, kind):
    fitted, X, options = models[model]
    features, levels = PANELS[panels]
    kinds = [kind if isinstance(one, int) and (levels is None or one < 4) else "average" for one in features]
    if kind != "average" and panels == "mixed":  # theirs keeps an average among another panel's rows
        features, kinds = features[:3:2] + features[3:], kinds[:3:2] + kinds[3:]
    if model == "pipeline" and levels == [4, 5]:
        levels = ["kind", "side"]
    ours, theirs = both(
        fitted, X, features, categorical_features=levels, kind=kinds if len(set(kinds)) > 1 else kinds[0], subsample=7,
        random_state=3, grid_resolution=6, n_cols=2, **options,
    )  # fmt: skip
    assert_same_numbers(ours, theirs)
    assert_same_artists(ours, theirs)
    assert_same_axes(ours, theirs)
    if model in ("regressor", "multiclass"):
        ours, theirs = (one.plot(centered=True, n_cols=3) for one in (ours, theirs))
        assert_same_artists(ours, theirs)
        assert_same_axes(ours, theirs)
    if panels == "mixed":
        ours.figure_.canvas.draw()  # nothing that only drawing finds out


OPTIONS = {
    "weights": {"sample_weight": np.arange(ROWS) % 4},
    "percentiles": {"percentiles": (0.2, 0.7), "grid_resolution": 9},
    "half of the rows": {"subsample": 0.5},
    "all rows": {"subsample": None},
    "points": {"custom_values": {0: [1.0, -0.5, 0.25], 2: [0.5]}},
    "names": {"feature_names": np.array([f"column {d}" for d in range(6)])},
    "one column of panels": {"n_cols": 1},
    "a state": {"random_state": 11, "subsample": 5},
    "lines": {"line_kw": {"c": "r", "lw": 2.0}, "ice_lines_kw": {"alpha": 0.9}, "pd_line_kw": {"ls": "-.", "label": "mean"}},
}


def _turns():
    """Every option with both kinds of curves at once, and with both models in turn; with each alone, where it is slow."""
    for number, options in enumerate(OPTIONS):
        for turn, kind in enumerate(KINDS, number):
            marks = [] if kind == "both" else [pytest.mark.slow]
            yield pytest.param(("regressor", "multiclass")[turn % 2], options, kind, marks=marks)


@pytest.mark.parametrize(("model", "options", "kind"), list(_turns()))
def test_options_mean_the_same(models, model, options, kind):
    fitted, X, given = models[model]
    settings = {"grid_resolution": 5, "subsample": 6, "random_state": 0, **OPTIONS[options], **given}
    ours, theirs = both(fitted, X, [0, 2], kind=kind, **settings)
    assert_same_numbers(ours, theirs)
    assert_same_artists(ours, theirs)
    assert_same_axes(ours, theirs)


@pytest.mark.parametrize("scale", ["predict_proba", "decision_function"])
@pytest.mark.parametrize("model", ["binary", "multiclass"])
def test_both_scales_of_a_classifier(models, model, scale):
    fitted, X, given = models[model]
    ours, theirs = both(fitted, X, [1, (0, 2)], response_method=scale, grid_resolution=5, **given)
    assert_same_numbers(ours, theirs)
    assert_same_artists(ours, theirs)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (2, 1)])
def test_the_users_axes_are_taken_as_they_are_arranged(models, shape):
    fitted, X, _ = models["regressor"]
    displays = []
    for draw in (px.plot_effects, PartialDependenceDisplay.from_estimator):
        axes = plt.figure().subplots(*(shape if len(shape) == 2 else (1, 2)), squeeze=False).reshape(shape)
        displays.append(draw(fitted, X, [0, 2], method="brute", grid_resolution=4, ax=axes))
        assert displays[-1].axes_ is not None and displays[-1].axes_.shape == shape and displays[-1].bounding_ax_ is None
    assert_same_artists(*displays)
    assert_same_axes(*displays)


@pytest.mark.parametrize("mark", [["kind", "side"], [4, 5], [False] * 4 + [True] * 2], ids=["names", "numbers", "mask"])
def test_levels_are_declared_in_three_ways(models, mark):
    fitted, X, _ = models["pipeline"]
    ours, theirs = both(fitted, X, ["kind", ("kind", "side")], categorical_features=mark)
    assert_same_numbers(ours, theirs)
    assert_same_artists(ours, theirs)
    for one, other in zip(ours.axes_.ravel(), theirs.axes_.ravel(), strict=True):
        assert [t.get_text() for t in one.get_xticklabels()] == [t.get_text() for t in other.get_xticklabels()]
