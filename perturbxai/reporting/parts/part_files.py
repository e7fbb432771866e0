"""One part of a run as a file: a line a row, method and output, with the row itself beside what its values were given."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.csv_files import write_csv
from perturbxai.core.types import Frame
from perturbxai.reporting.manifest import ASIDE
from perturbxai.reporting.parts.identity import as_text
from perturbxai.reporting.parts.json_files import sync
from perturbxai.results.explanation import Attribution

FORMATS = ("parquet", "csv")
GIVEN = "x_"  # begins the names of the row's own columns
# what stands in the columns, by the beginning of their names, the longest first; {} is the scale of the model's outputs
MEANINGS = {
    "row": ("number of the row in the table, from 0", ""),
    "method": ("the method, as the call names it", ""),
    "output": ("the model's output that is explained", ""),
    "base": ("the model's value with every player absent: the mean over the background rows", "{}"),
    "prediction": ("the model's value at the row", "{}"),
    GIVEN: ("a column of the table, as it was read", "as in the table"),
    "value_": ("what the player does to the prediction", "{}"),
    "background_stderr_": ("standard error of the value from having drawn the background", "{}"),
    "stderr_": ("standard error of the value from having drawn coalitions", "{}"),
    "df": ("degrees of freedom of the error: value ± t(df) · stderr is the interval of one player", ""),
    "critical": ("value ± critical · stderr holds all players of the row at once, with 95 %", ""),
    "pair_stderr_": ("standard error of what the pair of players does together", "{}"),
    "pair_value_": ("what the pair of players does together", "{}"),
}


def frame_of(block: Frame, results: Mapping[str, Attribution]) -> Frame:
    """Lines of a block of rows: for each row, method and output its values and errors, and the columns of the row.

    block  (n, D), its index the numbers of the rows;  results: by method, of these rows
    """
    import pandas as pd

    given = block.rename(columns=lambda name: f"{GIVEN}{name}")
    parts = []
    for order, (name, found) in enumerate(results.items()):
        n, k = len(found), len(found.outputs)
        lines = pd.DataFrame({
            "row": np.repeat(block.index.to_numpy(), k), "order": order, "method": name, "output": np.tile(found.outputs, n),
            "base": found.base.ravel(), "prediction": found.prediction.ravel(),
        })  # fmt: skip
        beside = given.iloc[np.repeat(np.arange(n), k)].reset_index(drop=True)
        parts.append(pd.concat([lines, beside, pd.DataFrame(dict(_numbers(found)))], axis=1))
    whole = pd.concat(parts, ignore_index=True).sort_values(["row", "order"], kind="stable")
    return whole.drop(columns="order").reset_index(drop=True)


def _numbers(found: Attribution) -> Iterator[tuple[str, NDArray[Any]]]:
    """What a method found, by column: (n K,), the rows one after the other and in each its outputs."""
    k, names = len(found.outputs), found.names
    by_player = {"value": found.values, "stderr": found.stderr}
    for name in found[0].columns:
        shown = (np.reshape(one.columns[name], (len(names), -1)) for one in found)
        by_player[name] = np.stack([np.broadcast_to(one, (len(names), k)) for one in shown])
    if found.stderr_background is not None:
        by_player["background_stderr"] = found.stderr_background
    for what, values in by_player.items():
        yield from ((f"{what}_{name}", values[:, p].ravel()) for p, name in enumerate(names))
    yield "df", np.repeat([float(one.df) for one in found], k)
    yield "critical", found.critical.ravel()
    for what, pairs in (("pair_value", found.interactions), ("pair_stderr", found.interactions_stderr)):
        for a, b in zip(*np.triu_indices(len(names), 1), strict=True):
            if pairs is not None:
                yield f"{what}_{names[a]}*{names[b]}", pairs[:, a, b].ravel()


def schema_of(lines: Frame, scale: str, types: Mapping[str, Any]) -> list[dict[str, str]]:
    """What stands in each column of the files: name, type, meaning, unit.

    scale  of the model's outputs;  types: Arrow's, by the columns of the table, where they are known
    """
    told = []
    for name in map(str, lines.columns):
        found = next((MEANINGS[key] for key in sorted(MEANINGS, key=len, reverse=True) if _means(name, key)), None)
        about, unit = found or ("what the method tells of the player beside its value", "")
        kind = types.get(name.removeprefix(GIVEN)) if name.startswith(GIVEN) else None
        kind = lines[name].dtype if kind is None else kind
        told.append({"name": name, "type": str(kind), "about": about, "unit": unit.format(scale)})
    return told


def _means(name: str, key: str) -> bool:
    return name.startswith(key) if key.endswith("_") else name == key


def write_part(lines: Frame, path: Path, told: list[dict[str, str]], types: Mapping[str, Any]) -> dict[str, Any]:
    """Write a part whole or not at all: aside, down to the disk, and then in its place. Returns its bytes and SHA-256."""
    half = path.with_name(f"{ASIDE}{path.name}")
    try:
        if path.suffix == ".parquet":
            _write_parquet(lines, half, told, types)
        else:
            write_csv(lines.assign(**_nested(lines)), half)
        sync(half)
        with half.open("rb") as file:
            found = {"bytes": half.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
        os.replace(half, path)
        sync(path.parent)
    finally:
        half.unlink(missing_ok=True)
    return found


def _nested(lines: Frame) -> dict[str, Any]:
    """Columns that hold lists, as text that has all of them."""
    held = {str(name): column for name, column in lines.items() if column.dtype == object}
    return {name: column.map(as_text, na_action="ignore") for name, column in held.items()
            if any(isinstance(one, (list, tuple, dict, np.ndarray)) for one in column)}  # fmt: skip


def _write_parquet(lines: Frame, path: Path, told: list[dict[str, str]], types: Mapping[str, Any]) -> None:
    import pyarrow
    from pyarrow import parquet

    arrays, fields = [], []
    for number, one in enumerate(told):
        column = lines.iloc[:, number]
        given = types.get(one["name"].removeprefix(GIVEN)) if one["name"].startswith(GIVEN) else None
        kind = arrow_type(column) if given is None else given
        if pyarrow.types.is_string(kind):
            column = column.astype(object).map(as_text, na_action="ignore")
        arrays.append(pyarrow.array(column, type=kind, from_pandas=True))
        fields.append(pyarrow.field(one["name"], kind, metadata={"about": one["about"], "unit": one["unit"]}))
    table = pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields))
    parquet.write_table(table, path, compression="zstd")


def arrow_type(column: Any) -> Any:
    """How a column of pandas is written: numbers, truth values and times as they are, all else as text."""
    import pyarrow

    dtype = getattr(getattr(column.dtype, "categories", column), "dtype", column.dtype)  # of a category what it is of
    plain = getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype))
    if getattr(plain, "kind", "O") in "biuf":
        return pyarrow.from_numpy_dtype(plain)
    if getattr(plain, "kind", "O") in "mM":
        return pyarrow.array(column.iloc[:0]).type
    return pyarrow.string()
