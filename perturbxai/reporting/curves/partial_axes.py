"""Where the panels of a partial dependence display go: a pyplot figure of its own, one Axes that is divided, or one each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.reporting.types import Axes

WIDTH, HEIGHT = 3.2, 2.9  # inches a panel, where these make a figure larger than the user's own size
ABOVE, UNDER = 0.65, 0.9  # inches free of panels
APART, OWN_SCALE, BELOW = 0.15, 0.4, 0.6  # of a panel, between panels


def check_places(ax: Any, n_cols: object, n_panels: int) -> None:
    """Refuse places that are too few, too many, or were divided by an earlier display."""
    checks.whole("n_cols", n_cols, 1, of="panels")
    if ax is None:
        return
    if np.ndim(ax) > 0:
        given = np.asarray(ax, dtype=object)
        n_there = sum(one is not None for one in given.ravel())
        if n_there != n_panels:
            raise ValueError(f"ax holds {n_there} axes, and {n_panels} panels are to be drawn; give one for each.")
        return
    if not hasattr(ax, "axison"):
        raise TypeError(f"ax is {type(ax).__name__}; expected a matplotlib Axes, several, or None for a new figure.")
    if not ax.axison:
        raise ValueError(
            "ax was divided by an earlier display, and has no room for another; draw over that one with ax=display.axes_."
        )
    if ax.get_subplotspec() is None:
        raise ValueError(f"ax has no place in a grid that could be divided; give a list of {n_panels} axes, one a panel.")


def lay_out(ax: Any, n_cols: int, n_panels: int, *, apart: bool) -> tuple[NDArray[Any], Axes | None]:
    """(axes for panels as they are arranged, None where a place is empty; the Axes that was divided, or None).

    apart  those to the right have a scale of their own. Raises as `check_places`
    """
    check_places(ax, n_cols, n_panels)
    if ax is not None and np.ndim(ax) > 0:
        return np.asarray(ax, dtype=object), None
    across = min(int(n_cols), n_panels)
    shape = -(-n_panels // across), across
    bounding = _new(shape) if ax is None else ax
    bounding.set_axis_off()
    inner = bounding.get_subplotspec().subgridspec(*shape, wspace=OWN_SCALE if apart else APART, hspace=BELOW)
    axes = np.full(shape, None, dtype=object)
    for number in range(n_panels):
        axes[divmod(number, across)] = bounding.figure.add_subplot(inner[divmod(number, across)])
    return axes, bounding


def _new(shape: tuple[int, int]) -> Any:
    """The Axes of a new figure of pyplot's, in the user's style and at least in the user's size."""
    import matplotlib.pyplot as plt

    width, height = plt.rcParams["figure.figsize"]
    height = max(height, HEIGHT * shape[0])
    figure, axis = plt.subplots(figsize=(max(width, WIDTH * shape[1]), height))
    if figure.get_layout_engine() is None:  # the user's style may have one
        figure.subplots_adjust(top=1.0 - ABOVE / height, bottom=UNDER / height)
    return axis
