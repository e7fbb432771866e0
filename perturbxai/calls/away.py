"""Means of scores away from home: under fills that a map was not explained with, the same for maps that know none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

NO_FILL = "none"  # the explained fill of a map that knows none


def weights(scores: pd.DataFrame) -> Floats:
    """(lines,): how much each line of scores counts in a mean away from home, 0 at home.

    A map that knows no fill is at home nowhere. So that it stands beside the others under the fills that they are away
    under, it counts under each fill as many times as there are home fills of others that are not that fill. Where nobody is
    at home, or one fill was scored, all count alike.
    """
    home = scores.home.to_numpy(dtype=bool)
    if scores.scored_fill.nunique() < 2 or home.all():
        return np.ones(len(scores))
    homes = list(dict.fromkeys(scores.scored_fill[home]))
    times = {fill: sum(fill != one for one in homes) for fill in dict.fromkeys(scores.scored_fill)}
    free = scores.explained_fill.to_numpy() == NO_FILL
    counted = scores.scored_fill.map(times).to_numpy(dtype=np.float64) if homes else np.ones(len(scores))
    return np.where(free, counted, np.where(home, 0.0, 1.0))


def means(scores: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """The mean away from home of the lines of each group; groups that have none are left out, and so are scores of NaN."""
    weight = np.where(np.isfinite(scores.value), weights(scores), 0.0)
    parts = scores.assign(value=np.where(weight > 0, scores.value, 0.0) * weight, weight=weight)
    summed = parts[weight > 0].groupby(list(by), sort=False)[["value", "weight"]].sum()
    return (summed.value / summed.weight).rename("value")
