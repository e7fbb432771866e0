"""Figures of one result: the numbers in the artists are those of the result, names are text, nothing global is touched."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import matplotlib
import numpy as np
import pandas as pd
import pytest
import recorders
from explanations import HOSTILE, one
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import perturbxai as px
from perturbxai.reporting import style
from perturbxai.reporting.lettering import our_fonts
from perturbxai.reporting.style import GREY
from perturbxai.reporting.values import features, one_row

KINDS = ["waterfall", "bars", "beeswarm", "heatmap", "decision"]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def tables():
    space, x = recorders.table(9)
    predictor = px.Predictor(recorders.of_table, outputs=["first", "second"])
    return px.explain(["lime", "kernel_shap", "lime_tabular"], predictor, space, x, budget=45)


@pytest.fixture(scope="module")
def frames():
    """(result, space): a number, a category with a missing value, a date, and a group of two numbers."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=30).round(2),
            "kind": pd.Categorical(rng.choice(["<b>oak</b>", "$elm$"], 30)),
            "day": pd.date_range("2024-01-01", periods=30),
            "u": rng.normal(size=30),
            "v": rng.normal(size=30),
        },
        index=[f"tree {n}" for n in range(30)],
    )
    space = px.TabularSpace(X, groups={"place": ["u", "v"]})
    predictor = px.Predictor(lambda r: r["size"] + (r["kind"] == "$elm$") * r["u"] + r["v"] + r["day"].dt.day)
    return px.explain("kernel_shap", predictor, space, X.iloc[:12])["kernel_shap"], space


@pytest.fixture(scope="module")
def pictures():
    space, x = recorders.pictures(2)
    predictor = px.Predictor(recorders.of_pictures)
    found = px.explain("kernel_shap", predictor, space, x, budget=60) | px.baselines("edges", predictor, space, x)
    return found, space


def labels(axis):
    name = axis.yaxis.get_major_formatter()  # also where the panel beside it shows them
    return [name(place) for place in axis.get_yticks()]


def called(axis):
    """What the lines are called, without what the row has there."""
    return [label.partition(" = ")[0] for label in labels(axis)]


def drawn(figure):
    """The figure as it is seen: everything laid out."""
    FigureCanvasAgg(figure).draw()
    return figure


# ------------------------------------------------------------------------------------------------ waterfall and bars


