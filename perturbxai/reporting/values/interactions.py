"""Figures of one row's interactions: a matrix of pairs beside the features' own values, and a network of the strongest."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbxai.core.methods import Method
from perturbxai.core.types import Bools, Floats
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.style import new_figure, rc, scale
from perturbxai.reporting.types import Axes, Colormap, Figure, Line2D
from perturbxai.reporting.values import features
from perturbxai.reporting.values.view import View
from perturbxai.results.explanation import Attribution, Explanation

NUMBERED = 14  # features up to which a matrix has room for numbers
EDGES_A_NODE = 2  # pairs that a network shows, at most, for each of its features
LEVEL = "95 %"
ACROSS = 22  # letters of a name below a matrix


def limit_of(view: View) -> float:
    """The end of the colours: the strongest pair shown, of all outputs together."""
    shown, _ = view.leading
    return float(np.abs(view.pairs[np.ix_(shown, shown, view.outputs)]).max()) or 1.0


def sure(e: Explanation, k: int) -> Bools:
    """(P, P): pairs whose pointwise 95 % interval does not hold zero."""
    from scipy import stats

    assert e.interactions is not None and e.interactions_stderr is not None
    factor = stats.t.ppf(0.975, e.df) if 0 < e.df < np.inf else stats.norm.ppf(0.975)
    return np.asarray(np.abs(e.interactions[..., k]) > factor * e.interactions_stderr[..., k])


def shown_pairs(view: View, k: int) -> Floats:
    """(n, n): the pairs of the features that are shown, NaN along the diagonal, where there are none."""
    shown, _ = view.leading
    values = np.array(view.pairs[np.ix_(shown, shown)][..., k])
    values[np.diag_indices(len(shown))] = np.nan
    return values


def matrix(axis: Axes, view: View, k: int) -> None:
    """Pairs in signed colours, numbers where they are sure; on the right each feature's own value as a bar."""
    e, (shown, _), limit = view.one, view.leading, limit_of(view)
    values = shown_pairs(view, k)
    axis.imshow(values, cmap=_colours(), vmin=-limit, vmax=limit)
    axis.set_yticks(range(len(shown)), [view.labels[p] for p in shown])
    names = features.shown_labels(e.names, shown, longest=ACROSS)
    axis.set_xticks(range(len(shown)), names, rotation=45, ha="right", rotation_mode="anchor")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    for edge in np.arange(len(shown) - 1) + 0.5:
        axis.axhline(edge, color="white", linewidth=1.0)
        axis.axvline(edge, color="white", linewidth=1.0)
    if len(shown) <= NUMBERED:
        certain = sure(e, k)[np.ix_(shown, shown)]
        for i, j in np.argwhere(certain):
            if words := cell_number(values[i, j], limit):
                colour = "white" if abs(values[i, j]) > 0.6 * limit else "#222222"
                size = 7 if len(words) <= 5 else 5  # the cell is that narrow
                axis.text(j, i, words, ha="center", va="center", fontsize=size, color=colour)
    _own_values(axis, e, k, shown)
    axis.set_title(texts(e.outputs)[k])


def _own_values(axis: Axes, e: Explanation, k: int, shown: list[int]) -> None:
    """Bars beside a matrix, a line a feature as its rows are, with 95 % intervals where they are known."""
    beside = axis.inset_axes((1.03, 0.0, 0.36, 1.0), sharey=axis)
    own, place = e.values[shown, k], np.arange(len(shown))
    beside.barh(place, own, height=0.66, color=[_sign(value) for value in own], linewidth=0)
    low, high = (end[shown, k] for end in e.interval())
    known = np.isfinite(low) & np.isfinite(high)
    beside.hlines(place[known], low[known], high[known], color="#222222", linewidth=1.2)
    beside.axvline(0.0, color="#888888", linewidth=0.7)
    beside.tick_params(labelleft=False, left=False)
    beside.locator_params(axis="x", nbins=3)
    beside.set_title("value")
    beside.spines[["top", "right", "left"]].set_visible(False)


def network(axis: Axes, view: View, k: int) -> int:
    """Features on a circle, as large as their own values, and lines as wide as their pairs; how many pairs are shown."""
    e, (shown, _) = view.one, view.leading
    members = [shown[n] for n in _ring(len(shown))]
    pairs, certain = view.pairs[np.ix_(members, members)][..., k], sure(e, k)[np.ix_(members, members)]
    angle = np.pi / 2 - 2.0 * np.pi * np.arange(len(members)) / len(members)
    x, y = np.cos(angle), np.sin(angle)
    first, second = np.triu_indices(len(members), 1)
    strength = np.abs(pairs[first, second])
    largest = float(strength.max(initial=0.0)) or 1.0
    strongest = np.argsort(-strength, kind="stable")[: EDGES_A_NODE * len(members)]
    strongest = strongest[strength[strongest] > 1e-9 * largest]
    for n in strongest[::-1]:  # the strongest lies on top
        i, j = first[n], second[n]
        share = strength[n] / largest
        axis.plot(
            x[[i, j]], y[[i, j]], color=_sign(pairs[i, j]), linewidth=0.5 + 6.5 * share, alpha=0.3 + 0.6 * share,
            linestyle="-" if certain[i, j] else (0, (1.5, 1.2)), solid_capstyle="round", dash_capstyle="butt", zorder=1,
        )  # fmt: skip
    own = e.values[members, k]
    area = 20.0 + np.clip(9000.0 / len(members), 150.0, 700.0) * np.abs(own) / (np.abs(own).max() or 1.0)
    axis.scatter(x, y, s=area, c=[_sign(v) for v in own], edgecolors="white", linewidths=1.0, zorder=3)
    called = view.labels if len(members) <= NUMBERED else texts(e.names, 22)
    names = [called[p] for p in members]
    _around(axis, angle, names, 0.006 * np.sqrt(area))
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.set_title(texts(e.outputs)[k])
    return len(strongest)


