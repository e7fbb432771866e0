"""Axes of effects as plotly has them: numbers, days, or levels side by side, and a missing value behind them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Floats
from perturbxai.core.wording import own_value
from perturbxai.reporting.curves.axis_places import CROWDED, Ground
from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record
from perturbxai.reporting.types import Interactive

DAY = 86_400_000.0  # milliseconds, in which plotly counts widths along days


def across(ground: Ground, at: Floats) -> list[Any]:
    """Places on paper as plotly takes them: days as dates, what is not finite as a gap."""
    if not ground.dates:
        return [float(one) if np.isfinite(one) else None for one in at]
    from matplotlib.dates import num2date

    return [num2date(one).strftime("%Y-%m-%d %H:%M:%S.%f") if np.isfinite(one) else None for one in at]


def wide(ground: Ground, width: Floats) -> list[float]:
    """Widths along an axis in plotly's units."""
    return [float(one) for one in width * (DAY if ground.dates else 1.0)]


def crowded(ground: Ground) -> bool:
    """Whether the names of an axis' levels have no room side by side."""
    named = ground.ticks()
    return ground.levels and named is not None and sum(map(len, named[1])) > CROWDED


def name(made: Interactive, at: Record, ground: Ground, ends: tuple[float, float], side: str = "x") -> None:
    """Name an axis and its values: levels by name, a missing value as what it is."""
    update = getattr(made, f"update_{side}axes")
    title = {"text": words.escaped(ground.name), "font": {"size": 12}, "standoff": 6}
    update(title=title, range=across(ground, np.array(ends)), nticks=6, **at)
    if (named := ground.ticks()) is not None:
        turned = {"tickangle": -40} if side == "x" and crowded(ground) else {}
        update(tickmode="array", tickvals=named[0], ticktext=words.labels(named[1]), **turned, **at)
    elif ground.missing:
        place = {side: across(ground, ground.at[-1:])[0], f"{'y' if side == 'x' else 'x'}": 0.0}
        where = {"yref": "y domain", "textangle": -90} if side == "x" else {"xref": "x domain"}
        made.add_annotation(
            text="missing", showarrow=False, xanchor="left", yanchor="bottom", font={"size": 10}, **place, **where, **at
        )


def held(ground: Ground, grid: NDArray[Any]) -> list[str]:
    """(G,) "name = value" of the points of a grid."""
    return [f"{words.told(ground.name)} = {words.told(own_value(one))}" for one in grid]
