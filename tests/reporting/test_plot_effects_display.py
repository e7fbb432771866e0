"""plot_effects takes what scikit-learn's displays take, gives their numbers, and refuses what it cannot honour."""

from __future__ import annotations

import inspect

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LinearRegression, LogisticRegression

import perturbxai as px

TOLERANCE = 1e-9


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    return GradientBoostingRegressor(n_estimators=20, random_state=0).fit(X, y), X


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return RandomForestClassifier(5, random_state=0).fit(X, y), X, y


def compare(model, X, features, **options):
    """Both displays; asserts that grids, averages and rows' curves agree."""
    figure = matplotlib.figure.Figure()
    theirs = PartialDependenceDisplay.from_estimator(
        model, X, features, method="brute", ax=list(figure.subplots(1, len(features), squeeze=False)[0]), **options
    )
    ours = px.plot_effects(model, X, features, **options)
    for mine, their in zip(ours.pd_results, theirs.pd_results, strict=True):
        for one, other in zip(mine["grid_values"], their["grid_values"], strict=True):
            assert (one == other).all() if one.dtype == object else np.allclose(one, other, rtol=0, atol=TOLERANCE)
        for key in {"average", "individual"} & set(their):
            np.testing.assert_allclose(mine[key], their[key], rtol=0, atol=TOLERANCE)
    return ours, theirs


@pytest.mark.parametrize(
    "options",
    [
        {"grid_resolution": 20},
        {"percentiles": (0.1, 0.6), "grid_resolution": 11},
        {"kind": "both", "subsample": None, "grid_resolution": 8},
        {"kind": "individual", "subsample": None, "grid_resolution": 8},
        {"sample_weight": np.arange(442) % 3, "grid_resolution": 8},
        {"categorical_features": ["sex"], "grid_resolution": 12},
        {"custom_values": {2: [20.0, 25.0, 31.5]}},
    ],
    ids=lambda options: ", ".join(options),
)
def test_averages_and_rows_curves_are_those_of_scikit_learn(diabetes, options):
    compare(*diabetes, ["bmi"] if "custom_values" in options else ["bmi", "sex", "s5"], **options)


def test_maps_are_those_of_scikit_learn(diabetes):
    compare(*diabetes, [("bmi", "bp"), 3], grid_resolution=6)


def test_a_class_is_chosen_by_its_name_and_of_two_the_second_is_shown(iris):
    model, X, y = iris
    compare(model, X, [0, (2, 3)], target=2, grid_resolution=6)
    two = LogisticRegression().fit(X[:100], y[:100])
    compare(two, X[:100], [2], grid_resolution=6)
    compare(two, X[:100], [2], grid_resolution=6, response_method="decision_function")


def test_one_of_several_outputs_is_chosen_by_its_number(diabetes):
    X = diabetes[1]
    model = LinearRegression().fit(X, np.column_stack([X["bmi"], X["bp"] ** 2]))
    compare(model, X, ["bp"], target=1, grid_resolution=6)


def test_strings_are_levels_as_they_are():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"kind": rng.choice(["oak", "elm", "ash"], 60), "size": rng.normal(size=60)})
    predictor = px.Predictor(lambda rows: rows["size"] + 2.0 * (rows["kind"] == "oak"))
    ours = px.plot_effects(predictor, X, ["kind"])
    values = dict(zip(ours.pd_results[0]["grid_values"][0], ours.pd_results[0]["average"][0], strict=True))
    mean = X["size"].mean()
    assert values == {k: pytest.approx(mean + 2.0 * (k == "oak"), abs=1e-12) for k in ("oak", "elm", "ash")}
    assert {label.get_text() for label in ours.axes_[0, 0].get_xticklabels()} == {"oak", "elm", "ash"}


def test_whole_numbers_stay_whole_and_missing_values_have_a_point():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"floor": rng.integers(0, 500, 300), "gap": np.where(rng.random(300) < 0.2, np.nan, rng.normal(size=300))}
    )
    seen = []

    def model(rows):
        seen.append(rows["floor"].dtype)
        return rows["floor"] + rows["gap"].fillna(9.0)

    ours = px.plot_effects(model, X, ["floor", "gap"], grid_resolution=12)
    floor, gap = (one["grid_values"][0] for one in ours.pd_results)
    assert set(seen) == {X["floor"].dtype} and (floor == np.rint(floor)).all()
    assert np.isnan(gap[-1]) and ours.pd_results[1]["average"][0, -1] == pytest.approx(X["floor"].mean() + 9.0)


