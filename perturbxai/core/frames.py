"""Tables of any library: read as a DataFrame by the names of their columns, and made again as the kind that came.

pandas, polars and Arrow tables are handed back to the model as what they are. What narwhals collects or converts (a lazy
frame, modin, a query of duckdb), and what speaks Arrow's or the data frame interchange protocol alone, comes back as the
polars, Arrow or pandas table that it was read as.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from perturbxai.core.evaluations import once
from perturbxai.core.types import Bools, Floats, Foreign

if TYPE_CHECKING:
    import narwhals as nw

SHOWN = 40  # characters of a dtype in an error
# classes of one column, or one value
COLUMNS = {"pandas": ("Series",), "polars": ("Series",), "pyarrow": ("Array", "ChunkedArray", "Scalar")}


def is_kind(table: object, library: str, *names: str) -> TypeGuard[Any]:
    """Whether it is of one of these classes of a library, which is not imported for that."""
    module = sys.modules.get(library)
    return module is not None and isinstance(table, tuple(getattr(module, name) for name in names))


def named_table(table: object) -> Any:
    """A table with named columns as a pandas or polars DataFrame, an Arrow Table or RecordBatch; None for anything else.

    Lazy frames are collected, a column of structures is the table of their fields.
    """
    if isinstance(table, (np.ndarray, list, tuple, Mapping, str, bytes)) or is_kind(table, "pandas", "Index"):
        return None
    if names_of(table) is not None:
        return table
    if any(is_kind(table, library, *names) for library, names in COLUMNS.items()):
        return _of_structures(table)
    import narwhals

    found = narwhals.from_native(table, pass_through=True)
    if isinstance(found, narwhals.LazyFrame):
        return narwhals.to_native(found.collect())
    if isinstance(found, narwhals.DataFrame):
        native = narwhals.to_native(found)
        return native if native is not table and named_table(native) is native else found.to_pandas()
    return _by_protocol(table)


def _of_structures(column: object) -> Any:
    """The fields of a column of structures as a table; None for anything else."""
    if is_kind(column, "polars", "Series"):
        return column.struct.unnest() if column.dtype == sys.modules["polars"].Struct else None
    if is_kind(column, "pandas", "Series"):
        kind = getattr(column.dtype, "pyarrow_dtype", None)
        return column.struct.explode() if kind is not None and _is_structure(kind) else None
    if is_kind(column, "pyarrow", "Array", "ChunkedArray") and _is_structure(column.type):
        chunks = column.chunks if is_kind(column, "pyarrow", "ChunkedArray") else [column]
        fields = [field.name for field in column.type]
        arrow = sys.modules["pyarrow"]
        whole = arrow.chunked_array(chunks, type=column.type).combine_chunks()
        whole = whole if is_kind(whole, "pyarrow", "Array") else arrow.concat_arrays(whole.chunks)
        return arrow.Table.from_arrays(whole.flatten(), names=fields)  # flatten: a missing structure has no field
    return None


def _is_structure(kind: object) -> bool:
    return bool(sys.modules["pyarrow"].types.is_struct(kind))


def _by_protocol(table: object) -> Any:
    """What only says how its columns lie in memory; None for what does not."""
    if not (hasattr(table, "__arrow_c_stream__") or hasattr(table, "__dataframe__")):
        return None
    try:
        import pyarrow
    except ImportError as error:
        raise TypeError(
            f"a {type(table).__name__} is read by pyarrow, which is not installed: pip install pyarrow, or make it a "
            "pandas.DataFrame."
        ) from error
    if hasattr(table, "__arrow_c_stream__"):
        return pyarrow.table(table)
    from pyarrow.interchange import from_dataframe

    return from_dataframe(table).to_pandas()


def names_of(rows: object) -> list[Any] | None:
    """The names of a batch's columns, None where they have none."""
    if is_kind(rows, "pandas", "DataFrame") or is_kind(rows, "polars", "DataFrame"):
        return list(rows.columns)
    return list(rows.schema.names) if is_kind(rows, "pyarrow", "Table", "RecordBatch") else None


def in_order(rows: Any, names: Sequence[str]) -> Any:
    """A batch with its columns in this order."""
    return rows[list(names)] if is_kind(rows, "pandas", "DataFrame") else rows.select(list(names))


