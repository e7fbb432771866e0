"""Columns as codes: what comes back is what went in, dtype included; what could not come back is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.inputs.columns import Columns

FEW = settings(max_examples=25, deadline=None)  # of each of forty kinds of columns
WHOLE = st.integers(-(2**53), 2**53)
MICROSECONDS = st.integers(-(2**51), 2**51)  # some seventy years to either side of 1970
TEXT = st.sampled_from(["", "a", "b", "ä", "nan", "None", "1"])


def _column(values, dtype):
    return values.map(lambda found: pd.Series(found, dtype=dtype))


def _lists(values, missing=False):
    return st.lists(st.one_of(st.none(), values) if missing else values, min_size=1, max_size=8)


def _dates(unit, zone=None, step=1):
    def made(found):
        whole = [step * (v // step) if v is not None else None for v in found]
        column = pd.Series(pd.to_datetime(whole, unit="us")).astype(f"datetime64[{unit}]")
        return column.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else column

    return _lists(MICROSECONDS, missing=True).map(made)


def _categories(categories, ordered):
    return _lists(st.sampled_from(categories[:-1]), missing=True).map(  # the last level is never used
        lambda found: pd.Series(pd.Categorical(found, categories=categories, ordered=ordered))
    )


SMALL = st.integers(0, 100)
COLUMNS = {
    **{d: _column(_lists(SMALL), d) for d in ("int8", "uint8", "int16", "int32", "uint32")},
    "int64": _column(_lists(WHOLE), "int64"),
    "uint64": _column(_lists(st.integers(0, 2**53)), "uint64"),
    "float16": _column(_lists(st.floats(width=16)), "float16"),
    "float32": _column(_lists(st.floats(width=32)), "float32"),
    "float64": _column(_lists(st.floats()), "float64"),
    "bool": _column(_lists(st.booleans()), "bool"),
    "Int64": _column(_lists(WHOLE, missing=True), "Int64"),
    "UInt8": _column(_lists(SMALL, missing=True), "UInt8"),
    "boolean": _column(_lists(st.booleans(), missing=True), "boolean"),
    "Float64": _column(_lists(st.floats(allow_nan=False), missing=True), "Float64"),
    "str": _column(_lists(TEXT, missing=True), "str"),
    "string": _column(_lists(TEXT, missing=True), "string"),
    "object strings": _column(_lists(TEXT, missing=True), "object"),
    "object floats": _column(_lists(st.floats()), "object"),
    "object ints": _column(_lists(WHOLE), "object"),
    "object mixed": _column(
        _lists(st.one_of(TEXT, SMALL, st.booleans(), st.floats(), st.dates(), st.sampled_from([pd.NA, pd.NaT])), True),
        "object",
    ),
    "categories": _categories(["c", "a", "b"], ordered=False),
    "ordered categories": _categories(["low", "high", "mid"], ordered=True),
    "whole categories": _categories([30, 10, 20], ordered=False),
    "interval categories": _lists(st.floats(0, 10)).map(lambda v: pd.Series(pd.cut(v, [-1.0, 3.0, 5.0, 10.0]))),
    "intervals of whole numbers": _lists(SMALL).map(
        lambda v: pd.Series(pd.arrays.IntervalArray.from_tuples([(a, a + 1) for a in v], dtype="interval[int64, right]"))
    ),
    "dates": _dates("us"),
    "dates in seconds": _dates("s", step=10**6),
    "dates in nanoseconds": _dates("ns"),
    "dates with a zone": _dates("us", "Europe/Zurich"),
    "durations": _column(_lists(SMALL, missing=True), "timedelta64[s]"),
    "periods": _lists(SMALL).map(lambda v: pd.Series(pd.PeriodIndex.from_ordinals(v, freq="M"))),
    "sparse": _lists(st.floats(-1, 1)).map(lambda v: pd.Series(v).astype(pd.SparseDtype(float, 0.0))),
}


def there_and_back(table):
    columns = Columns(table)
    return columns.decode(columns.encode(table, "X"))


@pytest.mark.parametrize("kind", COLUMNS)
@FEW
@given(data=st.data())
def test_a_column_of_any_dtype_comes_back_as_it_was(kind, data):
    frame = pd.DataFrame({"given": data.draw(COLUMNS[kind])})
    before = frame.copy(deep=True)
    found = there_and_back(frame)
    pd.testing.assert_frame_equal(found, frame, check_exact=True)
    assert [type(v) for v in found["given"]] == [type(v) for v in frame["given"]]
    pd.testing.assert_frame_equal(frame, before)


def _mixed_frame():
    return pd.DataFrame(
        {
            "f": [1.5, np.nan, 3.0],
            "i": [1, 2, 3],
            "b": [True, False, True],
            "s": ["p", None, "q"],
            "k": pd.Categorical(["u", "v", "u"], categories=["w", "v", "u"], ordered=True),
            "d": pd.to_datetime(["2020-01-01", None, "2021-06-01"]).tz_localize("Europe/Zurich"),
            "n": pd.array([None, 2, 3], dtype="Int64"),
        },
        index=["r", "s", "t"],
    )


def test_a_table_of_many_dtypes_comes_back_whole():
    frame = _mixed_frame()
    pd.testing.assert_frame_equal(there_and_back(frame), frame.reset_index(drop=True))


OBJECTS = np.array([["a", None, 1, 2.5, True], ["b", "x", True, 3.5, pd.Timestamp("2020")]], dtype=object)
ARRAYS = {
    **{d: np.array([[0, 1, 100], [7, 2, 3]], dtype=d) for d in ("uint8", "int16", "int64", "float16", "float32", "bool")},
    "float32 with NaN": np.array([[0.1, np.nan], [-0.0, np.inf]], dtype=np.float32),
    "strings": np.array([["a", "bcd"], ["", "nan"]]),
    "bytes": np.array([[b"a", b"bcd"]]),
    "dates": np.array([["2020-01-01", "NaT"]], dtype="datetime64[s]"),
    "objects": OBJECTS,
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_an_array_comes_back_as_it_was(array):
    found = there_and_back(array)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    assert [type(v) for v in found.ravel()] == [type(v) for v in array.ravel()]


def test_none_and_nan_stay_apart_in_an_array_of_objects():
    found = there_and_back(np.array([["a"], [None], [float("nan")], [pd.NaT]], dtype=object))
    assert found[1, 0] is None and isinstance(found[2, 0], float) and found[3, 0] is pd.NaT


def test_numbers_among_objects_are_numbers_and_not_levels():
    columns = Columns(np.array([[1.5, 3, "a"], [2.5, 4, "b"]], dtype=object))
    assert columns.numeric.tolist() == [True, True, False]
    assert columns.decode(columns.encode([7.25, 99, "b"])).tolist() == [[7.25, 99, "b"]]


def test_encoding_does_not_touch_and_does_not_watch_the_callers_table():
    frame, array = pd.DataFrame(np.ones((2, 2)), columns=["a", "b"]), np.asfortranarray(np.ones((2, 2)))
    codes = [Columns(table).encode(table) for table in (frame, array)]
    assert (frame == 1).all(axis=None) and array.flags.writeable
    frame.iloc[0, 0], array[0, 0] = 9.0, 9.0
    assert all((found == 1).all() for found in codes)


@pytest.mark.parametrize(
    ("dtype", "codes", "values"),
    [
        ("uint8", [256.0, -1.0, 2.6], [255, 0, 3]),
        ("int64", [2.5, 3.5, -0.4], [2, 4, 0]),
        ("Int8", [200.0, np.nan, 1.2], [127, pd.NA, 1]),
        ("bool", [2.0, -1.0, 0.4], [True, False, False]),
        ("boolean", [2.0, np.nan, 0.4], [True, pd.NA, False]),
    ],
)
def test_a_code_between_or_beyond_the_values_of_a_dtype_is_the_nearest_one(dtype, codes, values):
    column = pd.Series([1, 0, 1]).astype(dtype)
    found = Columns(pd.DataFrame({"a": column})).decode(np.array(codes)[:, None])
    pd.testing.assert_frame_equal(found, pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))
    if isinstance(column.dtype, np.dtype):
        assert Columns(column.to_numpy()[:, None]).decode(np.array(codes)[:, None]).ravel().tolist() == values


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**62])
@pytest.mark.parametrize("dtype", ["int64", "Int64", "object"])
def test_whole_numbers_beyond_two_to_the_53_are_refused(value, dtype):
    columns = Columns(pd.DataFrame({"id": pd.Series([1, 2], dtype=dtype)}))
    with pytest.raises(ValueError, match=r"'id' has whole numbers above 2\^53"):
        columns.encode(pd.DataFrame({"id": pd.Series([1, value], dtype=dtype)}))


def test_a_nanosecond_that_float64_cannot_hold_is_refused():
    frame = pd.DataFrame({"t": np.array(["2020-01-01T00:00:00.000000001"], dtype="datetime64[ns]")})
    with pytest.raises(ValueError, match="'t' has parts of a microsecond"):
        there_and_back(frame)


def test_a_microsecond_centuries_away_is_refused_and_the_end_of_time_is_not():
    far = pd.DataFrame({"t": np.array(["1500-01-01T00:00:00.000001"], dtype="datetime64[us]")})
    with pytest.raises(ValueError, match="'t' has parts of a microsecond"):
        there_and_back(far)
    end = pd.DataFrame({"t": pd.to_datetime(["9999-12-31"])})
    pd.testing.assert_frame_equal(there_and_back(end), end)


X = pd.DataFrame(
    {
        "f": np.array([1.5, 2.0], dtype=np.float32),
        "i": np.array([1, 2], dtype=np.int8),
        "b": [True, False],
        "s": ["p", "q"],
        "k": pd.Categorical(["u", "v"]),
        "d": pd.to_datetime(["2020-01-01", "2021-01-01"]).astype("datetime64[s]"),
    }
)
GOOD = {"f": 1.5, "i": 2, "b": True, "s": "p", "k": "u", "d": pd.Timestamp("2020-01-01")}


@pytest.mark.parametrize(
    ("changed", "error", "match"),
    [
        ({"f": "1.5"}, TypeError, "column 'f' is .*, but float32 in X"),
        ({"f": 1e300}, ValueError, "column 'f' .* too large"),
        ({"f": 1j}, TypeError, "column 'f'"),
        ({"f": pd.Timestamp("2020-01-01")}, TypeError, "column 'f'"),
        ({"i": 1.5}, ValueError, "column 'i' is int8 in X, but a value here is not a whole number"),
        ({"i": 200}, ValueError, r"column 'i' is int8 in X, but a value here is outside -128\.\.127"),
        ({"i": None}, ValueError, "column 'i' has a missing value"),
        ({"i": np.inf}, ValueError, "column 'i'"),
        ({"b": 2}, ValueError, "column 'b' .* neither true nor false"),
        ({"b": None}, ValueError, "column 'b' has a missing value"),
        ({"s": "new"}, ValueError, "column 's' has the value 'new', which X does not have"),
        ({"s": 3}, ValueError, "column 's' has the value 3, which X does not have"),
        ({"k": "w"}, ValueError, "column 'k' has the value 'w', which X does not have"),
        ({"d": "2020-01-01"}, TypeError, r"column 'd' is .*, but datetime64\[s\] in X"),
        ({"d": pd.Timestamp("2020-01-01", tz="UTC")}, TypeError, r"column 'd' is datetime64\[.*UTC\]"),
        ({"d": pd.Timestamp("2020-01-01 00:00:00.5")}, ValueError, "column 'd' has moments between"),
    ],
)
@pytest.mark.parametrize("form", ["list", "series", "frame"])
def test_a_value_that_the_column_of_x_cannot_hold_is_refused_by_name(changed, error, match, form):
    row = {**GOOD, **changed}
    given = {"list": list(row.values()), "series": pd.Series(row, dtype=object), "frame": pd.DataFrame([row])}[form]
    with pytest.raises(error, match=match):
        Columns(X).encode(given)


def test_a_missing_value_is_allowed_where_the_dtype_can_hold_it():
    columns = Columns(X)
    codes = columns.encode([{**GOOD, "f": None, "d": None, "s": None, "k": None}[name] for name in X])
    assert np.isnan(codes[0]).tolist() == [True, False, False, False, False, True]
    assert columns.decode(codes).isna().iloc[0].tolist() == [True, False, False, True, True, True]


def test_a_category_that_no_row_of_x_has_is_known():
    frame = pd.DataFrame({"k": pd.Categorical(["a", "b"], categories=["a", "b", "c"])})
    columns = Columns(frame)
    assert columns.decode(columns.encode(["c"]))["k"].tolist() == ["c"]


def test_categories_of_x_count_and_not_those_that_the_row_declares():
    columns = Columns(pd.DataFrame({"k": pd.Categorical(["a", "b"])}))
    given = pd.DataFrame({"k": pd.Categorical(["b"], categories=["z", "b"])})
    pd.testing.assert_frame_equal(
        columns.decode(columns.encode(given)), pd.DataFrame({"k": pd.Categorical(["b"], categories=["a", "b"])})
    )


def test_a_date_in_another_zone_is_the_same_moment():
    columns = Columns(pd.DataFrame({"t": pd.to_datetime(["2020-01-01 12:00"]).tz_localize("Europe/Zurich")}))
    moment = pd.DataFrame({"t": pd.to_datetime(["2020-01-01 11:00"]).tz_localize("UTC")})
    assert columns.decode(columns.encode(moment))["t"].iloc[0] == pd.Timestamp("2020-01-01 12:00", tz="Europe/Zurich")


def test_a_float32_column_rounds_what_it_is_given():
    columns = Columns(np.array([[0.1]], dtype=np.float32))
    assert columns.encode([0.1])[0, 0] == np.float64(np.float32(0.1))


@pytest.mark.parametrize(
    ("table", "error", "match"),
    [
        (np.array([[1j]]), TypeError, "column 'x0' is complex128"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), TypeError, r"structured array.*pandas\.DataFrame\(X\)"),
        (np.zeros(3), ValueError, r"X has shape \(3,\)"),
        (np.zeros((2, 0)), ValueError, "X has no columns"),
        (pd.DataFrame({"a": [[1], [2]]}), TypeError, "column 'a' holds a list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "column 'a' twice"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), ValueError, "two columns that both read '1'"),
    ],
    ids=["complex", "structured", "one axis", "no columns", "lists", "twice", "reads the same"],
)
def test_a_table_that_cannot_be_coded_is_refused(table, error, match):
    with pytest.raises(error, match=match):
        Columns(table)


def test_a_list_of_mixed_rows_keeps_its_numbers():
    columns = Columns([[1.5, "a"], [2.5, "b"]])
    assert columns.numeric.tolist() == [True, False]
    assert columns.decode(columns.encode([1.5, "b"])).tolist() == [[1.5, "b"]]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_a_decoded_table_shares_nothing_with_codes_that_others_hold(dtype):
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [3.0, 4.0, 5.0]}).astype(dtype)
    columns = Columns(table)
    codes = columns.encode(table)
    found = columns.decode(codes)
    pd.testing.assert_frame_equal(found, table)
    pd.testing.assert_frame_equal(columns.decode_own(codes.copy()), table)
    found.iloc[0, 0] = 7
    assert codes[0, 0] == 0.0
