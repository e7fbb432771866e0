"""Bars with whiskers: the values of several methods side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import looks, titles, truth_title
from perturbxai.reporting.types import Axes
from perturbxai.results.explanation import Attribution, Explanation


def bar_panel(
    axis: Axes, measured: Mapping[str, Explanation], exact: Explanation | None, chosen: list[int], k: int,
    styles: Mapping[str, Any],
) -> None:  # fmt: skip
    """One output's bars: a line a player, in it a bar a method. styles: of each, see `looks`."""
    names = texts(next(iter(measured.values())).names, 22)
    place = np.arange(len(chosen), dtype=float)
    step = 0.8 / len(measured)
    ends = _ends(measured, exact, chosen, k)
    for n, (name, e) in enumerate(measured.items()):
        at = place + (n - (len(measured) - 1) / 2) * step
        axis.barh(at, e.values[chosen, k], height=0.86 * step, color=styles[name]["color"], alpha=0.75, linewidth=0)
        for simultaneous, width in ((True, 0.6), (False, 1.6)):
            low, high = (end[chosen, k] for end in e.interval(simultaneous=simultaneous))
            _whiskers(axis, at, low, high, ends, width)
    if exact is not None:
        axis.vlines(exact.values[chosen, k], place - 0.44, place + 0.44, color="black", linewidth=1.3, zorder=4)
    axis.axvline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.set_yticks(place, [names[p] for p in chosen])
    axis.set_ylim(len(chosen) - 0.4, -0.6)
    axis.set_xlim(*ends)
    axis.set_xlabel("value, in units of the model's output")
    axis.spines[["top", "right"]].set_visible(False)


def _ends(measured: Mapping[str, Explanation], exact: Explanation | None, chosen: list[int], k: int) -> tuple[float, float]:
    """Ends of the axis: all values, and whiskers as far as 0.6 of the values' range, so that one cannot flatten the rest."""
    shown = [*measured.values(), *([exact] if exact is not None else [])]
    values = np.array([0.0, *np.concatenate([e.values[chosen, k] for e in shown])])
    whiskers = np.concatenate([end[chosen, k] for e in shown for end in e.interval(simultaneous=True)])
    whiskers = np.append(whiskers[np.isfinite(whiskers)], 0.0)
    span = float(np.ptp(values)) or 1.0
    low = max(min(values.min(), whiskers.min()), values.min() - 0.6 * span)
    high = min(max(values.max(), whiskers.max()), values.max() + 0.6 * span)
    return low - 0.04 * span, high + 0.04 * span


def _whiskers(axis: Axes, at: Floats, low: Floats, high: Floats, ends: tuple[float, float], width: float) -> None:
    """Intervals as lines; an arrow head where one goes on beyond the axis, nothing where it is not known."""
    known = np.isfinite(low) & np.isfinite(high)
    near, far = np.clip(low[known], *ends), np.clip(high[known], *ends)
    axis.hlines(at[known], near, far, color="#222222", linewidth=width)
    for end, beyond, head in ((ends[0], low < ends[0], "<"), (ends[1], high > ends[1], ">")):
        gone = known & beyond
        place = np.full(gone.sum(), end), at[gone]
        axis.plot(*place, head, color="#222222", markersize=3.5, clip_on=False, in_layout=False)


def bar_handles(results: Mapping[str, Attribution], truth: str | None, fill: str) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    short, styles = titles(results, fill), looks(results)
    found: list[Any] = [Patch(color=styles[n]["color"], alpha=0.75, label=short[n]) for n in results if n != truth]
    if truth is not None:
        found.append(Line2D([], [], color="black", marker="|", markersize=9, linewidth=0, label=truth_title(short[truth])))
    return found
