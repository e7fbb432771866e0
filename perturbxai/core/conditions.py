"""Conditions on one column of coded rows, by which rows are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Bools, Codes


@dataclass(frozen=True, eq=False)
class Condition:
    """What a row has to have at a column, in codes: at most `threshold`; or one of `levels`; or nothing.

    turned  the contrary. A missing value is not at most anything
    """

    column: int
    threshold: float | None = None
    levels: tuple[float, ...] = ()
    missing: bool = False
    turned: bool = False

    def holds(self, codes: Codes) -> Bools:
        """(n,) of rows (n, D)."""
        own = codes[:, self.column]
        if self.threshold is not None:
            found = own <= self.threshold
        elif self.missing:
            found = np.isnan(own)
        else:
            found = np.isin(own, self.levels)
        return np.asarray(found ^ self.turned)

    def other(self) -> Condition:
        return Condition(self.column, self.threshold, self.levels, self.missing, not self.turned)
