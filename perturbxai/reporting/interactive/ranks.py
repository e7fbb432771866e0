"""The interactive figure of mean ranks."""

from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import canvas, places, value_lines
from perturbxai.reporting.lettering import number
from perturbxai.reporting.style import styles_of
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.panels import height_of
from perturbxai.reporting.values.versus import BAND, EACH, WIDTH, Ranked


def figure(shown: Ranked) -> Interactive:
    """A line a method, the best mean rank on top."""
    names, styles = shown.names, styles_of(shown.found.results)
    made = canvas([""], shown.about, width=WIDTH, height=height_of(len(names), EACH) + 0.2, names=names)
    (at,) = places((1, 1))
    best = float(shown.ranks[0])
    made.add_vrect(best, best + shown.apart, fillcolor=BAND, line_width=0, layer="below", exclude_empty_subplots=False, **at)
    for n, (method, name) in enumerate(zip(shown.methods, names, strict=True)):
        rank = float(shown.ranks[n])
        made.add_scatter(
            x=[rank], y=[n], mode="markers", marker={"size": 10, "color": styles[method]["color"]},
            hovertext=[f"{words.label(name)}<br>mean rank {number(rank, 3)}"], hoverinfo="text", showlegend=False, **at,
        )  # fmt: skip
    value_lines(made, at, names, shown.axis, (0.8, len(names) + 0.2))
    return made