def test_a_waterfall_leads_from_the_base_to_the_prediction(tables):
    e = tables["kernel_shap"][2]
    axis = px.plot(tables["kernel_shap"], "waterfall", row=2, output="second").axes[0]
    bars = axis.patches
    order = [e.names.index(name) for name in called(axis)]
    np.testing.assert_allclose([bar.get_width() for bar in bars], e.values[order, 1])
    starts, ends = np.array([(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]).T
    np.testing.assert_allclose(ends[0], e.prediction[1])
    np.testing.assert_allclose(starts[:-1], ends[1:])  # each begins where the one below ends
    np.testing.assert_allclose(starts[-1], e.base[1])
    assert (np.diff(np.abs(e.values[order, 1])) <= 0).all()


def test_what_the_values_do_not_sum_to_has_a_bar_of_its_own(tables):
    e = tables["lime"][0]
    axis = px.plot(e, "waterfall", output=0).axes[0]
    assert labels(axis)[-1] == "not explained"
    gap = axis.patches[-1]
    assert gap.get_width() == pytest.approx(e.prediction[0] - e.base[0] - e.values[:, 0].sum())
    assert gap.get_x() == pytest.approx(e.base[0])
    assert to_hex(gap.get_facecolor()) == one_row.NEITHER.lower()
    assert labels(px.plot(tables["kernel_shap"], "waterfall", output=0).axes[0])[-1] != "not explained"


def test_a_feature_called_not_explained_keeps_its_colour(tables):
    e = tables["kernel_shap"][1]
    e = replace(e, names=("not explained", *e.names[1:]))
    axis = px.plot(e, output=0).axes[0]
    assert {to_hex(bar.get_facecolor()).upper() for bar in axis.patches} <= {one_row.FOR, one_row.AGAINST}


def test_features_beyond_the_top_are_summed(tables):
    e = tables["kernel_shap"][2]
    axis = px.plot(e, output=0, top=3).axes[0]
    assert labels(axis)[-1] == "3 other features"
    rest = [p for p, name in enumerate(e.names) if name not in called(axis)]
    assert axis.patches[-1].get_width() == pytest.approx(e.values[rest, 0].sum())
    assert len(labels(px.plot(e, output=0, top=5).axes[0])) == 6  # a single other one is shown itself


def test_a_waterfall_s_whiskers_are_pointwise_intervals_around_the_ends_of_bars(tables):
    e = tables["lime"][1]  # every feature has an error of its own
    axis = px.plot(e, "waterfall", output=0).axes[0]
    (whiskers,) = (c for c in axis.collections if len(c.get_segments()) == 6 and c.get_segments()[0][0, 1] == 0)
    low, high = e.interval()
    for name, bar, line in zip(called(axis), axis.patches, whiskers.get_segments(), strict=False):
        end, half = bar.get_x() + bar.get_width(), (high - low)[e.names.index(name), 0] / 2
        np.testing.assert_allclose(line[:, 0], [end - half, end + half])


def test_bars_have_thick_pointwise_and_thin_simultaneous_whiskers(tables):
    e = tables["lime"][1]
    axis = px.plot(e, "bars", output="first").axes[0]
    order = [e.names.index(name) for name in called(axis)]
    np.testing.assert_allclose([bar.get_width() for bar in axis.patches], e.values[order, 0])
    thin, thick = axis.collections[:2]
    assert thin.get_linewidth()[0] < thick.get_linewidth()[0]
    for lines, simultaneous in ((thin, True), (thick, False)):
        low, high = (end[order, 0] for end in e.interval(simultaneous=simultaneous))
        ends = np.array([segment[:, 0] for segment in lines.get_segments()])
        edges = axis.get_xlim()
        np.testing.assert_allclose(ends, np.clip(np.column_stack([low, high]), *edges))


def test_a_mapping_is_drawn_side_by_side(tables):
    figure = px.plot(tables, row=1, output="first")
    axis = figure.axes[0]
    assert len(axis.patches) == 3 * 6
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["LIME", "KernelSHAP", "tabular LIME"]
    with pytest.raises(ValueError, match=r"kind='waterfall' draws one result, and 3 came"):
        px.plot(tables, "waterfall")


def test_rules_of_tabular_lime_are_its_labels(tables):
    e = tables["lime_tabular"][1]
    shown = called(px.plot(e, "waterfall", output=0).axes[0])
    assert set(shown) - {"not explained"} == set(e.columns["rule"])


# ------------------------------------------------------------------------------------------------ many rows


def test_a_swarm_has_a_point_a_row_at_its_value(tables):
    a = tables["kernel_shap"]
    axis = px.plot(a, output="second").axes[0]
    assert len(axis.collections) == 6
    for name, points in zip(labels(axis), axis.collections, strict=True):
        p = a.names.index(name)
        np.testing.assert_allclose(points.get_offsets()[:, 0], a.values[:, p, 1])
        assert np.abs(points.get_offsets()[:, 1] - labels(axis).index(name)).max() <= 0.4
        codes = np.array([x[p] for x in a.inputs])
        low, high = np.percentile(codes, (5, 95))
        if low < high:
            np.testing.assert_allclose(points.get_array(), np.clip((codes - low) / (high - low), 0, 1))


def test_points_of_one_place_do_not_hide_each_other(tables):
    a = tables["kernel_shap"]
    same = px.Attribution(tuple(replace(a[0], values=a[0].values * 0 + 1) for _ in range(30)), a.meta)
    points = px.plot(same, "beeswarm", output=0).axes[0].collections[0].get_offsets()
    assert len({tuple(place) for place in np.round(points, 6)}) == 30


def test_categories_groups_and_sums_are_grey_where_the_space_is_given(frames):
    result, space = frames
    figure = drawn(px.plot(result, "beeswarm", space=space))
    axis = figure.axes[0]
    for name, points in zip(labels(axis), axis.collections, strict=True):
        grey = {to_hex(c).upper() for c in points.get_facecolors()} == {GREY}
        assert grey == (name in ("kind", "place")), name
    assert "grey: categories, sums" in figure.axes[1].get_ylabel()


def test_without_a_space_groups_leave_no_value_to_colour_by(frames):
    result, _ = frames
    assert np.isnan(features.colours(result.explanations)).all()
    assert len(px.plot(result).axes) == 1  # nor a colour bar


def rows_of(numbers):
    """Explanations of rows of one column, which has these numbers."""
    return [one(1, 1, input=np.array([own])) for own in numbers]


def test_a_rare_value_beside_a_common_one_keeps_its_colour():
    found = features.colours(rows_of([0.0] * 99 + [1.0]))
    assert found[0, 0] == 0.0 and found[99, 0] == 1.0
    assert (features.colours(rows_of([3.0] * 4)) == 0.5).all()
    assert np.isnan(features.colours(rows_of([np.nan] * 4))).all()


def test_a_heat_map_has_rows_by_prediction_and_features_by_size(tables):
    a = tables["kernel_shap"]
    axis = px.plot(a, "heatmap", output="second", top=3).axes[0]
    rows = np.argsort(a.prediction[:, 1], kind="stable")
    order = [a.names.index(name) for name in called(axis)[:3]]
    shown = axis.images[0].get_array()
    np.testing.assert_allclose(shown[:3], a.values[rows][:, order, 1].T)
    others = [p for p in range(6) if p not in order]
    np.testing.assert_allclose(shown[3], a.values[rows][:, others, 1].sum(axis=1))
    low, high = axis.images[0].get_clim()
    assert low == -high
    line = axis.child_axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), np.sort(a.prediction[:, 1]))
    assert [t.get_text() for t in axis.get_xticklabels()] == [str(r) for r in rows]


