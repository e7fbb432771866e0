"""Regions: parts of the data in which rows agree on an effect, and how much that explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core.conditions import Condition
from perturbxai.core.types import Data, Floats, Frame, Ints


@dataclass(frozen=True, eq=False)
class Region:
    """Rows that meet some conditions, all of them.

    name  the conditions in words;  share of the drawn rows by their weights;  rows: how many of them
    heterogeneity (K,)  how far rows of the region disagree: the deviation of what they say around the region's mean
    """

    name: str
    conditions: tuple[Condition, ...]
    share: float
    rows: int
    heterogeneity: Floats


@dataclass(frozen=True, eq=False)
class RegionCut:
    """A cut that was tried: a condition in words, and which share of the heterogeneity of the rows before it it takes away.

    fall    on the rows that chose it;  honest: on rows that did not, the mean of two halves, each in `halves`
    floor   95 % of the best cuts take away less where conditions have nothing to do with the effect (shuffled)
    kept    whether it was made: its fall lies above the floor, and the honest one is large enough
    """

    name: str
    fall: float
    honest: float
    halves: tuple[float, float]
    floor: float
    kept: bool


@dataclass(frozen=True, eq=False)
class RegionsFound:
    """What an effect's rows were found to fall into. One region, without a condition, where no cut was worth it.

    regions   each with its conditions;  cuts: all that were tried, the first one of all rows
    heterogeneity (K,)  of all rows, in units of the output;  left (K,): within regions
    of_curves whether it is of whole curves (PDP, ICE), each less its own level, or of steps (ALE) in their bins
    """

    regions: tuple[Region, ...]
    cuts: tuple[RegionCut, ...]
    heterogeneity: Floats
    left: Floats
    of_curves: bool
    columns: Any

    @property
    def fall(self) -> Floats:
        """(K,): the share of the squared heterogeneity that regions take away, on the rows that chose them."""
        whole = self.heterogeneity**2
        return np.asarray(np.where(whole > 0, 1.0 - self.left**2 / np.where(whole > 0, whole, 1.0), 0.0))

    def of(self, X: Data) -> Ints:
        """(N,): the number of the region that each row of a table (N, D) with the same columns lies in."""
        codes = self.columns.gaps_as_nan(self.columns.encode(X, "X"))
        found = np.zeros(len(codes), dtype=np.int64)
        for number, region in enumerate(self.regions):
            inside = np.ones(len(codes), dtype=bool)
            for condition in region.conditions:
                inside &= condition.holds(codes)
            found[inside] = number
        return found

    def to_frame(self) -> Frame:
        """A line a region: its conditions, how many of the drawn rows, and how far they disagree (the mean over outputs)."""
        import pandas as pd

        lines = [(one.name, one.share, one.rows, float(one.heterogeneity.mean())) for one in self.regions]
        return pd.DataFrame(lines, columns=["region", "share", "rows", "heterogeneity"])
