"""A scatter shows each row where it lies, its value, its error, and the feature that goes with it most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import perturbxai as px
from perturbxai.reporting.values.partner import strongest
from perturbxai.reporting.values.places import Places, places_of

RNG = np.random.default_rng(0)
N = 120
X = pd.DataFrame({
    "bmi": RNG.normal(27, 4, N), "sex": RNG.choice(["f", "m"], N), "bp": RNG.normal(90, 12, N),
    "seen": pd.date_range("2020-01-01", periods=N), "smokes": RNG.random(N) < 0.3, "noise": RNG.normal(size=N),
})  # fmt: skip
X.loc[::10, "bp"] = np.nan


def model(X):
    days = (X.seen - pd.Timestamp("2020-01-01")).dt.days.to_numpy()
    bp = X.bp.fillna(80).to_numpy()
    return (X.bmi.to_numpy() - 27) * np.where(X.sex == "f", 2.0, -0.5) + X.smokes.to_numpy() * (bp - 90) * 0.4 + days / 50


@pytest.fixture(scope="module")
def found():
    space = px.TabularSpace(X, background=20)
    return px.explain("kernel_shap", px.Predictor(model), space, X, budget=40)["kernel_shap"]


def points(axis):
    (drawn,) = [one for one in axis.collections if isinstance(one, PathCollection)]
    return np.asarray(drawn.get_offsets()), drawn.get_facecolors()


def test_each_row_lies_at_its_number_and_its_value(found):
    figure = px.plot(found, "scatter", feature="bmi")
    assert isinstance(figure, Figure)
    at, colours = points(figure.axes[0])
    np.testing.assert_allclose(at, np.column_stack([X.bmi, found.values[:, 0, 0]]))
    assert figure.axes[0].get_xlabel() == "bmi" and "value of bmi" in figure.axes[0].get_ylabel()
    assert len({to_hex(one) for one in colours}) == 2 and "colour: sex" in figure.get_suptitle()
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["f", "m"]
    of_f = {to_hex(one) for one in colours[(X.sex == "f").to_numpy()]}
    assert of_f == {to_hex(legend.get_patches()[0].get_facecolor())}


def test_thin_lines_are_95_percent_intervals(found):
    axis = px.plot(found, "scatter", feature="bmi").axes[0]
    low, high = found.interval()
    (lines,) = [one for one in axis.collections if hasattr(one, "get_segments") and len(one.get_segments()) > 1]
    ends = np.array([segment[:, 1] for segment in lines.get_segments()])
    np.testing.assert_allclose(ends, np.column_stack([low[:, 0, 0], high[:, 0, 0]]))


def test_levels_stand_side_by_side_and_truth_values_are_levels(found):
    for feature, levels in (("sex", ["f", "m"]), ("smokes", ["False", "True"])):
        axis = px.plot(found, "scatter", feature=feature).axes[0]
        assert [tick.get_text() for tick in axis.get_xticklabels()] == levels
        at, _ = points(axis)
        expected = X[feature].map(str).map(levels.index).to_numpy()
        assert (np.round(at[:, 0]) == expected).all() and len(np.unique(at[:, 0])) == N
        assert (np.abs(at[:, 0] - expected) < 0.3).all()


def test_missing_numbers_stand_apart_and_are_named(found):
    axis = px.plot(found, "scatter", feature="bp").axes[0]
    at, _ = points(axis)
    gone = X.bp.isna().to_numpy()
    assert len(set(at[gone, 0])) == 1 and at[gone, 0].max() < at[~gone, 0].min()
    assert "missing" in [one.get_text() for one in axis.texts]


def test_moments_have_an_axis_of_dates(found):
    from matplotlib.dates import date2num

    figure = px.plot(found, "scatter", feature="seen")
    at, colours = points(figure.axes[0])
    np.testing.assert_allclose(at[:, 0], date2num(X.seen.to_numpy()))
    assert len({to_hex(one) for one in colours}) == 1 and "colour" not in figure.get_suptitle()  # nothing goes with it


def test_without_a_name_it_is_the_feature_that_leads(found):
    assert px.plot(found, "scatter").axes[0].get_xlabel() == found.top(1).names[0]


def test_a_number_is_coloured_from_low_to_high(found):
    figure = px.plot(found, "scatter", feature="sex")
    assert "colour: bmi" in figure.get_suptitle() and [t.get_text() for t in figure.axes[1].get_yticklabels()] == [
        "low",
        "high",
    ]


def test_interactions_choose_where_a_method_has_them():
    space = px.TabularSpace(X[["bmi", "sex", "noise"]], background=10)
    predictor = px.Predictor(lambda X: (X.bmi.to_numpy() - 27) * X.noise.to_numpy())
    found = px.explain("interactions", predictor, space, X[["bmi", "sex", "noise"]].iloc[:30])["interactions"]
    assert "colour: noise" in px.plot(found, "scatter", feature="bmi").get_suptitle()


def test_an_axis_of_ones_own_is_drawn_on_and_needs_one_output(found):
    axis = Figure().subplots()
    assert px.plot(found, "scatter", feature="bmi", ax=axis) is axis and axis.get_legend() is not None


def test_a_taken_part_has_its_scatter(found):
    at, _ = points(px.plot(found[:50, ["noise", "bmi"]], "scatter", feature="bmi").axes[0])
    np.testing.assert_allclose(at[:, 0], X.bmi[:50])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "scatter", "feature": "bmj"}, KeyError, "did you mean 'bmi'"),
        ({"kind": "scatter", "feature": 9}, IndexError, "feature 9 is not there"),
        ({"kind": "bars", "feature": "bmi"}, ValueError, "feature='bmi' is for kind='scatter'"),
        ({"kind": "scatter", "row": 3}, ValueError, "scatter shows all rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(found, options, error, message):
    with pytest.raises(error, match=message):
        px.plot(found, **options)


def test_unknown_rows_and_too_many_levels_are_refused(found):
    blind = px.Attribution(tuple(replace(e, teller=None) for e in found), found.meta)
    with pytest.raises(ValueError, match="needs what rows have at 'bmi', and this result does not know it"):
        px.plot(blind, "scatter", feature="bmi")
    frame = pd.DataFrame({"id": [f"n{i}" for i in range(40)], "b": np.arange(40.0)})
    many = px.explain("occlusion", px.Predictor(lambda X: X.b.to_numpy()), px.TabularSpace(frame), frame)["occlusion"]
    with pytest.raises(ValueError, match="feature='id' has 40 different values that are no numbers, and 30 can stand"):
        px.plot(many, "scatter", feature="id")


# ------------------------------------------------------------------------------------------------ who goes with it


def test_noise_alone_is_no_partner():
    rng = np.random.default_rng(1)
    chosen = [
        strongest(
            rng.normal(size=(120, 1)), Places(rng.normal(size=120)), {n: Places(rng.normal(size=120)) for n in range(5)}
        )
        for _ in range(50)
    ]
    assert sum(one is not None for one in chosen) <= 5


@pytest.mark.parametrize("levels", [None, ("a", "b", "c")])
def test_what_changes_the_slope_is_the_partner(levels):
    rng = np.random.default_rng(0)
    own, other = rng.normal(size=150), rng.integers(0, 3, 150).astype(float)
    values = (own * (other - 1) + 0.1 * rng.normal(size=150))[:, None]
    others = {
        3: Places(rng.normal(size=150)),
        5: Places(other, levels),
        7: Places(rng.integers(0, 9, 150) * 1.0, tuple("abcdefghi")),
    }
    assert strongest(values, Places(own), others) == 5


@pytest.mark.parametrize("values", [np.zeros((30, 1)), np.arange(30.0)[:, None]])
def test_what_leaves_nothing_open_has_no_partner(values):
    assert strongest(values, Places(np.arange(30.0)), {1: Places(np.tile([0.0, 1.0], 15))}) is None
    assert strongest(values[:2], Places(np.arange(2.0)), {1: Places(np.arange(2.0))}) is None


def test_places_of_mixed_kinds_are_levels(found):
    mixed = pd.DataFrame({"a": np.array([1, "x", None, True], dtype=object), "b": np.arange(4.0)})
    found = px.explain("occlusion", px.Predictor(lambda X: X.b.to_numpy()), px.TabularSpace(mixed), mixed)["occlusion"]
    assert places_of(found.explanations, 0).levels == ("1", "True", "x", "missing")
