"""Every row as a dot on the line of each column: where it pushes the output, coloured by what the row has there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.html.charts.bars import LONGEST_NAME
from perturbxai.reporting.html.charts.shades import NO_ORDER, SHADES, shades
from perturbxai.reporting.html.charts.strip import axis_row, dots, strip
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.numbers import signed
from perturbxai.reporting.html.scale import WIDE, Scale

BINS = 60  # of the axis: dots of one bin are stacked
MOST = 400  # dots a column


@dataclass(frozen=True, eq=False)
class Swarm:
    """Dots of n rows for P columns.

    names (P,), values (n, P), has (n, P) numbers, NaN where they have no order
    rows  (n,) the number of the row's panel on the page, -1 where it has none
    """

    names: Sequence[object]
    values: Floats
    has: Floats
    rows: Ints
    axis: str

    def table(self) -> Html:
        """A line a column, and the ticks' names below."""
        scale = Scale.over(self.values, zero=True)
        lines = [self._line(p, scale) for p in range(len(self.names))]
        heads = (("column", None), (self.axis, "strip-head"), ("from … to", "number"))
        head = element("tr", *(element("th", text, scope="col", class_=class_) for text, class_ in heads))
        caption = element("caption", "Every explained row as a dot, for each column", class_="hidden")
        return element(
            "table", caption, element("thead", head), element("tbody", *lines, axis_row(scale, 1, 1)),
            class_="chart swarm",
        )  # fmt: skip

    def _line(self, p: int, scale: Scale) -> Html:
        column = self.values[:, p]
        chosen = self._chosen(column)
        marks = self._marks(column[chosen], shades(self.has[:, p])[:] if len(chosen) == len(column) else
                            [shades(self.has[:, p])[n] for n in chosen], self.rows[chosen], scale)  # fmt: skip
        ends = f"{signed(column.min())} … {signed(column.max())}"
        return element(
            "tr", element("th", name(self.names[p], LONGEST_NAME), scope="row"),
            element("td", strip(scale, marks), class_="strip-cell"), element("td", ends, class_="number"),
        )  # fmt: skip

    def _chosen(self, column: Floats) -> Ints:
        """All rows, or so many from the lowest value to the highest, with those that have a panel."""
        if len(column) <= MOST:
            return np.arange(len(column))
        order = np.argsort(column, kind="stable")
        spread = order[np.linspace(0, len(order) - 1, MOST).round().astype(int)]
        return np.unique(np.concatenate([spread, np.flatnonzero(self.rows >= 0)]))

    def _marks(self, column: Floats, colour: Sequence[str], rows: Ints, scale: Scale) -> Html:
        x = [scale.place(float(value)) for value in column]
        y = stacked(np.array(x), np.array([*map(_order, colour)], dtype=np.int64))
        plain: dict[str, list[tuple[float, float]]] = {}
        linked = []
        for place, height, shade, row in zip(x, y, colour, rows, strict=True):
            if row >= 0:
                linked.append(dots([(place, height)], shade, data_row=int(row)))
            else:
                plain.setdefault(shade, []).append((place, height))
        return join([*(dots(places, shade) for shade, places in plain.items()), *linked])


def _order(shade: str) -> int:
    return -1 if shade == NO_ORDER else SHADES - int(shade[1:])


def stacked(x: Floats, order: Ints) -> list[float]:
    """Heights of dots at x: those of one bin lie over each other around the middle, the higher shades above."""
    bins = (x / WIDE * BINS).astype(int)
    heights = np.full(len(x), 50.0)
    most = max(np.bincount(bins).max(initial=1), 1) if len(x) else 1
    step = min(16.0, 84.0 / most)
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        members = members[np.argsort(order[members], kind="stable")]
        heights[members] = 50.0 + step * (np.arange(len(members)) - (len(members) - 1) / 2.0)
    return [round(float(one), 1) for one in heights]
