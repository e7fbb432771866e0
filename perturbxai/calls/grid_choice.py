"""Which grid each column and pair gets where the user named none, what it costs, and how many rows are paid for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from perturbxai.calls.effect_jobs import Feature
from perturbxai.calls.grids import Drawn, are_few, make_axis
from perturbxai.core import checks
from perturbxai.core.types import Codes, Floats
from perturbxai.estimation.curves.axes import Axis
from perturbxai.estimation.curves.grid_tables import FromGrid
from perturbxai.inputs.columns import Columns

DRAWN_ROWS = 1000
BINS = 40
# Of pairs: partial dependence asks every row at every point. Of boosted trees on diabetes and 1,000 rows 20 bins miss the
# surface of all rows by .13 to .14 of its deviation over the data, and 40 by .10, at four times the cost
PAIR_BINS = 20
LEAST_BINS = 3  # of a pair for ALE: two cannot bend


@dataclass(frozen=True, eq=False)
class GridChoice:
    """The grids of a call.

    chosen  by column: a number of bins or the points (G,) that the user named, None for neither
    data    (N, D) the coded rows;  methods: of the call
    """

    chosen: Mapping[int, int | Floats | None]
    data: Codes
    columns: Columns
    methods: Sequence[FromGrid]

    @property
    def accumulates(self) -> bool:
        """Whether a surface is made of steps, each of few rows."""
        return any(method.accumulates for method in self.methods)

    def of(self, feature: Feature, n_rows: float) -> tuple[int | Floats, ...]:
        """A number of bins, or the points, for each column of a feature over so many rows.

        ALE of a pair is made of cells, and each has as many rows as there are bins along one axis: n^(1/3), so that there
        are n^(2/3) cells. With more, the noise of single rows adds up; with fewer, the grid hides what happens within
        cells. Root mean squared errors over the data, in deviations of the surface, of boosted trees on diabetes (bmi and
        s5; a mean of draws) at 3, 6, 10, 20 and 40 bins: 200 rows 1.03, .77, .96, 1.80, -; 1,000 rows .96, .64, .59, .86,
        2.24; 5,000 rows .97, .63, .57, .43, .57; 20,000 rows .97, .63, .57, .37, .20. Of a step in two columns at a
        correlation of .6: .71, .56, .59, 1.32, -; .64, .41, .45, .46, 1.65; .62, .38, .46, .36, .47; .62, .37, .43, .23,
        .13. The least is near the cube root for trees and steps; a smooth product takes any number.
        Beside a column of few levels the other has the more bins, up to 40.
        """
        named = [self.chosen[c] for c in feature]
        if len(feature) == 1 or not self.accumulates:
            bins = BINS if len(feature) == 1 else PAIR_BINS
            return tuple(bins if one is None else one for one in named)
        alike = _within(n_rows ** (1.0 / 3.0))
        fixed = [self._fixed(c, one, alike) for c, one in zip(feature, named, strict=True)]
        found = []
        for one, own, other in zip(named, fixed, fixed[::-1], strict=True):
            free = alike if own or not other else _within(n_rows ** (2.0 / 3.0) / other)
            found.append(free if one is None else one)
        return tuple(found)

    def _fixed(self, c: int, named: int | Floats | None, bins: int) -> int:
        """How many places a column has whatever is chosen; 0 for one that may be cut as is best."""
        if named is not None and not isinstance(named, int):
            return len(named) - int(self.columns.numeric[c])
        n_values, n_known = self._values[c]
        few = are_few(n_values, n_known, bool(self.columns.whole_numbers[c]), bins if named is None else named)
        return n_values if few or not self.columns.numeric[c] else named or 0

    @cached_property
    def _values(self) -> dict[int, tuple[int, int]]:
        """By column: how many values it has, and how many rows have one."""
        known = {c: self.data[~np.isnan(self.data[:, c]), c] for c in self.chosen}
        return {c: (len(np.unique(column)), len(column)) for c, column in known.items()}

    def axes(self, drawn: Drawn, wanted: Sequence[Feature]) -> dict[Feature, tuple[Axis, ...]]:
        """The grids of the features over the drawn rows. Pairs that have a column alike share its axis."""
        made: dict[tuple[int, int | None], Axis] = {}

        def axis(c: int, one: int | Floats) -> Axis:
            key = c, one if isinstance(one, int) else None
            if key not in made:
                made[key] = make_axis(drawn, self.data[:, c], self.columns, c, one)
            return made[key]

        return {f: tuple(map(axis, f, self.of(f, _rows_of(drawn, f)))) for f in wanted}

    def most_rows(self, rows: object, wanted: Sequence[Feature]) -> int:
        """How many rows of x may be drawn. Raises ValueError if the model rows pay for fewer than two."""
        if rows is None:
            return DRAWN_ROWS
        n_rows = checks.whole("rows", rows, 1, of="model rows", way=", or None")
        low, high = 0, n_rows  # a finer grid for more rows never costs less
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle * self._cost(wanted, middle) < n_rows else (low, middle - 1)
        if low < 2:  # the first row is asked besides
            cost = self._cost(wanted, 2)
            raise ValueError(
                f"rows={rows} pays for {low} of the rows of x, each of which costs {cost} model rows; ask for rows="
                f"{2 * cost + 1} or more, for fewer features, or for a smaller grid."
            )
        return low

    def _cost(self, wanted: Sequence[Feature], n_rows: int) -> int:
        """Model rows of one row of x, if so many are drawn."""
        plain = [m for m in self.methods if not m.differential]
        cost = int(len(plain) < len(self.methods))  # one gradient a row serves all columns
        for feature in wanted if plain else ():
            grids = self.of(feature, min(n_rows, len(self.data)))
            near = all(m.accumulates for m in plain)  # each row at the points around it alone
            cost += prod(self._points(c, one, near, len(feature) == 2) for c, one in zip(feature, grids, strict=True))
        return cost

    def _points(self, c: int, one: int | Floats, near: bool, pair: bool) -> int:
        """At how many points of a column a row is asked."""
        numeric, (n_values, n_known) = self.columns.numeric[c], self._values[c]
        few = isinstance(one, int) and are_few(n_values, n_known, bool(self.columns.whole_numbers[c]), one)
        if near and (pair or numeric or self.columns.ordered[c]):
            return 2 if numeric and not few else 3
        if isinstance(one, int) and not numeric:
            return len(np.unique(self.data[:, c]))
        return (one + 1 if isinstance(one, int) else len(one)) + int(n_known < len(self.data))


def _within(bins: float) -> int:
    return int(np.clip(round(bins), LEAST_BINS, BINS))


def _rows_of(drawn: Drawn, feature: Feature) -> float:
    """How many drawn rows have a value in all columns of a feature; of unequal weights, how many equal ones tell as much."""
    weight = drawn.weight[~np.isnan(drawn.codes[:, list(feature)]).any(axis=1)]
    return float(weight.sum() ** 2 / max((weight**2).sum(), np.finfo(float).tiny))
