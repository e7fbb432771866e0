"""What lies around an input, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import called, joined, share, told_apart

if TYPE_CHECKING:
    from perturbxai.results.context import Context, Neighbours

INPUTS = 3
NAMED = 4  # columns in which a neighbour differs
STRANGE, THIN = 0.05, 0.5


def of_input(found: Context, i: int) -> list[str]:
    """How it is decided, who is most like it and is not, how far it lies from the data, and what its values stand on."""
    head = f"The {found.what} {called(own_value(found.labels[i]))} is {_verb(found)} {called(found.decisions[i])}."
    return [head, *_otherwise(found, i), _far(found, i), *_ground(found, i)]


def _verb(found: Context) -> str:
    return "predicted" if found.meta["numbers"] else "decided"


def _otherwise(found: Context, i: int) -> list[str]:
    labels = found.otherwise.labels[i]
    among = f"of the {count(found.meta['looked_at'], found.what)} that were looked at"
    if not labels:
        return [f"None {among} is decided otherwise (by {found.meta['rule']})."]
    names, several = joined([called(own_value(one)) for one in labels]), len(labels) > 1
    are = f"are the {found.what}s" if several else f"is the {found.what}"
    other = "predicted a deviation away" if found.meta["numbers"] else "decided otherwise"
    said = [f"Most like it, and {other}, {are} {names}."]
    if found.has is not None:
        apart = differing(found, found.otherwise, i, 0)
        name = called(own_value(labels[0]))
        said.append(f"{name} is {_verb(found)} {called(found.otherwise.decisions[i][0])}, and has {joined(apart)}.")
    return said


def differing(found: Context, near: Neighbours, i: int, j: int) -> list[str]:
    """What neighbour j of input i has that the input has not: "age 38 (not 45)"; of many the first few."""
    assert near.has is not None and found.has is not None  # of rows
    names = told_apart(found.names)
    mine, theirs = ([own_value(one) for one in line] for line in (found.has[i], near.has[i, j]))
    parts = [f"{n} {called(b)} (not {called(a)})" for n, a, b in zip(names, mine, theirs, strict=True) if a != b]
    if len(parts) > NAMED:
        return [*parts[: NAMED - 1], f"{len(parts) - NAMED + 1} more that differ"]
    return parts or ["the same in all columns"]


def _far(found: Context, i: int) -> str:
    far = float(found.far[i])
    if far <= STRANGE:
        return (
            f"It lies off the data: {share(far)} of them lie as far from their nearest as it does from its own, or farther."
        )
    return f"It lies among the data: {share(far)} of them lie as far from their nearest as it does from its own, or farther."


def _ground(found: Context, i: int) -> list[str]:
    if found.ground is None or not np.isfinite(found.ground[i]):
        return []
    part = float(found.ground[i])
    asked = (
        f"{share(part)} of the rows that methods which hide columns ask about lie farther from the data than 95 % of these"
    )
    if part > THIN:
        return [f"Its explanation stands on thin ground: {asked}."]
    return [f"Its explanation stands on the data: {asked}."]