@pytest.mark.parametrize("method", ["kernel_shap", "lime"])
def test_decision_lines_lead_from_the_base_to_the_prediction(tables, method):
    a = tables[method]
    axis = px.plot(a, "decision", output="first", row=4).axes[0]
    lines = axis.lines[: len(a)]
    shown = labels(axis)
    assert (shown[-1] == "not explained") == (method == "lime")
    order = [a.names.index(name) for name in shown if name != "not explained"]
    for e, line in zip(a, lines, strict=True):
        x = line.get_xdata()
        assert x[0] == pytest.approx(e.prediction[0]) and x[-1] == pytest.approx(e.base[0])
        np.testing.assert_allclose(-np.diff(x)[:6], e.values[order, 0], atol=1e-12)
    assert to_hex(lines[4].get_color()) == "#000000"


def test_an_importance_is_drawn_with_both_its_errors(tables):
    found = px.importance(tables["lime"])
    axis = px.plot(found, output="second").axes[0]
    order = [found.names.index(name) for name in called(axis)]
    np.testing.assert_allclose([bar.get_width() for bar in axis.patches], found.values[order, 1])
    for lines, error in zip(axis.collections, (found.stderr, found.stderr_estimate), strict=True):
        ends = np.array([segment[:, 0] for segment in lines.get_segments()])
        np.testing.assert_allclose(ends[:, 1], (found.values + 1.96 * error)[order, 1], rtol=1e-4)
    np.testing.assert_allclose(axis.lines[0].get_xdata(), found.corrected[order, 1])
    assert len(px.plot(px.importance(tables)).axes) == 3 * 2


# ------------------------------------------------------------------------------------------------ pictures


def test_a_picture_is_shown_beside_its_maps(pictures):
    found, _ = pictures
    result = found["kernel_shap"]
    result = px.Attribution(tuple(replace(e, meta=e.meta | {"segments": "function"}) for e in result), result.meta)
    with pytest.raises(ValueError, match=r"superpixels of this picture .* cannot be told .* give space="):
        px.plot(result)
    figure = px.plot(result, space=pictures[1], row=1)
    photo, *maps, _ = figure.axes
    np.testing.assert_allclose(photo.images[0].get_array(), result[1].input, atol=1e-6)
    assert len(maps) == 2
    for k, axis in enumerate(maps):
        shown = np.asarray(axis.images[0].get_array())
        redness = (shown[..., 0] - shown[..., 2])[::4, ::4][:3, :3].ravel()  # one pixel of each of the 9 superpixels
        strong = np.abs(result[1].values[:, k]) > 0.3 * np.abs(result[1].values[:, k]).max()
        np.testing.assert_array_equal(np.sign(redness[strong]), np.sign(result[1].values[strong, k]))


def test_a_method_s_own_map_is_drawn_where_superpixels_are_not_known(pictures):
    found, _ = pictures
    assert len(px.plot(found["edges"], output=0).axes) == 3


def test_superpixels_made_by_name_are_made_again():
    _, x = recorders.pictures(1)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    result = px.explain("kernel_shap", px.Predictor(recorders.of_pictures), space, x[0], budget=20)["kernel_shap"]
    told, untold = px.plot(result, space=space), px.plot(px.Attribution.from_json(result.to_json()))
    np.testing.assert_array_equal(told.axes[1].images[0].get_array(), untold.axes[1].images[0].get_array())
    elsewhere = replace(result[0], meta=result[0].meta | {"versions": {"scikit-image": "0.1"}})
    with pytest.raises(ValueError, match="give space="):
        px.plot(elsewhere)


@pytest.mark.parametrize("kind", ["beeswarm", "decision"])
def test_superpixels_of_different_pictures_are_not_put_in_one_line(pictures, kind):
    with pytest.raises(ValueError, match=rf"kind='{kind}' needs the same features in all rows, and superpixels"):
        px.plot(pictures[0]["kernel_shap"], kind)


