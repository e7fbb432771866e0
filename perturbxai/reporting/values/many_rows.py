"""Figures of many rows: points in a swarm, a heat map of rows by features, lines from the base to the predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.lettering import text, texts
from perturbxai.reporting.style import sequence, value_lines
from perturbxai.reporting.types import Axes
from perturbxai.reporting.values.features import shown_labels, summed
from perturbxai.reporting.values.view import View, unexplained

BINS = 90  # of a swarm's axis: points of one bin are stacked
FEW_ROWS = 30  # up to here a heat map names its rows


def swarm(view: View, k: int, shade: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each shown feature, then of the sum of the others if there are any, the points of all rows: each (n, N).

    Where they lie across (the values) and up (the number of the line, and how points of a bin are stacked), and what the row
    has there in 0..1 (`shade` (N, P), see `colours`), NaN where that has no order.
    """
    shown, rest = view.leading
    across = summed(view.result.values[..., k], shown, rest)
    shade = np.column_stack([shade[:, shown], np.full((len(shade), int(bool(rest))), np.nan)])
    span = float(np.ptp([*across.ravel(), 0.0])) or 1.0
    low = min(across.min(), 0.0)
    up = []
    for y, (column, colour) in enumerate(zip(across.T, shade.T, strict=True)):
        heights = _stacked(((column - low) / span * BINS).astype(int), colour)
        up.append(y + heights * min(0.1, 0.4 / (np.abs(heights).max() or 1.0)))
    return across.T, np.stack(up), shade.T


def shade_label(view: View, shade: Floats) -> str:
    """What the colours of a swarm are, and what has none."""
    shown, rest = view.leading
    unordered = bool(np.isnan(shade[:, shown]).any()) or bool(rest)
    return f"feature's value{' (grey: categories, sums)' if unordered else ''}"


def beeswarm(axis: Axes, view: View, k: int, shade: Floats) -> None:
    """A line a feature, a point a row at its value (N, P), coloured by what the row has there (`shade`, see `colours`)."""
    shown, rest = view.leading
    size = float(np.clip(900.0 / len(view.result), 4.0, 14.0))
    for column, up, colour in zip(*swarm(view, k, shade), strict=True):
        axis.scatter(
            column, up, c=colour, cmap=sequence(), vmin=0, vmax=1, s=size,
            linewidths=0, plotnonfinite=True, zorder=3, rasterized=len(column) > 2000,
        )  # fmt: skip
    axis.axvline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.grid(axis="y", color="#DDDDDD", linewidth=0.6, zorder=0)
    axis.set_axisbelow(True)
    axis.locator_params(axis="x", nbins=6)
    value_lines(axis, shown_labels(view.result.names, shown, rest), "value, in units of the model's output")
    axis.set_title(texts(view.result.outputs)[k])


def _stacked(bins: NDArray[Any], colour: Floats) -> Floats:
    """Heights, a unit apart and centred, of the points of each bin, low colours below high ones."""
    heights = np.zeros(len(bins))
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        members = members[np.argsort(-np.nan_to_num(colour[members]), kind="stable")]  # the axis points down
        heights[members] = np.arange(len(members)) - (len(members) - 1) / 2.0
    return heights


def limit_of(view: View) -> float:
    """The end of a heat map's colours, of all outputs together; outliers may lie beyond."""
    seen = np.stack([summed(view.result.values[..., k], *view.leading) for k in view.outputs])
    return float(np.percentile(np.abs(seen), 99)) or float(np.abs(seen).max()) or 1.0


def by_prediction(view: View, k: int) -> tuple[Ints, Floats]:
    """(rows from the lowest prediction to the highest (N,), the values of each at the lines of a heat map (N, n))."""
    rows = np.argsort(view.result.prediction[:, k], kind="stable")
    return rows, summed(view.result.values[..., k], *view.leading)[rows]


def heatmap(axis: Axes, view: View, k: int, limit: float) -> None:
    """Features down, rows across from the lowest prediction to the highest, which a line above shows."""
    result, (shown, rest) = view.result, view.leading
    prediction = result.prediction[:, k]
    rows, across = by_prediction(view, k)
    axis.imshow(across.T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axis.set_yticks(range(across.shape[1]), shown_labels(result.names, shown, rest))
    if len(rows) <= FEW_ROWS:
        called = texts((e.label for e in result), 14)
        axis.set_xticks(range(len(rows)), [called[r] for r in rows], rotation=90, fontsize=7)
    else:
        axis.set_xticks([])
    axis.set_xlabel(f"{len(rows)} rows, by their prediction (above)")
    above = axis.inset_axes((0.0, 1.02, 1.0, 0.16), sharex=axis)
    above.plot(range(len(rows)), prediction[rows], color="#222222", linewidth=1.1)
    above.axhline(float(result.base[:, k].mean()), color="#888888", linewidth=0.7, linestyle=(0, (1, 2)))
    above.tick_params(labelbottom=False, bottom=False, labelsize=7)
    above.spines[["top", "right", "bottom"]].set_visible(False)
    above.set_title(texts(result.outputs)[k])


def paths(view: View, k: int) -> tuple[Floats, list[str]]:
    """(of each row its way from the prediction (top) down to its base (N, n + 1), what the n steps between are called)."""
    values, prediction, base = view.result.values[..., k], view.result.prediction[:, k], view.result.base[:, k]
    steps = summed(values, *view.leading)  # from the top: the most important feature is the last step
    labels = shown_labels(view.result.names, *view.leading)
    if view.has_gap:
        gap, _ = unexplained(base, prediction, values)
        steps, labels = np.column_stack([steps, gap]), [*labels, view.gap_label]
    return prediction[:, None] - np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], axis=1), labels


def about_decision(view: View) -> str:
    return view.about_rows("" if view.row is None else f", in black row {text(view.one.label)}")


def heights_of(predictions: Floats) -> Floats:
    """(N,) in 0..1: the colours of rows by their predictions."""
    low, high = predictions.min(), predictions.max()
    return np.asarray((predictions - low) / ((high - low) or 1.0))


def decision(axis: Axes, view: View, k: int) -> None:
    """A line a row: from its base (bottom) over the sums of its values to its prediction (top); the one asked for strong."""
    lines, labels = paths(view, k)
    n_steps = len(labels)
    colours = sequence()(heights_of(view.result.prediction[:, k]))
    alpha = 0.9 if len(lines) <= 10 else 0.55 if view.row is None else 0.3
    for number, line in enumerate(lines):
        strong = number == view.row
        axis.plot(
            line, np.arange(n_steps + 1) - 0.5, color="black" if strong else colours[number],
            alpha=1.0 if strong else alpha, linewidth=2.0 if strong else 1.0, zorder=5 if strong else 3,
        )  # fmt: skip
    axis.axvline(view.result.base[:, k].mean(), color="#888888", linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)
    axis.grid(axis="y", color="#E4E4E4", linewidth=0.6, zorder=0)
    axis.set_axisbelow(True)
    axis.locator_params(axis="x", nbins=6)
    value_lines(axis, labels, "model's output, from base (bottom) to prediction (top)")
    axis.set_ylim(n_steps - 0.45, -0.55)
    axis.set_title(texts(view.result.outputs)[k])
