"""What errors.csv says: ratios of errors, coverage of intervals, and a figure of error against model rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perturbxai.reporting import style

PLACE = ["target", "table", "model", "asked"]
ROUNDING = 1e-12  # an error below it is none: all coalitions were listed
SHAP = ("shap Permutation", "shap Kernel, l1_reg=0")
AT_EQUAL_COALITIONS = ("shapiq, paired", "LightSHAP")
SINGLE, COALITIONS, SURROGATE = "ours, rows=", "ours, budget=", "ours, budget=, surrogate"
FLOOR = "exact values on 100 rows"
PEERS = {"marker": "", "linewidth": 1.1}
LOOKS: dict[str, dict[str, Any]] = {
    SINGLE: style.METHOD_STYLES["kernel_shap"] | {"linewidth": 2.4, "marker": "o", "markersize": 3.4},
    COALITIONS: style.METHOD_STYLES["kernel_shap"] | {"linewidth": 1.1, "marker": "o", "markersize": 2.4},
    SURROGATE: style.METHOD_STYLES["kernel_shap"]
    | {"linewidth": 0, "marker": "D", "markersize": 4.2, "markerfacecolor": "white"},
    "ours, permutation": style.METHOD_STYLES["permutation_shap"] | {"linewidth": 1.1, "marker": "o", "markersize": 2.4},
    "shap Permutation": PEERS | {"color": "#2B2B2B", "linestyle": (0, (5, 1.5))},
    "shap Kernel, l1_reg=0": PEERS | {"color": "#2B2B2B", "linestyle": (0, (1, 1.2))},
    "shapiq, paired": PEERS | {"color": "#8C8C8C", "linestyle": (0, (5, 1.5))},
    "LightSHAP": PEERS | {"color": "#8C8C8C", "linestyle": (0, (1, 1.2))},
    FLOOR: PEERS | {"color": "#B5B5B5", "linewidth": 3.0},
}  # not drawn: what is far above all others, shap's and shapiq's defaults and sampling
BANDS = (SINGLE,)
TABLES = ("breast cancer", "diabetes", "california")
PANELS = {  # target and model, in the order of the columns
    ("population", "boosted"): "{table}, trees, whole table",
    ("background", "boosted"): "{table}, boosted trees",
    ("background", "forest"): "{table}, forest",
    ("background", "mlp"): "{table}, MLP",
    ("picture", "small CNN"): "{table}, small CNN",
    ("picture", "EfficientNet-Lite0"): "{table}, EfficientNet-Lite0",
}
FLOOR_TEXT = {"ha": "right", "va": "top", "fontsize": 7.0, "color": "#7A7A7A"}
CAPTION = """Mean over points and seeds of the squared
distance to the true values over their square.
Shaded: from the best to the worst seed.
"Whole table": absence is every row of it,
of which the others take 100."""
APART = 0.105  # of a panel's height, between names


def summarise(path: Path, folder: Path) -> None:
    """Print and write ratios and coverage, and draw the figure, into a folder."""
    frame = pd.read_csv(path)
    with pd.option_context("display.width", 220, "display.max_rows", 500, "display.max_columns", 30):
        for name, found in (("means", means(frame)), ("ratios", ratios(frame)), ("coverage", coverage(frame))):
            found.to_csv(folder / f"{name}.csv", index=False)
            if name != "means":
                print(name, found.to_string(index=False, na_rep="", float_format=lambda v: f"{v:.3g}"), sep="\n")
    style.save(figure(frame), folder / "convergence.png")


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over points and seeds of what was measured."""
    measured = ["rows", "once", "error", "truth_error", "covered", "odd_share", "seconds"]
    return frame.groupby([*PLACE, "method"], as_index=False)[measured].mean()


def coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """Share of the true values within 95 % intervals, by model rows."""
    kept = frame[frame.covered.notna() & (frame.error > ROUNDING)]
    found = kept.pivot_table(index=["target", "table", "model", "method"], columns="asked", values="covered")
    return found.reset_index()


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Errors of the others over ours, times the rows they asked over those that ours did: an error falls as 1 / rows.

    Without that factor who leaves a part of the budget unspent would seem worse than it is.
    """
    found = means(frame)
    found = found[found.error > ROUNDING]
    price = (found.error * found.rows).groupby([found[name] for name in [*PLACE, "method"]]).first().unstack()
    price = price.reindex(columns=[*LOOKS, *price.columns.difference(list(LOOKS))])
    shap = price[list(SHAP)].min(axis=1)
    out = pd.DataFrame({f"shap / {SINGLE.split()[1]}": shap / price[SINGLE], "shap / budget=": shap / price[COALITIONS]})
    out["shap / surrogate"] = shap / price[SURROGATE]
    out["surrogate / budget="] = price[SURROGATE] / price[COALITIONS]
    for name in AT_EQUAL_COALITIONS:
        out[f"{name} / budget="] = price[name] / price[COALITIONS]
    out["odd share"] = found[found.method == COALITIONS].set_index(PLACE).odd_share
    errors = found.set_index([*PLACE, "method"]).error.unstack()
    out.insert(0, "error, rows=", errors[SINGLE])
    out.insert(1, "error, budget=", errors[COALITIONS])
    return out.dropna(how="all").reset_index()


@style.rc
def figure(frame: pd.DataFrame) -> Any:
    """A row of panels a table, for the whole table and for 100 background rows, and one for the pictures."""
    frame = frame[(frame.error > ROUNDING) & frame.method.isin(list(LOOKS))]
    lines = [frame[(frame.target != "picture") & (frame.table == table)] for table in TABLES]
    lines.append(frame[frame.target == "picture"])
    panels = [[(where, line[_is(line, where)]) for where in PANELS if _is(line, where).any()] for line in lines]
    panels = [line for line in panels if line]
    n_columns = max(map(len, panels))
    drawn = style.new_figure(2.2 * n_columns + 1.5, 2.05 * len(panels) + 0.3)
    axes = drawn.subplots(len(panels), n_columns, squeeze=False)
    for places, line in zip(axes, panels, strict=True):
        free = places[: n_columns - len(line)]
        for axis in free:
            axis.axis("off")
        if len(free) > 1:
            free[0].text(
                0.0, 0.95, CAPTION, transform=free[0].transAxes, va="top", fontsize=7.5, linespacing=1.5, in_layout=False
            )
        for axis, (where, chosen) in zip(places[n_columns - len(line) :], line, strict=True):
            _panel(axis, chosen, PANELS[where].format(table=chosen.table.iloc[0]))
        _name(places[-1], line[-1][1])
    drawn.supxlabel("model rows a point", fontsize=9)
    drawn.supylabel("squared error of the Shapley values, relative", fontsize=9)
    return drawn


def _is(frame: pd.DataFrame, where: tuple[str, str]) -> Any:
    return (frame.target == where[0]) & (frame.model == where[1])


def _panel(axis: Any, frame: pd.DataFrame, title: str) -> None:
    """Mean error over points and seeds; a band from the best to the worst seed."""
    for name, look in LOOKS.items():
        lines = frame[frame.method == name]
        if lines.empty:
            continue
        if name == FLOOR:
            axis.axhline(lines.error.mean(), zorder=0.5, **look)
            axis.text(1.0, 0.85 * lines.error.mean(), name, transform=axis.get_yaxis_transform(), **FLOOR_TEXT)
            continue
        found = _line(lines)
        axis.plot(found.rows, found.error, zorder=3 if "ours" in name else 2, **look)
        if name in BANDS:
            axis.fill_between(found.rows, found.least, found.most, color=look["color"], alpha=0.15, linewidth=0, zorder=1)
    axis.set(xscale="log", yscale="log")
    if frame.rows.max() < 20 * frame.rows.min():  # about a decade would be labelled at every step
        places = sorted(frame.asked.unique())
        axis.set_xticks(places, [str(place) for place in places])
    axis.set_title(title, fontsize=8.5, loc="left")
    axis.tick_params(labelsize=7.5)
    axis.tick_params(which="minor", length=1.5, labelbottom=False, labelleft=False)
    axis.grid(alpha=0.25, linewidth=0.5)
    axis.spines[["top", "right"]].set_visible(False)


def _line(lines: pd.DataFrame) -> pd.DataFrame:
    """Rows and error of each place on the x axis, and the least and the greatest error of a seed."""
    by_seed = lines.groupby(["asked", "seed"])[["rows", "error"]].mean().groupby("asked")
    found = by_seed.mean()
    return found.assign(least=by_seed.error.min(), most=by_seed.error.max())


def _name(axis: Any, frame: pd.DataFrame) -> None:
    """Each line's name beside its end, names kept apart."""
    ends = {name: _line(frame[frame.method == name]).iloc[-1] for name in LOOKS if (frame.method == name).any()}
    order = sorted(ends, key=lambda name: ends[name].error)
    low, high = np.log10(axis.get_ylim())
    wanted = [(np.log10(ends[name].error) - low) / (high - low) for name in order]
    for at in range(1, len(wanted)):
        wanted[at] = max(wanted[at], wanted[at - 1] + APART)
    below = max(wanted[-1] - 1.0, 0.0)  # what stands out at the top is pushed back
    for at in range(len(wanted) - 1, -1, -1):
        above = wanted[at + 1] - APART if at + 1 < len(wanted) else wanted[at] - below
        wanted[at] = min(wanted[at], above)
    for name, place in zip(order, wanted, strict=True):
        color = LOOKS[name]["color"]
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 2, "relpos": (0.0, 0.5)}
        axis.annotate(
            name, (ends[name].rows, ends[name].error), (1.1, place), textcoords="axes fraction", arrowprops=line,
            color=color, fontsize=7.5, va="center", annotation_clip=False, fontweight="bold" if name == SINGLE else "normal",
        )  # fmt: skip
