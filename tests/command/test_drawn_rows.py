"""Which rows are explained where none are named: some that stand for all of them, and what they really are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perturbxai.command import cli
from perturbxai.command.config import TableConfig
from perturbxai.command.table import DRAWN, read_table


def sorted_table(path, n=90):
    """Sorted by class, as tables are that were put together."""
    rng = np.random.default_rng(1)
    kind = np.repeat(["a", "b", "c"], n // 3)
    x, y = rng.normal(size=(2, n))
    pd.DataFrame({"x": x + 3 * (kind == "b"), "y": y + 3 * (kind == "c"), "kind": kind}).to_csv(path, index=False)
    return path


def read(path, seed=0, **options):
    return read_table(TableConfig(data=str(path), target="kind", **options), str, seed)


def test_rows_are_drawn_by_the_seed_from_the_whole_table(tmp_path):
    table = read(sorted_table(tmp_path / "t.csv"))
    assert len(table.x) == DRAWN and list(table.x.index) == sorted(set(table.x.index))
    assert set(table.targets) == {"a", "b", "c"}  # the first 20 rows are all of one class
    assert table.told[-1] == "20 of 90 rows are explained, drawn by the seed (table.inputs names others)"
    again, other = read(tmp_path / "t.csv"), read(tmp_path / "t.csv", seed=1)
    assert list(again.x.index) == list(table.x.index) != list(other.x.index)


def test_every_row_is_drawn_as_often_as_any_other(tmp_path):
    sorted_table(tmp_path / "t.csv")
    count = np.zeros(90)
    for seed in range(60):
        count[read(tmp_path / "t.csv", seed).x.index] += 1
    expected = 60 * DRAWN / 90
    assert ((count - expected) ** 2 / (expected * (1 - DRAWN / 90))).sum() < 150  # chi squared of 89: 135 in 99.9 %


@pytest.mark.parametrize("n", [3, 18, 20])
def test_a_small_table_is_explained_whole_in_its_order(tmp_path, n):
    pd.DataFrame({"x": range(n), "kind": range(n)}).to_csv(tmp_path / "t.csv", index=False)
    table = read(tmp_path / "t.csv", model="mymodel:make")
    assert list(table.x.index) == list(range(n)) and table.told == () and list(table.targets) == list(range(n))


@pytest.mark.parametrize(("inputs", "rows"), [(3, [0, 1, 2]), ("80:", list(range(80, 90))), ((7, 3), [7, 3])])
def test_rows_that_are_named_are_taken_with_their_targets(tmp_path, inputs, rows):
    table = read(sorted_table(tmp_path / "t.csv"), inputs=inputs)
    assert list(table.x.index) == rows and not any("drawn" in line for line in table.told)
    assert list(table.targets) == [table.y[row] for row in rows]


def test_what_the_rows_are_stands_on_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sorted_table(tmp_path / "t.csv")
    asked = ["--methods", "kernel_shap", "--metrics", "none", "--budget", "10", "--background", "10", "--inputs", "29:31"]
    assert cli.main(["explain", "--table", "t.csv", "--target", "kind", "--results", "out", *asked]) == 0
    page = (tmp_path / "out/table/index.html").read_text("utf-8")
    assert "in the data" in page and "In the data it is 'b', to which the model gives " in page
    assert "right in all of these 2 rows, which the model may have been trained on" in page
    assert "drawn by the seed" not in capsys.readouterr().err
