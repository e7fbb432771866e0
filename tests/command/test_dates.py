"""Columns of text as dates: years first, or in an order that only one way of reading allows."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbxai.command.dates import NoDates, as_dates, holds_dates

DAYS = st.lists(st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2100-01-01").date()), min_size=1, max_size=9)


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%m-%Y"]))
def test_what_is_read_is_what_was_written_or_is_refused_as_ambiguous(days, written):
    column = pd.Series([day.strftime(written) for day in days])
    either = written != "%Y-%m-%d" and all(day.day <= 12 for day in days) and any(day.day != day.month for day in days)
    assert holds_dates(column) != either
    if either:
        with pytest.raises(NoDates, match="two ways"):
            as_dates(column)
    else:
        assert as_dates(column).dt.date.tolist() == days


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["31.12.2024", None, "01.02.2024"], "2024-12-31"),
        (["12/31/2024", "01/02/2024"], "2024-12-31"),
        (["5.6.2024", "31.6.2024".replace("31", "30")], "2024-06-05"),
        (["31.12.2024 18:30", "01.02.2024 07:05"], "2024-12-31 18:30"),
        (["2024-03-31T12:00:00", "2024-03-31"], "2024-03-31 12:00"),
        ([" 2024-03-31", "2024-04-01 "], "2024-03-31"),
    ],
)
def test_dates_as_people_write_them(values, first):
    assert as_dates(pd.Series(values)).iloc[0] == pd.Timestamp(first)


def test_words_that_pandas_knows_are_read_when_they_are_asked_for_and_not_seen():
    column = pd.Series(["3 March 2024", "28 May 2024"])
    assert as_dates(column).tolist() == [pd.Timestamp("2024-03-03"), pd.Timestamp("2024-05-28")]
    assert not holds_dates(column)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["01/02/2024", "03/04/2024"], "days and months may be told apart in two ways"),
        (["31.12.2024", "12/31/2024"], "spelt in several ways"),
        (["2024-03-01", "31.12.2024"], "spelt in several ways"),
        (["31.02.2024", "12.01.2024"], "no days of a calendar"),
        (["2024-03-01", "soon"], "'soon' is none"),
    ],
)
def test_others_are_refused_in_words(values, told):
    with pytest.raises(NoDates, match=told):
        as_dates(pd.Series(values))
    assert not holds_dates(pd.Series(values))


@pytest.mark.parametrize("values", [[1, 2], [True, False], ["a"], [None, None], ["2024"], ["1.2.3"], ["12:30"]])
def test_numbers_words_and_nothing_are_not_taken_for_dates(values):
    assert not holds_dates(pd.Series(values))


def test_dates_stay_dates():
    column = pd.Series(pd.to_datetime(["2024-03-31"]))
    assert as_dates(column) is column and not holds_dates(column)
