"""Contrast: means of one side less those of another, with intervals for one of them and for all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perturbxai.core.types import Bools, Floats
from perturbxai.results.tidy import student


@dataclass(frozen=True, eq=False)
class Contrast:
    """Differences of any shape, each with an error and degrees of freedom of the same shape.

    difference  in units of the model's output
    stderr      infinite where nothing tells it
    df          of Student's t
    level       of all intervals
    family      how many differences are looked at together: simultaneous intervals hold all of them at once at `level`, `p`
                is adjusted for as many, and what `moved` are those whose simultaneous interval has no zero in it

    Simultaneous is the bound of the largest |t| of a family that independent statistics have (Šidák, "Rectangular confidence
    regions for the means of multivariate normal distributions", 1967): where they go together it is somewhat too wide.
    """

    difference: Floats
    stderr: Floats
    df: Floats
    level: float
    family: int

    def half(self, *, simultaneous: bool = False) -> Floats:
        """Half of the width of the intervals, infinite where the error is."""
        level = self.level ** (1.0 / self.family) if simultaneous else self.level
        return np.asarray(student(level, self.df) * self.stderr)

    def interval(self, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper ends."""
        half = self.half(simultaneous=simultaneous)
        return self.difference - half, self.difference + half

    @property
    def p(self) -> Floats:
        """Two-sided, adjusted for the family: 1 where the error is infinite, and where nothing differs."""
        from scipy import stats

        size = np.abs(self.difference)
        known = np.isfinite(self.stderr) & (size > 0)
        t = np.divide(size, self.stderr, out=np.zeros_like(size), where=known & (self.stderr > 0))
        t[known & (self.stderr == 0)] = np.inf
        alone = 2.0 * stats.t.sf(t, self.df)
        with np.errstate(divide="ignore"):  # of p = 1, which stays 1
            return np.asarray(-np.expm1(self.family * np.log1p(-alone)))

    @property
    def moved(self) -> Bools:
        """Which differ by more than the noise of all of the family at once."""
        return np.asarray(np.abs(self.difference) > self.half(simultaneous=True))

    def part(self, index: object) -> Contrast:
        """The same of some of its differences: the family stays."""
        arrays = {name: getattr(self, name)[index] for name in ("difference", "stderr", "df")}
        return replace(self, **arrays)
