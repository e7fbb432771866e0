"""From an estimate in a design's order to an explanation in the input's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.evaluations import Estimate
from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.spread import ROUNDING
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input
from perturbxai.results.explanation import Explanation

NORMAL_95 = 1.959963984540054


def within(estimate: Estimate, tol: float) -> bool:
    """Whether, for every output, the widest half of a simultaneous 95 % interval is at most tol times the values' range."""
    half = estimate.critical * estimate.stderr.max(axis=0, initial=0.0)
    return bool((half <= tol * np.ptp(estimate.values, axis=0)).all()) if len(estimate.values) else True


def check_shapes(key: str, n_outputs: int, n_players: int, **found: ArrayLike) -> None:
    """Refuse numbers of a method, which anybody may have written, that are not (P, K). Raises ValueError."""
    for what, numbers in found.items():
        if np.shape(numbers) != (n_players, n_outputs):
            expected = f"({n_players}, {n_outputs}), players and outputs"
            raise ValueError(f"{key}: {what} has shape {np.shape(numbers)}; expected {expected}.")


@dataclass(frozen=True, eq=False)
class Places:
    """Where an estimate's players stand among all P of an input: its line `order[i]` is about player `chosen[i]`."""

    order: Ints
    chosen: Ints
    n_players: int

    def embed(self, values: Floats, rest: float | Floats) -> Floats:
        """(P, K) of an estimate's (P', K); players that were not looked at, for absence cannot change them, get the rest."""
        full = np.empty((self.n_players, values.shape[1]))
        full[:] = rest
        full[self.chosen] = values[self.order]
        return full

    def embed_pairs(self, estimate: Estimate, floor: Floats) -> dict[str, Any]:
        """The interactions of an estimate and their errors over all players, (P, P, K), where the method has any."""
        if estimate.interactions is None or estimate.interactions_stderr is None:
            return {}
        square = (self.n_players, self.n_players, len(floor))
        values, stderr = np.zeros(square), np.broadcast_to(floor, square).copy()
        inner, own = np.ix_(self.chosen, self.chosen), np.ix_(self.order, self.order)
        values[inner] = estimate.interactions[own]
        stderr[inner] = np.maximum(estimate.interactions_stderr[own], floor)
        stderr[np.diag_indices(self.n_players)] = 0.0  # a player has none with itself
        return {"interactions": values, "interactions_stderr": stderr}

    def spread(self, estimate: Estimate, scale: Floats) -> dict[str, Any]:
        """The estimate as fields of an Explanation. scale (K,): of the answers behind it."""
        floor = ROUNDING * scale  # an error is never below rounding
        background = estimate.stderr_background
        return {
            "values": self.embed(estimate.values, 0.0),
            "stderr": self.embed(np.maximum(estimate.stderr, floor), floor),
            "stderr_background": None if background is None else self.embed(background, 0.0),
            "critical": estimate.critical, "df": estimate.df, "columns": estimate.columns, "heat": estimate.heat,
            **self.embed_pairs(estimate, floor),
        }  # fmt: skip


def explained(
    game: Game, one: Input, method: Method, ends: tuple[Floats, Floats], meta: dict[str, Any], *, values: Floats,
    stderr: Floats, critical: float | Floats = NORMAL_95, df: float = np.inf, **more: Any,
) -> Explanation:  # fmt: skip
    """What a method says of one input of a game, with all that the game and the input know.

    ends: v(nothing) and v(N), (K,) each;  more: further fields of the Explanation
    """
    base, prediction = (end.copy() for end in ends)  # a view would keep an input's whole table alive
    return Explanation(
        values, stderr, np.full(len(base), critical), df, base, prediction, one.names, game.outputs, one.label, one.source,
        method, meta, **more,
    )  # fmt: skip