def by_column(values: object, what: str, *orders: Sequence[Any]) -> Any:
    """One value a column as they are, but those of a Series that names the columns in the first of these orders it fits.

    Numbers in a Series' index number its values and name nothing, unless columns are called so. Raises ValueError for names
    that are not those of the columns.
    """
    if not is_kind(values, "pandas", "Series"):
        return values
    given = list(values.index)
    for names in orders:
        if len(given) == len(names) and set(given) == set(names):
            return values.iloc[[given.index(name) for name in names]]
    if all(isinstance(label, (int, np.integer)) for label in given):
        return values
    known = ", ".join(map(repr, list(orders[0])[:8])) + (" ..." if len(orders[0]) > 8 else "")
    raise ValueError(f"{what} is a Series that names {given[:8]}, but X has {known}; give it the same, or its values alone.")


def part(rows: Any, start: int, stop: int) -> Any:
    """Rows start..stop of a batch, which the model may write to."""
    if is_kind(rows, "pandas", "DataFrame"):
        return rows.iloc[start:stop].copy()
    return rows.slice(start, stop - start) if names_of(rows) is not None else np.array(rows[start:stop])


def as_pandas(rows: object) -> Any:
    """A batch for a model that knows pandas and arrays: a polars or Arrow table as a DataFrame, anything else as it is."""
    is_other = names_of(rows) is not None and not is_kind(rows, "pandas", "DataFrame")
    return read_columns(rows, "rows") if is_other else rows


def read_columns(table: Any, what: str) -> Any:
    """A DataFrame of a polars or Arrow table. Whole numbers with nulls get pandas' nullable dtypes, strings `str`.

    Raises ValueError for two columns of one name and for floats with both null and NaN, TypeError for columns of lists,
    structures and other kinds that a cell of a row cannot be.
    """
    import narwhals
    import pandas as pd

    names = names_of(table) or []
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise ValueError(f"{what} has the column {twice[0]!r} twice; column names must be unique.")
    if is_kind(table, "pyarrow", "RecordBatch"):
        table = sys.modules["pyarrow"].Table.from_batches([table])
    frame = narwhals.from_native(table, eager_only=True)
    found = {name: _column(frame[name], f"{what}: the column {name!r}") for name in names}
    return pd.DataFrame(found, index=range(len(frame)), columns=pd.Index(names, dtype=object))


def _column(series: nw.Series[Any], where: str) -> Any:
    import narwhals as nw
    import pandas as pd

    dtype = series.dtype
    null = series.is_null().to_numpy()
    if dtype.is_float():
        values = series.to_numpy()
        if null.any() and np.isnan(values[~null]).any():
            raise ValueError(f"{where} has both null and NaN, which are one missing value here; make one of the other.")
        return pd.Series(values)
    if (dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128)) or dtype == nw.Boolean:
        filled = pd.Series(series.fill_null(False if dtype == nw.Boolean else 0).to_numpy())
        return filled.convert_dtypes().mask(null) if null.any() else filled
    if dtype in (nw.Datetime, nw.Date):
        return _moments(series, null)
    if dtype == nw.Duration:
        spans = series.dt.total_nanoseconds().fill_null(0).to_numpy().astype("timedelta64[ns]")
        spans[null] = np.timedelta64("NaT", "ns")
        return pd.Series(spans)
    if dtype in (nw.Categorical, nw.Enum):
        known, ordered = _categories(series)
        return pd.Series(pd.Categorical(series.to_list(), categories=known, ordered=ordered))
    if dtype in (nw.String, nw.Time, nw.Binary) or null.all():
        return pd.Series(series.to_list(), dtype=object).infer_objects()
    raise TypeError(
        f"{where} is {str(dtype)[:SHOWN]}; expected numbers that float64 holds, truth values, strings, categories or dates. "
        "Cast it (a Decimal to Float64), or take it apart first."
    )


def _categories(series: nw.Series[Any]) -> tuple[list[Any], bool]:
    """All of an enumeration and of an Arrow dictionary, and whether they are in order.

    A Categorical of polars knows the categories of other frames too; only those that are here count.
    """
    native = series.to_native()
    if series.implementation.is_pyarrow():
        values = (v for chunk in native.chunks for v in chunk.dictionary.to_pylist() if v is not None)
        return list(dict.fromkeys(values)), bool(native.type.ordered)
    if hasattr(series.dtype, "categories"):
        return list(series.dtype.categories), True
    return sorted(series.drop_nulls().unique().to_list()), False


