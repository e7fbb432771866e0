"""Figures of differences: a line a feature from one side's mean to the other's, with the interval of the difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats, Outputs
from perturbxai.core.wording import count
from perturbxai.reporting.lettering import text, texts
from perturbxai.reporting.style import GREY, left_out, rc, title, value_lines
from perturbxai.reporting.types import Artist, Axes, Drawing
from perturbxai.reporting.values import features
from perturbxai.reporting.values.panels import done, height_of, panels
from perturbxai.reporting.values.view import panels_of
from perturbxai.results.contrast import Contrast
from perturbxai.results.difference import Difference

KINDS = ("means", "sizes")
EACH = 0.34  # inches of a line
BEFORE, AFTER = GREY, "#D55E00"  # the two sides


@dataclass(frozen=True, eq=False)
class Sides:
    """What of a `Difference` is drawn: its means or mean sizes, of which features and outputs."""

    found: Difference
    kind: str
    outputs: list[int]
    n_left_out: int
    shown: list[int]
    rest: list[int]

    @cached_property
    def of(self) -> Contrast:
        """(P, K): of a single input that both are of, with the errors of its values alone."""
        if self.found.of_inputs is not None and len(self.found.a) == 1 and self.kind == "means":
            return self.found.of_inputs.part(0)
        return self.found.of_means if self.kind == "means" else self.found.of_sizes

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """(P, K) of a and of b."""
        found = self.found
        return (found.mean_a, found.mean_b) if self.kind == "means" else (found.size_a, found.size_b)

    @property
    def heads(self) -> list[str]:
        called = texts(self.found.outputs)
        return [called[k] for k in self.outputs] if len(self.found.outputs) > 1 else [""] * len(self.outputs)

    @property
    def labels(self) -> list[str]:
        return features.shown_labels(self.found.names, self.shown)

    @property
    def called(self) -> list[str]:
        """The two sides, each with how many inputs it has where these are others."""
        found = self.found
        sides = texts(found.called)
        if found.paired:
            return sides
        return [f"{side} ({count(n, found.what)})" for side, n in zip(sides, found.n_inputs, strict=True)]

    @property
    def axis(self) -> str:
        unit = "in units of the model's output"
        return f"mean value, {unit}" if self.kind == "means" else f"mean |value|, {unit}"

    @property
    def about(self) -> str:
        found = self.found
        at = f", {'the same ' * (len(found.a) > 1)}{count(len(found.a), found.what)}" if found.paired else ""
        head = text(title(found.name, next(iter(found.results.values()))))
        level = f"{100 * found.level:g} %"
        whiskers = f"{level} interval of the difference, around {self.called[1]}: thick of one, thin of all"
        endless = "; dotted: no ends, for a single input" if self.endless.any() else ""
        rest = features.more(len(self.rest)) + left_out(self.n_left_out)
        return f"{head}{at}; {whiskers}\nfull: beyond the noise of all, open: not{endless}{rest}"

    @property
    def endless(self) -> Bools:
        """(P, K): whose interval has no ends."""
        return np.asarray(~np.isfinite(self.of.stderr))

    def moved(self, k: int) -> Bools:
        """(n,) of the features shown."""
        return np.asarray(self.of.moved[self.shown, k])

    def reach(self, k: int) -> tuple[float, float]:
        """Of the axis: all that is finite has room on it."""
        a, b = (side[self.shown, k] for side in self.ends)
        half = self.of.half(simultaneous=True)[self.shown, k]
        ends = np.concatenate([a, b, b - half, b + half, [0.0]])
        ends = ends[np.isfinite(ends)]
        room = 0.05 * (float(np.ptp(ends)) or 1.0)
        return float(ends.min()) - room, float(ends.max()) + room


def sides(found: Difference, kind: str | None, output: Outputs | None, top: int, ax: Axes | None) -> Sides:
    """Raises ValueError for another kind and an unknown output, and for several outputs on one panel."""
    chosen = "means" if kind is None else checks.one_of("kind", kind, KINDS)
    outputs, n_left_out = panels_of(found.outputs, output, next(iter(found.results.values())).prediction.mean(axis=0), ax)
    made = Sides(found, chosen, outputs, n_left_out, [], [])
    shown, rest = features.leading(_order(made), top)
    return Sides(found, chosen, outputs, n_left_out, shown, rest)


def _order(made: Sides) -> list[int]:
    """Features from the largest difference on, those that are beyond noise first, each output on its own scale."""
    apart = np.abs(made.of.difference[:, made.outputs])
    share = (apart / np.maximum(apart.max(axis=0), 1e-300)).mean(axis=1)
    return [int(p) for p in np.lexsort((-share, ~made.of.moved[:, made.outputs].any(axis=1)))]


@rc
def dumbbells(shown: Sides, ax: Axes | None) -> Drawing:
    """A panel an output: a point of a, and one of b around which the interval of their difference lies."""
    figure, axes = panels(len(shown.outputs), height_of(len(shown.shown), EACH) + 0.3, ax, 4.4)
    for axis, k, head in zip(axes, shown.outputs, shown.heads, strict=True):
        _panel(axis, shown, k)
        axis.set_title(head)
    handles = side_handles(shown.called)
    if ax is not None:
        ax.legend(handles=handles, frameon=False)
    return done(figure, ax, shown.about, handles)


def _panel(axis: Axes, shown: Sides, k: int) -> None:
    a, b = (side[shown.shown, k] for side in shown.ends)
    low, high = shown.reach(k)
    axis.axvline(0.0, color="#CCCCCC", linewidth=0.8, zorder=0)
    for simultaneous, width in ((True, 0.8), (False, 2.4)):
        half = shown.of.half(simultaneous=simultaneous)[shown.shown, k]
        for n, end in enumerate(half):
            known = bool(np.isfinite(end))
            if known or simultaneous:
                axis.hlines(
                    n + 0.2, max(b[n] - end, low), min(b[n] + end, high), color=AFTER, linewidth=width,
                    linestyle="-" if known else ":", zorder=1,
                )  # fmt: skip
    moved = shown.moved(k)
    for n in range(len(a)):
        axis.plot(
            [a[n], b[n]], [n, n], color="#555555", solid_capstyle="butt", zorder=2, linewidth=2.0 if moved[n] else 1.0,
            alpha=1.0 if moved[n] else 0.5,
        )  # fmt: skip
        for at, colour in ((a[n], BEFORE), (b[n], AFTER)):
            face = colour if moved[n] else "white"
            axis.plot(at, n, "o", markerfacecolor=face, markeredgecolor=colour, markersize=6, zorder=3)
    axis.set_xlim(low, high)
    axis.locator_params(axis="x", nbins=6)
    value_lines(axis, shown.labels, shown.axis)


def side_handles(called: Sequence[str]) -> list[Artist]:
    """Both sides in a legend."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], linestyle="", marker="o", color=colour, label=label)
        for label, colour in zip(called, (BEFORE, AFTER), strict=True)
    ]
