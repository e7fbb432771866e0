"""A table and its target are enough: a model is trained and told of, and what cannot be taken is left out with a line."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

from perturbxai.command import cli
from perturbxai.command.config import TableConfig, load_config
from perturbxai.command.table import read_table
from perturbxai.command.trained import is_words, no_features, train, warning_of

QUICK = ("--methods", "kernel_shap", "--metrics", "none", "--inputs", "0:3", "--background", "10", "--budget", "40")


def people(n=240, seed=0):
    """Words, dates, truth values, missing values, a constant, names and numbers of rows, and a target that some tell."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"number": np.arange(n), "name": [f"Ms {i} Müller" for i in range(n)]})
    frame["town"] = rng.choice(["Köln", "Ulm", "北京"], n)
    frame["age"] = rng.integers(18, 80, n)
    frame["income"] = np.where(rng.random(n) < 0.2, np.nan, rng.normal(3000, 800, n).round(2))
    frame["member"] = rng.random(n) < 0.5
    frame["since"] = pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d")
    frame["one"] = 1
    frame["spent"] = (frame.age * 2 + frame.member * 50 + (frame.town == "Ulm") * 30 + rng.normal(0, 5, n)).round(2)
    frame["bought"] = np.where(frame.spent > frame.spent.median(), "yes", "no")
    return frame


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explained(*options, table="people.csv", quick=QUICK):
    return cli.main(["explain", "--table", table, "--results", "out", *options, *quick])


def attributions():
    return pd.read_csv("out/table/attributions.csv")


# ------------------------------------------------------------------------------------------------ the whole command


def test_a_mixed_table_and_its_target_are_explained_by_all_that_can(here, capsys):
    people().to_csv("people.csv", index=False)
    command = ["explain", "--table", "people.csv", "--target", "bought", "--drop", "spent", "--results", "out"]
    assert cli.main([*command, "--inputs", "0:2", "--budget", "60", "--background", "20"]) == 0
    told = capsys.readouterr()
    assert "no model was named: trained boosted trees (classifier of 2 classes) for 'bought' on 240 rows" in told.err
    assert "held out in 5 folds, it is right in " in told.err
    assert "read as dates: since" in told.err
    assert "'name': 240 of its 240 values differ" in told.err and "'number': it numbers the rows" in told.err
    assert "explained is the probability of 'yes'" in told.err
    said = [line for line in told.out.splitlines() if line.startswith("- ")]
    assert said[0].startswith("- 2 rows are explained. Their predictions go from ") and 1 < len(said) <= 8
    assert told.out.rstrip().splitlines()[-1] == str(here / "out" / "table" / "index.html")
    found = attributions()
    assert set(found.output) == {"yes"}
    assert set(found.feature) == {"town", "age", "income", "member", "since", "one"}
    manifest = json.loads((here / "out" / "manifest.json").read_text())
    model = manifest["parts"]["table"]["model"]
    assert model["task"] == "classification" and 0.7 < model["held_out_accuracy"] <= 1.0
    sizes = found[found.method == "kernel_shap"].groupby("feature").value.apply(lambda one: one.abs().mean())
    assert sizes.idxmax() in ("age", "member") and sizes["one"] == 0.0


@pytest.mark.parametrize("written", ["semicolons", "tabs", "excel", "parquet", "index"])
def test_the_same_table_in_other_clothes_gives_the_same_values(here, written):  # noqa: ARG001
    frame = people().drop(columns=["number", "since"])
    frame.to_csv("people.csv", index=False)
    assert explained("--target", "spent", "--drop", "bought", "--quiet") == 0
    wanted = attributions().value
    table = {"excel": "people.xlsx", "parquet": "people.parquet"}.get(written, "other.csv")
    if written == "excel":
        frame.to_excel(table)
    elif written == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(table)
    else:
        marks = {"semicolons": {"sep": ";", "decimal": ","}, "tabs": {"sep": "\t"}, "index": {}}[written]
        frame.to_csv(table, index=written == "index", **marks)
    assert explained("--target", "spent", "--drop", "bought", "--quiet", table=table) == 0
    np.testing.assert_allclose(attributions().value, wanted, rtol=1e-9, atol=1e-9)


def test_one_class_of_two_is_explained_unless_more_are_asked_for(here, capsys):  # noqa: ARG001
    people().to_csv("people.csv", index=False)
    assert explained("--target", "bought", "--outputs", "no,yes") == 0
    assert set(attributions().output) == {"no", "yes"}
    assert "explained is the probability" not in capsys.readouterr().err


