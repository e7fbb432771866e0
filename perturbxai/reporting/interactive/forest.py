"""The interactive figure of mean differences from one method."""

import numpy as np

from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import canvas, listed, places, value_lines
from perturbxai.reporting.interactive.colours import LINE
from perturbxai.reporting.lettering import number
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.panels import height_of
from perturbxai.reporting.values.versus import BAND, EACH, WIDTH, Paired


def figure(shown: Paired) -> Interactive:
    """A line a method: full points are tested, open ones are not, grey is what would not have been seen."""
    names, lines = shown.names, shown.lines
    made = canvas([""], shown.about, width=WIDTH, height=height_of(len(lines), EACH) + 0.2, names=names)
    (at,) = places((1, 1))
    seen, told = np.nan_to_num(lines.detectable.to_numpy(dtype=np.float64), posinf=0.0), _told(shown)
    made.add_bar(
        x=listed(2 * seen), base=listed(-seen), y=list(range(len(lines))), orientation="h", width=0.86, hovertext=told,
        hoverinfo="text", marker={"color": BAND, "line": {"width": 0}}, showlegend=False, **at,
    )  # fmt: skip
    # a line among the traces, for shapes lie below bars
    for x, dash in ((0.0, "solid"), *((margin, "dash") for margin in shown.margins)):
        made.add_scatter(
            x=[x, x], y=[-0.6, len(lines) - 0.4], mode="lines", line={"color": LINE, "width": 1, "dash": dash},
            hoverinfo="skip", showlegend=False, **at,
        )  # fmt: skip
    for n, (colour, low, high) in enumerate(zip(shown.colours, *shown.interval(), strict=True)):
        mean, fill = float(lines.difference.iloc[n]), colour if lines.primary.iloc[n] else "white"
        made.add_scatter(
            x=[low, high], y=[n, n], mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": colour, "width": 2, "dash": "dot" if shown.endless[n] else "solid"}, **at,
        )  # fmt: skip
        made.add_scatter(
            x=[mean], y=[n], mode="markers", marker={"size": 10, "color": fill, "line": {"color": colour, "width": 1.5}},
            hovertext=[told[n]], hoverinfo="text", showlegend=False, **at,
        )  # fmt: skip
    value_lines(made, at, names, shown.axis, shown.ends)
    return made


def _told(shown: Paired) -> list[str]:
    """Under the mouse: the difference with its interval, p of what was tested, and the smallest difference seen."""
    found = []
    for name, one in zip(shown.names, shown.lines.to_dict("records"), strict=True):
        parts = [
            words.label(name),
            f"difference {number(one['difference'], 3)}, interval {number(one['low'], 3)} to {number(one['high'], 3)}",
            f"p {number(one['p_holm'], 2)} after Holm's adjustment" if one["primary"] else "not tested",
            f"better at {number(100 * one['win_rate'], 3)} &#37; of inputs",
            f"seen from {number(one['detectable'], 2)} on",
        ]
        found.append("<br>".join(parts))
    return found
