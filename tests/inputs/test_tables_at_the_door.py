"""Tables as people have them: of any library, aligned by name or refused; what is no table is refused with a way out."""

from __future__ import annotations

import collections
import datetime as dt
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import perturbxai as px
from perturbxai.inputs.columns import Columns

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

FEW = settings(max_examples=12, deadline=None)
RNG = np.random.default_rng(0)
PLAIN = pd.DataFrame({"b": RNG.normal(size=30), "a": RNG.normal(size=30), "c": RNG.normal(size=30)})


class Streams:
    """A table that says nothing but how Arrow reads it."""

    def __init__(self, frame):
        self.table = pa.Table.from_pandas(frame, preserve_index=False)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class Interchange:
    """A table that says nothing but the data frame interchange protocol."""

    def __init__(self, frame):
        self.table = pa.Table.from_pandas(frame, preserve_index=False)

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        return self.table.__dataframe__(nan_as_null, allow_copy)


KINDS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "batch": lambda frame: pa.RecordBatch.from_pandas(frame, preserve_index=False),
    "stream": Streams,
    "interchange": Interchange,
    "structures": lambda frame: pl.from_pandas(frame).to_struct("row"),
    "structure array": lambda frame: pa.RecordBatch.from_pandas(frame, preserve_index=False).to_struct_array(),
    "structures in chunks": lambda frame: pa.chunked_array(
        [pa.RecordBatch.from_pandas(p, preserve_index=False).to_struct_array() for p in (frame.iloc[:1], frame.iloc[1:])]
    ),
}
GIVEN_BACK = {
    "pandas": pd.DataFrame, "polars": pl.DataFrame, "lazy": pl.DataFrame, "arrow": pa.Table, "batch": pa.RecordBatch,
    "stream": pa.Table, "interchange": pd.DataFrame, "structures": pl.DataFrame, "structure array": pa.Table,
    "structures in chunks": pa.Table,
}  # fmt: skip


def _values(rows, name):
    return np.asarray(rows[name] if not isinstance(rows, pa.RecordBatch) else rows.column(name), dtype=np.float64)


def by_name(rows):
    """A model that reads its columns by name, whatever the library."""
    return 100 * _values(rows, "a") + 10 * _values(rows, "b") * _values(rows, "c")


