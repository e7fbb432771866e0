"""The interactive swarm of all rows."""

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.interactive import facts
from perturbxai.reporting.interactive.canvas import BAR, Record, canvas, colour_bar, listed, places, rule, value_lines
from perturbxai.reporting.interactive.colours import FAINT, rising
from perturbxai.reporting.interactive.words import amounts, label
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import GREY
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values import features
from perturbxai.reporting.values.bars import AXIS
from perturbxai.reporting.values.many_rows import shade_label, swarm
from perturbxai.reporting.values.panels import PANEL, height_of
from perturbxai.reporting.values.view import View

MANY = 4000  # points of a panel, from which on they are drawn by WebGL


def figure(view: View) -> Interactive:
    """A panel an output: a line a feature, a point a row, coloured by what the row has there."""
    shade = features.colours(view.result.explanations, view.space)
    called = features.shown_labels(view.result.names, *view.leading)
    heads = [texts(view.result.outputs)[k] for k in view.outputs]
    coloured = not bool(np.isnan(shade).all())
    made = canvas(
        heads, view.about_rows(), width=PANEL, height=height_of(len(called), 0.36), names=called, beside=BAR * coloured
    )
    made.update_layout(coloraxis={
        "colorscale": rising(), "cmin": 0.0, "cmax": 1.0,
        "colorbar": colour_bar(shade_label(view, shade), ([0.0, 1.0], ["low", "high"])),
    })  # fmt: skip
    held, rows = facts.held(view.result.explanations), facts.rows(view.result.explanations)
    for n, (at, k) in enumerate(zip(places((1, len(heads))), view.outputs, strict=True)):
        rule(made, at, 0.0)
        _points(made, at, view, swarm(view, k, shade), _told(view, k, held, rows))
        value_lines(made, at, called, AXIS, named=n == 0)
        made.update_yaxes(showgrid=True, gridcolor=FAINT, **at)
    return made


def _points(made: Interactive, at: Record, view: View, points: tuple[Floats, Floats, Floats], told: list[str]) -> None:
    """Those in colour, and apart from them the grey ones."""
    x, y, shade = (one.ravel() for one in points)
    size = float(np.clip(900.0 / len(view.result), 4.0, 14.0)) ** 0.5 * 1.9
    there = ~np.isnan(shade)
    for which, marker in ((there, {"color": listed(shade[there]), "coloraxis": "coloraxis"}), (~there, {"color": GREY})):
        chosen = np.flatnonzero(which)
        if len(chosen):
            draw = made.add_scattergl if len(x) > MANY else made.add_scatter
            draw(
                x=listed(x[chosen]), y=listed(y[chosen]), mode="markers", marker={"size": size, **marker},
                hovertext=[told[n] for n in chosen], hoverinfo="text", showlegend=False, **at,
            )  # fmt: skip


def _told(view: View, k: int, held: list[list[str]], rows: list[str]) -> list[str]:
    """Of each feature, then of the sum of the others, what stands under the mouse at each row."""
    result, (shown, rest) = view.result, view.leading
    low, high = result.interval()
    found = []
    for p in shown:
        values = amounts(result.values[:, p, k], low[:, p, k], high[:, p, k])
        found += [f"{own[p]}<br>{value}<br>{row}" for own, value, row in zip(held, values, rows, strict=True)]
    if rest:
        name, unknown = label(features.rest_label(rest)[0]), np.full(len(rows), np.nan)
        values = amounts(result.values[:, rest, k].sum(axis=1), unknown, unknown)
        found += [f"{name}<br>{value}<br>{row}" for value, row in zip(values, rows, strict=True)]
    return found
