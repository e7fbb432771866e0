"""A strip of a chart inside a table's cell: stretched to the cell's width, with lines and dots that are not."""

from collections.abc import Sequence

from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.scale import WIDE, Scale

HIGH = 100.0  # units of a strip from top to bottom
ROOM, WIDE_ROOM = 14, 48  # letters that a strip has beside its names on a phone, and one as wide as the screen


def strip(scale: Scale, *marks: object) -> Html:
    """The marks over the scale's grid. A screen reader leaves it out: the numbers stand beside it."""
    grid = [line(place, 0, place, HIGH, "grid") for place in scale.places_of_ticks]
    zero = [line(scale.place(0.0), 0, scale.place(0.0), HIGH, "zero")] if scale.low <= 0.0 <= scale.high else []
    return element(
        "svg", *grid, *zero, *marks, class_="strip", viewBox=f"0 0 {WIDE:g} {HIGH:g}", preserveAspectRatio="none",
        aria_hidden="true", focusable="false",
    )  # fmt: skip


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """A straight line that stays as thick as it is, however its chart is stretched."""
    return element("path", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", class_=class_)


def bar(scale: Scale, start: float, end: float, class_: str, low: float = 30.0, high: float = 70.0) -> Html:
    """A bar from one number to another, between two heights; one of no length is a line."""
    left, right = sorted((scale.place(start), scale.place(end)))
    return element(
        "rect", x=f"{left:g}", y=f"{low:g}", width=f"{max(right - left, 1.5):g}", height=f"{high - low:g}", class_=class_
    )


def whisker(scale: Scale, low: float, high: float) -> Html:
    """An interval, cut at the ends of the scale."""
    left, right = scale.place(low), scale.place(high)
    caps = [line(x, 38, x, 62, "whisker") for x, v in ((left, low), (right, high)) if scale.low <= v <= scale.high]
    return join([line(left, 50, right, 50, "whisker"), *caps])


def dots(places: Sequence[tuple[float, float]], class_: str, **more: object) -> Html | None:
    """Round dots at (x, y), all of one colour: lines of no length with round ends."""
    if not places:
        return None
    return element("path", d="".join(f"M{x:g} {y:g}h0" for x, y in places), class_=f"dot {class_}", **more)


def ticks(names: Sequence[object]) -> list[Html]:
    """Names of ticks; those that do not fit a narrow strip are marked spare, and extra those that a phone's width has not.

    Every second, third ... stays, so that both ends do and all are as far apart.
    """
    texts = [str(tick) for tick in names]
    kept = [_every(texts, room) for room in (WIDE_ROOM, ROOM)]
    return [
        element("span", element("i", name(tick, 24)), class_="extra" if n % kept[0] else "spare" if n % kept[1] else None)
        for n, tick in enumerate(texts)
    ]


def _every(names: Sequence[str], room: int) -> int:
    """Every how many names fit into so many letters; the ends alone if no more do."""
    steps, longest = len(names) - 1, max(map(len, names)) + 1
    return next((n for n in range(1, steps) if steps % n == 0 and (steps // n + 1) * longest <= room), max(steps, 1))


def axis_row(scale: Scale, before: int, after: int) -> Html:
    """The last line of a table of strips: the names of the ticks under the strip's column."""
    names = element("div", *ticks(scale.names), class_="ticks")
    cells = [element("td") for _ in range(before)]
    cell = element("td", names, class_="strip-cell")
    return element("tr", *cells, cell, *(element("td") for _ in range(after)), class_="axis", aria_hidden="true")