@pytest.mark.parametrize("of_x", KINDS)
@pytest.mark.parametrize("of_space", KINDS)
def test_every_library_is_aligned_by_name_with_every_other(of_space, of_x):
    columns, x = Columns(KINDS[of_space](PLAIN)), PLAIN.iloc[:2]
    for order in permutations(PLAIN):
        np.testing.assert_array_equal(columns.encode(KINDS[of_x](x[list(order)])), x.to_numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_gets_the_kind_of_table_that_the_space_was_given(kind):
    seen = set()

    def model(rows):
        seen.add(type(rows))
        return by_name(rows)

    def run(table, x):
        space = px.TabularSpace(table, background=5)
        return px.explain("exact_shap", px.Predictor(model), space, x)["exact_shap"].values

    found = run(KINDS[kind](PLAIN), KINDS[kind](PLAIN[["c", "a", "b"]].iloc[:2]))
    assert seen == {GIVEN_BACK[kind]}
    np.testing.assert_array_equal(found, run(PLAIN, PLAIN.iloc[:2]))


def _calls(space, X, x):
    predictor = px.Predictor(by_name)
    every = px.effects(["pdp", "ice", "ale"], predictor, space, X, grid=4, seed=0)
    yield "effects", every["pdp"]["a"].values
    yield "attribution", np.stack([every[m]["b"].attribution(x if m != "ice" else X)[:2] for m in every])
    yield "h_statistic", px.h_statistic(predictor, space, X, features=["a", ("b", "c")], data_rows=20).values
    results = px.explain(["kernel_shap", "lime"], predictor, space, x, seed=0)
    yield "explain", results["lime"].values
    yield "lime_tabular", px.explain("lime_tabular", predictor, space, x, seed=0, budget=200)["lime_tabular"].values
    yield "reference", px.reference("shap.exact", predictor, space, x)["shap.exact"].values
    yield "compare", px.compare(results, predictor, space, metrics=["faithfulness"], seed=0).scores["value"].to_numpy()
    yield "plot_effects", px.plot_effects(predictor, X, ["a", 0], grid_resolution=5).pd_results[0]["average"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pandas"])
def test_every_call_reads_a_table_of_any_library_by_name(kind):
    turned, made = PLAIN[["a", "c", "b"]], KINDS[kind]
    wanted = dict(_calls(px.TabularSpace(PLAIN, background=5), PLAIN, PLAIN.iloc[:2]))
    found = dict(_calls(px.TabularSpace(made(PLAIN), background=5), made(turned), made(turned.iloc[:2])))
    plotted = px.plot_effects(px.Predictor(by_name), turned, ["a", 0], grid_resolution=5)
    wanted["plot_effects"] = plotted.pd_results[0]["average"]
    for name in wanted:
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)


STRUCTURED = np.array([(1.0, 2.0, 3.0)], dtype=[("a", float), ("b", float), ("c", float)])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f[["a", "b"]], "x lacks the feature.* 'c'"),
        (lambda f: f.assign(d=1.0), "x has the unknown feature.* 'd'"),
        (lambda f: f.rename(columns={"a": "A"}), "x has the unknown feature.* 'A' and lacks the feature.* 'a'"),
        (lambda f: f.rename(columns={"a": "x0", "b": "x1", "c": "x2"}), "x has the unknown feature"),
    ],
    ids=["missing", "extra", "renamed", "generic"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_cannot_be_aligned_are_refused_by_name(kind, change, match):
    space = px.TabularSpace(KINDS[kind](PLAIN))
    with pytest.raises(ValueError, match=match):
        space.players(KINDS[kind](change(PLAIN.iloc[:1])))


@pytest.mark.parametrize("kind", KINDS)
def test_names_on_rows_of_an_array_are_refused_and_its_own_are_aligned(kind):
    space = px.TabularSpace(PLAIN.to_numpy())
    with pytest.raises(ValueError, match=r"the space was built with an array, whose 3 columns have no names"):
        space.players(KINDS[kind](PLAIN.iloc[:1]))
    turned = pd.DataFrame({"x2": [3.0], "x0": [1.0], "x1": [2.0]})
    assert space.columns.encode(KINDS[kind](turned)).tolist() == [[1.0, 2.0, 3.0]]
    assert space.columns.encode(pd.DataFrame([[3.0, 1.0, 2.0]], columns=[2, 0, 1])).tolist() == [[1.0, 2.0, 3.0]]
    with pytest.raises(ValueError, match="no names"):
        space.columns.encode(PLAIN.iloc[0])


def test_two_columns_of_one_name_are_refused_in_every_library_that_has_them():
    twice = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    for table in (twice, twice.to_batches()[0], pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])):
        with pytest.raises(ValueError, match="X has the column 'a' twice"):
            px.TabularSpace(table)


# ------------------------------------------------------------------------------------------------ exactly, every dtype

SMALL = st.integers(0, 100)
MOMENTS = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2100, 1, 1)).map(lambda m: m.replace(microsecond=0))
POLARS = {
    **{str(d): (st.integers(0, 100), d) for d in (pl.Int8, pl.UInt8, pl.Int16, pl.UInt32, pl.Int64, pl.UInt64)},
    "Float32": (st.floats(width=32, allow_nan=False), pl.Float32),
    "Float64": (st.floats(allow_nan=False), pl.Float64),
    "Boolean": (st.booleans(), pl.Boolean),
    "String": (st.sampled_from(["", "a", "NA", "None", "ä", "=1"]), pl.String),
    "Categorical": (st.sampled_from(["u", "v", "w"]), pl.Categorical),
    "Enum": (st.sampled_from(["lo", "hi"]), pl.Enum(["lo", "mid", "hi"])),
    "Date": (st.dates(dt.date(1700, 1, 1), dt.date(2400, 1, 1)), pl.Date),
    "Datetime ms": (MOMENTS, pl.Datetime("ms")),
    "Datetime us": (MOMENTS, pl.Datetime("us", "Europe/Zurich")),
    "Datetime ns": (MOMENTS, pl.Datetime("ns")),
    "Duration": (st.timedeltas(dt.timedelta(0), dt.timedelta(9)), pl.Duration("us")),
    "Time": (st.times(), pl.Time),
}


