"""The interactive figure of effects: panels of columns and pairs, and what they have in common said once."""

from perturbxai.reporting.curves.column_panel import AXIS
from perturbxai.reporting.curves.figure import HEIGHT, WIDTH, Asked, places_of
from perturbxai.reporting.interactive import axes, curves, surfaces
from perturbxai.reporting.interactive.canvas import Record, canvas
from perturbxai.reporting.types import Interactive

HIGHER = 0.35  # inches more than matplotlib's panels
TURNED = 44  # pixels for levels that are turned


def figure(asked: Asked) -> Interactive:
    """A click on the legend shows or hides a method in all panels."""
    drawn, (places, shape) = asked.drawn, places_of(asked.lines)
    heads = dict(zip(places, (panel.title for panel in drawn), strict=True))
    titles = [heads.get((row, column), "") for row in range(shape[0]) for column in range(shape[1])]
    pairs = any(len(panel.names) == 2 for panel in drawn)
    levels = TURNED * any(axes.crowded(panel.ground[0]) for panel in drawn)
    several = len({panel.scale for panel in drawn if len(panel.names) == 1}) > 1
    apart = 64 + 24 * several + surfaces.MAP_ROOM * pairs
    made = canvas(
        titles, asked.about, width=WIDTH * 1.1, height=HEIGHT + HIGHER, shape=shape, names=["0" * 8], legend=_legend(asked),
        beside=surfaces.MAP_ROOM * pairs, apart=(apart, 92 + levels), below=62 + levels,
    )  # fmt: skip
    keys: set[str] = set()
    named: set[tuple[int, str]] = set()
    for place, panel in zip(places, drawn, strict=True):
        at: Record = {"row": place[0] + 1, "col": place[1] + 1}
        if len(panel.names) == 2:
            surfaces.panel(made, at, panel)
            continue
        curves.panel(made, at, panel, drawn, asked.space, keys)
        if (place[0], panel.scale) not in named:  # once in a line of panels, at the first
            made.update_yaxes(title={"text": AXIS[panel.scale], "font": {"size": 12}}, **at)
        named.add((place[0], panel.scale))
    made.update_layout(showlegend=len(keys) > 1)
    _clear(made, shape, places)
    return made


def _legend(asked: Asked) -> list[str]:
    """What the legend will have, for the room that it takes."""
    lines = [line for panel in asked.drawn if len(panel.names) == 1 for line in panel.lines]
    names = [line.label for line in lines if line.mean] + [f"{line.label}, single rows" for line in lines if line.rows]
    return [*dict.fromkeys(names), "rows of the data"] if names else []


def _clear(made: Interactive, shape: tuple[int, int], places: list[tuple[int, int]]) -> None:
    """Hide the axes of places without a panel."""
    for row in range(shape[0]):
        for column in range(shape[1]):
            if (row, column) not in places:
                made.update_xaxes(visible=False, row=row + 1, col=column + 1)
                made.update_yaxes(visible=False, row=row + 1, col=column + 1)