def _moments(series: Any, null: Bools) -> Any:
    """Dates and time stamps with their unit and zone; days begin at midnight."""
    import narwhals as nw
    import pandas as pd

    days = series.dtype == nw.Date
    unit = "s" if days else series.dtype.time_unit
    ticks = "ns" if unit == "ns" else "us"  # the finest that this unit's range fits in
    whole = series.dt.timestamp(ticks).fill_null(0).to_numpy().astype(np.int64)
    moments = whole.astype(f"datetime64[{ticks}]").astype(f"datetime64[{unit}]")
    moments[null] = np.array("NaT", dtype=moments.dtype)
    found = pd.Series(moments)
    zone = None if days else series.dtype.time_zone
    return found if zone is None else found.dt.tz_localize("UTC").dt.tz_convert(zone)


class Native:
    """Makes a polars or Arrow table of X's schema from coded columns.

    numbers that are missing are NaN where X has NaN, else null
    """

    def __init__(self, table: Any, read: Any) -> None:
        self.table = table.slice(0, 0)
        self.names = [str(name) for name in read.columns]
        self.arrow = not is_kind(table, "polars", "DataFrame")
        self.dtypes = list(table.schema.types if self.arrow else table.dtypes)
        self._nan = {d for d, name in enumerate(self.names) if read[name].dtype.kind == "f" and _has_nan(table, name)}
        self._palettes: dict[int, Any] = {}

    def make(self, codecs: Sequence[Any], codes: Floats) -> Any:
        """The table of codes (n, D)."""
        columns = [self._column(d, codec, codes[:, d]) for d, codec in enumerate(codecs)]
        if self.arrow:
            return type(self.table).from_arrays(columns, schema=self.table.schema)
        return sys.modules["polars"].DataFrame(columns)

    def _column(self, d: int, codec: Foreign, codes: Floats) -> Any:
        made = self._arrow if self.arrow else self._polars
        if codec.stored_as == "levels":
            palette = once(self._palettes, d, lambda: made(d, _plain_levels(codec.levels)))
            whole = codes.astype(np.int64)
            return palette.take(whole) if self.arrow else palette.gather(whole)
        values, missing = codec.physical(codes)
        nulls = missing if missing.any() and d not in self._nan else None
        return made(d, values, nulls, codec.stored_as == "moments")

    def _polars(self, d: int, values: Any, nulls: Bools | None = None, moments: bool = False) -> Any:
        import polars

        name, dtype = self.names[d], self.dtypes[d]
        if not isinstance(values, np.ndarray):
            return polars.Series(name, values, dtype=dtype)
        found = polars.Series(name, values)
        if moments:
            found = found.cast(polars.Datetime("us", getattr(dtype, "time_zone", None)))
        found = found.cast(dtype)
        return found if nulls is None else found.zip_with(polars.Series(~nulls), polars.Series([None], dtype=dtype))

    def _arrow(self, d: int, values: Any, nulls: Bools | None = None, moments: bool = False) -> Any:
        import pyarrow

        dtype = self.dtypes[d]
        if not isinstance(values, np.ndarray):
            return pyarrow.array(values, type=dtype)
        found = pyarrow.array(values, mask=nulls)
        if moments:
            found = found.cast(pyarrow.timestamp("us", getattr(dtype, "tz", None)))
        return found.cast(dtype, safe=False)  # a grid's point between two seconds is the earlier one


def _has_nan(table: Any, name: str) -> bool:
    import narwhals

    batch = is_kind(table, "pyarrow", "RecordBatch")
    series = narwhals.from_native(sys.modules["pyarrow"].Table.from_batches([table]) if batch else table)[name]
    return bool(np.isnan(series.drop_nulls().to_numpy().astype(np.float64)).any())


def _plain_levels(levels: Any) -> Any:
    """Levels as a library other than pandas takes them: durations as numpy has them, else Python values, None if missing."""
    import pandas as pd

    if getattr(levels.dtype, "kind", "O") == "m":
        return np.asarray(levels)
    return [None if pd.api.types.is_scalar(one) and pd.isna(one) else one for one in levels]
