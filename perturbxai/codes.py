"""Columns as float64 codes and back, exactly: how tables travel between spaces, kernels and models.

Numbers and dates are their own code (missing = NaN). Categories, strings and other objects are numbered by their levels,
a missing value being a level of its own. What cannot come back exactly is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perturbxai.codecs import codec_of, nearest, stored

Floats = NDArray[np.float64]


class Columns:
    """The columns of a table: names, and exact codes both ways.

    names (D,);  numeric (D,) True where codes are numbers and not levels;  frame True if tables are DataFrames
    whole (D,) True where only whole numbers are values;  levels (D,) names of the levels by code, None for numbers
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
            array = _array(table, "X")
            if array.ndim != 2:
                raise ValueError(f"X has shape {array.shape}; expected a table of shape (rows, columns).")
            self._dtype = array.dtype
            data = _frame(array)
            self.labels = [f"x{d}" for d in range(array.shape[1])]
        if data.shape[1] == 0:
            raise ValueError("X has no columns; there is nothing to explain.")
        self.names = tuple(str(label) for label in self.labels)
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"X has two columns that both read {twice!r}; rename one.")
        self.codecs = [codec_of(data.iloc[:, d], name) for d, name in enumerate(self.names)]
        self.numeric = np.array([codec.numeric for codec in self.codecs])
        self.whole = np.array([codec.whole for codec in self.codecs])
        self.levels = tuple(codec.named_levels() for codec in self.codecs)
        dtypes = {codec.dtype for codec in self.codecs}
        one = next(iter(dtypes)) if len(dtypes) == 1 else None
        self._floats = one if isinstance(one, np.dtype) and one.kind == "f" else None

    def encode(self, table: Any, what: str = "x") -> Floats:
        """(N, D) codes of a table with these columns (a DataFrame's may come in any order, a single row is one row).

        A copy: later changes of the table do not reach it.
        Raises ValueError for unknown or missing columns, and for values that X does not have or cannot hold.
        """
        data = self._aligned(table, what)
        if self._floats is not None and all(isinstance(t, np.dtype) and t.kind in "fiub" for t in data.dtypes):
            codes = np.array(data.to_numpy(dtype=np.float64), order="C")
            return stored(codes, self._floats, f"{what}: the columns are {self._floats} in X, but a value here")
        codes = np.empty(data.shape)
        for d, codec in enumerate(self.codecs):
            codes[:, d] = codec.encode(data.iloc[:, d])
        return codes

    def decode(self, codes: Floats, *, own: bool = False) -> Any:
        """The table of these codes (n, D) as the user has it: a DataFrame with X's dtypes, or an array of X's dtype.

        own: nobody else holds these codes, which may become the table themselves
        """
        if self._dtype is not None and self._dtype.kind in "fiub":
            return nearest(codes, self._dtype)
        if self.frame and self._floats is not None:
            # pandas would copy once more, to lay columns together
            table = pd.DataFrame(codes.astype(self._floats, copy=not own), copy=False)
        else:
            columns = {d: codec.decode(codes[:, d]) for d, codec in enumerate(self.codecs)}
            if not self.frame:
                out = np.empty(codes.shape, dtype=self._dtype)
                for d, column in columns.items():
                    out[:, d] = column
                return out
            table = pd.DataFrame(columns)
        table.columns = pd.Index(self.labels)
        return table

    def decode_own(self, codes: Floats) -> Any:
        """`decode` for codes that were made for it."""
        return self.decode(codes, own=True)

    def encode_values(self, number: int, values: Any) -> Floats:
        """(n,) codes of some values of one column. Raises as `encode`."""
        return np.asarray(self.codecs[number].encode(pd.Series(values)), dtype=np.float64)

    def decode_values(self, number: int, codes: Floats) -> NDArray[Any]:
        """(n,) values of one column as the user has them."""
        return np.asarray(self.codecs[number].decode(codes))

    def missing_code(self, number: int) -> float:
        """The code of a missing value in a column of levels, NaN if it has none."""
        named = self.levels[number]
        return float(len(named) - 1) if named and pd.isna(self.codecs[number].levels[-1]) else np.nan

    def row_labels(self, table: Any, n_rows: int) -> list[Any]:
        """What the rows of a table are called: a DataFrame's index, a Series' name, else their numbers."""
        if isinstance(table, pd.DataFrame):
            return list(table.index)
        if isinstance(table, pd.Series) and table.name is not None:
            return [table.name]
        return list(range(n_rows))

    def _aligned(self, table: Any, what: str) -> pd.DataFrame:
        if isinstance(table, pd.Series):
            table = table.to_frame().T.infer_objects() if self.frame else table.to_numpy()
        if isinstance(table, pd.DataFrame):
            if not self.frame:
                table = table.to_numpy()
            else:
                self._check_names(table.columns, what)
                return table.iloc[:, table.columns.get_indexer(pd.Index(self.labels))]
        array = _array(table, what)
        if array.ndim == 1:
            array = array[None, :]
        if array.ndim != 2 or array.shape[1] != len(self.labels):
            raise ValueError(
                f"{what} has shape {array.shape}; expected (rows, {len(self.labels)}), one column for each of "
                f"{_some(self.names)}."
            )
        data = _frame(array)
        if self.frame:  # bare values for a table that came as a frame: take them in its order and dtypes
            data.columns = pd.Index(self.labels)
        return data

    def _check_names(self, found: pd.Index, what: str) -> None:
        if not found.is_unique:
            raise ValueError(f"{what} has the column {found[found.duplicated()][0]!r} twice; column names must be unique.")
        unknown = [label for label in found if label not in set(self.labels)]
        missing = [label for label in self.labels if label not in set(found)]
        if unknown or missing:
            parts = [f"has the unknown feature(s) {_some(unknown)}"] if unknown else []
            parts += [f"lacks the feature(s) {_some(missing)}"] if missing else []
            raise ValueError(
                f"{what} {' and '.join(parts)}; the space was built with {_some(self.names)}. "
                f"Give {what} the same columns."
            )


def _array(table: Any, what: str) -> NDArray[Any]:
    """A table without names as an array; lists of mixed kinds keep each value as it is."""
    array = np.asarray(table)
    if array.dtype.names is not None:
        raise TypeError(f"{what} is a structured array; make it a table with names first: pandas.DataFrame({what}).")
    if array.dtype.kind in "US" and not hasattr(table, "dtype"):
        mixed = np.array(table, dtype=object)
        return array if all(isinstance(value, (str, bytes)) for value in mixed.ravel()) else mixed
    return array


def _frame(array: NDArray[Any]) -> pd.DataFrame:
    # an object array stays one: pandas would make strings of it, and one kind of missing value
    return pd.DataFrame(array, dtype=object if array.dtype == object else None)


def _some(names: Sequence[Any]) -> str:
    shown = ", ".join(map(repr, names[:6]))
    return shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")
