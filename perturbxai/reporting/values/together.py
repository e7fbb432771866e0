"""The figure of an H statistic: how much columns and pairs act together, beside what so few rows show by chance."""

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Outputs
from perturbxai.core.wording import count
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import GREY, left_out, rc, value_lines
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values.panels import done, height_of, panels
from perturbxai.reporting.values.view import panels_of
from perturbxai.results.h_statistic import HStatistic

COLUMNS, PAIRS = "#5B7FA6", "#8C4A9E"
AXIS = "H²: share of what they do"
WIDTH = 4.6  # inches of a panel, with its second part


@dataclass(frozen=True, eq=False)
class Acting:
    """What of an H statistic is drawn: which outputs, and which columns, then pairs, by number."""

    found: HStatistic
    outputs: list[int]
    n_left_out: int
    lines: list[int]

    @property
    def labels(self) -> list[str]:
        names = (self.found.features[n] for n in self.lines)
        return [" × ".join(texts(one, 16)) if isinstance(one, tuple) else texts([one])[0] for one in names]

    @property
    def about(self) -> str:
        features = self.found.features
        n_pairs, hidden = sum(isinstance(one, tuple) for one in features), len(features) - len(self.lines)
        about = f"{count(len(features) - n_pairs, 'column')} against all others, {count(n_pairs, 'pair')}"
        about += "; grey: as far as chance goes" + f"; {hidden} more not shown" * bool(hidden)
        return about + left_out(self.n_left_out)

    def colours(self, k: int) -> list[str]:
        """Of each line: grey where it is not beyond chance."""
        sure = self.found.values[self.lines, k] > self.found.threshold[self.lines, k]
        own = [PAIRS if isinstance(self.found.features[n], tuple) else COLUMNS for n in self.lines]
        return [colour if beyond else GREY for colour, beyond in zip(own, sure, strict=True)]

    def end(self, k: int) -> float:
        """Where the axis ends."""
        found = self.found
        return 1.25 * max(float(np.max([*found.values[self.lines, k], *found.threshold[self.lines, k]])), 1e-12)


def acting(found: HStatistic, kind: str | None, output: Outputs | None, top: int, ax: Axes | None) -> Acting:
    """Raises ValueError for another kind, and an unknown output."""
    if kind not in (None, "bars"):
        raise ValueError(f"kind={kind!r} draws no H statistic; take bars.")
    outputs, n_left_out = panels_of(found.outputs, output, found.strength.sum(axis=0), ax)
    return Acting(found, outputs, n_left_out, _lines(found, outputs, top))


@rc
def together(shown: Acting, ax: Axes | None) -> Drawing:
    """A panel an output: columns against all others, then pairs; H squared, and on the right the interaction's size."""
    figure, axes = panels(len(shown.outputs), height_of(len(shown.lines), 0.26), ax, WIDTH)
    for axis, k in zip(axes, shown.outputs, strict=True):
        _panel(axis, shown, k)
        value_lines(axis, shown.labels, AXIS)
        axis.set_title(texts(shown.found.outputs)[k])
    return done(figure, ax, shown.about)


def _lines(found: HStatistic, outputs: list[int], top: int) -> list[int]:
    """Numbers of the lines that are drawn: `top` columns and `top` pairs, each kind by its strength."""
    strength = found.strength[:, outputs].max(axis=1)
    order = np.argsort(-strength, kind="stable").tolist()
    columns = [n for n in order if not isinstance(found.features[n], tuple)]
    pairs = [n for n in order if isinstance(found.features[n], tuple)]
    return [*columns[:top], *pairs[:top]]


def _panel(axis: Axes, shown: Acting, k: int) -> None:
    found, lines = shown.found, shown.lines
    place, colours, end = np.arange(len(lines)), shown.colours(k), shown.end(k)
    values, threshold, floor = (getattr(found, what)[lines, k] for what in ("values", "threshold", "floor"))
    low, high = (end[lines, k] for end in found.interval())
    sure = values > threshold
    # what chance would show lies behind: up to its mean dark, up to its 95th percentile light
    axis.barh(place, threshold, height=0.9, color="#E4E4E4", linewidth=0, zorder=1)
    axis.barh(place, floor, height=0.9, color="#CDCDCD", linewidth=0, zorder=1)
    axis.barh(place, values, height=0.5, color=colours, alpha=0.85, linewidth=0, zorder=2)
    axis.hlines(place[sure], low[sure], np.minimum(high[sure], end), color="#222222", linewidth=1.2, zorder=3)
    axis.set_xlim(0.0, end)
    axis.locator_params(axis="x", nbins=4)
    beside = axis.inset_axes((1.04, 0.0, 0.42, 1.0), sharey=axis)
    beside.barh(place, found.strength[lines, k], height=0.5, color=colours, alpha=0.85, linewidth=0)
    beside.tick_params(labelleft=False, left=False)
    beside.locator_params(axis="x", nbins=3)
    beside.set_xlabel("in units of\nthe output")
    beside.spines[["top", "right"]].set_visible(False)
