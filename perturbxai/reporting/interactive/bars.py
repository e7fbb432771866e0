"""Interactive bars of one row, of one method or of several."""

import numpy as np

from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import Record, canvas, listed, places, rule, value_lines, whiskers
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import styles_of, titles
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.bars import AXIS, Bars
from perturbxai.reporting.values.one_row import bar_ends
from perturbxai.reporting.values.panels import PANEL, height_of


def figure(asked: Bars) -> Interactive:
    """A panel an output: of each feature a bar a method; a click on the legend hides a method in all panels."""
    view, named = asked.view, asked.named
    called = [view.labels[p] for p in asked.shown]
    made = canvas(
        [texts(view.one.outputs)[k] for k in view.outputs], asked.about, width=PANEL, names=called,
        height=height_of(len(called), 0.18 + 0.12 * len(named)), legend=list(titles(named).values()) * (len(named) > 1),
    )  # fmt: skip
    for n, (at, k) in enumerate(zip(places((1, len(view.outputs))), view.outputs, strict=True)):
        rule(made, at, 0.0)
        for number, name in enumerate(named):
            _method(made, at, asked, name, number, k, first=n == 0)
        value_lines(made, at, called, AXIS, bar_ends(asked.rows, None, asked.shown, k), named=n == 0)
    return made


def _method(made: Interactive, at: Record, asked: Bars, name: str, number: int, k: int, first: bool) -> None:
    """Bars with both intervals, the thick one on a trace of its own that is shown and hidden with them."""
    e, shown, total = asked.rows[name], asked.shown, len(asked.named)
    step, title = 0.8 / total, words.label(titles(asked.named)[name])
    y = np.arange(len(shown)) + (number - (total - 1) / 2) * step
    values = e.values[shown, k]
    half, wide = ((high - low)[shown, k] / 2.0 for low, high in (e.interval(), e.interval(simultaneous=True)))
    held, row = facts.held([e])[0], facts.rows([e])[0]
    tale = [words.amount(v, v - h, v + h) for v, h in zip(values.tolist(), half.tolist(), strict=True)]
    told = [f"{title}<br>{held[p]}<br>{one}<br>{row}" for p, one in zip(shown, tale, strict=True)]
    common = {"y": listed(y), "x": listed(values), "legendgroup": str(number), "hovertext": told, "hoverinfo": "text"}
    colour = styles_of(asked.named)[name]["color"]
    made.add_bar(
        orientation="h", width=0.86 * step, name=title, showlegend=first and total > 1, opacity=0.85,
        marker={"color": colour, "line": {"width": 0}}, error_x=whiskers(wide, 0.8), **common, **at,
    )  # fmt: skip
    made.add_scatter(
        mode="markers", marker={"size": 1, "opacity": 0}, showlegend=False, error_x=whiskers(half, 2.2), **common, **at
    )
