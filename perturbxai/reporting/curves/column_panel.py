"""Panels of one column's effects: curves with bands, rows' curves below, bars of levels, and where the data are."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.reporting.curves.axis_places import Ground, Rows, is_missing, rows_of
from perturbxai.reporting.curves.off_data import Unsupported
from perturbxai.reporting.curves.view import Line, Panel
from perturbxai.reporting.lettering import text
from perturbxai.reporting.types import Axes

STRIP = 0.12  # of a panel's height: the rows of the data
SPACE_BELOW, SPACE_ABOVE, SPACE_WARNED = 0.17, 0.05, 0.2  # of a panel's height: free of curves
MARKED = 25  # points up to which each is marked
NUMBERED = 8  # levels up to which the rows of each are written
DATA, WARNING = "#C6CBD1", "#C24A00"
AXIS = {
    "raw": "model's output", "centred": "model's output, around its mean",
    "anchored": "model's output, from the first point", "derivative": "slope of the model's output",
}  # fmt: skip
COUNT_TEXT: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 6.5, "color": "#444444", "zorder": 3}
LONGEST = 80  # letters of a title
BAND_REACH = 1.0  # of the range of the curves: how far bands may stretch a panel


@dataclass(frozen=True, eq=False)
class Drawn:
    """A line in numbers, as it is drawn: at (G,) on paper, y (G,), the ends of both bands (2, G), rows' curves (n, G)."""

    at: Floats
    y: Floats
    band: Floats
    whole_band: Floats
    rows: Floats
    filled: Bools
    missing: bool


def read(line: Line, k: int, ground: Ground) -> Drawn:
    """What of a line is drawn. filled (G - 1,): steps without a row of the data, of accumulated curves."""
    effect = line.effect
    grid, y = effect.grid[0], effect.values[:, k]
    rows = np.empty((0, len(y)))
    if line.rows and effect.individual is not None:
        rows = effect.individual[..., k]
    if line.centred:
        share = _data_share(line)
        y, rows = y - share @ y, rows - (rows @ share)[:, None]
    band, whole = np.full((2, 2, len(y)), np.nan)
    if line.has_band:
        band = _finite(effect.interval(), k)
        whole = whole if line.among else _finite(effect.interval(simultaneous=True), k)
    filled = np.zeros(len(y) - 1, dtype=bool) if effect.extrapolated is None else effect.extrapolated
    return Drawn(ground.places(grid), y, band, whole, rows, filled, bool(is_missing(grid).any()))


def _finite(ends: tuple[Floats, Floats], k: int) -> Floats:
    found = np.stack([end[:, k] for end in ends])
    return np.where(np.isfinite(found), found, np.nan)


def _data_share(line: Line) -> Floats:
    """(G,): what each point counts in the curve's mean over the data."""
    assert line.effect.reading is not None  # of curves of one column, which alone are drawn around their mean
    return line.effect.reading.present


def base_of(panel: Panel, line: Line, one: Drawn) -> float:
    """Where the bars of levels start: at the mean over the data, which is 0 around it."""
    return float(_data_share(line) @ one.y) if panel.scale == "raw" else 0.0


def limits(panels: Sequence[Panel]) -> tuple[float, float]:
    """What panels of one output hold together: all curves, most of the rows', bands as far as they do not flatten these."""
    means, bands, rows = [], [], []
    for panel in panels:
        for line in panel.lines:
            one = read(line, panel.k, panel.ground[0])
            if line.mean:
                means.append(one.y)
                bands.append(np.concatenate([one.band.ravel(), one.whole_band.ravel()]))
            if len(one.rows):
                rows.append(np.nanpercentile(one.rows, (1, 99)))
    inside = np.concatenate([*means, *rows])
    low, high = float(np.nanmin(inside)), float(np.nanmax(inside))
    reach = BAND_REACH * ((high - low) or abs(high) or 1.0)
    ends = np.concatenate([*bands, inside])
    ends = ends[np.isfinite(ends)]
    low, high = max(low - reach, float(ends.min())), min(high + reach, float(ends.max()))
    return widened(low, high)


def widened(low: float, high: float) -> tuple[float, float]:
    """Ends that have something between them."""
    return (low, high) if high > low else (low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0))


def room(ends: tuple[float, float], above: float, with_rows: bool) -> tuple[float, float, float]:
    """(the height of a panel, its lower and its upper end) that leave what is said above and the rows below free."""
    below = SPACE_BELOW if with_rows else SPACE_ABOVE
    unit = (ends[1] - ends[0]) / (1.0 - below - above)
    return unit, ends[0] - below * unit, ends[1] + above * unit


def span(ground: Ground) -> tuple[float, float]:
    """Ends of the axis across."""
    half = 0.6 if ground.levels else 0.02 * (ground.at[-1] - ground.at[0])
    return float(ground.at[0] - half), float(ground.at[-1] + half)


