"""Names and numbers in figures: whole, distinct, with a font that has them, and inside; at any scale and of any kind."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from stub_results import comparison

import perturbxai as px
from perturbxai.reporting import figures as drawing
from perturbxai.reporting import lettering
from perturbxai.reporting.fitting import MARGIN, NEAR, fit
from perturbxai.reporting.lettering import number, shortened, text, texts, width
from perturbxai.reporting.style import new_figure

ALIKE = "the mean temperature of the outer wall of reactor number {} measured at noon by the second sensor"
NAMES = {
    "long": [ALIKE.format(n) for n in range(8)],
    "hostile": ["$x_1$", "two\nlines", "_hidden", "", "a^b\\c{", "W" * 60, "W" * 61, "$"],
    "unicode": ["温度" * 20, "温度" * 21, "حرارة الجدار", "🐱" * 40, "\ud800", "e\u0301te\u0301", "x\u202ey", "größe"],
    "sixty": [ALIKE.format(n) for n in range(60)],
}
OUTPUTS = {n: tuple(ALIKE.format(k) for k in range(n)) if n > 1 else ("y",) for n in (1, 3, 20)}
KINDS = ("waterfall", "bars", "beeswarm", "heatmap", "decision")
PAIRS = ("matrix", "network")


@cache
def answered(n_players, n_outputs, scale, method, n_rows):
    """Made-up answers of a known shape, once for all that they are called."""
    rng = np.random.default_rng(0)
    weights, X = rng.normal(size=(n_players, n_outputs)), rng.normal(size=(30, n_players))
    predictor = px.Predictor(lambda rows: scale * (rows @ weights + rows[:, :1] * rows[:, 1:2]))
    found = px.explain(method, predictor, px.TabularSpace(X, background=4), X[:n_rows], budget=150, outputs=range(n_outputs))
    (result,) = found.values()
    return result


def explained(names, outputs, scale=1.0, method="kernel_shap", n_rows=8):
    """Made-up answers, called as is asked."""
    result = answered(len(names), len(outputs), scale, method, n_rows)
    parts = (replace(e, names=tuple(names), outputs=tuple(outputs), label=f"row of {ALIKE.format(e.label)}") for e in result)
    return px.Attribution(tuple(parts), result.meta)


def shown(figure):
    """(text, box) of all that is written, and the figure's own box, once it is laid out. Warnings are errors."""
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
    renderer, hidden = canvas.get_renderer(), set()
    for axes in figure.findobj(matplotlib.axes.Axes):
        for axis in (axes.xaxis, axes.yaxis):
            drawn = set(map(id, axis._update_ticks())) if axes.axison else set()
            ticks = [*axis.majorTicks, *axis.minorTicks]
            hidden |= {id(label) for tick in ticks if id(tick) not in drawn for label in (tick.label1, tick.label2)}
            hidden |= set() if axes.axison else {id(axis.label)}
    words = [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible() and id(one) not in hidden]
    return [(one, one.get_window_extent(renderer)) for one in words], figure.bbox


def check(figure):
    words, (_, _, across, up) = (lambda found: (found[0], found[1].extents))(shown(figure))
    outside = [one.get_text() for one, box in words if box.x0 < -1 or box.y0 < -1 or box.x1 > across + 1 or box.y1 > up + 1]
    assert outside == []
    for axis in figure.axes:
        labels = [label.get_text() for label in axis.get_yticklabels() if label.get_text()]
        assert len(set(labels)) == len(labels) or axis.get_label() == "<colorbar>"
    for legend in figure.legends:
        labels = [label.get_text() for label in legend.get_texts()]
        assert len(set(labels)) == len(labels)


def _words():
    """Every kind with all names, long ones also with many outputs; others with one output, or with three, in turn."""
    for first, kind in enumerate([*KINDS, *PAIRS]):
        for names, outputs in (("long", (1, 20)), ("hostile", (1, 3)), ("unicode", (3, 1))):
            for turn, n in enumerate(outputs, first):
                marks = [pytest.mark.slow] if (names != "long" and turn % 2) or (names == "unicode" and n == 3) else []
                yield pytest.param(kind, names, n, marks=marks)


