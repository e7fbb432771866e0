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
    numbers = all(map(checks.is_number, labels))
    order = sorted(set(labels)) if numbers else sorted({own_value(one) for one in labels})
    if len(order) > MOST:
        shown = quoted([own_value(one) for one in order], 4)
        raise ValueError(
            f"by makes {len(order)} groups ({shown}), and no more than {MOST} can be told apart; put its values together "
            "first, as pandas.cut does, and give the labels."
        )
    found: dict[str, list[int]] = {}
    for one in order:
        key = f"{word(name)} = {own_value(one)}" if name else own_value(one)
        found[key] = [n for n, label in enumerate(labels) if (label == one if numbers else own_value(label) == one)]
    return {key: result[rows] for key, rows in found.items()}


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
