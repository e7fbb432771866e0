"""Where rows lie along what they have at a feature: numbers and moments as they are, all else as levels side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats
from perturbxai.core.wording import own_value
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.types import Axes
from perturbxai.results.explanation import Explanation
from perturbxai.results.row_values import told_of

MOST_LEVELS = 30  # of a feature without numbers that can stand side by side
GOLDEN = 0.6180339887498949
JITTER = 0.28  # how far points of a level lie from its middle, at most
BESIDE = 0.08  # of the range: how far missing values lie from the lowest number


@dataclass(frozen=True, eq=False)
class Places:
    """What N rows have at a feature, as numbers: its own, or those of its levels.

    at (N,)  NaN where a row has no number;  levels: names of the levels by number, None of numbers
    moments  whether numbers are microseconds since 1970
    """

    at: Floats
    levels: tuple[str, ...] | None = None
    moments: bool = False

    @property
    def missing(self) -> Bools:
        return np.isnan(self.at)

    def across(self) -> NDArray[Any]:
        """(N,): where points are drawn: levels spread a little, evenly; missing numbers beside the lowest one."""
        if self.levels is not None:
            return np.asarray(self.at + JITTER * (2.0 * ((GOLDEN * np.arange(1, len(self.at) + 1)) % 1.0) - 1.0))
        there = self.at[~self.missing]
        left = there.min() - BESIDE * (np.ptp(there) or 1.0) if len(there) else 0.0
        drawn = np.where(self.missing, left, self.at)
        return drawn.astype("int64").astype("datetime64[us]") if self.moments else drawn

    def label(self, axis: Axes, name: str) -> None:
        """The axis across: names of levels, and of missing values where they lie."""
        axis.set_xlabel(name)
        if self.levels is not None:
            turned = sum(map(len, self.levels)) > 40
            axis.set_xticks(
                range(len(self.levels)), self.levels, rotation=60 if turned else 0, ha="right" if turned else "center"
            )
        elif self.missing.any():
            where = self.across()[self.missing][0]
            axis.text(where, 0.02, "missing", rotation=90, ha="center", va="bottom", fontsize=7, color="#666666",
                      transform=axis.get_xaxis_transform())  # fmt: skip
            axis.axvline(where, color="#DDDDDD", linewidth=0.6, zorder=0)


def places_of(explanations: Sequence[Explanation], player: int) -> Places | None:
    """Where rows lie along a player; None where it is not known what they have there."""
    told = told_of(explanations)
    if any(own is None for own in told):
        return None
    return placed([one[player] for one in told if one is not None])


def placed(own: Sequence[object]) -> Places:
    """Where rows lie along a player by what they have there."""
    known = [one for one in own if own_value(one) != "missing"]
    if all(map(checks.is_number, known)):
        return Places(np.array([checks.as_number(one) for one in own]))
    if all(hasattr(one, "isoformat") and hasattr(one, "hour") for one in known):
        return Places(np.array([_microseconds(one) for one in own]), moments=True)
    shown = [own_value(one) for one in own]
    names = sorted(set(shown), key=lambda name: (name == "missing", name))
    number = {name: float(at) for at, name in enumerate(names)}
    return Places(np.array([number[name] for name in shown]), tuple(texts(names, 16)))


def _microseconds(moment: Any) -> float:
    """A moment as numpy counts it, on the clock of its own zone; NaN where it is missing."""
    if own_value(moment) == "missing":
        return np.nan
    return float(np.datetime64(moment.replace(tzinfo=None), "us").astype("int64"))