@pytest.mark.parametrize(("kind", "names", "outputs"), list(_words()))
def test_every_kind_holds_what_is_written_on_it(names, kind, outputs):
    method = "interactions" if kind in PAIRS else "kernel_shap"
    check(px.plot(explained(NAMES[names], OUTPUTS[outputs], method=method), kind))


@pytest.mark.parametrize("scale", [1e-9, pytest.param(1e-5, marks=pytest.mark.slow), 12345.678, 1e9])
@pytest.mark.parametrize("kind", [*KINDS, *PAIRS])
def test_every_kind_holds_numbers_of_any_scale(kind, scale):
    method = "interactions" if kind in PAIRS else "kernel_shap"
    check(px.plot(explained(NAMES["long"], ("y",), scale, method), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_sixty_features_of_equal_heads_and_tails_stay_distinct(kind):
    figure = px.plot(explained(NAMES["sixty"], ("y",), n_rows=3), kind, top=60)
    check(figure)
    assert len(figure.axes[0].get_yticks()) == 60


@pytest.mark.parametrize("n", [2, 9, pytest.param(40, marks=pytest.mark.slow)])
def test_legends_of_many_results_stay_inside(n):
    one = explained(NAMES["hostile"], ("y",), method="lime")
    check(px.plot({f"result of the model that was trained on the {i}th part of the data": one for i in range(n)}))
    compared = comparison(tuple(ALIKE.format(i) for i in range(n)), fills=("blur",), outputs=("cat",))
    check(drawing.curves(compared.curves, "deletion", compared.results))
    check(drawing.bars(compared.results, compared.inputs[0], "blur"))


@pytest.mark.parametrize("scale", [1e-9, pytest.param(1.0, marks=pytest.mark.slow), 12345.678, 1e9])
def test_effects_hold_what_is_written_on_them(scale):
    rng = np.random.default_rng(0)
    a, b, two, kind = NAMES["long"][:4]
    X = pd.DataFrame(rng.normal(size=(120, 4)), columns=[a, b, two, kind])
    X[two] = (X[two] > 0).astype(int)
    X[kind] = pd.Categorical.from_codes(rng.integers(0, 4, 120), NAMES["long"][4:8])
    predictor = px.Predictor(lambda d: scale * (d[a] ** 2 + d[b] * d[two] + (d[kind].cat.codes == 1)))
    space = px.TabularSpace(X, background=5)
    found = px.effects(["pdp", "ice", "ale"], predictor, space, X, features=[a, b, two, kind, (a, b)], grid=6)
    figure = px.plot(found, space=space)
    check(figure)
    names = [axis.get_xlabel() for axis in figure.axes[:4]]
    assert len(set(names)) == 4
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == ["0", "1"]
    levels = [label.get_text() for label in figure.axes[3].get_xticklabels()]
    assert len(set(levels)) == 4


# ------------------------------------------------------------------------------------------------ names

some_names = st.lists(st.text(max_size=60), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(some_names, st.integers(8, 40))
def test_names_that_differ_do_so_when_they_are_cut(names, longest):
    found = shortened(names, longest)
    assert len(set(found)) == len(set(names))
    assert all(0 < width(one) <= longest + 1e-9 and "\n" not in one for one in found)
    assert texts(names, longest) == texts(names, longest)  # the same again, whatever was found of fonts meanwhile


@pytest.mark.parametrize("head", [0, 10, 200])
@pytest.mark.parametrize("tail", [0, 10, 200])
def test_hundreds_of_equal_heads_and_tails_show_what_differs(head, tail):
    names = [f"{'measurement ' * head}{n}{' at noon' * tail}" for n in range(400)]
    found = shortened(names)
    assert len(set(found)) == 400 and all(str(n) in one for n, one in enumerate(found))


@pytest.mark.parametrize("name", ["$a$", r"\$a\$", "$", "$$", "a_1", "a^2", r"\frac{1}{2}", "{", "100 %", "#", "~"])
def test_names_are_no_formulas(name):
    figure = matplotlib.figure.Figure()
    drawn = figure.text(0, 0, text(name))
    plain, is_math = drawn._preprocess_math(drawn.get_text())
    assert plain == name and not is_math


# ------------------------------------------------------------------------------------------------ fonts


def a_font(path, code):
    """A font that has a single sign, a box."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(1000, isTTF=True)
    pen = pytest.importorskip("fontTools.pens.ttGlyphPen").TTGlyphPen(None)
    for n, corner in enumerate([(100, 0), (100, 700), (800, 700), (800, 0)]):
        (pen.moveTo if n == 0 else pen.lineTo)(corner)
    pen.closePath()
    box = pen.glyph()
    builder.setupGlyphOrder([".notdef", "sign"])
    builder.setupCharacterMap({code: "sign"})
    builder.setupGlyf({".notdef": box, "sign": box})
    builder.setupHorizontalMetrics({".notdef": (900, 100), "sign": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Only One", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


SIGN = "\U00013080"  # an Egyptian eye, which no usual font has


@pytest.fixture
def own_fonts(monkeypatch):
    monkeypatch.setattr(lettering, "_fallbacks", [])
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))


@pytest.mark.usefixtures("own_fonts")
def test_a_sign_that_no_font_has_is_told_by_its_number(monkeypatch):
    ours = [one for one in font_manager.fontManager.ttflist if one.name.startswith(("DejaVu", "STIX", "cm", "Last"))]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    assert text(f"a{SIGN}") == "a\\U00013080" and text("\ue000") == "\\ue000"
    assert len({*shortened([SIGN, "\U00013081", "\\U00013080"])}) == 3
    check(px.plot(explained([SIGN, "猫" * 30, "b"], (SIGN * 30,)), "waterfall"))


@pytest.mark.usefixtures("own_fonts")
def test_a_sign_has_the_font_that_has_it(tmp_path):
    a_font(tmp_path / "only.ttf", ord(SIGN))
    font_manager.fontManager.addfont(tmp_path / "only.ttf")
    before = list(matplotlib.rcParams["font.family"])
    figure = px.plot(explained([f"the eye {SIGN}", "b", "c"], (f"{SIGN} seen",)), "waterfall")
    check(figure)
    assert figure.axes[0].get_title().startswith(SIGN) and "Only One" in figure.axes[0].title.get_fontfamily()
    assert f"the eye {SIGN}" in [label.get_text().partition(" = ")[0] for label in figure.axes[0].get_yticklabels()]
    assert list(matplotlib.rcParams["font.family"]) == before
    assert text("plain") == "plain" and list(matplotlib.rcParams["font.family"]) == before


# ------------------------------------------------------------------------------------------------ numbers


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e300, 1e300, allow_subnormal=False), st.integers(2, 7))
def test_numbers_keep_their_significant_digits(value, digits):
    told = float(number(value, digits).replace("\N{MINUS SIGN}", "-"))
    assert abs(told - value) <= 0.5000001 * 10.0 ** (1 - digits) * abs(value)


def test_zero_and_what_is_no_number_are_told():
    assert [number(one) for one in (0, -0.0, np.nan, np.inf, -np.inf)] == ["0", "0", "–", "∞", "−∞"]


def test_small_values_beside_large_ones_are_told():
    e = explained(["a", "b", "c"], ("y",), method="kernel_shap")[0]
    values = np.array([[12345.678], [1e-5], [0.0]])
    e = replace(e, values=values, stderr=values * 0, base=np.zeros(1), prediction=values.sum(axis=0))
    axis = px.plot(e, "waterfall").axes[0]
    assert [words.get_text() for words in axis.texts] == ["+12346", "+1e−5", "0"]
    assert axis.get_title() == "y: base 0, prediction 12346"


# ------------------------------------------------------------------------------------------------ whiskers


def crossed(figure):
    """Numbers that a drawn error bar runs through."""
    words, _ = shown(figure)
    renderer, found = figure.canvas.get_renderer(), []
    for axis in figure.axes:
        numbers = [(one.get_text(), box) for one, box in words if one in axis.texts]
        for lines in axis.collections:
            for path in lines.get_paths() if type(lines).__name__ == "LineCollection" else ():
                ends = lines.get_transform().transform(path.vertices)
                low, high = ends.min(axis=0), ends.max(axis=0)
                clip = axis.get_window_extent(renderer)
                low, high = np.maximum(low, clip.min), np.minimum(high, clip.max)
                found += [told for told, box in numbers if (low < box.max - 1).all() and (high > box.min + 1).all()
                          and lines.get_linewidths()[0] >= 0.75]  # fmt: skip
    return found


@pytest.mark.parametrize("noise", [0.01, 0.3, 3.0, 100.0])
@pytest.mark.parametrize("kind", ["waterfall", "pdp", "pdp, ice, ale"])
def test_whiskers_do_not_strike_through_numbers(kind, noise):
    rng = np.random.default_rng(1)
    if kind == "waterfall":
        e = explained(["a", "b", "c", "d", "e"], ("y",))[0]
        figure = px.plot(replace(e, stderr=noise * rng.random(e.stderr.shape)), "waterfall")
    else:
        X = pd.DataFrame({"kind": rng.choice(list("abcd"), 60), "x": rng.normal(size=60)})
        predictor, space = px.Predictor(lambda d: (d["kind"] == "a") + d["x"]), px.TabularSpace(X)
        found = px.effects(kind.split(", "), predictor, space, X, features=["kind"])
        effects = [replace(one["kind"], stderr=np.full_like(one["kind"].stderr, noise)) for one in found.values()]
        figure = px.plot(effects, space=space)
    assert crossed(figure) == []


# ------------------------------------------------------------------------------------------------ colours of surfaces


@pytest.mark.parametrize("seed", range(3))
def test_colours_of_an_accumulated_surface_are_those_of_cells_with_rows(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=400)
    X = pd.DataFrame({"a": a, "b": a + 0.1 * rng.normal(size=400)})
    predictor, space = px.Predictor(lambda d: d["a"] * d["b"] ** 3), px.TabularSpace(X)
    found = px.effects("ale", predictor, space, X, features=[("a", "b")], grid=12)
    effect = found["ale"]["a", "b"]
    assert effect.extrapolated.any()
    with_rows = [effect.values[i : i + 2, j : j + 2, 0] for i, j in np.argwhere(~effect.extrapolated)]
    axis = px.plot(effect).axes[0]
    (mesh,) = [one for one in axis.collections if type(one).__name__ == "QuadMesh"]
    assert mesh.norm.vmax == -mesh.norm.vmin == pytest.approx(np.abs(with_rows).max())
    assert np.abs(effect.values).max() > mesh.norm.vmax and mesh.colorbar.extend != "neither"


# ------------------------------------------------------------------------------------------------ lines of a title


def lines_of(figure):
    return figure._suptitle.get_text().split("\n")


def least_longest(words, n_lines, long):
    """The longest line of the best way to put words into so many lines, found by trying all of them."""
    ways = (zip((0, *cuts), (*cuts, len(words)), strict=True) for cuts in combinations(range(1, len(words)), n_lines - 1))
    return min(max(long(" ".join(words[low:high])) for low, high in way) for way in ways)


@given(st.lists(st.integers(1, 11), min_size=3, max_size=14), st.floats(2.0, 6.0))
@settings(max_examples=20, deadline=None)
def test_the_lines_of_a_title_are_as_alike_as_they_can_be(lengths, across):
    words = ["mnoprstuvwx"[:n] for n in lengths]
    figure = new_figure(across, 3.0)
    title, room = figure.suptitle(" ".join(words), fontsize=9), across - 2 * MARGIN
    fit(figure)
    lines, renderer = lines_of(figure), FigureCanvasAgg(figure).get_renderer()
    assert " ".join(lines).split() == words

    def long(line):
        title.set_text(line)
        return title.get_window_extent(renderer).width / renderer.dpi

    assert max(map(long, lines)) <= least_longest(words, len(lines), long) + NEAR * room
    if len(lines) > 1:  # fewer had no room
        assert least_longest(words, len(lines) - 1, long) > room


@pytest.mark.parametrize(("n_outputs", "top"), [(1, 2), pytest.param(2, 8, marks=pytest.mark.slow), (3, 2)])
@pytest.mark.parametrize("kind", [*KINDS, *PAIRS])
def test_no_word_of_a_title_stands_alone_below_a_full_line(kind, top, n_outputs):
    method = "interactions" if kind in PAIRS else "kernel_shap"
    result = explained([f"x{n}" for n in range(6)], tuple("abc"[:n_outputs]), method=method)
    lines = lines_of(px.plot(result, kind, top=top))
    assert len(lines) == 1 or len(lines[-1]) > 0.6 * max(map(len, lines))
