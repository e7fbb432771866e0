"""Panels side by side, one an output: on a figure of their own, or on axes that the caller has."""

from collections.abc import Callable
from typing import Any

from perturbxai.reporting.style import legend_below, new_figure
from perturbxai.reporting.types import Axes, Drawing, Figure
from perturbxai.reporting.values.view import View

PANEL = 3.9  # inches


def panels(n_panels: int, height: float, ax: Axes | None, width: float = PANEL) -> tuple[Any, list[Axes]]:
    """(Figure, None where `ax` is given; axes, which the first one names the lines of)."""
    if ax is not None:
        ax.tick_params(labelleft=True)
        return None, [ax]
    figure = new_figure(width * n_panels + 1.4, height)
    axes = list(figure.subplots(1, n_panels, squeeze=False)[0])
    for axis in axes[1:]:
        axis.tick_params(labelleft=False)
    return figure, axes


def drawn(
    view: View, height: float, ax: Axes | None, draw: Callable[[Axes, View, int], object], width: float = PANEL
) -> tuple[Any, list[Axes]]:
    """The same with what a view shows: a panel an output."""
    figure, axes = panels(len(view.outputs), height, ax, width)
    for axis, k in zip(axes, view.outputs, strict=True):
        draw(axis, view, k)
    return figure, axes


def done(figure: Figure, ax: Axes | None, about: str, handles: list[Any] | None = None) -> Drawing:
    if ax is not None:
        return ax
    figure.suptitle(about, fontsize=9)
    if handles:
        legend_below(figure, handles)
    return figure


def height_of(n_lines: int, each: float = 0.3) -> float:
    return max(1.5 + each * n_lines, 2.6)
