"""Columns of text as dates: years first, or in one of the orders that people write, if no other reads it too."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
WRITTEN = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}( \d{1,2}:\d\d(:\d\d)?)?")
ORDERS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")


class NoDates(ValueError):
    """A column that holds something else, or dates that can be read in two ways."""


def as_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as dates, missing values as they are. Raises NoDates, which says of what."""
    import pandas as pd

    if column.dtype.kind == "M":
        return column
    text = column.map(str, na_action="ignore").astype(object).where(column.notna(), None)
    known = text.dropna().map(str.strip)
    odd = [one for one in known if not (ISO.fullmatch(one) or WRITTEN.fullmatch(one))]
    if len(known) and not odd:
        if known.map(lambda one: ISO.fullmatch(one) is not None).all():
            return _read(text, ["ISO8601"])
        written = [WRITTEN.fullmatch(one) for one in known]
        marks, times = {found and found[1] for found in written}, {one.count(":") for one in known}
        if len(marks) > 1 or len(times) > 1:
            raise NoDates("its values are spelt in several ways")
        behind = ("", " %H:%M", " %H:%M:%S")[times.pop()]
        return _read(text, [order.format(*marks) + behind for order in ORDERS])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return pd.to_datetime(text)  # pandas knows words such as "3 March 2024"
        except (ValueError, OverflowError, UserWarning) as error:
            raise NoDates(f"{odd[0]!r:.60} is none") from error


def _read(text: pd.Series[Any], formats: list[str]) -> pd.Series[Any]:
    """The dates of a column by the one of these formats that reads it. Raises NoDates for none, and for several."""
    import pandas as pd

    found: dict[str, pd.Series[Any]] = {}
    for one in formats:
        try:
            found[one] = pd.to_datetime(text.map(str.strip, na_action="ignore"), format=one)
        except (ValueError, OverflowError):
            continue
    if not found:
        raise NoDates("some of its values are no days of a calendar")
    first, *others = found.values()
    if any(not one.equals(first) for one in others):
        raise NoDates("days and months may be told apart in two ways")
    return first


def holds_dates(column: pd.Series[Any]) -> bool:
    """Whether a column of text holds nothing but dates that are read in one way."""
    known = column.dropna()
    if not len(known) or column.dtype.kind in "fiubmMc":
        return False
    if not known.map(lambda one: isinstance(one, str) and bool(ISO.fullmatch(one) or WRITTEN.fullmatch(one))).all():
        return False
    try:
        return as_dates(column).dtype.kind == "M"
    except NoDates:
        return False
