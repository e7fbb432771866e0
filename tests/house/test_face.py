"""The package as a stranger's tools see it: the names it lists, the types it tells, what an editor offers."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import perturbxai as px

TYPES = {"pd": pd, "Axes": Axes, "Figure": Figure, "View": object}  # there for type checkers alone, as they are heavy
STUB = Path(px.__file__).with_suffix(".pyi")


def test_the_stub_names_what_the_package_offers_and_where_it_lives():
    told = {
        alias.asname: node.module
        for node in ast.parse(STUB.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == alias.asname  # "as" itself: type checkers take it as meant for others
    }
    assert sorted(told) == px.__all__
    for name, module in told.items():
        assert getattr(importlib.import_module(module), name) is getattr(px, name)


def test_dir_lists_public_names_alone_whatever_was_loaded_before():
    used = "px.explain; px.Predictor; px.report; import perturbxai.command.cli, perturbxai.assets"
    code = f"import perturbxai as px; {used}; print(*(n for n in dir(px) if not n.startswith('__')))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert seen == px.__all__


def test_a_star_brings_the_public_names():
    brought: dict[str, object] = {}
    exec("from perturbxai import *", brought)
    assert brought.keys() - {"__builtins__"} == set(px.__all__)


def parts(name):
    """A function; or a class, how it is made, and its public methods."""
    found = getattr(px, name)
    if not inspect.isclass(found):
        return [found]
    public = [one for key, one in inspect.getmembers(found) if not key.startswith("_")]
    methods = [one.fget if isinstance(one, property) else one for one in public]
    return [found, found.__init__, *(one for one in methods if inspect.isroutine(one))]


@pytest.mark.parametrize("name", px.__all__)
def test_a_notebook_shows_signature_and_types(name):
    assert inspect.signature(getattr(px, name)).parameters is not None
    for one in parts(name):
        typing.get_type_hints(one, localns=TYPES)


# What others made, or hand through: no type of ours says what it is.
OTHERS = {
    ("from_shap", "explanation"), ("from_lime", "explanations"), ("to_shap", "return"), ("reference", "options"),
    ("ModelError", "partial"), ("Predictor", "rows"),
}  # fmt: skip
OVERLOADED = ("plot", "importance")


@pytest.mark.parametrize("name", [name for name in px.__all__ if name not in OVERLOADED])
def test_no_public_signature_says_any_where_a_type_can_be_said(name):
    said = {
        (name, argument)
        for one in parts(name)
        for argument, told in getattr(inspect.unwrap(one), "__annotations__", {}).items()
        if told == "Any" and argument != "self"
    }
    old = {(name, "return")} if getattr(getattr(px, name), "renamed", None) else set()  # what old names are read by
    assert said <= OTHERS | old
