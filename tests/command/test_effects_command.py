"""`perturbxai effects`: the curves that the library gives, as a report, and refusals in words before the model works."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command import cli

MODULE = """
def model():
    return lambda rows: rows["a"] * rows["b"] + (rows["town"] == "x")

def never():
    def asked(rows):
        raise AssertionError("the model was asked")
    return asked
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"]).assign(town=rng.choice(["x", "y", "z"], 120), one=1)
    frame["name"] = [f"n{i}" for i in range(120)]
    frame["y"] = frame.a * frame.b
    frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "own_curves.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def effects(*options, model=("--model", "own_curves:model", "--drop", "y")):
    return cli.main(["effects", "--table", "rows.csv", *model, "--results", "out", *options])


def test_the_curves_are_those_of_the_library(here):
    assert (
        effects("--features", "a,town", "--pair", "a,b", "--grid", "5", "--methods", "pdp,ale", "--seed", "2", "--quiet")
        == 0
    )
    frame = pd.read_csv("rows.csv").drop(columns="y")
    from own_curves import model

    wanted = px.effects(
        ["pdp", "ale"], px.Predictor(model()), px.TabularSpace(frame, seed=2), frame,
        features=["a", "town", ("a", "b")], grid=5, seed=2,
    )  # fmt: skip
    found = pd.read_csv(here / "out" / "effects" / "effects.csv")
    for method in ("pdp", "ale"):
        for name in ("a", "town"):
            mine = found[(found.method == method) & (found.feature == name)]
            np.testing.assert_allclose(mine.value, wanted[method][name].to_frame().value, rtol=1e-9)
    assert {"effects.png", "effects_a_b.png", "index.html", "manifest.json"} <= {
        p.name for p in (here / "out/effects").iterdir()
    }


def test_without_features_each_column_that_varies_is_drawn_and_the_others_are_told(here, capsys):
    assert effects("--grid", "4") == 0
    shown = capsys.readouterr()
    assert set(pd.read_csv(here / "out/effects/effects.csv").feature) == {"a", "b", "town"}
    assert "one: it has a single value" in shown.out and "name: it has 120 levels; --features name asks for it" in shown.out
    assert shown.out.rstrip().splitlines()[-1] == str(here / "out" / "effects" / "index.html")


def test_a_target_is_enough(here, capsys):
    assert effects("--features", "a", model=("--target", "y")) == 0
    assert "no model was named: trained boosted trees (regression) for 'y'" in capsys.readouterr().err
    manifest = json.loads((here / "out/manifest.json").read_text())
    assert manifest["parts"]["effects"]["model"]["task"] == "regression"


def test_groups_and_a_bound_on_rows_reach_the_call(here):
    assert effects("--features", "a", "--by", "town", "--rows", "200", "--quiet", "--methods", "ale") == 0
    found = pd.read_csv(here / "out/effects/effects.csv")
    assert {"x", "y", "z"} <= set(found.group.dropna())
    assert json.loads((here / "out/manifest.json").read_text())["parts"]["effects"]["rows"] <= 200


def test_a_config_that_is_written_does_the_same(here):
    assert effects("--features", "a", "--pair", "a,b", "--quiet") == 0
    wanted = (here / "out/effects/effects.csv").read_bytes()
    assert effects("--features", "a", "--pair", "a,b", "--quiet", "--write-config", "curves.toml") == 0
    assert cli.main(["run", "curves.toml", "--results", "again", "--quiet"]) == 0
    assert (here / "again/effects/effects.csv").read_bytes() == wanted


REFUSED = {
    "a column": (("--features", "aa"), "--features: 'aa' is not a column of x; did you mean"),
    "constant": (("--features", "one"), "--features: the column 'one' has a single value"),
    "one of a pair": (("--pair", "a"), "--pair"),
    "a pair of one": (("--pair", "a,a"), "--pair: ('a', 'a') names the same column twice"),
    "a group": (("--by", "tow"), "--by = 'tow' is no column"),
    "a method": (("--methods", "shap"), "--methods: 'shap' is not known"),
    "a grid": (("--grid", "1"), "--grid = 1: input should be greater than or equal to 2"),
    "a target": (("--target", "z"), "--target = 'z' is no column of rows.csv"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_done_is_told_before_the_model_is_asked(here, capsys, fault):
    options, told = REFUSED[fault]
    assert effects(*options, model=("--model", "own_curves:never", "--drop", "y")) == 2
    assert told in capsys.readouterr().err
    assert not (here / "out" / "effects").exists()


def test_the_terminal_says_what_was_found_in_words(here, capsys):
    frame = pd.read_csv("rows.csv").assign(day=pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d"))
    frame["y"] = np.arange(120.0)
    frame[["a", "day", "y"]].to_csv("rows.csv", index=False)
    assert effects(model=("--target", "y")) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- ")]
    assert said[0].startswith("- As day goes from 2024-01-01 to 2024-04-29, the prediction rises by ")
    assert (here / "out" / "effects" / "index.html").is_file()


def test_an_explainer_is_told_to_be_one_and_not_to_be_for_pictures(capsys):
    assert cli.main(["effects", "--table", "t.csv", "--target", "y", "--methods", "lime"]) == 2
    told = capsys.readouterr().err
    assert "'lime' is one of the methods of `perturbxai explain`, and none of pdp, ice, ale" in told
