"""The interactive figure of a comparison's scores."""

import numpy as np

from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record, canvas, listed, places, value_lines, whiskers
from perturbxai.reporting.interactive.colours import FAINT
from perturbxai.reporting.lettering import number, text
from perturbxai.reporting.style import styles_of, titles
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.panels import height_of
from perturbxai.reporting.values.scores import WIDTH, Point, Scored, widened


def figure(shown: Scored) -> Interactive:
    """A panel a metric: a line a method, full points under other fills, open ones under a map's own."""
    called = titles(shown.found.results)
    names = [called[one] for one in shown.order]
    heads = [text(name) for name in shown.points]
    made = canvas(heads, shown.about, width=WIDTH, height=height_of(len(names)), names=names)
    for n, (at, (name, points)) in enumerate(zip(places((1, len(heads))), shown.points.items(), strict=True)):
        for method, point in points.items():
            _point(made, at, shown, method, point, words.label(called[method]), heads[n])
        value_lines(made, at, names, shown.axis(name), _ends(list(points.values())), named=n == 0)
        made.update_xaxes(showgrid=True, gridcolor=FAINT, nticks=5, **at)
    return made


def _point(made: Interactive, at: Record, shown: Scored, method: str, point: Point, title: str, metric: str) -> None:
    y, colour = shown.order.index(method), styles_of(shown.found.results)[method]["color"]
    head = f"{title}<br>{words.label(metric)} "
    told = f"{head}{words.amount(point.mean, point.mean - point.half, point.mean + point.half, sign=False)}"
    if np.isfinite(point.home):
        made.add_scatter(
            x=[point.home],
            y=[y],
            mode="markers",
            marker={"size": 10, "color": "white", "line": {"color": colour, "width": 1.5}},
            hovertext=[f"{head}{number(point.home)}<br>under the map's own fill"],
            hoverinfo="text",
            showlegend=False,
            **at,
        )
        told += f"<br>under the map's own fill {number(point.home)}"
    made.add_scatter(
        x=[point.mean], y=[y], mode="markers", marker={"size": 10, "color": colour},
        error_x=whiskers(np.array([point.half]), 2.0, colour), hovertext=[told], hoverinfo="text", showlegend=False, **at,
    )  # fmt: skip


def _ends(points: list[Point]) -> tuple[float, float]:
    ends = [
        end for one in points for end in (one.mean - np.nan_to_num(one.half), one.mean + np.nan_to_num(one.half), one.home)
    ]
    known = [end for end in listed(ends) if end is not None] or [0.0]
    room = 0.06 * (max(known) - min(known))
    low, high = widened(min(known) - room, max(known) + room)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
