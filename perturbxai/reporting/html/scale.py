"""Axes whose ends are ticks, so that the ticks' names lie evenly and need no place of their own in the markup."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.types import Floats
from perturbxai.reporting.lettering import minus

LARGEST = 1e290  # beyond it, and below its inverse, steps of an axis are no numbers any more
WIDE = 1000.0  # units of a chart's viewBox from end to end


@dataclass(frozen=True)
class Scale:
    """From low to high in so many equal steps."""

    low: float
    high: float
    steps: int

    @classmethod
    def over(cls, *values: ArrayLike, zero: bool = False, steps: int = 5) -> "Scale":
        """The scale that holds all finite numbers, and zero if it is asked for, with about so many steps."""
        known = np.concatenate([np.ravel(np.asarray(one, dtype=np.float64)) for one in values] or [np.zeros(1)])
        known = np.clip(known[np.isfinite(known)], -LARGEST, LARGEST)
        known = np.where(np.abs(known) < 1.0 / LARGEST, 0.0, known)
        known = np.append(known, 0.0) if zero or not len(known) else known
        low, high = float(known.min()), float(known.max())
        if high - low <= 1e-12 * max(abs(low), abs(high)):
            room = abs(high) or 1.0
            low, high = (min(low, 0.0), max(high, 0.0)) if zero and high else (low - room / 2.0, high + room / 2.0)
        step = _round_step((high - low) / steps)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(first * step, last * step, max(last - first, 1))

    def place(self, value: float) -> float:
        """Where a number lies, in 0..1000; beyond the ends at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(WIDE * min(max(share, 0.0), 1.0), 1)

    def places(self, values: Floats) -> list[float]:
        return [self.place(float(one)) for one in values]

    @property
    def places_of_ticks(self) -> list[float]:
        return [round(WIDE * n / self.steps, 1) for n in range(self.steps + 1)]

    @property
    def ticks(self) -> list[float]:
        return [self.low + n * (self.high - self.low) / self.steps for n in range(self.steps + 1)]

    @property
    def names(self) -> list[str]:
        """The ticks in words, with as many decimals as tell them apart."""
        return [
            minus(f"{tick + 0.0:,.{self._decimals}f}") if self._plain else minus(f"{tick + 0.0:.3g}") for tick in self._near
        ]

    @property
    def column_names(self) -> list[str]:
        """The ticks as values of a column are written: years and the like without a mark between thousands."""
        return [name.replace(",", "") for name in self.names] if max(abs(self.low), abs(self.high)) < 1e4 else self.names

    @property
    def _near(self) -> Iterable[float]:
        """Ticks, of which one that is nearly zero is zero."""
        step = (self.high - self.low) / self.steps
        return [0.0 if abs(tick) < 1e-9 * step else tick for tick in self.ticks]

    @property
    def _decimals(self) -> int:
        return max(0, -math.floor(math.log10((self.high - self.low) / self.steps) + 1e-9))

    @property
    def _plain(self) -> bool:
        return self._decimals <= 5 and max(abs(self.low), abs(self.high)) < 1e7


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10 … times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(n for n in (1.0, 2.0, 5.0, 10.0) if n * power >= step * (1.0 - 1e-9)) * power