@pytest.mark.parametrize("kind", ["average", "both", "ale"])
def test_centred_curves_start_at_zero_with_the_shape_they_had(diabetes, kind):
    display = px.plot_effects(*diabetes, ["bmi"], kind=kind, grid_resolution=8, centered=True, subsample=9)
    average = display.pd_results[0]["average"][0]
    lines = np.atleast_1d(display.lines_[0, 0])
    np.testing.assert_allclose(lines[-1].get_ydata(), average - average[0], atol=1e-10)
    assert all(line.get_ydata()[0] == 0.0 for line in lines) and len(lines) == {"both": 10}.get(kind, 1)


def test_accumulated_curves_are_those_of_effects_and_shown_between_the_percentiles(diabetes):
    model, X = diabetes
    ours = px.plot_effects(model, X, ["bmi"], kind="ale", grid_resolution=21)
    direct = px.effects("ale", px.Predictor(model), px.TabularSpace(X), X, features=["bmi"], grid=20)["ale"]["bmi"]
    np.testing.assert_allclose(ours.effects[0].values, direct.values, atol=1e-12)
    assert ours.axes_[0, 0].get_xlim() == tuple(np.quantile(X["bmi"], (0.05, 0.95), method="inverted_cdf"))


def test_so_many_rows_are_drawn_as_are_asked_for_and_a_seed_draws_the_same(diabetes):
    def rows(**options):
        display = px.plot_effects(*diabetes, ["bmi"], kind="individual", grid_resolution=4, **options)
        return [tuple(line.get_ydata()) for line in display.lines_[0, 0]]

    assert len(rows(subsample=50, random_state=0)) == 50 and len(rows(subsample=0.1)) == 45  # the ceiling of 44.2
    assert rows(subsample=50, random_state=3) == rows(subsample=50, random_state=3) != rows(subsample=50, random_state=4)
    state = np.random.RandomState(0)  # what scikit-learn's users hand over
    assert rows(subsample=50, random_state=state) != rows(subsample=50, random_state=state)


def test_a_display_is_arranged_as_scikit_learns_and_drawn_again_without_the_model(diabetes):
    model, X = diabetes
    predictor = px.Predictor(model)
    display = px.plot_effects(predictor, X, ["bmi", "sex", "s5", "bp"], grid_resolution=4)
    assert display.axes_.shape == (2, 3) and display.axes_[1, 1] is None
    assert display.figure_ is display.axes_[0, 0].figure
    before = predictor.rows
    assert display.plot(n_cols=2).axes_.shape == (2, 2)
    figure = matplotlib.figure.Figure()
    axes = figure.subplots(1, 4)
    assert display.plot(ax=axes).axes_ is not None and list(display.axes_) == list(axes) and predictor.rows == before
    assert axes[0].get_lines() and axes[0].get_xlabel() == "bmi"
    bounds = matplotlib.figure.Figure()
    display.plot(ax=bounds.subplots())
    assert len(bounds.axes) == 5 and not bounds.axes[0].axison


def test_columns_may_be_called_otherwise(diabetes):
    model, X = diabetes
    names = [f"column {d}" for d in range(X.shape[1])]
    display = px.plot_effects(model, X, ["column 2", (0, 3)], feature_names=names, grid_resolution=3)
    assert display.features == [(2,), (0, 3)] and display.feature_names == names
    assert display.axes_[0, 0].get_xlabel() == "column 2" and display.axes_[0, 1].get_ylabel() == "column 3"
    assert display.effects[0].names == (X.columns[2],)


