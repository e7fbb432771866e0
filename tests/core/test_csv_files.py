"""CSVs that a spreadsheet may open: no cell is a formula, numbers are numbers, and what is read back is what was there."""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core.csv_files import read_csv, shielded, unshielded, write_csv

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0@", "'=", "''-"]
EVIL = [f"{start}cmd|' /C calc'!A0" for start in STARTS] + ["=", "-", "'=", "'", "''", "'plain", "'-5", "--5", "=-5"]
EVIL += ["a\rb", "a\n=1", "a\r=1,2"]
GOOD = ["a", "a=1", "a-b", "1-2", "ä", "5", "-5", "-5.25", "+1e-3", "-.5", "", "NA", "None", "nan", "x,y", 'q"q', "(-1)"]
DANGER = re.compile(r"^(\s*[=+\-@＝＋－＠]|[\t\r\n])")
TEXT = st.text(st.sampled_from(["'", "=", "+", "-", "@", "\t", " ", "＝", "1", ".", "e", "a", "\r", "\n"]), max_size=6)


@given(TEXT | st.text())
@example("'-5")
@example("''-5")
def test_a_shield_comes_off_and_no_shielded_text_is_a_formula(text):
    found = shielded(text)
    assert unshielded(found) == text
    assert not DANGER.match(found) or re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", found)


@given(TEXT, TEXT)
def test_two_texts_are_never_written_alike(one, other):
    assert (shielded(one) == shielded(other)) == (one == other)


@pytest.mark.parametrize("value", [-1.5, -np.inf, np.float32(-2), np.int64(-3), -7, True, None])
def test_numbers_stay_numbers(value):
    assert shielded(value) is value


def _cells(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_harmless(path):
    cells = [cell for line in _cells(path) for cell in line]
    assert [cell for cell in cells if DANGER.match(cell) and not _is_number(cell)] == []
    return cells


def test_a_table_comes_back_as_it_was(tmp_path):
    frame = pd.DataFrame({"feature": [*EVIL, *GOOD], "value": np.linspace(-3, 3, len(EVIL) + len(GOOD))})
    frame["=SUM(A1)"] = pd.Categorical(frame["feature"])
    frame.loc[2, "value"], frame.loc[3, "value"] = -np.inf, np.nan
    before = frame.copy(deep=True)
    write_csv(frame, tmp_path / "t.csv")
    pd.testing.assert_frame_equal(frame, before)
    cells = _check_harmless(tmp_path / "t.csv")
    assert "-3.0" in cells and "-inf" in cells
    found = read_csv(tmp_path / "t.csv")
    assert list(found.columns) == list(frame.columns)
    for name in ("feature", "=SUM(A1)"):
        assert found[name].fillna("").tolist() == frame["feature"].tolist()
    np.testing.assert_array_equal(found["value"], frame["value"])


SPELLINGS = ["007", "1_000", "+5", " 5", "1e5", "1.50", "nan", "infinity", "\u0663", "\uff11", "1.", ".5", "-05"]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_text_that_only_reads_as_a_number_comes_back_as_text(tmp_path, spelled):
    write_csv(pd.DataFrame({"row": [spelled, "2"]}), tmp_path / "t.csv")
    assert read_csv(tmp_path / "t.csv")["row"].tolist() == [spelled, "2"]


NUMBERS = st.floats(allow_nan=False) | st.floats(width=32, allow_nan=False) | st.integers(-(2**53), 2**53)


# beside other numbers whole ones are floats, which hold them to 2^53
@given(st.lists(NUMBERS, min_size=1) | st.lists(st.integers(), min_size=1))
def test_numbers_come_back_to_the_last_bit_however_large_or_small(values):
    with tempfile.TemporaryDirectory() as folder:
        for kind in (float, object):
            column = pd.Series(values, dtype=kind)
            write_csv(column.to_frame("value"), Path(folder) / "t.csv")
            found = read_csv(Path(folder) / "t.csv")["value"].tolist()
            assert found == column.tolist() and not any(isinstance(one, str) for one in found)


class Label:
    def __str__(self):
        return "=HYPERLINK()"


def test_every_kind_of_cell_that_is_written_as_text_is_looked_at(tmp_path):
    values = [Label(), pd.Timedelta(-1, unit="s"), np.str_("=1"), ("=", 1), -3, None, pd.NA, pd.Timestamp("2020-01-01")]
    write_csv(pd.DataFrame({"a": pd.Series(values, dtype=object)}), tmp_path / "t.csv")
    _check_harmless(tmp_path / "t.csv")


X = pd.DataFrame({"=1+1": [0.0, 1.0, 2.0, 5.0], "-b": ["@u", "=v", "@u", "-w"], "007": [3.0, 1.0, 2.0, 0.0]},
                 index=["+r", "\ts", "t", "'=u"])  # fmt: skip


def model(rows):
    v = rows["=1+1"].to_numpy() * 2 + (rows["-b"] == "=v").to_numpy() * rows["007"].to_numpy()
    return np.stack([v, -v], axis=1)


@pytest.fixture(scope="module")
def parts():
    predictor = px.Predictor(model, outputs=["=yes", "@no"])
    return predictor, px.TabularSpace(X)


def test_results_of_every_kind_come_back(parts, tmp_path):
    predictor, space = parts
    found = px.explain(["lime_tabular", px.Lime(name="=lime"), "interactions"], predictor, space, X, seed=0)
    effects = px.effects(["pdp", "ale"], predictor, space, X, seed=0)
    results = {"attribution": found["=lime"], "rules": found["lime_tabular"], "levels": effects["pdp"]["-b"],
               "h": px.h_statistic(predictor, space, X)}  # fmt: skip
    for name, result in results.items():
        result.to_csv(tmp_path / f"{name}.csv")
        _check_harmless(tmp_path / f"{name}.csv")
        back, frame = px.read_csv(tmp_path / f"{name}.csv"), result.to_frame()
        assert list(back.columns) == list(frame.columns)
        for column in frame:
            if frame[column].dtype.kind in "fiu":
                np.testing.assert_array_equal(back[column], frame[column])
            else:
                assert back[column].tolist() == [str(v) if isinstance(v, bool) else v for v in frame[column]], (name, column)


@pytest.mark.usefixtures("undrawn")
def test_every_table_of_a_report_is_harmless_and_comes_back(parts, tmp_path):
    predictor, space = parts
    results = px.explain(["kernel_shap", px.Lime(name="=lime"), "interactions"], predictor, space, X, seed=0)
    compared = px.compare(results, predictor, space, metrics=["deletion", "spearman"], seed=0)
    folder = px.report(compared, tmp_path / "r")
    px.report(px.effects("pdp", predictor, space, X, seed=0), tmp_path / "e")
    paths = [*folder.glob("*.csv"), *(tmp_path / "e").glob("*.csv")]
    assert len(paths) > 4
    for path in paths:
        _check_harmless(path)
    back = px.read_csv(folder / "attributions.csv")
    assert set(back["method"]) == set(results) and set(back["feature"]) == set(X)
    assert set(back["row"]) == set(X.index) and set(back["output"]) == {"=yes", "@no"}
    raw = pd.read_csv(folder / "attributions.csv")
    assert raw["value"].dtype.kind == "f" and (raw["value"] < 0).any()


def test_only_one_module_writes_csvs():
    package = Path(px.__file__).parent
    writes = re.compile(r"\.to_csv\((?!\))|csv\.writer")
    assert {path.name for path in package.rglob("*.py") if writes.search(path.read_text("utf-8"))} == {"csv_files.py"}
