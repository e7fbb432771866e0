"""One column as float64 codes and back: numbers, dates, levels, objects. What cannot come back exactly is refused."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats, Objects

LARGEST_EXACT = 2**53  # whole numbers up to here survive float64
MISSING = (None, np.nan, pd.NaT, pd.NA)


class _Codec:
    """A column of X: its dtype and name, whether its codes are numbers (and whole ones alone), and what they stand for."""

    numeric = True
    whole_numbers = True
    stored_as = "levels"

    def __init__(self, column: pd.Series, name: str) -> None:
        self.dtype, self.name = column.dtype, name

    def named_levels(self) -> tuple[str, ...] | None:
        """What the levels are called, by their codes; numbers have none."""
        return None

    def decode(self, codes: Floats) -> Any:
        """(n,) values as the column holds them."""
        raise NotImplementedError

    def tell(self, codes: Floats) -> Objects:
        """(n,) values as Python has them: NaN for a missing number that is no whole one, None for what else is missing."""
        found = pd.Series(self.decode(codes)).astype(object).to_numpy(dtype=object, copy=True)
        found[pd.isna(found)] = None
        return found


class _Number(_Codec):
    """Floats, whole numbers, booleans and their nullable kin; objects that are all floats or all whole numbers.

    plain    the numpy dtype of one value;  missing  True if the column can hold NaN or NA, as any of a library with nulls
    """

    stored_as = "numbers"

    def __init__(self, column: pd.Series, name: str, nullable: bool = False) -> None:
        super().__init__(column, name)
        objects = pd.api.types.is_object_dtype(self.dtype)
        if objects:
            self.plain = np.dtype(float if isinstance(column.iloc[0], float) else np.int64)
        else:
            dtype: Any = self.dtype
            self.plain = np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))
        if self.plain.kind == "c" or self.plain.itemsize > 8:
            raise TypeError(f"column {name!r} is {self.dtype}; expected real numbers that float64 holds exactly.")
        self.missing = self.plain.kind == "f" or hasattr(self.dtype, "numpy_dtype") or objects or nullable
        self.whole_numbers = self.plain.kind in "iub"

    def named_levels(self) -> tuple[str, ...] | None:
        """Truth values are numbers to a model, and two levels to a reader."""
        return ("False", "True") if self.plain.kind == "b" else None

    def encode(self, column: pd.Series) -> Floats:
        codes = self._numbers(column)
        if not self.missing and np.isnan(codes).any():
            raise ValueError(
                f"column {self.name!r} has a missing value, which {self.dtype} of X cannot hold; "
                "impute it first, or build the space from a column of floats."
            )
        return stored(codes, self.plain, f"column {self.name!r} is {self.dtype} in X, but a value here")

    def _numbers(self, column: pd.Series) -> Floats:
        number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype)
        if pd.api.types.is_object_dtype(column.dtype):
            number = not any(isinstance(value, (str, bytes, complex, np.complexfloating)) for value in column)
            column = column.mask(column.isna(), np.nan)  # NA and NaT are no floats
        elif column.isna().all():
            return np.full(len(column), np.nan)
        try:
            if not number:
                raise TypeError(f"{column.dtype} is not a number")
            codes = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise TypeError(f"column {self.name!r} is {column.dtype}, but {self.dtype} in X; convert it first.") from error
        if self.plain.kind in "iu":
            # looked at as whole numbers: 2^53 + 1 reads 2^53 once it is a float
            large = np.abs(codes) >= LARGEST_EXACT
            if any(abs(int(value)) > LARGEST_EXACT for value in column[large] if np.isfinite(value)):
                raise ValueError(f"column {self.name!r} has whole numbers above 2^53, which float64 cannot hold exactly.")
        return np.array(codes)

    def physical(self, codes: Floats) -> tuple[NDArray[Any], Bools]:
        """(n,) values in the plain dtype, and which of them are missing."""
        missing = np.isnan(codes)
        return nearest(codes if self.plain.kind == "f" else np.where(missing, 0.0, codes), self.plain), missing

    def tell(self, codes: Floats) -> Objects:
        values, missing = self.physical(codes)
        found = values.astype(object)
        if self.plain.kind != "f":
            found[missing] = None
        return found

    def decode(self, codes: Floats) -> Any:
        values, missing = self.physical(codes)
        if pd.api.types.is_object_dtype(self.dtype):
            found = pd.Series(values, dtype=object)
            return found.mask(missing, np.nan) if missing.any() and self.whole_numbers else found
        if isinstance(self.dtype, np.dtype):
            return pd.Series(values).convert_dtypes().mask(missing) if missing.any() and self.whole_numbers else values
        series = pd.Series(values).astype(self.dtype)
        return series.mask(missing) if missing.any() else series


class _Date(_Codec):
    """Time stamps, as whole microseconds since the epoch."""

    stored_as = "moments"

    def __init__(self, column: pd.Series, name: str) -> None:
        super().__init__(column, name)
        self.moments = _moments_of(column.dtype)
        self.zone = getattr(self.moments, "tz", None)

    def encode(self, column: pd.Series) -> Floats:
        column = column.infer_objects()
        if isinstance(column.dtype, pd.ArrowDtype) and pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = column.astype(_moments_of(column.dtype))
        missing = column.isna().to_numpy()
        if missing.all():
            return np.full(len(column), np.nan)
        dates = pd.api.types.is_datetime64_any_dtype(column.dtype)
        if not dates or (getattr(column.dtype, "tz", None) is None) != (self.zone is None):
            raise TypeError(f"column {self.name!r} is {column.dtype}, but {self.dtype} in X; convert it first.")
        stored = column.astype(self.moments)
        if (stored != column)[~missing].any():
            raise ValueError(f"column {self.name!r} has moments between those that {self.dtype} of X can hold.")
        moments = stored.dt.tz_convert("UTC").dt.tz_localize(None) if self.zone is not None else stored
        coarse = moments.astype("datetime64[us]")
        whole = coarse.to_numpy().astype("int64")
        codes = whole.astype(np.float64)
        if ((coarse != moments).to_numpy() | (codes.astype("int64") != whole))[~missing].any():
            raise ValueError(
                f"column {self.name!r} has parts of a microsecond (or microseconds centuries away), "
                "which float64 cannot hold exactly; round it first."
            )
        codes[missing] = np.nan
        return codes

    def physical(self, codes: Floats) -> tuple[NDArray[Any], Bools]:
        """(n,) whole microseconds, and which of them are missing."""
        missing = np.isnan(codes)
        return np.where(missing, 0.0, codes).astype("int64"), missing

    def decode(self, codes: Floats) -> Any:
        moments, missing = self.physical(codes)
        whole = moments.view("datetime64[us]").copy()
        whole[missing] = np.datetime64("NaT", "us")
        series = pd.Series(whole)
        if self.zone is not None:
            series = series.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        return series.astype(self.moments).astype(self.dtype)


def _moments_of(dtype: object) -> Any:
    """pandas' own dtype for the moments of an Arrow one, whose days begin at midnight; any other as it is."""
    if not isinstance(dtype, pd.ArrowDtype):
        return dtype
    unit: Any
    unit, zone = getattr(dtype.pyarrow_dtype, "unit", "s"), getattr(dtype.pyarrow_dtype, "tz", None)
    return np.dtype(f"datetime64[{unit}]") if zone is None else pd.DatetimeTZDtype(unit, zone)


