"""How a text file of values is written: separator, decimal mark and encoding, as they are said or as the file shows them."""

from __future__ import annotations

import codecs
import warnings
from pathlib import Path

from perturbxai.command.thousands import MARKS
from perturbxai.core.types import Foreign, Frame

WITH_COMMA = rf"[+-]?(\d+|[1-9]\d{{0,2}}([{MARKS[',']}]\d{{3}})+)(,\d+)?"  # 1,5 or 1.234,5
THOUSANDS = r"[+-]?[1-9]\d{0,2}(,\d{3})+"
WITH_POINT = r"[+-]?\d*\.?\d+([eE][+-]?\d+)?"


def separator(value: object) -> str:
    """The one character between values.

    >>> separator(";")
    ';'
    """
    if isinstance(value, str) and len(value) == 1 and value not in '\n\r"':
        return value
    raise ValueError(f'{value!r} is no separator; expected the one character between values, such as ";"')


def decimal(value: object) -> str:
    """The one character before the fraction of a number."""
    if isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in '\n\r"+- ':
        return value
    raise ValueError(f'{value!r} is no decimal mark; expected the one character before the fraction, such as ","')


def encoding(value: object) -> str:
    """The name of an encoding of text, as Python has it."""
    try:
        if isinstance(value, str) and codecs.lookup(value)._is_text_encoding:
            return value
    except (LookupError, ValueError):
        pass
    raise ValueError(f'{value!r} is no encoding that Python knows; expected a name such as "latin-1", "cp1252" or "utf-16"')


def other_separators(first_line: str, separator: str) -> list[str]:
    """What else may separate the names of a first line that this does not.

    >>> other_separators("a;b", ",")
    [';']
    """
    return [mark for mark in ";\t|," if mark in first_line and mark != separator]


def heads(path: Path, separator: str, encoding: str, most: int) -> Frame | None:
    """The first rows of a text file as they are spelt; None for what cannot be read so, which reading it tells better."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pd.read_csv(path, sep=separator, encoding=encoding, nrows=most, dtype=str, index_col=False)
    except Exception:  # every compression has errors of its own
        return None


def has_decimal_commas(head: Frame) -> bool:
    """Whether a column holds numbers that are spelt as 1,5 or 1.234,5, and none as 1.5.

    "1,234" may be a thousand and more: of such values alone nothing is said.
    """
    return any(not column.str.fullmatch(THOUSANDS).all() for column in _of_commas(head)) and not _has_points(head)


def _of_commas(head: Frame) -> list[Foreign]:
    """Columns of numbers with commas, and their values that have one."""
    found: list[Foreign] = []
    for _, column in head.items():
        known = column.dropna().str.strip()
        if len(known) and known.str.fullmatch(WITH_COMMA).all():
            commas = known[known.str.contains(",", regex=False)]
            found += [commas] if len(commas) else []
    return found


def _has_points(head: Frame) -> bool:
    """Whether a column holds numbers with a point that cannot stand between thousands."""
    for _, column in head.items():
        known = column.dropna().str.strip()
        if known.str.fullmatch(WITH_POINT).all() and (~known.str.fullmatch(WITH_COMMA)).any():
            return True
    return False
