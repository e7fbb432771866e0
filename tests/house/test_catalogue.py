"""Rows of the catalogue say what can be: a thing that is there, a colour that is one and nobody else's, known words."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from perturbxai.core import catalogue
from perturbxai.core.catalogue import Entry
from perturbxai.reporting import style

PACKAGE = Path(catalogue.__file__).resolve().parents[1]
ROWS = catalogue.METHODS | catalogue.PEERS | catalogue.METRICS | catalogue.FILLS | catalogue.SEGMENTERS
KNOWN = {
    "on": (catalogue.BOTH, catalogue.TABLES, catalogue.PHOTOS),
    "cost": (catalogue.A_PASS, catalogue.MANY_PASSES, catalogue.RULES),
    "better": ("higher", "lower", ""),
    "headline": (catalogue.HOME, catalogue.AWAY, ()),
}


def free_colour(taken):
    """The colour of a coarse grid that is furthest from all that are taken."""
    used = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in taken if re.fullmatch("#[0-9A-F]{6}", one)])
    grid = np.array(list(itertools.product(range(0x20, 0xE0, 0x18), repeat=3)))
    apart = np.abs(grid[:, None] - used).sum(axis=2).min(axis=1)
    return "#" + "".join(f"{level:02X}" for level in grid[apart.argmax()])


def faults(name, row):
    """What a row says that cannot be, each in a sentence that names a way out."""
    found = []
    file = PACKAGE / (row.home.partition(":")[0].replace(".", "/") + ".py")
    if not file.exists():
        near = difflib.get_close_matches(file.stem, [path.stem for path in file.parent.glob("*.py")], 1)
        found.append(f"home={row.home!r}: there is no {file.relative_to(PACKAGE)}; did you mean {near or 'another folder'}?")
    else:
        kinds = (ast.ClassDef, ast.FunctionDef)
        names = [node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, kinds)]
        if row.attribute not in names:
            found.append(f"home={row.home!r}: {file.name} has no {row.attribute!r}; expected one of {names}.")
    if name in catalogue.METHODS:
        taken = [one.colour for other, one in catalogue.METHODS.items() if other != name]
        if not re.fullmatch("#[0-9A-F]{6}", row.colour) or row.colour in taken:
            free = free_colour(taken)
            found.append(f'colour={row.colour!r}; expected "#RRGGBB" in capitals, of no other method. Free is {free}.')
        if not row.title or not row.about:
            found.append("title= or about= is empty; give it the words of a figure and a line of help.")
    found += [
        f"{field}={getattr(row, field)!r}; expected one of {', '.join(map(repr, known))}."
        for field, known in KNOWN.items()
        if getattr(row, field) not in known
    ]
    return found


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_can_be(name):
    assert faults(name, ROWS[name]) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("cam", {"colour": ""}, "Free is #"), ("cam", {"colour": "greenish"}, "Free is #"),
        ("cam", {"colour": "#E69F00"}, "of no other method"), ("lime", {"colour": "#e69f00"}, "in capitals"),
        ("lime", {"title": ""}, "title= or about= is empty"), ("srg", {"better": "lowr"}, "'higher', 'lower'"),
        ("srg", {"headline": ("home",)}, "headline"), ("lrp", {"cost": "rule"}, "'a pass', 'many passes', 'rules'"),
        ("lime", {"on": ("image",)}, "('photo',)"), ("lime", {"home": "explainers.limes:Lime"}, "did you mean ['lime']"),
        ("lime", {"home": "explainer.lime:Lime"}, "did you mean another folder"),
        ("blur", {"home": "inputs.fills:blurr"}, "'blur'"),
        ("blur", {"home": "inputs.fills"}, "fills.py has no ''"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_told_with_a_way_out(name, change, words):
    (told,) = faults(name, ROWS[name]._replace(**change))
    assert words in told and next(iter(change)) in told


def test_a_free_colour_is_free():
    taken = [row.colour for row in catalogue.METHODS.values()]
    assert faults("cam", ROWS["cam"]._replace(colour=free_colour(taken))) == []


def test_every_method_has_a_colour_and_a_title_of_its_own():
    known = [*catalogue.EXPLAINERS, *catalogue.BASELINES]
    assert [name for name in known if name not in style.METHOD_STYLES or name not in style.TITLES] == []
    colours = [style.METHOD_STYLES[name]["color"] for name in known]
    assert len(set(colours)) == len(colours), f"two methods have one colour; free is {free_colour(colours)}"


def test_a_row_is_an_entry_under_a_name_that_can_be_written():
    assert all(isinstance(row, Entry) and re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z]+)?", name) for name, row in ROWS.items())
