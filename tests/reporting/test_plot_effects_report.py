"""A report of effects: all numbers in tidy tables, a figure of the curves and one a pair, and a manifest that lists them."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.reporting.html import curves_section
from perturbxai.reporting.html.markup import element
from perturbxai.reporting.html.of_effects import _costs, first_words


@pytest.fixture(scope="module")
def found():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=["a", "b", "../c"])
    predictor = px.Predictor(lambda rows: rows["a"] * rows["b"] + rows["../c"])
    return px.effects(
        ["pdp", "ale"], predictor, px.TabularSpace(X), X, features=["a", "../c", ("a", "../c")], grid=4, seed=3
    )


def test_tables_figures_and_manifest(found, tmp_path):
    folder = px.report(found, tmp_path / "effects", config={"seed": 3})
    assert {path.name for path in folder.iterdir()} == {
        "effects.csv", "effects_of_pairs.csv", "effects.png", "effects_a_.._c.png", "index.html", "manifest.json",
    }  # fmt: skip
    frame = pd.read_csv(folder / "effects.csv")
    ale = frame[(frame.method == "ale") & (frame.feature == "a")]
    np.testing.assert_allclose(ale.value, found["ale"]["a"].values[:, 0], rtol=1e-12)
    pairs = pd.read_csv(folder / "effects_of_pairs.csv")
    assert len(pairs) == 2 * 5 * 5 and set(pairs.method) == {"pdp", "ale"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["seeds"] == [3] and set(manifest["methods"]) == {"pdp", "ale"}
    assert len(manifest["files"]) == 5


def test_the_page_and_the_table_of_a_pair_have_its_errors(found, tmp_path):
    folder, effect = px.report(found, tmp_path), found["ale"]["a", "../c"]
    assert "Pale: within noise." in (folder / "index.html").read_text()  # these two do nothing together
    frame = pd.read_csv(folder / "effects_of_pairs.csv").query("method == 'ale'")
    np.testing.assert_allclose(frame.stderr, effect.stderr.ravel(), rtol=1e-9)
    np.testing.assert_allclose(frame.high, effect.interval()[1].ravel(), rtol=1e-9)


def test_one_effect_is_a_report_too(found, tmp_path):
    folder = px.report(found["pdp"]["a"], tmp_path)
    assert {path.name for path in folder.iterdir()} == {"effects.csv", "effects.png", "index.html", "manifest.json"}


def test_a_map_of_nothing_but_noise_is_pale_all_over(tmp_path, monkeypatch):
    """Its own noise is not blown up to the full colours."""
    drawn = []
    monkeypatch.setattr(
        curves_section, "surface", lambda values, *others: drawn.append((values, others[-1])) or element("p", "")
    )
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    model = px.Predictor(lambda rows: np.sign(rows[:, 0] * rows[:, 1]) * rows[:, 2])  # of which the mean is 0
    noise = px.effects("ale", model, px.TabularSpace(X), X, features=[("x0", "x1")], grid=3)
    px.report(noise, tmp_path / "noise")
    both = px.effects(
        "ale", px.Predictor(lambda rows: rows[:, 0] * rows[:, 1]), px.TabularSpace(X), X, features=[("x0", "x1")]
    )
    px.report(both, tmp_path / "both")
    (pale, full), (strong, whole) = drawn
    assert full == np.abs(noise["ale"]["x0", "x1"].values).max() and np.abs(pale).max() == pytest.approx(0.3 * full)
    assert np.abs(strong).max() == whole


def test_the_cost_on_the_page_is_that_of_all_columns_and_pairs():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    predictor = px.Predictor(lambda rows: rows["a"] * rows["b"])
    curves = px.effects(["pdp", "ice", "ale"], predictor, px.TabularSpace(X), X, features=["a", "b", ("a", "b")], grid=5)
    cost = _costs(
        {(name,) if isinstance(name, str) else name: {m: curves[m][name] for m in curves} for name in curves["pdp"]}
    )
    assert list(cost.rows) == 3 * [predictor.rows]  # one table for three methods
    assert list(cost.rows_shared_with) == ["ice, ale", "pdp, ale", "pdp, ice"]


def test_a_map_says_from_what_on_its_colour_is_full(tmp_path):
    X = pd.DataFrame({"a": np.tile([0.0, 1.0], 40), "b": np.repeat([0.0, 1.0], 40)})
    curves = px.effects(
        "pdp", px.Predictor(lambda rows: 4.0 * rows["a"] * rows["b"]), px.TabularSpace(X), X, features=[("a", "b")]
    )
    page = (px.report(curves, tmp_path) / "index.html").read_text()
    assert "Orange: above the mean of 1; blue: below. Full colour: 3 away or more." in page  # 4 where both are 1


def test_a_curve_that_sees_nothing_does_not_deny_what_another_shows():
    base = np.random.default_rng(0).normal(size=60)
    X = pd.DataFrame({"a": base, "b": -base})  # where rows are, a and b undo each other
    curves = px.effects(
        ["ale", "pdp"],
        px.Predictor(lambda rows: 1.0 * (rows["a"] > 5 * rows["b"])),
        px.TabularSpace(X),
        X,
        features=["a"],
        grid=3,
    )
    methods = {name: curves[name]["a"] for name in curves}
    flat = dataclasses.replace(methods["ale"], stderr=np.full_like(methods["ale"].stderr, 9.0))
    (said,) = first_words(methods | {"ale": flat}, 0)
    assert re.match("By ALE, a does not move the prediction by more than noise .*; by PDP it does: as a goes from ", said)
    assert first_words({"ale": flat}, 0)[0].startswith("a does not move the prediction by more than noise")
