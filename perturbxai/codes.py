"""Columns as float64 codes and back, exactly: how tables travel between spaces, kernels and models.

Numbers and dates are their own code (missing = NaN). Categories, strings and other objects are numbered by their levels,
a missing value being a level of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST_EXACT = 2**53  # whole numbers up to here survive float64


class _Number:
    """Floats, whole numbers, booleans and their nullable kin."""

    numeric = True

    def __init__(self, column: pd.Series, name: str) -> None:
        self.dtype, self.name = column.dtype, name

    def encode(self, column: pd.Series) -> Floats:
        try:
            codes = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise TypeError(f"column {self.name!r} is {column.dtype}, but {self.dtype} in X; convert it first.") from error
        if pd.api.types.is_integer_dtype(self.dtype) and (np.abs(codes) > LARGEST_EXACT).any():
            raise ValueError(f"column {self.name!r} has whole numbers above 2^53, which float64 cannot hold exactly.")
        if pd.api.types.is_integer_dtype(self.dtype) and (codes != np.round(codes))[~np.isnan(codes)].any():
            raise ValueError(f"column {self.name!r} is {self.dtype} in X, but a value here is not a whole number.")
        return codes

    def decode(self, codes: Floats) -> Any:
        if isinstance(self.dtype, np.dtype):
            return codes.astype(self.dtype)
        missing = np.isnan(codes)
        series = pd.Series(np.where(missing, 0.0, codes)).astype(self.dtype)
        return series.mask(missing)


class _Date:
    """Time stamps, as whole units since the epoch (microseconds for nanosecond stamps, which must then be whole)."""

    numeric = True

    def __init__(self, column: pd.Series, name: str) -> None:
        self.dtype, self.name = column.dtype, name
        self.zone = getattr(column.dtype, "tz", None)

    def encode(self, column: pd.Series) -> Floats:
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None) if self.zone is not None else column
        coarse = moments.astype("datetime64[us]")
        if (coarse != moments)[moments.notna()].any():
            raise ValueError(f"column {self.name!r} has parts of a microsecond, which float64 cannot hold exactly.")
        codes = coarse.astype("int64").to_numpy().astype(np.float64)
        codes[column.isna().to_numpy()] = np.nan
        return codes

    def decode(self, codes: Floats) -> Any:
        missing = np.isnan(codes)
        whole = np.where(missing, 0.0, codes).astype("int64").view("datetime64[us]").copy()
        whole[missing] = np.datetime64("NaT")
        series = pd.Series(whole)
        if self.zone is not None:
            series = series.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        return series.astype(self.dtype)


class _Levels:
    """Anything else, numbered by its distinct values in X (for a categorical dtype: all its categories)."""

    numeric = False

    def __init__(self, column: pd.Series, name: str) -> None:
        self.dtype, self.name = column.dtype, name
        if isinstance(column.dtype, pd.CategoricalDtype):
            known = pd.Series(pd.Categorical(column.dtype.categories, dtype=column.dtype))
            column = pd.concat([known, column], ignore_index=True)
        self.index = pd.Index(pd.unique(column))
        self.levels = pd.Series(self.index).astype(self.dtype).array

    def encode(self, column: pd.Series) -> Floats:
        codes = self.index.get_indexer(pd.Index(column.astype(self.index.dtype)))
        if isinstance(self.dtype, pd.CategoricalDtype):
            unknown = np.asarray(~column.isna() & ~column.isin(self.dtype.categories))
        else:
            unknown = codes < 0
        if unknown.any():
            value = column[unknown].iloc[0]
            raise ValueError(
                f"column {self.name!r} has the value {value!r}, which X does not have. "
                "Build the space from a table that includes it, or declare it as a category."
            )
        if (codes < 0).any():
            raise ValueError(f"column {self.name!r} has a missing value here, but none in X; impute it first.")
        return codes.astype(np.float64)

    def decode(self, codes: Floats) -> Any:
        return self.levels.take(codes.astype(np.int64))


class Columns:
    """The columns of a table: names, and exact codes both ways.

    names (D,);  numeric (D,) True where codes are numbers and not levels;  frame True if tables are DataFrames
    """

    def __init__(self, table: Any) -> None:
        self.frame = isinstance(table, pd.DataFrame)
        self._dtype: np.dtype | None = None
        if self.frame:
            data = table
            if not data.columns.is_unique:
                twice = data.columns[data.columns.duplicated()][0]
                raise ValueError(f"X has the column {twice!r} twice; column names must be unique.")
            self.labels: list[Any] = list(data.columns)
        else:
            array = np.asarray(table)
            if array.ndim != 2:
                raise ValueError(f"X has shape {array.shape}; expected a table of shape (rows, columns).")
            self._dtype = array.dtype
            data = pd.DataFrame(array)
            self.labels = [f"x{d}" for d in range(array.shape[1])]
        if data.shape[1] == 0:
            raise ValueError("X has no columns; there is nothing to explain.")
        self.names = tuple(str(label) for label in self.labels)
        self.codecs = [_codec(data.iloc[:, d], name) for d, name in enumerate(self.names)]
        self.numeric = np.array([codec.numeric for codec in self.codecs])
        dtypes = {codec.dtype for codec in self.codecs}
        self._plain = next(iter(dtypes)) if len(dtypes) == 1 else None

    def encode(self, table: Any, what: str = "x") -> Floats:
        """(N, D) codes of a table with these columns (a DataFrame's may come in any order, a single row is one row).

        Raises ValueError for unknown or missing columns, and for values that X does not have.
        """
        data = self._aligned(table, what)
        if self._plain is not None and isinstance(self._plain, np.dtype) and self._plain.kind == "f":
            return np.ascontiguousarray(data.to_numpy(dtype=np.float64))
        return np.column_stack([codec.encode(data.iloc[:, d]) for d, codec in enumerate(self.codecs)])

    def decode(self, codes: Floats) -> Any:
        """The table of these codes (n, D) as the user has it: a DataFrame with X's dtypes, or an array of X's dtype."""
        if self._dtype is not None and self._dtype.kind in "fiub":
            return codes.astype(self._dtype)
        if self.frame and isinstance(self._plain, np.dtype) and self._plain.kind == "f":
            return pd.DataFrame(codes.astype(self._plain), columns=self.labels)
        columns = {d: codec.decode(codes[:, d]) for d, codec in enumerate(self.codecs)}
        if not self.frame:
            out = np.empty(codes.shape, dtype=self._dtype)
            for d, column in columns.items():
                out[:, d] = column
            return out
        table = pd.DataFrame(columns)
        table.columns = pd.Index(self.labels)
        return table

    def _aligned(self, table: Any, what: str) -> pd.DataFrame:
        if isinstance(table, pd.Series):
            table = table.to_frame().T.infer_objects() if self.frame else table.to_numpy()
        if isinstance(table, pd.DataFrame):
            if not self.frame:
                table = table.to_numpy()
            else:
                self._check_names(list(table.columns), what)
                return table[self.labels]
        array = np.asarray(table)
        if array.ndim == 1:
            array = array[None, :]
        if array.ndim != 2 or array.shape[1] != len(self.labels):
            raise ValueError(
                f"{what} has shape {array.shape}; expected (rows, {len(self.labels)}), one column for each of "
                f"{_some(self.names)}."
            )
        data = pd.DataFrame(array)
        if self.frame:  # bare values for a table that came as a frame: take them in its order and dtypes
            data.columns = pd.Index(self.labels)
        return data

    def _check_names(self, found: Sequence[Any], what: str) -> None:
        unknown = [label for label in found if label not in set(self.labels)]
        missing = [label for label in self.labels if label not in set(found)]
        if unknown or missing:
            parts = [f"unknown feature(s) {_some(unknown)}"] if unknown else []
            parts += [f"lacks the feature(s) {_some(missing)}"] if missing else []
            raise ValueError(
                f"{what} has {' and '.join(parts)}; the space was built with {_some(self.names)}. "
                f"Give {what} the same columns."
            )


def _codec(column: pd.Series, name: str) -> Any:
    dtype = column.dtype
    if pd.api.types.is_complex_dtype(dtype):
        raise TypeError(f"column {name!r} is complex; expected real numbers, dates, categories or strings.")
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        return _Number(column, name)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _Date(column, name)
    return _Levels(column, name)


def _some(names: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, names[:6]))
    return shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")
