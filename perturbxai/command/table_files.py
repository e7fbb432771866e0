"""A table from a file: comma-separated text, Parquet, or the first sheet of an Excel workbook."""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perturbxai.command.config import Naming, TableFile
from perturbxai.command.dates import NoDates, as_dates
from perturbxai.command.text_options import other_separators
from perturbxai.command.thousands import NoNumbers, as_numbers
from perturbxai.core.types import Frame
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
            way += f", or say what it is by {naming('table.encoding')}, cp1252 or latin-1 perhaps"
        else:
            told = str(error) or type(error).__name__
        raise ValueError(f"{key} cannot be read as {kind}: {told}. {way}.") from error
    if len(frame) == 0:
        raise ValueError(f"{key} has a header and no row below it; there is nothing to explain.")
    frame.columns = frame.columns.map(str)
    for name in section.date:
        if name in frame:
            frame[name] = dated(frame[name], f"{naming('table.date')} = {name!r}")
    for name in section.number:
        if name in frame:
            frame[name] = numbered(frame[name], section.decimal, f"{naming('table.number')} = {name!r}")
    return frame


def dated(column: pd.Series[Any], key: str) -> pd.Series[Any]:
    """A column as dates. Raises ValueError for one that holds others. key: how the user asked for it"""
    try:
        return as_dates(column)
    except NoDates as error:
        raise ValueError(f"{key} cannot be read as dates: {error}. Spell all of them as 2024-03-31.") from error


def numbered(column: pd.Series[Any], decimal: str | None, key: str) -> pd.Series[Any]:
    """A column as numbers. Raises ValueError for one that holds others. key: how the user asked for it"""
    try:
        return as_numbers(column, decimal or ".")
    except NoNumbers as error:
        raise ValueError(
            f"{key} cannot be read as numbers: {error}. The mark before fractions is {decimal or '.'!r}."
        ) from error


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