def draw(axis: Axes, panel: Panel, ends: tuple[float, float], above: float, space: TabularSpace | None = None) -> None:
    """One panel. ends, above: the values it has room for and the share left free, as in those it is compared with."""
    (ground,) = panel.ground
    drawn = [read(line, panel.k, ground) for line in panel.lines]
    means = [line for line in panel.lines if line.mean]
    first = means[0] if len(means) > 1 else None
    for line, one in zip(panel.lines, drawn, strict=True):
        if len(one.rows):
            _rows(axis, line, one, panel.row, ground)
        if line.mean and ground.levels:
            _bars(axis, line, one, (means.index(line), len(means)), base_of(panel, line, one), ends)
        elif line.mean:
            _curve(axis, line, one, ends, thick=line is first)
    if panel.scale != "raw":
        axis.axhline(0.0, color="#888888", linewidth=0.7, zorder=0.5)
    found = rows_of(panel.effects, ground, space) if panel.scale != "derivative" else None
    unit, low, high = room(ends, above, found is not None)
    axis.set_ylim(low, high)
    axis.set_yticks([tick for tick in axis.get_yticks() if ends[0] - 0.02 * unit <= tick <= high])
    axis.set_xlim(*span(ground))
    if found is not None:
        _strip(axis, found, ground)
    if panel.said is not None:
        _warn(axis, panel, panel.said)
    ground.label(axis)
    axis.set_ylabel(AXIS[panel.scale])
    axis.set_title(text(panel.title, LONGEST) if panel.title else "", loc="left")
    axis.spines[["top", "right"]].set_visible(False)


def _curve(axis: Axes, line: Line, one: Drawn, ends: tuple[float, float], thick: bool) -> None:
    """A curve, dotted where no row is behind it, in its pointwise band, with thin lines for the simultaneous one.

    thick: so that it is seen below another one that it agrees with
    """
    known = slice(0, len(one.y) - one.missing)
    at, y = one.at[known], one.y[known]
    band, whole = one.band[:, known], one.whole_band[:, known]
    if np.isfinite(band).any():
        axis.fill_between(at, *band, color=line.colour, alpha=0.1 if line.among else 0.22, linewidth=0, zorder=2)
    for end in whole if np.isfinite(whole).any() else ():
        axis.plot(at, end, color=line.colour, linewidth=0.6, alpha=0.9, zorder=2.2)
    marker: dict[str, Any] = {"marker": "o", "markersize": 3.0} if len(at) <= MARKED and not line.among else {}
    filled = one.filled[: max(len(at) - 1, 0)]
    solid, thin = split(at, y, ~filled), split(at, y, filled)
    axis.plot(*solid, color=line.colour, linewidth=2.8 if thick else 1.6, zorder=4, label=line.label, **marker)
    if filled.any():
        axis.plot(*thin, color=line.colour, linewidth=1.2, linestyle=(0, (1, 1.2)), zorder=4)
    if one.missing:
        _errors(axis, one, [-1], one.at[-1:], line.colour, ends)
        axis.plot(one.at[-1:], one.y[-1:], "D", color=line.colour, markersize=4.0, zorder=5)


def split(at: Floats, y: Floats, kept: Bools) -> tuple[Floats, Floats]:
    """The line of the kept steps only, broken where one is left out."""
    if kept.all():
        return at, y
    xs, ys = np.stack([at[:-1], at[1:], at[1:]]), np.stack([y[:-1], y[1:], np.full(len(y) - 1, np.nan)])
    return xs[:, kept].T.ravel(), ys[:, kept].T.ravel()


def _errors(axis: Axes, one: Drawn, which: slice | list[int], at: Floats, colour: str, ends: tuple[float, float]) -> None:
    """Whiskers: thick pointwise, thin simultaneous. One that goes beyond the panel's values ends there, in an arrow head."""
    for band, width in ((one.whole_band, 0.8), (one.band, 2.0)):
        low, high = band[0, which], band[1, which]
        axis.vlines(at, np.clip(low, *ends), np.clip(high, *ends), color=colour, linewidth=width, zorder=4.5)
        for end, beyond, head in ((ends[0], low < ends[0], "v"), (ends[1], high > ends[1], "^")):
            axis.plot(at[beyond], np.full(beyond.sum(), end), head, color=colour, markersize=3.0, zorder=4.5)


def _bars(axis: Axes, line: Line, one: Drawn, among: tuple[int, int], base: float, ends: tuple[float, float]) -> None:
    """A bar a level from the mean of all, beside those of the other methods, with whiskers."""
    number, total = among
    width = 0.78 / total
    at = one.at + (number - (total - 1) / 2.0) * width
    look: dict[str, Any] = {"color": line.colour, "alpha": 0.75, "linewidth": 0, "zorder": 2, "label": line.label}
    axis.bar(at, one.y - base, 0.9 * width, bottom=base, **look)
    _errors(axis, one, slice(None), at, "#222222", ends)
    if base:
        axis.axhline(base, color="#888888", linewidth=0.7, zorder=1)


