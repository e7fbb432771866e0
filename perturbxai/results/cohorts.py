"""Rows of a result in groups: by what they have at a feature, or by labels that are given."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.frames import is_kind
from perturbxai.core.wording import own_value, quoted, word
from perturbxai.results.explanation import Attribution
from perturbxai.results.taking import player_numbers

MOST = 12
MISSING = own_value(None)
DIGITS = (6, 15, 17)  # of which the last tell any two floats apart
By: TypeAlias = str | ArrayLike | Sequence[Any]
"""The name of a feature, or a label of each row."""


def cohorts(result: Attribution, by: By) -> dict[str, Attribution]:
    """The rows of each group, by what it is called: "sex = f", or the label itself; in the order of their labels.

    Raises ValueError for another number of labels than rows, for a feature that is not known of the rows, and for more than
    12 groups; KeyError for a feature that is not there.
    """
    if isinstance(by, str):
        (player,) = player_numbers(result.names, by)
        own = result.feature_values
        if own is None:
            raise ValueError(f"by={by!r}: what the rows have there is not known; give a label of each row.")
        name, labels = by, own[:, player].tolist()
    else:
        name, labels = _called(by), _listed(by)
    if len(labels) != len(result):
        raise ValueError(
            f"by has {len(labels)} labels, but the result has {len(result)} rows; give one a row, in their order."
        )
    called = _spelled(labels)
    order = list(dict.fromkeys(called[n] for n in _in_order(labels, called)))
    if len(order) > MOST:
        raise ValueError(
            f"by makes {len(order)} groups ({quoted(order, 4)}), and no more than {MOST} can be told apart; put its values "
            "together first, as pandas.cut does, and give the labels."
        )
    rows: dict[str, list[int]] = {one: [] for one in order}
    for n, one in enumerate(called):
        rows[one].append(n)
    return {f"{word(name)} = {one}" if name else one: result[numbers] for one, numbers in rows.items()}


def _spelled(labels: Sequence[Any]) -> list[str]:
    """What each label is called: numbers to as many digits as tell them apart, so that no two groups share a name."""
    short = [own_value(one) for one in labels]
    numbers = {one for one, text in zip(labels, short, strict=True) if checks.is_number(one) and text != MISSING}
    apart = (most for most in DIGITS if len({own_value(one, most) for one in numbers}) == len(numbers))
    digits = next(apart, DIGITS[-1])
    return [own_value(one, digits) if checks.is_number(one) else text for one, text in zip(labels, short, strict=True)]


def _in_order(labels: Sequence[Any], called: Sequence[str]) -> list[int]:
    """Numbers of the rows in the order of their labels: numbers by size, what is missing behind them; words as text."""
    there = [n for n, text in enumerate(called) if text != MISSING]
    if all(checks.is_number(labels[n]) for n in there):
        return sorted(there, key=lambda n: labels[n]) + [n for n, text in enumerate(called) if text == MISSING]
    return sorted(range(len(called)), key=lambda n: called[n])


def _called(by: Any) -> str:
    """The name of a column of a table; of other labels none."""
    named = is_kind(by, "pandas", "Series") or is_kind(by, "polars", "Series")
    return str(by.name) if named and by.name is not None else ""


def _listed(by: Any) -> list[Any]:
    values = by.tolist() if hasattr(by, "tolist") else by
    if (
        isinstance(values, (bytes, dict))
        or not np.iterable(values)
        or any(isinstance(one, (list, np.ndarray)) for one in values)
    ):
        raise TypeError(f"by={checks.as_given(by)} must be the name of a feature, or a label of each row.")
    return list(values)
