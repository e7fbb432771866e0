"""Figures of methods set against one of them: mean differences with intervals, and mean ranks."""

from dataclasses import dataclass

import numpy as np

from perturbxai.calls.describing_versus import p_value
from perturbxai.calls.versus import Versus
from perturbxai.core.types import Bools, Floats, Frame
from perturbxai.core.wording import count
from perturbxai.metrics.statistics.friedman import critical_difference
from perturbxai.reporting.lettering import number, text
from perturbxai.reporting.style import rc, styles_of, titles, value_lines
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values.panels import done, height_of, panels

WIDTH = 4.6  # inches of the panel
BAND = "#E9E9E9"
EACH = 0.27  # inches of a line


@dataclass(frozen=True, eq=False)
class Paired:
    """What of a `Versus` is drawn: its lines, those that were tested first, each kind from the best difference on."""

    found: Versus
    lines: Frame

    @property
    def names(self) -> list[str]:
        called = titles(self.found.results)
        return [called[one] for one in self.lines.method]

    @property
    def colours(self) -> list[str]:
        styles = styles_of(self.found.results)
        return [styles[one]["color"] for one in self.lines.method]

    @property
    def against(self) -> str:
        return titles(self.found.results)[self.found.against]

    @property
    def axis(self) -> str:
        return f"mean difference of {text(self.found.metric)}: right of 0 better than {self.against}"

    @property
    def about(self) -> str:
        found = self.found
        level = number(100 * found.level)
        return (
            f"{text(found.metric)} against {self.against}, {count(found.n_inputs, found.what)}; bars: {level} % interval\n"
            "full: tested, open: not; grey: smaller differences would hardly have been seen"
            f"{'; dotted: an interval without ends' if self.endless.any() else ''}"
            f"{'; dashed: the margin' if self.margins else ''}"
        )

    @property
    def margins(self) -> tuple[float, ...]:
        """Between which a difference does not matter, where that was said."""
        return () if self.found.margin is None else (-self.found.margin, self.found.margin)

    @property
    def ends(self) -> tuple[float, float]:
        """Of the axis: all that is finite has room on it."""
        columns = ("difference", "low", "high", "detectable")
        reach = np.concatenate([self.lines[one].to_numpy(dtype=np.float64) for one in columns])
        reach = np.concatenate([reach, -self.lines.detectable.to_numpy(dtype=np.float64), [0.0], self.margins])
        reach = reach[np.isfinite(reach)]
        low, high = float(reach.min()), float(reach.max())
        room = 0.06 * (high - low) or 1.0
        return low - room, high + room

    @property
    def endless(self) -> Bools:
        """Which intervals have no ends, because inputs are too few or all differ alike."""
        return np.asarray(~np.isfinite(self.lines.low.to_numpy(dtype=np.float64)))

    def interval(self) -> tuple[Floats, Floats]:
        """Its ends, those of the axis where they are infinite."""
        low, high = self.ends
        lows, highs = (self.lines[one].to_numpy(dtype=np.float64) for one in ("low", "high"))
        return np.maximum(lows, low), np.minimum(highs, high)


@dataclass(frozen=True, eq=False)
class Ranked:
    """What of the ranks is drawn: methods from the best mean rank on, and how far apart two must be (Nemenyi)."""

    found: Versus
    order: list[int]
    apart: float

    @property
    def methods(self) -> list[str]:
        return [self.found.methods[n] for n in self.order]

    @property
    def names(self) -> list[str]:
        called = titles(self.found.results)
        return [called[one] for one in self.methods]

    @property
    def ranks(self) -> Floats:
        return np.asarray(self.found.friedman.mean_ranks[self.order])

    @property
    def axis(self) -> str:
        return f"mean rank by {text(self.found.metric)} (1 is best)"

    @property
    def about(self) -> str:
        ranks = self.found.friedman
        return (
            f"{count(ranks.n_inputs, self.found.what)}; Friedman {p_value(ranks.p)}\n"
            "grey: as far as chance parts two of so many methods (a picture only: ranks hang on who else is compared)"
        )


def paired(found: Versus, kind: str | None, output: object) -> tuple[str, Paired | Ranked]:
    """(the figure's name, what it shows). Raises ValueError for another kind, an output, and ranks that there are not."""
    if output is not None:
        raise ValueError(f"output={output!r}: a Versus is of one metric and of all outputs together; leave output= out.")
    if kind in (None, "forest"):
        lines = found.table[found.table.inputs > 0]
        return "forest", Paired(found, lines.sort_values(["primary", "difference"], ascending=False, kind="stable"))
    if kind != "ranks":
        raise ValueError(f"kind={kind!r} draws no Versus; take forest or ranks.")
    ranks = found.friedman
    if not np.isfinite(ranks.p):
        raise ValueError(
            "kind='ranks' needs three methods that were scored at two inputs or more, under fills that are common to all; "
            "compare more, or take kind='forest'."
        )
    order = np.argsort(ranks.mean_ranks, kind="stable").tolist()
    return "ranks", Ranked(found, order, critical_difference(len(order), ranks.n_inputs))


@rc
def forest(shown: Paired, ax: Axes | None) -> Drawing:
    """A line a method: the mean difference with its interval, before what would not have been seen."""
    figure, (axis,) = panels(1, height_of(len(shown.lines), EACH) + 0.2, ax, WIDTH)
    place, (low, high) = np.arange(len(shown.lines)), shown.interval()
    seen = shown.lines.detectable.to_numpy(dtype=np.float64)
    known = np.isfinite(seen)
    axis.barh(place[known], 2 * seen[known], left=-seen[known], height=0.86, color=BAND, linewidth=0, zorder=0)
    axis.axvline(0.0, color="#555555", linewidth=0.8, zorder=1)
    for margin in shown.margins:
        axis.axvline(margin, color="#555555", linewidth=0.8, linestyle="--", zorder=1)
    for n, colour in enumerate(shown.colours):
        axis.hlines(
            place[n], low[n], high[n], color=colour, linewidth=1.6, linestyle=":" if shown.endless[n] else "-", zorder=2
        )
        face = colour if shown.lines.primary.iloc[n] else "white"
        mean = shown.lines.difference.iloc[n]
        axis.plot(mean, place[n], "o", markerfacecolor=face, markeredgecolor=colour, markersize=6, zorder=3)
    axis.set_xlim(*shown.ends)
    axis.locator_params(axis="x", nbins=6)
    value_lines(axis, shown.names, shown.axis)
    return done(figure, ax, shown.about)


@rc
def ranks(shown: Ranked, ax: Axes | None) -> Drawing:
    """A line a method, the best mean rank on top; grey reaches from it as far as two ranks may lie apart by chance."""
    figure, (axis,) = panels(1, height_of(len(shown.order), EACH) + 0.2, ax, WIDTH)
    best, styles = float(shown.ranks[0]), styles_of(shown.found.results)
    axis.axvspan(best, best + shown.apart, color=BAND, linewidth=0, zorder=0)
    for n, name in enumerate(shown.methods):
        axis.hlines(n, 1.0, shown.ranks[n], color="#CCCCCC", linewidth=0.8, zorder=1)
        axis.plot(shown.ranks[n], n, "o", color=styles[name]["color"], markersize=6, zorder=2)
    axis.set_xlim(0.8, len(shown.order) + 0.2)
    axis.locator_params(axis="x", nbins=6, integer=True)
    value_lines(axis, shown.names, shown.axis)
    return done(figure, ax, shown.about)
