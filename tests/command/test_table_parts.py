"""`perturbxai explain --out` and `status`: files of any size and kind in, parts out, refusals in its own words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command import cli, table_parts

pytestmark = pytest.mark.usefixtures("own")
RNG = np.random.default_rng(0)
N = 60
ROWS = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "c"]).assign(
    code=RNG.choice(["007", "1", "NA"], N), id=[f"r{i}" for i in range(N)]
)  # fmt: skip
ROWS["y"] = ROWS["a"] * ROWS["b"] + (ROWS["code"] == "007")
MODULE = """
from sklearn.ensemble import RandomForestRegressor
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline

GIVEN = []

def fitted():
    def model(rows):
        return rows["a"] * rows["b"] + (rows["code"] == "007") * rows["c"]
    return model

def train(X, y):
    GIVEN.append((X, y))
    numbers = FunctionTransformer(lambda rows: rows.assign(code=(rows["code"] == "007").astype(float)))
    return make_pipeline(numbers, RandomForestRegressor(5, random_state=0)).fit(X, y)

def line(X, y):
    from sklearn.linear_model import LinearRegression
    return LinearRegression().fit(X, y)

def slow():
    import time
    def model(rows):
        time.sleep(.05)
        return rows["a"] * rows["b"]
    return model

def fails():
    return lambda rows: rows["nothing"]
