"""The lines that explanations have in tidy tables: of features, of pairs, of one input and of all inputs of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from perturbxai.core.types import Floats, Frame, Objects
from perturbxai.results.tidy import LEVEL, by_line, in_one, pointwise, text

if TYPE_CHECKING:
    from perturbxai.results.explanation import Attribution
    from perturbxai.results.one_input import Explanation

Said: TypeAlias = tuple[dict[str, Any], dict[str, Floats]]
"""What a table says of each of n things, and their numbers (n, K)."""


def by_feature(e: Explanation, own: Objects | None) -> Said:
    """Of each feature its numbers, and what the row has there (P,), where it is known."""
    low, high = e.interval()
    numbers = {"value": e.values, "stderr": e.stderr, "low": low, "high": high}
    numbers |= {"base": e.base, "prediction": e.prediction}
    if e.stderr_background is not None:
        numbers["stderr_background"] = e.stderr_background
    for name, shown in e.columns.items():
        numbers[name] = np.reshape(shown, (len(e.names), -1))
    return _told_of(e, {"feature": text(e.names)} | ({} if own is None else {"feature_value": own}), numbers)


def by_pair(e: Explanation) -> Said:
    """Of each pair of features, once. Raises ValueError for a method without interactions."""
    if e.interactions is None or e.interactions_stderr is None:
        raise ValueError(
            f"interactions_frame(): {type(e.method).__name__} gives none; explain with px.Interactions() for them."
        )
    first, second = np.triu_indices(len(e.names), 1)
    values, stderr = e.interactions[first, second], e.interactions_stderr[first, second]  # (pairs, K)
    half, names = pointwise(LEVEL, e.df) * stderr, text(e.names)
    numbers = {"value": values, "stderr": stderr, "low": values - half, "high": values + half}
    return _told_of(e, {"feature_a": names[first], "feature_b": names[second]}, numbers)


def _told_of(e: Explanation, about: dict[str, Any], numbers: dict[str, Floats]) -> Said:
    """What stands in each of n lines, the input's label first, and numbers (n, K)."""
    shape = next(iter(numbers.values())).shape
    row = np.empty(1, dtype=object)  # a label may be a tuple
    row[0] = e.label
    return {"row": np.repeat(row, shape[0])} | about, {k: np.broadcast_to(one, shape) for k, one in numbers.items()}


def frame(outputs: Sequence[str], about: dict[str, Any], numbers: dict[str, Floats]) -> Frame:
    """The tidy table of lines that are told of."""
    import pandas as pd

    # labels and values of any kinds stay what they are
    kept = {
        name: pd.Series(np.repeat(about[name], len(outputs)), dtype=object)
        for name in ("row", "feature_value") if name in about
    }  # fmt: skip
    return by_line(about | kept, outputs, numbers)


def of_all(result: Attribution, told: Sequence[Said]) -> Frame:
    """The lines of all inputs: columns are made once, or input by input where these differ in what is told of them."""
    import pandas as pd

    name = result.meta.get("name", type(result.method).__name__)
    about, numbers = (in_one(parts) for parts in zip(*told, strict=True))
    if about is None or numbers is None or len({e.outputs for e in result}) > 1:
        found = pd.concat([frame(e.outputs, *own) for e, own in zip(result, told, strict=True)], ignore_index=True)
    else:
        found = frame(result.outputs, about, numbers)
    found.insert(0, "method", name)
    return found
