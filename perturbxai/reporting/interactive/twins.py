"""Which figures have an interactive twin, and who draws it: plotly is loaded when one is asked for."""

from importlib import import_module
from typing import Any

from perturbxai.core import checks
from perturbxai.core.extras import installed, remedy
from perturbxai.reporting.types import Axes, Interactive

TWINS = {
    "waterfall": "waterfall", "bars": "bars", "beeswarm": "beeswarm", "heatmap": "heatmap", "decision": "decision",
    "scatter": "scatter", "matrix": "matrix", "photo": "photo", "importance": "importance", "scores": "scores",
    "h_statistic": "h_statistic", "effects": "effects",
    "forest": "forest", "ranks": "ranks", "differences": "differences",
}  # fmt: skip
WITHOUT = {
    "network": "kind='network'", "strip": "kind='strip'", "opacities": "the curves of a photo's opacities",
    "examples": "a table of examples", "worth": "the worth of prototypes", "witness": "the witness of prototypes",
}  # fmt: skip


def check(interactive: bool, ax: Axes | None) -> None:
    """Refuse what no interactive figure can be, and where plotly is not installed, before anything is chosen or drawn."""
    checks.flag("interactive", interactive)
    if not interactive:
        return
    if ax is not None:
        raise ValueError("ax is matplotlib's, and interactive=True draws a plotly figure of its own; leave one of them out.")
    if not installed("plotly"):
        raise ImportError(f"interactive=True draws with plotly: {remedy('plotly')}; or leave it out.")


def figure_of(name: str, shown: Any) -> Interactive:
    """The twin of a figure, of what it shows. Raises ValueError for one that has none."""
    if name in WITHOUT:
        some = "waterfall, bars, beeswarm, heatmap, decision, scatter, matrix"
        raise ValueError(
            f"interactive=True: {WITHOUT[name]} has no interactive figure; {some} have one, and so have importances, "
            "effects of columns, comparisons, their forests, differences, H statistics and the maps of photos. Leave "
            "interactive= out."
        )
    return import_module(f"{__package__}.{TWINS[name]}").figure(shown)
