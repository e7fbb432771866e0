"""From an estimate in a design's order to an explanation in the input's."""

from __future__ import annotations

from typing import Any

import numpy as np

from perturbxai.core.evaluations import Estimate
from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Ints, PerOutput, PlayerValues
from perturbxai.estimation.spread import ROUNDING
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input
from perturbxai.results.explanation import Explanation

NORMAL_95 = 1.959963984540054


def within(estimate: Estimate, tol: float) -> bool:
    """Whether, for every output, the widest half of a simultaneous 95 % interval is at most tol times the values' range."""
    half = estimate.critical * estimate.stderr.max(axis=0, initial=0.0)
    return bool((half <= tol * np.ptp(estimate.values, axis=0)).all()) if len(estimate.values) else True


def over_all_players(estimate: Estimate, order: Ints, chosen: Ints, n_players: int, scale: PerOutput) -> dict[str, Any]:
    """An estimate as fields of an Explanation: its line `order[i]` is about player `chosen[i]` of all P.

    The others, which were not looked at, for absence cannot change them, have 0.  scale (K,): of the answers behind it
    """
    floor = ROUNDING * scale  # an error is never below rounding

    def embedded(values: PlayerValues, rest: float | PerOutput) -> PlayerValues:
        full = np.empty((n_players, len(scale)))
        full[:] = rest
        full[chosen] = values[order]
        return full

    found: dict[str, Any] = {
        "values": embedded(estimate.values, 0.0), "stderr": embedded(np.maximum(estimate.stderr, floor), floor),
        "critical": estimate.critical, "df": estimate.df, "columns": estimate.columns, "heat": estimate.heat,
    }  # fmt: skip
    if estimate.stderr_background is not None:
        found["stderr_background"] = embedded(estimate.stderr_background, 0.0)
    if estimate.interactions is not None and estimate.interactions_stderr is not None:
        square = (n_players, n_players, len(floor))
        values, stderr = np.zeros(square), np.broadcast_to(floor, square).copy()
        inner, own = np.ix_(chosen, chosen), np.ix_(order, order)
        values[inner] = estimate.interactions[own]
        stderr[inner] = np.maximum(estimate.interactions_stderr[own], floor)
        stderr[np.diag_indices(n_players)] = 0.0  # a player has none with itself
        found |= {"interactions": values, "interactions_stderr": stderr}
    return found


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
