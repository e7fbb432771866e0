"""Scores that were measured apart, as one comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.results.explanation import Attribution, Explanation


def as_comparison(scores: pd.DataFrame) -> px.Comparison:
    """Lines of `Comparison.scores` of many calls, whose `row` tells the inputs apart, with rows and seconds a line."""
    costs = scores.groupby("method", sort=False)[["rows", "seconds"]].mean().reset_index()
    empty, fills = pd.DataFrame(), dict(zip(scores.method, scores.explained_fill, strict=True))
    return px.Comparison(
        scores=scores.assign(seed=scores.seed.astype("Int64")), agreement=empty, costs=costs, fill_spread=empty,
        curves=empty, results={name: _named(name, fill) for name, fill in fills.items()}, inputs=[],
    )  # fmt: skip


def _named(name: str, fill: str) -> Attribution:
    """A result of which nothing is known but its method, for names and colours."""
    none, one = np.zeros((0, 1)), np.zeros(1)
    method = catalogue.load(catalogue.METHODS, name)()
    told = {"fill": fill, "space": "table" if fill == "background" else "image"}
    return Attribution((Explanation(none, none, one, 0.0, one, one, (), ("",), 0, one, method, told),), told)