def _ring(n_members: int) -> list[int]:
    """An order around the circle that keeps the largest apart, so that what runs between them crosses the middle."""
    steps = [s for s in range(1, n_members + 1) if np.gcd(s, n_members) == 1]
    step = min(steps, key=lambda s: (abs(s - 0.382 * n_members), s))  # the golden section spreads best
    place = (step * np.arange(n_members)) % n_members
    return [int(n) for n in np.argsort(place)]


def _around(axis: Axes, angle: Floats, names: Sequence[str], away: Floats) -> None:
    """Names outside the circle: level where there are few, else turned along the radius and never upside down."""
    few = len(names) <= NUMBERED
    for a, name, far in zip(angle, names, away, strict=True):
        x, y = (1.03 + far) * np.array([np.cos(a), np.sin(a)])
        side = "center" if few and abs(x) < 1e-6 else "left" if x > -1e-6 else "right"
        level = "center" if abs(y) < 0.98 or not few else "bottom" if y > 0 else "top"
        degrees = 0.0 if few else np.degrees(a) + (180.0 if side == "right" else 0.0)
        axis.text(x, y, name, rotation=degrees, rotation_mode="anchor", ha=side, va=level, fontsize=8, in_layout=False)
    # the names are outside of what the layout looks at, so that they do not squeeze the circle: room for them is left here
    axis.set_xlim((-2.8, 2.8) if few else (-1.95, 1.95))
    axis.set_ylim((-1.25, 1.25) if few else (-1.95, 1.95))


def _colours() -> Colormap:
    import matplotlib

    return matplotlib.colormaps["RdBu_r"].with_extremes(bad="#EEEEEE")


def _sign(value: float) -> Any:
    """Red for what raises the output, blue for what lowers it: near the ends of the matrix's colours."""
    import matplotlib

    return matplotlib.colormaps["RdBu_r"](0.92 if value > 0 else 0.08)


def cell_number(value: float, largest: float) -> str:
    """A number as it fits a cell, without the zero before the point; nothing where it is no thousandth of the largest."""
    return "" if abs(value) < 1e-3 * largest else number(value, 2).replace("0.", ".", 1)


def pair_handles() -> list[Line2D]:
    """What the lines of a network are, for a legend."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=_sign(1.0), linewidth=3.0, label="together raise the output"),
        Line2D([], [], color=_sign(-1.0), linewidth=3.0, label="together lower it"),
        Line2D([], [], color="#666666", linewidth=1.6, linestyle=(0, (1.5, 1.2)), label=f"{LEVEL} interval holds zero"),
    ]


@rc
def report_figure(name: str, result: Attribution) -> Figure:
    """The matrix of the first row, for the output that the model rates highest."""
    k = int(np.argmax(result[0].prediction))
    view = View(name, result, "matrix", 0, [k], 0, NUMBERED, None)
    figure = new_figure(*matrix_size(view))
    axis = figure.subplots()
    matrix(axis, view, k)
    colour_bar([axis], view)
    figure.suptitle(view.about + about(view), fontsize=9)
    return figure


def matrix_size(view: View) -> tuple[float, float]:
    n_shown = len(view.leading[0])
    side = max((0.33 if n_shown <= NUMBERED else 0.2) * n_shown, 1.8)
    return 1.42 * side + 2.4, side + 1.7


def about(view: View) -> str:
    shown, rest = view.leading
    numbers = "" if len(shown) > NUMBERED else f"; numbers where the {LEVEL} interval does not hold zero"
    return numbers + features.more(len(rest))


def network_size(view: View) -> tuple[float, float]:
    return (8.0, 4.4) if len(view.leading[0]) <= NUMBERED else (6.0, 6.8)


def index_of(e: Explanation) -> str:
    """The index as it is written, k-SII and not k-sii."""
    index = e.method.index if isinstance(e.method, Method) else ""
    return f" ({index.upper().replace('K-', 'k-')})" if index else ""


def colour_bar(axes: Sequence[Axes], view: View) -> None:
    limit = limit_of(view)
    scale(axes, _colours(), -limit, limit, f"interaction{index_of(view.one)}, in units of the model's output", pad=0.02)
