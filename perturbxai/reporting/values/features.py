"""What the features of a result are called in figures, what they hold, and which come first."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats, Objects
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.reporting.lettering import LONGEST, number, shortened, texts
from perturbxai.results.explanation import Explanation
from perturbxai.results.row_values import told_of
from perturbxai.results.taking import TAKEN_OF


def order(values: Floats) -> list[int]:
    """Players of (N, P, K) from the largest to the smallest mean |value|, each output on its own scale."""
    size = np.abs(values).mean(axis=0)
    return [int(p) for p in np.argsort(-(size / np.maximum(size.max(axis=0), 1e-300)).mean(axis=1), kind="stable")]


def leading(ranked: list[int], top: int) -> tuple[list[int], list[int]]:
    """The players that are shown, and the others. A single other one is shown too: to sum it would save nothing."""
    return (ranked, []) if len(ranked) <= top + 1 else (ranked[:top], ranked[top:])


def summed(values: Floats, shown: list[int], rest: list[int]) -> Floats:
    """(N, n): the values (N, P) of the shown players, and behind them the sum of the others if there are any."""
    return np.column_stack([values[:, shown], values[:, rest].sum(axis=1)]) if rest else values[:, shown]


def rest_label(rest: Sequence[int]) -> list[str]:
    return [f"{len(rest)} other features"] if rest else []


def shown_labels(names: Sequence[str], shown: Sequence[int], rest: Sequence[int] = (), longest: int = LONGEST) -> list[str]:
    """What the lines of a panel are called: the players that are shown, and the sum of the others if there are any."""
    called = texts(names, longest)
    return [called[p] for p in shown] + rest_label(rest)


def more(n_left: int) -> str:
    """Said of features that are not shown."""
    return f"; {n_left} feature{'s' * (n_left != 1)} more" if n_left else ""


def check_space(explanation: Explanation, space: Space | None) -> None:
    """Refuse a space in which this was not explained. Of a result that was taken from another, its features are some."""
    if space is None:
        return
    if not isinstance(space, TabularSpace):
        raise TypeError(f"space is {type(space).__name__}; expected the TabularSpace that the rows were explained in.")
    some = TAKEN_OF in explanation.meta and set(explanation.names) <= set(space.names)
    if tuple(space.names) != explanation.names and not some:
        raise ValueError(
            f"space has the features {list(space.names)[:6]}, but the result has {list(explanation.names)[:6]}; "
            "give the space that the rows were explained in."
        )


def row_labels(explanation: Explanation, space: Space | None = None) -> list[str]:
    """Names of one row's features: rules where the method has them, else "name = value" where that is known."""
    rules, names = explanation.columns.get("rule"), explanation.names
    if rules is not None and np.shape(rules) == (len(names),):
        return texts(rules, 34)
    own = explanation.feature_values
    if own is None and isinstance(space, TabularSpace):
        own = _decoded(explanation, space)
    if own is None:  # superpixels have no values to tell
        return texts(names)
    several = _groups(explanation, space)
    called = zip(shortened(names, 22), own, several, strict=True)
    return texts([name if group else f"{name} = {_value(value)}" for name, value, group in called], 34)


def _decoded(explanation: Explanation, space: TabularSpace) -> Objects:
    """(P,): what the row has in the first column of each feature, where the result itself does not know it."""
    table = space.columns.plain(np.asarray(explanation.input, dtype=np.float64)[None])
    first = [space.columns_of[space.names.index(name)][0] for name in explanation.names]
    row = [table.iloc[0, d] if hasattr(table, "iloc") else table[0, d] for d in first]
    return np.array([*row, None], dtype=object)[:-1]


def _groups(explanation: Explanation, space: Space | None) -> list[bool]:
    """(P,): which features are groups of columns, whose values are too long for a label."""
    if isinstance(space, TabularSpace):
        return [len(space.columns_of[space.names.index(name)]) > 1 for name in explanation.names]
    own = explanation.feature_values  # "a = 1, b = x" of a group
    return [isinstance(one, str) and ", " in one and " = " in one for one in ([] if own is None else own)]


def _value(value: object) -> str:
    return number(value) if isinstance(value, (float, np.floating)) else str(value).removesuffix(" 00:00:00")


def colours(explanations: Sequence[Explanation], space: Space | None = None) -> Floats:
    """(N, P) in 0..1: where a row's value lies between the 5th and the 95th percentile of its feature.

    NaN where values have no order: categories (which a space knows), groups of columns, missing values.
    """
    codes = np.stack([np.asarray(e.input, dtype=np.float64) for e in explanations])
    names = explanations[0].names
    found = np.full((len(codes), len(names)), np.nan)
    if isinstance(space, TabularSpace):
        for p, name in enumerate(names):
            columns = space.columns_of[space.names.index(name)]
            if len(columns) == 1 and space.columns.numeric[columns[0]]:
                found[:, p] = codes[:, columns[0]]
    elif TAKEN_OF in explanations[0].meta:  # the codes are those of all columns
        found = _numbers(explanations)
    elif codes.shape[1] == len(names):
        found = np.where(_are_words(explanations), np.nan, codes)
    return np.column_stack([between_percentiles(column) for column in found.T])


def between_percentiles(column: Floats) -> Floats:
    """(N,) in 0..1: where numbers lie between the 5th and the 95th percentile of them; NaN of NaN."""
    there = column[np.isfinite(column)]
    low, high = np.percentile(there, (5, 95)) if len(there) else (0.0, 0.0)
    if low == high and len(there):  # a rare value beside a common one
        low, high = there.min(), there.max()
    return np.asarray(np.clip((column - low) / (high - low), 0, 1) if high > low else column * 0 + 0.5)


def _are_words(explanations: Sequence[Explanation]) -> Bools:
    """(P,): features in which some row has a word, whose code says no more of it than which one it is."""
    told = [own for own in told_of(explanations) if own is not None]
    return np.array([any(isinstance(own[p], str) for own in told) for p in range(len(explanations[0].names))], dtype=bool)


def _numbers(explanations: Sequence[Explanation]) -> Floats:
    """(N, P): what rows have where that is a number, NaN elsewhere."""
    unknown = [None] * len(explanations[0].names)
    told = [unknown if own is None else own for own in told_of(explanations)]
    return np.array([[checks.as_number(one) for one in own] for own in told], dtype=np.float64)