@pytest.mark.parametrize("library", ["polars", "arrow", "batch"])
@pytest.mark.parametrize("name", POLARS)
@FEW
@given(data=st.data())
def test_a_column_of_any_dtype_comes_back_as_it_was_with_its_nulls(name, library, data):
    values, dtype = POLARS[name]
    found = data.draw(st.lists(st.none() | values, min_size=1, max_size=8))
    first = pl.Datetime("us") if name == "Datetime us" else dtype
    frame = pl.DataFrame({"given": pl.Series(found, dtype=first).cast(dtype)})
    table = {"polars": lambda: frame, "arrow": frame.to_arrow, "batch": lambda: frame.to_arrow().to_batches()[0]}[library]()
    columns = Columns(table)
    found = columns.decode(columns.encode(table, "X"))
    assert type(found) is type(table)
    assert found.equals(table) and found.schema == table.schema


def test_a_missing_number_is_the_one_that_x_has_and_both_at_once_are_refused():
    for values, missing in (([1.0, None], None), ([1.0, float("nan")], "nan"), ([1.0, 2.0], None)):
        columns = Columns(pl.DataFrame({"a": values}))
        for given_ in (None, float("nan")):
            (back,) = columns.decode(columns.encode(pl.DataFrame({"a": [given_]}, schema={"a": pl.Float64})))["a"].to_list()
            assert back is None if missing is None else np.isnan(back)
    with pytest.raises(ValueError, match="'a' has both null and NaN"):
        Columns(pl.DataFrame({"a": [1.0, None, float("nan")]}))


@pytest.mark.parametrize("dtype", [pl.List(pl.Int64), pl.Struct({"p": pl.Int64}), pl.Decimal(10, 2)], ids=str)
def test_what_a_cell_cannot_be_is_refused_by_column(dtype):
    value = {"List": [1], "Struct": {"p": 1}, "Decimal": 1}[type(dtype).__name__]
    with pytest.raises(TypeError, match=r"X: the column 'a' is .*; expected numbers"):
        Columns(pl.DataFrame({"a": pl.Series([value], dtype=dtype)}))


@pytest.mark.parametrize(
    "dtype",
    ["Int64", "Int8", "Float32", "boolean", "string[python]", "string[pyarrow]", "str", "category", "float[pyarrow]",
     "int64[pyarrow]", "bool[pyarrow]", "timestamp[us][pyarrow]", "timestamp[ns, tz=UTC][pyarrow]", "date32[day][pyarrow]"],
)  # fmt: skip
@pytest.mark.parametrize("missing", [False, True])
def test_an_extension_dtype_of_pandas_comes_back_as_it_was(dtype, missing):
    values = [1, 0, 1]
    if "timestamp" in dtype or "date" in dtype:
        values = pd.to_datetime(["2020-01-02", "2021-03-04", "2020-01-02"]).tolist()
        values = [v.date() for v in values] if "date" in dtype else values
        values = [v.tz_localize("UTC") for v in values] if "tz" in dtype else values
    values = ["u", "v", "u"] if dtype[:3] in ("str", "cat") else values
    frame = pd.DataFrame({"a": pd.Series([*values, None] if missing else values, dtype=pd.ArrowDtype(pa.date32())
                                         if "date32" in dtype else dtype)})  # fmt: skip
    columns = Columns(frame)
    pd.testing.assert_frame_equal(columns.decode(columns.encode(frame, "X")), frame)


# ------------------------------------------------------------------------------------------------ a missing value in x