class _Levels(_Codec):
    """Anything else that has a dtype, numbered by its distinct values in X (for a categorical: all its categories).

    A missing value is the last level, also where X has none, if the dtype can hold one.
    """

    numeric = False

    def named_levels(self) -> tuple[str, ...]:
        return tuple("missing" if pd.isna(level) else str(level) for level in self.levels)

    def __init__(self, column: pd.Series, name: str) -> None:
        super().__init__(column, name)
        known = column[column.notna()].drop_duplicates()
        if isinstance(column.dtype, pd.CategoricalDtype):
            known = pd.Series(pd.Categorical(column.dtype.categories, dtype=column.dtype))
        self.levels = _with_missing(known, column)
        self.index = pd.Index(known.astype(object).to_numpy(), dtype=object)

    def encode(self, column: pd.Series) -> Floats:
        missing = column.isna().to_numpy()
        present = column[~missing].astype(object).to_numpy()
        codes = np.full(len(column), len(self.index), dtype=np.int64)
        codes[~missing] = self.index.get_indexer(pd.Index(present, dtype=object))
        _refuse_unknown(self.name, column, codes < 0)
        if missing.any() and len(self.levels) == len(self.index):
            raise ValueError(f"column {self.name!r} has a missing value, which {self.dtype} cannot hold; impute it first.")
        return codes.astype(np.float64)

    def decode(self, codes: Floats) -> Any:
        return self.levels.take(codes.astype(np.int64))