def test_three_classes_are_all_explained(here):  # noqa: ARG001
    people().to_csv("people.csv", index=False)
    assert explained("--target", "town", "--quiet") == 0
    assert set(attributions().output) == {"Köln", "Ulm", "北京"}


def test_default_methods_that_a_budget_does_not_pay_for_are_left_out(here, capsys):
    pytest.importorskip("torch")
    (here / "net.py").write_text("def network():\n    return lambda pictures: pictures.mean(axis=(1, 2, 3))\n")
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save("one.png")
    command = ["explain", "--image", "one.png", "--model", "net:network", "--size", "24", "--segments", "grid"]
    command += ["--n-segments", "9", "--fills", "mean", "--budget", "60", "--metrics", "none", "--results", "out"]
    assert cli.main(command) == 0
    assert "ale: budget=60 is below the 180 rows that ale needs" in " ".join(capsys.readouterr().out.split())
    assert {"lime@mean", "kernel_shap@mean"} <= set(pd.read_csv("out/photo/attributions.csv").method)
    assert cli.main([*command, "--methods", "ale"]) == 2  # who names it is told


def test_without_metrics_nothing_is_scored(here):
    people().to_csv("people.csv", index=False)
    assert explained("--target", "spent", "--quiet") == 0
    assert pd.read_csv("out/table/scores.csv").empty
    facts = json.loads((here / "out" / "manifest.json").read_text())["parts"]["table"]
    assert facts["rows"] <= 3 * 40 * 10 + 13  # coalitions on the background, and each row and background row as it is


def test_a_config_that_is_written_does_the_same(here, capsys):
    people().to_csv("people.csv", index=False)
    options = ("--target", "bought", "--drop", "spent,name", "--seed", "3", "--quiet")
    assert explained(*options) == 0
    wanted = (here / "out" / "table" / "attributions.csv").read_bytes()
    assert explained(*options[:-1], "--write-config", "run.toml") == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1] == "run.toml"
    assert tomllib.loads((here / "run.toml").read_text())["table"]["drop"] == ["spent", "name"]
    assert load_config("run.toml").seed == 3
    assert cli.main(["run", "run.toml", "--results", "again", "--quiet"]) == 0
    assert (here / "again" / "table" / "attributions.csv").read_bytes() == wanted
    assert explained(*options, "--write-config", "run.toml") == 2
    assert "--write-config = 'run.toml' is there already" in capsys.readouterr().err


def test_the_report_is_opened_when_it_is_asked_for(here, monkeypatch):
    people().to_csv("people.csv", index=False)
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert explained("--target", "spent", "--quiet") == 0 and not opened
    assert explained("--target", "spent", "--quiet", "--open") == 0
    assert opened == [(here / "out" / "table" / "index.html").as_uri()]


def test_the_version_is_told(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("perturbxai 0.")


def test_rows_of_a_large_table_go_into_files_without_a_model_too(here, capsys):
    people().to_csv("people.csv", sep=";", index=False)
    command = ["explain", "--table", "people.csv", "--target", "bought", "--methods", "kernel_shap", "--budget", "20"]
    assert cli.main([*command, "--background", "5", "--out", "parts", "--format", "csv"]) == 0
    told = capsys.readouterr().err
    assert "trained boosted trees" in told and "was read with ';'" in told and "read as dates: since" in told
    found = pd.read_csv(here / "parts" / "parts" / "part-000000.csv")
    assert len(found) == 240 and set(found.output) == {"yes"}
    assert {"value_town", "value_since"} <= set(found) and "value_name" not in found


# ------------------------------------------------------------------------------------------------ the model


def trained(frame, target, task=None):
    return train(frame.drop(columns=target), frame[target], task, "--target", "--task")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 40, "classification"),
        ([True, False] * 40, "classification"),
        ([0, 1, 2, 3] * 20, "classification"),
        ([0.0, 1.0] * 40, "classification"),
        ([0.5, 1.5] * 40, "regression"),
        (list(range(80)), "regression"),
        (np.linspace(0, 1, 80), "regression"),
    ],
    ids=["words", "truth", "few whole", "whole as floats", "fractions", "many whole", "numbers"],
)
def test_a_target_is_classes_or_numbers_as_its_values_say(values, task):
    frame = pd.DataFrame({"a": np.tile(np.arange(8.0), 10), "y": values})
    assert trained(frame, "y").facts["task"] == task


def test_the_task_can_be_said():
    frame = pd.DataFrame({"a": np.arange(80.0), "y": [0, 1, 2, 3] * 20})
    assert trained(frame, "y", "regression").facts["task"] == "regression"
    assert "few whole numbers, taken as classes; --task regression" in " ".join(trained(frame, "y").told)


