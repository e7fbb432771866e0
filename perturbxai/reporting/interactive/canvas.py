"""An empty interactive figure with panels, as large as its words need, and what all panels have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.colours import INK, LINE
from perturbxai.reporting.types import Interactive

PIXELS = 105  # an inch of matplotlib's figures
LETTER = 6.6  # pixels, of a label
FONT = "DejaVu Sans, Verdana, Arial, sans-serif"
BETWEEN, BELOW = 34, 62  # pixels between panels whose lines are named once; of the names and ticks below
BAR = 92  # pixels that a colour bar takes
MENU = 30  # pixels on top, where plotly shows its buttons
LEGEND_LINE, TITLE_LINE, PANEL_LINE = 24, 19, 17
Record = dict[str, Any]  # what plotly takes as the looks of something
NUMBERS: Record = {"exponentformat": "power", "minexponent": 5}  # 12000 is no 12k, and 1e-11 no 10p


def canvas(
    titles: Sequence[str], about: str, *, width: float, height: float, shape: tuple[int, int] | None = None,
    names: Sequence[str] = (), beside: int = 0, legend: Sequence[str] = (), apart: tuple[int, int] | None = None,
    widths: Sequence[float] | None = None, heights: Sequence[float] | None = None, below: int = BELOW,
) -> Interactive:  # fmt: skip
    """A figure with a panel a title, in turn, and `about` over all of them.

    width, height  of a column and a row in matplotlib's inches, with what it writes around;  shape: (rows, columns) of
                   panels, None in one row
    names          of the lines along the left side, which all panels share
    beside         pixels on the right, for colour bars;  legend: what its entries are called
    apart          pixels between the panels of a row, and between rows, where these have more to name than ticks
    widths, heights  how columns and rows share the whole, None evenly
    below          pixels under the panels, for ticks and the name of the axis
    """
    from plotly.subplots import make_subplots

    rows, columns = shape or (1, len(titles))
    inner = width * PIXELS * 0.86, max(height * PIXELS - 105.0, 110.0)
    left = int(max([LETTER * len(name) for name in names], default=44)) + 26
    heads = [words.lines(one, int(inner[0] / LETTER)) for one in titles]
    head = (PANEL_LINE * max(map(len, heads)) + 8) * any(titles)
    gaps = apart or (BETWEEN, BELOW + head)
    wide = columns * inner[0] + (columns - 1) * gaps[0]
    high = rows * inner[1] + (rows - 1) * gaps[1]
    made = make_subplots(
        rows, columns, horizontal_spacing=gaps[0] / wide, vertical_spacing=gaps[1] / high if rows > 1 else 0.0,
        subplot_titles=["<br>".join(one) for one in heads], column_widths=widths, row_heights=heights,
    )  # fmt: skip
    over = words.lines(about, int((wide + left + beside) / LETTER))
    top = TITLE_LINE * len(over) + MENU + 8 + head
    bottom = below + LEGEND_LINE * _legend_lines(legend, wide + left + beside)
    margin = {"l": left, "r": beside + 24, "t": top, "b": bottom}
    made.update_layout(width=int(wide + left + beside + 24), height=int(high + top + bottom), margin=margin)
    _look(made, "<br>".join(over), with_legend=bool(legend))
    return made


def _look(made: Interactive, title: str, with_legend: bool) -> None:
    """Letters, colours and lines of all that is drawn."""
    small = {"size": 13}
    font = {"family": FONT, "size": 12, "color": INK}
    made.update_annotations(font={**small, "color": INK}, yshift=2)
    made.update_layout(
        title={"text": title, "x": 0.5, "xanchor": "center", "y": 1, "yref": "container", "yanchor": "top", "font": small},
        title_pad_t=MENU, font=font, plot_bgcolor="white", paper_bgcolor="white", hovermode="closest", bargap=0.0,
        hoverlabel={"bgcolor": "white", "bordercolor": LINE, "font": font, "align": "left"}, barmode="overlay",
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0.5, "xanchor": "center"},
        showlegend=with_legend,
    )  # fmt: skip
    lines = {
        "showline": True,
        "linecolor": LINE,
        "ticks": "outside",
        "tickcolor": LINE,
        "zeroline": False,
        "showgrid": False,
    }
    made.update_xaxes(**lines, **NUMBERS)
    made.update_yaxes(**lines, **NUMBERS)


def _legend_lines(legend: Sequence[str], room: float) -> int:
    """How many lines the entries take, side by side."""
    lines, used = int(bool(legend)), 0.0
    for entry in legend:
        wide = LETTER * len(entry) + 60.0
        if used + wide > room and used:
            lines, used = lines + 1, 0.0
        used += wide
    return lines


def places(shape: tuple[int, int]) -> list[Record]:
    """Where the panels are, as plotly's `add_trace` takes it, in turn."""
    return [{"row": r + 1, "col": c + 1} for r in range(shape[0]) for c in range(shape[1])]


