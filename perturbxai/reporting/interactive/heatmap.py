"""The interactive heat map of rows by features."""

from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import BAR, Record, canvas, colour_bar, listed, places, rule, value_lines
from perturbxai.reporting.interactive.colours import INK, signed
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.bars import AXIS
from perturbxai.reporting.values.features import rest_label, shown_labels
from perturbxai.reporting.values.many_rows import FEW_ROWS, by_prediction, limit_of
from perturbxai.reporting.values.panels import PANEL, height_of
from perturbxai.reporting.values.view import View

ABOVE = 0.17  # of a panel's height: the predictions
NAMED = 55  # pixels more for rows that are named


def figure(view: View) -> Interactive:
    """A panel an output: features down, rows across by their prediction, which a line above shows."""
    called, limit, n = shown_labels(view.result.names, *view.leading), limit_of(view), len(view.outputs)
    heads = [texts(view.result.outputs)[k] for k in view.outputs]
    named = len(view.result) <= FEW_ROWS
    made = canvas(
        heads,
        view.about_rows(),
        width=PANEL,
        height=_height(len(called)),
        names=called,
        shape=(2, n),
        beside=BAR,
        heights=[ABOVE, 1.0 - ABOVE],
        apart=(BAR // 2, 6),
        below=62 + NAMED * named,
    )
    made.update_layout(
        coloraxis={"colorscale": signed(), "cmin": -limit, "cmax": limit, "colorbar": colour_bar(AXIS, y=0.42, len=0.84)}
    )
    at = places((2, n))
    for number_of, (above, below, k) in enumerate(zip(at[:n], at[n:], view.outputs, strict=True)):
        _predictions(made, above, view, k)
        _map(made, below, view, k)
        value_lines(made, below, called, f"{len(view.result)} rows, by their prediction (above)", named=number_of == 0)
        _rows(made, above, below, view, k)
    return made


def _rows(made: Interactive, above: Record, below: Record, view: View, k: int) -> None:
    """Name the rows where they are few, and let both panels of an output move along them together."""
    rows, ticks = by_prediction(view, k)[0], words.labels(texts((e.label for e in view.result), 14))
    named = len(rows) <= FEW_ROWS
    made.update_xaxes(
        range=[-0.5, len(rows) - 0.5], tickmode="array", ticks="", tickangle=-90, tickvals=list(range(len(rows))) * named,
        ticktext=[ticks[r] for r in rows] * named, **below,
    )  # fmt: skip
    shared = made.get_subplot(**below).xaxis.plotly_name.replace("axis", "")
    made.update_xaxes(matches=shared, showticklabels=False, ticks="", showline=False, **above)


def _height(n_lines: int) -> float:
    """Of one of the two rows of panels, which share what both take."""
    return 0.5 * (height_of(n_lines + 3, 0.28) + 1.0)


def _predictions(made: Interactive, at: Record, view: View, k: int) -> None:
    result, (rows, _) = view.result, by_prediction(view, k)
    called = facts.rows(result.explanations)
    prediction = result.prediction[rows, k]
    told = [f"{called[r]}<br>prediction {number(p)}" for r, p in zip(rows, prediction, strict=True)]
    made.add_scatter(
        x=list(range(len(rows))), y=listed(prediction), mode="lines", line={"color": INK, "width": 1.4},
        hovertext=told, hoverinfo="text", showlegend=False, **at,
    )  # fmt: skip
    rule(made, at, float(result.base[:, k].mean()), "h", dash="dot")
    made.update_yaxes(nticks=4, tickfont={"size": 10}, **at)


def _map(made: Interactive, at: Record, view: View, k: int) -> None:
    result, (shown, rest) = view.result, view.leading
    rows, values = by_prediction(view, k)
    low, high = result.interval()
    prediction, whole = result.prediction[:, k], result.values[..., k]
    held, called = facts.held(result.explanations), facts.rows(result.explanations)
    told = []
    for p in shown:
        own = words.amounts(whole[:, p], low[:, p, k], high[:, p, k])
        told.append([f"{held[r][p]}<br>{own[r]}<br>{called[r]}, prediction {number(prediction[r])}" for r in rows])
    for label in rest_label(rest):
        name = words.label(label)
        told.append([f"{name}<br>{words.amount(v)}<br>{called[r]}" for r, v in zip(rows, values[:, -1], strict=True)])
    made.add_heatmap(
        z=[listed(line) for line in values.T],
        x=list(range(len(rows))),
        y=list(range(values.shape[1])),
        coloraxis="coloraxis",
        hovertext=told,
        hoverinfo="text",
        **at,
    )
