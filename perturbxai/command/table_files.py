"""A table from a file: comma-separated text, Parquet, or the first sheet of an Excel workbook."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from perturbxai import assets
from perturbxai.command.config import BOOSTED, Naming, TableConfig, TableFile
from perturbxai.command.dates import NoDates, as_dates, holds_dates
from perturbxai.command.text_options import doubtful_commas, has_decimal_commas, heads, other_separators
from perturbxai.command.values import SLICE
from perturbxai.core.types import Foreign, Frame
from perturbxai.core.wording import quoted
from perturbxai.reporting.manifest import describe_file
from perturbxai.reporting.parts.blocks import first_rows

if TYPE_CHECKING:
    import pandas as pd

TABS = (".tsv", ".tab")
COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst")
NEEDED = {".parquet": "pyarrow", ".pq": "pyarrow", ".xlsx": "openpyxl", ".xlsm": "openpyxl"}
OTHERS = (
    ".json", ".jsonl", ".ndjson", ".feather", ".arrow", ".ipc", ".orc", ".avro", ".dta", ".sav", ".sas7bdat", ".rds", ".pkl",
    ".pickle", ".joblib", ".npy", ".npz", ".h5", ".hdf5", ".ods", ".db", ".sqlite", ".html", ".xml", ".pdf",
)  # fmt: skip
UNNAMED = "Unnamed: 0"
HEAD = 100  # rows of a file that are looked at for how it is written
T = TypeVar("T", bound=TableFile)


def read_file(section: TableFile, naming: Naming, most: int | None = None) -> Frame:
    """The table of the configured file, or its first rows. Raises ValueError, in the user's own words, where it cannot be.

    most  rows, None for all
    """
    path, key = Path(section.data), f"{naming('table.data')} = {section.data!r}"
    ending = path.suffix.lower()
    kind = "Parquet" if NEEDED.get(ending) == "pyarrow" else "an Excel workbook" if ending in NEEDED else "CSV"
    if not path.is_file():
        found = "it is a folder" if path.is_dir() else "there is no such file"
        raise ValueError(f"{key} cannot be read as {kind}: {found}.")
    if ending == ".xls":
        raise ValueError(f"{key} is a workbook of an old kind; save it as .xlsx or CSV.")
    if ending in OTHERS:
        raise ValueError(f"{key} is a {ending} file, which is not read here; save the table as CSV, Parquet or .xlsx.")
    if ending in NEEDED:
        _check_binary(section, key, kind, NEEDED[ending], naming)
    read = {"CSV": _read_text, "Parquet": _read_parquet, "an Excel workbook": _read_workbook}[kind]
    try:
        frame = read(path, section, naming, most)
    except _Explained:
        raise
    except Exception as error:  # every format, and every compression, has errors of its own
        way = "Save the table as CSV in UTF-8" if kind == "CSV" else "Save it anew, or as CSV"
        if isinstance(error, UnicodeDecodeError):
            told = f"it is not text in {(section.encoding or 'utf-8').upper()}"
            way += f", or say what it is by {naming('table.encoding')}, latin-1 perhaps"
        else:
            told = str(error) or type(error).__name__
        raise ValueError(f"{key} cannot be read as {kind}: {told}. {way}.") from error
    if len(frame) == 0:
        raise ValueError(f"{key} has a header and no row below it; there is nothing to explain.")
    frame.columns = frame.columns.map(str)
    for name in section.date:
        if name in frame:
            frame[name] = dated(frame[name], f"{naming('table.date')} = {name!r}")
    return frame


def dated(column: pd.Series[Any], key: str) -> pd.Series[Any]:
    """A column as dates. Raises ValueError for one that holds others. key: how the user asked for it"""
    try:
        return as_dates(column)
    except NoDates as error:
        raise ValueError(f"{key} cannot be read as dates: {error}. Spell all of them as 2024-03-31.") from error


class _Explained(ValueError):
    """An error that is in the user's words already."""


def _read_text(path: Path, section: TableFile, naming: Naming, most: int | None) -> Frame:
    import pandas as pd

    key = f"{naming('table.data')} = {section.data!r}"
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in COMPRESSED]
    separator = section.separator or ("\t" if endings and endings[-1] in TABS else ",")
    decimal = section.decimal or "."
    if decimal == separator:
        ways = f"give {naming('table.separator')}, ';' perhaps"
        raise _Explained(f"{naming('table.decimal')} = {decimal!r} separates the values too; {ways}.")
    encoding = section.encoding or "utf-8"
    # low_memory gives the parts of a long column different dtypes, an index column shifts the names by one
    read: Any = functools.partial(
        pd.read_csv, path, sep=separator, decimal=decimal, encoding=encoding, low_memory=False, index_col=False
    )
    _check_names(read(header=None, nrows=1, dtype=str, keep_default_na=False), key)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = read(nrows=most)
    except pd.errors.ParserWarning as error:
        raise _Explained(f"{key} has more values in a line than names in the first; give every column a name.") from error
    first = str(frame.columns[0])
    if len(frame) and frame.shape[1] == 1 and (likely := other_separators(first, separator)):
        raise _Explained(
            f"{key} has the one column {first!r}, so {separator!r} does not separate its values; "
            f"give {naming('table.separator')}, {likely[0]!r} perhaps."
        )
    return _with_words(frame, section, functools.partial(read, nrows=most))


