"""Interactive differences: a line a feature from one side's mean to the other's."""

import numpy as np

from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record, canvas, key_of, listed, places, rule, value_lines, whiskers
from perturbxai.reporting.interactive.colours import LINE
from perturbxai.reporting.lettering import number
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.differences import AFTER, BEFORE, EACH, Sides
from perturbxai.reporting.values.panels import height_of

SHIFT = 0.2  # of a line, that the interval lies below the points


def figure(shown: Sides) -> Interactive:
    """A click on the legend hides a side in all panels."""
    made = canvas(
        shown.heads, shown.about, width=4.4, height=height_of(len(shown.shown), EACH) + 0.3, names=shown.labels,
        legend=shown.called,
    )  # fmt: skip
    keys: set[str] = set()
    for n, (at, k) in enumerate(zip(places((1, len(shown.outputs))), shown.outputs, strict=True)):
        rule(made, at, 0.0)
        _lines(made, at, shown, k)
        _intervals(made, at, shown, k)
        _points(made, at, shown, k, keys)
        value_lines(made, at, shown.labels, shown.axis, shown.reach(k), named=n == 0)
    return made


def _lines(made: Interactive, at: Record, shown: Sides, k: int) -> None:
    a, b = (side[shown.shown, k] for side in shown.ends)
    for moved, width in ((True, 2.5), (False, 1.0)):
        chosen = np.flatnonzero(shown.moved(k) == moved)
        x = [value for n in chosen for value in (float(a[n]), float(b[n]), None)]
        y = [value for n in chosen for value in (float(n), float(n), None)]
        line = {"color": LINE, "width": width}
        made.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False, **at)


def _intervals(made: Interactive, at: Record, shown: Sides, k: int) -> None:
    """Around b, thick of one and thin of all; across the panel and dotted where there are no ends."""
    b, low, high = shown.ends[1][shown.shown, k], *shown.reach(k)
    y = listed(np.arange(len(b)) + SHIFT)
    for simultaneous, width in ((True, 0.8), (False, 2.6)):
        half = shown.of.half(simultaneous=simultaneous)[shown.shown, k]
        made.add_scatter(
            x=listed(b), y=y, mode="markers", marker={"size": 1, "opacity": 0}, showlegend=False, hoverinfo="skip",
            error_x=whiskers(half, width, AFTER), **at,
        )  # fmt: skip
    for n in np.flatnonzero(shown.endless[shown.shown, k]):
        made.add_scatter(
            x=[low, high], y=[n + SHIFT] * 2, mode="lines", line={"color": AFTER, "width": 0.8, "dash": "dot"},
            hoverinfo="skip", showlegend=False, **at,
        )  # fmt: skip


def _points(made: Interactive, at: Record, shown: Sides, k: int, keys: set[str]) -> None:
    told, moved = _told(shown, k), shown.moved(k)
    for side, called, colour in zip(shown.ends, shown.called, (BEFORE, AFTER), strict=True):
        fills = [colour if one else "white" for one in moved]
        made.add_scatter(
            x=listed(side[shown.shown, k]), y=list(range(len(shown.shown))), mode="markers", hovertext=told,
            hoverinfo="text", marker={"size": 10, "color": fills, "line": {"color": colour, "width": 1.5}},
            **key_of(called, keys), **at,
        )  # fmt: skip


def _told(shown: Sides, k: int) -> list[str]:
    """Under the mouse: both means, the difference with its intervals, and whether it is beyond noise."""
    a, b = shown.ends
    low, high = shown.of.interval()
    low_all, high_all = shown.of.interval(simultaneous=True)
    moved, level = shown.of.moved, number(100 * shown.found.level)
    first, second = words.labels(shown.called)
    return [
        "<br>".join([
            words.told(shown.found.names[p]),
            f"{first} {number(a[p, k])}, {second} {number(b[p, k])}",
            f"difference {number(shown.of.difference[p, k], 4, True)}, {level} &#37;: {number(low[p, k], 3)} to "
            f"{number(high[p, k], 3)}",
            f"of all at once {number(low_all[p, k], 3)} to {number(high_all[p, k], 3)}",
            "beyond the noise of all" if moved[p, k] else "not beyond the noise of all",
        ])
        for p in shown.shown
    ]  # fmt: skip