HOLDERS = {
    "str": pd.Series(["p", "q"]),
    "object strings": pd.Series(["p", "q"], dtype=object),
    "objects": pd.Series(["p", 1, dt.date(2020, 1, 1)], dtype=object),
    "string": pd.Series(["p", "q"], dtype="string"),
    "category": pd.Series(["p", "q"], dtype="category"),
    "ordered": pd.Series(pd.Categorical(["p", "q"], ordered=True)),
    "durations": pd.Series(pd.to_timedelta([1, 2], unit="s")),
    "float": pd.Series([1.0, 2.0]),
    "object ints": pd.Series([1, 2], dtype=object),
    "Int64": pd.Series([1, 2], dtype="Int64"),
    "boolean": pd.Series([True, False], dtype="boolean"),
    "dates": pd.to_datetime(pd.Series(["2020-01-01", "2021-01-01"])),
}


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, pd.NA], ids=str)
@pytest.mark.parametrize("kind", HOLDERS)
def test_a_missing_value_in_x_reaches_the_model_where_x_has_none(kind, missing):
    column = HOLDERS[kind]
    X = pd.DataFrame({"a": column, "n": np.arange(len(column))})
    x = X.iloc[:1].copy()
    x["a"] = pd.Series([missing], dtype=object)
    seen = []

    def model(rows):
        assert rows.dtypes.equals(X.dtypes)
        seen.extend(rows["a"])
        return rows["a"].isna().to_numpy() * 7.0 + rows["n"]

    found = px.explain("exact_shap", px.Predictor(model), px.TabularSpace(X), x)["exact_shap"]
    assert found.values[0, 0, 0] == pytest.approx(7.0)
    if kind in ("object strings", "objects"):  # as it was given
        assert sum(type(value) is type(missing) for value in seen if pd.isna(value))
    with pytest.raises(ValueError, match=r"'a'.* no neighbour"):  # LIME's draw from the rows of X, which have none
        px.explain("lime_tabular", px.Predictor(model), px.TabularSpace(X), x, budget=60)


@pytest.mark.parametrize("column", [["p", "q"], ["p", None, 3]], ids=["strings", "mixed"])
@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, pd.NA], ids=str)
def test_an_array_of_objects_takes_what_is_missing_too(column, missing):
    X = np.array(column, dtype=object)[:, None]
    columns = Columns(X)
    (back,) = columns.decode(columns.encode(np.array([[missing]], dtype=object)))[0]
    assert pd.isna(back)
    if None in column:  # a missing value is the one that X has
        assert back is None


def test_a_column_that_cannot_hold_a_missing_value_says_so():
    whole = pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)], dtype="interval[int64, right]")
    for column in (pd.Series([1, 2]), pd.Series([True, False]), pd.Series(whole)):
        with pytest.raises(ValueError, match=r"missing value, which .* cannot hold"):
            Columns(pd.DataFrame({"a": column})).encode(pd.DataFrame({"a": [None]}))


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_level_that_x_does_not_have_is_refused_in_every_library(kind):
    frame = pd.DataFrame({"a": ["p", "q"]})
    with pytest.raises(ValueError, match="'a' has the value 'z', which X does not have"):
        px.TabularSpace(KINDS[kind](frame)).players(KINDS[kind](pd.DataFrame({"a": ["z"]})))


# ------------------------------------------------------------------------------------------------ what is no table

