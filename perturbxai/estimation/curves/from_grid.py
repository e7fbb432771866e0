"""What a method of curves concludes from: answers on the grid of a column or pair."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from perturbxai.core.methods import OfCurves
from perturbxai.estimation.curves.grid_tables import Curve, GridTable


class FromGrid(OfCurves, ABC):
    """What `effects` takes."""

    @abstractmethod
    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """The curve of a column or the surface of a pair, and its errors; rng: of the draws behind simultaneous bands."""
