"""Tables that name no columns: arrays, tensors and lists; what is no table at all is refused by its kind, with a way out."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.checks import is_missing
from perturbxai.core.frames import is_kind, named_table

FRAME = "pandas.DataFrame"


def refuse_kind(table: object, what: str) -> None:
    """Refuse what is no table and no row, by its kind and with the way out. Raises TypeError."""
    way = _way_out(table, what)
    if way:
        raise TypeError(f"{what} is {_a(table)}; {way}")


def _a(table: object) -> str:
    """Its kind in words: "a dict", "a list of dict"."""
    name = type(table).__name__
    if isinstance(table, (list, tuple)) and len(table) and not hasattr(table, "_fields"):
        name += f" of {type(table[0]).__name__}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _way_out(table: object, what: str) -> str:
    if hasattr(table, "toarray") or "sparse" in str(getattr(table, "layout", "")):
        dense = "to_dense" if hasattr(table, "to_dense") else "toarray"
        return f"the rows here are dense: give {what}.{dense}(). For X a few hundred rows are enough."
    if isinstance(table, Mapping):
        columns = any(np.ndim(value) for value in table.values())
        return f"give {FRAME}({what})." if columns else f"give {FRAME}([{what}]), a table of one row."
    if isinstance(table, (str, bytes)) or hasattr(table, "__fspath__"):
        return f"read the file first: pandas.read_csv({what})."
    if isinstance(table, (set, frozenset)):
        return "it has no order; give a list, an array or a table."
    if isinstance(table, Iterator):
        return f"it is gone once it was read; give list({what}), or a table."
    if hasattr(table, "_fields"):
        return f"it names its values: give {FRAME}([{what}]), a table of one row."
    if isinstance(table, (list, tuple)) and len(table):
        first = table[0]
        if isinstance(first, Mapping) or hasattr(first, "_fields") or is_kind(first, "pandas", "Series"):
            return f"its rows name their columns: give {FRAME}({what})."
        if isinstance(first, (set, frozenset)):
            return "they have no order; give lists, an array or a table."
    if np.ma.is_masked(table):
        return f"say what its masked values are: {what}.filled(numpy.nan)."
    return ""


def as_values(table: object, what: str) -> NDArray[Any]:
    """What names no columns as an array: lists of mixed kinds keep each value, tensors come from their device and graph.

    Raises TypeError for what is no table, ValueError for rows of different lengths.
    """
    refuse_kind(table, what)
    if isinstance(table, (list, tuple)):
        table = [[_on_host(v) for v in one] if isinstance(one, (list, tuple)) else _on_host(one) for one in table]
    given = _on_host(table)
    try:
        array = np.asarray(given)
    except ValueError as error:
        lengths = sorted({np.size(row) for row in given})[:6] if isinstance(given, list) else []
        told = f" of {', '.join(map(str, lengths))} values" if lengths else ""
        raise ValueError(f"{what} is a list of rows{told}; expected rows of one length.") from error
    if array.dtype.names is not None:
        raise TypeError(f"{what} is a structured array; make it a table with names first: {FRAME}({what}).")
    if array.ndim == 0:
        raise TypeError(f"{what} is {_a(table)}; expected a table, an array (rows, columns) or a list of rows.")
    if array.dtype.kind in "US" and not hasattr(table, "dtype"):
        mixed = np.array(given, dtype=object)
        return array if all(isinstance(value, (str, bytes)) for value in mixed.ravel()) else mixed
    return array


def as_batch(rows: object) -> Any:
    """Rows for a model: a named table, or an array. Raises as `as_values`, and ValueError for a single row."""
    named = None if isinstance(rows, np.ndarray) else named_table(rows)
    found = as_values(rows, "rows") if named is None else named
    if named is None and found.ndim == 1:
        way = "X.iloc[[0]]" if is_kind(rows, "pandas", "Series") else "rows[None]"
        raise ValueError(f"rows has shape {found.shape}; expected (rows, columns): of one row give {way}.")
    return found


def _on_host(values: object) -> Any:
    """A tensor of torch as an array; numpy has no bfloat16, whose numbers float32 holds."""
    if not (hasattr(values, "detach") and hasattr(values, "cpu")):
        return values
    found = values.detach().cpu()
    return (found.float() if "bfloat16" in str(found.dtype) else found).numpy()


def check_groups(groups: object) -> Mapping[Any, Any]:
    """Groups of columns, {name: [columns]}. Raises TypeError for another kind, ValueError for an empty group."""
    if not isinstance(groups, Mapping):
        raise TypeError(
            f"groups is {_a(groups)}; give a dict from a group's name to a list of its columns, as in "
            "groups={'size': ['height', 'width']}."
        )
    for name, members in groups.items():
        if is_missing(name) or name is None:
            raise TypeError(f"groups has the key {name!r}, which names nothing; give the group a name.")
        if isinstance(members, str):
            raise TypeError(f"groups[{str(name)!r}] is the text {members!r}; give a list of columns.")
        alone = not isinstance(members, Collection) or getattr(members, "ndim", 1) == 0
        if alone or isinstance(members, (bytes, Mapping)):
            raise TypeError(f"groups[{str(name)!r}] is {_a(members)}, {members!r}; give a list of columns.")
        if len(members) == 0:
            raise ValueError(f"groups[{str(name)!r}] is empty; give the columns that act as one player.")
        mask = any(isinstance(member, (bool, np.bool_)) for member in members)  # of truth values, read with the columns
        if not mask and any(is_missing(member) for member in members):
            raise TypeError(f"groups[{str(name)!r}] holds a missing value; give names or numbers of columns.")
    return groups
