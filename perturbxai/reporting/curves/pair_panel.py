"""Panels of two columns' effects: a coloured map with contours, pale within noise and hatched where no rows are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.reporting.curves.axis_places import Ground, is_missing
from perturbxai.reporting.curves.column_panel import LONGEST
from perturbxai.reporting.curves.view import Panel
from perturbxai.reporting.lettering import text
from perturbxai.reporting.style import sequence
from perturbxai.reporting.types import Axes
from perturbxai.results.effect import Effect
from perturbxai.results.surface_places import beside_rows, within_noise

PALE = 3.0  # times the least error: a map that is nowhere above it has no strong colours
ENOUGH = 8.0  # rows that a neighbourhood would hold if they lay evenly: where it holds none, the data are not there
CONTOURS = 8
CONTOUR: dict[str, Any] = {"colors": "#222222", "linewidths": 0.5, "alpha": 0.7}
HATCH = "#333333"
VEIL = 0.7  # how white a place within noise is made


@dataclass(frozen=True, eq=False)
class Surface:
    """A map in numbers: where the points of both axes are on paper, as they rise, the values (G1, G2), the colours' ends.

    order  which point of the effect's grid each is, along both axes;  signed  whether the values lie around a zero
    noisy  (G1, G2) points that may be nothing
    """

    at: list[Floats]
    order: list[Ints]
    values: Floats
    ends: tuple[float, float]
    signed: bool
    noisy: Bools


def surface_of(panel: Panel) -> Surface:
    """What the output is at each pair of values; of ALE, what the two columns do beyond each alone."""
    effect, k = panel.lines[0].effect, panel.k
    at = [ground.places(grid) for ground, grid in zip(panel.ground, effect.grid, strict=True)]
    order = [np.argsort(places, kind="stable") for places in at]
    at = [places[o] for places, o in zip(at, order, strict=True)]
    values = effect.values[..., k][np.ix_(*order)]
    signed = effect.declared.curves != "raw"
    error = effect.stderr[..., k]
    noise = PALE * float(error[np.isfinite(error)].min(initial=np.inf))
    seen = effect.values[..., k][beside_rows(effect)]
    limit = max(float(np.abs(seen).max()), noise if np.isfinite(noise) else 0.0) or 1.0
    ends = (-limit, limit) if signed else (float(seen.min()), float(seen.max()))
    return Surface(at, order, values, ends, signed, within_noise(effect, k)[np.ix_(*order)])


def draw(axis: Axes, panel: Panel) -> None:
    """One map, with contours, pale within noise and hatched where no rows are."""
    effect, surface = panel.lines[0].effect, surface_of(panel)
    x, y = panel.ground
    at, values, ends, noisy = surface.at, surface.values, surface.ends, surface.noisy
    colours: dict[str, Any] = {"cmap": "RdBu_r" if surface.signed else sequence(), "vmin": ends[0], "vmax": ends[1]}
    for ends_of, cells in blocks(panel.ground, at):
        mesh = axis.pcolormesh(*ends_of, values[cells].T, rasterized=True, **colours)
        if noisy[cells].any():
            veil(axis, ends_of, noisy[cells])
    if not (x.levels or y.levels):
        known = [slice(0, len(ground.known)) for ground in (x, y)]
        if np.ptp(values[tuple(known)]) > 0:
            axis.contour(at[0][known[0]], at[1][known[1]], values[tuple(known)].T, CONTOURS, **CONTOUR)
    hatch(axis, panel.ground, effect)
    beyond = values.min() < ends[0], values.max() > ends[1]
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    bar = axis.figure.colorbar(mesh, ax=axis, pad=0.02, aspect=26, extend=extend)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7.5)
    x.label(axis, "x")
    y.label(axis, "y")
    axis.set_title(text(panel.title, LONGEST) if panel.title else "", loc="left")
    axis.spines[:].set_visible(False)


def blocks(grounds: Sequence[Ground], at: Sequence[Floats]) -> list[tuple[list[Floats], tuple[slice, ...]]]:
    """(ends of its cells along both axes, its points): of the points with values, and apart from them of the missing."""
    parts: list[list[slice]] = []
    for ground, places in zip(grounds, at, strict=True):
        n_known = len(places) - int(ground.missing and places[-1] == ground.at[-1])
        parts.append([one for one in (slice(0, n_known), slice(n_known, len(places))) if one.stop > one.start])
    return [([_edges(g, a[s], a) for g, a, s in zip(grounds, at, pair, strict=True)], pair) for pair in product(*parts)]


def _edges(ground: Ground, at: Floats, whole: Floats) -> Floats:
    """Ends of the cells around points. A missing value alone has a cell as wide as it stands apart."""
    if len(at) == 1 and not ground.levels:
        half = 0.02 * float(np.ptp(whole)) or 0.5
        return np.array([at[0] - half, at[0] + half])
    return ground.edges(at)


def veil(axis: Axes, ends: Sequence[Floats], noisy: Bools) -> None:
    """Make the cells (G1, G2) between these ends pale that may be nothing."""
    from matplotlib.collections import PolyCollection

    x, y = ends
    corners = [[(x[i], y[j]), (x[i + 1], y[j]), (x[i + 1], y[j + 1]), (x[i], y[j + 1])] for i, j in np.argwhere(noisy)]
    cells = PolyCollection(corners, facecolor="white", alpha=VEIL, linewidth=0.0, rasterized=True, antialiased=False)
    axis.add_collection(cells, autolim=False)


def hatch(axis: Axes, grounds: Sequence[Ground], effect: Effect) -> None:
    """Hatch the cells of a map that no row is in or near."""
    import matplotlib
    from matplotlib.collections import PolyCollection

    corners = [[(a, c), (b, c), (b, d), (a, d)] for a, b, c, d in empty_cells(grounds, effect)]
    with matplotlib.rc_context({"hatch.linewidth": 0.5}):
        cells = PolyCollection(corners, facecolor="none", edgecolor=HATCH, linewidth=0.0, hatch="/////", rasterized=True)
    axis.add_collection(cells, autolim=False)


def empty_cells(grounds: Sequence[Ground], effect: Effect) -> Floats:
    """(n, 4): left, right, low and high end of the cells of a map that no row is in or near."""
    empty = without_rows(effect)
    (left, right), (low, high) = (_ends(effect, d, grounds[d], n) for d, n in enumerate(empty.shape))
    i, j = np.nonzero(empty & np.isfinite(left + right)[:, None] & np.isfinite(low + high))
    return np.column_stack([left[i], right[i], low[j], high[j]])


def _ends(effect: Effect, d: int, ground: Ground, n_cells: int) -> tuple[Floats, Floats]:
    """Where the cells that rows are counted in begin and end along an axis, each (n_cells,): around a point, or between two.

    NaN for a step of an accumulated surface to or from a missing value, which stands apart on paper.
    """
    grid = effect.grid[d]
    known = ~is_missing(grid)
    steps = effect.declared.accumulates
    at = np.where(known, ground.places(grid), np.nan) if steps else ground.places(grid[known])
    if n_cells < len(at):
        return np.minimum(at[:-1], at[1:]), np.maximum(at[:-1], at[1:])
    if ground.levels:
        return at - 0.5, at + 0.5
    edges = ground.edges(at)
    return edges[:-1], edges[1:]


def without_rows(effect: Effect) -> Bools:
    """(cells): where a surface has no row of the data, in the cell and in those around it.

    How many are around depends on how fine the grid is: so many that eight rows would be among them if rows lay evenly.
    Cells of a missing value are left out.
    """
    from scipy.ndimage import maximum_filter

    counts = effect.counts
    if not effect.declared.accumulates:
        kept = [n - int(is_missing(grid).any()) for n, grid in zip(counts.shape, effect.grid, strict=True)]
        counts = counts[: kept[0], : kept[1]]
    total = max(int(counts.sum()), 1)
    reach = 0
    while (2 * reach + 1) ** 2 * total < ENOUGH * counts.size and 2 * reach + 1 < max(counts.shape):
        reach += 1
    return ~np.asarray(maximum_filter(counts > 0, 2 * reach + 1, mode="constant", cval=0))
