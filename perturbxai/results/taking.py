"""Taking parts of results: rows by number or label, players by name or number, and those that lead."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Floats, Objects
from perturbxai.core.wording import quoted
from perturbxai.results.row_values import Kept

if TYPE_CHECKING:
    from perturbxai.results.one_input import Explanation

SHOWN = 6  # names in an error
TAKEN_OF = "taken_of"  # in the meta of what some players were taken from: how many there were

Players: TypeAlias = str | int | slice | Sequence[str | int]
"""Players by name or number: one, several in an order of your own, or a slice of numbers."""


class NotThere(KeyError):
    """No row or player has this name. A KeyError whose text is a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


# ------------------------------------------------------------------------------------------------ which


def row_number(labels: Sequence[Hashable], given: object) -> int:
    """The number of a row: a whole number is its place, counted from the end if negative; anything else its label.

    Text also finds a label that reads like it: "30" the label 30, "2024-01-31" that day.
    Raises IndexError for a place that is not there, NotThere for an unknown label, ValueError for one of several rows.
    """
    if checks.is_whole(given):
        if not -len(labels) <= given < len(labels):
            raise IndexError(f"row {given} is not there: the result has {len(labels)} rows, numbered from 0.")
        return int(given) % len(labels)
    found = [n for n, label in enumerate(labels) if _equal(label, given)]
    if not found and isinstance(given, str):
        found = [n for n, label in enumerate(labels) if given in (str(label), str(label).removesuffix(" 00:00:00"))]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{given!r} is the label of {len(found)} rows; give the number of one: {found[:SHOWN]}.")
    near = checks.did_you_mean(given, map(str, labels)) or "."
    raise NotThere(
        f"{checks.as_given(given)} is the label of no row; the labels are {quoted(labels, SHOWN)}{near} Whole numbers are "
        "places, counted from 0."
    )


def row_numbers(labels: Sequence[Hashable], given: slice | list[Any] | NDArray[Any]) -> Sequence[int]:
    """Numbers of rows: of a slice, of a list of places and labels, or of a mask of truth values, one a row."""
    if isinstance(given, slice):
        return range(len(labels))[given]
    rows = given.tolist() if isinstance(given, np.ndarray) else given
    if rows and all(isinstance(one, (bool, np.bool_)) for one in rows):
        if len(rows) != len(labels):
            raise IndexError(
                f"the mask has {len(rows)} truth values, but the result has {len(labels)} rows; give one a row."
            )
        return [n for n, chosen in enumerate(rows) if chosen]
    return [row_number(labels, one) for one in rows]


def _equal(label: object, given: object) -> bool:
    if isinstance(label, (bool, np.bool_)) != isinstance(given, (bool, np.bool_)):
        return False
    same: Any = label == given
    return isinstance(same, (bool, np.bool_)) and bool(same)


def is_label(labels: Sequence[Hashable], given: object) -> bool:
    """Whether a tuple is a label, as of a table with several index columns, and not rows and players."""
    return any(isinstance(label, tuple) and _equal(label, given) for label in labels)


def player_numbers(names: Sequence[str], given: Any) -> list[int]:
    """Numbers of players, in the order in which they are given.

    Raises NotThere for a name that is not there, IndexError for a number, ValueError for what comes twice or for nothing.
    """
    if isinstance(given, slice):
        found = list(range(len(names)))[given]
    else:
        several = checks.several("features", given, "a name, a number, or several", alone=(str, int, np.integer))
        found = [_player(names, one) for one in several]
    if len(set(found)) < len(found):
        twice = next(names[p] for p in found if found.count(p) > 1)
        raise ValueError(f"features name {twice!r} twice; name each once.")
    if not found:
        raise ValueError(f"features={checks.as_given(given)} takes none of {quoted(names, SHOWN)}; name at least one.")
    return found


def _player(names: Sequence[str], given: object) -> int:
    if checks.is_whole(given):
        if not -len(names) <= given < len(names):
            raise IndexError(f"feature {given} is not there: there are {len(names)}, numbered from 0.")
        return int(given) % len(names)
    if isinstance(given, str) and given in names:
        return list(names).index(given)
    near = checks.did_you_mean(given, names) or "."
    raise NotThere(f"{checks.as_given(given)} is no feature of this result; it has {quoted(names, SHOWN)}{near}")


def leaders(values: Floats, outputs: Sequence[str], n: int, output: str | int | None) -> list[int]:
    """Numbers of the n players of (N, P, K) with the largest mean |value|, the largest first.

    output  name or number of the output that decides; None for all, each on the scale of its own largest
    Raises ValueError for what is no number from 1 up, and for an unknown output.
    """
    n = checks.whole("n", n, 1, of="features")
    size = np.abs(values).mean(axis=0)  # (P, K)
    if output is not None:
        size = size[:, select_outputs([output], tuple(outputs))]
    share = size / np.maximum(size.max(axis=0, initial=0.0), 1e-300)
    return [int(p) for p in np.argsort(-share.mean(axis=1), kind="stable")[:n]]


# ------------------------------------------------------------------------------------------------ taken


def lacks_some(meta: Mapping[str, Any], n_players: int) -> bool:
    """Whether these are not all players that were explained: what they have in common is no whole then."""
    return int(meta.get(TAKEN_OF) or 0) > n_players


def only(e: Explanation, players: list[int], own: Objects | None) -> Explanation:
    """An explanation of some of its players; own (P,): what the row has at each of all of them, where that is known.

    Base and prediction stay, and so does `critical`: what holds all players at once holds these. A map of pixels goes.
    """
    if players == list(range(len(e.names))):
        return e

    def of_pairs(values: Floats | None) -> Floats | None:
        return None if values is None else values[np.ix_(players, players)]

    names = tuple(e.names[p] for p in players)
    meta = e.meta | {TAKEN_OF: e.meta.get(TAKEN_OF, len(e.names))}
    if "merged" in meta:
        meta["merged"] = [name for name in meta["merged"] if name in names]
    return replace(
        e, names=names, values=e.values[players], stderr=e.stderr[players], meta=meta, heat=None,
        stderr_background=None if e.stderr_background is None else e.stderr_background[players],
        columns={name: np.asarray(column)[players] for name, column in e.columns.items()},
        interactions=of_pairs(e.interactions), interactions_stderr=of_pairs(e.interactions_stderr),
        teller=None if own is None else Kept(own[players]),
    )  # fmt: skip
