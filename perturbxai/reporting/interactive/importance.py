"""Interactive importances: a panel a method and output, or groups of rows side by side."""

import numpy as np

from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record, canvas, listed, places, value_lines, whiskers
from perturbxai.reporting.interactive.colours import INK
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.style import SPARE, styles_of, titles
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.features import shown_labels
from perturbxai.reporting.values.importances import AXIS, Z95, Asked
from perturbxai.reporting.values.panels import PANEL, height_of
from perturbxai.results.importance import Importance


def figure(asked: Asked) -> Interactive:
    """A click on the legend hides a group of rows in all panels."""
    named, called, outputs = asked.named, shown_labels(asked.first.names, asked.shown), texts(asked.first.outputs)
    if asked.of_groups:
        step = 0.84 / len(named)
        legend = [asked.group_label(name) for name in named]
        heads = [outputs[k] for k in asked.outputs]
        made = canvas(
            heads,
            asked.about,
            width=PANEL,
            height=height_of(len(called), 0.14 + 0.13 * len(named)),
            names=called,
            legend=legend,
        )
        drawn = [[(n, (n - (len(named) - 1) / 2) * step, 0.88 * step) for n in range(len(named))]] * len(heads)
        each = [(k, parts) for k, parts in zip(asked.outputs, drawn, strict=True)]
    else:
        legend, styles = [], titles(named)
        heads = [f"{styles[name]}, {outputs[k]}" for k in asked.outputs for name in named]
        made = canvas(heads, asked.about, width=PANEL, height=height_of(len(called)), names=called)
        each = [(k, [(n, 0.0, 0.66)]) for k in asked.outputs for n in range(len(named))]
    for n, (at, (k, parts)) in enumerate(zip(places((1, len(heads))), each, strict=True)):
        for part in parts:
            _bars(made, at, asked, k, part, legend, first=n == 0)
        value_lines(made, at, called, AXIS, named=n == 0)
        made.update_xaxes(rangemode="tozero", **at)
    return made


def _bars(
    made: Interactive, at: Record, asked: Asked, k: int, part: tuple[int, float, float], legend: list[str], first: bool
) -> None:
    """Of one importance the bars, both intervals, and the diamonds. part: its number, how far it is shifted, how high."""
    which, shift, height = part
    name, found = list(asked.named.items())[which]
    shown, y = asked.shown, np.arange(len(asked.shown)) + shift
    colour = SPARE[which % len(SPARE)] if asked.of_groups else styles_of(asked.named)[name]["color"]
    values = found.values[shown, k]
    thick, thin = (np.asarray(Z95 * error[shown, k]) for error in (found.stderr_estimate, found.stderr))
    title = words.label(legend[which] if legend else titles(asked.named)[name])
    told = [f"{title}<br>{one}" for one in _told(found, shown, k)]
    common = {"y": listed(y), "legendgroup": str(which), "hovertext": told, "hoverinfo": "text"}
    made.add_bar(
        x=listed(values), orientation="h", width=height, name=title, showlegend=bool(legend) and first, opacity=0.85,
        marker={"color": colour, "line": {"width": 0}}, error_x=whiskers(thin, 0.8, least=values), **common, **at,
    )  # fmt: skip
    made.add_scatter(
        x=listed(values), mode="markers", marker={"size": 1, "opacity": 0}, showlegend=False,
        error_x=whiskers(thick, 2.6, least=values), **common, **at,
    )  # fmt: skip
    made.add_scatter(
        x=listed(found.corrected[shown, k]), mode="markers", showlegend=False, **common, **at,
        marker={"symbol": "diamond", "size": min(8.0, 12.0 * height), "color": "white", "line": {"color": INK, "width": 1}},
    )  # fmt: skip


def _told(found: Importance, shown: list[int], k: int) -> list[str]:
    """Under the mouse at each feature: the mean size, what its errors are, and the size without the bias of noise."""
    lines = []
    for p in shown:
        value, rows, own = found.values[p, k], found.stderr[p, k], found.stderr_estimate[p, k]
        size = words.amount(value, value - Z95 * rows, value + Z95 * rows, sign=False)
        noise = f"of it the estimates' noise ± {number(Z95 * own, 2)}<br>" if np.isfinite(own) and own > 0 else ""
        corrected = found.corrected[p, k]
        without = f"without the noise's bias {number(corrected)}<br>" if np.isfinite(corrected) else ""
        lines.append(f"{words.told(found.names[p])}<br>mean |value| {size}<br>{noise}{without}{found.n_rows:,} rows")
    return lines
