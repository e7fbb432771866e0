"""The page of a report: what it shows, and that no name becomes markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.reporting.html.charts.overlay import stack
from perturbxai.reporting.html.compared_section import headline_columns
from perturbxai.reporting.html.ending import Told
from perturbxai.reporting.html.markup import words
from perturbxai.reporting.html.numbers import number
from perturbxai.reporting.html.pages import results_page
from perturbxai.reporting.html.sections import Page as PageParts
from perturbxai.reporting.html.writing import written
from perturbxai.reporting.lettering import minus
from perturbxai.reporting.manifest import facts
from perturbxai.reporting.scores_away import score_in_words

HOSTILE = ["<script>alert(1)</script>", '"onmouseover="x', "javascript:alert(1)", "größe <é> 猫 \ud800\x00"]
TAGS = (
    "html head meta title style script noscript body header nav main section footer h1 h2 h3 p div span b i "
    "bdi br wbr a ul li dl dt dd details summary table caption thead tbody tr th td figure figcaption fieldset "
    "legend input label svg g defs path rect image use text"
)
ELEMENTS = set(TAGS.split())
NAMES = (
    "lang charset name content class scope href id for type checked title open http-equiv hidden role tabindex "
    "colspan autocomplete d x y width height viewbox preserveaspectratio focusable font-size stroke-width min max value "
    "step"
)
ATTRIBUTES = set(NAMES.split())
VOID = {"meta", "input", "br", "wbr"}


def told(attributes):
    """Attributes without those that are only data or said to those who listen."""
    return {name for name in attributes if not name.startswith(("data-", "aria-"))}


class Page(HTMLParser):
    """Elements, attributes and text of a page; raises where an end tag closes another element."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.attributes, self.links, self.text = [], set(), set(), [], ""
        self.labels = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("src", "href") and not value.startswith(("#", "data:"))]
        self.labels += [dict(attrs).get("aria-label") for _ in attrs[:1] if dict(attrs).get("role") == "img"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

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
    assert page.elements <= ELEMENTS and told(page.attributes) <= ATTRIBUTES


def test_tags_are_balanced(page):
    assert page.open == []


def test_names_are_shown_as_they_are(page):
    for name in HOSTILE[:2]:
        assert name in page.text


def test_links_lead_to_files_beside_the_page_and_to_all_of_them(page, folder):
    assert all(link.startswith("./") for link in page.links)
    assert {link[2:] for link in page.links} == {path.name for path in folder.iterdir()} - {"index.html"}


def test_every_picture_says_what_it_shows(page):
    assert page.labels and all(page.labels)


def test_nothing_is_loaded_from_elsewhere(folder):
    text = (folder / "index.html").read_text("utf-8")
    assert not re.search(r"(https?:)?//\w|url\(|@import|<link|srcset", text.partition("<body")[2].partition("<script>")[0])
    assert not re.search(r"fetch\(|XMLHttp|import\(|eval\(|innerHTML|insertAdjacentHTML", text)


def test_only_the_style_and_script_that_are_named_may_run(folder):
    text = (folder / "index.html").read_text("utf-8")
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1])
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'" and allowed["img-src"] == "data:" and "unsafe" not in policy
    for tag, source in (("style", "style-src"), ("script", "script-src")):
        inner = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inner]
        assert allowed[source].split() == [f"'sha256-{one}'" for one in digests]


def test_summary_costs_and_facts_are_there(page):
    for said in (
        "What was found",
        "Scores",
        "What it cost",
        "foretells answers",
        "How it was made",
        "numpy",
        "seed",
    ):
        assert said in page.text


def test_the_manifest_lists_the_page(folder):
    assert "index.html" in {file["name"] for file in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]}


def test_same_results_give_the_same_bytes(compared, folder, tmp_path):
    again = px.report(compared, tmp_path / "elsewhere", config={"note": HOSTILE[0]})
    assert (again / "index.html").read_bytes() == (folder / "index.html").read_bytes()


@pytest.fixture(scope="module")
def of_photos():
    """Photos cut into four where five were aimed at, scored under two seeds and by where the evidence lies."""
    labels = np.indices((12, 12))[1] // 3
    predictor = px.Predictor(lambda pictures: np.asarray(pictures).mean(axis=(1, 2, 3))[:, None] ** 3)
    space = px.ImageSpace(segments="grid", n_segments=5, fill=0.0)
    photos = list(np.random.default_rng(0).uniform(0.2, 1.0, size=(3, 12, 12, 1)).astype(np.float32))
    found = px.explain(
        ["permutation_shap", "inclusion"], predictor, space, photos, budget=8
    )  # of 16: the walk differs by seed
    metrics = ["srg", "energy_pointing_game", "seed_stability"]
    return px.compare(found, predictor, space, metrics=metrics, masks=labels < 2, seeds=3)


