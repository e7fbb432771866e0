"""Tables from files: words that spell a missing value, decimal commas, encodings, Parquet, Excel, and a saved index."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest

from perturbxai.command import cli
from perturbxai.command.config import TableConfig
from perturbxai.command.table import read_table

WORDS = ["NA", "None", "null", "nan", "N/A", "NULL", "NaN", "n/a", "<NA>"]


def read(path, **options):
    options = {"model": "mymodel:make", "inputs": 1} | options
    return read_table(TableConfig(data=str(path), **options), str)


def _write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.xlsx"])
@pytest.mark.parametrize("option", ["text", "category", "label"])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_that_spells_a_missing_value_is_a_word_where_words_are(tmp_path, word, option, name):
    frame = pd.DataFrame({"w": [word, "b", None, "007"], "n": [1.5, None, 3, 4]})
    frame["n"] = frame["n"].astype(object).where(frame["n"].notna(), word)  # of numbers it is a missing one
    _write(frame, tmp_path / name)
    table = read(tmp_path / name, **{option: "w" if option == "label" else ("w",)})
    found = pd.Series(table.X.index) if option == "label" else table.X["w"]
    assert found.isna().tolist() == [False, False, True, False]
    assert found.tolist()[:2] == [word, "b"] and found.tolist()[3] == "007"
    assert table.X["n"].dtype == float and table.X["n"].isna().tolist() == [False, True, False, False]


def test_without_options_these_words_stay_missing_values(tmp_path):
    (tmp_path / "t.csv").write_text("w,n\nNA,1\nb,2\n")
    assert read(tmp_path / "t.csv").X["w"].isna().tolist() == [True, False]


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "t.xlsx", "T.XLSX"])
def test_parquet_and_excel_give_the_table_that_the_csv_gives(tmp_path, name):
    frame = pd.DataFrame({"a": [1.5, -2.0, 3.25], "k": [1, 2, 3], "s": ["u", "v", "u"], "y": [0.0, 1.0, 0.0]})
    _write(frame, tmp_path / "t.csv")
    _write(frame, tmp_path / ("t.parquet" if "p" in name else "t.xlsx"))
    (tmp_path / ("t.parquet" if "p" in name else "t.xlsx")).rename(tmp_path / name)
    options = {"target": "y", "category": ("s",), "text": ("k",), "drop": ("a",)}
    found, wanted = read(tmp_path / name, **options), read(tmp_path / "t.csv", **options)
    pd.testing.assert_frame_equal(found.X, wanted.X)
    pd.testing.assert_series_equal(found.y, wanted.y, check_dtype=False)  # Excel knows no 0.0


def test_the_named_index_of_a_parquet_file_is_told_and_may_name_the_rows(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index(["p", "q"], name="id"))
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"has the index 'id' beside its columns.*table\.label 'id'.*table\.drop 'id'"):
        read(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet", drop=("id",)).X.columns.tolist() == ["a"]
    assert read(tmp_path / "t.parquet", category=("id",)).X.columns.tolist() == ["id", "a"]
    frame.rename_axis(index=None).to_parquet(tmp_path / "unnamed.parquet")
    assert read(tmp_path / "unnamed.parquet").X.columns.tolist() == ["a"]
    table = read(tmp_path / "t.parquet", label="id")
    assert table.X.columns.tolist() == ["a"] and table.X.index.tolist() == ["p", "q"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig", "shift_jis", "mac-roman"])
@pytest.mark.parametrize(("decimal", "separator"), [(",", ";"), (",", "\t"), (".", ",")])
def test_numbers_and_names_of_other_places_are_read(tmp_path, encoding, decimal, separator):
    name = "ア" if encoding == "shift_jis" else "Größe"
    lines = [separator.join([name, "n"]), separator.join([f"1{decimal}5", "2"]), separator.join([f"-0{decimal}25", "3"])]
    (tmp_path / "t.csv").write_bytes("\n".join(lines).encode(encoding))
    table = read(tmp_path / "t.csv", encoding=encoding, decimal=decimal, separator=separator)
    assert table.X.columns.tolist() == [name, "n"]
    assert table.X[name].tolist() == [1.5, -0.25] and table.X["n"].dtype == np.int64


@pytest.mark.parametrize("written", ["csv", "xlsx", "r"])
def test_a_saved_index_names_the_rows_or_is_left_out(tmp_path, written):
    taken, labels = ("names the rows", [1, 2]) if written == "r" else ("is left out", [0, 1])
    frame, path = pd.DataFrame({"a": [1.0, 2.0], "y": [3.0, 4.0]}), tmp_path / ("t.xlsx" if written == "xlsx" else "t.csv")
    if written == "r":
        path.write_text('"","a","y"\n"1",1,3\n"2",2,4\n')
    else:
        (frame.to_csv if written == "csv" else frame.to_excel)(path)
    found = read(path)
    assert found.X.columns.tolist() == ["a", "y"]
    assert found.told == (f"the first column has no name, as a saved index has it, and {taken}",)
    assert found.X.index.tolist() == labels
    assert read(path, drop=("Unnamed: 0",)).X.columns.tolist() == ["a", "y"]
    assert read(path, label="Unnamed: 0").X.columns.tolist() == ["a", "y"]


@pytest.mark.parametrize("name", ["x", "NA", "None"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "xlsx"])
def test_a_name_that_stands_twice_is_refused_as_the_api_does(tmp_path, ending, name):
    path = tmp_path / f"t.{ending}"
    frame = pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], columns=[name, name, "y"])
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",", encoding="utf-8-sig")
    with pytest.raises(ValueError, match=f"has the column '{name}' twice"):
        read(path)


@pytest.mark.parametrize("ending", ["json", "feather", "pkl", "ods", "npy"])
def test_a_file_of_another_kind_is_not_read_as_text(tmp_path, ending):
    (tmp_path / f"t.{ending}").write_text('{"a": [1, 2]}\n')
    with pytest.raises(ValueError, match=rf"is a \.{ending} file, which is not read here; save the table as CSV"):
        read(tmp_path / f"t.{ending}")


REFUSALS = {
    "an unknown encoding": ({"encoding": "latin-99"}, "'latin-99' is no encoding that Python knows"),
    "no text encoding": ({"encoding": "base64"}, "'base64' is no encoding that Python knows"),
    "no decimal mark": ({"decimal": "5"}, "'5' is no decimal mark"),
    "two decimal marks": ({"decimal": ",."}, "',.' is no decimal mark"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_options_that_cannot_be_are_refused_by_the_configuration(kind):
    options, match = REFUSALS[kind]
    with pytest.raises(ValueError, match=match):
        TableConfig(data="t.csv", model="mymodel:make", **options)


def test_a_decimal_mark_that_separates_and_text_in_another_encoding_are_told(tmp_path):
    (tmp_path / "t.csv").write_bytes("ä,b\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"it is not text in UTF-8\..*table\.encoding, cp1252 or latin-1 perhaps"):
        read(tmp_path / "t.csv")
    with pytest.raises(ValueError, match=r"table\.decimal = ',' separates the values too; give table\.separator"):
        read(tmp_path / "t.csv", decimal=",", encoding="latin-1")


@pytest.mark.parametrize(("name", "package"), [("t.parquet", "pyarrow"), ("t.pq", "pyarrow"), ("t.xlsx", "openpyxl")])
def test_a_file_that_needs_a_package_tells_how_to_install_it(tmp_path, monkeypatch, name, package):
    (tmp_path / name).write_bytes(b"x")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda one, *more: None if one == package else found(one, *more))
    with pytest.raises(ValueError, match=f"needs {package}, which is not installed: pip install {package}"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx"])
def test_a_file_of_another_kind_and_options_of_text_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"not what it is called")
    with pytest.raises(ValueError, match=r"cannot be read as (Parquet|an Excel workbook): .*Save it anew, or as CSV"):
        read(tmp_path / name)
    for option in ({"separator": ";"}, {"decimal": ","}, {"encoding": "latin-1"}):
        with pytest.raises(ValueError, match=f"table.{next(iter(option))} is for text, and .* is (Parquet|an Excel)"):
            read(tmp_path / name, **option)
    (tmp_path / "t.xls").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"a workbook of an old kind; save it as \.xlsx or CSV"):
        read(tmp_path / "t.xls")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="cannot be read as Parquet: there is no such file"):
        read(tmp_path / "no.parquet")


def test_the_command_reads_a_workbook_with_a_saved_index(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"a": np.arange(24.0), "b": np.arange(24.0)[::-1] ** 2, "y": np.arange(24.0)})
    frame.to_excel("t.xlsx")
    command = ["explain", "--table", "t.xlsx", "--target", "y", "--model", "boosted", "--methods", "kernel_shap",
               "--inputs", "0", "--metrics", "spearman"]  # fmt: skip
    assert cli.main(command) == 0
    assert "the first column has no name, as a saved index has it, and is left out" in capsys.readouterr().err
    assert cli.main([*command, "--drop", "Unnamed: 0"]) == 0
    frame.to_csv("t.csv", sep=";", decimal=",", index=False, encoding="utf-16")
    command[2] = "t.csv"
    assert cli.main([*command, "--separator", ";", "--decimal", ",", "--encoding", "utf-16"]) == 0


def test_rows_without_a_label_are_told_before_a_model_is_asked(tmp_path):
    (tmp_path / "t.csv").write_text("g,a,y\nu,1,2\n,2,3\n")
    with pytest.raises(ValueError, match=r"table\.label = 'g' has no value for some of the rows; take a column that names"):
        read(tmp_path / "t.csv", label="g", inputs="0:2")
    assert read(tmp_path / "t.csv", label="g", inputs="0:1").x.index.tolist() == ["u"]
