"""Where a partial dependence display asks along a column: scikit-learn's points, the user's own, levels in order."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats.mstats import mquantiles

from perturbxai.calls.grids import Drawn, is_by_value, order_by_likeness
from perturbxai.core.types import Floats, Ints
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.reporting.curves.axis_places import is_missing


def grid_of(
    space: TabularSpace, column: int, level: bool, resolution: int, percentiles: tuple[float, float], kind: str
) -> int | NDArray[Any]:
    """What `effects` takes as the grid of a column: points in the table's own values, or a number of bins for its own.

    All values of a level and of fewer than `resolution` values, else points evenly between two percentiles (as scikit-learn
    takes them); only whole ones where the column has no others.
    """
    columns = space.columns
    codes, counted = space.codes[:, column], space.weights > 0
    known = codes[~np.isnan(codes)]
    if not columns.numeric[column] or (kind == "ale" and not level):
        return int(resolution) - 1 if columns.numeric[column] else max(2, int(resolution) - 1)
    values = np.unique(known)
    if level or len(values) < resolution:
        by_value = is_by_value(codes, bool(columns.whole_numbers[column]), max(2, len(values)))
        by_value &= len(np.unique(codes[counted & ~np.isnan(codes)])) == len(values)
        return max(2, len(values)) if by_value else columns.decode_values(column, values)
    low, high = mquantiles(known, prob=percentiles)
    if np.allclose(low, high):
        raise ValueError(
            f"percentiles={percentiles!r} of {columns.names[column]!r} are {low:g} and {high:g}, between which there is no "
            "grid; take them further apart."
        )
    points = np.linspace(low, high, int(resolution))
    return columns.decode_values(column, np.unique(np.rint(points)) if columns.whole_numbers[column] else points)


def read_points(space: TabularSpace, column: int, values: ArrayLike) -> Floats:
    """(G,) codes of the user's own points, in the order they were given. Raises as the column's values do."""
    name = space.columns.names[column]
    spelled = any(isinstance(value, str) for value in np.ravel(np.asarray(values, dtype=object)))
    given = np.asarray(values, dtype=object if spelled else None)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"custom_values of {name!r} have shape {given.shape}; expected a list of at least one value.")
    codes = space.columns.encode_values(column, given)
    known = codes[~np.isnan(codes)]
    if np.isinf(known).any() or (len(known) < len(codes) and not np.isnan(space.codes[:, column]).any()):
        raise ValueError(f"custom_values of {name!r} must be finite; got {values!r}.")
    return codes


def single_value(space: TabularSpace, column: int) -> Floats | None:
    """Codes (1,) or (2,) of the value of a column of numbers that has but one, and of a missing one; else None."""
    points = np.unique(space.codes[:, column])
    return points if space.columns.numeric[column] and (~np.isnan(points)).sum() == 1 else None


def levels_without_weight(space: TabularSpace, column: int) -> NDArray[Any] | None:
    """All levels of a column without numbers, where only rows of weight 0 have some of them; else None."""
    codes = space.codes[:, column]
    every = np.unique(codes)
    if space.columns.numeric[column] or len(every) == len(np.unique(codes[space.weights > 0])):
        return None
    return space.columns.decode_values(column, every)


def own_grid(space: TabularSpace, column: int, codes: Floats, kind: str) -> int | NDArray[Any]:
    """What `effects` takes to have these codes among its points, of which it wants two at least, in their order."""
    if kind == "ale" and not space.columns.numeric[column]:
        return 2  # an accumulated curve goes through all levels
    points = np.unique(codes[~np.isnan(codes)])
    if len(points) < 2:
        others = np.unique(space.codes[:, column])
        others = others[~np.isnan(others) & ~np.isin(others, points)]
        above = others[others > points.max(initial=-np.inf)]
        points = np.unique(np.concatenate([points, (above if len(above) else others)[: 2 - len(points)]]))
    if len(points) < 2 and space.columns.numeric[column]:
        points = np.append(points, points[0] + 1.0) if len(points) else np.array([0.0, 1.0])
    return space.columns.decode_values(column, points)


def order_of(space: TabularSpace, column: int, grid: NDArray[Any], asked: Floats | None, levels: str, kind: str) -> Ints:
    """(G,): which points of an effect's grid are shown, in turn.

    asked   codes of the user's own points, in their order; None for all points, numbers as they rise
    levels  "sorted" or by "likeness": how levels without an order of their own follow each other
    """
    columns = space.columns
    if asked is not None:
        codes = columns.encode_values(column, grid)
        same = (codes == asked[:, None]) | (np.isnan(codes) & np.isnan(asked[:, None]))
        return np.asarray(same.argmax(axis=1))
    if columns.numeric[column] or columns.ordered[column] or (levels == "likeness" and kind == "ale"):
        return np.arange(len(grid))
    if levels == "likeness":
        return _by_likeness(space, column, grid)
    gone = is_missing(grid)
    values = grid.tolist()
    known = np.flatnonzero(~gone).tolist()
    try:
        known = sorted(known, key=lambda n: values[n])
    except TypeError:  # values of several kinds
        known = sorted(known, key=lambda n: (type(values[n]).__name__, str(values[n])))
    return np.array([*known, *np.flatnonzero(gone)], dtype=np.int64)


def _by_likeness(space: TabularSpace, column: int, grid: NDArray[Any]) -> Ints:
    """(G,): levels with like rows beside each other, as along an accumulated curve."""
    columns, counted = space.columns, np.flatnonzero(space.weights > 0)
    codes = columns.encode_values(column, grid)
    rise = np.argsort(codes, kind="stable")
    drawn = Drawn(space.codes[counted], space.weights[counted] / space.weights[counted].sum(), counted)
    return np.asarray(rise[order_by_likeness(drawn, column, columns, codes[rise])])


def deciles(space: TabularSpace, column: int) -> NDArray[Any]:
    """(9,) of a column's values, in the table's own units, by scikit-learn's rule."""
    codes = space.codes[:, column]
    found = np.asarray(mquantiles(codes[~np.isnan(codes)], prob=np.arange(0.1, 1.0, 0.1)))
    # of whole numbers they lie between; dates are codes of their own
    is_date = space.columns.decode_values(column, found[:1]).dtype.kind == "M"
    return space.columns.decode_values(column, np.rint(found)) if is_date else found
