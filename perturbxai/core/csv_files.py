"""CSV files of results: one place writes them, with text that no spreadsheet runs as a formula, and reads them back."""

import csv
import numbers
import re
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from perturbxai.core.types import Foreign, Frame

# how a formula begins, in the full width of East Asian keyboards too, behind blanks and marks of our own
FORMULA = re.compile("'*(?:[\t\r\n]|\\s*[=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
                     "\N{FULLWIDTH COMMERCIAL AT}])")  # fmt: skip
# as Python writes numbers: "007", "1_000", "+5", "1.50", "nan" and other scripts' digits are text that reads as one
WRITTEN = re.compile(r"-?(inf|(0|[1-9]\d*)(\.(0|\d*[1-9]))?(e[+-]\d+)?)", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# columns of names, which are text also where all of them read as numbers
NAMES = ("method", "feature", "output", "metric", "rule", "kind", "curve", "explained_fill", "scored_fill")
OWN = "feature_value"  # a column whose cells are of any kinds: numbers, truth values, words
PAIRED = tuple(f"{name}_{end}" for name in ("feature", "method", "fill", "result") for end in ("a", "b"))


def shielded(cell: object) -> Any:
    """A cell as it is written: text that a spreadsheet would run gets an apostrophe, numbers and other text stay.

    >>> shielded("=1+1"), shielded("-5"), shielded(-5.0), shielded("'=1"), shielded("a=1")
    ("'=1+1", '-5', -5.0, "''=1", 'a=1')
    """
    if cell is None or isinstance(cell, (bool, np.bool_, numbers.Number)):
        return cell
    text = cell if isinstance(cell, str) else str(cell)  # as it would be written
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else cell


def unshielded(cell: object) -> Any:
    """What `shielded` was given."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and FORMULA.match(cell) else cell


def _spelled(cell: object) -> Any:
    """A cell of any kind: text that reads as a number, a truth value or nothing gets an apostrophe, as formulas do."""
    if not isinstance(cell, str):
        return shielded(cell)
    return f"'{cell}" if _reads_as_other(cell.lstrip("'")) or FORMULA.match(cell) else cell


def _read(cell: str) -> Any:
    """What `_spelled` was given; moments and other kinds as their text, missing ones as None."""
    if cell[:1] == "'" and (_reads_as_other(cell.lstrip("'")) or FORMULA.match(cell)):
        return cell[1:]
    if cell in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[cell]
    if not WRITTEN.fullmatch(cell):
        return cell
    return int(cell) if re.fullmatch(r"-?\d+", cell) else float(cell)


def _reads_as_other(text: str) -> bool:
    return text in ("", "True", "False") or WRITTEN.fullmatch(text) is not None


def write_csv(frame: Frame, path: str | Path | None = None) -> str | None:
    """Write a table without its index; without a path its text is returned.

    Text, in cells and names of columns, that begins as a formula is shielded.
    """
    import pandas as pd

    found = frame.rename(columns=shielded)
    returns = any("\r" in str(name) for name in found.columns)
    for number, dtype in enumerate(frame.dtypes):
        if getattr(dtype, "kind", "O") not in "biuf":
            column = frame.iloc[:, number].astype(object)
            missing = column.isna().tolist()
            spell = _spelled if frame.columns[number] == OWN else shielded
            cells = [None if gone else spell(cell) for gone, cell in zip(missing, column, strict=True)]
            returns |= any("\r" in str(cell) for cell in cells)
            found.isetitem(number, pd.Series(cells, dtype=object).to_numpy())  # whole numbers stay whole
    # a carriage return outside quotes begins a line of its own
    quoting: Any = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    if path is None:
        return found.to_csv(index=False, quoting=quoting, lineterminator="\n")
    found.to_csv(path, index=False, quoting=quoting)
    return None


def read_csv(path: str | Path | TextIO) -> Frame:
    """A table that `to_csv()` or `report()` wrote, its text as it was and its numbers to the last bit.

    path  of the file, or what reads like an open one: `io.StringIO(result.to_csv())`

    Columns of names are text, also where they read as numbers; an empty cell in a column of numbers is a missing one. What
    rows have, "feature_value", is of each cell's own kind: a number, a truth value, None, or text, as moments are.

    >>> import os, tempfile, numpy as np, perturbxai as px, pandas as pd
    >>> X = pd.DataFrame({"=1+1": [0.0, 1.0], "b": [0.0, 2.0]})
    >>> found = px.explain("exact_shap", px.Predictor(lambda X: X.sum(axis=1)), px.TabularSpace(X), X)["exact_shap"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found.to_csv(os.path.join(folder, "found.csv"))
    ...     px.read_csv(os.path.join(folder, "found.csv"))["feature"].tolist()
    ['=1+1', 'b', '=1+1', 'b']
    """
    import pandas as pd

    found = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns=unshielded)  # "NA" may be a name
    typed = {name: _typed(cells, name in (*NAMES, *PAIRED)) for name, cells in found.items() if name != OWN}
    own = {OWN: pd.Series(list(map(_read, found[OWN])), dtype=object)} if OWN in found else {}
    return pd.DataFrame({name: (own | typed)[name] for name in found})


def _typed(cells: Foreign, text: bool) -> Any:
    """A column of text as what all of it spells: truth values, whole numbers, numbers; else as text."""
    values = cells.tolist()
    if not text and set(values) <= {"True", "False"}:
        return [value == "True" for value in values]
    spelled = all(WRITTEN.fullmatch(value) for value in values if value)
    for kind in (int, float) if spelled and not text else ():
        try:
            return [kind(value) if value or kind is int else np.nan for value in values]
        except ValueError:
            continue
    return cells.map(unshielded)
