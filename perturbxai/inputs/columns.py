"""Columns as float64 codes and back, exactly: how tables travel between spaces, kernels and models.

Numbers and dates are their own code (missing = NaN). Categories, strings and other objects are numbered by their levels,
a missing value being a level of its own. What cannot come back exactly is refused.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perturbxai.core.checks import is_missing
from perturbxai.core.frames import Native, by_column, is_kind, named_table, read_columns
from perturbxai.core.types import Codes, Floats
from perturbxai.core.unnamed_tables import as_values
from perturbxai.core.wording import quoted
from perturbxai.inputs.codecs import codec_of, nearest, stored

SHOWN = 6  # names of columns in an error


class Columns:
    """The columns of a table: names, and exact codes both ways.

    names (D,), labels (D,) what a DataFrame has there, as a tuple of a MultiIndex
    numeric (D,) True where codes are numbers and not levels;  frame True if the columns have names
    whole_numbers (D,) True where only whole numbers are values;  levels (D,) names of the levels by code, None for numbers
    ordered (D,) True where levels have an order, that of their codes
    missing_codes (D,) the code of a missing value in a column of ordered levels, NaN in others
    """

    def __init__(self, table: object) -> None:
        data, self._native = _read(table, "X")
        self.frame = isinstance(data, pd.DataFrame)
        self._dtype: np.dtype | None = None
        if isinstance(data, pd.DataFrame):
            if not data.columns.is_unique:
                twice = data.columns[data.columns.duplicated()][0]
                raise ValueError(f"X has the column {twice!r} twice; column names must be unique.")
            self.labels: list[Any] = list(data.columns)
        else:
            if data.ndim != 2:
                raise ValueError(f"X has shape {data.shape}; expected a table of shape (rows, columns).")
            self._dtype = data.dtype
            data = _frame(data)
            self.labels = [f"x{d}" for d in range(data.shape[1])]
        if data.shape[1] == 0:
            raise ValueError("X has no columns; there is nothing to explain.")
        self.names = tuple(str(label) for label in self.labels)
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"X has two columns that both read {twice!r}; rename one.")
        nullable = self._native is not None
        self.codecs = [codec_of(data.iloc[:, d], name, nullable) for d, name in enumerate(self.names)]
        self.numeric = np.array([codec.numeric for codec in self.codecs])
        self.whole_numbers = np.array([codec.whole_numbers for codec in self.codecs])
        self.levels = tuple(codec.named_levels() for codec in self.codecs)
        self.ordered = np.array([bool(getattr(codec.dtype, "ordered", False)) for codec in self.codecs])
        self.missing_codes = np.array([_missing_code(codec) for codec in self.codecs])
        dtypes = {codec.dtype for codec in self.codecs}
        one = next(iter(dtypes)) if len(dtypes) == 1 else None
        self._floats = one if isinstance(one, np.dtype) and one.kind == "f" else None

    def encode(self, table: object, what: str = "x") -> Floats:
        """(N, D) codes of a table with these columns, of any library (named ones in any order; a single row is one row).

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

    def decode(self, codes: Codes, *, own: bool = False) -> Any:
        """The table of these codes (n, D) as the user has it: of X's library with its dtypes, or an array of X's dtype.

        own: nobody else holds these codes, which may become the table themselves
        """
        return self.plain(codes, own=own) if self._native is None else self._native.make(self.codecs, codes)

    def plain(self, codes: Codes, *, own: bool = False) -> Any:
        """The same as a pandas DataFrame or an array, whatever library X is of."""
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

    def decode_own(self, codes: Codes) -> Any:
        """`decode` for codes that were made for it."""
        return self.decode(codes, own=True)

    def gaps_as_nan(self, codes: Codes) -> Codes:
        """Codes (n, D) in which a missing value is NaN among levels with an order too, where it has no place."""
        gaps = codes == self.missing_codes
        return np.where(gaps, np.nan, codes) if gaps.any() else codes

    def encode_values(self, number: int, values: object) -> Floats:
        """(n,) codes of some values of one column. Raises as `encode`."""
        return np.asarray(self.codecs[number].encode(pd.Series(values)), dtype=np.float64)

    def decode_values(self, number: int, codes: Floats) -> NDArray[Any]:
        """(n,) values of one column as the user has them."""
        return np.asarray(self.codecs[number].decode(codes))

    def row_labels(self, table: object, n_rows: int) -> list[Any]:
        """What the rows of a table are called: a DataFrame's index, a Series' name, else their numbers."""
        if isinstance(table, pd.DataFrame):
            return list(table.index)
        if isinstance(table, pd.Series) and table.name is not None:
            return [table.name]
        return list(range(n_rows))

    def find(self, one: object) -> int | None:
        """The number of a column by its label, its name or its number (from the end if negative); None for none.

        Where labels are whole numbers a number is a label.
        """
        if isinstance(one, Hashable) and not isinstance(one, (bool, np.bool_)) and not is_missing(one):
            plain = one.item() if isinstance(one, np.generic) else one
            if plain in self.labels:
                return self.labels.index(plain)
            if str(plain) in self.names:
                return self.names.index(str(plain))
            counted = not any(isinstance(label, (int, np.integer)) for label in self.labels)
            if isinstance(plain, int) and counted and -len(self.names) <= plain < len(self.names):
                return plain % len(self.names)
        return None

    def read_mask(self, given: Any, what: str) -> list[int] | None:
        """The numbers of the columns that a mask of truth values (D,) chooses; None for what is no mask.

        A Series that names the columns, as `X.dtypes == float` does, is aligned with them. Raises ValueError for a mask
        of another length or of other names, with a missing value, and for one that chooses nothing.
        """
        values = list(given) if is_kind(given, "polars", "Series") else given
        values = values.tolist() if hasattr(values, "tolist") else values
        if not isinstance(values, (list, tuple)) or not values:
            return None
        truths = [v for v in values if isinstance(v, (bool, np.bool_))]
        if not truths or not all(isinstance(v, (bool, np.bool_)) or v is None or is_missing(v) for v in values):
            return None
        if len(truths) < len(values):
            raise ValueError(f"{what} is a mask with a missing value; say True or False of every column.")
        values = list(by_column(given if is_kind(given, "pandas", "Series") else values, what, self.labels))
        if len(values) != len(self.names):
            raise ValueError(f"{what} is a mask of {len(values)} truth values, but X has {len(self.names)} columns.")
        if not any(values):
            raise ValueError(f"{what} is a mask that chooses no column; name at least one.")
        return [d for d, chosen in enumerate(values) if chosen]

    def _aligned(self, table: Any, what: str) -> pd.DataFrame:
        if is_kind(table, "pandas", "Series"):
            table = table.to_frame().T.infer_objects()
        given, _ = _read(table, what)
        if isinstance(given, pd.DataFrame):
            return given.iloc[:, self._places(list(given.columns), what)]
        array = given[None, :] if given.ndim == 1 else given
        if array.ndim != 2 or array.shape[1] != len(self.labels):
            expected = f"(rows, {len(self.labels)}), one column for each of {quoted(self.names, SHOWN)}"
            raise ValueError(f"{what} has shape {array.shape}; expected {expected}.")
        data = _frame(array)
        if self.frame:  # bare values for a table that came as a frame: take them in its order and dtypes
            data.columns = pd.Index(self.labels)
        return data

    def _places(self, found: list[Any], what: str) -> list[int]:
        """Where a named table has each of these columns: by label, else by name, for other libraries know strings alone."""
        labels = self.labels
        if not self.frame and set(found) == set(range(len(labels))):  # pandas numbers the columns of an array
            labels = list(range(len(labels)))
        elif set(found) != set(labels) and set(map(str, found)) == set(self.names):
            found, labels = [str(label) for label in found], list(self.names)
        place = {label: number for number, label in enumerate(found)}
        if len(place) < len(found):
            twice = next(label for label in found if found.count(label) > 1)
            raise ValueError(f"{what} has the column {twice!r} twice; column names must be unique.")
        known = set(labels)
        unknown = [label for label in found if label not in known]
        missing = [label for label in labels if label not in place]
        if unknown or missing:
            parts = [f"has the unknown feature(s) {quoted(unknown, SHOWN)}"] if unknown else []
            parts += [f"lacks the feature(s) {quoted(missing, SHOWN)}"] if missing else []
            built = quoted(self.names, SHOWN) if self.frame else f"an array, whose {len(labels)} columns have no names"
            way = f"Give {what} the same columns" + ("." if self.frame else f", or its values alone: {what}.to_numpy().")
            raise ValueError(f"{what} {' and '.join(parts)}; the space was built with {built}. {way}")
        return [place[label] for label in labels]