def _check_names(header: Frame, key: str) -> None:
    """Refuse a name that stands twice in a header (1, D), which pandas would rename."""
    names = [name.lstrip("\ufeff") for name in header.iloc[0] if name] if len(header) else []
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise _Explained(f"{key} has the column {twice[0]!r} twice; column names must be unique.")


def _with_words(frame: Frame, section: TableFile, read: Callable[..., Frame]) -> Frame:
    """The table with its columns of words read anew: "007" stays "007", "NA" and "None" are words, empty cells missing."""
    text, names = set(section.text), list(map(str, frame.columns))
    for words, dtype in ((text, str), ({*section.category, section.label} - text, None)):
        if numbers := [d for d, name in enumerate(names) if name in words]:
            again = read(usecols=numbers, dtype=dtype, keep_default_na=False, na_values=[""])
            for place, number in enumerate(numbers):
                frame.isetitem(number, again.iloc[:, place].array)
    return frame


def _read_parquet(path: Path, section: TableFile, naming: Naming, most: int | None) -> Frame:
    import pandas as pd

    frame = pd.read_parquet(path, engine="pyarrow") if most is None else first_rows(path, most)
    said = {*section.drop, *section.category, *section.text, section.label, section.target} - {None}
    index = [name for name in frame.index.names if name is not None]
    if unsaid := [str(name) for name in index if str(name) not in said]:
        key = f"{naming('table.data')} = {section.data!r}"
        raise _Explained(
            f"{key} has the index {unsaid[0]!r} beside its columns. Let it name the rows: {naming('table.label')} "
            f"{unsaid[0]!r}; or leave it out: {naming('table.drop')} {unsaid[0]!r}; or save it as a column, by "
            "frame.reset_index()."
        )
    frame = frame.reset_index(drop=not index)  # an index without a name is no column
    for name in set(section.text) & set(frame.columns):
        frame[name] = frame[name].map(str, na_action="ignore")
    return frame


def _read_workbook(path: Path, section: TableFile, naming: Naming, most: int | None) -> Frame:
    import pandas as pd

    with pd.ExcelFile(path, engine="openpyxl") as book:
        read: Any = functools.partial(pd.read_excel, book)
        header = read(header=None, nrows=1, dtype=str, keep_default_na=False)
        _check_names(header, f"{naming('table.data')} = {section.data!r}")
        return _with_words(read(nrows=most), section, functools.partial(read, nrows=most))


def _check_binary(section: TableFile, key: str, kind: str, package: str, naming: Naming) -> None:
    for name in ("separator", "decimal", "encoding"):
        if getattr(section, name) is not None:
            raise ValueError(f"{naming(f'table.{name}')} is for text, and {key} is {kind}; leave it out.")
    if importlib.util.find_spec(package) is None:
        raise ValueError(f"{key} needs {package}, which is not installed: pip install {package}; or save the table as CSV.")


@dataclass(frozen=True, eq=False)
class Table:
    """A table to explain: columns X (N, D), the target y or None, the explained rows x, and what the manifest tells.

    told: what there is to say of how it was read
    """

    X: Frame
    y: Foreign | None
    x: Frame
    facts: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def read_table(section: TableFile, naming: Naming) -> Table:
    """The configured table. Raises ValueError, in the user's own words, for what cannot be read and columns not there."""
    if section.data == "diabetes":
        X, y, _ = assets.diabetes_boosted()
        return Table(X, y, _rows(X, section, naming), {"name": section.data, "rows": len(X)})
    section, guessed = as_written(section, naming)
    frame = read_file(section, naming)
    left_out = left_out_of(section, list(frame.columns), naming)
    frame = frame.astype(dict.fromkeys(section.category, "category"))
    if section.label is not None:
        frame = frame.set_index(section.label, drop=False).rename_axis(None)
    y = None if section.target is None else frame[section.target]
    X = frame.drop(columns=left_out)
    if X.shape[1] == 0:
        raise ValueError(f"{naming('table.data')} = {section.data!r} has no column left to explain; leave fewer out.")
    dtypes = {str(name): str(dtype) for name, dtype in X.dtypes.items()}
    told = describe_file(Path(section.data), Path(section.data).parent) | {"rows": len(X), "columns": dtypes}
    return Table(X, y, _rows(X, section, naming), told, tuple(guessed))