def test_a_class_that_a_column_with_missing_values_has_as_a_float_is_called_by_its_whole_number():
    frame = pd.DataFrame({"a": np.arange(90.0), "y": [0, 1, np.nan] * 30})
    found = trained(frame, "y")
    assert found.model.classes_.tolist() == ["0", "1"] and found.facts["trained_rows"] == 60
    assert "30 rows without 'y' were left out of the training" in found.told


def test_what_predicts_nothing_is_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "y": rng.normal(size=200)})
    assert "it predicts no better than a guess" in trained(frame, "y").told[0]


def test_what_beats_a_guess_by_less_than_noise_is_told_and_what_predicts_well_is_not():
    assert warning_of(0.780, 0.772, noise=0.0185).startswith("; it predicts hardly better than a guess")
    assert warning_of(0.92, 0.72, noise=0.016) == ""
    frame = pd.DataFrame({"a": np.random.default_rng(1).normal(size=400)})
    assert "better than a guess" not in trained(frame.assign(y=np.where(frame.a > 0.0, "yes", "no")), "y").told[0]


def test_words_mixed_with_numbers_missing_words_dates_with_zones_and_new_levels_are_taken():
    frame = pd.DataFrame({
        "mixed": ["a", 1, None, 2.5] * 20, "when": pd.date_range("2024-01-01", periods=80, tz="Europe/Berlin"),
        "span": pd.to_timedelta(np.arange(80), unit="h"), "kind": pd.Categorical(["u", "v"] * 40),
        "n": pd.array([1, None] * 40, "Int64"), "y": np.arange(80.0),
    })  # fmt: skip
    model = trained(frame, "y").model
    asked = frame.drop(columns="y").head(2).assign(mixed=["new", None])
    assert np.isfinite(model.predict(asked)).all()


def test_the_same_table_trains_the_same_model():
    frame = people()[["age", "member", "spent"]]
    one, other = (trained(frame, "spent") for _ in range(2))
    assert one.told == other.told
    assert (one.model.predict(frame) == other.model.predict(frame)).all()


def test_names_texts_and_numbers_of_rows_are_no_features_but_towns_are():
    frame = people().drop(columns="since")  # which is read as dates by then
    assert set(no_features(frame)) == {"number", "name"}
    assert set(no_features(frame, ("name",))) == {"number"}
    assert not no_features(frame[["town", "age", "income", "member"]])
    assert no_features(pd.DataFrame({"a": [None] * 30})) == {"a": "it has no value"}


def test_what_holds_words():
    assert (
        is_words(pd.Series(["a"]))
        and is_words(pd.Series(["a"], dtype="category"))
        and is_words(pd.Series(["a"], dtype="string"))
    )
    for one in (
        pd.Series([1]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True]),
        pd.Series(pd.to_datetime(["2024-01-01"])),
    ):
        assert not is_words(one)


REFUSED = {
    "one value": (lambda f: f.assign(y=1.0), None, "--target = 'y' has the one value; a model learns of two"),
    "no value": (lambda f: f.assign(y=np.nan), None, "--target = 'y' has no value"),
    "few rows": (lambda f: f.head(12), None, "has 12 rows with a value, too few to train a model on; 20 are the least"),
    "infinite": (lambda f: f.assign(y=np.inf).assign(y=[np.inf, *range(79)]), None, "has infinite values"),
    "names": (lambda f: f.assign(y=[f"n{i}" for i in range(80)]), "classification", "once each; a class needs two rows"),
    "texts": (lambda f: pd.concat([f] * 3).assign(y=[f"n{i}" for i in range(240)]), None, "240 different words in 240 rows"),
    "words as numbers": (lambda f: f.assign(y=["a", "b"] * 40), "regression", "--task regression: .* holds words"),
    "many classes": (lambda f: pd.concat([f] * 3).assign(y=range(240)), "classification", "240 values, too many classes"),
    "dates": (lambda f: f.assign(y=pd.date_range("2024-01-01", periods=80)), None, "holds dates"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_target_that_nothing_can_be_learned_of_is_refused_in_words(fault):
    change, task, told = REFUSED[fault]
    frame = change(pd.DataFrame({"a": np.arange(80.0), "y": np.arange(80.0)}))
    with pytest.raises(ValueError, match=told):
        trained(frame, "y", task)


def test_whole_numbers_with_a_missing_one_number_no_rows():
    counted = pd.Series([pd.NA, *range(1, 40)], dtype="Int64")
    frame = pd.DataFrame({"n": counted, "all": np.arange(40), "a": pd.array([1, None] * 20, dtype="Int64")})
    assert no_features(frame) == {"all": "it numbers the rows"}


def test_copies_of_rows_which_flatter_the_score_are_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["u", None], 60), "y": rng.normal(size=60)})
    assert not [line for line in trained(frame, "y").told if "copies" in line]
    (line,) = [line for line in trained(pd.concat([frame] * 3, ignore_index=True), "y").told if "copies" in line]
    assert line.startswith("120 of the rows are copies of others, 'y' too")


