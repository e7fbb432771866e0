"""`perturbxai explain`: what the same calls of the library give, and refusals in words before the model works."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command import cli
from perturbxai.command import options as command_options
from perturbxai.command.config import EffectsConfig, TableConfig
from perturbxai.command.table import DRAWN, read_table
from perturbxai.command.user_model import make_model
from perturbxai.core import catalogue

ROOT = Path(__file__).parents[2]
MODULE = '''
import functools
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

GIVEN = {}

def forest(X, y):
    return RandomForestRegressor(10, random_state=0).fit(X, y)

def tree(X, y):
    return DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)

def slopes(X):
    """Fitted beforehand, on the columns in another order."""
    columns = list(X.columns)[::-1]
    return LinearRegression().fit(X[columns], X.sum(axis=1))

def words(X):
    GIVEN["X"] = X
    def model(rows):
        GIVEN["rows"] = rows
        return rows["code"].str.len().fillna(0).to_numpy() + rows["job"].cat.codes.to_numpy() + rows["age"].isna()
    return model

def never():
    def model(rows):
        raise AssertionError("the model was asked")
    return model

def fails():
    return lambda rows: rows["no such column"]

def returns_nothing(X, y):
    pass

def raises(X, y):
    return X["no such column"]

def three(X, y, depth):
    pass

def values(X):
    return X.iloc[:, 0].to_numpy()

def spoils(X, y):
    X.iloc[:, 0] = 0.0
    return lambda rows: np.asarray(rows, dtype=float).sum(axis=1)
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a table of numbers, a mixed one and a module, which is the current folder."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)).round(3), columns=["a", "b", "c"])
    frame["y"] = frame.a * frame.b + frame.c
    frame["kind"] = np.where(frame.y > 0, "up", "down")
    frame["id"] = [f"r{i:02d}" for i in range(40)]
    frame.to_csv(tmp_path / "rows.csv", index=False)
    mixed = pd.DataFrame({"code": ["007", "12", "", "12"] * 5, "job": ["smith", "", "clerk", "smith"] * 5})
    mixed["age"] = [np.nan, 30.0, 41.5, 22.0] * 5
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    (tmp_path / "own_model.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_model", None)


def explain(*options, table="rows.csv", model="own_model:forest", results="out"):
    """The exit code, with few methods and metrics unless told."""
    given = ["--table", table, "--model", model, "--results", results, "--quiet", *options]
    for option, value in (("--methods", "kernel_shap"), ("--metrics", "spearman")):
        given += [] if option in given else [option, value]
    return cli.main(["explain", *given])


NUMBERS = ("--target", "y", "--drop", "kind,id")


def found_in(folder):
    """The values of a report, to the last bit, which not every pandas reads by itself."""
    found = pd.read_csv(folder / "table" / "attributions.csv", dtype={"row": str, "value": str, "stderr": str})
    return found.assign(value=found.value.map(float), stderr=found.stderr.map(float))


# ------------------------------------------------------------------------------------------------ the same as the library


@pytest.mark.usefixtures("undrawn")
def test_the_values_are_those_of_the_library_to_the_last_bit(own):
    options = ("--inputs", "2:8:3", "--methods", "lime,kernel_shap,ale", "--budget", "7", "--background", "9", "--seed", "5")
    assert explain(*NUMBERS, *options) == 0
    frame = pd.read_csv("rows.csv")
    X, y = frame[["a", "b", "c"]], frame["y"]
    from own_model import forest

    space = px.TabularSpace(X, background=9, seed=5)
    predictor = px.Predictor(forest(X, y))
    wanted = px.explain(["lime", "kernel_shap", "ale"], predictor, space, X.iloc[[2, 5]], budget=7, seed=5)
    found = found_in(own / "out")
    for name, result in wanted.items():
        mine, theirs = found[found.method == name], result.to_frame()
        assert mine.row.tolist() == theirs.row.map(str).tolist()
        assert mine.feature.tolist() == theirs.feature.tolist()
        assert mine.value.tolist() == theirs.value.tolist(), name
        assert mine.stderr.tolist() == theirs.stderr.tolist(), name


NOTING = """
import os
import beside
import numpy as np

