"""The figure of a comparison: each method's mean score with what the choice of inputs leaves open, a panel a metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.calls.comparison import Comparison
from perturbxai.core import catalogue
from perturbxai.core.types import Floats, Frame
from perturbxai.reporting.lettering import text
from perturbxai.reporting.style import rc, styles_of, titles, value_lines
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values.panels import done, height_of, panels
from perturbxai.results.tidy import LEVEL, student

MOST_METRICS = 6
NARROWEST = 0.01  # width of a panel's axis, as a part of the largest score on it
WIDTH = 2.7  # inches of a panel


@dataclass(frozen=True, eq=False)
class Point:
    """A method's score by one metric: its mean over the inputs, half of the mean's 95 % interval, and the mean at home.

    half  NaN of a single input;  home  under the fill that a map was explained with, NaN where that is `mean` or not known
    """

    mean: float
    half: float
    home: float


@dataclass(frozen=True, eq=False)
class Scored:
    """What of a comparison is drawn: metric -> method -> its point; the methods from the best by the first metric."""

    found: Comparison
    points: dict[str, dict[str, Point]]
    order: list[str]

    def axis(self, metric: str) -> str:
        arrow = {"higher": "high is good", "lower": "low is good"}.get(_better(self.found, metric), "")
        return f"mean over inputs{f' ({arrow})' if arrow else ''}"

    @property
    def about(self) -> str:
        n_inputs = self.found.scores.row.map(str).nunique()
        wide = "; bars: 95 % interval of the mean" if n_inputs > 1 else ""
        homes = any(np.isfinite(one.home) for of_metric in self.points.values() for one in of_metric.values())
        home = "; open: under the fill a map was explained with, full: under others" if homes else ""
        return f"{n_inputs} input{'s' * (n_inputs != 1)}{wide}{home}"


def scored(found: Comparison, kind: str | None, metric: str | int | None, ax: Axes | None) -> Scored:
    """Raises ValueError for another kind, an unknown metric, several on one panel, and where nothing was scored."""
    if kind not in (None, "dots"):
        raise ValueError(f"kind={kind!r} draws no comparison; take dots, or one of its results: comparison.results['lime'].")
    shown = _metrics(found, metric, ax)
    lines = {name: found.scores[found.scores.metric == name] for name in shown}
    order = _order(lines[shown[0]], list(found.results), _better(found, shown[0]))
    points = {name: {one: _point(own, one) for one in order if _there(own, one)} for name, own in lines.items()}
    return Scored(found, points, order)


@rc
def scores(shown: Scored, ax: Axes | None) -> Drawing:
    """A line a method, the best by the first metric on top; full points under other fills, open ones under a map's own."""
    results, order = shown.found.results, shown.order
    figure, axes = panels(len(shown.points), height_of(len(order)), ax, WIDTH)
    styles, called = styles_of(results), titles(results)
    for axis, (name, points) in zip(axes, shown.points.items(), strict=True):
        _panel(axis, points, order, styles)
        value_lines(axis, [called[one] for one in order], shown.axis(name))
        axis.grid(axis="x", color="#EEEEEE", linewidth=0.6, zorder=0)
        axis.set_axisbelow(True)
        axis.locator_params(axis="x", nbins=5)
        axis.set_title(text(name))
    return done(figure, ax, shown.about)


def _better(found: Comparison, metric: str) -> str:
    known = catalogue.METRICS[metric].better if metric in catalogue.METRICS else ""
    return str(found.call.get("better", {}).get(metric, known))


def _metrics(found: Comparison, metric: str | int | None, ax: Axes | None) -> list[str]:
    """The metrics that get a panel: those that rank. Raises ValueError for an unknown one, and for several on one panel."""
    known = [str(one) for one in found.scores.metric.unique()]
    if metric is not None:
        if metric not in known:
            raise ValueError(
                f"output={metric!r} is no metric of this comparison; expected one of {', '.join(map(repr, known))}."
            )
        return [str(metric)]
    if not known:
        raise ValueError("the comparison has no score of single methods to draw; compare with metrics=['faithfulness'].")
    ranking = [one for one in known if _better(found, one)]
    chosen = sorted(ranking or known, key=lambda one: (one != "faithfulness", known.index(one)))[:MOST_METRICS]
    if ax is not None and len(chosen) > 1:
        raise ValueError(f"ax is one panel, and the comparison has {len(chosen)} metrics: say which, output={chosen[0]!r}.")
    return chosen


def _order(lines: Frame, names: Sequence[str], better: str) -> list[str]:
    """Methods from the best mean to the worst, those without a score last."""
    means = {name: float(np.mean(_by_input(lines, name, home=None))) if _there(lines, name) else np.inf for name in names}
    sign = 1.0 if better == "lower" else -1.0
    return sorted(names, key=lambda name: sign * means[name] if np.isfinite(means[name]) else np.inf)


def _there(lines: Frame, name: str) -> bool:
    return bool((lines.method == name).any())


def _by_input(lines: Frame, name: str, home: bool | None) -> Floats:
    """A mean an input: under a map's own fill, under others, or, of None, under others where there are any."""
    own = lines[lines.method == name]
    at_home = own.home.astype(bool)
    if home is None:
        home = not bool((~at_home).any())
    chosen = own[at_home if home else ~at_home]
    return np.asarray(chosen.groupby(chosen.row.map(str), sort=False).value.mean().to_numpy(), dtype=np.float64)


def _point(lines: Frame, name: str) -> Point:
    values = _by_input(lines, name, home=None)
    n = len(values)
    half = float(student(LEVEL, n - 1.0)) * float(values.std(ddof=1)) / np.sqrt(n) if n > 1 else np.nan
    home = _by_input(lines, name, home=True) if lines.scored_fill.nunique() > 1 else np.zeros(0)
    return Point(float(values.mean()), half, float(home.mean()) if len(home) else np.nan)


def _panel(axis: Axes, points: Mapping[str, Point], order: Sequence[str], styles: dict[str, Any]) -> None:
    """Points and intervals."""
    for name, one in points.items():
        y, colour = order.index(name), styles[name]["color"]
        if np.isfinite(one.half):
            axis.hlines(y, one.mean - one.half, one.mean + one.half, color=colour, linewidth=1.6, zorder=2)
        axis.plot(one.mean, y, "o", color=colour, markersize=6, zorder=3)
        if np.isfinite(one.home):
            axis.plot(one.home, y, "o", markerfacecolor="white", markeredgecolor=colour, markersize=6, zorder=2)
    axis.set_xlim(*widened(*axis.get_xlim()))


def widened(left: float, right: float) -> tuple[float, float]:
    """Ends of an axis so wide that scores which are equal but for rounding look equal, and have ticks to be read."""
    least = NARROWEST * max(abs(left), abs(right))
    return (left, right) if right - left >= least else ((left + right - least) / 2, (left + right + least) / 2)
