"""Grids along the columns of a table: quantile edges, levels and their order, and where the drawn rows stand on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core.quantiles import quantile_edges
from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.similarity import similarity_order
from perturbxai.inputs.columns import Columns
from perturbxai.inputs.row_names import hash_rows

FEW_LEVELS = 20  # numbers with at most so many values, which repeat, are taken value by value


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows of the data that are put on the grid: codes (n, D), weight (n,), row (n,) their numbers in the data."""

    codes: Codes
    weight: Weights
    row: Ints


def draw_rows(codes: Codes, weight: Weights, most: int, rng: np.random.Generator, order: Ints | None = None) -> Drawn:
    """At most so many rows, drawn without replacement by their weights, so that they then count alike; else all.

    Rows of weight 0 are never there. order (N,): how the rows are numbered for the draw, and follow each other in what is
    drawn; None: as they come.
    """
    there = np.flatnonzero(weight > 0) if order is None else order[weight[order] > 0]
    if len(there) <= most:
        kept = codes if order is None and len(there) == len(codes) else codes[there]
        return Drawn(kept, weight[there] / weight[there].sum(), there)
    share = weight[there] / weight[there].sum()
    found = there[np.sort(rng.choice(len(there), most, replace=False, p=share))]
    return Drawn(codes[found], np.full(most, 1.0 / most), found)


def order_by_value(codes: Codes, weight: Weights) -> Ints:
    """(N,): an order of coded rows that is the same however the table is sorted: by 128-bit names, and weights if alike."""
    words = hash_rows(codes)
    return np.lexsort((weight, words[:, 1], words[:, 0]))


def varies(column: Floats) -> bool:
    """Whether a coded column has two values that are not missing."""
    known = column[~np.isnan(column)]
    return bool(len(known) and (known != known[0]).any())


def make_axis(drawn: Drawn, data: Floats, columns: Columns, number: int, grid: int | Floats) -> Axis:
    """The grid of one column: levels of categories and of few values, else quantile edges or the points that are given.

    data (N,) the whole coded column, whose extremes are the outer edges and whose missing values add a point
    grid  how many bins, or the points (G,) themselves, ascending
    """
    column, name = drawn.codes[:, number], columns.names[number]
    if not columns.numeric[number]:
        return _level_axis(drawn, columns, number, None if isinstance(grid, int) else grid)
    known = column[~np.isnan(column)]
    missing = len(known) < len(column)
    if not isinstance(grid, int):
        points = grid
    elif not len(known) or is_by_value(data, columns.whole_numbers[number], grid):
        points = np.unique(known)
        place = np.where(np.isnan(column), -1, np.searchsorted(points, column)).astype(np.int32)
        with_gap = np.append(points, np.nan) if missing else points
        return Axis(number, name, with_gap, True, True, True, place, np.zeros(len(place)), missing)
    else:
        points = quantile_edges(known, drawn.weight[~np.isnan(column)], grid)
        # the ends reach as far as the data do
        points = np.unique(np.concatenate([[np.nanmin(data)], points[1:-1], [np.nanmax(data)]]))
    bins = np.clip(np.searchsorted(points, column, side="left") - 1, 0, len(points) - 2)
    place = np.where(np.isnan(column), -1, bins).astype(np.int32)
    share = np.clip((column - points[bins]) / (points[bins + 1] - points[bins]), 0.0, 1.0)
    points = np.append(points, np.nan) if missing else points
    return Axis(number, name, points, False, True, True, place, np.where(place < 0, 0.0, share), missing)


def is_by_value(data: Floats, whole: bool, n_bins: int) -> bool:
    """Whether a column of numbers is taken value by value."""
    known = data[~np.isnan(data)]
    return are_few(len(np.unique(known)), len(known), whole, n_bins)


def are_few(n_values: int, n_known: int, whole: bool, n_bins: int) -> bool:
    """Whether so many values among n_known numbers are taken one by one."""
    return n_values <= n_bins + 1 and (whole or (n_values <= FEW_LEVELS and 2 * n_values <= n_known))


def _level_axis(drawn: Drawn, columns: Columns, number: int, chosen: Floats | None) -> Axis:
    """All levels that drawn rows have, or those that are chosen: rows of others then have no place."""
    column = drawn.codes[:, number]
    ordered = bool(columns.ordered[number])
    points = np.unique(column) if chosen is None else chosen
    inside = np.isin(column, points)
    # a missing value has no place in an order; among levels without one it is a level as any other
    missing = ordered and bool(columns.missing_codes[number] == points[-1])
    place = np.where(inside, np.searchsorted(points, column), -1).astype(np.int32)
    if missing:
        place[place == len(points) - 1] = -1
    if ordered:
        order = None
    elif not np.isin(points, column).all():  # a chosen level without a row is like no other
        order = np.argsort(np.array([str(value) for value in columns.decode_values(number, points)]), kind="stable")
    else:
        there = Drawn(drawn.codes[inside], drawn.weight[inside], drawn.row[inside])
        order = order_by_likeness(there, number, columns, points)
    return Axis(number, columns.names[number], points, True, ordered, False, place, np.zeros(len(place)), missing, order)


def order_by_likeness(drawn: Drawn, number: int, columns: Columns, points: Floats) -> Ints:
    """(L,): an order in which levels (codes, rising) with like rows follow each other. Each level has a drawn row."""
    names = [str(value) for value in columns.decode_values(number, points)]
    return similarity_order(drawn.codes, drawn.weight, number, columns.numeric, points, names)


def group_rows(drawn: Drawn, columns: Columns, number: int) -> dict[Any, Bools]:
    """The drawn rows of each value of a column, by the value as the user has it, missing ones last.

    Raises ValueError for a column with more than 20 values.
    """
    column = drawn.codes[:, number]
    codes = np.unique(column)
    if len(codes) > FEW_LEVELS:
        raise ValueError(
            f"by={columns.names[number]!r} has {len(codes)} values among the drawn rows; expected at most {FEW_LEVELS}. "
            "Give a column of categories, or cut the numbers into some first."
        )
    values = [value.item() if isinstance(value, np.generic) else value for value in columns.decode_values(number, codes)]
    return {v: (column == code) | (np.isnan(column) & np.isnan(code)) for v, code in zip(values, codes, strict=True)}
