"""Drawn rows as LIME sees them from an explained row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.neighbourhoods import Column
from perturbxai.tables import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Coding:
    """The regressors of LIME's fit and their distances.

    own (P,)        the bin or level of x in each column, 0 where it is Gaussian
    design (n, P')  of the live columns, those that vary: 1 in x's bin, or (value - x) in deviations
    distance (n,)   squared, between a row's coding and that of x
    live (P,);  lift (P,): what a slope is multiplied by to make a value;  unit (P,): what a slope is per
    """

    own: Ints
    design: Floats
    distance: Floats
    live: Bools
    lift: Floats
    unit: Floats

    @classmethod
    def of(cls, columns: Sequence[Column], x: Floats, codes: Floats, bins: Ints) -> Coding:
        """x (P,) and codes, bins (n, P) of drawn rows."""
        gaussian = np.array([c.gaussian for c in columns], dtype=bool)
        own = np.array([0 if c.gaussian else c.bin_of(x[d : d + 1])[0] for d, c in enumerate(columns)], dtype=np.int64)
        live = np.array([not c.constant for c in columns], dtype=bool)
        design = (bins == own).astype(np.float64)
        distance = float((~gaussian).sum()) - design[:, ~gaussian].sum(axis=1)
        lift, unit = np.zeros(len(columns)), np.ones(len(columns))
        for d, column in enumerate(columns):
            if column.gaussian:
                unit[d] = column.deviation or 1.0
                design[:, d] = (codes[:, d] - x[d]) / unit[d]
                distance += design[:, d] ** 2
                lift[d] = (x[d] - column.mean) / unit[d]
            else:
                lift[d] = 1.0 - column.share[own[d]]
        return cls(own, design[:, live], distance, live, lift, unit)

    def weight(self, width: float) -> Floats:
        """(n,): lime's kernel, exp(-D^2 / (2 width^2))."""
        return np.asarray(np.exp(-self.distance / (2.0 * width**2)))