Row = collections.namedtuple("Row", ["a", "b"])
NO_TABLES = {
    "csr_matrix": (sparse.csr_matrix(np.eye(3)), r"is a csr_matrix; .*\.toarray\(\)"),
    "csc_array": (sparse.csc_array(np.eye(3)), r"is a csc_array; .*\.toarray\(\)"),
    "coo_matrix": (sparse.coo_matrix(np.eye(3)), r"is a coo_matrix; .*\.toarray\(\)"),
    "dok_array": (sparse.dok_array(np.eye(3)), r"is a dok_array; .*\.toarray\(\)"),
    "dict of columns": ({"a": [1.0], "b": [2.0]}, r"is a dict; give pandas\.DataFrame\("),
    "dict of values": ({"a": 1.0, "b": 2.0}, r"is a dict; give pandas\.DataFrame\(\["),
    "list of dicts": ([{"a": 1.0}], r"is a list of dict; its rows name their columns: give pandas\.DataFrame\("),
    "generator": ((row for row in [[1.0, 2.0]]), r"is a generator; .*list\("),
    "zip": (zip([1.0], [2.0], strict=True), r"is a zip; .*list\("),
    "set": ({1.0, 2.0}, "is a set; it has no order"),
    "list of sets": ([{1.0, 2.0}], "is a list of set; they have no order"),
    "named tuple": (Row(1.0, 2.0), r"is a Row; .*pandas\.DataFrame\(\["),
    "named tuples": ([Row(1.0, 2.0)], r"is a list of Row; .*pandas\.DataFrame\("),
    "list of Series": ([pd.Series({"a": 1.0})], r"is a list of Series; .*pandas\.DataFrame\("),
    "structured": (STRUCTURED, r"is a structured array; .*pandas\.DataFrame\("),
    "record": (STRUCTURED[0], r"is a structured array"),
    "recarray": (STRUCTURED.view(np.recarray), r"is a structured array"),
    "path": ("table.csv", r"is a str; read the file first: pandas\.read_csv"),
    "None": (None, "is a NoneType; expected a table"),
    "number": (3.0, "is a float; expected a table"),
    "0-D": (np.array(3.0), "is a ndarray; expected a table|is an ndarray; expected a table"),
    "masked": (np.ma.masked_array([[1.0, 2.0]], [[True, False]]), r"is a MaskedArray; .*filled\(numpy\.nan\)"),
}


@pytest.mark.parametrize("where", ["X", "x", "rows"])
@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_refused_by_its_kind_with_a_way_out(kind, where):
    table, match = NO_TABLES[kind]
    calls = {
        "X": lambda: px.TabularSpace(table),
        "x": lambda: px.TabularSpace(PLAIN).players(table),
        "rows": lambda: px.Predictor(lambda _: pytest.fail("the model was asked"))(table),
    }
    with pytest.raises(TypeError, match=f"^{where} {match}"):
        calls[where]()


def test_ragged_rows_one_axis_and_a_series_as_the_data_are_refused():
    with pytest.raises(ValueError, match="X is a list of rows of 1, 2 values; expected rows of one length"):
        px.TabularSpace([[1.0], [2.0, 3.0]])
    with pytest.raises(ValueError, match=r"X has shape \(2,\)"):
        px.TabularSpace(np.ones(2))
    with pytest.raises(ValueError, match=r"X has shape \(1, 2, 3\)"):
        px.TabularSpace(np.ones((1, 2, 3)))
    with pytest.raises(TypeError, match=r"X is a Series.*X\.to_frame\(\)"):
        px.TabularSpace(pd.Series([1.0, 2.0]))
    with pytest.raises(TypeError, match="background is a DataFrame; give these rows as X"):
        px.TabularSpace(PLAIN, background=PLAIN)


# ------------------------------------------------------------------------------------------------ tensors

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    "made",
    [
        lambda v: torch.tensor(v, requires_grad=True),
        lambda v: torch.tensor(v, dtype=torch.bfloat16),
        lambda v: torch.tensor(v, dtype=torch.bfloat16, requires_grad=True) * 1,
        lambda v: torch.tensor(v).t().contiguous().t(),
        lambda v: torch.tensor(v, dtype=torch.float16),
        lambda v: [torch.tensor(row, requires_grad=True) for row in v],
    ],
    ids=["grad", "bfloat16", "in a graph", "strides", "half", "list"],
)
def test_a_tensor_is_the_numbers_that_it_holds(made):
    values = [[1.0, 2.0, 4.0], [0.5, -1.0, 8.0]]
    space = px.TabularSpace(made(values))
    assert space.codes.tolist() == values
    assert space.columns.encode(made(values)).tolist() == values
    assert px.Predictor(torch.nn.Linear(3, 1))(made(values)).shape == (2, 1)


def test_a_sparse_tensor_is_told_to_be_dense():
    with pytest.raises(TypeError, match=r"X is a Tensor; .*X\.to_dense\(\)"):
        px.TabularSpace(torch.eye(3).to_sparse())


# ------------------------------------------------------------------------------------------------ naming columns

