"""What a shell and a notebook show of an object: a few lines with the figures that matter, whatever its size and names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from explanations import HOSTILE, one
from hypothesis import given
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core import wording

LONG = "temperature of the reactor " * 400
SHORT = ("pick", "comparison", "no scores", "space")  # which have no list of outputs
NAMES = {"hostile": (*HOSTILE[:5], *HOSTILE[6:]), "long": (LONG,), "empty": ("", " ")}  # pandas writes no lone surrogate
CASES = [(1, 1, "hostile"), (3, 25, "hostile"), (1000, 2, "hostile"), (3, 1, "long"), (3, 25, "long"), (3, 25, "empty")]


def names_of(number, names):
    """So many names that differ."""
    return [f"{names[n % len(names)]}{n}" for n in range(number)]


@cache
def everything(n_features, n_outputs, kind):
    """By kind: an object of the kind with so many features and outputs, and names that print badly."""
    rng, names = np.random.default_rng(0), NAMES[kind]
    features, outputs = names_of(n_features, names), names_of(n_outputs, names)
    X = pd.DataFrame(rng.normal(size=(3, n_features)), columns=features)
    predictor = px.Predictor(lambda rows: rows.to_numpy()[:, :1] * np.arange(1.0, n_outputs + 1), outputs=outputs)
    space = px.TabularSpace(X, background=1)
    named = f"{names[0]}!"
    found = px.explain(["inclusion", px.Inclusion(name=named)], predictor, space, X, outputs=range(n_outputs))
    curves = px.effects("pdp", predictor, space, X, features=features[:1], outputs=range(n_outputs))["pdp"]
    (curve,) = curves.values()
    n_all, shape = 2 * n_features, (2 * n_features, n_outputs)
    interactions = px.HStatistic(
        (*features, *((name, name) for name in features)), tuple(outputs), rng.random(shape), *(np.full(shape, 0.1),) * 5,
        importance=np.ones((n_features, n_outputs)), meta={"groups": n_all},
    )  # fmt: skip
    arrays = ("values", "floor", "threshold", "stderr", "strength", "spread", "importance")
    nothing = replace(interactions, features=(), **{name: np.ones((0, n_outputs)) for name in arrays})
    game = px.Game(predictor, space, X, range(n_outputs))
    game.learn()
    return {
        "attribution": found["inclusion"], "of one": px.Attribution(found["inclusion"].explanations[:1]),
        "explanation": found["inclusion"][0], "importance": px.importance(found["inclusion"]), "named": found[named],
        "pick": px.submodular_pick(found["inclusion"], 1), "effect": curve, "h": interactions, "no h": nothing,
        "no effect": replace(curve, values=curve.values * np.nan),
        "comparison": px.compare(found, predictor, space, metrics=["deletion", "srg", "insertion", "spearman"]),
        "no scores": px.compare(found, predictor, space, metrics=["spearman"]),
        "predictor": predictor, "space": space, "game": game, "new predictor": px.Predictor(lambda rows: rows),
        "game before": px.Game(px.Predictor(lambda rows: rows), space, X),
    }  # fmt: skip


@pytest.mark.parametrize(("n_features", "n_outputs", "names"), CASES)
@pytest.mark.filterwarnings("ignore:the first 0 of 1 picks")
def test_every_object_is_a_few_printable_lines(n_features, n_outputs, names):
    found = everything(n_features, n_outputs, names)
    asked = found["predictor"].rows
    for kind, thing in found.items():
        text = repr(thing)
        assert len(text) < 1500 and text.count("\n") <= wording.OUTPUTS + 1, kind
        assert text.startswith(f"<{type(thing).__name__} of ") and text.endswith(">"), kind
        assert not wording.UNPRINTABLE.search(text) and text.encode("utf-8"), kind
        assert (
            n_outputs < 4 or kind in ("pick", "space", "comparison", "no scores") or "more" in text or "not known" in text
        ), kind
    assert found["predictor"].rows == asked


@pytest.mark.parametrize(("n_features", "n_outputs", "names"), CASES)
@pytest.mark.parametrize("kind", ["importance", "pick", "h", "no h", "comparison", "no scores", "attribution"])
@pytest.mark.filterwarnings("ignore:the first 0 of 1 picks")
def test_every_table_in_a_notebook_is_bounded_and_well_formed(n_features, n_outputs, names, kind):
    page = everything(n_features, n_outputs, names)[kind]._repr_html_()
    root = ET.fromstring(page)  # nothing of a name has become a tag or an attribute
    assert {element.tag for element in root.iter()} <= {
        "div", "b", "svg", "g", "title", "text", "rect", "line", "table", "tr", "th", "td",
    }  # fmt: skip
    assert len(page) < 60_000 and "<script" not in page


def row_of(values, stderr, **changes):
    values = np.array(values)[:, None]
    stderr = np.broadcast_to(np.array(stderr, dtype=float)[..., None], values.shape)
    names = tuple(f"x{p}" for p in range(len(values)))
    usual = {"values": values, "stderr": stderr, "names": names, "outputs": ("price",), "label": "a"}
    return replace(one(len(values), 1), **usual | changes)


def test_a_row_shows_its_level_and_the_largest_values_with_their_errors():
    row = row_of(
        [0.1, -3.0, 2.0, 0.5, 0.0], [0.01, 0.25, np.inf, 1e-17, 0.1], base=np.array([1.5]), prediction=np.array([1.1])
    )
    line = "price: 1.1 here, 1.5 with everything absent; x1 -3 ± 0.25, x2 2 ± ?, x3 0.5 ± 0 and 2 more"
    assert repr(row) == f"<Explanation of row a by Lime: 5 features, value ± standard error\n  {line}>"
    assert line in repr(px.Attribution((row,)))


def test_several_rows_show_the_mean_size():
    found = px.Attribution((row_of([1.0, -4.0], 0.1), row_of([-3.0, 0.0], 0.1)), {"name": "mine"})
    assert repr(found) == "<Attribution of 2 rows by mine: 2 features, mean size of the values\n  price: x0 2, x1 2>"


def test_a_row_shows_the_outputs_that_the_model_rates_highest():
    text = repr(replace(one(2, 5), prediction=np.array([0.1, 0.9, 0.0, 0.8, 0.7])))
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == [
        "class 1",
        "class 3",
        "class 4",
        "and 2 more outputs>",
    ]


def test_photos_of_different_superpixels_have_no_common_figures():
    rng = np.random.default_rng(0)
    photos = [rng.random((8, 8, 3)), rng.random((8, 4, 3))]
    predictor = px.Predictor(lambda rows: rows.mean(axis=(1, 2)), outputs=["red", "green", "blue"])
    space = px.ImageSpace(segments="grid", n_segments=8, fill=0)
    found = px.explain("lime", predictor, space, photos, budget=40)["lime"]
    sizes = sorted(len(e.names) for e in found)
    assert repr(found) == (
        f"<Attribution of 2 pictures by lime: {sizes[0]} to {sizes[1]} superpixels, outputs red, green, blue>"
    )
    assert "picture 0" in repr(found[0]) and "superpixel" in repr(found[0])
    rises = px.effects("pdp", predictor, space, photos[0], features=[0], rows=200)["pdp"]["superpixel 0"]
    assert "rise" in repr(rises) and "deviation over the data" not in repr(rises)


def test_a_curve_shows_its_ends_and_its_size():
    X = np.linspace(0.0, 1.0, 11)[:, None]
    predictor = px.Predictor(lambda rows: 4 * rows[:, 0] - 1, outputs="y")
    found = px.effects("pdp", predictor, px.TabularSpace(X), X)["pdp"]["x0"]
    assert repr(found).startswith(
        "<Effect of x0 by Pdp: 11 points\n  y: -1 at 0.0 to 3 at 1.0; deviation over the data 1.26"
    )


def test_models_are_called_by_their_names():
    class Forest:
        def predict(self, rows):
            return rows.sum(axis=1)

    assert repr(px.Predictor(Forest())).startswith("<Predictor of the estimator Forest: raw, outputs not known yet; 0 rows")
    assert "callable test_models_are" in repr(px.Predictor(lambda rows: rows))
    used = px.Predictor(Forest(), outputs="sum")
    used(np.eye(3))
    assert "outputs sum; 3 rows asked" in repr(used)


def test_spaces_say_what_absence_is():
    assert repr(px.TabularSpace(np.eye(6), background=4)) == (
        "<TabularSpace of 6 features (x0, x1, x2, x3 and 2 more); absence: 4 rows of 6 (choose='sample')>"
    )
    assert repr(px.ImageSpace(fill="mean")) == "<ImageSpace of superpixels by slic, about 50; absence: mean>"
    by_hand = px.ImageSpace(segments=np.eye(4, dtype=int), fill=np.zeros((4, 4)))
    assert repr(by_hand).startswith("<ImageSpace of superpixels by label map; absence: picture ")


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(-(10**12), 10**12))
def test_points_of_curves_are_short_and_whole_ones_all_there(number, whole):
    shown = str(wording.place(number))
    assert len(shown) <= 13 or number % 1 == 0 or abs(number) > 1e5
    assert not abs(float(shown) - number) > max(0.005, 1e-5 * abs(number) * (abs(number) < 1))
    assert wording.place(whole) == whole and str(wording.place(np.float64(number))) == shown


def test_points_are_short_in_every_curve():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30)})
    predictor, space = px.Predictor(lambda rows: rows.to_numpy() @ [1.0, 2.0]), px.TabularSpace(X, background=5)
    curves = px.effects(["pdp", "ice", "ale"], predictor, space, X)
    for thing in (curve for by in curves.values() for curve in by.values()):
        assert not re.search(r"\d\.\d{7}", repr(thing)), repr(thing)


def test_labels_are_shown_whole_and_points_of_curves_so_that_they_are_told_apart():
    X = pd.DataFrame({"t": 1.6e9 + 0.5 + 3 * np.arange(20), "b": np.arange(20) / 7}, index=1_600_000_000.25 + np.arange(20))
    predictor, space = px.Predictor(lambda rows: rows.t.to_numpy() - 1.6e9), px.TabularSpace(X)
    row = px.explain("ice", predictor, space, X[:1])["ice"][0]
    assert "row 1600000000.25 " in repr(row) and "1600000000.25" in row._repr_html_()
    assert "0.5 at 1600000000.5 to 57.5 at 1600000057.5;" in repr(
        px.effects("pdp", predictor, space, X, features=["t"])["pdp"]["t"]
    )
