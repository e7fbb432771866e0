"""What a notebook shows of a result: bounded, in its own colours, and words from outside stay words."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from explanations import one

import perturbxai as px
from perturbxai.core import wording
from perturbxai.results import notebook

SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT, '"><img src=x onerror=alert(1)>', "</svg><style>*{display:none}</style>", "' onload='alert(1)", "&lt;b&gt;",
    "two\nlines", "$x_1$", "]]>", "<!--", "\x00\x1b[31m", "\ud800", "\u202eesrever", "javascript:alert(1)", "",
]  # fmt: skip
TAGS = {"div", "b", "svg", "g", "title", "text", "rect", "line"}
ATTRIBUTES = {
    "style", "width", "height", "viewBox", "role", "font-size", "fill", "x", "y", "x1", "x2", "y1", "y2", "stroke",
    "stroke-opacity", "text-anchor",
}  # fmt: skip


def tree(result):
    return ET.fromstring(result._repr_html_())


def small(n_rows=1, n_players=3, n_outputs=1, **changes):
    rng = np.random.default_rng(0)
    usual = {
        "values": rng.normal(size=(n_players, n_outputs)),
        "stderr": np.full((n_players, n_outputs), 0.1),
        "names": tuple(f"part {p}" for p in range(n_players)),
    }
    rows = [one(n_players, n_outputs, label=n, **usual | changes) for n in range(n_rows)]
    return px.Attribution(tuple(rows), {"name": "mine"})


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["names", "outputs", "label", "method"])
def test_a_hostile_name_stays_text_wherever_it_stands(name, place):
    changes = {"names": {"names": (name, "b", "c")}, "outputs": {"outputs": (name,)}}.get(place, {})
    result = small(**changes)
    if place == "label":
        result = px.Attribution((px.Explanation(**{**vars(result[0]), "label": name}),), result.meta)
    if place == "method":
        result = px.Attribution(result.explanations, {"name": name})
    root = tree(result)  # well-formed: nothing of a name has become a tag or an attribute
    for element in root.iter():
        assert element.tag in TAGS and set(element.attrib) <= ATTRIBUTES
    shown = re.sub(r"\s+", " ", "".join(root.itertext()))
    expected = " ".join(wording.UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name).split())
    assert expected[:20] in shown
    assert "<script" not in result._repr_html_() and "<img" not in result._repr_html_()


def test_nothing_is_loaded_from_elsewhere():
    assert not re.search(r"https?:|url\(|src=|href=|@import|<style|on\w+=", small()._repr_html_())


def test_the_page_can_be_written_as_utf_8():
    small(names=("\ud800", "b", "c"))._repr_html_().encode("utf-8")


def test_bars_and_whiskers_lie_where_the_numbers_say():
    values, stderr = np.array([[4.0], [-2.0], [1.0]]), np.array([[0.5], [0.25], [0.1]])
    result = small(values=values, stderr=stderr, df=np.inf)
    bars = tree(result).findall(".//rect")
    axis, *whiskers = tree(result).findall(".//line")
    zero = float(axis.get("x1"))
    unit = float(bars[0].get("width")) / 4.0
    for bar, whisker, value, error in zip(bars, whiskers, values[:, 0], stderr[:, 0], strict=True):
        x, width = float(bar.get("x")), float(bar.get("width"))
        assert width == pytest.approx(abs(value) * unit, abs=0.11)  # tenths of a pixel are written
        assert (x if value > 0 else x + width) == pytest.approx(zero, abs=0.11)
        assert float(whisker.get("x1")) == pytest.approx(zero + (value - 1.96 * error) * unit, abs=0.2)
        assert float(whisker.get("x2")) == pytest.approx(zero + (value + 1.96 * error) * unit, abs=0.2)
    assert [bar.get("fill") == notebook.FOR for bar in bars] == [True, False, True]


def test_an_unknown_error_has_no_whisker_and_says_so():
    root = tree(small(stderr=np.full((3, 1), np.inf)))
    assert len(root.findall(".//line")) == 1
    assert all(title.text.endswith("error not known") for title in root.findall(".//title"))


def test_every_bar_says_its_numbers_to_those_who_cannot_see_it():
    root = tree(small(values=np.array([[4.0], [-2.0], [1.0]]), df=np.inf))
    assert root.find(".//title").text == "part 0: 4, 95 % 3.8 to 4.2"
    assert root.find(".//svg").get("role") == "img"


def test_a_large_result_stays_small_and_says_what_is_left_out():
    result = small(n_rows=500, n_players=200, n_outputs=30)
    text = "".join(tree(result).itertext())
    assert len(result._repr_html_()) < 60_000
    assert "and 497 more inputs" in text and "and 192 more features" in text and "and 27 more outputs" in text
    assert "500 inputs, 200 features, 30 outputs" in text


def test_the_largest_values_come_first_and_the_highest_outputs_are_shown():
    values = np.zeros((12, 5))
    values[7] = 3.0
    result = small(1, 12, 5, values=values, prediction=np.array([0.1, 0.9, 0.0, 0.8, 0.7]))
    root = tree(result)
    assert [b.text for b in root.findall(".//b")[1:]] == ["class 1", "class 3", "class 4"]
    assert root.find(".//text").text == "part 7"


def test_colours_come_from_the_notebook_so_that_dark_and_light_can_be_read():
    page = small()._repr_html_()
    assert "color:inherit" in page and "background:transparent" in page
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', page))
    assert colours <= {"currentColor", notebook.FOR, notebook.AGAINST}


@pytest.mark.parametrize("color", [notebook.FOR, notebook.AGAINST])
def test_bars_stand_out_on_white_and_on_black(color):
    def luminance(hexadecimal):
        parts = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for paper in ("#ffffff", "#111111"):
        light, dark = sorted((luminance(color), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 3.0  # WCAG 2.1, graphical objects


@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.full((3, 1), np.nan), np.full((3, 1), 1e300), np.zeros((0, 1))])
def test_values_that_have_no_picture_do_not_break_the_page(values):
    result = small(n_players=len(values), values=values)
    assert "nan" not in "".join(re.findall(r'(?:x1?|width)="([^"]*)"', ET.tostring(tree(result), encoding="unicode")))


def test_an_explanation_shows_itself():
    assert "KernelShap, 1 input" in "".join(tree(small(method=px.KernelShap())[0]).itertext())


def test_showing_a_result_loads_no_plots():
    code = (
        "import sys, numpy as np, perturbxai as px\n"
        "a = px.explain('lime', px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(np.eye(4)), np.ones((1, 4)))\n"
        "a['lime']._repr_html_(); print([m for m in ('matplotlib', 'pandas.plotting', 'PIL') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() in ("[]", "['pandas.plotting']")