def value_lines(
    made: Interactive, at: Record, names: Sequence[str], across: str, ends: tuple[float, float] | None = None, *,
    named: bool = True,
) -> None:  # fmt: skip
    """A panel of lines from the top, each with its name (as `lettering` made it), along an axis of values."""
    made.update_yaxes(
        range=[len(names) - 0.4, -0.6], tickmode="array", tickvals=list(range(len(names))), ticks="",
        ticktext=words.labels(names), showticklabels=named, **at,
    )  # fmt: skip
    if not named:  # who zooms one panel zooms those beside it, which have the same lines
        made.update_yaxes(matches=made.get_subplot(row=at["row"], col=1).yaxis.plotly_name.replace("axis", ""), **at)
    title = {"text": words.label(across), "font": {"size": 12}, "standoff": 8}
    made.update_xaxes(title=title, nticks=7, range=None if ends is None else list(map(float, ends)), **at)


def rule(made: Interactive, at: Record, place: float, way: str = "v", **look: Any) -> None:
    """A thin line across a panel."""
    line = {"color": LINE, "width": 1, **look}
    draw = made.add_vline if way == "v" else made.add_hline
    draw(float(place), line=line, layer="below", exclude_empty_subplots=False, **at)


def listed(numbers: Floats | Iterable[Any]) -> list[Any]:
    """Numbers as JSON has them: what is not finite is a gap."""
    return [None if isinstance(one, float) and not np.isfinite(one) else one for one in np.asarray(numbers).tolist()]


def colour_bar(label: str, ticks: tuple[Sequence[float], Sequence[str]] | None = None, **more: Any) -> Record:
    """A colour bar on the right. ticks: (where, what is written there) in place of numbers."""
    title = {"text": words.label(label), "side": "right", "font": {"size": 12}}
    named = {} if ticks is None else {"tickmode": "array", "tickvals": list(ticks[0]), "ticktext": list(ticks[1])}
    return {"title": title, "thickness": 13, "outlinewidth": 0, "len": 0.9, **NUMBERS, **named, **more}


def key_of(label: str, keys: set[str]) -> Record:
    """What a trace is called in the legend, once in a figure; a click there shows or hides it in all panels.

    label  as `lettering` made it;  keys: what the legend has so far, is added to
    """
    first = label not in keys
    keys.add(label)
    return {"name": words.label(label), "legendgroup": label, "showlegend": first}


def add_whiskers(made: Interactive, at: Record, of: Record) -> None:
    """A trace that shows its error bars alone."""
    made.add_scatter(mode="markers", marker={"size": 1, "opacity": 0}, showlegend=False, **of, **at)


def whiskers(half: Floats, width: float, colour: str = INK, least: Floats | None = None) -> Record:
    """Error bars of so many units to both sides, none where that is not known. least: to the lower one, at most."""
    there = np.where(np.isfinite(half) & (half > 0), half, np.nan)
    lower = {} if least is None else {"symmetric": False, "arrayminus": listed(np.fmin(there, least))}
    return {"type": "data", "array": listed(there), "thickness": width, "width": 0, "color": colour, **lower}
