"""What errors.csv says: errors by cell, ratios to the best of the others, a ranking, coverage, and all of it as a page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from convergence_methods import OURS, OWN

CELL = ["game", "case", "players", "asked"]
PLACE = ["game", "players", "asked"]
ROUNDING = 1e-12  # a smaller error is none
AGAINST_TRUTHS_OF_THEIR_OWN = ("lime", "banzhaf")
RANKING_TEXT = """Error of the method named over that of `{ours}` at the same number of distinct coalitions: the geometric
mean over {cells} cells (one row, photo or draw of a game, and a number of coalitions), the least, the greatest, and in how
many of its cells the method errs less. An error is the squared distance to the true Shapley values over their square, in the
mean over seeds. "Best of the others" is, in each cell, whichever of them erred least there. Seconds are the processor's, the
mean over all that the method was asked, the model's own left out. Of `{ours}` itself: {seconds:.2g}."""
ERRORS_TEXT = "Geometric means over the rows, photos or draws of a game, whose errors differ by a factor of ten and more."
SLOPES_TEXT = "`lime` and `banzhaf` are measured against their own true values."
COVERAGE_TEXT = "Share of the true values within 95 % intervals of `{ours}`, and share of the runs in which all are."


def summarise(path: Path, folder: Path) -> pd.DataFrame:
    """Write errors by cell, ratios, ranking and coverage into a folder, as tables and as a page, and return the lines."""
    frame = pd.read_csv(path, dtype={"case": str, "failure": str})
    errors = by_cell(frame)
    found = {"cells": errors, "ratios": ratios(errors), "ranking": ranking(frame), "coverage": coverage(frame)}
    for name, table in found.items():
        table.to_csv(folder / f"{name}.csv")
    (folder / "convergence.md").write_text(page(frame))
    print(found["ranking"].to_string(float_format=lambda value: f"{value:.3g}"))
    return frame


def by_cell(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean error over seeds: a line a cell, a column a method. A method that failed there has none."""
    found = frame.groupby([*CELL, "method"]).error.agg("mean", skipna=False)
    return found.unstack().reindex(columns=_in_order(frame.method.unique()))


def by_place(cells: pd.DataFrame) -> pd.DataFrame:
    """Geometric means over the cases of a game; none where one of them is missing."""
    return cells.clip(lower=ROUNDING).groupby(PLACE).agg(_geometric)


def _geometric(errors: Any) -> float:
    return float(np.exp(np.log(errors).mean(skipna=False)))


def _in_order(methods: Iterable[str]) -> list[str]:
    found = set(methods)
    return [*(name for name in OWN if name in found), *sorted(found - set(OWN))]


def others(errors: pd.DataFrame) -> list[str]:
    return [name for name in errors.columns if name not in OWN]


def ratios(errors: pd.DataFrame) -> pd.DataFrame:
    """Ours, the best of the others in each cell, who that is, and its error over ours."""
    compared = errors[others(errors)].clip(lower=ROUNDING)
    compared = compared[compared.notna().any(axis=1) & errors[OURS].notna()]
    ours = errors[OURS].reindex(compared.index).clip(lower=ROUNDING)
    which = compared.idxmin(axis=1) if len(compared) else None
    found = pd.DataFrame({"ours": ours, "best of the others": compared.min(axis=1), "which": which})
    found["ratio"] = found["best of the others"] / found.ours
    return found


def ranking(frame: pd.DataFrame) -> pd.DataFrame:
    """By method, and for the best of the others: geometric mean, least and greatest of the ratios to ours, cells below 1.

    seconds: of the processor, the mean over all runs of the method
    """
    errors = by_cell(frame)
    ours = errors[OURS].clip(lower=ROUNDING)
    shapley = [name for name in errors.columns if name != OURS and name not in AGAINST_TRUTHS_OF_THEIR_OWN]
    over = {name: (errors[name].clip(lower=ROUNDING) / ours).dropna() for name in shapley}
    over = {"best of the others": ratios(errors).ratio, **over}
    found = {name: _told(ratio) for name, ratio in over.items() if len(ratio)}
    ranked = pd.DataFrame(found).T.rename_axis("method").sort_values("geometric mean")
    return ranked.join(frame.groupby("method").seconds.mean())


def _told(ratio: Any) -> dict[str, float]:
    return {
        "geometric mean": _geometric(ratio), "least": ratio.min(), "greatest": ratio.max(),
        "errs less in": int((ratio < 1.0).sum()), "cells": len(ratio),
    }  # fmt: skip


def coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """By game and coalitions, of each of our methods: share of values in their intervals, and of runs with all in theirs."""
    kept = frame[frame.covered.notna() & (frame.error > ROUNDING)]
    return kept.pivot_table(index=PLACE, columns="method", values=["covered", "together"])


def page(frame: pd.DataFrame) -> str:
    """The results in Markdown: ranking, cells in which another errs less, errors and coverage by cell."""
    errors = by_cell(frame)
    compared = ratios(errors)
    lost = compared[compared.ratio < 1.0].sort_values("ratio")
    seconds = frame[frame.method == OURS].seconds.mean()
    parts = [
        "# Shapley values at equal numbers of coalitions",
        "## Ranking", RANKING_TEXT.format(ours=OURS, cells=len(compared), seconds=seconds), _table(ranking(frame)),
        "## Where another errs less", _table(lost) if len(lost) else "Nowhere.",
        "## Errors", ERRORS_TEXT, SLOPES_TEXT if set(AGAINST_TRUTHS_OF_THEIR_OWN) & set(errors.columns) else "",
        _table(_beside(errors, compared)),
        "## Coverage", COVERAGE_TEXT.format(ours=OURS), _table(_of_ours(coverage(frame))),
        "## What was asked", _versions(frame), _failures(frame),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _beside(errors: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Ours, the best of the others, and our further methods."""
    own = [name for name in errors.columns if name in OWN and name != OURS]
    return by_place(compared.drop(columns="which").join(errors[own], how="left"))


def _of_ours(covered: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: covered[name][OURS] for name in ("covered", "together") if (name, OURS) in covered})


def _versions(frame: pd.DataFrame) -> str:
    known = frame.dropna(subset=["version"]).groupby("version").method.unique()
    return "\n".join(f"- {version}: {', '.join(_in_order(methods))}" for version, methods in known.items())


def _failures(frame: pd.DataFrame) -> str:
    """What a method said where it gave no values, once for each of its words."""
    failed = frame[frame.failure.notna()].groupby(["method", "failure"], sort=False).size().reset_index(name="times")
    return "\n".join(f"- {one.method}, {one.times} times without values: {one.failure}" for one in failed.itertuples())


def _table(frame: pd.DataFrame) -> str:
    """A Markdown table of a frame and its index."""
    frame = frame.reset_index()
    head = [str(name) for name in frame.columns]
    lines = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.3g}"
    return str(value)
