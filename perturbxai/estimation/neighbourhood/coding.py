"""Drawn rows as LIME sees them from an explained row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Bins, Bools, Codes, Floats, Ints
from perturbxai.sampling.neighbourhoods import Neighbourhood


@dataclass(frozen=True, eq=False)
class Coding:
    """The regressors of LIME's fit and their distances.

    own (P,)        the bin or level of x in each column, 0 where it is Gaussian
    design (P', n)  of the live columns, those that vary: 1 in x's bin, or (value - x) in deviations
    distance (n,)   squared, between a row's coding and that of x
    live (P,);  unknown (P,): columns that vary in the table, but not in what was drawn
    lift (P,): what a slope is multiplied by to make a value;  unit (P,): what a slope is per
    """

    own: Ints
    design: Floats
    distance: Floats
    live: Bools
    unknown: Bools
    lift: Floats
    unit: Floats

    @classmethod
    def of(cls, hood: Neighbourhood, x: Floats, codes: Codes, bins: Bins) -> Coding:
        """x (P,) and codes, bins (P, n) of drawn rows."""
        own = hood.bins_of(x)
        design = (bins == own[:, None]).astype(np.float64)
        gaussian = np.flatnonzero(hood.gaussian)
        # in bins a distance is 0 or 1; in deviations it is squared
        binned = (~hood.gaussian).astype(np.float64)
        distance = binned.sum() - binned @ design
        if len(gaussian):
            design[gaussian] = (codes[gaussian] - x[gaussian, None]) / hood.unit[gaussian, None]
            distance += (design[gaussian] ** 2).sum(axis=0)
        every = np.arange(len(own))
        lift = np.where(hood.gaussian, 0.0, 1.0)
        if hood.share.shape[1]:
            lift -= hood.share[every, own]
        lift[gaussian] = (x[gaussian] - hood.mean[gaussian]) / hood.unit[gaussian]
        # a rare level that no row drew, or that all did
        unknown = hood.live & (design.min(axis=1) == design.max(axis=1))
        live = hood.live & ~unknown
        return cls(own, design if live.all() else design[live], distance, live, unknown, lift, hood.unit)

    def weight(self, width: float) -> Floats:
        """(n,): lime's kernel, exp(-D^2 / (2 width^2))."""
        return np.asarray(np.exp(self.distance / (-2.0 * width**2)))
