"""Arguments of a kind that nobody meant are refused by name, with what was expected, before the model is asked."""

from __future__ import annotations

from dataclasses import MISSING, fields

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.core.options import _declared

X = np.random.default_rng(0).normal(size=(40, 4))
METHODS = [getattr(px, name) for name in px.__all__ if name in {e.attribute for e in catalogue.EXPLAINERS.values()}]
METHODS += [getattr(px, name) for name in px.__all__ if name in {e.attribute for e in catalogue.BASELINES.values()}]
OPTIONS = [(method, field) for method in METHODS for field in fields(method)]


def never(_rows):
    raise AssertionError("the model was asked")


def test_there_are_options_of_every_kind_to_try():
    assert len(METHODS) > 30 and len(OPTIONS) > 80


@pytest.mark.parametrize("value", [pd.NA, pd.NaT, np.datetime64("NaT", "ns")], ids=["NA", "NaT", "datetime64"])
@pytest.mark.parametrize(("method", "field"), OPTIONS, ids=lambda one: getattr(one, "name", None) or one.__name__)
def test_a_missing_value_is_no_option(method, field, value):
    with pytest.raises(TypeError, match=rf"{method.__name__}\({field.name}=.*leave the option out for its default"):
        method(**{field.name: value})


@pytest.mark.parametrize(("method", "field"), OPTIONS, ids=lambda one: getattr(one, "name", None) or one.__name__)
def test_an_object_is_no_number_no_text_and_no_truth_value(method, field):
    plain = {part.strip() for part in _declared(field.type).split("|")} <= {"int", "float", "bool", "str", "None"}
    if not plain:
        pytest.skip("takes values of its own kind")
    with pytest.raises(TypeError, match=rf"{method.__name__}\({field.name}=.*expected "):
        method(**{field.name: object()})
    if field.default is not MISSING and field.default is not None:
        method(**{field.name: field.default})


ODD_GROUPS = {
    "text": ("x0", "groups is a str"),
    "a set": ({"x0", "x1"}, "groups is a set"),
    "lists": ([["x0", "x1"], ["x2"]], "groups is a list of list"),
    "an array": (np.array([0, 0, 1, 1]), "groups is a ndarray"),
    "a matrix": (np.array([[0, 1], [2, 3]]), "groups is a ndarray"),
    "a number": (3, "groups is an int"),
    "a truth value": (True, "groups is a bool"),
    "missing": (pd.NA, "groups is a NAType"),
    "a Series": (pd.Series({"a": ["x0"]}), "groups is a Series"),
    "a DataFrame": (pd.DataFrame({"a": [1]}), "groups is a DataFrame"),
    "a generator": ((one for one in ["x0"]), "groups is a generator"),
    "a column alone": ({"a": 0}, "groups\\['a'\\] is an int, 0; give a list of columns"),
    "an array of no axis": ({"a": np.array("x0")}, "groups\\['a'\\] is a ndarray"),
    "a text inside": ({"a": "x0"}, "groups\\['a'\\] is the text 'x0'; give a list of columns"),
    "a dict inside": ({"a": {"b": ["x0"]}}, "groups\\['a'\\] is a dict"),
    "a list inside": ({"a": [["x0"], ["x1"]]}, "names the unknown feature \\['x0'\\]"),
    "an empty group": ({"a": []}, "groups\\['a'\\] is empty"),
    "an unknown column": ({"a": ["zz"]}, "names the unknown feature 'zz'"),
    "a column out of range": ({"a": [7]}, "names the unknown feature 7"),
    "no column": ({"a": [None]}, "names the unknown feature None"),
    "half a column": ({"a": [0.5]}, "names the unknown feature 0.5"),
    "a missing column": ({"a": [pd.NA]}, "groups\\['a'\\] holds a missing value"),
    "a missing name": ({pd.NA: ["x0"]}, "groups has the key <NA>"),
    "no name": ({None: ["x0"]}, "groups has the key None"),
    "twice": ({"a": ["x0", "x0"]}, "column 'x0' is in 'a' and in 'a'"),
    "in two": ({"a": ["x0", "x1"], "b": ["x1"]}, "column 'x1' is in 'a' and in 'b'"),
    "a column's name": ({"x3": ["x0", "x1"]}, "the name 'x3' is also the name of a column"),
}


@pytest.mark.parametrize("kind", ODD_GROUPS)
def test_groups_of_an_odd_kind_are_refused_in_words(kind):
    groups, message = ODD_GROUPS[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        px.TabularSpace(X, groups=groups)


@pytest.mark.parametrize(
    "members", [["x0", "x1"], ("x0", 1), {"x0", "x1"}, np.array([0, 1]), np.array([True, True, False, False])]
)
def test_groups_of_any_collection_of_columns_are_taken(members):
    assert px.TabularSpace(X, groups={"both": members}).names == ("both", "x2", "x3")


CALLS = {
    "explain": (lambda **odd: px.explain("kernel_shap", px.Predictor(never), px.TabularSpace(X), X[:1], **odd),
                ("budget", "rows", "tol", "seed", "outputs")),
    "effects": (lambda **odd: px.effects("pdp", px.Predictor(never), px.TabularSpace(X), X, **odd),
                ("features", "grid", "rest", "rows", "seed", "outputs", "by")),
    "baselines": (lambda **odd: px.baselines("random", px.Predictor(never), px.TabularSpace(X), X[:1], **odd),
                  ("score", "outputs")),
    "TabularSpace": (lambda **odd: px.TabularSpace(X, **odd), ("background", "choose", "weights", "groups", "seed")),
    "ImageSpace": (lambda **odd: px.ImageSpace(**odd), ("segments", "n_segments", "fill", "seed")),
    "Predictor": (lambda **odd: px.Predictor(never, **odd),
                  ("output", "outputs", "batch_size", "memory", "progress", "multi_label", "select", "pixels", "layout",
                   "compile")),
}  # fmt: skip


@pytest.mark.parametrize(("call", "argument"), [(call, one) for call, (_, known) in CALLS.items() for one in known])
def test_a_missing_value_is_no_argument(call, argument):
    with pytest.raises((TypeError, ValueError), match=argument):
        CALLS[call][0](**{argument: pd.NA})


@pytest.mark.parametrize(("call", "argument"), [("explain", "outputs"), ("effects", "outputs"), ("effects", "features")])
@pytest.mark.parametrize("value", [np.nan, object(), 2.5], ids=["NaN", "object", "2.5"])
def test_what_names_nothing_is_refused_before_the_model_is_asked(call, argument, value):
    with pytest.raises((TypeError, ValueError), match=argument):
        CALLS[call][0](**{argument: value})


@pytest.mark.parametrize("several", [iter, tuple, np.array, lambda names: (name for name in names)])
def test_outputs_are_gone_through_once(several):
    predictor = px.Predictor(lambda rows: rows[:, :3], outputs=several(["a", "b", "c"]))
    (found,) = px.explain(
        "kernel_shap", predictor, px.TabularSpace(X[:, :3]), X[:1, :3], outputs=several(["c", "a"])
    ).values()
    assert predictor.outputs == ("a", "b", "c") and found.outputs == ("c", "a")


@pytest.mark.parametrize("given", [np.array(3.5), {"a": 1}, b"a", 2.5, object()])
def test_outputs_that_are_no_name_nor_several_are_told_in_our_words(given):
    for call in (lambda: px.Predictor(never, outputs=given), lambda: CALLS["explain"][0](outputs=given)):
        with pytest.raises(TypeError, match=r"outputs=.* must be a name or number of an output, or a list of them"):
            call()
