"""ICE's value of a player: the input's own curve at what x has, less that at absence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.options import options
from perturbxai.estimation.coalitions.semivalues import Alone
from perturbxai.estimation.curves.averaged import mean_curve, shown_alike, slope_curve
from perturbxai.estimation.curves.grid_tables import Curve, FromGrid, GridTable

CURVES = ("raw", "centred", "anchored", "derivative")


@options
class Ice(Alone, FromGrid):
    """Individual conditional expectation as one signed value a player, in units of the model's output.

    The rise of the input's own curve with all other players as they are: f(x) - E_b f(b_j, x_-j) = v(N) - v(N without j)
    on a table (Goldstein et al., "Peeking inside the black box", 2015, for the curve), and occlusion on a picture. From
    the coalitions of size P - 1; exact on its background, `stderr_background` is the error that its draw adds.

    For `effects` it is the rows' curves: their mean, how far they lie apart, and the curves of drawn rows themselves. On a
    picture the rows are reference rows; with rest="present" the one row is the picture itself, whose rise is occlusion.

    curves    `effects` only: "raw"; "centred" by the data, or "anchored" at the lowest point (c-ICE), which shows how the
              rows' shapes differ; "derivative" (d-ICE), slopes between neighbouring points, of numbers alone
    ice_rows  `effects` only: how many rows' curves are kept at most
    name  the key of the result, "ice" if empty
    Raises ValueError for other curves, and for ice_rows below 1.
    """

    curves: str = "raw"
    ice_rows: int = 500
    name: str = ""
    of_curves: ClassVar[tuple[str, ...]] = ("curves", "ice_rows")
    added: ClassVar[bool] = False

    def __post_init__(self) -> None:
        checks.one_of("curves", self.curves, CURVES)
        checks.whole("ice_rows", self.ice_rows, 1, of="rows", floats=True)

    @property
    def keeps_rows(self) -> int:
        return self.ice_rows

    def check_features(self, key: str, pairs: bool, levels: Sequence[str]) -> None:
        """Refuse of pairs what starts at a lowest point, and slopes along levels."""
        if self.curves in ("derivative", "anchored") and pairs:
            raise ValueError(f"{key}: curves={self.curves!r} is of single columns; take the pairs out of features.")
        if self.curves == "derivative" and levels:
            raise ValueError(f"{key}: {levels[0]!r} has levels, along which nothing has a slope; name columns of numbers.")

    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """What `effects` shows of one column or pair."""
        shown = self.curves
        found = slope_curve(table, rng) if shown == "derivative" else mean_curve(table, shown, rng)
        assert table.moments is not None
        rows, curves = table.individual(self.ice_rows)
        moments = table.moments
        varied, squares = table.varied / moments.weight
        moved, weight = table.moved_by() / moments.weight, table.standing.weight
        # which rows there are, by their own curves and by where they lie along all of them
        apart = np.maximum(squares - varied**2, 0.0) + weight @ (moved - weight @ moved) ** 2
        error = np.sqrt(apart * moments.squares / moments.weight**2 * moments.n / max(moments.n - 1, 1))
        error = error if moments.n > 1 else np.full_like(error, np.inf)
        return replace(
            found, importance=varied, importance_stderr=error, importance_bias=np.zeros_like(varied),
            individual=shown_alike(table, curves, shown), rows=rows,
        )  # fmt: skip
