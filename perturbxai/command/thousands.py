"""Columns of text as numbers, whatever stands between their thousands: 1.234,5 and 1,234.5, 1 234,5 and 1'234.5."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MARKS = {",": ". \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'\N{RIGHT SINGLE QUOTATION MARK}"}  # that go with a decimal mark
MARKS["."] = MARKS[","].replace(".", ",")


class NoNumbers(ValueError):
    """A column that holds something else than numbers."""


def as_numbers(column: pd.Series[Any], decimal: str) -> pd.Series[Any]:
    """A column as floats, missing values as they are. Raises NoNumbers, which says of what."""
    if column.dtype.kind in "iuf":
        return column
    text = column.map(str, na_action="ignore").astype(object).map(str.strip, na_action="ignore")
    known = text.dropna()
    marks = [mark for mark in _marks(decimal) if known.map(lambda one, m=mark: _spelt(one, m, decimal)).all()]
    if not marks or not len(known):
        odd = next((one for one in known if not any(_spelt(one, mark, decimal) for mark in _marks(decimal))), None)
        raise NoNumbers("its values are spelt in several ways" if odd is None else f"{odd!r:.60} is none")
    plain = known.map(lambda one: float(one.replace(marks[0], "").replace(decimal, ".")))
    return plain.reindex(column.index).astype(float)


def holds_thousands(column: pd.Series[Any], decimal: str, marks: str = "") -> bool:
    """Whether a column of text holds nothing but numbers, some with marks between thousands.

    marks  those that are known to stand there: one of these alone is enough, which else could be something else, as in
           "1,234" or "555 123": no value has two of them, or one and a fraction. Of others "+49 301 234" is not taken for a
           number either, where each value has the plus
    """
    mark, known = mark_of(column, decimal), column.dropna()
    if not mark:
        return False
    found = known.map(lambda one: one.strip().count(mark))
    fraction = known.map(lambda one: decimal in one)
    signed = known.map(lambda one: one.strip().startswith("+"))
    sure = ((found > 1) | ((found > 0) & fraction)).any() and not signed.all()
    return bool(sure or mark in marks)


def mark_of(column: pd.Series[Any], decimal: str) -> str:
    """What stands between thousands in a column of numbers that are spelt; "" where nothing does, or in other columns."""
    known = column.dropna()
    if not len(known) or column.dtype.kind in "fiubmMc" or not known.map(lambda one: isinstance(one, str)).all():
        return ""
    try:
        as_numbers(column, decimal)
    except NoNumbers:
        return ""
    return next((mark for mark in _marks(decimal) if known.map(lambda one, m=mark: m in one.strip()).any()), "")


def _marks(decimal: str) -> str:
    return MARKS.get(decimal, "".join(sorted(set("".join(MARKS.values())) - {decimal})))


def _spelt(text: str, mark: str, decimal: str) -> bool:
    """Whether a text is a number with this mark between all of its thousands, or without any.

    >>> _spelt("1.234,5", ".", ","), _spelt("12.34,5", ".", ","), _spelt("1234,5", ".", ","), _spelt("-7", ".", ",")
    (True, False, True, True)
    """
    whole = rf"([1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+|\d+)"
    return re.fullmatch(rf"[+-]?{whole}({re.escape(decimal)}\d+)?", text) is not None
