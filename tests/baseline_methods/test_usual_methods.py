"""Where no methods are named, the usual ones that a table can take are asked; the others are told, in one line."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest

from perturbxai.command import cli
from perturbxai.core.catalogue import USUAL

MODULE = """
import pandas as pd

def model(rows):
    codes = sum(pd.factorize(rows[c].astype(str), sort=True)[0] for c in rows if rows[c].dtype.kind not in "fiu")
    return rows.select_dtypes("number").fillna(-1.0).sum(axis=1).to_numpy() + 0.5 * codes

def never(rows):
    raise AssertionError("the model was asked")

def made():
    return model

def unasked():
    return never
"""
RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame(RNG.normal(size=(30, 3)).round(2), columns=["a", "b", "c"])
WORDS = NUMBERS.assign(job=RNG.choice(["smith", "clerk", "007"], 30))
TABLES = {
    "numbers": (NUMBERS, (), None),
    "words": (WORDS, (), None),
    "text": (NUMBERS.assign(code=RNG.choice(["007", "12"], 30)), ("--text", "code"), None),
    "categories": (WORDS, ("--category", "job"), None),
    "numbers as categories": (NUMBERS.assign(zone=RNG.integers(1, 4, 30)), ("--category", "zone"), None),
    "truth in words": (NUMBERS.assign(late=RNG.choice(["yes", "no"], 30)), (), None),
    "missing in an explained row": (NUMBERS.assign(b=[np.nan, *NUMBERS.b[1:]]), (), "b"),
    "missing elsewhere": (NUMBERS.assign(b=[*NUMBERS.b[:-1], np.nan]), (), None),
    "words alone": (WORDS[["job"]].assign(kind=RNG.choice(list("xyz"), 30)), (), None),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "usual_model.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("usual_model", None)


def explain(frame, *options, model="usual_model:made"):
    frame.to_csv("rows.csv", index=False)
    asked = ["--table", "rows.csv", "--model", model, "--inputs", "0:3", "--metrics", "spearman", "--results", "out"]
    return cli.main(["explain", *asked, *options])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("table", TABLES)
def test_usual_methods_that_a_table_cannot_take_are_left_out_and_told_in_a_line(folder, capsys, table):
    frame, options, column = TABLES[table]
    assert explain(frame, *options) == 0
    found = set(pd.read_csv(folder / "out" / "table" / "attributions.csv").method)
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ale: ")]
    left_out = json.loads((folder / "out" / "manifest.json").read_text())["parts"]["table"]["left_out"]
    assert found - {"exact"} == set(USUAL) - ({"ale"} if column else set())
    assert len(told) == len(left_out) == (column is not None)
    assert all(repr(column) in why and not why.startswith("ale:") for why in left_out.values())


@pytest.mark.parametrize("methods", ["ale", "lime,ale"])
@pytest.mark.parametrize("table", [name for name, (_, _, column) in TABLES.items() if column])
def test_who_names_ale_is_told_why_it_cannot_be_before_the_model_is_asked(folder, capsys, table, methods):
    frame, options, column = TABLES[table]
    assert explain(frame, *options, "--methods", methods, model="usual_model:unasked") == cli.FAILED
    told = capsys.readouterr().err
    assert told.startswith("perturbxai: ale: ") and repr(column) in told
    assert not (folder / "out").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_config_that_names_no_methods_takes_those_that_the_table_can(folder):
    WORDS.assign(b=[np.nan, *WORDS.b[1:]]).to_csv("rows.csv", index=False)
    lines = '[table]\ndata = "rows.csv"\nmodel = "usual_model:made"\nrows = 2\nmetrics = ["spearman"]\nexact = false\n'
    (folder / "own.toml").write_text(lines)
    assert cli.main(["run", "own.toml", "--results", "out", "--quiet"]) == 0
    assert set(pd.read_csv(folder / "out" / "table" / "attributions.csv").method) == set(USUAL) - {"ale"}
    (folder / "own.toml").write_text(lines + f"methods = {list(USUAL)}\n")
    assert cli.main(["run", "own.toml", "--results", "again", "--quiet"]) == cli.FAILED


def test_a_budget_that_is_too_small_is_no_reason_to_leave_a_usual_method_out(folder, capsys):  # noqa: ARG001
    assert explain(NUMBERS, "--budget", "3") == cli.FAILED
    assert "--budget" in (told := capsys.readouterr().err) or "budget=3" in told
