"""Interactive panels of one column's effects: curves with bands, rows' curves, bars of levels, and where the data are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbxai.core.types import Bools, Floats
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.reporting.curves.axis_places import Ground, rows_of
from perturbxai.reporting.curves.column_panel import (
    AXIS,
    DATA,
    MARKED,
    STRIP,
    WARNING,
    Drawn,
    base_of,
    crowd_of,
    limits,
    read,
    room,
    span,
    split,
    unlike,
)
from perturbxai.reporting.curves.figure import above_of, alike_of
from perturbxai.reporting.curves.view import Line, Panel
from perturbxai.reporting.interactive import axes, row_curves, words
from perturbxai.reporting.interactive.canvas import Record, add_whiskers, key_of, listed, rule, whiskers
from perturbxai.reporting.interactive.colours import pale
from perturbxai.reporting.lettering import number
from perturbxai.reporting.types import Interactive

NO_WORDS: Record = {"hoverinfo": "skip", "showlegend": False}


def panel(
    made: Interactive, at: Record, one: Panel, drawn: Sequence[Panel], space: TabularSpace | None, keys: set[str]
) -> None:
    """One panel. drawn: all of the figure, some of which share its ends;  keys: what the legend has so far, is added to."""
    (ground,), alike = one.ground, alike_of(one, drawn)
    ends = limits(alike)
    found = rows_of(one.effects, ground, space) if one.scale != "derivative" else None
    unit, low, high = room(ends, above_of(alike), found is not None)
    means = [line for line in one.lines if line.mean]
    for line in one.lines:
        numbers = read(line, one.k, ground)
        if len(numbers.rows):
            row_curves.draw(made, at, one, line, numbers, keys)
        if line.mean and ground.levels:
            _bars(made, at, one, line, numbers, (means.index(line), len(means)), keys)
        elif line.mean:
            _curve(made, at, one, line, numbers, keys)
    if one.scale != "raw":
        rule(made, at, 0.0, "h")
    if found is not None:
        _data(made, at, ground, crowd_of(found, ground), (low, STRIP * unit), keys)
    if one.said is not None:
        _warning(made, at, one, (low + (STRIP + 0.008) * unit, 0.02 * unit))
    axes.name(made, at, ground, span(ground))
    made.update_yaxes(range=[low, high], nticks=6, **at)


def _told(one: Panel, line: Line, numbers: Drawn) -> list[str]:
    """Under the mouse at each point: the method, the column's value there, the curve's with its 95 % errors."""
    (ground,) = one.ground
    held = axes.held(ground, line.effect.grid[0])
    low, high = numbers.band
    amounts = words.amounts(numbers.y, low, high)
    half = (numbers.whole_band[1] - numbers.whole_band[0]) / 2.0
    whole = [
        f"<br>± {number(h, 2)} for the whole curve" if np.isfinite(h) and h > 1e-9 * abs(y) else ""
        for h, y in zip(half, numbers.y, strict=True)
    ]
    head = f"{words.label(line.label)}, {AXIS[one.scale]}"
    return [f"{point}<br>{amount}{w}<br>{head}" for point, amount, w in zip(held, amounts, whole, strict=True)]


def _curve(made: Interactive, at: Record, one: Panel, line: Line, numbers: Drawn, keys: set[str]) -> None:
    """A curve, dotted where no row is behind it, in its pointwise band, with thin lines for the simultaneous one."""
    (ground,) = one.ground
    known = slice(0, len(numbers.y) - numbers.missing)
    x, y, key, told = numbers.at[known], numbers.y[known], key_of(line.label, keys), _told(one, line, numbers)
    group = {"legendgroup": key["legendgroup"]}
    _band(made, at, ground, x, numbers.band[:, known], pale(line.colour, 0.1 if line.among else 0.22), group | NO_WORDS)
    for end in numbers.whole_band[:, known]:
        if np.isfinite(end).any():
            _line(made, at, ground, (x, end), {"color": line.colour, "width": 0.8}, group | NO_WORDS)
    filled = numbers.filled[: max(len(x) - 1, 0)]
    _line(made, at, ground, split(x, y, ~filled), {"color": line.colour, "width": 2.4}, {**key, "hoverinfo": "skip"})
    if filled.any():
        dotted = {"color": line.colour, "width": 2.0, "dash": "dot"}
        _line(made, at, ground, split(x, y, filled), dotted, group | NO_WORDS)
    seen = {"color": line.colour, "size": 6, "opacity": float(len(x) <= MARKED and not line.among)}
    tells = {"mode": "markers", "hoverinfo": "text", "showlegend": False, **group, **at}
    made.add_scatter(x=axes.across(ground, x), y=listed(y), hovertext=told[known], marker=seen, **tells)
    if numbers.missing:
        last, error = (
            axes.across(ground, numbers.at[-1:]),
            whiskers(np.diff(numbers.band, axis=0)[0, -1:] / 2.0, 2.0, line.colour),
        )
        apart = {"color": line.colour, "size": 8, "symbol": "diamond"}
        made.add_scatter(x=last, y=listed(numbers.y[-1:]), hovertext=told[-1:], marker=apart, error_y=error, **tells)


def _line(made: Interactive, at: Record, ground: Ground, points: tuple[Floats, Floats], line: Record, look: Record) -> None:
    made.add_scatter(x=axes.across(ground, points[0]), y=listed(points[1]), mode="lines", line=line, **look, **at)


def _band(made: Interactive, at: Record, ground: Ground, x: Floats, band: Floats, colour: str, look: Record) -> None:
    """The area between the ends of a band, where both are known: a polygon for each stretch of such points."""
    xs: list[Any] = []
    ys: list[Any] = []
    for stretch in _stretches(np.asarray(np.isfinite(band).all(axis=0))):
        way = np.concatenate([stretch, stretch[::-1]])
        xs += [*axes.across(ground, x[way]), None]
        ys += [*band[0, stretch].tolist(), *band[1, stretch[::-1]].tolist(), None]
    if xs:
        made.add_scatter(x=xs, y=ys, mode="lines", line={"width": 0}, fill="toself", fillcolor=colour, **look, **at)


def _stretches(known: Bools) -> list[Any]:
    """Numbers of points that follow each other, of those that are known."""
    points = np.flatnonzero(known)
    return [] if not len(points) else np.split(points, np.flatnonzero(np.diff(points) > 1) + 1)


def _bars(
    made: Interactive, at: Record, one: Panel, line: Line, numbers: Drawn, among: tuple[int, int], keys: set[str]
) -> None:
    """A bar a level from the mean of all, beside those of the other methods, with both intervals."""
    which, total = among
    width, base = 0.78 / total, base_of(one, line, numbers)
    x, key, told = numbers.at + (which - (total - 1) / 2.0) * width, key_of(line.label, keys), _told(one, line, numbers)
    common = {"x": listed(x), "hovertext": told, "hoverinfo": "text", "legendgroup": key["legendgroup"]}
    look = {"color": line.colour, "line": {"width": 0}}
    made.add_bar(y=listed(numbers.y - base), base=base, width=0.9 * width, marker=look, **(key | common), **at)
    if any(len(read(other, one.k, one.ground[0]).rows) for other in one.lines):
        _before_rows(made, at, line, x, (base, numbers.y), 0.45 * width, key["legendgroup"])
    half, whole = ((band[1] - band[0]) / 2.0 for band in (numbers.band, numbers.whole_band))
    for error, thick in ((whole, 0.9), (half, 2.2)):
        add_whiskers(made, at, {"y": listed(numbers.y), "error_y": whiskers(error, thick), **common})
    if base:
        rule(made, at, base, "h")


def _before_rows(
    made: Interactive, at: Record, line: Line, x: Floats, y: tuple[float, Floats], half: float, group: str
) -> None:
    """The bars once more as areas, for lines (those of rows) lie on bars and below areas."""
    base, ends = y
    gap = np.full(len(x), np.nan)
    xs = np.column_stack([x - half, x - half, x + half, x + half, gap]).ravel()
    ys = np.column_stack([np.full(len(x), base), ends, ends, np.full(len(x), base), gap]).ravel()
    made.add_scatter(
        x=listed(xs), y=listed(ys), mode="lines", line={"width": 0}, fill="toself", fillcolor=pale(line.colour, 0.75),
        legendgroup=group, **NO_WORDS, **at,
    )  # fmt: skip


def _data(made: Interactive, at: Record, ground: Ground, crowd: Any, place: tuple[float, float], keys: set[str]) -> None:
    """Below the curves: how many rows are where. place: the lower end, and the height of the highest bar."""
    low, high = place
    name = "rows of the data"
    told = [f"{count:,} row{'s' * (count != 1)} here" for count in crowd.counts.tolist()]
    made.add_bar(
        x=axes.across(ground, crowd.at), width=axes.wide(ground, crowd.width), y=listed(high * crowd.height), base=low,
        marker={"color": DATA, "line": {"width": 0}}, hovertext=told, hoverinfo="text", name=name, legendgroup=name,
        showlegend=name not in keys, **at,
    )  # fmt: skip
    keys.add(name)


def _warning(made: Interactive, at: Record, one: Panel, place: tuple[float, float]) -> None:
    """How much of what is asked lies where no row is, in words and, point by point, as a strip."""
    assert one.said is not None
    (ground,), (edges, share, says) = one.ground, unlike(one, one.said)
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    made.add_bar(
        x=axes.across(ground, middle),
        width=axes.wide(ground, width),
        y=[place[1]] * len(share),
        base=place[0],
        marker={"color": [pale(WARNING, float(part)) for part in share], "line": {"width": 0}},
        hoverinfo="text",
        showlegend=False,
        hovertext=[f"{part:.0%} of what is asked here lies where no row is" for part in share],
        **at,
    )
    made.add_annotation(
        x=0.02, y=0.99, xref="x domain", yref="y domain", text=words.label(says), showarrow=False, xanchor="left",
        yanchor="top", align="left", font={"size": 10, "color": WARNING}, **at,
    )  # fmt: skip
