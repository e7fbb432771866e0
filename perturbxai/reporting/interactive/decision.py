"""Interactive lines from the base to the predictions."""

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import Record, canvas, listed, places, rule, value_lines
from perturbxai.reporting.interactive.colours import FAINT, hexed, pale
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.style import sequence
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.many_rows import about_decision, heights_of, paths
from perturbxai.reporting.values.panels import PANEL, height_of
from perturbxai.reporting.values.view import View

SHADES = 40  # colours that lines have, as many rows as there are; rows of one are one trace
ACROSS = "model's output, from base (bottom) to prediction (top)"


def figure(view: View) -> Interactive:
    """A panel an output: a line a row, coloured by its prediction; the one that was asked for in black."""
    labels = paths(view, view.outputs[0])[1]
    heads = [texts(view.result.outputs)[k] for k in view.outputs]
    made = canvas(heads, about_decision(view), width=PANEL, height=height_of(len(labels)), names=labels)
    for n, (at, k) in enumerate(zip(places((1, len(heads))), view.outputs, strict=True)):
        rule(made, at, float(view.result.base[:, k].mean()), dash="dot")
        lines, told = paths(view, k)[0], _told(view, k)
        shade = heights_of(view.result.prediction[:, k])
        order = np.argsort(shade, kind="stable")
        alpha = 0.9 if len(lines) <= 10 else 0.55 if view.row is None else 0.3
        for rows in np.array_split(order, min(len(order), SHADES)):
            colour = pale(hexed(float(shade[rows].mean()), sequence()), alpha)
            _lines(made, at, lines, told, rows[rows != view.row], colour, 1.2)
        if view.row is not None:
            _lines(made, at, lines, told, np.array([view.row]), "black", 2.4)
        value_lines(made, at, labels, ACROSS, named=n == 0)
        made.update_yaxes(range=[len(labels) - 0.45, -0.55], showgrid=True, gridcolor=FAINT, **at)
    return made


def _lines(
    made: Interactive, at: Record, lines: Floats, told: list[list[str]], rows: Ints, colour: str, width: float
) -> None:
    """Lines of one colour, with a gap after each."""
    if not len(rows):
        return
    gap = np.full((len(rows), 1), np.nan)
    up = np.broadcast_to(np.append(np.arange(lines.shape[1]) - 0.5, np.nan), (len(rows), lines.shape[1] + 1))
    made.add_scatter(
        x=listed(np.hstack([lines[rows], gap]).ravel()), y=listed(up.ravel()), mode="lines",
        line={"color": colour, "width": width}, hovertext=[one for r in rows for one in [*told[r], ""]], hoverinfo="text",
        showlegend=False, **at,
    )  # fmt: skip


def _told(view: View, k: int) -> list[list[str]]:
    """(N, n + 1): at each corner of a row's line the step that ends there, and the output so far."""
    result, (shown, _) = view.result, view.leading
    held, rows = facts.held(result.explanations), facts.rows(result.explanations)
    lines, labels = paths(view, k)
    others = words.labels(labels[len(shown) :])
    low, high = (end[..., k] for end in result.interval())
    values, found = result.values[..., k], []  # taken once: a result puts its rows together anew each time it is asked
    for r, line in enumerate(lines):
        parts = [f"{held[r][p]}: {words.amount(values[r, p], low[r, p], high[r, p])}" for p in shown]
        parts += [
            f"{name}: {words.amount(line[len(shown) + n] - line[len(shown) + n + 1])}" for n, name in enumerate(others)
        ]
        heads = [f"{rows[r]}, output {number(value)}" for value in line]
        found.append([f"{head}<br>{part}" for head, part in zip(heads, [*parts, "base"], strict=True)])
    return found
