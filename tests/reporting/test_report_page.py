"""The page of a report: what it shows, and that no name becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from perturbxai.reporting.page import number, of_results, words, write_page

import perturbxai as px
from perturbxai.reporting.lettering import minus
from perturbxai.reporting.manifest import Folder, facts

HOSTILE = ["<script>alert(1)</script>", '"onmouseover="x', "javascript:alert(1)", "größe <é> 猫 \ud800\x00"]
ELEMENTS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "section", "p", "div"}
ELEMENTS |= {"table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "ul", "li", "a"}
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "scope", "src", "alt", "href"}
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; raises where an end tag closes another element."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.attributes, self.links, self.text = [], set(), set(), [], ""
        self.alts = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("src", "href")]
        self.alts += [value for name, value in attrs if name == "alt"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def compared():
    """Two methods of a table of four columns whose names, outputs and methods are hostile."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=HOSTILE[:3] + ["größe <é> 猫"])
    predictor = px.Predictor(lambda rows: rows.to_numpy() @ np.arange(8.0).reshape(4, 2), outputs=HOSTILE[:2])
    space = px.TabularSpace(X)
    found = px.explain(["lime", "kernel_shap"], predictor, space, X[:1], seed=3)
    named = dict(zip(HOSTILE[:2], found.values(), strict=True))
    return px.compare(named, predictor, space, seed=3)


@pytest.fixture(scope="module")
def folder(compared, tmp_path_factory):
    return px.report(compared, tmp_path_factory.mktemp("page") / "r", config={"note": HOSTILE[0]})


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "index.html").read_text("utf-8"))


def test_no_element_or_attribute_comes_from_a_name(page):
    assert page.elements <= ELEMENTS and page.attributes <= ATTRIBUTES


def test_tags_are_balanced(page):
    assert page.open == []


def test_names_are_shown_as_they_are(page):
    for name in HOSTILE[:2]:
        assert name in page.text


def test_links_lead_to_files_beside_the_page_and_to_all_of_them(page, folder):
    assert all(link.startswith("./") for link in page.links)
    assert {link[2:] for link in page.links} == {path.name for path in folder.iterdir()} - {"index.html"}


def test_every_figure_says_what_it_is(page, folder):
    assert len(page.alts) == len(list(folder.glob("*.png"))) and all(page.alts)


def test_nothing_is_loaded_from_elsewhere(folder):
    assert not re.search(r"https?:|url\(|@import|<script", (folder / "index.html").read_text("utf-8"))


def test_summary_costs_and_facts_are_there(page):
    for told in ("What was explained", "Summary", "Costs", "faithfulness", "How it was made", "numpy", "seeds"):
        assert told in page.text


def test_the_manifest_lists_the_page(folder):
    assert "index.html" in {file["name"] for file in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]}


def test_same_results_give_the_same_bytes(compared, folder, tmp_path):
    again = px.report(compared, tmp_path / "elsewhere", config={"note": HOSTILE[0]})
    assert (again / "index.html").read_bytes() == (folder / "index.html").read_bytes()


def test_attributions_without_a_comparison_have_a_page(compared, tmp_path):
    page = Page((px.report(dict(compared.results), tmp_path) / "index.html").read_text("utf-8"))
    assert page.elements <= ELEMENTS and "prediction" in page.text and "Summary" not in page.text


def test_a_name_that_is_no_unicode_is_written_without_it(compared, tmp_path):
    one = next(iter(compared.results.values()))
    odd = px.Attribution(tuple(replace(e, label=HOSTILE[3]) for e in one), one.meta)

    write_page(Folder(tmp_path), of_results({"lime": odd}, {}), {}, facts({"lime": odd}))
    assert "größe <é> 猫" in Page((tmp_path / "index.html").read_text("utf-8")).text


def test_effects_have_a_page(tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=HOSTILE[:2])
    predictor = px.Predictor(lambda rows: rows.to_numpy().sum(axis=1))
    found = px.effects(["pdp"], predictor, px.TabularSpace(X), X, grid=4)
    page = Page((px.report(found, tmp_path) / "index.html").read_text("utf-8"))
    assert page.elements <= ELEMENTS and page.attributes <= ATTRIBUTES and page.open == []
    assert "importance" in page.text and HOSTILE[0] in page.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "–"),
        (None, "–"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (0.12345, "0.123"),
        (-2.0, minus("-2")),
        (12345, "12,345"),
    ],
)
def test_numbers_have_sensible_digits(value, shown):
    assert number(value) == shown


def test_endless_names_are_cut():
    assert len(words("x" * 10_000)) == 200


def test_the_summary_has_home_beside_away_then_what_the_fill_moves(compared):
    columns = [
        "entropy",
        "srg",
        "srg (home)",
        "insertion",
        "insertion (home)",
        "fill spread",
        "sign kept",
        "rows",
        "seconds",
    ]
    frame = pd.DataFrame([["lime", *range(9)]], columns=["method", *columns])
    summary = of_results(dict(compared.results), {"summary": frame, "costs": compared.costs})[1]
    assert summary.columns == [
        "method",
        "srg",
        "srg (home)",
        "insertion",
        "insertion (home)",
        "fill spread",
        "sign kept",
        "rows",
    ]
    assert list(summary.lines[0]) == ["lime", 1, 2, 3, 4, 5, 6, 7]
    assert "(away)" in summary.note and summary.note.endswith("summary.csv.")
