"""Mean deletion and insertion curves over inputs that differ in how many players they have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.metrics.faithfulness import mean_curves
from perturbxai.reporting import figures as drawing
from perturbxai.reporting.tables import tables

KEYS = ["method", "output", "scored_fill", "curve"]


def frame_of(inputs, method="lime", label="cat", curve="deletion"):
    """Lines of curves as compare() tells them: inputs is a list of the values at the steps of each."""
    lines = []
    for number, values in enumerate(inputs):
        for share, value in zip(np.linspace(0, 1, len(values)), values, strict=True):
            head = {"method": method, "row": label or number, "output": "up", "scored_fill": "blur"}
            lines.append({**head, "curve": curve, "share": share, "value": value})
    return pd.DataFrame(lines)


def means(curves):
    return pd.DataFrame(mean_curves(curves))


one_curve = st.integers(2, 40).flatmap(lambda p: st.lists(st.floats(-1e3, 1e3), min_size=p + 1, max_size=p + 1))
curves_of_inputs = st.lists(one_curve, min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(curves_of_inputs)
def test_the_mean_at_each_share_is_over_every_input(inputs):
    found = means(frame_of(inputs))
    read = [np.interp(found.share, np.linspace(0, 1, len(values)), values) for values in inputs]
    np.testing.assert_allclose(found.value, np.mean(read, axis=0), atol=1e-8)
    assert (found.inputs == len(inputs)).all() and found.share.is_monotonic_increasing
    area = np.mean([np.trapezoid(values, dx=1 / (len(values) - 1)) for values in inputs])
    np.testing.assert_allclose(np.trapezoid(found.value, found.share), area, atol=1e-8)  # of the scores


def test_monotone_curves_have_a_monotone_mean():
    steps = [np.linspace(0, height, p + 1) ** 2 for p, height in ((4, 1.0), (7, 30.0), (11, 2.0), (50, 9.0))]
    assert (np.diff(means(frame_of(steps)).value) > 0).all()


def test_methods_of_a_panel_are_read_at_the_same_shares_and_say_over_how_many_inputs():
    both = pd.concat([frame_of([np.ones(4), np.zeros(7)]), frame_of([np.ones(6)], method="ice")])
    found = means(both)
    by_method = dict(list(found.groupby("method")))
    assert by_method["lime"].share.tolist() == by_method["ice"].share.tolist()
    assert set(by_method["ice"].inputs) == {1} and set(by_method["lime"].inputs) == {2}
    assert by_method["ice"].stderr.isna().all() and (by_method["lime"].stderr == 0.5).all()


def photos(n=4):
    """Pictures cut into 3, 4, 5 ... columns."""
    pictures = [np.random.default_rng(s).random((8, 24, 1), dtype=np.float32) for s in range(n)]
    known = {picture[0, 0, 0].item(): 3 + number for number, picture in enumerate(pictures)}
    space = px.ImageSpace(segments=lambda p: np.tile(np.arange(24) * known[p[0, 0, 0].item()] // 24, (8, 1)), fill=0)
    predictor = px.Predictor(lambda p: p.std(axis=(1, 2, 3)))
    found = px.explain(["lime", "ice"], predictor, space, pictures, budget=60)
    return found, px.compare(found, predictor, space, metrics=["deletion", "insertion"], fills=[0, "mean"])


def test_figures_and_tables_of_photos_hold_the_same_means():
    found, compared = photos()
    table = tables(found, compared)["mean_curves"]
    assert set(compared.curves.groupby("row").share.nunique()) == {4, 5, 6, 7}  # each with steps of its own
    pd.testing.assert_frame_equal(table, compared.mean_curves())
    scores = compared.scores.groupby(["method", "scored_fill", "metric"]).value.mean()
    for which in ("deletion", "insertion"):
        figure = drawing.curves(compared.curves, which, found)
        for axis, fill in zip(figure.axes, ["constant 0", "mean"], strict=True):
            for name, line in zip(found, axis.lines, strict=True):
                own = table[(table.method == name) & (table.scored_fill == fill) & (table.curve == which)]
                np.testing.assert_allclose(line.get_xydata(), own[["share", "value"]])
                area = np.trapezoid(line.get_ydata(), line.get_xdata())
                np.testing.assert_allclose(area, scores[name, fill, which], atol=1e-12)


@pytest.mark.parametrize("metrics", [["spearman"], ["faithfulness"]])
def test_where_no_curve_was_asked_there_is_no_mean(metrics):
    X = np.random.default_rng(0).normal(size=(40, 3))
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, 2.0, 3.0]), px.TabularSpace(X, background=3)
    found = px.explain(["lime", "kernel_shap"], predictor, space, X[:2])
    compared = px.compare(found, predictor, space, metrics=metrics)
    assert len(compared.mean_curves()) == 0 and "mean_curves" not in tables(found, compared)
