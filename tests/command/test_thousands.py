"""Numbers with marks between their thousands, as people and spreadsheets write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbxai.command import cli
from perturbxai.command.config import TableConfig
from perturbxai.command.table import read_table
from perturbxai.command.thousands import NoNumbers, as_numbers, holds_thousands

NARROW = "\N{NARROW NO-BREAK SPACE}"
WAYS = [(".", ","), (",", "."), (" ", ","), (NARROW, ","), ("'", "."), ("\N{RIGHT SINGLE QUOTATION MARK}", ".")]


def spelt(value, mark, decimal, digits=2):
    return f"{value:,.{digits}f}".translate({ord(","): mark, ord("."): decimal})


@given(st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 2)), min_size=1, max_size=20), st.sampled_from(WAYS))
def test_what_is_spelt_is_read_back(values, way):
    found = as_numbers(pd.Series([spelt(value, *way) for value in values] + [None]), way[1])
    np.testing.assert_allclose(found, [*values, np.nan], atol=1e-6)


@pytest.mark.parametrize(
    "odd", ["12.34,5", "1.234.56", "1..234", "31.12.2024", "abc", "1,2,3", "0.123,4", "1.2345", "", "-"]
)
def test_other_texts_are_no_numbers(odd):
    with pytest.raises(NoNumbers):
        as_numbers(pd.Series(["1.234,5", odd]), ",")
    assert not holds_thousands(pd.Series(["1.234,5", odd]), ",")


def test_two_ways_in_one_column_are_refused():
    with pytest.raises(NoNumbers, match="spelt in several ways"):
        as_numbers(pd.Series(["1.234,5", "1 234,5"]), ",")


def test_a_mark_that_may_be_something_else_is_not_guessed_alone():
    phones, plain, none = pd.Series(["555 123", "444 999"]), pd.Series(["007", "120"]), pd.Series([None, None], dtype=object)
    assert not holds_thousands(phones, ".") and holds_thousands(phones, ".", " ") and not holds_thousands(phones, ".", ",")
    assert not holds_thousands(plain, ".", " ") and not holds_thousands(none, ".")
    abroad = pd.Series(["+49 301 234", "+44 201 234"])
    assert not holds_thousands(abroad, ".") and holds_thousands(pd.Series(["+1 301 234", "-5"]), ".")
    assert holds_thousands(pd.Series(["1,234,567", "3"]), ".") and holds_thousands(pd.Series(["1,234.5", "3"]), ".")


def table(path, mark, decimal, separator, sure=True):
    rng = np.random.default_rng(0)
    income, price = rng.uniform(1000, 90_000, 40).round(2), rng.integers(1000, 9000, 40)
    frame = pd.DataFrame({"income": [spelt(v, mark, decimal) for v in income] if sure else range(40)})
    frame["price"] = [spelt(v, mark, decimal, 0) for v in price]
    frame["version"], frame["day"] = "1.2.3", "31.12.2024"
    frame.to_csv(path, sep=separator, index=False)
    return income, price


@pytest.mark.parametrize(
    ("mark", "decimal", "separator"), [(".", ",", ";"), (",", ".", ","), (" ", ",", ";"), ("'", ".", "\t")]
)
def test_a_file_is_read_as_it_is_spelt_and_that_is_told(tmp_path, mark, decimal, separator):
    income, price = table(tmp_path / "t.csv", mark, decimal, separator)
    found = read_table(TableConfig(data=str(tmp_path / "t.csv"), target="price", model="mymodel:make"), str)
    np.testing.assert_allclose(found.X.income, income)
    np.testing.assert_allclose(found.y, price)  # of these alone "1.234" could be a fraction
    assert set(found.X.version) == {"1.2.3"} and set(found.X.day) == {"31.12.2024"}
    assert any("marks between thousands: 'income', 'price' (table.text NAME" in line for line in found.told)
    kept = read_table(TableConfig(data=str(tmp_path / "t.csv"), text=("income", "price"), model="mymodel:make"), str)
    assert kept.X.income.iloc[0] == spelt(income[0], mark, decimal)


def test_a_column_that_is_named_is_read_and_one_that_holds_words_is_refused_in_words(tmp_path):
    _, price = table(tmp_path / "t.csv", ",", ".", ",", sure=False)
    asked = {"data": str(tmp_path / "t.csv"), "model": "mymodel:make"}
    assert read_table(TableConfig(**asked), str).X.price.dtype.kind not in "iuf"  # "1,234": what is meant nobody knows
    np.testing.assert_allclose(read_table(TableConfig(**asked, number=("price",)), str).X.price, price)
    with pytest.raises(ValueError, match=r"table.number = 'version' cannot be read as numbers: '1.2.3' is none. The mark"):
        read_table(TableConfig(**asked, number=("version",)), str)


def test_a_mark_of_one_column_says_nothing_of_another_mark_in_another(tmp_path):
    """Codes such as "101 201" beside incomes such as "1,234.5" are no hundred thousand and more."""
    rows = "".join(f'{101 + i} {201 + i},"{1 + i},234.5","{1 + i},000",{i}\n' for i in range(9))
    (tmp_path / "t.csv").write_text("code,income,price,y\n" + rows)
    found = read_table(TableConfig(data=str(tmp_path / "t.csv"), target="y"), str)
    assert found.X.code.iloc[0] == "101 201" and found.X.income.iloc[0] == 1234.5 and found.X.price.iloc[0] == 1000
    assert any("as numbers with marks between thousands: 'income', 'price' (" in line for line in found.told)
    assert (
        "read as words: 'code', whose marks may stand between thousands (table.number NAME reads one as numbers)"
        in found.told
    )


def test_numbers_that_stay_words_are_told(tmp_path):
    (tmp_path / "t.csv").write_text("a;b;y\n" + "".join(f"{1 + i}.234;{i},5;{i}\n" for i in range(9)))
    found = read_table(TableConfig(data=str(tmp_path / "t.csv"), target="y"), str)
    assert found.X.b.iloc[1] == 1.5 and any("read as words: 'a', whose marks" in line for line in found.told)


@pytest.mark.parametrize(("one", "other"), [("text", "number"), ("text", "date")])
def test_a_column_is_read_as_one_thing(tmp_path, one, other):
    (tmp_path / "t.csv").write_text("a,y\n2024,2\n2023,4\n")
    with pytest.raises(ValueError, match=f"table.{one} and table.{other} both name 'a'"):
        read_table(TableConfig(data=str(tmp_path / "t.csv"), target="y", **{one: ("a",), other: ("a",)}), str)


def test_parts_of_a_large_table_are_read_alike(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("t.csv", ".", ",", ";")
    asked = [
        "--target",
        "price",
        "--methods",
        "kernel_shap",
        "--background",
        "10",
        "--budget",
        "10",
        "--drop",
        "version,day",
    ]
    assert cli.main(["explain", "--table", "t.csv", *asked, "--out", "rows"]) == 0
    all_rows = ["--metrics", "none", "--inputs", ":", "--results", "out"]
    assert cli.main(["explain", "--table", "t.csv", *asked, *all_rows]) == 0
    ours = pd.read_csv("out/table/attributions.csv")
    parts = pd.read_parquet(tmp_path / "rows" / "parts")
    assert len(parts) == 40 and parts["x_income"].max() == pytest.approx(ours.feature_value.max())


def test_several_files_are_told_to_hold_numbers_that_are_read_as_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table("a.csv", ",", ".", ",")
    table("b.csv", ",", ".", ",")
    asked = ["explain", "--table", "a.csv", "b.csv", "--target", "price", "--methods", "kernel_shap", "--background", "10"]
    asked += ["--budget", "10", "--drop", "version,day"]
    line = "read as words: 'income', whose marks may stand between thousands (--number NAME reads one as numbers)"
    for part in ("a.csv", "b.csv"):  # with a column to learn from
        frame = pd.read_csv(part)
        frame.assign(size=range(len(frame))).to_csv(part, index=False)
    assert cli.main([*asked, "--number", "price", "--out", "words"]) == 0
    assert line in capsys.readouterr().err
    assert cli.main([*asked, "--number", "income,price", "--out", "rows"]) == 0
    assert "read as words" not in capsys.readouterr().err