"""
BESIDE = ["--drop", "y", "--label", "id", "--text", "code"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mymodel.py").write_text(MODULE, encoding="utf-8")
    ROWS.to_csv("rows.csv", index=False)
    Path("in").mkdir()
    for number in range(3):
        ROWS.iloc[20 * number : 20 * number + 20].to_parquet(f"in/{number}.parquet")
    monkeypatch.delitem(sys.modules, "mymodel", raising=False)
    yield tmp_path
    sys.modules.pop("mymodel", None)


def command(*words, model="mymodel:fitted", methods="kernel_shap"):
    return cli.main(["explain", "--model", model, "--methods", methods, "--quiet", *words])


def read(folder):
    return pd.concat([pd.read_parquet(path) for path in sorted(Path(folder, "parts").iterdir())], ignore_index=True)


def values(frame):
    return frame[[name for name in frame if name.startswith("value_")]].to_numpy()


SOURCES = {
    "a text": ["--table", "rows.csv"],
    "files": ["--table", "in/0.parquet", "in/1.parquet", "in/2.parquet"],
    "a pattern": ["--table", "in/*.parquet"],
    "a folder": ["--table", "in"],
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_parts_hold_what_the_library_finds(source):
    assert command(*SOURCES[source], *BESIDE, "--out", "out", "--part-rows", "25") == 0
    found = read("out")
    X = ROWS[["a", "b", "c", "code"]]
    model = px.Predictor(lambda rows: rows["a"] * rows["b"] + (rows["code"] == "007") * rows["c"])
    expected = px.explain("kernel_shap", model, px.TabularSpace(X), X)["kernel_shap"]
    np.testing.assert_allclose(values(found), expected.values[:, :, 0], rtol=1e-12, atol=1e-12)
    assert found["x_id"].tolist() == ROWS["id"].tolist() and found["x_code"].tolist() == ROWS["code"].tolist()
    np.testing.assert_allclose(found["x_y"].astype(float), ROWS["y"])
    assert len(list(Path("out/parts").iterdir())) == 3


def test_marks_that_all_files_show_are_seen():
    Path("german").mkdir()
    for n in range(3):
        ROWS[n::3].to_csv(f"german/{n}.csv", sep=";", decimal=",", index=False)
    assert command("--table", "german", *BESIDE, "--out", "out") == 0
    expected = pd.concat([ROWS[n::3] for n in range(3)])
    np.testing.assert_allclose(read("out")["x_a"].astype(float), expected["a"])
    ROWS[:20].to_csv("german/1.csv", index=False)
    assert command("--table", "german", *BESIDE, "--out", "odd") == 2  # one of them is written otherwise


@pytest.mark.parametrize(
    ("rows", "numbers"), [("5:40:7", range(5, 40, 7)), ("3,50,10", (3, 10, 50)), ("-4:", range(56, 60))]
)
def test_rows_are_chosen_by_their_numbers_in_the_table(rows, numbers):
    assert command("--table", "in", *BESIDE, "--out", "out", "--part-rows", "3", "--inputs", rows) == 0
    found = read("out")
    assert found["row"].tolist() == list(numbers) and found["x_id"].tolist() == [f"r{i}" for i in numbers]


def test_a_factory_that_wants_the_table_gets_all_of_it():
    words = ["--table", "in", "--target", "y", "--label", "id", "--text", "code", "--out", "out", "--inputs", "0:5"]
    assert command(*words, model="mymodel:train") == 0
    X, y = sys.modules["mymodel"].GIVEN[0]
    pd.testing.assert_frame_equal(X, ROWS[["a", "b", "c", "code"]], check_dtype=False)
    np.testing.assert_allclose(y, ROWS["y"])


@pytest.mark.parametrize("model", ["boosted", "mymodel:line"])
def test_the_table_that_is_ready_has_a_target_of_its_own(model):
    assert command("--table", "diabetes", "--out", "out", "--inputs", "0:3", "--budget", "30", model=model) == 0
    assert len(read("out")) == 3


def test_numbers_that_are_to_be_text_are_text_in_parquet_too():
    ROWS.assign(code=RNG.integers(0, 3, N)).to_parquet("numbers.parquet")
    Path("mymodel.py").write_text(MODULE.replace('== "007"', '== "1"'))
    assert command("--table", "numbers.parquet", *BESIDE, "--out", "out", "--methods", "kernel_shap") == 0
    found = read("out")
    assert set(found["x_code"]) == {"0", "1", "2"} and (found["value_code"] != 0).any()


def test_of_a_large_table_a_sample_and_every_word_is_held(monkeypatch):
    monkeypatch.setattr(table_parts, "SAMPLED", 8)
    rare = ROWS.assign(code=["1"] * 59 + ["007"])
    rare.to_csv("rare.csv", index=False)
    assert command("--table", "rare.csv", *BESIDE, "--out", "out", "--background", "5") == 0
    assert len(read("out")) == N


def test_the_same_command_goes_on_and_says_how_far_it_is(capsys):
    words = ["--table", "in", "--drop", "y,id,code", "--out", "out", "--part-rows", "3", "--budget", "8"]
    line = [sys.executable, "-m", "perturbxai", "explain", "--model", "mymodel:slow", "--methods", "kernel_shap", *words]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not Path("out/parts/part-000001.parquet").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert cli.main(["status", "out"]) == 0
    told = capsys.readouterr().out
    assert f"running: process {process.pid}" in told and "of 60 rows" in told and "rows a second" in told
    assert command(*words, model="mymodel:slow") == 2
    assert f"a run goes on in it, by process {process.pid}" in capsys.readouterr().err
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(Path("out/parts").glob("part-*")))
    assert cli.main(["status", "out"]) == 0
    assert "ended without a word; the same command goes on" in capsys.readouterr().out
    assert 1 < done < 20
    assert cli.main(["explain", "--model", "mymodel:slow", "--methods", "kernel_shap", *words]) == 0
    assert f"an earlier run, by process {process.pid} on" in capsys.readouterr().err
    assert command(*[word if word != "out" else "whole" for word in words], model="mymodel:slow") == 0
    for path in Path("whole/parts").iterdir():
        assert path.read_bytes() == Path("out/parts", path.name).read_bytes()


def test_a_stopped_run_says_where_it_stands(own, capsys, monkeypatch):
    from perturbxai.reporting.parts import explain_to

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(explain_to, "write_part", stop)
    assert command("--table", "rows.csv", *BESIDE, "--out", "out") == 130
    told = capsys.readouterr().err
    assert f"what was finished is in {own / 'out'}: 0 of 60 rows; the same call goes on there" in told


def test_a_model_whose_file_changed_is_another(own, capsys):
    assert command("--table", "in", *BESIDE, "--out", "out") == 0
    (own / "mymodel.py").write_text(MODULE + "# another\n")
    sys.modules.pop("mymodel")
    assert command("--table", "in", *BESIDE, "--out", "out") == 2
    assert "known_by.file.bytes" in capsys.readouterr().err


WRONG = {
    "several workbooks": (
        ["--table", "a.xlsx", "b.xlsx", "--out", "o"],
        "--table names 2 files, but several are of Parquet",
    ),
    "kinds mixed": (["--table", "in/0.parquet", "rows.csv", "--out", "o"], "--table: mixes Parquet and other files"),
    "several files, no folder": (
        ["--table", "in/0.parquet", "in/1.parquet"],
        "--table names 2 files; several go with --out DIR",
    ),
    "a format, no folder": (["--table", "rows.csv", "--format", "csv"], "--format is about the files that --out DIR writes"),
    "a report": (["--table", "rows.csv", "--out", "o", "--results", "r"], "--results is about comparing and reporting"),
    "exact values": (["--table", "rows.csv", "--out", "o", "--exact"], "--exact is about comparing and reporting"),
    "pictures": (["--image", "cat.png", "--out", "o"], "--out writes the rows of a --table"),
    "a strange format": (["--table", "rows.csv", "--out", "o", "--format", "xml"], "--format = 'xml' is not known"),
    "no rows a part": (
        ["--table", "rows.csv", "--out", "o", "--part-rows", "0"],
        "--part-rows = '0': expected a whole number",
    ),
    "no file": (["--table", "no*.csv", "--out", "o"], "--table: 'no*.csv': there is no such file, and no file of that"),
    "a pattern of folders": (["--table", "i?", "--out", "o"], "--table: 'i?': there is no such file, and no file of that"),
    "no column": (["--table", "in", "--drop", "z", "--out", "o"], "--drop = 'z' is no column of"),
    "no such rows": (["--table", "in", "--inputs", "99:", "--out", "o", *BESIDE], "chooses no row; the table has 60"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_in_the_words_of_the_command(what, capsys):
    words, told = WRONG[what]
    assert command(*words, model="mymodel:fails") == 2
    assert told in capsys.readouterr().err
    assert not Path("o").exists()


def test_status_of_a_folder_without_a_run_is_an_error(capsys):
    assert cli.main(["status", "in"]) == 2
    assert "no run.json of a run in parts" in capsys.readouterr().err


def test_no_file_of_ours_is_left_by_a_model_that_fails(capsys):
    assert command("--table", "in", *BESIDE, "--out", "out", model="mymodel:fails") == 2
    assert "the model raised KeyError" in capsys.readouterr().err and not os.path.exists("out")
