"""Curves in a frame, with bands, the rows' own curves and a rug, and a legend of lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.html.charts.frame import framed, height
from perturbxai.reporting.html.charts.strip import line
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.numbers import number, own
from perturbxai.reporting.html.scale import WIDE, Scale

COLOURS, DASHES = 12, 3


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of n points.

    band  (n,) low and high, or None;  rows: (m, n) rows' own curves, or None
    look  numbers of its colour and dashes, by its place among the others if None;  of: the method whose choice lights it
    """

    called: object
    x: Floats
    y: Floats
    band: tuple[Floats, Floats] | None = None
    rows: Floats | None = None
    look: tuple[int, int] | None = None
    of: int | None = None

    def classes(self, n: int) -> str:
        """Of the n-th curve of a plot."""
        colour, dashes = self.look or (n % COLOURS, n // COLOURS)
        return f"curve l{colour % COLOURS} dash{dashes % DASHES}" + (
            f" lit {part_of(m=self.of)}" if self.of is not None else ""
        )


@dataclass(frozen=True, eq=False)
class Lines:
    """Curves of one plot.

    levels  names in place of numbers across, x then is 0, 1, 2 …;  ticks: what a tick is called, of days
    rug     where there are rows;  alt: what it says, from the curves' ends if it is empty
    """

    curves: Sequence[Curve]
    x_title: object
    y_title: object
    levels: Sequence[object] | None = None
    ticks: Callable[[float], str] | None = None
    rug: Floats | None = None
    alt: str = ""

    def figure(self) -> Html:
        """Bands below, then rows' curves, then the curves themselves, and a legend of several."""
        x = Scale.over(*(curve.x for curve in self.curves), steps=7)
        if self.levels is not None:
            x = Scale(-0.5, len(self.levels) - 0.5, len(self.levels))
        y = self._upwards
        marks = [self._band(n, curve, x, y) for n, curve in enumerate(self.curves)]
        for n, curve in enumerate(self.curves):
            rows = () if curve.rows is None else curve.rows
            marks += [self._path(curve.x, row, x, y, f"curve faint l{n % COLOURS}") for row in rows]
        marks += [self._line(n, curve, x, y) for n, curve in enumerate(self.curves)]
        if self.rug is not None:
            marks += [line(place, 975, place, WIDE, "rug") for place in sorted({round(p) for p in x.places(self.rug)})]
        names = (
            [own(one) for one in self.levels]
            if self.levels is not None
            else [*map(self.ticks, x.ticks)]
            if self.ticks
            else []
        )
        plot = framed(
            x, y, join(marks), x_title=self.x_title, y_title=self.y_title, alt=self.alt or self._alt(), x_names=names
        )
        return element("figure", plot, self._keys() if len(self.curves) > 1 else None)

    @property
    def _upwards(self) -> Scale:
        """Over the curves and rows, and over the bands as far as these flatten nothing."""
        ends = [curve.y for curve in self.curves] + [curve.rows for curve in self.curves if curve.rows is not None]
        known = np.concatenate([np.ravel(one) for one in ends] or [np.zeros(1)])
        known = known[np.isfinite(known)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
        room = (high - low) or abs(high) or 1.0
        bands = [np.clip(side, low - room, high + room) for curve in self.curves if curve.band for side in curve.band]
        return Scale.over(known, *bands)

    def _line(self, n: int, curve: Curve, x: Scale, y: Scale) -> Html:
        if self.levels is not None:  # between levels there is nothing: short lines across
            known = [(a, b) for a, b in zip(curve.x, curve.y, strict=True) if np.isfinite(b)]
            reach, step = 0.3 / max(len(self.curves), 1), (n - (len(self.curves) - 1) / 2.0) * 0.6 / max(len(self.curves), 1)
            path = "".join(
                f"M{x.place(a + step - reach):g} {height(y, b):g}H{x.place(a + step + reach):g}" for a, b in known
            )
            return element("path", d=path, class_=curve.classes(n))
        return self._path(curve.x, curve.y, x, y, curve.classes(n))

    def _path(self, across: Floats, up: Floats, x: Scale, y: Scale, class_: str) -> Html:
        """A path through the known points, broken where one is not known."""
        told, pen = [], "M"
        for a, b in zip(across, up, strict=True):
            if np.isfinite(b):
                told.append(f"{pen}{x.place(float(a)):g} {height(y, float(b)):g}")
            pen = "L" if np.isfinite(b) else "M"
        return element("path", d="".join(told), class_=class_)

    def _band(self, n: int, curve: Curve, x: Scale, y: Scale) -> Html | None:
        if curve.band is None:
            return None
        low, high = curve.band
        there = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
        if self.levels is not None:
            reach, step = 0.3 / max(len(self.curves), 1), (n - (len(self.curves) - 1) / 2.0) * 0.6 / max(len(self.curves), 1)
            boxes = "".join(
                f"M{x.place(curve.x[i] + step - reach):g} {height(y, low[i]):g}H{x.place(curve.x[i] + step + reach):g}"
                f"V{height(y, high[i]):g}H{x.place(curve.x[i] + step - reach):g}z" for i in there
            )  # fmt: skip
            return element("path", d=boxes, class_=f"band l{n % COLOURS}") if boxes else None
        parts = []
        for run in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1) if len(there) else ():
            above = [f"{x.place(float(curve.x[i])):g} {height(y, float(high[i])):g}" for i in run]
            below = [f"{x.place(float(curve.x[i])):g} {height(y, float(low[i])):g}" for i in run[::-1]]
            parts.append(f"M{'L'.join(above + below)}z")
        return element("path", d="".join(parts), class_=f"band l{n % COLOURS}") if parts else None

    def _keys(self) -> Html:
        keys = []
        for n, curve in enumerate(self.curves):
            sign = element("svg", line(0, 5, 30, 5, curve.classes(n)), viewBox="0 0 30 10", aria_hidden="true")
            keys.append(element("li", sign, name(curve.called, 60)))
        return element("ul", *keys, class_="keys")

    def _alt(self) -> str:
        told = []
        for curve in self.curves:
            known = curve.y[np.isfinite(curve.y)]
            if len(known):
                told.append(f"{curve.called} from {number(known[0])} to {number(known[-1])}")
        return f"{self.y_title}, across {self.x_title}: {'; '.join(told) or 'nothing is known'}"
