"""How the prediction changes with a column, or with two: curves with bands, levels, and maps."""

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.curves.axis_places import Ground, is_missing, rows_of
from perturbxai.reporting.curves.column_panel import AXIS, read
from perturbxai.reporting.curves.pair_panel import without_rows
from perturbxai.reporting.curves.view import Line, Panel
from perturbxai.reporting.html.charts.lines import Curve, Lines
from perturbxai.reporting.html.charts.surface import surface
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.numbers import number, own
from perturbxai.reporting.html.per_cent import per_cent, points
from perturbxai.results.effect import Effect
from perturbxai.results.surface_places import beside_rows, within_noise

ROWS_DRAWN = 30  # curves of rows
TICK_ENDS = 40  # of a rug
PALE = 0.3  # how much colour is left to what is within noise
DASH = 0.012  # of an axis: half of the dash that stands for missing values


def curve_figure(panel: Panel) -> Html:
    """The curves of one column and output, whose bands are pointwise 95 %."""
    (ground,), effect = panel.ground, panel.effects[0]
    curves = [_curve(line, panel.k, ground) for line in sorted(panel.lines, key=lambda line: not line.mean)]
    found = None if panel.scale == "derivative" else rows_of(panel.effects, ground)
    levels: list[object] | None = [*ground.values, *(["missing"] if ground.missing else [])] if ground.levels else None
    title = ground.name + (" (the dash on the far right: missing)" if ground.missing and not ground.levels else "")
    rug = None
    if found is not None and not ground.levels and found.counts.sum():
        rug = np.repeat(found.at, found.counts) if found.by_point else _within(found.at, found.counts)
    drawn = Lines(
        curves,
        title,
        AXIS[panel.scale] + (points(effect.meta) if panel.scale != "raw" else per_cent(effect.meta)),
        levels,
        _day if ground.dates else None,
        rug,
    )
    heading = element("p", panel.title, class_="note") if panel.title else None
    return join([heading, drawn.figure()])


def _within(at: Floats, counts: Ints) -> Floats:
    """Places of rows that lie between points: evenly spread quantiles of them."""
    below = np.concatenate([[0.0], np.cumsum(counts)])
    return np.asarray(np.interp((np.arange(TICK_ENDS) + 0.5) / TICK_ENDS * below[-1], below, at))


def _curve(line: Line, k: int, ground: Ground) -> Curve:
    one = read(line, k, ground)
    order = np.argsort(one.at, kind="stable")
    at, y, rows = one.at[order], one.y[order], None
    band = one.band[:, order] if np.isfinite(one.band).any() else None
    if len(one.rows):
        chosen = np.unique(np.linspace(0, len(one.rows) - 1, ROWS_DRAWN).round().astype(int))
        rows = one.rows[chosen][:, order]
    if one.missing and not ground.levels:
        y, rows, band = _apart(y), None if rows is None else _apart(rows), None if band is None else _apart(band)
        wide = DASH * (at[-1] - at[0])
        at = np.append(at[:-1], [at[-1] - wide, at[-1] - wide, at[-1] + wide])
    return Curve(
        line.label, at, y if line.mean else np.full_like(y, np.nan), None if band is None else (band[0], band[1]), rows
    )


def _apart(along: Floats) -> Floats:
    """(..., G) -> (..., G + 2): the last point, of missing values, as a dash that no line leads to."""
    gap, last = np.full_like(along[..., :1], np.nan), along[..., -1:]
    return np.concatenate([along[..., :-1], gap, last, last], axis=-1)


def _day(days: float) -> str:
    return str(np.datetime64(0, "D") + np.timedelta64(round(days), "D"))


def surface_figure(panel: Panel) -> Html:
    """The map of two columns for one output, around its mean if it has a level."""
    effect, k = panel.lines[0].effect, panel.k
    kept = [np.flatnonzero(~is_missing(grid)) for grid in effect.grid]
    at = [ground.places(grid)[some] for ground, grid, some in zip(panel.ground, effect.grid, kept, strict=True)]
    order = [np.argsort(places, kind="stable") for places in at]
    at = [places[o] for places, o in zip(at, order, strict=True)]
    place = np.ix_(*(some[o] for some, o in zip(kept, order, strict=True)))
    values, noisy = effect.values[..., k][place], within_noise(effect, k)[place]
    level = float(values.mean()) if effect.declared.curves == "raw" else 0.0
    edges = [_edges(ground, places) for ground, places in zip(panel.ground, at, strict=True)]
    names = [[own(one) for one in ground.values] if ground.levels else [] for ground in panel.ground]
    empty = without_rows(effect)
    spans = [places if n < len(places) else ends for n, places, ends in zip(empty.shape, at, edges, strict=True)]
    fits = all(len(span) == n + 1 for span, n in zip(spans, empty.shape, strict=True)) and not any(
        g.levels for g in panel.ground
    )
    titles, alt = [ground.name for ground in panel.ground], surface_alt(effect, k)
    # what is pale has part of its own colour, also where nothing else is there to be strong beside it
    shown, sure = np.where(noisy, PALE, 1.0) * (values - level), values[~noisy] if not noisy.all() else values
    most = float(np.abs(sure - level).max())
    drawn = surface(shown, edges, names, titles, alt, empty if fits else None, spans, most)
    about = (
        f"Orange: above the mean of {number(level)}{per_cent(effect.meta)}; blue: below."
        if level
        else "Orange: more than the two alone; blue: less."
    )
    about += f" Full colour: {number(most)}{points(effect.meta).replace(',', '')} away or more." if most else ""
    about += " Pale: within noise." if noisy.any() else ""
    heading = element("p", f"{panel.title}. {about} Striped: no rows are there." if panel.title else about, class_="note")
    return element("figure", heading, drawn)


def _edges(ground: Ground, at: Floats) -> Floats:
    edges = ground.edges(at)
    return edges if edges[-1] > edges[0] else np.array([at[0] - 0.5, at[0] + 0.5])


def surface_alt(effect: Effect, k: int) -> str:
    """Where the surface is highest and lowest, of the places beside rows."""
    values = np.where(beside_rows(effect), effect.values[..., k], np.nan)
    told = []
    for word, place in (("highest", np.nanargmax(values)), ("lowest", np.nanargmin(values))):
        i, j = np.unravel_index(int(place), values.shape)
        told.append(f"{word}, {number(values[i, j])}, where {effect.names[0]} is {own(effect.grid[0][i])} and "
                    f"{effect.names[1]} is {own(effect.grid[1][j])}")  # fmt: skip
    return "; ".join(told)