def test_every_argument_of_scikit_learn_is_known_with_its_default():
    def defaults(function):
        return {name: one.default for name, one in inspect.signature(function).parameters.items() if name != "self"}

    ours, theirs = defaults(px.plot_effects), defaults(PartialDependenceDisplay.from_estimator)
    assert {name: ours[name] for name in theirs} == theirs
    assert set(ours) - set(theirs) == {"bar_kw", "heatmap_kw", "pdp_lim", "levels"}
    again = px.plot_effects(lambda X: X[:, 0], np.arange(8.0).reshape(4, 2), [0]).plot
    assert defaults(again) == defaults(PartialDependenceDisplay.plot)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "recursion"}, "method='recursion': any model is asked here"),
        ({"kind": "mean"}, "kind='mean' is not known; expected one of 'average'"),
        ({"kind": ["average"]}, "kind has 1 entries for 2 features"),
        ({"kind": "both"}, r"kind='both' shows rows' curves, and \['bmi', 'bp'\] is a map"),
        ({"grid_resolution": 1}, "grid_resolution=1 must be a whole number of points from 2 up"),
        ({"percentiles": (0.9, 0.1)}, r"percentiles=\(0.9, 0.1\) must be two shares that rise"),
        ({"percentiles": (0.5, 0.5000001), "grid_resolution": 5}, "percentiles=.* between which there is no grid"),
        (
            {"response_method": "predict_proba"},
            "response_method='predict_proba', which GradientBoostingRegressor does not have",
        ),
        ({"response_method": "predict"}, "response_method='predict' is not known"),
        ({"subsample": 0}, "subsample=0 must be a number of rows"),
        ({"subsample": 1.5}, "subsample=1.5 must be a number of rows"),
        ({"random_state": "seed"}, "random_state='seed' must be a whole number"),
        ({"feature_names": ["a"]}, "feature_names has 1 names"),
        ({"categorical_features": [True]}, r"categorical_features is a mask of shape \(1,\); X has 10 columns"),
        ({"categorical_features": ["bmj"]}, "column 'bmj' is not there; X has 'age'"),
        ({"custom_values": {"bmj": [1, 2]}}, "column 'bmj' is not there"),
        ({"n_cols": 0}, "n_cols=0 must be a whole number of panels"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_what_cannot_be_honoured_is_refused_before_the_model_is_asked(diabetes, options, told):
    model, X = diabetes

    class Silent(GradientBoostingRegressor):
        def predict(self, X):  # noqa: ARG002
            raise AssertionError("asked")

    silent = Silent().set_params(**model.get_params())
    silent.__dict__.update(model.__dict__)
    silent.__class__.__name__ = "GradientBoostingRegressor"
    with pytest.raises(ValueError, match=told):
        px.plot_effects(silent, X, ["bmi", ("bmi", "bp")], **options)


def test_other_refusals(diabetes, iris):
    model, X, _ = iris
    with pytest.raises(ValueError, match=r"target=None must be one of the classes \[0, 1, 2\]"):
        px.plot_effects(model, X, [0])
    with pytest.raises(ValueError, match="features='bmi' must be a list of columns"):
        px.plot_effects(*diabetes, "bmi")
    with pytest.raises(ValueError, match="column 10 is not there; X has 10, numbered from 0"):
        px.plot_effects(*diabetes, [10])
    with pytest.raises(ValueError, match="has 3 columns; expected one, or two for a map"):
        px.plot_effects(*diabetes, [(0, 1, 2)])
    with pytest.raises(ValueError, match="target=None must be the number of one of the 2 outputs"):
        px.plot_effects(lambda rows: np.column_stack([rows["bmi"], rows["bp"]]), diabetes[1], ["bmi"])
    with pytest.raises(ValueError, match="ax holds 2 axes, and 1 panels are to be drawn"):
        px.plot_effects(*diabetes, ["bmi"], grid_resolution=3, ax=matplotlib.figure.Figure().subplots(1, 2))
    with pytest.raises(ValueError, match="but the Predictor has a scale already"):
        px.plot_effects(px.Predictor(model), X, [0], response_method="predict_proba")


def test_a_map_of_accumulated_effects_has_a_grid_that_its_rows_bear_unless_one_is_named():
    X = np.random.default_rng(0).normal(size=(216, 2))
    model = lambda rows: rows[:, 0] * rows[:, 1]  # noqa: E731
    for options, points in (({}, 7), ({"grid_resolution": 12}, 12), ({"custom_values": {0: [-1.0, 0.0, 1.0]}}, 3)):
        shown = px.plot_effects(model, X, [(0, 1)], kind="ale", **options).pd_results[0]
        assert len(shown["grid_values"][0]) == points
