"""Rows' own curves (ICE) in interactive panels: light, all of them one trace, and one of them in black."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.curves.axis_places import Ground
from perturbxai.reporting.curves.column_panel import Drawn
from perturbxai.reporting.curves.view import Line, Panel
from perturbxai.reporting.interactive import axes, words
from perturbxai.reporting.interactive.canvas import Record, key_of, listed
from perturbxai.reporting.interactive.colours import pale
from perturbxai.reporting.lettering import number
from perturbxai.reporting.types import Interactive

DASH = 0.36  # of a step between levels: half of what stands for a row
MOST_TOLD = 20_000  # points of a panel, from which on only rows are named, for words would be most of a file


def draw(made: Interactive, at: Record, one: Panel, line: Line, numbers: Drawn, keys: set[str]) -> None:
    """All rows, light; above them the row that was asked for."""
    labels, every = line.effect.individual_rows, list(range(len(numbers.rows)))
    special = [n for n in every if labels is not None and one.row is not None and labels[n] == one.row][:1]
    key = key_of(f"{line.label}, single rows", keys)
    if key["showlegend"]:  # the lines are too light to be seen there
        made.add_scatter(x=[None], y=[None], mode="lines", line={"color": pale(line.colour, 0.7), "width": 1}, **key, **at)
    light = pale(line.colour, float(np.clip(30.0 / len(every), 0.06, 0.6)))
    look = {"mode": "lines", "hoverinfo": "text", "showlegend": False, **at}
    for chosen, colour, width in (([n for n in every if n not in special], light, 1.0), (special, "black", 2.0)):
        if chosen:
            x, y, told = _points(one, line, numbers, chosen)
            group = key["legendgroup"] if colour == light else None
            made.add_scatter(x=x, y=y, hovertext=told, line={"color": colour, "width": width}, legendgroup=group, **look)


def _points(one: Panel, line: Line, numbers: Drawn, chosen: Sequence[int]) -> tuple[list[object], list[object], list[str]]:
    """Where the curves go, across and up, with a gap after each, and what stands under the mouse there."""
    (ground,), labels = one.ground, line.effect.individual_rows
    held = axes.held(ground, line.effect.grid[0])
    called = {n: "a row" if labels is None else f"row {words.told(labels[n])}" for n in chosen}
    x, y = _of_rows(numbers, chosen, ground)
    if len(x) > MOST_TOLD:
        told = [called[n] for n in chosen for _ in range(len(x) // len(chosen))]
    else:
        told = [text for n in chosen for text in _told(held, called[n], numbers, n, ground.levels)]
    return axes.across(ground, x), listed(y), told


def _of_rows(numbers: Drawn, chosen: Sequence[int], ground: Ground) -> tuple[Floats, Floats]:
    """Curves; of levels, which nothing lies between, a dash each."""
    rows = numbers.rows[list(chosen)]
    if ground.levels:
        x = np.column_stack([numbers.at - DASH, numbers.at + DASH, np.full(len(numbers.at), np.nan)]).ravel()
        y = np.repeat(rows, 3, axis=1)
        y[:, 2::3] = np.nan
        return np.tile(x, len(rows)), y.ravel()
    gap = np.full((len(rows), 1), np.nan)
    x, y = np.append(numbers.at, np.nan), np.hstack([rows, gap])
    if numbers.missing:  # which no line leads to
        x, y = np.insert(x, -2, np.nan), np.insert(y, -2, np.nan, axis=1)
    return np.tile(x, len(rows)), y.ravel()


def _told(held: list[str], row: str, numbers: Drawn, n: int, levels: bool) -> list[str]:
    told = [f"{point}<br>{number(value)}<br>{row}" for point, value in zip(held, numbers.rows[n], strict=True)]
    if levels:
        return [text for one in told for text in (one, one, "")]
    return [*told[:-1], "", told[-1], ""] if numbers.missing else [*told, ""]