def test_metrics_that_were_asked_for_by_name_are_on_the_page(of_photos, tmp_path):
    text = Page((px.report(of_photos, tmp_path) / "index.html").read_text("utf-8")).text
    assert "energy pointing game" in text and "seed stability" in text
    assert "energy_pointing_game" not in text.partition("Files beside")[0]
    assert "insertion less deletion (home)" in text and "energy pointing game (home)" not in text  # no fill enters it
    assert "Masks cover 50\N{NO-BREAK SPACE}% of a picture on average" in text


def test_a_map_s_score_stands_below_it_however_the_gain_was_asked_for(of_photos):
    which = ("inclusion", of_photos.scores.row[0], of_photos.scores.output[0])
    gain = of_photos.scores[(of_photos.scores.metric == "srg") & (of_photos.scores.method == which[0])]
    gain = gain[gain.row == which[1]]
    seeds = pd.concat([gain, gain.assign(seed=5)])
    both = pd.concat(
        [seeds.assign(metric="insertion", value=seeds.value + 0.25), seeds.assign(metric="deletion", value=0.25)]
    )
    told = score_in_words(of_photos.scores, *which)
    assert told == f"home +{gain.value.item():.3g}" == score_in_words(seeds, *which) == score_in_words(both, *which)
    assert score_in_words(both[both.metric == "insertion"], *which) == ""


def test_scores_under_other_seeds_are_on_the_page(of_photos, tmp_path):
    text = Page((px.report(of_photos, tmp_path) / "index.html").read_text("utf-8")).text
    assert "Under other seeds" in text and "under 3 seeds: the standard deviation" in text
    assert (
        "Under other seeds"
        not in Page((px.report(replace(of_photos, call={}), tmp_path / "b") / "index.html").read_text("utf-8")).text
    )


@pytest.mark.parametrize("side", [8, 28, 224])
def test_the_dark_around_a_region_s_number_is_in_proportion_to_it_on_pictures_of_any_size(side):
    labels = np.indices((side, side))[1] * 4 // side
    drawn = str(stack((side, side), "p0", [], "a photo", labels))
    size, halo = (float(re.search(rf'{what}="([\d.]+)"', drawn)[1]) for what in ("font-size", "stroke-width"))
    assert halo < 0.3 * size < 0.3 * side / 4


def test_how_many_superpixels_were_aimed_at_is_told_where_there_are_others(of_photos, tmp_path):
    text = Page((px.report(of_photos, tmp_path) / "index.html").read_text("utf-8")).text
    parts = len(of_photos.results["inclusion"][0].names)
    assert parts != 5 and f"{parts} regions each (5 were aimed at)" in text


def test_attributions_without_a_comparison_have_a_page(compared, tmp_path):
    page = Page((px.report(dict(compared.results), tmp_path) / "index.html").read_text("utf-8"))
    assert page.elements <= ELEMENTS and "prediction" in page.text and "Scores" not in page.text


def test_a_name_that_is_no_unicode_is_written_without_it(compared):
    one = next(iter(compared.results.values()))
    odd = px.Attribution(tuple(replace(e, label=HOSTILE[3]) for e in one), one.meta)
    assert "größe <é> 猫" in Page(results_page({"lime": odd}, None, {}, Told(facts({"lime": odd}), []))).text


def test_effects_have_a_page(tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=HOSTILE[:2])
    predictor = px.Predictor(lambda rows: rows.to_numpy().sum(axis=1))
    found = px.effects(["pdp"], predictor, px.TabularSpace(X), X, grid=4)
    page = Page((px.report(found, tmp_path) / "index.html").read_text("utf-8"))
    assert page.elements <= ELEMENTS and told(page.attributes) <= ATTRIBUTES and page.open == []
    assert "What matters most" in page.text and HOSTILE[0] in page.text


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


def test_the_summary_has_home_beside_away_then_what_the_fill_moves():
    own = ["entropy", "srg", "srg (home)", "insertion", "insertion (home)", "fill spread", "sign kept", "rows", "seconds"]
    shown, note = headline_columns(pd.DataFrame([["lime", *range(9)]], columns=["method", *own]), {})
    assert shown == ["srg", "srg (home)", "insertion", "insertion (home)", "fill spread", "sign kept", "rows"]
    assert "(away)" in note and "summary.csv" in note


@pytest.mark.parametrize("about", [3, {"model": 3}, {1: "forest"}, ["model"]])
def test_lines_on_top_that_are_no_text_are_refused_before_anything_is_written(compared, about, tmp_path):
    with pytest.raises(TypeError, match=r"about=.*must map text to text"):
        px.report(dict(compared.results), tmp_path / "never", about=about)
    assert not (tmp_path / "never").exists()


def test_lines_on_top_stand_there_as_text(compared, tmp_path):
    page = Page((px.report(dict(compared.results), tmp_path, about={"model": HOSTILE[0]}) / "index.html").read_text("utf-8"))
    assert page.text.index(HOSTILE[0]) < page.text.index("What was found") and page.elements <= ELEMENTS


def test_a_long_fact_is_told_whole_and_across_the_page():
    noted = "; ".join(f"column {n} was read as numbers" for n in range(30))
    text = written(PageParts("Title", [("noted", noted), ("data", "houses.csv")], [], [], []))
    assert noted in text and text.count('<div class="long">') == 1