def test_a_score_that_is_no_number_is_told_as_poor():
    assert "no better than a guess" in warning_of(float("nan"), 0.0, 0.0)


# ------------------------------------------------------------------------------------------------ how a file is written


def read(path, **keys):
    return read_table(TableConfig(data=str(path), **keys), str)


def test_decimal_commas_are_seen_and_thousands_points_are_not_taken_for_fractions(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;y\n1,5;x;1\n2,25;y;2\n;x;3\n")
    found = read(path, model="m:f")
    assert found.X.a.tolist()[:2] == [1.5, 2.25]
    assert found.told == ("t.csv was read with ';' as values between them (table.separator) and ',' as the mark before "
                          "fractions (table.decimal)",)  # fmt: skip
    path.write_text("a;b\n1.5;x\n2.25;y\n")
    assert read(path, model="m:f").X.a.tolist() == [1.5, 2.25]


@pytest.mark.parametrize("comma", ["1,5", "0,123", "1234,567", "1.234,56"])
def test_a_comma_that_cannot_stand_between_thousands_is_a_decimal_one(tmp_path, comma):
    (tmp_path / "t.csv").write_text(f"a;b;y\n{comma};x;1\n2,250;y;2\n")
    assert "',' as the mark before fractions" in read(tmp_path / "t.csv", model="m:f").told[0]


def test_a_comma_between_thousands_is_not_taken_for_a_decimal_one(tmp_path):
    (tmp_path / "t.csv").write_text("a;b;y\n1,500;0.5;1\n22,250;0.25;2\n")
    found = read(tmp_path / "t.csv", model="m:f")
    assert found.X.a.tolist() == ["1,500", "22,250"] and found.X.b.tolist() == [0.5, 0.25]
    assert found.told[1] == (
        "read as words: 'a', whose marks may stand between thousands (table.number NAME reads one as numbers, "
        "table.decimal ',' with fractions)"
    )
    assert read(tmp_path / "t.csv", model="m:f", decimal=",").X.a.tolist() == [1.5, 22.25]


@pytest.mark.parametrize("point", ["1.5", "0.125", ".5", "1e-3"])
def test_commas_make_no_words_of_a_column_with_decimal_points(tmp_path, point):
    (tmp_path / "t.csv").write_text(f"a;b\n1,5;{point}\n2,5;{point}\n")
    assert read(tmp_path / "t.csv", model="m:f").X.b.dtype.kind == "f"


def test_a_date_column_is_read_as_dates_where_it_is_asked_for_or_a_model_is_trained(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("d,w,y\n" + "\n".join(f"2024-03-{i:02d},x{i}-01-01,{i}" for i in range(1, 25)))
    assert read(path, model="m:f").X.d.dtype.kind not in "mM"
    assert read(path, model="m:f", date=("d",)).X.d.dtype.kind == "M"
    assert read(path, target="y").X.dtypes.map(lambda one: one.kind).tolist()[0] == "M"
    assert read(path, target="y", text=("d",)).X.d.dtype.kind not in "mM"


@pytest.mark.parametrize("late", ["soon", "2024-02-30", "01.02.2024"])
def test_a_column_that_holds_dates_in_its_first_rows_alone_is_not_read_as_dates(tmp_path, late):
    days = pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d").tolist()
    pd.DataFrame({"d": [*days, late], "y": range(151)}).to_csv(tmp_path / "t.csv", index=False)
    found = read(tmp_path / "t.csv", target="y")
    assert found.X.d.iloc[-1] == late and not any("dates" in line for line in found.told)


def test_dates_in_parquet_s_words_go_into_files_too(here):
    people().drop(columns="spent").to_parquet("people.parquet")
    command = ["explain", "--table", "people.parquet", "--target", "bought", "--out", "parts", "--methods", "kernel_shap"]
    assert cli.main([*command, "--inputs", "0:3", "--background", "5", "--budget", "40"]) == 0
    (part,) = here.glob("parts/**/*.parquet")
    assert pd.read_parquet(part).x_since.dtype.kind == "M"


def test_what_is_no_date_is_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("d,y\n2024-03-01,1\nsoon,2\n")
    with pytest.raises(ValueError, match=r"table\.date = 'd' cannot be read as dates: 'soon' is none"):
        read(path, model="m:f", date=("d",))
