"""Interactive panels of two columns' effects: a coloured map, pale within noise, hatched where the data have no rows."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Bools, Floats
from perturbxai.reporting.curves.pair_panel import VEIL, blocks, empty_cells, surface_of
from perturbxai.reporting.curves.view import Panel
from perturbxai.reporting.interactive import axes, words
from perturbxai.reporting.interactive.canvas import BAR, NUMBERS, Record, listed
from perturbxai.reporting.interactive.colours import rising, signed
from perturbxai.reporting.types import Interactive

HATCH = "rgba(51,51,51,0.75)"
WHITE = f"rgba(255,255,255,{VEIL})"
NOISE = "<br>within noise"


def panel(made: Interactive, at: Record, one: Panel) -> None:
    """One map with its own colours, which around a zero are white there."""
    surface, effect = surface_of(one), one.lines[0].effect
    low, high = effect.interval()
    order = np.ix_(*surface.order)
    held = [[axes.held(g, grid)[n] for n in o] for g, grid, o in zip(one.ground, effect.grid, surface.order, strict=True)]
    low, high = low[..., one.k][order], high[..., one.k][order]
    first = True
    for ends, cells in blocks(one.ground, surface.at):
        values, lower, upper = (numbers[cells].T for numbers in (surface.values, low, high))
        noisy = surface.noisy[cells].T
        told = [
            [f"{a}<br>{b}<br>{words.amount(*amount)}{NOISE * bool(n)}"
             for a, n, *amount in zip(held[0][cells[0]], *line, strict=True)]
            for b, *line in zip(held[1][cells[1]], noisy, values, lower, upper, strict=True)
        ]  # fmt: skip
        made.add_heatmap(
            z=[listed(line) for line in values],
            x=axes.across(one.ground[0], ends[0]),
            y=axes.across(one.ground[1], ends[1]),
            zmin=surface.ends[0],
            zmax=surface.ends[1],
            colorscale=signed() if surface.signed else rising(),
            hovertext=told,
            hoverinfo="text",
            showscale=first,
            colorbar=_bar(made, at) if first else None,
            **at,
        )
        if noisy.any():
            _veil(made, at, one, ends, noisy)
        first = False
    _hatch(made, at, one)
    for ground, places, side in zip(one.ground, surface.at, "xy", strict=True):
        edges = [end for ends, _ in blocks(one.ground, surface.at) for end in ends["xy".index(side)]]
        axes.name(made, at, ground, (float(min(edges)), float(max(edges))) if len(places) else (0.0, 1.0), side)


def _veil(made: Interactive, at: Record, one: Panel, ends: Sequence[Floats], noisy: Bools) -> None:
    """Make the cells (G2, G1) between these ends pale that may be nothing."""
    made.add_heatmap(
        z=[listed(line) for line in np.where(noisy, 1.0, np.nan)],
        x=axes.across(one.ground[0], ends[0]),
        y=axes.across(one.ground[1], ends[1]),
        colorscale=[[0.0, WHITE], [1.0, WHITE]],
        showscale=False,
        hoverinfo="skip",
        **at,
    )


def _bar(made: Interactive, at: Record) -> Record:
    """A colour bar beside its own panel."""
    place = made.get_subplot(**at)
    (_, right), (bottom, top) = place.xaxis.domain, place.yaxis.domain
    pixels = made.layout.width - made.layout.margin.l - made.layout.margin.r
    return {
        "x": min(right + 6.0 / pixels, 1.02),
        "xanchor": "left",
        "y": 0.5 * (bottom + top),
        "len": top - bottom,
        "thickness": 11,
        "outlinewidth": 0,
        "tickfont": {"size": 10},
        "ypad": 0,
        "nticks": 6,
        **NUMBERS,
    }


def _hatch(made: Interactive, at: Record, one: Panel) -> None:
    """Cells that no row is in or near, all of them one trace."""
    xs, ys = [], []
    for left, right, low, high in empty_cells(one.ground, one.lines[0].effect):
        xs += [left, right, right, left, left, np.nan]
        ys += [low, low, high, high, low, np.nan]
    if xs:
        made.add_scatter(
            x=axes.across(one.ground[0], np.array(xs)),
            y=axes.across(one.ground[1], np.array(ys)),
            mode="lines",
            fill="toself",
            line={"width": 0},
            fillpattern={"shape": "/", "size": 5, "solidity": 0.18, "fgcolor": HATCH, "bgcolor": "rgba(0,0,0,0)"},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="skip",
            showlegend=False,
            **at,
        )


MAP_ROOM = BAR // 2 + 24  # pixels that a panel's own colour bar takes