def _rows(axis: Axes, line: Line, one: Drawn, row: Hashable, ground: Ground) -> None:
    """Rows' own curves, light; of levels, which nothing lies between, a dash a row."""
    alpha = float(np.clip(30.0 / len(one.rows), 0.06, 0.6))
    known = slice(0, len(one.y) - one.missing)
    if ground.levels:
        for at, values in zip(one.at, one.rows.T, strict=True):
            axis.hlines(values, at - 0.36, at + 0.36, color=line.colour, linewidth=0.7, alpha=alpha, zorder=1)
    else:
        rastered = {"rasterized": len(one.rows) > 100}
        axis.plot(one.at[known], one.rows[:, known].T, color=line.colour, linewidth=0.6, alpha=alpha, zorder=1, **rastered)
        if one.missing:
            axis.plot(np.full(len(one.rows), one.at[-1]), one.rows[:, -1], "_", color=line.colour, alpha=alpha, zorder=1)
    if row is not None and line.effect.individual_rows is not None and row in line.effect.individual_rows:
        own = one.rows[line.effect.individual_rows.index(row)]
        if ground.levels:
            axis.hlines(own, one.at - 0.36, one.at + 0.36, color="black", linewidth=1.8, zorder=5)
        else:
            axis.plot(one.at[known], own[known], color="black", linewidth=1.4, zorder=4.2)


@dataclass(frozen=True, eq=False)
class Crowd:
    """Bars that show how many rows are where, each (n,): their middle, width, height in 0..1, and the number of rows."""

    at: Floats
    width: Floats
    height: Floats
    counts: Ints


def crowd_of(rows: Rows, ground: Ground) -> Crowd:
    """At points a bar each, between points areas; then the rows with a missing value, if the axis has a place for them."""
    if rows.by_point:
        at, width = rows.at, np.full(len(rows.at), 0.6 if ground.levels else 0.5 * float(np.diff(rows.at).min()))
        height = rows.counts / max(rows.counts.max(), rows.missing, 1)
    else:
        at, width = 0.5 * (rows.at[:-1] + rows.at[1:]), np.diff(rows.at)
        density = rows.counts / width
        typical = np.average(density, weights=np.maximum(width, 1e-300))
        height = np.minimum(density / min(density.max(), 4.0 * typical), 1.0)  # a single value does not flatten all
    counts = rows.counts
    if rows.missing and ground.missing:
        whole = max(counts.max(), rows.missing) if rows.by_point else counts.sum() + rows.missing
        own = 0.6 if ground.levels else 0.03 * (ground.known[-1] - ground.known[0])
        at, width = np.append(at, ground.at[-1]), np.append(width, own)
        height, counts = np.append(height, rows.missing / whole), np.append(counts, rows.missing)
    return Crowd(at, width, height, counts)


def _strip(axis: Axes, rows: Rows, ground: Ground) -> None:
    """Below the curves: how many rows are where, and where these lie between points their deciles as a rug."""
    on, crowd = axis.get_xaxis_transform(), crowd_of(rows, ground)
    axis.bar(crowd.at, STRIP * crowd.height, crowd.width, color=DATA, linewidth=0, transform=on, zorder=0.6)
    if not rows.by_point:
        axis.vlines(rows.deciles(), 0.0, 0.03, color="#444444", linewidth=0.8, transform=on, zorder=0.7)
    if ground.levels and len(ground.at) <= NUMBERED:
        counts = [*rows.counts, *([rows.missing] if ground.missing else [])]
        for at, n in zip([*rows.at, ground.at[-1]], counts, strict=False):
            axis.text(at, 0.008, f"{int(n):,}", transform=on, **COUNT_TEXT)


def warning_strip(axis: Axes, edges: Floats, share: Floats, low: float, zorder: float) -> None:
    """Cells between edges (G + 1,), the stronger the larger their share (G,) is, from so high up a panel on."""
    from matplotlib.collections import PolyCollection

    cells = [[(a, low), (b, low), (b, low + 0.02), (a, low + 0.02)] for a, b in pairwise(edges)]
    colours = [(WARNING, float(one)) for one in share]
    strip = PolyCollection(cells, facecolors=colours, linewidths=0, transform=axis.get_xaxis_transform(), zorder=zorder)
    axis.add_collection(strip, autolim=False)


def unlike(panel: Panel, said: Unsupported) -> tuple[Floats, Floats, str]:
    """How much of what is asked lies where no row is: (edges of cells (n + 1,), the share in each (n,), all in words)."""
    (ground,) = panel.ground
    asked = next(line for line in panel.lines if line.asks_anywhere)
    at = ground.places(asked.effect.grid[0])
    known = np.flatnonzero(~is_missing(asked.effect.grid[0]))
    known = known[np.argsort(at[known], kind="stable")]
    name = "ICE" if all(line.rows for line in panel.lines if line.asks_anywhere) else "PDP"
    near = "ALE stays near them" if panel.has_ale else "ALE would stay near them"
    words = f"{name} asks {said.share:.0%} where no rows are\n(beside {text(said.column, 22)}); {near}"
    return ground.edges(at[known]), said.at[known], words


def _warn(axis: Axes, panel: Panel, said: Unsupported) -> None:
    """In words and, point by point, as a strip."""
    edges, share, words = unlike(panel, said)
    warning_strip(axis, edges, share, STRIP + 0.008, zorder=0.6)
    axis.text(0.02, 0.985, words, transform=axis.transAxes, va="top", fontsize=7.5, color=WARNING, zorder=6)
