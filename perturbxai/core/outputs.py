"""Names of a model's outputs, and which of them are meant."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Ints


def output_names(outputs: Any) -> tuple[str, ...] | None:
    """The user's names of the columns. Raises ValueError if there is none, TypeError for a set of them."""
    if outputs is None:
        return None
    if isinstance(outputs, (set, frozenset)):
        raise TypeError(f"outputs={checks.as_given(outputs)} has no order; name the columns in a list, the first one first.")
    found = tuple(map(str, asked_outputs(outputs)))
    if not found:
        raise ValueError("outputs is empty; name every column of the model's output, or leave it out.")
    return found


def asked_outputs(outputs: object) -> list[Any]:
    """Names and numbers as they were given. Raises TypeError for what is neither, nor several."""
    return checks.several("outputs", outputs, "a name or number of an output, or a list of them", (str, int, np.integer))


def select_outputs(outputs: Any, known: Sequence[str]) -> Ints:
    """Column numbers of the outputs asked for, by name or number, among the known names (K).

    Raises ValueError for one that is not there, and for a name that several have.
    """
    wanted = asked_outputs(outputs)
    if not wanted:
        raise ValueError("outputs is empty; name at least one, or leave it out for all.")
    found = []
    for one in wanted:
        if isinstance(one, str) and one in known:
            if known.count(one) > 1:
                twins = [k for k, name in enumerate(known) if name == one]
                raise ValueError(f"outputs: {one!r} is the name of the outputs {twins}; give the number.")
            found.append(known.index(one))
        elif checks.is_whole(one) and 0 <= int(one) < len(known):
            found.append(int(one))
        else:
            shown = ", ".join(map(repr, known[:8])) + (" ..." if len(known) > 8 else "")
            raise ValueError(f"outputs: {one!r} is not an output of the model; it has {len(known)}: {shown}.")
    return np.array(found, dtype=np.int64)
