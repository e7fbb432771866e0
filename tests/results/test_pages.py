"""Results as the text of a CSV file and as a whole page, without a file or into one."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from explanations import HOSTILE, one

import perturbxai as px

X = np.random.default_rng(0).normal(size=(60, 3))
PREDICTOR, SPACE = px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2]), px.TabularSpace(X)


def results():
    found = px.explain(["kernel_shap", "occlusion"], PREDICTOR, SPACE, X[:4])
    a = found["kernel_shap"]
    return {
        "Attribution": a, "Explanation": a[0], "Importance": px.importance(a), "Pick": px.submodular_pick(a, 1),
        "Effect": px.effects("pdp", PREDICTOR, SPACE, X, features=["x0"])["pdp"]["x0"],
        "HStatistic": px.h_statistic(PREDICTOR, SPACE, X), "Comparison": px.compare(found, PREDICTOR, SPACE),
    }  # fmt: skip


RESULTS = results()


class Tags(HTMLParser):
    """Which elements a page opens and closes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attributes)
        if tag not in ("meta", "line", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in ("meta", "line", "rect"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", RESULTS)
def test_without_a_path_a_csv_is_text_and_with_one_the_same_in_a_file(name, tmp_path):
    text = RESULTS[name].to_csv()
    assert RESULTS[name].to_csv(tmp_path / "found.csv") is None
    assert (tmp_path / "found.csv").read_text("utf-8") == text
    read = px.read_csv(io.StringIO(text))
    pd.testing.assert_frame_equal(read, px.read_csv(tmp_path / "found.csv"))
    assert list(read) == list(RESULTS[name].to_frame()) and len(read) == len(RESULTS[name].to_frame())


@pytest.mark.parametrize("name", RESULTS)
def test_a_page_is_whole_and_shows_what_a_notebook_shows(name, tmp_path):
    page = RESULTS[name].to_html(tmp_path / "found.html")
    assert page == RESULTS[name].to_html() == (tmp_path / "found.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>") and f"<title>{name}</title>" in page and RESULTS[name]._repr_html_() in page
    tags = Tags(page)
    assert not tags.open and not tags.seen & {"script", "style", "link", "img", "iframe"}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text_on_a_page(name, tmp_path):
    made = px.Attribution((one(1, 1, names=(name,), outputs=(name,), label=name),), {"name": name})
    page = made.to_html(tmp_path / "found.html")
    assert "<script" not in page and not re.search("[\ud800-\udfff\x00]", page)
    Tags(page)


def test_an_effect_of_hostile_columns_is_text_too():
    frame = pd.DataFrame({"<script>alert(1)</script>": np.arange(20.0), "b": np.arange(20.0)})
    found = px.effects("pdp", px.Predictor(lambda X: X["b"].to_numpy()), px.TabularSpace(frame), frame)["pdp"]
    assert all("<script" not in effect.to_html() for effect in found.values())
