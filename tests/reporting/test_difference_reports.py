"""Figures and pages of two models or groups set against each other."""

from __future__ import annotations

import json
from base64 import b64encode

import numpy as np
import pandas as pd
import pytest
from two_results import attribution

import perturbxai as px

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(20, 5, 2)) * np.array([2.0, 1.0, 0.5, 0.5, 0.2])[:, None]
SHIFT = np.array([0.0, 1.5, 0.0, -0.8, 0.0])[:, None]
OTHER = VALUES + SHIFT + RNG.normal(scale=0.1, size=VALUES.shape)
NAMES = ("before", "after")


@pytest.fixture(scope="module")
def found():
    return px.difference(attribution(VALUES), attribution(OTHER), names=NAMES)


@pytest.fixture(scope="module")
def groups():
    return px.difference(attribution(VALUES[:8]), attribution(OTHER[8:], first=8), names=("<b>young</b>", "old"))


def labels(axis):
    return [tick.get_text() for tick in axis.get_yticklabels()]


def points(axis):
    return [(line.get_xdata()[0], line.get_markerfacecolor() != "white") for line in axis.lines if line.get_marker() == "o"]


@pytest.mark.parametrize("kind", ["means", "sizes"])
def test_a_line_has_both_means_full_where_they_are_beyond_noise(found, kind):
    axis = px.plot(found, kind, output="y1").axes[0]
    frame = found.to_frame().query("output == 'y1'").set_index("feature").loc[labels(axis)]
    a, b, moved = ("mean_a", "mean_b", "moved") if kind == "means" else ("size_a", "size_b", "size_moved")
    expected = [(value, full) for one in frame.itertuples() for value, full in
                ((getattr(one, a), getattr(one, moved)), (getattr(one, b), getattr(one, moved)))]  # fmt: skip
    np.testing.assert_allclose(points(axis), expected)


def test_what_moved_stands_on_top_and_the_interval_lies_around_the_second_point(found):
    axis = px.plot(found, output=0).axes[0]
    assert labels(axis)[:2] == ["x1", "x3"]
    one = found.to_frame().query("output == 'y0' and feature == 'x1'").iloc[0]
    ends = [segments.get_segments()[0][:, 0] for segments in axis.collections[:6]]
    np.testing.assert_allclose(ends[0], one.mean_a + one[["low_simultaneous", "high_simultaneous"]].astype(float))
    np.testing.assert_allclose(ends[5], one.mean_a + one[["low", "high"]].astype(float))


def test_there_is_a_panel_an_output_and_of_many_features_the_leading_ones(found):
    figure = px.plot(found, top=3)
    assert [axis.get_title() for axis in figure.axes] == ["y0", "y1"] and len(labels(figure.axes[0])) == 3
    assert "2 features more" in figure.get_suptitle()
    assert [one.get_text() for one in figure.legends[0].get_texts()] == list(NAMES)


def test_groups_tell_how_many_rows_they_have(groups):
    assert [one.get_text() for one in px.plot(groups).legends[0].get_texts()] == ["<b>young</b> (8 rows)", "old (12 rows)"]


def test_a_single_input_has_its_own_noise_for_values_and_no_ends_for_sizes():
    one = px.difference(attribution(VALUES[:1]), attribution(OTHER[:1]))
    assert "dotted" not in px.plot(one).get_suptitle() and any(full for _, full in points(px.plot(one, output=0).axes[0]))
    assert "dotted: no ends, for a single input" in px.plot(one, "sizes").get_suptitle()


@pytest.mark.parametrize("kind", ["means", "sizes"])
def test_the_interactive_twin_has_the_same_points(found, kind):
    pytest.importorskip("plotly")
    twin = px.plot(found, kind, output="y0", interactive=True)
    drawn = [trace for trace in twin.data if trace.marker.size == 10]
    assert [trace.name for trace in drawn] == list(NAMES)
    np.testing.assert_allclose(
        np.transpose([trace.x for trace in drawn]).ravel(), [x for x, _ in points(px.plot(found, kind, output="y0").axes[0])]
    )
    assert "beyond the noise of all" in drawn[0].hovertext[0]


def test_a_panel_of_the_callers_own_takes_one_output(found):
    from matplotlib.figure import Figure

    axis = Figure().subplots()
    assert px.plot(found, output="y0", ax=axis) is axis
    with pytest.raises(ValueError, match="ax is one panel"):
        px.plot(found, ax=axis)


def test_other_kinds_and_rows_are_refused(found):
    with pytest.raises(ValueError, match="kind='bars' is not known; expected one of 'means', 'sizes'"):
        px.plot(found, "bars")
    with pytest.raises(ValueError, match="row=1: a Difference is drawn whole"):
        px.plot(found, row=1)


def test_a_report_holds_tables_pictures_and_sentences(found, tmp_path):
    px.report(found, tmp_path, about={"question": "What <changed>?"})
    there = {path.name for path in tmp_path.iterdir()}
    pictures = {"difference_means.png", "difference_sizes.png"}
    assert there == {"difference.csv", "difference_rows.csv", *pictures, "index.html", "manifest.json"}
    pd.testing.assert_frame_equal(px.read_csv(tmp_path / "difference.csv"), found.to_frame(), check_dtype=False)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "after is set against before at the same 20 rows, by KernelSHAP for y0." in page
    assert "What &lt;changed&gt;?" in page and "One seed asked both" in page
    methods = json.loads((tmp_path / "manifest.json").read_text("utf-8"))["methods"]
    assert list(methods) == ["kernel_shap, before", "kernel_shap, after"]


def test_a_mapping_of_differences_is_one_report(found, tmp_path):
    px.report({"one": found, "other": found}, tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.count("What differs by more than noise?") == 4  # two, with links
    for name in ("one", "other"):  # each section holds its own
        for kind in ("means", "sizes"):
            assert b64encode((tmp_path / f"difference_{kind}_{name}.png").read_bytes()).decode() in page
    assert page.count("<img") == 4


def test_names_of_any_origin_are_harmless_and_groups_have_no_rows(groups, tmp_path):
    px.report(groups, tmp_path)
    assert "<b>young</b>" not in (tmp_path / "index.html").read_text("utf-8")
    assert not (tmp_path / "difference_rows.csv").exists()


def test_probabilities_are_in_points_on_the_page(tmp_path):
    a, b = (attribution(one / 20, 0.005, scale="probability") for one in (VALUES, OTHER))
    page = px.report(px.difference(a, b), tmp_path).joinpath("index.html").read_text("utf-8")
    assert "percentage points" in page and " points" in page


def test_targets_are_of_no_difference(found, tmp_path):
    with pytest.raises(ValueError, match="a Difference is of two results"):
        px.report(found, tmp_path / "none", targets=[1])
    assert not (tmp_path / "none").exists()