def named_rows(table: Any) -> Sequence[Any] | None:
    """What the rows of a table are called, where each has a name of its own: a DataFrame's index."""
    return table.index if is_kind(table, "pandas", "DataFrame") and table.index.is_unique else None


def plain_label(label: object) -> Any:
    """What a row is called, as Python has it."""
    if isinstance(label, tuple):
        return tuple(map(plain_label, label))
    return label.item() if isinstance(label, np.generic) else label


def _read(table: object, what: str) -> tuple[pd.DataFrame | NDArray[Any], Native | None]:
    """A DataFrame where columns have names, else an array; and what makes tables of its library, None for pandas and arrays.

    Raises TypeError for what is neither a table nor bare values.
    """
    named = named_table(table)
    if named is None:
        if what == "X" and is_kind(table, "pandas", "Series"):
            raise TypeError("X is a Series, which may be a row or a column; give X.to_frame() for a table of one column.")
        return as_values(table, what), None
    if isinstance(named, pd.DataFrame):
        return named, None
    data = read_columns(named, what)
    return data, Native(named, data)


def _missing_code(codec: Any) -> float:
    """Of levels with an order, among which a missing value, always the last, has no place."""
    ordered = bool(getattr(codec.dtype, "ordered", False))
    return float(len(codec.levels) - 1) if ordered and len(codec.levels) and pd.isna(codec.levels[-1]) else np.nan


def _frame(array: NDArray[Any]) -> pd.DataFrame:
    # an object array stays one: pandas would make strings of it, and one kind of missing value
    return pd.DataFrame(array, dtype=object if array.dtype == object else None)
