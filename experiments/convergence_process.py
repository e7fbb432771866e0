"""The figure of what a process knows of one photo after few coalitions and after more: values with their 95 % intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from convergence_games import Game, asked

import perturbxai as px
from perturbxai.reporting import style

PER_PLAYER = (5, 10, 20)
SEED = 0
KINDS = {
    "least squares alone": (px.KernelShap(surrogate="none"), "drawn", "#9A9A9A", -0.22),
    "with the process": (px.KernelShap(surrogate="process"), "drawn", style.METHOD_STYLES["kernel_shap"]["color"], 0.0),
    "adaptive": (px.KernelShap(surrogate="process"), "adaptive", "#D55E00", 0.22),
}


@style.rc
def figure(game: Game) -> Any:
    """A panel a number of coalitions; players in the order of their true values, which are the black lines."""
    drawn = style.new_figure(9.6, 2.9)
    axes = drawn.subplots(1, len(PER_PLAYER), sharey=True)
    order = np.argsort(-game.shapley)
    for axis, times in zip(axes, PER_PLAYER, strict=True):
        for label, (method, design, colour, aside) in KINDS.items():
            found = asked(game, method, times * game.n_players, SEED, design)[0]
            _values(axis, found, order, aside, {"color": colour, "label": label})
        place = np.arange(game.n_players)
        axis.hlines(game.shapley[order], place - 0.42, place + 0.42, color="#1A1A1A", linewidth=1.0, zorder=4, label="true")
        axis.set_title(f"{times * game.n_players} of {2**game.n_players:,} coalitions", fontsize=9.0, loc="left")
        axis.axhline(0.0, color="#1A1A1A", linewidth=0.5, alpha=0.4)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    reach = 2.2 * np.ptp(game.shapley)  # intervals that leave the picture are wider than twice what there is to see
    axes[0].set_ylim(game.shapley.min() - reach / 2.0, game.shapley.max() + reach / 2.0)
    axes[0].set_ylabel("Shapley value", fontsize=9)
    drawn.supxlabel("superpixels, by their true value", fontsize=9)
    drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(KINDS) + 1, fontsize=8.5)
    return drawn


def _values(axis: Any, found: Any, order: Any, aside: float, look: dict[str, Any]) -> None:
    """Points, and intervals as lines; no line where the error is not known."""
    low, high = (ends[order, 0] for ends in found.interval())
    values, place = found.values[order, 0], np.arange(len(order)) + aside
    known = np.isfinite(high - low)
    axis.vlines(place[known], low[known], high[known], color=look["color"], linewidth=1.6, alpha=0.75)
    axis.plot(place, values, linestyle="", marker="o", markersize=2.8, zorder=5, **look)
