"""Axes of effects as plotly has them: numbers, days, or levels side by side, and a missing value behind them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Floats
from perturbxai.core.wording import own_value
from perturbxai.reporting.curves.axis_places import LEVEL_DIGITS, LONGEST_LEVEL, Ground
from perturbxai.reporting.interactive import words
from perturbxai.reporting.interactive.canvas import Record
from perturbxai.reporting.lettering import number, texts
from perturbxai.reporting.types import Interactive

DAY = 86_400_000.0  # milliseconds, in which plotly counts widths along days
CROWDED = 34  # letters of all levels, from which on these are turned


def across(ground: Ground, at: Floats) -> list[Any]:
    """Places on paper as plotly takes them: days as dates, what is not finite as a gap."""
    if not ground.dates:
        return [float(one) if np.isfinite(one) else None for one in at]
    from matplotlib.dates import num2date

    return [num2date(one).strftime("%Y-%m-%d %H:%M:%S.%f") if np.isfinite(one) else None for one in at]


def wide(ground: Ground, width: Floats) -> list[float]:
    """Widths along an axis in plotly's units."""
    return [float(one) for one in width * (DAY if ground.dates else 1.0)]


def name(made: Interactive, at: Record, ground: Ground, ends: tuple[float, float], side: str = "x") -> None:
    """Name an axis and its values: levels by name, a missing value as what it is."""
    update = getattr(made, f"update_{side}axes")
    update(
        title={"text": words.escaped(ground.name), "font": {"size": 12}, "standoff": 6},
        range=across(ground, np.array(ends)),
        **at,
    )
    if ground.levels:
        values = [number(value, LEVEL_DIGITS) if isinstance(value, float) else value for value in ground.values]
        names = texts(values, LONGEST_LEVEL) + ["missing"] * ground.missing
        turned = {"tickangle": -40} if side == "x" and sum(map(len, names)) > CROWDED else {}
        update(tickmode="array", tickvals=ground.at.tolist(), ticktext=words.labels(names), **turned, **at)
        return
    update(nticks=6, **at)
    if ground.missing and side == "x":
        made.add_annotation(
            x=across(ground, ground.at[-1:])[0], y=0.0, yref="y domain", text="missing", textangle=-90, showarrow=False,
            yanchor="bottom", xanchor="left", font={"size": 10, "color": "#666666"}, **at,
        )  # fmt: skip


def held(ground: Ground, grid: NDArray[Any]) -> list[str]:
    """(G,) "name = value" of the points of a grid."""
    return [f"{words.told(ground.name)} = {words.told(own_value(one))}" for one in grid]