def as_written(section: T, naming: Naming) -> tuple[T, list[str]]:
    """The section with what its file says of itself where the user does not, and a line on each thing that was taken so.

    A separator that the first line shows, a decimal comma, a first column without a name, as a saved index has it, and of a
    model that is trained here columns of dates.
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
    dates = _guessed_dates(section, frame, naming) if section.model == BOOSTED else []
    if dates:
        section = section.model_copy(update={"date": (*section.date, *dates)})
        told.append(f"read as dates: {', '.join(dates)} ({naming('table.text')} NAME leaves one as it is spelt)")
    return section, told


def _guessed_dates(section: TableFile, head: Frame, naming: Naming) -> list[str]:
    """Columns that hold dates in the first rows and in all others: nobody asked for them, so none is an error."""
    said = {*section.drop, *section.category, *section.text, *section.date, section.label, section.target}
    found = [str(name) for name in head if name not in said and holds_dates(head[name])]
    if not found:
        return []
    whole = read_file(section, naming)
    return [name for name in found if holds_dates(whole[name])]


def _as_text(section: T, naming: Naming) -> tuple[T, list[str]]:
    """The section with the separator and the decimal mark that the head of its text shows."""
    path, found = Path(section.data), {}
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in COMPRESSED]
    usual = "\t" if endings and endings[-1] in TABS else ","
    names = heads(path, usual, section.encoding or "utf-8", 0)  # rows may have decimal commas
    if names is not None and names.shape[1] == 1 and (others := other_separators(str(names.columns[0]), usual)):
        found["separator"] = others[0]
    separator = found.get("separator", usual)
    head = heads(path, separator, section.encoding or "utf-8", HEAD) if section.decimal is None else None
    doubtful: list[str] = []
    if head is not None and separator != "," and has_decimal_commas(head):
        found["decimal"] = ","
    elif head is not None and separator != "," and (columns := doubtful_commas(head)):
        way = f"{naming('table.decimal')} ',' takes them as fractions"
        doubtful = [f"read as words: {quoted(columns, 4)}, whose commas may stand between thousands; {way}"]
    if not found:
        return section, doubtful
    marks = {"separator": "values between them", "decimal": "the mark before fractions"}
    each = [f"{mark!r} as {marks[key]} ({naming(f'table.{key}')})" for key, mark in found.items()]
    return section.model_copy(update=found), [f"{path.name} was read with {' and '.join(each)}", *doubtful]


def left_out_of(section: TableFile, known: list[str], naming: Naming) -> list[str]:
    """The columns that are not explained. Refuses names of no column, and a column with two reasons to be left out."""
    single = {key: [name] for key, name in (("target", section.target), ("label", section.label)) if name is not None}
    named = single | {"drop": section.drop, "category": section.category, "text": section.text, "date": section.date}
    for key, names in named.items():
        for name in names:
            if name not in known:
                alike = {column.strip().casefold(): column for column in known}
                near = difflib.get_close_matches(name.strip().casefold(), alike, 1, cutoff=0.5)
                hint = f" Did you mean {alike[near[0]]!r}?" if near else ""
                where = f"{naming(f'table.{key}')} = {name!r} is no column of {section.data}"
                raise ValueError(f"{where}; it has {quoted(known, 12)}.{hint}")
    keys = (*single, "drop")
    found = [name for key in keys for name in named[key]]
    if twice := [name for number, name in enumerate(found) if name in found[:number]]:
        options = ", ".join(naming(f"table.{key}") for key in keys)
        raise ValueError(f"the column {twice[0]!r} is named twice among {options}; each leaves it out, so once is enough.")
    return found


def numbers_of(section: TableConfig, n_rows: int, naming: Naming) -> Sequence[int]:
    """Numbers of the rows to explain, in the order that was asked for. Raises ValueError for rows that are not there."""
    rows = section.inputs
    key = f"{naming('table.inputs')} = {', '.join(map(str, rows)) if isinstance(rows, tuple) else rows}"
    if isinstance(rows, str):
        parts = SLICE.fullmatch(rows)
        assert parts is not None  # the configuration saw to that
        numbers: Sequence[int] = range(n_rows)[slice(*(int(part) if part else None for part in parts.groups()))]
    elif isinstance(rows, int):
        numbers = range(min(rows, n_rows))
    else:
        if far := [number for number in rows if not -n_rows <= number < n_rows]:
            raise ValueError(f"{key}: there is no row {far[0]}; the table has {n_rows}, numbered from 0.")
        numbers = [number % n_rows for number in rows]
    if not numbers:
        raise ValueError(f"{key} chooses no row; the table has {n_rows}, numbered from 0.")
    if not isinstance(numbers, range) and len(set(numbers)) < len(numbers):
        raise ValueError(f"{key} names a row twice; the table has {n_rows}.")
    return numbers


def _rows(X: Frame, section: TableFile, naming: Naming) -> Frame:
    """The rows to explain, all where a section chooses none."""
    return _chosen(X, section, naming) if isinstance(section, TableConfig) else X


def _chosen(X: Frame, section: TableConfig, naming: Naming) -> Frame:
    """The rows to explain."""
    x = X.iloc[list(numbers_of(section, len(X), naming))]
    if x.index.hasnans:
        raise ValueError(
            f"{naming('table.label')} = {section.label!r} has no value for some of the rows; take a column that names each, "
            "or leave it out."
        )
    if not x.index.is_unique:
        twice = x.index[x.index.duplicated()].tolist()[0]
        raise ValueError(
            f"{naming('table.label')} = {section.label!r} calls several of the rows {twice!r}; "
            "take a column that differs from row to row, or leave it out."
        )
    return x
