"""Bars with intervals: a table of names, bars and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.html.charts.strip import axis_row, bar, strip, whisker
from perturbxai.reporting.html.markup import Html, element, name
from perturbxai.reporting.html.numbers import with_half
from perturbxai.reporting.html.scale import Scale

LONGEST_NAME = 80  # of a line
REACH = 0.6  # how far a whisker may reach beyond the bars, of the bars' range: one endless interval flattens nothing


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars from zero, the longest first as they are given.

    names (n,), values (n,), low and high (n,) the intervals' ends, infinite where they are not known
    caption  what the table is of;  axis: what the numbers are;  kind: what a line is, such as "column"
    sign     whether the numbers have one;  players: (n,) numbers by which lines belong to regions of a photo, or nothing
    """

    names: Sequence[object]
    values: Floats
    low: Floats
    high: Floats
    caption: str
    axis: str
    kind: str = "column"
    sign: bool = False
    players: Sequence[int] = ()

    def table(self) -> Html:
        """A line a bar, and the ticks' names below."""
        scale = reaching(self.values, self.low, self.high)
        head = element(
            "thead",
            element("tr", *(element("th", text, scope="col", class_=class_) for text, class_ in self._heads())),
        )
        lines = [self._line(n, scale) for n in range(len(self.names))]
        body = element("tbody", *lines, axis_row(scale, 1, 1))
        return element("table", element("caption", self.caption, class_="hidden"), head, body, class_="chart")

    def _heads(self) -> list[tuple[str, str | None]]:
        return [(self.kind, None), (self.axis, "strip-head"), ("value ± 95\N{NO-BREAK SPACE}%", "number")]

    def _line(self, n: int, scale: Scale) -> Html:
        value, low, high = float(self.values[n]), float(self.low[n]), float(self.high[n])
        side = "plain" if not self.sign else "for" if value > 0 else "against"
        marks: list[Html] = [bar(scale, 0.0, value, side)] if np.isfinite(value) else []
        shown, half = with_half(value, half_width(value, low, high), float(np.abs(self.values).max()), self.sign)
        if half and np.isfinite(low) and np.isfinite(high):
            marks.append(whisker(scale, low, high))
        return element(
            "tr", element("th", name(self.names[n], LONGEST_NAME), scope="row"),
            element("td", strip(scale, *marks), class_="strip-cell"),
            element("td", shown, " ", element("span", half, class_="error") if half else None, class_="number"),
            data_player=self.players[n] if len(self.players) else None,
        )  # fmt: skip


def half_width(value: float, low: float, high: float) -> float:
    """The longer side of an interval, infinite where an end is not known."""
    known = np.isfinite([value, low, high]).all()
    return max(high - value, value - low) if known else float("inf")


def reaching(values: Floats, low: Floats, high: Floats) -> Scale:
    """A scale from zero over the values, and over their intervals as far as these do not flatten the values."""
    ends = np.concatenate([np.ravel(values), [0.0]])
    ends = ends[np.isfinite(ends)]
    room = REACH * float(np.ptp(ends))
    reach = np.concatenate([np.ravel(low), np.ravel(high)])
    reach = reach[np.isfinite(reach)]
    reach = np.clip(reach, ends.min() - room, ends.max() + room) if room else reach
    return Scale.over(ends, reach, zero=True)
