"""Figures of one row: how its values lead from the base to the prediction, bars with intervals, a map over the photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core.types import Floats, Labels
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.photo import grey, painted
from perturbxai.reporting.style import styles_of, titles, truth_title, value_lines
from perturbxai.reporting.types import Axes
from perturbxai.reporting.values.features import rest_label
from perturbxai.reporting.values.view import View
from perturbxai.results.explanation import Attribution, Explanation

FOR, AGAINST, NEITHER = "#B2182B", "#2166AC", "#BBBBBB"  # the ends of RdBu_r, as in maps
LETTER = 0.055  # of the bars' span: a letter, in a narrow panel
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}  # lines do not strike through a number
Z95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Steps:
    """The bars of a waterfall from the top, n of them.

    labels  what each is called;  changes (n,) how long it is;  starts, ends (n,) of the way from base to prediction
    far (n,)  half of its pointwise 95 % interval, 0 where none is drawn: not known, rounding, or of no single feature
    colours   red up, blue down, grey for what the values do not sum to;  title  the output, and both ends in numbers
    """

    labels: list[str]
    changes: Floats
    starts: Floats
    ends: Floats
    far: Floats
    colours: list[str]
    title: str


def steps_of(view: View, k: int) -> Steps:
    """From the base (bottom) to the prediction (top), a bar a feature, and one for what the values do not sum to."""
    e, (shown, rest) = view.one, view.leading
    steps = [(view.labels[p], float(e.values[p, k])) for p in shown]
    steps += [(label, float(e.values[rest, k].sum())) for label in rest_label(rest)]
    if view.has_gap:
        steps.append((view.gap_label, float(e.prediction[k] - e.base[k] - e.values[:, k].sum())))
    changes = np.array([change for _, change in steps])
    ends = e.prediction[k] - np.concatenate([[0.0], np.cumsum(changes)[:-1]])  # (n,): where each bar ends, from the top
    colours = [FOR if change > 0 else AGAINST for change in changes]
    if view.has_gap:
        colours[-1] = NEITHER
    title = f"{texts(e.outputs)[k]}: base {number(e.base[k])}, prediction {number(e.prediction[k])}"
    far = np.append(_halves(e, k, shown), np.zeros(len(ends) - len(shown)))
    return Steps([name for name, _ in steps], changes, ends - changes, ends, far, colours, title)


def about_waterfall(view: View) -> str:
    return f"{view.about}; whiskers: 95 % interval"


def _halves(e: Explanation, k: int, shown: list[int]) -> Floats:
    """(n,): half of the pointwise 95 % intervals of the shown features; 0 where not drawn."""
    low, high = e.interval()
    half = (high - low)[shown, k] / 2.0
    known = np.isfinite(half) & (half > 1e-9 * (np.abs(e.values[:, k]).max() or 1.0))
    return np.where(known, half, 0.0)


def waterfall(axis: Axes, view: View, k: int) -> None:
    """The steps as bars, intervals at their ends."""
    e, steps = view.one, steps_of(view, k)
    ends, place = steps.ends, np.arange(len(steps.labels))
    axis.barh(place, steps.changes, left=steps.starts, height=0.66, color=steps.colours, linewidth=0)
    axis.vlines(ends[1:], place[1:] - 0.67, place[1:] + 0.33, color="#888888", linewidth=0.7)
    y = np.flatnonzero(steps.far)
    axis.hlines(y, ends[y] - steps.far[y], ends[y] + steps.far[y], color="#222222", linewidth=1.2)
    _ends(axis, steps.starts, ends, steps.changes, steps.far)
    for value in (e.base[k], e.prediction[k]):
        axis.axvline(value, color="#444444", linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
    value_lines(axis, steps.labels, "model's output")
    axis.locator_params(axis="x", nbins=6)
    axis.set_title(steps.title)


def _ends(axis: Axes, starts: Floats, ends: Floats, changes: Floats, far: Floats) -> None:
    """The changes in numbers beyond bars and whiskers, and an axis with room for them."""
    rises = changes > 0
    at = np.where(rises, np.maximum(ends, ends + far), np.minimum(ends, ends - far))
    low, high = min([*starts, *at, *(ends - far)]), max([*starts, *at, *(ends + far)])
    span = (high - low) or 1.0
    numbers = [number(change, 3, sign=True) for change in changes]
    room = LETTER * span * np.array([len(one) for one in numbers])
    low, high = min([low, *(at - room)[~rises]]), max([high, *(at + room)[rises]])
    for y, (x, change) in enumerate(zip(at, changes, strict=True)):
        side = "left" if change > 0 else "right"
        axis.text(x + np.copysign(0.02 * span, change), y, numbers[y], ha=side, va="center", fontsize=8, bbox=PAPER)
    axis.set_xlim(low - 0.03 * span, high + 0.03 * span)


def bar_panel(
    axis: Axes, measured: Mapping[str, Explanation], exact: Explanation | None, chosen: list[int], k: int,
    styles: Mapping[str, Any], labels: Sequence[str],
) -> None:  # fmt: skip
    """One output's values with 95 % intervals, thick pointwise and thin simultaneous: a line a player, in it a bar a method.

    exact   drawn across the bars, or None;  styles: of each method, see `styles_of`;  labels: of all players
    """
    place = np.arange(len(chosen), dtype=float)
    step = 0.8 / len(measured)
    ends = bar_ends(measured, exact, chosen, k)
    for n, (name, e) in enumerate(measured.items()):
        at = place + (n - (len(measured) - 1) / 2) * step
        axis.barh(at, e.values[chosen, k], height=0.86 * step, color=styles[name]["color"], alpha=0.75, linewidth=0)
        for simultaneous, width in ((True, 0.6), (False, 1.6)):
            low, high = (end[chosen, k] for end in e.interval(simultaneous=simultaneous))
            _whiskers(axis, at, low, high, ends, width)
    if exact is not None:
        axis.vlines(exact.values[chosen, k], place - 0.44, place + 0.44, color="black", linewidth=1.3, zorder=4)
    axis.axvline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.set_xlim(*ends)
    value_lines(axis, [labels[p] for p in chosen], "value, in units of the model's output")
    axis.set_title(texts(next(iter(measured.values())).outputs)[k])


def bar_ends(
    measured: Mapping[str, Explanation], exact: Explanation | None, chosen: list[int], k: int
) -> tuple[float, float]:
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

    short, styles = titles(results, fill), styles_of(results)
    found: list[Any] = [Patch(color=styles[n]["color"], alpha=0.75, label=short[n]) for n in results if n != truth]
    if truth is not None:
        found.append(Line2D([], [], color="black", marker="|", markersize=9, linewidth=0, label=truth_title(short[truth])))
    return found


def map_of(e: Explanation, k: int, labels: Labels | None) -> tuple[Labels, Floats]:
    """(label map (H, W), value of each label): the superpixels' values, or without these the method's own map by pixel."""
    if labels is not None:
        return labels, e.values[:, k]
    assert e.heat is not None  # which the caller saw to
    return np.arange(e.heat[k].size, dtype=np.int32).reshape(e.heat[k].shape), e.heat[k].ravel()


def map_title(e: Explanation, k: int) -> str:
    return f"{texts(e.outputs)[k]}\n{number(e.prediction[k])}, hidden {number(e.base[k])}"


def photo_map(axis: Axes, e: Explanation, k: int, labels: Labels | None) -> None:
    """Values over the grey photo."""
    axis.imshow(painted(grey(e.input), *map_of(e, k, labels)))
    axis.set_axis_off()
    axis.set_title(map_title(e, k))
