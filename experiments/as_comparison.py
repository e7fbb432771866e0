"""Scores that were measured apart, as one comparison."""

from __future__ import annotations

import pandas as pd

import perturbxai as px


def as_comparison(scores: pd.DataFrame) -> px.Comparison:
    """Lines of `Comparison.scores` of many calls, whose `row` tells the inputs apart, with rows and seconds a line."""
    costs = scores.groupby("method", sort=False)[["rows", "seconds"]].mean().reset_index()
    empty = pd.DataFrame()
    return px.Comparison(
        scores=scores.assign(seed=scores.seed.astype("Int64")), agreement=empty, costs=costs, fill_spread=empty,
        curves=empty,
        results=dict.fromkeys(scores.method), inputs=list(dict.fromkeys(scores.row)),  # type: ignore[arg-type]
    )  # fmt: skip
