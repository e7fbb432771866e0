"""Figures that hold what is written on them: long titles take several lines, legends as many columns as have room."""

import re
from collections.abc import Callable, Sequence
from functools import cache

from perturbxai.reporting.types import Artist, Axes, Figure, RendererAgg, Text

SIGNS = re.compile(r"\\\$|.")  # a dollar sign that is none of a formula is two
MARGIN = 0.12  # inches at either side
LEAST = 1.1  # inches that a title has, however narrow its panel is
NAMES = 1.9  # inches that panels are made for
LINE = 0.15  # inches
NEAR = 0.01  # of the room: lines of which the longest is so near to the least there could be are alike long
COLOURS = "<colorbar>"  # what matplotlib calls its axes: they are alone in their line


def fit(figure: object) -> None:
    """Break what is too long for a new figure into lines, and make it as large as its title and legend need.

    What is no Figure (axes that the user gave, None) is left alone.
    """
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure) or getattr(figure, "_fitted", False):
        return
    figure._fitted = True  # type: ignore[attr-defined]
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    _legends(figure, renderer)
    _heading(figure, renderer)
    _sides(figure, renderer)
    _panels(figure, renderer)


def lay_out(figure: Figure, renderer: RendererAgg) -> None:
    """Put panels where a draw puts them, without a draw."""
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)
    for axis in figure.axes:
        locate = axis.get_axes_locator()
        axis.apply_aspect(None if locate is None else locate(axis, renderer))


def _inches(artist: Artist, renderer: RendererAgg) -> tuple[float, float]:
    box = artist.get_window_extent(renderer)
    return box.width / renderer.dpi, box.height / renderer.dpi


def _grow(figure: Figure, width: float = 0.0, height: float = 0.0) -> None:
    now = figure.get_size_inches()
    figure.set_size_inches(now[0] + max(width, 0.0), now[1] + max(height, 0.0))


def _legends(figure: Figure, renderer: RendererAgg) -> None:
    """Fewer columns where they are too wide, more where they are too high, and a figure that has room for them."""
    for legend in figure.legends:
        upright = legend._outside_loc == "right"  # type: ignore[attr-defined]
        n = len(legend.get_texts())
        width, height = figure.get_size_inches()
        if upright:
            columns = 1
            while _inches(legend, renderer)[1] > max(height, 8.0) - 2 * MARGIN and columns < n:
                columns += 1
                legend.set_ncols(columns)
            mine = _inches(legend, renderer)
            _grow(figure, mine[0] - 2.2, mine[1] + 2 * MARGIN - height)
            continue
        columns = min(n, 6)
        while _inches(legend, renderer)[0] > width - 2 * MARGIN and columns > 1:
            columns -= 1
            legend.set_ncols(columns)
        mine = _inches(legend, renderer)
        _grow(figure, mine[0] + 2 * MARGIN - width, mine[1] - 0.3)


def _heading(figure: Figure, renderer: RendererAgg) -> None:
    """The words above all panels."""
    title = figure._suptitle  # type: ignore[attr-defined]
    if title is not None and title.get_text():
        before = _inches(title, renderer)[1]
        _break(title, figure.get_size_inches()[0] - 2 * MARGIN, renderer)
        _grow(figure, height=_inches(title, renderer)[1] - before)


def _sides(figure: Figure, renderer: RendererAgg) -> None:
    """What is said along the sides of a figure, and of its colour bars."""
    width, height = figure.get_size_inches()
    for words in (figure._supxlabel, figure._supylabel):  # type: ignore[attr-defined]
        if words is not None:
            _break(words, (height if words.get_rotation() else width) - 2 * MARGIN, renderer)


def _panels(figure: Figure, renderer: RendererAgg) -> None:
    """Titles and labels of panels, once it is known how large these are; the figure grows by the lines that were added."""
    named = [axis for axis in _axes(figure) if _words(axis)]
    if not named:
        return
    lay_out(figure, renderer)
    height, more = float(figure.get_size_inches()[1]), 0.0
    wide = max((_names_width(axis, renderer) for axis in figure.axes), default=0.0)
    if wide > NAMES:
        _grow(figure, wide - NAMES)
        lay_out(figure, renderer)
    for axis in named:
        box = axis.get_window_extent(renderer)
        across, up = box.width / renderer.dpi, box.height / renderer.dpi
        for words in _words(axis):
            before = words.get_text().count("\n")
            if words.get_rotation():
                middle = 0.5 * (box.y0 + box.y1) / renderer.dpi  # of colours, which have the figure's height to themselves
                beside = 2.0 * (min(middle, height - middle) - MARGIN) if axis.get_label() == COLOURS else up
                _break(words, max(beside, LEAST), renderer)
            else:
                _break(words, max(across, LEAST), renderer)
                more = max(more, LINE * (words.get_text().count("\n") - before))
    lines = max((spec.rowspan.stop for axis in named if (spec := axis.get_subplotspec()) is not None), default=1)
    _grow(figure, height=more * lines if more * lines > 0.02 * height else 0.0)


def _names_width(axis: Axes, renderer: RendererAgg) -> float:
    """Inches that the names beside a panel take."""
    box = axis.yaxis.get_tightbbox(renderer) if axis.axison else None
    return 0.0 if box is None else float(box.width / renderer.dpi)


def _axes(figure: Figure) -> list[Axes]:
    """All axes, also those within others."""
    return [one for axis in figure.axes for one in (axis, *axis.child_axes)]  # type: ignore[misc]


def _words(axis: Axes) -> list[Text]:
    """What is written around a panel: its titles and the names of its axes."""
    found = [axis.title, axis._left_title, axis._right_title]  # type: ignore[attr-defined]
    found += [axis.xaxis.label, axis.yaxis.label] if axis.axison else []
    return [words for words in found if words.get_text() and words.get_visible()]


def _break(words: Text, room: float, renderer: RendererAgg) -> None:
    """Put line breaks between words so that no line is longer than there is room, in inches along the text."""
    along = 1 if words.get_rotation() else 0
    if _inches(words, renderer)[along] <= room:
        return

    @cache
    def long(line: str) -> float:
        words.set_text(line)
        return _inches(words, renderer)[along]

    lines = [part for line in words.get_text().split("\n") for part in _balanced(line.split(" "), long, room)]
    words.set_text("\n".join(lines))


def _balanced(parts: Sequence[str], long: Callable[[str], float], room: float) -> list[str]:
    """Parts in as few lines as have room, and those alike long: no word stands alone below a full line."""

    def within(most: float) -> list[str]:
        return _lines(parts, " ", lambda line: long(line) <= most)

    lines = within(room)
    low, high = max(map(long, parts)), room
    while len(lines) > 1 and high - low > NEAR * room:
        middle = 0.5 * (low + high)
        shorter = within(middle)
        if len(shorter) == len(lines):
            lines, high = shorter, middle
        else:
            low = middle
    return lines


def _lines(parts: Sequence[str], between: str, fits: Callable[[str], bool]) -> list[str]:
    """Parts in lines that fit; one that does not fit a line alone is broken between its signs."""
    found, now = [], ""
    for part in parts:
        longer = f"{now}{between}{part}" if now else part
        if fits(longer):
            now = longer
            continue
        found += [now] if now else []
        *whole, now = _lines(SIGNS.findall(part), "", fits) if between and not fits(part) else [part]
        found += whole
    return [*found, now]