TUPLES = pd.DataFrame(RNG.normal(size=(20, 3)), columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")]))


def test_columns_of_a_multiindex_are_named_by_their_tuple():
    model = px.Predictor(lambda rows: rows[("a", "y")].to_numpy() * rows[("b", "x")].to_numpy())
    space = px.TabularSpace(TUPLES, groups={"both": [("a", "x"), ("b", "x")]})
    assert space.names == ("both", "('a', 'y')")
    found = px.effects("pdp", model, space, TUPLES, features=[("a", "y"), (("a", "y"), ("b", "x"))], grid=3)["pdp"]
    assert list(found) == ["('a', 'y')", ("('a', 'y')", "('b', 'x')")]
    assert px.effects("pdp", model, space, TUPLES, features=("a", "y"), by=None)["pdp"].keys() == {"('a', 'y')"}
    assert px.plot_effects(model, TUPLES, [("a", "y")], grid_resolution=4).features == [(1,)]
    with pytest.raises(ValueError, match="is not a column of x"):
        px.effects("pdp", model, space, TUPLES, features=[("b", "y")])


MASKS = {
    "numpy": np.array([True, False, True]),
    "list": [True, False, True],
    "numpy booleans": [np.True_, np.False_, np.True_],
    "series": pd.Series([True, False, True]),
    "named series": pd.Series({"c": True, "a": False, "b": True}),
    "polars series": pl.Series([True, False, True]),
    "nullable series": pd.Series({"a": False, "c": True, "b": True}, dtype="boolean"),
    "numbers": [0, 2],
    "negative": [-3, -1],
    "numpy numbers": np.array([0, -1]),
    "names": ["b", "c"],
    "index": pd.Index(["b", "c"]),
}


@pytest.mark.parametrize("kind", MASKS)
def test_columns_are_chosen_by_mask_number_or_name(kind):
    space = px.TabularSpace(PLAIN, groups={"two": MASKS[kind]})
    assert space.columns_of == ((0, 2), (1,))
    found = px.effects("pdp", px.Predictor(by_name), space, PLAIN, features=MASKS[kind], grid=3)["pdp"]
    assert list(found) == ["b", "c"]


@pytest.mark.parametrize(
    ("given_", "match"),
    [
        ([True, False], "mask of 2 truth values, but X has 3 columns"),
        (np.zeros(3, dtype=bool), "mask that chooses no column"),
        ([3], "3"),
        ([-4], "-4"),
        ([1.5], "1.5"),
        ([True, 0, 1], "True"),
        ([True, None, False], "mask with a missing value"),
        (pd.array([True, None, False], dtype="boolean"), "mask with a missing value"),
        (pd.Series({"c": True, "a": False, "z": True}), "names .*'z'.*, but X has 'b', 'a', 'c'"),
        (["z"], "'z'"),
    ],
)
def test_a_mask_or_number_that_fits_no_column_is_refused(given_, match):
    with pytest.raises(ValueError, match=rf"groups\['g'\].*{match}"):
        px.TabularSpace(PLAIN, groups={"g": given_})
    with pytest.raises(ValueError, match=f"features.*{match}"):
        px.effects("pdp", px.Predictor(by_name), px.TabularSpace(PLAIN), PLAIN, features=given_)


def test_where_columns_are_called_by_numbers_a_number_is_a_name():
    frame = PLAIN.set_axis([10, 1, 0], axis=1)
    assert [Columns(frame).find(n) for n in (10, 1, 0, 2, -1)] == [0, 1, 2, None, None]
    other = pl.DataFrame({"0": [3.0], "10": [1.0], "1": [2.0]})
    assert Columns(frame).encode(other).tolist() == [[1.0, 2.0, 3.0]]  # polars has no numbers for names


# ------------------------------------------------------------------------------------------------ the model's own names


def _fitted(frame):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(frame, 3 * frame["a"] - frame["b"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", [["a", "b", "c"], ["x0", "x1", "x2"], ["b", "a", "d"]], ids="-".join)
def test_a_model_gets_the_names_it_was_fitted_on_or_a_refusal(kind, names):
    model = px.Predictor(_fitted(PLAIN))  # on b, a, c
    X = KINDS[kind](PLAIN.set_axis(names, axis=1))
    with pytest.raises(ValueError, match="differ from those that LinearRegression was trained on"):
        px.explain("kernel_shap", model, px.TabularSpace(X), X)
    with pytest.raises(ValueError, match="differ from those that LinearRegression was trained on"):
        px.effects("pdp", model, px.TabularSpace(X), X)


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimator_fitted_on_names_is_right_on_tables_of_every_library(kind):
    wanted = px.explain("exact_shap", px.Predictor(_fitted(PLAIN)), px.TabularSpace(PLAIN), PLAIN.iloc[:2])["exact_shap"]
    space = px.TabularSpace(KINDS[kind](PLAIN))
    found = px.explain("exact_shap", px.Predictor(_fitted(PLAIN)), space, KINDS[kind](PLAIN[["c", "b", "a"]].iloc[:2]))
    np.testing.assert_allclose(found["exact_shap"].values, wanted.values, atol=1e-12)
    glass = px.baselines("glass_box", px.Predictor(_fitted(PLAIN)), space, KINDS[kind](PLAIN.iloc[:2]))["glass_box"]
    np.testing.assert_allclose(glass.values, wanted.values, atol=1e-12)
    direct = px.Predictor(_fitted(PLAIN))(KINDS[kind](PLAIN[["c", "a", "b"]]))
    np.testing.assert_allclose(direct[:, 0], 3 * PLAIN["a"] - PLAIN["b"], atol=1e-12)


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_a_network_takes_a_table_of_any_library_as_numbers(kind):
    net = torch.nn.Linear(3, 2).double()
    x = PLAIN.iloc[:2]
    wanted = px.baselines("gradient", px.Predictor(net), px.TabularSpace(PLAIN), x)["gradient"]
    space = px.TabularSpace(KINDS[kind](PLAIN))
    found = px.baselines("gradient", px.Predictor(net), space, KINDS[kind](x))["gradient"]
    np.testing.assert_array_equal(found.values, wanted.values)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_pipeline_gets_its_strings_and_nulls_in_every_library(kind):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = PLAIN[["a"]].assign(s=np.where(RNG.random(30) < 0.5, "u", "v"))
    y = frame["a"] + 2.0 * (frame["s"] == "v")
    model = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["s"]), remainder="passthrough"),
                          LinearRegression()).fit(frame, y)  # fmt: skip
    x = pd.DataFrame({"s": ["v", None], "a": [0.5, 0.5]})
    found = px.explain("exact_shap", px.Predictor(model), px.TabularSpace(KINDS[kind](frame)), KINDS[kind](x))["exact_shap"]
    np.testing.assert_allclose(found.prediction[0], 2.5, atol=1e-9)
    wanted = px.explain("exact_shap", px.Predictor(model), px.TabularSpace(frame), x)["exact_shap"]
    np.testing.assert_allclose(found.values, wanted.values, atol=1e-12)


@pytest.mark.parametrize(
    "row",
    [PLAIN.iloc[0], PLAIN.to_numpy()[0], PLAIN.iloc[0].tolist(), pl.Series([1.0, 2.0, 3.0])],
    ids=["Series", "array", "list", "polars"],
)
@pytest.mark.parametrize("trained", [PLAIN, PLAIN.to_numpy()], ids=["names", "array"])
def test_a_single_row_for_the_predictor_is_refused_with_the_way_out(row, trained):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(trained, PLAIN["a"])
    with pytest.raises(ValueError, match=r"rows has shape \(3,\); expected .*: of one row give (X.iloc|rows\[None)"):
        px.Predictor(model)(row)


def test_tensors_within_rows_leave_their_graph():
    torch = pytest.importorskip("torch")
    x = [[torch.tensor(2.0, requires_grad=True), 2.0, torch.tensor(3, dtype=torch.bfloat16)]]
    found = px.explain("exact_shap", px.Predictor(lambda rows: rows.sum(axis=1)), px.TabularSpace(np.zeros((1, 3))), x)
    np.testing.assert_allclose(found["exact_shap"].values[0, :, 0], [2.0, 2.0, 3.0])
