"""The interactive matrix of one row's interactions."""

import numpy as np

from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import (
    BAR,
    LETTER,
    PIXELS,
    Record,
    canvas,
    colour_bar,
    listed,
    places,
    rule,
    whiskers,
)
from perturbxai.reporting.interactive.colours import GAP, hexed, signed
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values import interactions
from perturbxai.reporting.values.features import shown_labels
from perturbxai.reporting.values.view import View

CELL = (43, 24)  # pixels of a cell with numbers, and without
OWN = 0.27  # of the width: the features' own values


def figure(view: View) -> Interactive:
    """Two panels an output: pairs in signed colours, and beside them each feature's own value."""
    e, (shown, _), limit = view.one, view.leading, interactions.limit_of(view)
    called, n, outputs = [view.labels[p] for p in shown], len(shown), texts(e.outputs)
    across = shown_labels(e.names, shown, longest=interactions.ACROSS)
    side = max(n * CELL[n > interactions.NUMBERED], 190)
    heads = [head for k in view.outputs for head in (outputs[k], "value")]
    made = canvas(
        heads,
        view.about + interactions.about(view),
        width=side / (1.0 - OWN) / 2 / PIXELS / 0.86,
        height=(side + 105) / PIXELS,
        names=called,
        beside=BAR,
        widths=[1.0 - OWN, OWN] * len(view.outputs),
        below=40 + int(0.75 * LETTER * max(map(len, across))),
    )
    title = f"interaction{interactions.index_of(e)}, in units of the model's output"
    made.update_layout(coloraxis={"colorscale": signed(), "cmin": -limit, "cmax": limit, "colorbar": colour_bar(title)})
    at, lines = places((1, len(heads))), {"tickmode": "array", "tickvals": list(range(n)), "ticks": "", "showline": False}
    for number_of, k in enumerate(view.outputs):
        _pairs(made, at[2 * number_of], view, k)
        _own(made, at[2 * number_of + 1], view, k)
        made.update_xaxes(ticktext=words.labels(across), tickangle=-45, **lines, **at[2 * number_of])
        for place, named in ((at[2 * number_of], number_of == 0), (at[2 * number_of + 1], False)):
            made.update_yaxes(range=[n - 0.5, -0.5], ticktext=words.labels(called), showticklabels=named, **lines, **place)
    return made


def _pairs(made: Interactive, at: Record, view: View, k: int) -> None:
    e, (shown, _), limit = view.one, view.leading, interactions.limit_of(view)
    values = interactions.shown_pairs(view, k)
    certain = interactions.sure(e, k)[np.ix_(shown, shown)]
    n, held, row = len(shown), facts.held([e])[0], facts.rows([e])[0]
    written, told = [[""] * n for _ in shown], [[""] * n for _ in shown]
    for i, p in enumerate(shown):
        for j, q in enumerate(shown):
            if i == j:
                told[i][j] = held[p]
                continue
            says = "" if certain[i, j] else "<br>the 95 % interval holds zero"
            error = "" if e.interactions_stderr is None else _error(float(e.interactions_stderr[p, q, k]))
            told[i][j] = f"{held[p]}<br>{held[q]}<br>together {words.amount(values[i, j])}{error}{says}<br>{row}"
            if certain[i, j] and n <= interactions.NUMBERED:
                written[i][j] = interactions.cell_number(values[i, j], limit)
    made.add_heatmap(
        z=[listed(line) for line in values], x=list(range(n)), y=list(range(n)), coloraxis="coloraxis", xgap=1, ygap=1,
        text=written, texttemplate="%{text}", textfont={"size": 9}, hovertext=told, hoverinfo="text", **at,
    )  # fmt: skip
    made.update_xaxes(range=[-0.5, n - 0.5], **at)
    for i in range(n):  # what no pair is has a colour of its own
        made.add_shape(
            type="rect",
            x0=i - 0.48,
            x1=i + 0.48,
            y0=i - 0.48,
            y1=i + 0.48,
            fillcolor=GAP,
            line={"width": 0},
            layer="above",
            **at,
        )


def _error(stderr: float) -> str:
    return f", standard error {number(stderr, 2)}" if np.isfinite(stderr) and stderr > 0 else ""


def _own(made: Interactive, at: Record, view: View, k: int) -> None:
    import matplotlib

    e, (shown, _) = view.one, view.leading
    low, high = (end[shown, k] for end in e.interval())
    values, held, row = e.values[shown, k], facts.held([e])[0], facts.rows([e])[0]
    colours = [hexed(0.92 if value > 0 else 0.08, matplotlib.colormaps["RdBu_r"]) for value in values]
    told = [f"{held[p]}<br>{one}<br>{row}" for p, one in zip(shown, words.amounts(values, low, high), strict=True)]
    made.add_bar(
        x=listed(values),
        y=list(range(len(shown))),
        orientation="h",
        width=0.66,
        marker={"color": colours, "line": {"width": 0}},
        error_x=whiskers((high - low) / 2.0, 1.4),
        hovertext=told,
        hoverinfo="text",
        showlegend=False,
        **at,
    )
    rule(made, at, 0.0)
    made.update_xaxes(nticks=4, **at)
