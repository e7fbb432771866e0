"""The interactive figure of an H statistic."""

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record, canvas, listed, places, value_lines, whiskers
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.panels import height_of
from perturbxai.reporting.values.together import AXIS, WIDTH, Acting

BEHIND = (("#E4E4E4", "threshold"), ("#CDCDCD", "floor"))  # what chance shows: up to its 95th percentile, up to its mean
STRENGTH = "in units of the output"


def figure(shown: Acting) -> Interactive:
    """Two panels an output: H squared before what chance would show, and the interaction's size."""
    called, heads = shown.labels, []
    for k in shown.outputs:
        heads += [texts(shown.found.outputs)[k], ""]
    made = canvas(
        heads, shown.about, width=WIDTH / 2, height=height_of(len(called), 0.26), names=called,
        widths=[0.68, 0.32] * len(shown.outputs),
    )  # fmt: skip
    at = places((1, len(heads)))
    for n, k in enumerate(shown.outputs):
        told = _told(shown, k)
        _shares(made, at[2 * n], shown, k, told)
        value_lines(made, at[2 * n], called, AXIS, (0.0, shown.end(k)), named=n == 0)
        _bar(made, at[2 * n + 1], shown.found.strength[shown.lines, k], 0.5, shown.colours(k), told)
        value_lines(made, at[2 * n + 1], called, STRENGTH, named=False)
        made.update_xaxes(nticks=4, rangemode="tozero", **at[2 * n + 1])
    return made


def _shares(made: Interactive, at: Record, shown: Acting, k: int, told: list[str]) -> None:
    found, lines = shown.found, shown.lines
    for colour, what in BEHIND:
        _bar(made, at, getattr(found, what)[lines, k], 0.9, [colour] * len(lines), told)
    values = found.values[lines, k]
    _bar(made, at, values, 0.5, shown.colours(k), told)
    low, high = (end[lines, k] for end in found.interval())
    sure = values > found.threshold[lines, k]
    made.add_scatter(
        x=listed(values),
        y=list(range(len(lines))),
        mode="markers",
        marker={"size": 1, "opacity": 0},
        hovertext=told,
        hoverinfo="text",
        error_x=_ends(np.where(sure, low, np.nan), values, np.where(sure, high, np.nan)),
        showlegend=False,
        **at,
    )


def _ends(low: Floats, values: Floats, high: Floats) -> Record:
    return {**whiskers(high - values, 1.6), "symmetric": False, "arrayminus": listed(np.maximum(values - low, 0.0))}


def _bar(made: Interactive, at: Record, values: Floats, height: float, colours: list[str], told: list[str]) -> None:
    made.add_bar(
        x=listed(values), y=list(range(len(values))), orientation="h", width=height, hovertext=told, hoverinfo="text",
        marker={"color": colours, "line": {"width": 0}}, showlegend=False, **at,
    )  # fmt: skip


def _told(shown: Acting, k: int) -> list[str]:
    """Under the mouse at each line: the column or pair, its share with the interval, what chance shows, and the size."""
    found, lines = shown.found, []
    low, high = found.interval()
    for n in shown.lines:
        name = found.features[n]
        called = " × ".join(map(words.told, name)) if isinstance(name, tuple) else f"{words.told(name)} and all others"
        value, threshold = found.values[n, k], found.threshold[n, k]
        share = f"H² {number(value)}, 95 % interval {number(low[n, k], 3)} to {number(high[n, k], 3)}"
        chance = f"by chance {number(found.floor[n, k], 3)} on average, {number(threshold, 3)} in one of twenty"
        size = f"size {number(found.strength[n, k])} in units of the output"
        lines.append(f"{called}<br>{share}<br>{chance}{'' if value > threshold else ': not beyond it'}<br>{size}")
    return lines