class _Objects(_Codec):
    """Python objects of any kinds, numbered by kind and value: 1, 1.0 and True are three levels, None and NaN two.

    A missing value of x is X's own, whatever its kind; where X has none, None, NaN, NaT and NA are further levels.
    """

    numeric = False

    def named_levels(self) -> tuple[str, ...]:
        return tuple(map(str, self.levels))

    def __init__(self, column: pd.Series, name: str) -> None:
        super().__init__(column, name)
        self.number: dict[Any, int] = {}
        self.like: dict[Any, int] = {}  # for values of x whose kind differs: 1.0 where X has 1
        levels: list[Any] = []
        for value in column if column.isna().any() else (*column, *MISSING):
            key = self._key(value)
            if key not in self.number:
                self.number[key] = len(levels)
                self.like.setdefault(key[1], len(levels))
                levels.append(value)
        self.levels = np.empty(len(levels), dtype=object)
        self.levels[:] = levels

    def _key(self, value: object) -> tuple[Any, Any]:
        if not isinstance(value, Hashable):
            raise TypeError(
                f"column {self.name!r} holds a {type(value).__name__}; expected numbers, dates, categories, strings or "
                "other values that can be compared."
            )
        missing: Any = pd.isna(value) if pd.api.types.is_scalar(value) else False  # type: ignore[call-overload]
        return (type(value), "missing") if missing else (type(value), (value,))

    def encode(self, column: pd.Series) -> Floats:
        keys = [self._key(value) for value in column]
        codes = np.array([self.number.get(key, self.like.get(key[1], -1)) for key in keys], dtype=np.int64)
        _refuse_unknown(self.name, column, codes < 0)
        return codes.astype(np.float64)

    def decode(self, codes: Floats) -> Any:
        return pd.Series(self.levels[codes.astype(np.int64)], dtype=object)  # named, or pandas makes strings of it


def codec_of(column: pd.Series, name: str, nullable: bool = False) -> Any:
    """The codec of a column, by its dtype and, for objects, by its values. Raises TypeError for what has no codes.

    nullable: it is from a library whose columns can all hold nulls
    """
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        floats = all(isinstance(value, float) for value in column)
        whole_numbers = all(map(checks.is_whole, column))
        return _Number(column, name) if len(column) and (floats or whole_numbers) else _Objects(column, name)
    if pd.api.types.is_numeric_dtype(dtype):
        return _Number(column, name, nullable)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _Date(column, name)
    return _Levels(column, name)


def stored(codes: Floats, dtype: np.dtype, what: str) -> Floats:
    """The codes as a column of this numpy dtype would hold them; raises ValueError where it cannot."""
    there = codes[~np.isnan(codes)]
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            rounded = codes.astype(dtype).astype(np.float64)
        if (np.isinf(rounded) & np.isfinite(codes)).any():
            raise ValueError(f"{what} is too large for it.")
        return rounded
    if dtype.kind == "b":
        if ((there != 0) & (there != 1)).any():
            raise ValueError(f"{what} is neither true nor false.")
        return codes
    if (there != np.round(there)).any():
        raise ValueError(f"{what} is not a whole number.")
    limits = np.iinfo(dtype)
    if ((there < limits.min) | (there > limits.max)).any():
        raise ValueError(f"{what} is outside {limits.min}..{limits.max}.")
    return codes


def nearest(codes: Floats, dtype: np.dtype) -> NDArray[Any]:
    """Codes as values of a dtype; the edge of a bin, which need not be a value, becomes the nearest one."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        codes = np.clip(np.rint(codes), max(limits.min, -LARGEST_EXACT), min(limits.max, LARGEST_EXACT))
    return np.asarray((codes >= 0.5) if dtype.kind == "b" else codes.astype(dtype, copy=False))


def _with_missing(known: pd.Series, column: pd.Series) -> Any:
    """The levels, and a missing value after them; it is left out where the dtype has none, as intervals of whole numbers."""
    if column.isna().any():
        return pd.concat([known, column[column.isna()].iloc[:1]]).array
    try:
        found: Any = known.array.take(np.array([*range(len(known)), -1]), allow_fill=True)
    except (TypeError, ValueError):
        return known.array
    return found if found.dtype == column.dtype else known.array


def _refuse_unknown(name: str, column: pd.Series, unknown: Bools) -> None:
    if unknown.any():
        value = column[unknown].iloc[0]
        value = value.item() if isinstance(value, np.generic) else value
        raise ValueError(
            f"column {name!r} has the value {value!r}, which X does not have. "
            "Build the space from a table that includes it, or declare it as a category."
        )
