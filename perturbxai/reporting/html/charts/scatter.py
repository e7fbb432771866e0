"""What a column has against what it adds, a dot a row, coloured by the column that goes with what is left of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.html.charts.frame import framed, height
from perturbxai.reporting.html.charts.shades import as_numbers, legend, shades
from perturbxai.reporting.html.charts.strip import dots, line
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.numbers import number, own, signed
from perturbxai.reporting.html.scale import WIDE, Scale

MOST_LEVELS = 12  # of a column of words; the rest is "other"
MOST = 400  # dots
MISSING = own(None)


@dataclass(frozen=True, eq=False)
class Scatter:
    """n rows of one column.

    called   the column;  has (n,) what the rows have there;  values (n,) what it adds, half (n,) of its 95 % interval
    partner  what the colours are of, and (n,) what the rows have there; None where no column goes with it
    rows     (n,) the number of the row's panel on the page, -1 where it has none
    unit     what is added to the name of the axis upwards
    """

    called: object
    has: Sequence[object]
    values: Floats
    half: Floats
    rows: Ints
    partner: tuple[object, Sequence[object]] | None = None
    unit: str = ""

    def figure(self) -> Html:
        """Intervals below the dots, and a legend of their colours."""
        chosen = self._chosen
        x, places, levels = self._across(chosen)
        known = np.isfinite(self.half)
        reach = np.where(known, self.half, 0.0)
        span = np.ptp(self.values) or 1.0
        y = Scale.over(self.values, np.clip(self.values + reach, None, self.values.max() + span),
                       np.clip(self.values - reach, self.values.min() - span, None), zero=True)  # fmt: skip
        colour = self._colours()
        marks: list[object] = []
        for n, place in zip(chosen, places, strict=True):
            value, half = float(self.values[n]), float(reach[n])
            if half > 0 and len(chosen) <= 120:
                marks.append(line(place, height(y, value - half), place, height(y, value + half), "thin"))
        for n, place in zip(chosen, places, strict=True):
            row = int(self.rows[n])
            marks.append(dots([(place, height(y, float(self.values[n])))], colour[n], data_row=row if row >= 0 else None))
        plot = framed(
            x, y, join(marks), x_title=self.called, y_title=f"adds to the output{self.unit}", alt=self._alt(), x_names=levels
        )
        return element("div", plot, self._legend())

    @property
    def _chosen(self) -> Ints:
        if len(self.values) <= MOST:
            return np.arange(len(self.values))
        order = np.argsort(as_numbers(self.has), kind="stable")
        spread = order[np.linspace(0, len(order) - 1, MOST).round().astype(int)]
        return np.unique(np.concatenate([spread, np.flatnonzero(self.rows >= 0)]))

    def _across(self, chosen: Ints) -> tuple[Scale, list[float], list[str]]:
        """The axis, where each chosen row lies on it, and the names of levels, or of ticks that are no numbers."""
        words = [own(one) for one in self.has]
        if (axis := self._of_numbers(words)) is not None:
            x, numbers, names = axis
            return x, [x.place(float(numbers[n])) for n in chosen], names
        truth = all(isinstance(one, (bool, np.bool_)) for one, text in zip(self.has, words, strict=True) if text != MISSING)
        common = dict.fromkeys(words, 0) if truth else Counter(words)  # no before yes, whichever is commoner
        levels = sorted(common, key=lambda text: (text == MISSING, -common[text], text))
        levels = levels if len(levels) <= MOST_LEVELS else [*levels[: MOST_LEVELS - 1], "other"]
        at = {text: n for n, text in enumerate(levels)}
        wide = WIDE / len(levels)
        # rows of one level lie beside each other, in their order, and not over each other
        places = [round(wide * (at.get(words[n], len(levels) - 1) + 0.2 + 0.6 * ((0.618034 * n) % 1.0)), 1) for n in chosen]
        return Scale(0.0, 1.0, len(levels)), places, levels

    def _of_numbers(self, words: Sequence[str]) -> tuple[Scale, Floats, list[str]] | None:
        """The axis of numbers or moments, (n,) where rows lie on it, and names of ticks; missing ones a step below the rest.

        None for words, and for truth values, which are levels.
        """
        numbers = as_numbers(self.has)
        known, missing = np.isfinite(numbers), np.array([text == MISSING for text in words])
        if not (known | missing).all() or not known.any() or any(isinstance(one, (bool, np.bool_)) for one in self.has):
            return None
        x = Scale.over(numbers[known], steps=7)
        moments = any(hasattr(one, "timestamp") for one in self.has)
        names = [_day(tick) for tick in x.ticks] if moments else []
        if not missing.any():
            return x, numbers, names
        step = (x.high - x.low) / x.steps
        apart = Scale(x.low - step, x.high, x.steps + 1)
        return apart, np.where(missing, apart.low, numbers), [MISSING, *(names or x.names)]

    def _colours(self) -> list[str]:
        return ["q2"] * len(self.values) if self.partner is None else shades(as_numbers(self.partner[1]))

    def _legend(self) -> Html | None:
        if self.partner is None:
            return None
        numbers = as_numbers(self.partner[1])
        low, high = np.nanpercentile(numbers, (5, 95))
        called = element("bdi", self.partner[0])
        return element(
            "div", element("span", "Colour: ", called, class_="legend"), legend(number(low), number(high)), class_="legends"
        )

    def _alt(self) -> str:
        lowest, highest = int(self.values.argmin()), int(self.values.argmax())
        return (
            f"{self.called}: {len(self.values)} rows, from {signed(self.values[lowest])} where it is "
            f"{own(self.has[lowest])} "
            f"to {signed(self.values[highest])} where it is {own(self.has[highest])}"
        )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
