"""What a file shows of how it is written, where the user does not say: separator, marks, a saved index, dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from perturbxai.command.config import Naming, TableFile
from perturbxai.command.dates import holds_dates
from perturbxai.command.table_files import COMPRESSED, NEEDED, TABS, read_file
from perturbxai.command.text_options import has_decimal_commas, heads, other_separators
from perturbxai.command.thousands import holds_thousands, mark_of
from perturbxai.core.types import Frame
from perturbxai.core.wording import quoted

UNNAMED = "Unnamed: 0"
HEAD = 100  # rows of a file that are looked at for how it is written
LOOKED_AT = 3  # of several files, for numbers that are read as words
THOUSANDS = "whose marks may stand between thousands"
T = TypeVar("T", bound=TableFile)


def as_written(section: T, naming: Naming) -> tuple[T, list[str]]:
    """The section with what its file says of itself where the user does not, and a line on each thing that was taken so.

    A separator that the first line shows, a decimal comma, marks between thousands, a first column without a name, as a
    saved index has it, and of a model that is trained here columns of dates.
    """
    told: list[str] = []
    path = Path(section.data)
    if path.suffix.lower() not in NEEDED and section.separator is None and path.is_file():
        section, told = _as_text(section, naming)
    frame = read_file(section, naming, HEAD)
    name = str(frame.columns[0])
    said = (*section.drop, *section.category, *section.text, section.label, section.target)
    if name == UNNAMED and UNNAMED not in said:
        whole = read_file(section, naming)[UNNAMED]
        names_rows = section.label is None and whole.is_unique and whole.tolist() != list(range(len(whole)))
        section = section.model_copy(update={"label": UNNAMED} if names_rows else {"drop": (*section.drop, UNNAMED)})
        taken = "names the rows" if names_rows else "is left out"
        told.append(f"the first column has no name, as a saved index has it, and {taken}")
    section, more = _with_guesses(section, frame, naming)
    return section, [*told, *more]


def _with_guesses(section: T, head: Frame, naming: Naming) -> tuple[T, list[str]]:
    """The section with what its columns of words are seen to be, and a line on it. head: the first rows"""
    section, told = _with_numbers(section, head, naming)
    features = head.drop(columns=[section.target] if section.target in head else [])
    dates = _guessed(section, features, naming, holds_dates) if section.learns else []
    if dates:
        section = section.model_copy(update={"date": (*section.date, *dates)})
        told.append(f"read as dates: {', '.join(dates)} ({naming('table.text')} NAME leaves one as it is spelt)")
    return section, told


def _with_numbers(section: T, head: Frame, naming: Naming) -> tuple[T, list[str]]:
    """The same of numbers with marks between thousands. A mark that a column shows to be one is one in all columns."""
    decimal = section.decimal or "."
    sure = _guessed(section, head, naming, lambda column: holds_thousands(column, decimal))
    marks = "".join(mark_of(head[name], decimal) for name in sure)
    numbers = _guessed(section, head, naming, lambda column: holds_thousands(column, decimal, marks)) if sure else []
    section = section.model_copy(update={"number": (*section.number, *numbers)})
    told = []
    if numbers:
        way = f"{naming('table.text')} NAME leaves one as it is spelt"
        told.append(f"read as numbers with marks between thousands: {quoted(numbers, 6)} ({way})")
    if doubtful := _guessed(section, head, naming, lambda column: bool(mark_of(column, decimal))):
        way = f"{naming('table.number')} NAME reads one as numbers"
        tabs = any(ending.lower() in TABS for ending in Path(section.data).suffixes)
        free = section.decimal is None and (tabs or section.separator not in (None, ","))  # commas do not separate values
        if free and any(mark_of(head[name], decimal) == "," for name in doubtful):
            way += f", {naming('table.decimal')} ',' with fractions"
        told.append(f"read as words: {quoted(doubtful, 6)}, {THOUSANDS} ({way})")
    return section, told


def _guessed(section: TableFile, head: Frame, naming: Naming, holds: Callable[[Any], bool]) -> list[str]:
    """Columns that hold something in the first rows and in all others: nobody asked for them, so none is an error."""
    said = _said(section)
    found = [str(name) for name in head if name not in said and holds(head[name])]
    if not found:
        return []
    whole = read_file(section, naming)
    return [name for name in found if holds(whole[name])]


def _as_text(section: T, naming: Naming) -> tuple[T, list[str]]:
    """The section with the separator and the decimal mark that the head of its text shows."""
    path = Path(section.data)
    found = _marks(section, path)
    return section.model_copy(update=found), [_read_with(path.name, found, naming)] if found else []


def marks_of_several(section: T, paths: Sequence[Path], naming: Naming) -> tuple[T, list[str]]:
    """The section with the separator and the decimal mark that the heads of several files of text all show.

    Of numbers with marks between thousands they show that there may be some: a value far below could be none.
    """
    told = []
    if section.separator is None and not any(path.suffix.lower() in NEEDED for path in paths):
        first, *others = (_marks(section, path) for path in paths)
        if first and all(one == first for one in others):
            section, told = section.model_copy(update=first), [_read_with(f"these {len(paths)} files", first, naming)]
    some = [read_file(section.model_copy(update={"data": str(path)}), naming, HEAD) for path in paths[:LOOKED_AT]]
    shown = [{str(name) for name in head if mark_of(head[name], section.decimal or ".")} for head in some]
    if doubtful := sorted(set.intersection(*shown) - _said(section)):
        told.append(
            f"read as words: {quoted(doubtful, 6)}, {THOUSANDS} ({naming('table.number')} NAME reads one as numbers)"
        )
    return section, told


def _said(section: TableFile) -> set[str | None]:
    """Columns that the user says something of."""
    return {*section.drop, *section.category, *section.text, *section.date, *section.number, section.label}


def _read_with(what: str, found: Mapping[str, str], naming: Naming) -> str:
    marks = {"separator": "values between them", "decimal": "the mark before fractions"}
    each = [f"{mark!r} as {marks[key]} ({naming(f'table.{key}')})" for key, mark in found.items()]
    return f"{what} {'were' if what.startswith('these') else 'was'} read with {' and '.join(each)}"


def _marks(section: TableFile, path: Path) -> dict[str, str]:
    """What the head of a text shows beside what the user says."""
    found: dict[str, str] = {}
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in COMPRESSED]
    usual = "\t" if endings and endings[-1] in TABS else ","
    names = heads(path, usual, section.encoding or "utf-8", 0)  # rows may have decimal commas
    if names is not None and names.shape[1] == 1 and (others := other_separators(str(names.columns[0]), usual)):
        found["separator"] = others[0]
    separator = found.get("separator", usual)
    head = heads(path, separator, section.encoding or "utf-8", HEAD) if section.decimal is None else None
    decimal = {"decimal": ","} if head is not None and separator != "," and has_decimal_commas(head) else {}
    return found | decimal
