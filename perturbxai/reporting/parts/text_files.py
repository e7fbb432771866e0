"""Tables in text, a block at a time, each column read alike from the first line to the last."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from perturbxai.core.types import Frame
from perturbxai.core.wording import quoted

TEXT = (".csv", ".tsv", ".tab", ".txt")
TABS = (".tsv", ".tab")
COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst")
SURVEYED_AT_ONCE = 65_536
# what pandas takes for a missing value (https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html)
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


def is_text(path: Path) -> bool:
    return _ending(path) in TEXT


def _ending(path: Path) -> str:
    """That of a name, whatever it is compressed by."""
    endings = [ending.lower() for ending in path.suffixes if ending.lower() not in COMPRESSED]
    return endings[-1] if endings else ""


@dataclass(frozen=True)
class Spelling:
    """How a table is spelt in text.

    text   columns that are read as text: "007" stays "007";  words: columns in which "NA" and "None" are words
    known  the columns that are more than text, None for all: others are carried along as they are spelt
    dates  columns of dates and times, as ISO 8601 has them
    separator, decimal, encoding  as pandas has them; no separator: a tab where the file is called so, else a comma
    """

    text: frozenset[str] = frozenset()
    known: frozenset[str] | None = None
    words: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    separator: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"


PLAIN = Spelling()


@dataclass(frozen=True, eq=False)
class TextFiles:
    """Text files of one table, a header above each.

    dtypes   of each column and n_rows of all files, once they are `surveyed`
    """

    paths: tuple[Path, ...]
    spelling: Spelling = PLAIN
    dtypes: dict[str, Any] | None = None
    n_rows: int = 0

    def read(self, size: int) -> Iterator[Frame]:
        """Blocks of `size` rows at most, file after file."""
        names = self._names()
        for path in self.paths:
            for frame in self._chunks(path, size, names):
                yield frame[names]

    @property
    def like(self) -> Frame:
        """The table without its rows."""
        import pandas as pd

        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in (self.dtypes or {}).items()})

    def surveyed(self) -> TextFiles:
        """The same, with what all of it says of each column: a column is numbers where all of its cells are.

        Raises ValueError for what is no table of text, for a header that names a column twice, and for no rows.
        """
        kinds: dict[str, set[Any]] = {name: set() for name in self._names()}
        n_rows = 0
        for frame in self.read(SURVEYED_AT_ONCE):
            n_rows += len(frame)
            for name, column in frame.items():
                kinds[str(name)].add("missing" if column.isna().all() else column.dtype)
        if not n_rows:
            raise ValueError(f"{self.paths[0].name} has a header and no row below it; there is nothing to explain.")
        return replace(self, dtypes={name: _joined(found) for name, found in kinds.items()}, n_rows=n_rows)

    def _names(self) -> list[str]:
        """Columns of the first file; all others have the same."""
        import pandas as pd

        found: list[list[str]] = []
        for path in self.paths:
            try:
                header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **self._format(path))
            except (ValueError, OSError) as error:
                raise ValueError(f"{path.name} cannot be read as CSV: {error}") from error
            names = [str(name).lstrip("\ufeff") or f"Unnamed: {d}" for d, name in enumerate(header.iloc[0])]
            if twice := [name for number, name in enumerate(names) if name in names[:number]]:
                raise ValueError(f"{path.name} has the column {twice[0]!r} twice; column names must be unique.")
            if found and set(names) != set(found[0]):
                differ = quoted(sorted(set(names) ^ set(found[0])), 6)
                raise ValueError(f"{path.name} and {self.paths[0].name} have not the same columns: {differ}.")
            found.append(names)
        return found[0]

    def _format(self, path: Path) -> dict[str, Any]:
        separator = self.spelling.separator or ("\t" if _ending(path) in TABS else ",")
        return {"sep": separator, "encoding": self.spelling.encoding, "index_col": False}

    def _chunks(self, path: Path, size: int, names: list[str]) -> Iterator[Frame]:
        import pandas as pd

        spelt = self.spelling
        carried = set() if spelt.known is None else set(names) - spelt.known
        missing = {name: [""] if name in spelt.words | carried else list(MISSING) for name in names}
        dates = [name for name in names if name in spelt.dates]
        found = dict.fromkeys([*spelt.text, *carried], str) if self.dtypes is None else self.dtypes
        dtypes = {name: found[name] for name in names if name in found} | dict.fromkeys(dates, str)
        options: dict[str, Any] = {
            "dtype": dtypes, "keep_default_na": False, "na_values": missing, "decimal": spelt.decimal,
        }  # fmt: skip
        try:
            with pd.read_csv(path, chunksize=size, **options, **self._format(path)) as reader:
                while (frame := _next(reader)) is not None:
                    frame.columns = frame.columns.str.lstrip("\ufeff")
                    yield frame.assign(**{name: _dates(frame[name]) for name in dates})
        except (ValueError, OSError, pd.errors.ParserWarning) as error:
            raise ValueError(f"{path.name} cannot be read as CSV: {error}") from error


def _dates(column: Any) -> Any:
    """Dates as ISO 8601 has them. Others can be read in two ways, and would be from block to block."""
    import pandas as pd

    found = pd.to_datetime(column, format="ISO8601", errors="coerce")
    wrong = column[found.isna() & column.notna()]
    if len(wrong):
        raise ValueError(
            f"the column {column.name!r} is of dates, and {wrong.iloc[0]!r} is none as ISO 8601 writes it (2024-01-31). "
            "Write it so, or save the table as Parquet."
        )
    return found


def _next(reader: Any) -> Frame | None:
    """The next rows, None behind the last. Raises ParserWarning for a line with more values than there are names."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        found: Frame | None = next(reader, None)
    return found


def _joined(kinds: set[Any]) -> Any:
    """What a column is whose blocks are of these kinds: numbers where all are, text otherwise."""
    import numpy as np

    known = kinds - {"missing"}
    if not known:
        return np.dtype(float)
    if all(getattr(kind, "kind", "O") in "iuf" for kind in known):
        found = np.result_type(*known)
        return np.dtype(float) if "missing" in kinds else found
    return next(iter(known)) if len(kinds) == 1 else str
