"""What convergence.csv says: a table of ratios, and a figure of error against model rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

LOOKS: dict[str, dict[str, Any]] = {
    "ours, single rows": {"color": "#0072B2", "linewidth": 2.4},
    "ours, coalitions": {"color": "#56B4E9", "linewidth": 1.6},
    "ours, permutation": {"color": "#009E73", "linewidth": 1.2},
    "shap Permutation": {"color": "#D55E00", "linewidth": 1.4, "linestyle": "--"},
    "shap Kernel, l1_reg=0": {"color": "#CC79A7", "linewidth": 1.4, "linestyle": "--"},
    "shap Kernel, default": {"color": "#CC79A7", "linewidth": 1.0, "linestyle": ":"},
    "shapiq, paired": {"color": "#7A7A7A", "linewidth": 1.4, "linestyle": "--"},
    "shapiq, default": {"color": "#7A7A7A", "linewidth": 1.0, "linestyle": ":"},
    "LightSHAP": {"color": "#B8A200", "linewidth": 1.4, "linestyle": "--"},
}
BETTER_OF = ("shap Permutation", "shap Kernel, l1_reg=0")
FLOOR = 1e-12  # below it an error is rounding


def summarise(path: Path, folder: Path) -> None:
    """Print and write the ratios, and draw the figure."""
    frame = pd.read_csv(path)
    found = ratios(frame)
    found.to_csv(folder / "ratios.csv", index=False)
    with pd.option_context("display.width", 200, "display.max_rows", 200):
        print(found.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
        photo = frame[frame.target.str.startswith("photo")]
        if len(photo):
            print(photo.groupby(["target", "method", "asked"]).error.mean().to_string())
    figure(frame).savefig(folder / "convergence.png")
    print(f"written to {folder}")


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean error and rows of every line of the figure."""
    return frame.groupby(["target", "table", "model", "method", "asked"], as_index=False)[["rows", "error"]].mean()


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Errors of the others over ours at the same rows asked, where the others can run."""
    wide = means(frame).pivot_table(index=["target", "table", "model", "asked"], columns="method", values="error")
    best = wide[[name for name in BETTER_OF if name in wide]].min(axis=1)
    out = pd.DataFrame(
        {"ours": wide["ours, single rows"], "better of shap": best, "ratio": best / wide["ours, single rows"]}
    )
    for name in ("shapiq, paired", "LightSHAP"):
        if name in wide:
            out[f"{name} / ours, coalitions"] = wide[name] / wide["ours, coalitions"]
    out = out[out.ours > FLOOR].dropna(subset=["ours"]).reset_index()
    return out[~out.target.str.startswith("photo")]


def figure(frame: pd.DataFrame) -> Any:
    """A panel a model and table, both axes by powers of ten."""
    from matplotlib.figure import Figure

    data = means(frame)
    data = data[~data.target.str.startswith("photo") & (data.error > FLOOR)]
    panels = list(dict.fromkeys(zip(data.target, data.table, strict=True)))
    models = list(dict.fromkeys(data.model))
    drawn = Figure(figsize=(3.1 * len(models) + 1.9, 2.35 * len(panels) + 0.7), layout="constrained", dpi=150)
    axes = drawn.subplots(len(panels), len(models), squeeze=False, sharex=True)
    for row, (target, table) in zip(axes, panels, strict=True):
        for axis, model in zip(row, models, strict=True):
            panel = data[(data.target == target) & (data.table == table) & (data.model == model)]
            axis.set_visible(len(panel) > 0)
            for name, look in LOOKS.items():
                line = panel[panel.method == name].sort_values("rows")
                if len(line):
                    axis.plot(line.rows, line.error, marker="o", markersize=2.6, label=name, **look)
            axis.set(xscale="log", yscale="log")
            axis.set_title(f"{table}, {model}" + (": the whole table" if target == "population" else ""), fontsize=8.5)
            axis.tick_params(labelsize=7.5)
            axis.grid(alpha=0.25, linewidth=0.5)
            axis.spines[["top", "right"]].set_visible(False)
    handles = {h.get_label(): h for axis in axes.flat for h in axis.get_lines()}
    drawn.legend(handles=list(handles.values()), loc="outside right center", frameon=False, fontsize=8)
    drawn.supxlabel("model rows a point", fontsize=9)
    drawn.supylabel("squared error of the Shapley values, relative", fontsize=9)
    return drawn