class Model:
    def __init__(self):
        self.weights, self.file = np.full(250_000, 1.0), os.path.abspath("unpacked")

    def __setstate__(self, state):
        vars(self).update(state)
        with open(self.file, "a") as file:
            file.write(f"{os.getpid()}\\n")

    def predict(self, rows):
        return beside.scale(rows.to_numpy())[:, :2].prod(axis=1) * self.weights[-1]
"""


@pytest.mark.usefixtures("undrawn")
def test_several_processes_write_the_same_tables(own):
    (own / "beside.py").write_text("def scale(rows):\n    return 2.0 * rows\n")
    (own / "model_of_two.py").write_text(NOTING)
    tables = []
    for folder, jobs in (("one", ()), ("two", ("--jobs", "2"))):
        options = (*NUMBERS, "--inputs", "0:8", "--methods", "lime,ale", *jobs)
        assert explain(*options, model="model_of_two:Model", results=folder) == 0
        tables.append(found_in(own / folder))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    unpacked = (own / "unpacked").read_text("utf-8").split()
    assert 1 <= len(unpacked) == len(set(unpacked)) <= 2  # once a process, though several calls ask it


def test_no_process_at_all_is_refused(own, capsys):  # noqa: ARG001
    assert explain(*NUMBERS, "--jobs", "0") == 2
    assert "--jobs" in (told := capsys.readouterr().err) and "-1 for one a core" in told


@pytest.mark.usefixtures("undrawn")
def test_a_config_of_the_same_keys_writes_the_same_tables(own):
    options = ("--inputs", "3,1", "--baselines", "glass_box", "--label", "id")
    assert explain("--target", "y", "--drop", "kind", *options) == 0
    (own / "same.toml").write_text(
        '[table]\ndata = "rows.csv"\ntarget = "y"\ndrop = ["kind"]\nlabel = "id"\nmodel = "own_model:forest"\n'
        'inputs = [3, 1]\nmethods = ["kernel_shap"]\nbaselines = ["glass_box"]\nmetrics = ["spearman"]\nexact = false\n'
    )
    assert cli.main(["run", "same.toml", "--results", "again", "--quiet"]) == 0
    for name in ("attributions.csv", "agreement.csv"):
        assert (own / "out" / "table" / name).read_bytes() == (own / "again" / "table" / name).read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_exact_values_and_a_glass_box_stand_beside_the_methods(own):
    options = (
        "--target",
        "kind",
        "--drop",
        "y,id",
        "--outputs",
        "up",
        "--inputs",
        "4",
        "--exact",
        "--baselines",
        "glass_box",
    )
    assert explain(*options, model="own_model:tree") == 0
    found = found_in(own / "out")
    assert set(found.output) == {"up"}
    wide = found.pivot(index="feature", columns="method", values="value")
    assert set(wide) == {"kernel_shap", "exact", "glass_box"}
    np.testing.assert_allclose(wide["glass_box"], wide["exact"], atol=1e-12)  # two roads to the same sums of a few terms


def test_the_report_is_that_of_run_with_a_summary_on_stdout(own, capsys):
    assert cli.main(["explain", "--table", "rows.csv", "--model", "own_model:forest", *NUMBERS, "--inputs", "0:2"]) == 0
    shown = capsys.readouterr().out
    assert "kernel_shap" in shown and "faithfulness" in shown
    folder = (own / "results" / "explain").resolve()
    assert f"files: {folder}" in shown and shown.rstrip().splitlines()[-1] == str(folder / "table" / "index.html")
    names = {path.name for path in (own / "results" / "explain" / "table").iterdir()}
    assert {"attributions.csv", "summary.csv", "bars.png", "insertion.png", "manifest.json"} <= names


# ------------------------------------------------------------------------------------------------ rows and columns


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ("0:3", [0, 1, 2]),
        ("5", [5]),
        ("-1", [39]),
        ("0:40:10", [0, 10, 20, 30]),
        ("-2:", [38, 39]),
        ("::-20", [39, 19]),
        ("38:99", [38, 39]),
        ("7,3,-1", [7, 3, 39]),
        (3, [0, 1, 2]),
        (99, list(range(40))),
    ],
)
def test_rows_are_chosen_as_python_chooses_them(own, rows, numbers):  # noqa: ARG001
    section = TableConfig(data="rows.csv", target="y", model="own_model:forest", rows=rows)
    assert read_table(section, str).x.index.tolist() == numbers


@pytest.mark.usefixtures("undrawn")
def test_a_slice_that_begins_with_a_minus_is_a_value_and_no_option(own):
    assert explain(*NUMBERS, "--inputs", "-2:") == 0
    assert set(found_in(own / "out").row) == {"38", "39"}


@pytest.mark.usefixtures("undrawn")
def test_a_label_names_the_rows_and_is_no_feature(own):
    assert explain("--target", "y", "--drop", "kind", "--label", "id", "--inputs", "6") == 0
    found = found_in(own / "out")
    assert set(found.row) == {"r06"}
    assert set(found.feature) == {"a", "b", "c"}


@pytest.mark.usefixtures("undrawn")
def test_categories_text_and_missing_values_reach_factory_and_model(own):  # noqa: ARG001
    code = explain("--category", "job", "--text", "code", "--inputs", "0:4", table="mixed.csv", model="own_model:words")
    assert code == 0
    given = sys.modules["own_model"].GIVEN
    for rows in (given["X"], given["rows"]):
        assert rows["job"].dtype == "category"
        assert set(rows["code"].dropna()) <= {"007", "12"}
    assert given["X"]["code"].isna().sum() == given["X"]["job"].isna().sum() == given["X"]["age"].isna().sum() == 5


@pytest.mark.parametrize(
    ("name", "mark", "options"),
    [
        ("rows.tsv.gz", "\t", {}),
        ("rows.txt", ";", {"separator": ";"}),
        ("rows.csv.zip", ",", {}),
        ("rows.dat", "\t", {"separator": "\t"}),
    ],
)
def test_a_table_may_be_compressed_and_have_other_separators(own, name, mark, options):
    frame = pd.read_csv("rows.csv")
    frame.to_csv(own / name, sep=mark, index=False)
    section = TableConfig(data=name, target="y", model="own_model:forest", **options)
    pd.testing.assert_frame_equal(read_table(section, str).X, frame.drop(columns="y"))


def test_a_separator_at_the_end_of_each_line_shifts_no_column(own):
    (own / "ends.csv").write_text("a,b\n1,2,\n3,4,\n")
    section = TableConfig(data="ends.csv", model="own_model:never")
    assert read_table(section, str).X.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.usefixtures("undrawn")
def test_columns_are_given_in_the_order_of_a_fitted_model(own):
    assert explain("--drop", "kind,id,y", "--inputs", "0", model="own_model:slopes") == 0
    assert found_in(own / "out").feature.tolist() == ["c", "b", "a"]


@pytest.mark.usefixtures("undrawn")
def test_a_factory_that_changes_its_table_changes_not_what_is_explained(own):
    assert explain(*NUMBERS, "--inputs", "0", model="own_model:spoils") == 0
    assert abs(found_in(own / "out").set_index("feature").value["a"]) > 1e-3


HOSTILE = ["../../up", "<script>x</script>", r"$\frac{", "a,b", "two\nlines", "=1+1", "_hidden", "{0}%s"]


def test_hostile_names_of_columns_are_names_and_nothing_else(own):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(20, len(HOSTILE) + 2)), columns=[*HOSTILE, "y", "c,d"])
    frame.to_csv(own / "deep.csv", index=False)
    before = {path for path in own.parent.rglob("*") if path.is_file()}
    options = ("--target", "y", "--drop", '"c,d"', "--inputs", "0", "--metrics", "deletion,insertion,spearman")
    assert explain(*options, table="deep.csv") == 0
    new = {path for path in own.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(own / "out") or "__pycache__" in path.parts for path in new)
    assert px.read_csv(own / "out" / "table" / "attributions.csv").feature.tolist() == HOSTILE


# ------------------------------------------------------------------------------------------------ the model


class Holder:
    """A model that is an object."""

    def predict(self, rows):
        return rows


def _with_path(path="m.joblib"):
    return lambda: ("path", path)


def _both(X, y):
    return lambda: (X, y)


def _table(X, depth=3):
    return lambda: (X, depth)


def _usual(X, y=None):
    return lambda: (X, y)


def _named(path="m", X=None):
    return lambda: (path, X)


def _placed(table, target, /):
    return lambda: (table, target)


def _any(*given):
    return lambda: given


FACTORIES = {
    "none": (_with_path, ("path", "m.joblib"), []),
    "both": (_both, ("X!", "y!"), ["X", "y"]),
    "the table": (_table, ("X!", 3), ["X"]),
    "y by its name": (_usual, ("X!", "y!"), ["X", "y"]),
    "X by its name": (_named, ("m", "X!"), ["X"]),
    "by place alone": (_placed, ("X!", "y!"), ["X", "y"]),
    "any": (_any, ("X!", "y!"), ["X", "y"]),
    "partial": (partial(_both, y="mine"), ("X!", "y!"), ["X", "y"]),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_gets_what_it_has_parameters_for(monkeypatch, name):
    factory, wanted, given = FACTORIES[name]
    monkeypatch.setattr(sys.modules[__name__], "chosen", factory, raising=False)
    made = make_model(f"{__name__}:chosen", "--model", {"X": "X!", "y": "y!"})
    assert made.model() == wanted
    assert made.facts["given"] == given


def test_a_class_makes_the_model_and_an_object_is_the_model(monkeypatch):
    assert isinstance(make_model(f"{__name__}:Holder", "--model", {}).model, Holder)
    one = Holder()
    monkeypatch.setattr(sys.modules[__name__], "one", one, raising=False)
    assert make_model(f"{__name__}:one", "--model", {}).model is one


def test_the_module_lies_in_the_current_folder_and_the_table_anywhere(own, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "other_model.py").write_text(MODULE)
    command = [sys.executable, "-P", "-m", "perturbxai", "explain", "--table", str(own / "rows.csv"), *NUMBERS, "--quiet"]
    command += ["--model", "other_model:forest", "--methods", "kernel_shap", "--metrics", "spearman", "--inputs", "0"]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (elsewhere / "results" / "explain" / "manifest.json").is_file()


@pytest.mark.usefixtures("undrawn")
def test_the_path_of_modules_is_as_it_was(own):  # noqa: ARG001
    before = list(sys.path)
    assert explain(*NUMBERS, "--inputs", "0") == 0
    assert sys.path == before


# ------------------------------------------------------------------------------------------------ refusals


REFUSALS = {
    "no file": (("--table", "no.csv"), r"--table = 'no\.csv' cannot be read as CSV: there is no such file"),
    "an address": (("--table", "http://localhost/x.csv"), r"--table = .* there is no such file"),
    "a folder": (("--table", "."), r"--table = '\.' cannot be read as CSV: it is a folder"),
    "no text": (("--table", "bytes.csv"), r"cannot be read as CSV: it is not text in UTF-8\. Save the table"),
    "no rows": (("--table", "head.csv"), r"--table = 'head\.csv' has a header and no row below it"),
    "other marks": (
        ("--table", "semi.csv", "--separator", "|"),
        r"has the one column 'a;b', so '\|' does not .* give --separator, ';' perhaps",
    ),
    "few names": (("--table", "long.csv"), r"--table = 'long\.csv' has more values in a line than names in the first"),
    "target": (("--target", "Y"), r"--target = 'Y' is no column of rows\.csv; it has 'a', 'b', .*Did you mean 'y'\?"),
    "drop": (("--drop", "idd,a"), r"--drop = 'idd' is no column of rows\.csv.*Did you mean 'id'\?"),
    "half a quote": (("--drop", '"a'), r"--drop = '\"a' is no list: .*Separate names by commas"),
    "two uses": (("--target", "a", "--drop", "a"), r"the column 'a' is named twice among --target, --drop"),
    "nothing left": (("--drop", "a,b,c,y,kind,id"), r"--table = 'rows\.csv' has no column left to explain"),
    "label": (("--label", "kind"), r"--label = 'kind' calls several of the rows '(up|down)'"),
    "rows": (("--inputs", "1-5"), r"--inputs: '1-5' is no choice of rows; expected a slice as Python has it"),
    "far row": (("--inputs", "3,40"), r"--inputs = 3, 40: there is no row 40; the table has 40, numbered from 0"),
    "empty slice": (("--inputs", "40:"), r"--inputs = 40: chooses no row; the table has 40"),
    "one row twice": (("--inputs", "39,-1"), r"--inputs = 39, -1 names a row twice"),
    "method": (("--methods", "lime,shap"), r"--methods: 'shap' is not known; did you mean 'kernel_shap'\?"),
    "no method": (("--methods", ""), r"--methods = \[\]: the list should have at least 1 item"),
    "baseline": (("--baselines", "cam"), r"--baselines: 'cam' is not known; 'cam' explains pictures, .* of gradient"),
    "in another place": (("--methods", "gradient"), r"'gradient' is one of the baselines, name it there"),
    "no gradient": (("--baselines", "gradient"), r"gradient: the model is a callable, which has no gradient"),
    "metric": (("--metrics", "auc"), r"--metrics: 'auc' is not known; expected some of deletion"),
    "budget": (("--budget", "many"), r"--budget = 'many': input should be a whole number"),
    "small budget": (("--budget", "3"), r"budget=3 is below the .* Ask for budget="),
    "background": (("--background", "0"), r"--background: 0 is not a background; expected a whole number .* or \"all\""),
    "seed": (("--seed", "-1"), r"--seed = -1: input should be greater than or equal to 0"),
    "batch": (("--batch-size", "0"), r"--batch-size = 0: input should be greater"),
    "scale": (("--output", "odds"), r"--output = 'odds': input should be 'probability', 'logit' or 'raw'"),
    "no such scale": (("--output", "logit"), r"--output: output='logit', but a plain function has one scale"),
    "no factory": (("--model", "own_model"), r"--model = 'own_model' is no model; expected .*'package\.module:factory'"),
    "no module": (("--model", "nowhere:make"), r"--model = 'nowhere:make' cannot be imported.*in the folder of the module"),
    "no name": (("--model", "own_model:forrest"), r"has no 'forrest'; did you mean 'forest'\?"),
    "no y": (("--model", "own_model:forest"), r"takes X and y, but there is no y\. Name its column as --target"),
    "too many": (("--model", "own_model:three"), r"takes X, y, depth; expected X and y at most\. Give the others a default"),
    "an array": (("--model", "own_model:values"), r"model is ndarray; expected .* A function of that name makes the model"),
    "nothing": (("--model", "own_model:returns_nothing", "--target", "y"), r"returned nothing; let it return the model"),
    "fails": (
        ("--model", "own_model:raises", "--target", "y"),
        r"failed: KeyError: 'no such column' \(own_model\.py, line \d",
    ),
    "syntax": (("--model", "broken:make"), r"cannot be imported: SyntaxError: .*broken\.py, line 1\)"),
    "boosted": (
        ("--model", "boosted"),
        r"--model: \"boosted\" are trees trained on a column of the file: name it as the target",
    ),
    "other columns": (("--model", "own_model:tree", "--target", "kind"), r"failed: ValueError: could not convert string"),
    "results": (("--results", "rows.csv"), r"--results = 'rows\.csv': .*rows\.csv is a file; give a folder"),
    "below a file": (("--results", "rows.csv/x"), r"--results = 'rows\.csv/x': .*rows\.csv is a file; give a folder"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_cannot_be_done_is_told_in_a_line_before_the_model_is_asked(own, capsys, fault):
    options, told = REFUSALS[fault]
    (own / "bytes.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    (own / "head.csv").write_text("a,b\n")
    (own / "semi.csv").write_text("a;b\n1;2\n")
    (own / "long.csv").write_text("a,b\nr1,1,2\nr2,3,4\n")
    (own / "broken.py").write_text("def make(:\n")
    assert explain(*options, model="own_model:never") == 2
    shown = capsys.readouterr()
    assert re.search(told, shown.err), shown.err
    assert shown.err.startswith("perturbxai: ") and shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (own / "out").exists()


def test_columns_that_a_fitted_model_does_not_know_are_told_with_the_way_out(own, capsys):
    (own / "fitted_model.py").write_text(
        "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
        "model = LinearRegression().fit(pd.DataFrame({'a': [0.0, 1.0], 'b': [1.0, 3.0]}), [0.0, 1.0])\n"
    )
    assert explain(model="fitted_model:model") == 2
    assert re.search(r"unknown feature\(s\) \['c', 'y', .*Leave columns out by --drop", capsys.readouterr().err)


def test_a_model_that_fails_is_told_with_its_line(own, capsys):
    assert explain(model="own_model:fails") == 2
    assert re.match(r"perturbxai: the model raised KeyError: 'no such column' \(.*, line \d+\)\n$", capsys.readouterr().err)
    assert not (own / "out").exists()


def test_an_old_report_stays_whole_until_there_is_a_new_one(own):
    assert explain(*NUMBERS, "--inputs", "0") == 0
    kept = {path: path.read_bytes() for path in (own / "out").rglob("*") if path.is_file()}
    assert explain(*NUMBERS, "--inputs", "99") == 2
    assert explain(model="own_model:fails") == 2
    assert {path: path.read_bytes() for path in (own / "out").rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("arguments", [[], ["--model", "m:f"]])
def test_an_input_is_asked_for(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["explain", *arguments])
    assert left.value.code == 2
    assert re.search(r"--table|--image", capsys.readouterr().err.splitlines()[-1])


@pytest.mark.usefixtures("own")
def test_a_model_or_a_target_is_asked_for(capsys):
    assert cli.main(["explain", "--table", "rows.csv"]) == 2
    told = capsys.readouterr().err
    assert re.search(r'--model: "boosted" are trees trained on a column of the file: name it as the target', told)


# ------------------------------------------------------------------------------------------------ manifest and help


@pytest.mark.usefixtures("undrawn")
def test_the_manifest_names_command_options_data_and_model(own):
    words = [
        "explain",
        "--table",
        "rows.csv",
        "--model",
        "own_model:forest",
        *NUMBERS,
        "--inputs",
        "-2:",
        "--results",
        "out",
    ]
    words += ["--methods", "pdp", "--metrics", "spearman", "--quiet"]
    assert cli.main(words) == 0
    told = json.loads((own / "out" / "manifest.json").read_text())
    assert told["command"] == words
    assert told["config"]["table"]["inputs"] == "-2:"
    part = told["parts"]["table"]
    assert part["data"]["sha256"] == hashlib.sha256((own / "rows.csv").read_bytes()).hexdigest()
    assert part["data"]["columns"] == {"a": "float64", "b": "float64", "c": "float64"}
    assert (part["data"]["rows"], part["explained_rows"]) == (40, 2)
    assert part["model"]["file"]["sha256"] == hashlib.sha256((own / "own_model.py").read_bytes()).hexdigest()
    assert (part["model"]["given"], part["model"]["kind"]) == (["X", "y"], "RandomForestRegressor")


def test_every_key_of_a_table_has_its_option():
    assert {option.key for option in command_options.TABLE} | {"exact", "trust"} == set(TableConfig.model_fields)
    assert {option.key for option in command_options.EFFECTS} | {"trust", *command_options.SWITCHES["effects"]} == set(
        EffectsConfig.model_fields
    )


def test_the_defaults_that_the_help_tells_are_those_of_the_configuration():
    defaults = {name: field.default for name, field in TableConfig.model_fields.items()}
    told = {option.key: re.search(r"default: ([^;]*)", option.help) for option in command_options.TABLE}
    assert told["background"][1] == str(defaults["background"])
    assert told["batch_size"][1] == str(defaults["batch_size"])
    assert tuple(told["methods"][1].split(", ")) == defaults["methods"]
    rows = next(option.help for option in command_options.TABLE if option.key == "inputs")
    assert f"default: {DRAWN} drawn by the seed" in rows and defaults["inputs"] is None
    baselines = next(option.help for option in command_options.TABLE if option.key == "baselines")
    assert set(baselines.rpartition(": ")[2].split(",")) <= set(catalogue.BASELINES)


def test_the_docs_explain_a_table_of_your_own(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "own-files.md").read_text("utf-8")
    section = page.partition("\n## A table")[2].partition("\n## ")[0]
    (module,) = re.findall(r"```py\n(.*?)```", section, re.DOTALL)
    commands = re.findall(r"^perturbxai (.*)$", section, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["explain", "explain", "status"]
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    iris.data.assign(species=iris.target_names[iris.target]).to_csv(tmp_path / "flowers.csv", index=False)
    (tmp_path / "mymodel.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    try:
        assert [cli.main(command.split()) for command in commands] == [0, 0, 0]
    finally:
        sys.modules.pop("mymodel", None)
    told = capsys.readouterr().out
    assert "kernel_shap" in told and told.count("done: 150 of 150 rows (100 %)") == 2
    assert (tmp_path / "results" / "explain" / "manifest.json").is_file()