@pytest.mark.parametrize("kind", ["waterfall", "bars"])
def test_one_picture_s_values_can_be_drawn_as_bars(pictures, kind):
    axis = px.plot(pictures[0]["kernel_shap"], kind, row=1, output=0).axes[0]
    assert set(labels(axis)) <= {*pictures[0]["kernel_shap"].names, "not explained"}


# ------------------------------------------------------------------------------------------------ choosing


def test_without_a_kind_rows_choose_it(tables, frames):
    a = tables["kernel_shap"]
    assert len(px.plot(a, output=0).axes[0].collections) == 6  # a swarm
    for figure in (px.plot(a, row=3, output=0), px.plot(a[3], output=0), px.plot(px.Attribution((a[3],)), output=0)):
        assert len(figure.axes[0].patches) == 6  # a waterfall
    found = px.plot(frames[0], row="tree 3").axes[0]
    assert found.patches[0].get_x() + found.patches[0].get_width() == pytest.approx(frames[0][3].prediction[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_output_has_a_panel_with_its_name(tables, kind):
    figure = drawn(px.plot(tables["kernel_shap"], kind))
    panels = figure.axes[:2]
    for name, axis in zip(("first", "second"), panels, strict=True):
        title = axis.child_axes[0].get_title() if kind == "heatmap" else axis.get_title()
        assert title.startswith(name)
    assert panels[0].yaxis.get_tick_params()["labelleft"] and not panels[1].yaxis.get_tick_params()["labelleft"]


@pytest.mark.parametrize("kind", KINDS)
def test_panels_share_their_lines(tables, kind):
    figure = px.plot(tables["lime"], kind)
    assert labels(figure.axes[0]) == labels(figure.axes[1])


def test_of_many_outputs_the_highest_are_drawn_and_the_rest_is_counted(tables):
    a = tables["kernel_shap"][0]
    many = replace(
        a, values=np.tile(a.values, (1, 5)), stderr=np.tile(a.stderr, (1, 5)), critical=np.ones(10), base=np.zeros(10),
        prediction=np.arange(10.0), outputs=tuple(f"class {k}" for k in range(10)),
    )  # fmt: skip
    figure = px.plot(many)
    assert [axis.get_title().split(":")[0] for axis in figure.axes] == [f"class {k}" for k in range(4, 10)]
    assert "4 more not shown" in figure.get_suptitle()


@pytest.mark.parametrize("kind", KINDS)
def test_axes_that_are_given_are_drawn_on_and_returned(tables, kind):
    figure = Figure()
    axis = figure.subplots()
    assert px.plot(tables["lime"], kind, output="second", ax=axis) is axis
    assert axis.has_data()
    with pytest.raises(ValueError, match="ax is one panel, and the result has 2 outputs: say which, output='first'"):
        px.plot(tables["lime"], kind, ax=figure.subplots())


def test_values_stand_beside_names(frames):
    result, space = frames
    e = result[0]
    shown = features.row_labels(e, space)
    value = space.columns.decode(e.input[None]).iloc[0]
    assert shown[0] == f"size = {value['size']:.4g}"
    assert shown[1] == f"kind = {value['kind']}".replace("$", r"\$")
    assert shown[2] == "day = 2024-01-01" and shown[3] == "place"
    assert features.row_labels(e) == shown == features.row_labels(replace(e, teller=None), space)
    assert features.row_labels(replace(e, teller=None)) == ["size", "kind", "day", "place"]  # as of an older file


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "pie"}, "kind='pie' is not known; expected one of 'waterfall', 'bars', 'beeswarm', 'heatmap', 'decision'"),
        ({"output": "third"}, "'third' is not an output of the model; it has 2: 'first', 'second'"),
        ({"output": 2}, "2 is not an output"),
        ({"output": True}, "True is not an output"),
        ({"row": 9}, "row=9 is no row of the result, which has 9"),
        ({"row": -10}, "row=-10 is no row"),
        ({"row": "a"}, "row='a' is the label of 0 rows; the labels are 0, 1, 2"),
        ({"row": 1.5}, "row=1.5 is no row"),
        ({"row": True}, "row=True is no row"),
        ({"row": 1, "kind": "beeswarm"}, "row=1: beeswarm shows all rows"),
        ({"row": 1, "kind": "heatmap"}, "row=1: heatmap shows all rows"),
        ({"top": 0}, "top=0 must be a whole number"),
        ({"top": 2.5}, "top=2.5 must be a whole number"),
    ],
    ids=str,
)
def test_what_is_not_there_is_refused_by_name(tables, options, message):
    with pytest.raises(ValueError, match=message):
        px.plot(tables["kernel_shap"], **options)


