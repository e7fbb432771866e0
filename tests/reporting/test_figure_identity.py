"""What a result is in a figure is told by its method and its meta; its name is what it is called, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import perturbxai as px
from perturbxai.reporting import figures as drawing
from perturbxai.reporting.style import EXACT, METHOD_STYLES, TITLES, fill_of, styles_of, title, titles, truth_of

ODD = ["exact", "random", "lime", "cam", "pdp@mean", "a@b", "@", "lime(", "exact@blur", "kernel_shap(exact)", "edges@", ""]


@cache
def table(*methods, seed=0):
    X = np.random.default_rng(seed).normal(size=(40, 3))
    predictor, space = px.Predictor(lambda rows: rows @ [1.0, 2.0, 3.0 + seed]), px.TabularSpace(X, background=3)
    return px.explain(list(methods), predictor, space, X[:2], seed=0), predictor, space


def legend(figure):
    return [words.get_text() for words in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    ("method", "name"),
    [*(("lime", name) for name in ODD), *(("pdp", name) for name in ("exact", "lime", "pdp@mean", "cam"))],
)
def test_a_name_makes_no_method_of_a_result(name, method):
    found, predictor, space = table("ice", method)
    results = {"ice": found["ice"], name: found[method]}
    assert truth_of(results) is None
    assert styles_of(results)[name] == {"color": METHOD_STYLES[method]["color"], "linestyle": "-"}
    if not name.startswith(method):
        assert title(name, found[method]) == name
    compared = px.compare(results, predictor, space)
    drawn = dict(drawing.figures(results, compared))
    assert set(drawn) == {"bars", "deletion", "insertion", "agreement"}
    for figure in (drawn["deletion"], drawn["insertion"]):
        assert [line.get_linewidth() for line in figure.axes[0].lines] == [1.1, 1.1]
        assert legend(figure) == list(titles(results).values()) and EXACT not in legend(figure)
    bars = drawn["bars"]
    assert len(bars.axes[0].patches) == 2 * 3 and len(legend(bars)) == 2


@pytest.mark.parametrize("name", ["exact_shap", "exact", "truth", "lime", "a@b"])
def test_exact_values_are_the_truth_whatever_they_are_called(name):
    found, predictor, space = table("lime_tabular", "exact_shap")
    results = {"first": found["lime_tabular"], name: found["exact_shap"]}
    assert truth_of(results) == name
    bars = drawing.bars(results, None, "")
    assert len(bars.axes[0].patches) == 3 and EXACT in legend(bars)[-1]
    assert name in legend(bars)[-1] or name in ("exact", "exact_shap")
    figure = drawing.curves(px.compare(results, predictor, space).curves, "deletion", results)
    assert sorted(line.get_linewidth() for line in figure.axes[0].lines) == [1.1, 4.0]


def test_two_exact_results_are_compared_as_any_two():
    results = {"gb": table("exact_shap")[0]["exact_shap"], "rf": table("exact_shap", seed=1)[0]["exact_shap"]}
    assert truth_of(results) is None and truth_of({"gb": results["gb"]}) is None
    bars = drawing.bars(results, None, "")
    assert len(bars.axes[0].patches) == 6 and legend(bars) == ["gb", "rf"]


# ------------------------------------------------------------------------------------------------ fills


def pictures(fills=("mean", "blur")):
    picture = np.random.default_rng(0).random((12, 12, 3), dtype=np.float32)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=fills[0])
    predictor = px.Predictor(lambda p: p[:, :6].mean(axis=(1, 2, 3), dtype=np.float64))
    found = {fill: px.explain(["lime", "occlusion"], predictor, space.with_fill(fill), picture) for fill in fills}
    return found, px.baselines("edges", predictor, space, picture), predictor, space


def test_the_recipe_for_several_fills_goes_by_what_was_explained():
    found, maps, predictor, space = pictures()
    results = {f"{k}@{fill}": v for fill in found for k, v in found[fill].items()} | maps
    assert [fill_of(result) for result in results.values()] == ["mean", "mean", "blur", "blur", ""]
    styles = styles_of(results)
    assert styles["lime@mean"]["color"] == styles["lime@blur"]["color"] != styles["occlusion@blur"]["color"]
    assert styles["lime@mean"]["linestyle"] == styles["occlusion@mean"]["linestyle"] != styles["lime@blur"]["linestyle"]
    assert list(titles(results).values()) == ["LIME @mean", "occlusion @mean", "LIME @blur", "occlusion @blur", "edges"]
    compared = px.compare(results, predictor, space, fills=["mean", "blur"])
    drawn = dict(drawing.figures(results, compared))
    assert set(drawn) == {"maps_mean", "maps_blur", "bars_mean", "bars_blur", "deletion", "insertion", "agreement"}
    assert legend(drawn["bars_blur"]) == ["LIME", "occlusion"]


@pytest.mark.parametrize("names", [("one", "two"), ("x@blur", "x@mean"), ("a@b@c", "@"), ("lime@blur", "exact@mean")])
def test_fills_are_told_apart_by_any_names_also_by_those_that_say_otherwise(names):
    found, _, predictor, space = pictures()
    results = dict(zip(names, (found["mean"]["lime"], found["blur"]["lime"]), strict=True))
    compared = px.compare(results, predictor, space, fills=["mean", "blur"])
    (first, second), drawn = styles_of(results).values(), dict(drawing.figures(results, compared))
    assert first["color"] == second["color"] and first["linestyle"] != second["linestyle"]
    assert {"maps_mean", "maps_blur"} <= set(drawn) and "explained under mean" in drawn["bars_mean"].get_suptitle()


# ------------------------------------------------------------------------------------------------ several models


def test_attributions_of_several_models_keep_their_names_and_have_colours_of_their_own():
    many = {f"model {n}": table("lime", seed=n)[0]["lime"] for n in range(12)}
    colours = [style["color"] for style in styles_of(many).values()]
    assert len(set(colours)) == 12 and colours[0] == METHOD_STYLES["lime"]["color"]
    figure = px.plot(many, row=0)
    assert legend(figure) == list(many)
    bars = [to_hex(patch.get_facecolor()).upper() for patch in figure.axes[0].patches]
    assert bars == [colour.upper() for colour in colours for _ in range(3)]  # as the legend has them
    keys = [to_hex(patch.get_facecolor()).upper() for patch in figure.legends[0].get_patches()]
    assert keys == [colour.upper() for colour in colours]


def test_importances_of_several_models_have_colours_of_their_own():
    found = {name: px.importance(table("lime", seed=n)[0]["lime"]) for n, name in enumerate(("exact", "gb"))}
    figure = px.plot(found)
    assert [axis.get_title().partition(",")[0] for axis in figure.axes] == ["exact", "gb"]
    assert len({to_hex(axis.patches[0].get_facecolor()) for axis in figure.axes}) == 2


def effects(*methods, seed=0):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "gb"])
    predictor = px.Predictor(lambda d: np.sin(d["a"]) * (1 + seed) + d["b"] * d["gb"])
    return px.effects(list(methods), predictor, px.TabularSpace(X, background=5), X, features=["a", "b", ("a", "b")], grid=5)


def curves_of(figure):
    lines = [line for axis in figure.axes for line in axis.lines]
    return {line.get_label(): to_hex(line.get_color()) for line in lines if not line.get_label().startswith("_")}


MODELS = {
    "effects": lambda one, two: {"gb": one["pdp"]["a"], "rf": two["pdp"]["a"]},
    "of a method": lambda one, two: {"gb": one["pdp"], "rf": two["pdp"]},
    "lists": lambda one, two: {"gb": [one["pdp"]["a"]], "rf": [two["pdp"]["a"]]},
    "a column's name": lambda one, two: {"a": one["pdp"]["a"], "rf": two["pdp"]["a"]},
    "another column's name": lambda one, two: {"gb": one["pdp"]["a"], "b": two["pdp"]["a"]},
    "a method's name": lambda one, two: {"ale": one["pdp"]["a"], "exact": two["pdp"]["a"]},
}


@pytest.mark.parametrize("how", MODELS)
def test_effects_of_several_models_keep_their_names_and_have_colours_of_their_own(how):
    given = MODELS[how](effects("pdp"), effects("pdp", seed=1))
    found = curves_of(px.plot(given))
    assert set(found) == set(map(str, given)) and len(set(found.values())) == 2


def test_all_effects_of_several_models_are_named_by_both():
    found = curves_of(px.plot({"gb": effects("pdp", "ale"), "rf": effects("pdp", "ale", seed=1)}, output=0))
    assert set(found) == {"gb, pdp", "gb, ale", "rf, pdp", "rf, ale"} and len(set(found.values())) == 4


def test_a_mapping_by_column_has_the_methods_names():
    found = effects("pdp", "ale")
    assert set(curves_of(px.plot(found))) == {"PDP", "ALE"}
    assert px.plot(found["pdp"]).axes[0].get_title(loc="left") == ""
    twice = curves_of(px.plot([found["pdp"]["a"], effects("pdp", seed=1)["pdp"]["a"]]))
    assert len(twice) == 2 and len(set(twice.values())) == 2


def test_every_title_is_that_of_a_method():
    assert set(TITLES) == set(METHOD_STYLES)
    e = table("lime")[0]["lime"]
    odd = px.Attribution(tuple(replace(one, method=object()) for one in e), e.meta)
    assert title("lime", odd) == "lime"
