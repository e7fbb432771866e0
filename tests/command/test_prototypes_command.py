"""`perturbxai prototypes`, and `perturbxai explain --context`."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command.cli import main

RNG = np.random.default_rng(0)


@pytest.fixture
def houses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {
            "id": [f"h{i:03d}" for i in range(80)],
            "rooms": RNG.integers(1, 7, 80),
            "town": RNG.choice(["x", "y"], 80),
            "sold": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 300, 80), "D"),
            "price": RNG.normal(size=80),
        }
    )
    frame.to_csv("houses.csv", index=False)
    return frame


def test_prototypes_of_a_file_are_those_of_its_table(houses, capsys, tmp_path):
    assert (
        main(["prototypes", "--table", "houses.csv", "--drop", "price", "--n", "4", "--criticisms", "1", "--seed", "3"]) == 0
    )
    said = capsys.readouterr().out
    found = px.prototypes(houses[["rooms", "town", "sold"]], 4, criticisms=1, seed=3)
    folder = tmp_path / "results" / "prototypes"
    written = px.read_csv(folder / "prototypes.csv")
    assert written["number"].tolist() == [*found.numbers, *found.criticism_numbers]
    assert "4 rows stand for 80 rows." in said and "id" in said and str(folder / "index.html") in said
    page = (folder / "index.html").read_text("utf-8")
    assert "houses.csv" in page and json.loads((folder / "manifest.json").read_text("utf-8"))["config"]["seed"] == 3


def test_rows_are_called_by_the_label(houses):
    assert main(["prototypes", "--table", "houses.csv", "--label", "id", "--n", "2", "--quiet", "--results", "r"]) == 0
    assert px.read_csv("r/prototypes.csv")["row"].isin(houses.id).all()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--n", "0"], "--n"),
        (["--n", "500"], "n=500 must be a whole number of prototypes from 1 up to the 80"),
        (["--method", "pam"], "--method"),
        (["--rows", "1"], "--rows"),
        (["--criticisms", "some"], "--criticisms"),
        (["--drop", "prize"], "Did you mean 'price'"),
        (["--seed", "-1"], "--seed"),
        (["--results", "houses.csv"], "is a file"),
    ],
)
@pytest.mark.usefixtures("houses")
def test_what_does_not_go_is_told_in_a_line(capsys, words, match):
    assert main(["prototypes", "--table", "houses.csv", *words]) == 2
    told = capsys.readouterr().err
    assert match in told and told.count("\n") == 1 and "Traceback" not in told


@pytest.mark.usefixtures("houses")
def test_explained_rows_have_their_context_on_the_page(tmp_path):
    words = [
        "explain",
        "--table",
        "houses.csv",
        "--target",
        "price",
        "--inputs",
        "0:3",
        "--context",
        "2",
        "--methods",
        "pdp",
    ]
    assert main([*words, "--metrics", "none", "--quiet"]) == 0
    folder = tmp_path / "results" / "explain" / "table"
    frame = px.read_csv(folder / "context.csv")
    assert set(frame.row) == {0, 1, 2} and (frame[frame.kind == "alike"].groupby("row").size() == 2).all()
    assert (folder / "index.html").read_text("utf-8").count("Rows like it") == 3
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["context"]["data"] == 80


@pytest.mark.usefixtures("houses")
def test_context_does_not_go_with_parts(capsys):
    words = ["explain", "--table", "houses.csv", "--target", "price", "--context", "2", "--out", "parts"]
    assert main(words) == 2 and "--context is about comparing and reporting" in capsys.readouterr().err
