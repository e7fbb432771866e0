"""What one player does alone: added to nothing, or taken from everything."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.types import Floats
from perturbxai.estimation.intervals import independent
from perturbxai.estimation.spread import ROUNDING
from perturbxai.sampling import laws


class Alone(FromCoalitions):
    """What one player does alone: v({j}) - v(nothing) if it is added to nothing, else v(N) - v(N without j).

    It is exact given the background, with the error of its draw apart.
    """

    added: ClassVar[bool]
    wants_spread: ClassVar[bool] = True

    def law(self, n_players: int) -> Law:
        return laws.singletons(n_players) if self.added else laws.all_but_one(n_players)

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K). Raises ValueError if the table does not list the size."""
        found, spread = _single_rows(table, present=self.added)
        values = found - table.empty if self.added else table.full - found
        floor = np.broadcast_to(ROUNDING * table.scale, values.shape).copy()
        return independent(values, floor, np.inf, stderr_background=None if spread is None else np.sqrt(spread))


def _single_rows(table: Evaluations, *, present: bool) -> tuple[Floats, Floats | None]:
    """Values (P, K) and spread (P, K) of the coalitions {j} (present) or N without j (not present), in the players' order.

    Raises ValueError if the table does not list them.
    """
    design = table.design
    n_players = design.n_players
    side = 0 if present else 1
    if n_players <= 1:  # the one coalition is an end of the table
        end = table.full if present else table.empty
        spread = None if table.ends_spread is None else table.ends_spread[1 - side, side]
        return np.tile(end, (n_players, 1)), None if spread is None else np.tile(spread, (n_players, 1))
    size = 1 if present else n_players - 1  # the same size at two players, but not the same coalition
    rows = np.flatnonzero(design.sizes == size)
    lone = design.z[rows] if present else ~design.z[rows]
    order = np.argsort(np.argmax(lone, axis=1), kind="stable")
    rows = rows[order]
    players = np.argmax(lone[order], axis=1)
    if len(players) != n_players or (players != np.arange(n_players)).any():
        raise ValueError(
            f"the table has {len(rows)} of the {n_players} coalitions of size {size}; all are needed. "
            "Let explain() draw them with this method among its methods."
        )
    return table.values[rows], None if table.spread is None else table.spread[rows, side]
