"""An interactive figure has the numbers, the words and the order of the one that matplotlib draws, and tells them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import recorders
from explanations import HOSTILE, one
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from plotly_figures import about, every_text, heads, names, numbers, read, told, traces

import perturbxai as px
from perturbxai.core import extras
from perturbxai.reporting.interactive.words import escaped
from perturbxai.reporting.lettering import plain, text

go = pytest.importorskip("plotly.graph_objects")
KINDS = ["waterfall", "bars", "beeswarm", "heatmap", "decision", "scatter", "matrix"]


@pytest.fixture(scope="module")
def tables():
    """Name -> Attribution of nine rows of six columns, two outputs."""
    space, x = recorders.table(9)
    predictor = px.Predictor(recorders.of_table, outputs=["first", "second"])
    found = px.explain(["lime", "kernel_shap"], predictor, space, x, budget=45)
    return found | px.explain("interactions", predictor, space, x, budget=64)


@pytest.fixture(scope="module")
def shap(tables):
    return tables["kernel_shap"]


def both(result, *given, **options):
    """(matplotlib's figure, plotly's) of one call."""
    drawn = px.plot(result, *given, **options)
    twin = px.plot(result, *given, interactive=True, **options)
    assert isinstance(drawn, Figure) and isinstance(twin, go.Figure)
    assert about(twin) == " ".join(plain(drawn.get_suptitle()).split())
    return drawn, twin


def labels(axis):
    name = axis.yaxis.get_major_formatter()
    return [plain(name(place)) for place in axis.get_yticks()]


def segments(axis, width):
    """The ends (n, 2) of level lines of a width."""
    found = [one for one in axis.collections if hasattr(one, "get_segments") and np.allclose(one.get_linewidths(), width)]
    return np.concatenate([np.asarray(one.get_segments())[:, :, 0] for one in found])


# ------------------------------------------------------------------------------------------------ one row


def test_a_waterfall_has_the_bars_of_its_twin(shap):
    drawn, twin = both(shap, "waterfall", row=2, output="second", top=4)
    (bars,) = traces(twin, "bar")
    patches = drawn.axes[0].patches
    np.testing.assert_allclose(numbers(bars["x"]), [bar.get_width() for bar in patches])
    np.testing.assert_allclose(numbers(bars["base"]), [bar.get_x() for bar in patches])
    assert bars["marker"]["color"] == [to_hex(bar.get_facecolor()).upper() for bar in patches]
    assert names(twin) == labels(drawn.axes[0]) and heads(twin) == [drawn.axes[0].get_title()]


def test_a_waterfall_tells_values_errors_and_the_way(shap):
    low, high = (end[:, 1] for end in shap[1].interval())
    figure = px.plot(shap, "waterfall", row=1, output="second", interactive=True)
    (bars,), (ends,) = traces(figure, "bar"), [t for t in traces(figure) if "error_x" in t]
    shown, order = numbers(ends["error_x"]["array"]), [shap.names.index(name.partition(" = ")[0]) for name in names(figure)]
    assert np.isfinite(shown).all()
    np.testing.assert_allclose(shown, (high - low)[order] / 2)
    words = read(bars["hovertext"][0])
    first = names(figure)[0].partition(" = ")[0]
    assert words.startswith(f"{first} = ") and "(95 %) output from" in words and words.endswith("row 1")


@pytest.mark.parametrize("several", [False, True], ids=["one method", "several"])
def test_bars_have_the_values_and_both_intervals_of_their_twin(tables, several):
    result = {name: tables[name] for name in ("lime", "kernel_shap")} if several else tables["kernel_shap"]
    drawn, twin = both(result, "bars", row=1)
    bars, thick = traces(twin, "bar"), [t for t in traces(twin, "scatter") if "error_x" in t]
    assert len(bars) == len(thick) == (4 if several else 2)
    widths = [bar.get_width() for axis in drawn.axes for bar in axis.patches]
    np.testing.assert_allclose(np.concatenate([numbers(bar["x"]) for bar in bars]), widths)
    place = [bar.get_y() + bar.get_height() / 2 for axis in drawn.axes for bar in axis.patches]
    np.testing.assert_allclose(np.concatenate([numbers(bar["y"]) for bar in bars]), place)
    ends = segments(drawn.axes[0], 1.6)
    inside = np.ptp(ends, axis=1) / 2
    of_first = thick[: len(thick) // 2]
    half = np.concatenate([numbers(one["error_x"]["array"]) for one in of_first])
    np.testing.assert_allclose(np.sort(half[np.isfinite(half)]), np.sort(inside[inside > 0]), rtol=1e-6)
    assert names(twin) == labels(drawn.axes[0])
    legend = [read(bar["name"]) for bar in bars if bar["showlegend"]]
    assert legend == (["LIME", "KernelSHAP"] if several else [])


def test_a_click_on_the_legend_takes_a_method_with_its_errors(tables):
    twin = px.plot({name: tables[name] for name in ("lime", "kernel_shap")}, "bars", interactive=True)
    groups = [trace["legendgroup"] for trace in traces(twin)]
    assert sorted(groups) == ["0"] * 4 + ["1"] * 4  # bars and thick errors in two panels


def test_a_matrix_has_the_pairs_and_the_own_values(tables):
    drawn, twin = both(tables["interactions"], "matrix", row=1, output="first")
    (pairs,), (own,) = traces(twin, "heatmap"), traces(twin, "bar")
    seen = drawn.axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_allclose([numbers(line) for line in pairs["z"]], seen)
    beside = next(iter(drawn.axes[0].child_axes))
    np.testing.assert_allclose(numbers(own["x"]), [bar.get_width() for bar in beside.patches])
    assert twin.layout.coloraxis.cmin == -twin.layout.coloraxis.cmax == drawn.axes[0].images[0].norm.vmin
    assert {word for line in pairs["text"] for word in line} - {""} == {word.get_text() for word in drawn.axes[0].texts}


# ------------------------------------------------------------------------------------------------ many rows


def test_a_swarm_has_a_point_a_row_where_its_twin_has_it(shap):
    drawn, twin = both(shap, "beeswarm", output="first", top=3)
    points = np.concatenate([np.asarray(one.get_offsets()) for one in drawn.axes[0].collections])
    found = np.concatenate([np.column_stack([numbers(t["x"]), numbers(t["y"])]) for t in traces(twin, "scatter")])
    np.testing.assert_allclose(found[np.lexsort(found.T)], points[np.lexsort(points.T)])
    assert names(twin) == labels(drawn.axes[0])
    assert any(words.startswith(f"{names(twin)[0]} = ") and "row 3" in words for words in told(twin))


def test_a_swarm_of_many_rows_is_drawn_by_webgl(shap):
    many = px.Attribution(tuple(replace(shap[n % 9], label=n) for n in range(800)))
    assert traces(px.plot(many, "beeswarm", output="first", interactive=True), "scattergl")
    assert not traces(px.plot(shap, "beeswarm", interactive=True), "scattergl")


def test_a_heat_map_has_rows_by_prediction_and_colours_around_zero(shap):
    drawn, twin = both(shap, "heatmap", top=3)
    maps = traces(twin, "heatmap")
    for axis, found in zip(drawn.axes, maps, strict=False):
        np.testing.assert_allclose([numbers(line) for line in found["z"]], axis.images[0].get_array())
    assert twin.layout.coloraxis.cmin == -twin.layout.coloraxis.cmax == drawn.axes[0].images[0].norm.vmin
    assert [read(one) for one in twin.layout.xaxis3.ticktext] == [one.get_text() for one in drawn.axes[0].get_xticklabels()]


def test_decision_lines_go_from_base_to_prediction(shap):
    drawn, twin = both(shap, "decision", row=4, output="first", top=3)
    lines = [one for one in drawn.axes[0].lines if len(one.get_xdata()) > 2]
    found = np.concatenate([numbers(t["x"])[:-1] for t in traces(twin, "scatter")]).reshape(len(lines), -1)
    expected = np.array([one.get_xdata() for one in lines])
    np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])
    (strong,) = [t for t in traces(twin, "scatter") if t["line"]["color"] == "black"]
    assert numbers(strong["x"])[0] == pytest.approx(shap.prediction[4, 0])
    assert numbers(strong["x"])[-2] == pytest.approx(shap.base[4, 0])


def test_a_scatter_has_rows_errors_and_the_partner(shap):
    drawn, twin = both(shap, "scatter", feature=1, output="second")
    at = np.asarray(next(one for one in drawn.axes[0].collections if not hasattr(one, "get_segments")).get_offsets())
    found = np.concatenate([np.column_stack([numbers(t["x"]), numbers(t["y"])]) for t in traces(twin, "scatter")])
    np.testing.assert_allclose(found[np.lexsort(found.T)], at[np.lexsort(at.T)])
    low, high = (end[:, 1, 1] for end in shap.interval())
    half = np.concatenate([numbers(t["error_y"]["array"]) for t in traces(twin, "scatter")])
    known = high - low > 1e-9 * np.abs(shap.values[:, 1, 1]).max()  # rows that all coalitions were asked of have none
    np.testing.assert_allclose(np.sort(half[np.isfinite(half)]), np.sort((high - low)[known] / 2), rtol=1e-6)
    assert list(twin.layout.yaxis.range) == pytest.approx(drawn.axes[0].get_ylim())
    assert (
        all(words.startswith("x1 = ") for words in told(twin)) and sum("±" in words for words in told(twin)) == known.sum()
    )


@pytest.mark.parametrize("by", [None, ["a"] * 4 + ["b"] * 5], ids=["methods", "groups"])
def test_importances_have_bars_errors_and_diamonds(tables, by):
    found = px.importance(tables["lime"], by=by) if by else px.importance({n: tables[n] for n in ("lime", "kernel_shap")})
    drawn, twin = both(found)
    widths = [bar.get_width() for axis in drawn.axes for bar in axis.patches]
    np.testing.assert_allclose(np.concatenate([numbers(bar["x"]) for bar in traces(twin, "bar")]), widths)
    marks = [line.get_xdata() for axis in drawn.axes for line in axis.lines if line.get_marker() == "D"]
    diamonds = [numbers(t["x"]) for t in traces(twin, "scatter") if t["marker"].get("symbol") == "diamond"]
    np.testing.assert_allclose(diamonds, marks)
    assert all((numbers(bar["x"]) - numbers(bar["error_x"]["arrayminus"]) >= 0).all() for bar in traces(twin, "bar"))
    assert heads(twin) == [axis.get_title() for axis in drawn.axes]
    legend = [read(bar["name"]) for bar in traces(twin, "bar") if bar["showlegend"]]
    assert legend == (["a (4 rows)", "b (5 rows)"] if by else [])


# ------------------------------------------------------------------------------------------------ words and refusals


def test_a_name_is_escaped_in_one_place_and_means_itself():
    for name in (*HOSTILE, '<a href="javascript:x">y</a>', "%{x}", "<br>", "&lt;", "a\u202eb"):
        shown = escaped(name)
        assert not set('<>$%{}"') & set(shown) and shown.isprintable()
        assert read(shown) == " ".join("".join(s if s.isprintable() else " " for s in name).split())
        assert plain(text(name, 99)) == plain(text(plain(text(name, 99)), 99))


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_reach_plotly_as_text(kind):
    rng = np.random.default_rng(0)
    extra = {"interactions": np.zeros((8, 8, 2)), "interactions_stderr": np.ones((8, 8, 2))}
    rows = [one(8, outputs=("<b>1</b>", "$2$ %{x}"), label=f"<i>{n}</i>", **extra) for n in range(3)]
    result = px.Attribution(tuple(replace(e, values=rng.normal(size=(8, 2)), input=rng.normal(size=8)) for e in rows))
    if kind == "scatter":  # which needs to know what rows have
        space, x = recorders.table(9)
        result = px.explain("kernel_shap", px.Predictor(recorders.of_table, outputs=["<b>1</b>", "$2$ %{x}"]), space, x)
        result = result["kernel_shap"]
    figure = px.plot(result, kind, interactive=True)
    words = every_text(json.loads(figure.to_json()))
    assert any("&#60;" in one for one in words) and any("&#36;" in one for one in words)
    ours = (one.replace("<br>", "").replace("%{text}", "") for one in words)
    assert not [one for one in ours if "<" in one or "$" in one or "%{" in one]


def test_errors_that_are_not_known_draw_no_bar_and_json_holds_no_nan():
    result = px.Attribution(tuple(one(3, values=np.ones((3, 2)), label=n) for n in range(2)))  # errors are infinite
    for kind in ("waterfall", "bars"):
        figure = px.plot(result, kind, interactive=True)
        errors = [t["error_x"]["array"] for t in traces(figure) if "error_x" in t]
        assert errors and all(value is None for one in errors for value in one)
        assert "NaN" not in figure.to_json() and "Infinity" not in figure.to_json()


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (("pie",), {}),
        (("waterfall",), {"row": 99}),
        (("waterfall",), {"row": "no such"}),
        (("beeswarm",), {"row": 1}),
        (("bars",), {"output": "third"}),
        (("bars",), {"feature": 0}),
        (("scatter",), {"feature": "no such"}),
        (("matrix",), {}),
        ((), {"top": 0}),
        ((), {"space": px.ImageSpace()}),
    ],
    ids=str,
)
def test_what_the_static_figure_refuses_is_refused_in_the_same_words(shap, given, options):
    with pytest.raises((TypeError, ValueError, KeyError)) as static:
        px.plot(shap, *given, **options)
    with pytest.raises(type(static.value)) as twin:
        px.plot(shap, *given, interactive=True, **options)
    assert str(twin.value) == str(static.value)


def test_several_results_are_drawn_as_bars_alone(tables):
    with pytest.raises(ValueError, match="draws one result, and 3 came"):
        px.plot(tables, "waterfall", interactive=True)


def test_matplotlib_axes_are_refused(shap):
    with pytest.raises(ValueError, match="ax is matplotlib's"):
        px.plot(shap, "bars", output=0, ax=Figure().subplots(), interactive=True)


def test_what_is_neither_true_nor_false_is_refused(shap):
    with pytest.raises(ValueError, match="interactive='yes' must be True or False"):
        px.plot(shap, interactive="yes")


def test_a_kind_without_a_twin_says_which_have_one(tables):
    with pytest.raises(ValueError, match=r"kind='network' has no interactive figure; waterfall, bars, .* have one"):
        px.plot(tables["interactions"], "network", interactive=True)


def test_without_plotly_the_extra_is_named_before_anything_is_chosen(shap, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'pip install "perturbxai\[interactive\]"'):
        px.plot(shap, "pie", interactive=True)
    assert isinstance(px.plot(shap, "bars"), Figure)
