"""Figures and pages of methods set against one of them."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import stub_results

import perturbxai as px

RNG = np.random.default_rng(0)
BASE = RNG.normal(0.5, 0.2, size=8)


def compared(names=("lime", "kernel_shap", "random", "grad_cam"), n=8):
    """A comparison of made-up scores at n rows."""
    results = {name: stub_results.result(name, outputs=("y",), n_rows=n) for name in names}
    for one in results.values():
        one.meta["space"] = "table"
    lines = [
        {"method": name, "row": row, "output": "y", "metric": "srg", "explained_fill": "background",
         "scored_fill": "background", "home": True, "value": BASE[row] - 0.1 * m + RNG.normal(scale=0.03),
         "test_set": "none"}
        for m, name in enumerate(names) for row in range(n)
    ]  # fmt: skip
    costs = pd.DataFrame({"method": list(names), "rows": 40, "seconds": 0.5, "rows_shared_with": ""})
    pairs = pd.DataFrame(columns=["method_a", "method_b", "row", "output", "metric", "value"])
    steps = pd.DataFrame(columns=["method", "row", "output", "scored_fill", "curve", "share", "value"])
    return px.Comparison(pd.DataFrame(lines), pairs, costs, pd.DataFrame(), steps, results, [None] * n, {"seed": 0})


@pytest.fixture(scope="module")
def found():
    return compared().versus("grad_cam")


def labels(axis):
    return [tick.get_text() for tick in axis.get_yticklabels()]


def test_a_forest_has_a_line_a_method_those_that_were_tested_first_and_full(found):
    axis = px.plot(found).axes[0]
    assert labels(axis) == ["LIME", "KernelSHAP", "random"]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, False, True]
    table = found.table.set_index("method")
    np.testing.assert_allclose([line.get_xdata()[0] for line in points], table.difference[["lime", "kernel_shap", "random"]])
    ends = axis.collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(ends, table.loc["lime", ["low", "high"]].astype(float))
    np.testing.assert_allclose(axis.patches[0].get_width(), 2 * table.detectable["lime"])


def test_the_margin_is_drawn_and_has_room_on_the_axis():
    wide = compared().versus("grad_cam", margin=0.9)
    figure = px.plot(wide)
    axis = figure.axes[0]
    dashed = [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == "--"]
    assert dashed == [-0.9, 0.9] and axis.get_xlim()[0] < -0.9 and axis.get_xlim()[1] > 0.9
    assert (
        "dashed: the margin" in figure.get_suptitle()
        and "dashed" not in px.plot(compared().versus("grad_cam")).get_suptitle()
    )


def test_the_interactive_forest_draws_the_margin_too():
    pytest.importorskip("plotly")
    traces = px.plot(compared().versus("grad_cam", margin=0.9), interactive=True).select_traces({"mode": "lines"})
    assert [trace.x[0] for trace in traces if trace.line.dash == "dash"] == [-0.9, 0.9]


def test_a_forest_of_few_inputs_is_dotted_and_says_so():
    figure = px.plot(compared(n=3).versus("grad_cam"))
    assert "dotted: an interval without ends" in figure.get_suptitle()


def test_ranks_have_the_best_on_top_and_are_told_to_be_a_picture_only(found):
    figure = px.plot(found, "ranks")
    assert labels(figure.axes[0])[0] == "LIME"
    assert "a picture only" in figure.get_suptitle().replace("\n", " ")


@pytest.mark.parametrize("kind", ["forest", "ranks"])
def test_both_have_an_interactive_twin_with_the_same_points(found, kind):
    pytest.importorskip("plotly")
    drawn = px.plot(found, kind).axes[0]
    points = [line.get_xdata()[0] for line in drawn.lines if line.get_marker() == "o"]
    twin = [trace.x[0] for trace in px.plot(found, kind, interactive=True).data if getattr(trace, "mode", "") == "markers"]
    np.testing.assert_allclose(twin, points)


def test_other_kinds_rows_and_outputs_are_refused(found):
    with pytest.raises(ValueError, match="take forest or ranks"):
        px.plot(found, "bars")
    with pytest.raises(ValueError, match="row=1"):
        px.plot(found, row=1)
    with pytest.raises(ValueError, match="output='y'"):
        px.plot(found, output="y")
    with pytest.raises(ValueError, match="needs three methods"):
        px.plot(compared(("lime", "cam")).versus("cam"), "ranks")


def test_a_report_holds_the_table_the_figures_and_the_sentences(found, tmp_path):
    px.report(found, tmp_path, about={"question": "Which is <better>?"})
    assert {"versus.csv", "forest.png", "ranks.png", "index.html", "manifest.json"} <= {p.name for p in tmp_path.iterdir()}
    pd.testing.assert_frame_equal(px.read_csv(tmp_path / "versus.csv"), found.table, check_exact=False)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "LIME scores better than Grad-CAM at 8 rows" in page
    for name in ("forest", "ranks"):  # the page holds all that it shows
        assert b64encode((tmp_path / f"{name}.png").read_bytes()).decode() in page
    assert "Which is &lt;better&gt;?" in page
    assert "kernel_shap" in json.loads((tmp_path / "manifest.json").read_text("utf-8"))["methods"]


def test_targets_are_of_no_versus(found, tmp_path):
    with pytest.raises(ValueError, match="a Versus is of methods"):
        px.report(found, tmp_path / "none", targets=[1])
    assert not (tmp_path / "none").exists()


def test_the_page_of_a_comparison_tells_who_is_better_than_its_cam(tmp_path):
    page = px.report(compared(), tmp_path).joinpath("index.html").read_text("utf-8")
    assert "against Grad-CAM: a mean difference of" in page
    few = px.report(compared(n=4), tmp_path).joinpath("index.html").read_text("utf-8")
    none = px.report(compared(("lime", "random")), tmp_path).joinpath("index.html").read_text("utf-8")
    assert "against Grad-CAM" not in few + none


def test_names_of_any_origin_are_harmless_on_the_page(found, tmp_path):
    odd = "<b>mine</b>"
    results = {odd if name == "random" else name: one for name, one in found.results.items()}
    table = found.table.assign(method=found.table.method.replace("random", odd))
    px.report(replace(found, results=results, table=table, methods=tuple(results)), tmp_path)
    assert odd not in (tmp_path / "index.html").read_text("utf-8")
