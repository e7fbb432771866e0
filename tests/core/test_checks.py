"""The checks of arguments: what is a whole number, a number, a share, a known word, and how a refusal reads."""

from __future__ import annotations

import string
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbxai.core import checks

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, int]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble, float]
HUGE = 10**400  # beyond float64
NEVER = {
    "True": True, "np.True_": np.True_, "text": "3", "bytes": b"3", "None": None, "NA": pd.NA, "NaT": pd.NaT,
    "no axis": np.array(3), "one axis": np.array([3]), "list": [3], "Decimal": Decimal(3), "complex": 3 + 0j,
    "complex64": np.complex64(3), "span": np.timedelta64(3, "D"), "date": np.datetime64("2020"),
    "Timedelta": pd.Timedelta(3), "NaN": float("nan"), "float32 NaN": np.float32("nan"), "object": object(), "class": int,
}  # fmt: skip
CHECKS = {
    "whole": lambda value: checks.whole("it", value),
    "whole of floats": lambda value: checks.whole("it", value, floats=True),
    "seed": checks.seed,
    "number": lambda value: checks.number("it", value, "a number from 0 up", least=0.0),
    "share": lambda value: checks.share("it", value),
    "one of": lambda value: checks.one_of("it", value, ("sum", "mean")),
}


@pytest.mark.parametrize("value", NEVER.values(), ids=NEVER)
@pytest.mark.parametrize("check", CHECKS)
def test_what_is_no_number_and_no_known_word_is_a_value_error_that_names_the_argument(check, value):
    with pytest.raises(ValueError, match=r"^(it|seed)=.* (must|is not known; expected one of) .*\.$"):
        CHECKS[check](value)


@pytest.mark.parametrize("kind", INTEGERS)
@given(value=st.integers(0, 127))
def test_integers_of_every_kind_are_whole_and_come_back_as_pythons(kind, value):
    for found in (checks.whole("it", kind(value)), checks.whole("it", kind(value), floats=True), checks.seed(kind(value))):
        assert type(found) is int and found == value
    assert checks.number("it", kind(value), "a number", least=0) == value


@pytest.mark.parametrize("kind", FLOATS)
@given(value=st.integers(0, 127))
def test_a_float_is_whole_only_where_that_is_said_and_it_has_no_fraction(kind, value):
    with pytest.raises(ValueError, match="must be a whole number from 0 up"):
        checks.whole("it", kind(value))
    assert type(found := checks.whole("it", kind(value), floats=True)) is int and found == value
    with pytest.raises(ValueError, match="must be a whole number"):
        checks.whole("it", kind(value) + kind(0.5), floats=True)


def test_integers_beyond_float64_are_whole_and_no_numbers_of_a_solve():
    assert checks.whole("it", HUGE) == checks.whole("it", HUGE, floats=True) == checks.seed(HUGE) == HUGE
    for value in (HUGE, -HUGE, Fraction(HUGE)):
        with pytest.raises(ValueError, match=r"must be a number from 0 up\."):
            CHECKS["number"](value)


@given(value=st.integers(), least=st.integers(), width=st.integers(0, 1000))
def test_a_whole_number_lies_within_its_bounds(value, least, width):
    most = least + width
    if least <= value <= most:
        assert checks.whole("it", value, least, most=most) == value
    else:
        with pytest.raises(ValueError, match=rf"must be a whole number from {least} up"):
            checks.whole("it", value, least, most=most)


@given(value=st.floats(), low=st.floats(allow_nan=False), high=st.floats(allow_nan=False))
def test_above_and_below_are_outside_and_least_and_most_inside(value, low, high):
    def taken(**bounds):
        try:
            return checks.number("it", value, "within", **bounds) == value
        except ValueError:
            return False

    assert taken(above=low, below=high) == (low < value < high)
    assert taken(least=low, most=high) == (low <= value <= high)
    assert taken(above=low, most=high) == (low < value <= high)


@given(value=st.floats())
def test_a_share_is_neither_0_nor_1(value):
    if 0.0 < value < 1.0:
        assert checks.share("it", value) == value
    else:
        with pytest.raises(ValueError, match=r"^it=.* must lie between 0 and 1, for example 0\.95\.$"):
            checks.share("it", value, ", for example 0.95")


@given(known=st.lists(st.text(string.ascii_letters, min_size=1), min_size=1, unique=True), word=st.text())
def test_a_word_is_known_or_refused_with_all_that_are(known, word):
    for value in (*known, None):
        assert checks.one_of("it", value, (*known, None)) is value
    if word not in known:
        with pytest.raises(ValueError, match="is not known") as refused:
            checks.one_of("it", word, known)
        assert all(repr(one) in str(refused.value) for one in known)
    with pytest.raises(ValueError, match=r"^it=None is not known"):
        checks.one_of("it", None, known)


def test_a_word_that_is_nearly_known_is_offered():
    with pytest.raises(ValueError, match=r"^how='men' is not known; expected one of 'sum', 'mean'; did you mean 'mean'\?$"):
        checks.one_of("how", "men", ("sum", "mean"))
    with pytest.raises(ValueError, match=r"expected one of 'sum' or None for tables\.$"):
        checks.one_of("how", 3, ("sum", None), way=" for tables")


@pytest.mark.parametrize(
    "value", [np.arange(10_000), "x" * 5000, list(range(5000)), np.eye(30)], ids=["1d", "text", "list", "2d"]
)
@pytest.mark.parametrize("check", CHECKS)
def test_what_came_is_told_on_one_short_line(check, value):
    with pytest.raises(ValueError, match=r"^[^\n]{0,250}$"):
        CHECKS[check](value)


NO_FLAG = {name: value for name, value in NEVER.items() if "True" not in name} | {"0": 0, "1": 1, "0.0": 0.0}


@pytest.mark.parametrize("value", NO_FLAG.values(), ids=NO_FLAG)
def test_true_and_false_are_pythons_and_numpys_and_nothing_else(value):
    assert checks.flag("it", True) is checks.flag("it", np.True_) is True
    assert checks.flag("it", False) is checks.flag("it", np.False_) is False
    with pytest.raises(ValueError, match=r"^it=.* must be True or False\.$"):
        checks.flag("it", value)


@given(many=st.lists(st.text()))
def test_several_are_what_is_gone_through_and_text_stands_alone(many):
    for gone_through in (
        many,
        tuple(many),
        iter(many),
        (one for one in many),
        np.array(many, dtype=object),
        pd.Series(many),
    ):
        assert checks.several("it", gone_through, "some") == many
    for one in many:
        assert checks.several("it", one, "some") == [one]
    assert checks.several("it", 3, "some", (str, int)) == [3]


NEITHER = {name: value for name, value in NEVER.items() if name not in ("text", "one axis", "list")} | {"mapping": {"a": 1}}


@pytest.mark.parametrize("value", NEITHER.values(), ids=NEITHER)
def test_what_is_neither_one_nor_several_is_told_what_was_expected(value):
    with pytest.raises(TypeError, match=r"^it=.* must be a name, or several\.$"):
        checks.several("it", value, "a name, or several")
