"""The figure of errors.csv: error against coalitions, a panel a game, ours against whichever of the others errs least."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from convergence_games import NAMES
from convergence_methods import OURS
from convergence_ranking import ROUNDING, by_cell, by_place, others

from perturbxai.reporting import style

N_COLUMNS = 5
SHAP = "shap Kernel"
OWN_LOOK = style.METHOD_STYLES["kernel_shap"] | {"linewidth": 2.4, "marker": "o", "markersize": 3.6, "zorder": 5}
DRAWN = "kernel_shap"  # ours without a choice of what is asked
LOOKS: dict[str, dict[str, Any]] = {
    DRAWN: {"color": OWN_LOOK["color"], "linewidth": 1.2, "linestyle": (0, (4, 1.5)), "zorder": 4},
    "best": {"color": "#1A1A1A", "linewidth": 1.3, "zorder": 4},
    SHAP: {"color": "#1A1A1A", "linewidth": 1.0, "linestyle": (0, (1, 1.3)), "zorder": 3},
    "other": {"color": "#C4C4C4", "linewidth": 0.7, "zorder": 2},
}
ABOVE = 40.0  # times the greatest error of ours and of the best: what lies higher is not shown
LETTERS = 7.0
TITLES = {
    "photos": "EfficientNet-Lite0",
    "cancer, network": "cancer groups, network",
    "sigmoid 20": "sigmoid",
    "sigmoid 50": "sigmoid",
    "polynomial": "products of 1 to 5",
    "triples": "products of 3",
    "orders 7 to 9": "products of 7 to 9",
}
CAPTION = """Squared distance to the true
Shapley values over their square,
mean over seeds (geometric over
rows) at the same numbers of
distinct coalitions.
Grey: {n_others} estimators of shap,
shapiq and LightSHAP.
Dotted: shap's Kernel. Black: who
errs least, named at its right end.
Blue: ours, from best to worst seed;
dashed, all coalitions drawn."""


@style.rc
def figure(frame: pd.DataFrame) -> Any:
    """A panel a game, in the order in which the experiment names them, and what is drawn in words."""
    errors = by_place(by_cell(frame))
    games = [name for name in NAMES if name in errors.index.get_level_values("game")]
    n_rows = -(-(len(games) + 1) // N_COLUMNS)  # one place is left for the caption
    drawn = style.new_figure(2.15 * N_COLUMNS, 1.95 * n_rows + 0.2)
    axes = drawn.subplots(n_rows, N_COLUMNS, squeeze=False).ravel()
    for at, (axis, game) in enumerate(zip(axes, games, strict=False)):
        _panel(axis, errors.loc[game], frame[(frame.game == game) & (frame.method == OURS)], names=at == 0)
        axis.set_title(f"{TITLES.get(game, game)} ({axis.n_players})", fontsize=8.0, loc="left")
    for axis in axes[len(games) :]:
        axis.axis("off")
    told = {"va": "top", "fontsize": LETTERS + 0.5, "linespacing": 1.45, "in_layout": False}
    axes[len(games)].text(-0.12, 1.04, CAPTION.format(n_others=len(others(errors))), **told)
    drawn.supxlabel("coalitions a player (players in brackets)", fontsize=9)
    drawn.supylabel("relative squared error of the Shapley values", fontsize=9)
    return drawn


def _panel(axis: Any, errors: Any, ours: Any, names: bool) -> None:
    """errors: of one game, by players and coalitions;  ours: its single lines;  names: whether lines are named here."""
    axis.n_players = int(errors.index.get_level_values("players")[0])
    errors = errors.droplevel("players")
    errors.index = errors.index / axis.n_players
    compared = errors[others(errors)].dropna(axis=0, how="all")
    best = compared.min(axis=1)
    for name in compared:
        axis.plot(compared.index, compared[name], **LOOKS[SHAP if name == SHAP else "other"])
    if len(compared):
        axis.plot(best.index, best, **LOOKS["best"])
        _name_best(axis, compared.iloc[-1])
    if DRAWN in errors:
        axis.plot(errors.index, errors[DRAWN], **LOOKS[DRAWN])
    axis.plot(errors.index, errors[OURS], **OWN_LOOK)
    by_seed = np.exp(np.log(ours.error.clip(lower=ROUNDING)).groupby([ours.asked, ours.seed]).mean()).groupby("asked")
    band = {"color": OWN_LOOK["color"], "alpha": 0.15, "linewidth": 0, "zorder": 1}
    axis.fill_between(by_seed.min().index / axis.n_players, by_seed.min(), by_seed.max(), **band)
    _frame(axis, errors.index, pd.concat([best, errors[OURS]]))
    if names:
        _name_ours(axis, errors[OURS])


def _frame(axis: Any, places: Any, shown: pd.Series) -> None:
    low, high = shown.min(), shown.max()
    axis.set(xscale="log", yscale="log", ylim=(low / 4.0, min(high * ABOVE, max(10.0, high * 2.0))))
    axis.set_xlim(places.min() * 0.85, places.max() * 1.2)
    apart = [place for place, after in zip(places, [*places[1:], np.inf], strict=True) if after > 1.1 * place]
    axis.set_xticks(apart, [f"{place:.0f}" for place in apart])
    axis.tick_params(labelsize=7.0)
    axis.tick_params(which="minor", length=0, labelbottom=False, labelleft=False)
    axis.grid(alpha=0.25, linewidth=0.5)
    axis.spines[["top", "right"]].set_visible(False)


def _name_best(axis: Any, last: Any) -> None:
    """In the corner that lines leave free, who the best of the others is at their right ends."""
    which = str(last.idxmin()).removeprefix("shapiq ").replace(", ", ",\n")
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    told = {"fontsize": LETTERS, "zorder": 6, "color": LOOKS["best"]["color"], "ha": "right", "va": "top"}
    axis.text(1.0, 1.0, which, transform=axis.transAxes, bbox=paper, **told)


def _name_ours(axis: Any, ours: Any) -> None:
    told = {"fontsize": LETTERS + 0.5, "fontweight": "bold", "color": OWN_LOOK["color"], "va": "top", "zorder": 6}
    axis.annotate("ours", (ours.index[0], ours.iloc[0]), xytext=(2, -7), textcoords="offset points", **told)