@pytest.mark.parametrize("result", [3, "lime", [], {}, {"a": 3}, None])
def test_what_is_no_result_is_refused(result):
    with pytest.raises(TypeError, match="expected an Attribution, an Explanation, an Importance, or a mapping"):
        px.plot(result)


def test_another_space_is_refused(tables, frames, pictures):
    with pytest.raises(ValueError, match=r"space has the features .* but the result has"):
        px.plot(tables["lime"], space=frames[1])
    with pytest.raises(TypeError, match="space is ImageSpace; expected the TabularSpace"):
        px.plot(tables["lime"], space=pictures[1])
    with pytest.raises(TypeError, match="space is TabularSpace; expected the ImageSpace"):
        px.plot(pictures[0]["kernel_shap"], space=frames[1])


@pytest.mark.parametrize("options", [{"kind": "waterfall"}, {"row": 0}])
def test_an_importance_has_no_rows(tables, options):
    with pytest.raises(ValueError, match="an importance is a mean over"):
        px.plot(px.importance(tables["lime"]), **options)


# ------------------------------------------------------------------------------------------------ text and state


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_drawn_as_they_are(tables, kind):
    a = tables["lime"]
    names = (HOSTILE[0], "$x_1$", "two\nlines", r"\$x$", "_hidden", "x" * 90)
    result = px.Attribution(
        tuple(replace(e, names=names, outputs=("$\\frac$", HOSTILE[0]), label="$^\n") for e in a), {"name": "$\\frac{$"}
    )
    figure = drawn(px.plot(result, kind))
    shown = called(figure.axes[0]) if kind in ("waterfall", "bars") else labels(figure.axes[0])
    cut = f"{HOSTILE[0][:9]}…{HOSTILE[0][-9:]}" if kind in ("waterfall", "bars") else HOSTILE[0]
    assert cut in shown and r"\$x_1\$" in shown and "two lines" in shown and " _hidden" in shown
    assert all(len(label) <= 36 for label in shown)
    assert figure._repr_png_().startswith(PNG)


@pytest.mark.parametrize("kind", KINDS)
def test_values_without_size_or_error_are_drawn(tables, kind):
    flat = [
        replace(e, values=e.values * 0, stderr=e.stderr * np.inf, base=e.base * 0, prediction=e.prediction * 0)
        for e in tables["lime"]
    ]
    drawn(px.plot(px.Attribution(tuple(flat)), kind))


def test_one_row_and_one_feature_are_enough_for_every_kind():
    found = px.explain("kernel_shap", px.Predictor(lambda X: X[:, 0]), px.TabularSpace(np.zeros((1, 1))), np.ones((1, 1)))
    for kind in KINDS:
        drawn(px.plot(found["kernel_shap"], kind))


def test_no_global_state_is_touched_and_a_notebook_can_show_the_figure(tables):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    figure = px.plot(tables["lime"])
    assert isinstance(figure, Figure) and figure._repr_png_().startswith(PNG)
    assert dict(matplotlib.rcParams) == before and plt.get_fignums() == []


@pytest.mark.parametrize("kind", ["waterfall", "pictures"])
def test_a_figure_is_saved_as_matplotlib_cuts_it_and_is_then_as_it_was(tables, pictures, kind):
    if kind == "pictures":
        one, other = (px.plot(pictures[0]["kernel_shap"], row=0, space=pictures[1]) for _ in range(2))
    else:
        one, other = (px.plot(tables["lime"], kind, row=0) for _ in range(2))
    engine, dpi, expected, found = one.get_layout_engine(), one.dpi, BytesIO(), BytesIO()
    style.save(one, found)
    with our_fonts(style.FONT):
        other.savefig(expected, format="png", dpi=150, bbox_inches="tight", metadata={})
    assert found.getvalue() == expected.getvalue()
    assert one.get_layout_engine() is engine and one.dpi == dpi


def test_the_user_s_style_does_not_change_the_figure(tables):
    def size():
        return px.plot(tables["lime"], output=0).axes[0].get_yticklabels()[0].get_fontsize()

    usual = size()
    with matplotlib.rc_context({"font.size": 30.0, "axes.facecolor": "black"}):
        assert size() == usual


def test_a_result_that_came_back_from_json_is_drawn_alike(tables):
    again = px.Attribution.from_json(tables["lime_tabular"].to_json())
    for kind in KINDS:
        one, other = (px.plot(each, kind, output="second") for each in (again, tables["lime_tabular"]))
        assert one._repr_png_() == other._repr_png_()
