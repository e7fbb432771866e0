"""A plot with two axes: an SVG stretched over its place, and the ticks' names as text beside it, at any width."""

from collections.abc import Sequence

from perturbxai.reporting.html.charts.strip import line, ticks
from perturbxai.reporting.html.markup import Html, element, name
from perturbxai.reporting.html.scale import WIDE, Scale


def framed(x: Scale, y: Scale, marks: Html, *, x_title: object, y_title: object, alt: str,
           x_names: Sequence[str] = (), y_names: Sequence[str] = ()) -> Html:  # fmt: skip
    """The marks, whose places are in 0..1000 from the left and from the top, in a frame.

    alt      what the picture says, for those who cannot see it
    x_names, y_names  of levels that lie side by side in place of ticks; or of the ticks, where these are as many
    """
    grid = [line(0, WIDE - place, WIDE, WIDE - place, "grid") for place in ([] if y_names else y.places_of_ticks)]
    grid += [line(place, 0, place, WIDE, "grid") for place in ([] if _levels(x, x_names) else x.places_of_ticks)]
    if y.low <= 0.0 <= y.high and not y_names:
        grid.append(line(0, WIDE - y.place(0.0), WIDE, WIDE - y.place(0.0), "zero"))
    plot = element(
        "svg", *grid, marks, class_="plot", viewBox=f"0 0 {WIDE:g} {WIDE:g}", preserveAspectRatio="none", role="img",
        aria_label=alt,
    )  # fmt: skip
    upwards = [element("span", element("i", name(tick, 24))) for tick in reversed(y_names or y.names)]
    below = x_names or x.column_names
    across = [element("span", element("i", name(tick, 24))) for tick in below] if _levels(x, x_names) else ticks(below)
    return element(
        "div", element("div", name(y_title, 120), class_="y-title"),
        element("div", *upwards, class_="levels-y" if _levels(y, y_names) else "ticks-y", aria_hidden="true"), plot,
        element("div", *across, class_="levels" if _levels(x, x_names) else "ticks", aria_hidden="true"),
        element("div", name(x_title, 120), class_="x-title"), class_="frame",
    )  # fmt: skip


def _levels(axis: Scale, names: Sequence[str]) -> bool:
    return len(names) not in (0, axis.steps + 1)


def height(y: Scale, value: float) -> float:
    """Where a number lies from the top."""
    return round(WIDE - y.place(value), 1)
