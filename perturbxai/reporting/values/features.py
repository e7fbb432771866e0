"""What the features of a result are called in figures, what they hold, and which come first."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Floats
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
    return f"; {n_left} features more" if n_left else ""


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
    """Names of one row's features: rules where the method has them, with a space "name = value"."""
    rules = explanation.columns.get("rule")
    if rules is not None and np.shape(rules) == (len(explanation.names),):
        return texts(rules, 34)
    if not isinstance(space, TabularSpace):  # superpixels have no values to tell
        return texts(explanation.names)
    table = space.columns.plain(np.asarray(explanation.input, dtype=np.float64)[None])
    found = []
    for own, name in zip(explanation.names, shortened(explanation.names, 22), strict=True):
        columns = space.columns_of[space.names.index(own)]
        if len(columns) > 1:
            found.append(name)
            continue
        value = table.iloc[0, columns[0]] if hasattr(table, "iloc") else table[0, columns[0]]
        words = number(value) if isinstance(value, (float, np.floating)) else str(value).removesuffix(" 00:00:00")
        found.append(f"{name} = {words}")
    return texts(found, 34)


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
        found = codes.copy()
    return np.column_stack([between_percentiles(column) for column in found.T])


def between_percentiles(column: Floats) -> Floats:
    """(N,) in 0..1: where numbers lie between the 5th and the 95th percentile of them; NaN of NaN."""
    there = column[np.isfinite(column)]
    low, high = np.percentile(there, (5, 95)) if len(there) else (0.0, 0.0)
    if low == high and len(there):  # a rare value beside a common one
        low, high = there.min(), there.max()
    return np.asarray(np.clip((column - low) / (high - low), 0, 1) if high > low else column * 0 + 0.5)


def _numbers(explanations: Sequence[Explanation]) -> Floats:
    """(N, P): what rows have where that is a number, NaN elsewhere."""
    unknown = [None] * len(explanations[0].names)
    told = [unknown if own is None else own for own in told_of(explanations)]
    return np.array([[checks.as_number(one) for one in own] for own in told], dtype=np.float64)
