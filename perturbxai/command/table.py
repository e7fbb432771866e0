"""The table of a section: its columns, the target, and the rows that are explained."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai import assets
from perturbxai.command.as_written import as_written
from perturbxai.command.config import Naming, TableConfig, TableFile
from perturbxai.command.table_files import read_file
from perturbxai.command.values import SLICE
from perturbxai.core.types import Frame
from perturbxai.core.wording import quoted
from perturbxai.reporting.manifest import describe_file

if TYPE_CHECKING:
    import pandas as pd

DRAWN = 20  # rows that are explained where none are named


@dataclass(frozen=True, eq=False)
class Table:
    """A table to explain: columns X (N, D), the target y or None, the explained rows x, and what the manifest tells.

    told: what there is to say of how it was read;  targets: of the explained rows, nothing where no column is the target
    """

    X: Frame
    y: pd.Series[Any] | None
    x: Frame
    facts: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    targets: tuple[object, ...] = ()


def read_table(section: TableFile, naming: Naming, seed: int = 0) -> Table:
    """The configured table. Raises ValueError, in the user's own words, for what cannot be read and columns not there."""
    if section.data == "diabetes":
        X, y, _ = assets.diabetes_boosted()
        return _with_rows(Table(X, y, X, {"name": section.data, "rows": len(X)}), section, seed, naming)
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
    return _with_rows(Table(X, y, X, told, tuple(guessed)), section, seed, naming)


def left_out_of(section: TableFile, known: list[str], naming: Naming) -> list[str]:
    """The columns that are not explained. Refuses names of no column, and a column with two reasons to be left out."""
    single = {key: [name] for key, name in (("target", section.target), ("label", section.label)) if name is not None}
    named = single | {"drop": section.drop, "category": section.category, "text": section.text, "date": section.date}
    named |= {"number": section.number}
    for key, names in named.items():
        for name in names:
            if name not in known:
                alike = {column.strip().casefold(): column for column in known}
                near = difflib.get_close_matches(name.strip().casefold(), alike, 1, cutoff=0.5)
                hint = f" Did you mean {alike[near[0]]!r}?" if near else ""
                where = f"{naming(f'table.{key}')} = {name!r} is no column of {section.data}"
                raise ValueError(f"{where}; it has {quoted(known, 12)}.{hint}")
    kinds = ("text", "date", "number")
    for one, other in ((one, other) for n, one in enumerate(kinds) for other in kinds[n + 1 :]):
        if both := [name for name in named[one] if name in named[other]]:
            raise ValueError(
                f"{naming(f'table.{one}')} and {naming(f'table.{other}')} both name {both[0]!r}; it is read as one."
            )
    keys = (*single, "drop")
    found = [name for key in keys for name in named[key]]
    if twice := [name for number, name in enumerate(found) if name in found[:number]]:
        options = ", ".join(naming(f"table.{key}") for key in keys)
        raise ValueError(f"the column {twice[0]!r} is named twice among {options}; each leaves it out, so once is enough.")
    return found


def numbers_of(section: TableConfig, n_rows: int, naming: Naming) -> Sequence[int]:
    """Numbers of the rows to explain, in the order that was asked for. Raises ValueError for rows that are not there."""
    rows = section.inputs
    assert rows is not None  # else they are drawn
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


def _with_rows(table: Table, section: TableFile, seed: int, naming: Naming) -> Table:
    """The table with the rows to explain: those that the section names, or some that are drawn; for curves all."""
    if not isinstance(section, TableConfig):
        return table
    n_rows = len(table.X)
    if section.inputs is not None:
        return _of(table, numbers_of(section, n_rows, naming), section, naming)
    if n_rows <= DRAWN:
        return _of(table, range(n_rows), section, naming)
    drawn = np.sort(np.random.default_rng(seed).choice(n_rows, DRAWN, replace=False))
    told = f"{DRAWN} of {n_rows:,} rows are explained, drawn by the seed ({naming('table.inputs')} names others)"
    return _of(replace(table, told=(*table.told, told)), drawn.tolist(), section, naming)


def _of(table: Table, numbers: Sequence[int], section: TableConfig, naming: Naming) -> Table:
    """The table with these rows to explain."""
    x = table.X.iloc[list(numbers)]
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
    return replace(table, x=x, targets=() if table.y is None else tuple(table.y.iloc[list(numbers)]))
