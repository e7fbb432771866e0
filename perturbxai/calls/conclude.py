"""From an estimate in a design's order to an explanation in the input's."""

from __future__ import annotations

from typing import Any

import numpy as np

from perturbxai.core.evaluations import Estimate


def within(estimate: Estimate, tol: float) -> bool:
    """Whether, for every output, the widest half of a simultaneous 95 % interval is at most tol times the values' range."""
    half = estimate.critical * estimate.stderr.max(axis=0, initial=0.0)
    return bool((half <= tol * np.ptp(estimate.values, axis=0)).all()) if len(estimate.values) else True


def check_shapes(key: str, n_outputs: int, n_players: int, **found: Any) -> None:
    """Refuse numbers of a method, which anybody may have written, that are not (P, K). Raises ValueError."""
    for what, numbers in found.items():
        if np.shape(numbers) != (n_players, n_outputs):
            expected = f"({n_players}, {n_outputs}), players and outputs"
            raise ValueError(f"{key}: {what} has shape {np.shape(numbers)}; expected {expected}.")


def embed(values: Any, one: Any, chosen: Any, rest: Any) -> Any:
    """(P, K) over all players: those that were not looked at, because absence cannot change them, have no effect."""
    full = np.empty((len(one.names), values.shape[1]))
    full[:] = rest
    full[chosen] = values
    return full


def embed_pairs(estimate: Any, order: Any, one: Any, chosen: Any, floor: Any) -> dict[str, Any]:
    """The interactions of an estimate and their errors over all players, (P, P, K), where the method has any."""
    if estimate.interactions is None:
        return {}
    square = (len(one.names), len(one.names), len(floor))
    values, stderr = np.zeros(square), np.broadcast_to(floor, square).copy()
    inner = np.ix_(chosen, chosen)
    values[inner] = estimate.interactions[np.ix_(order, order)]
    stderr[inner] = np.maximum(estimate.interactions_stderr[np.ix_(order, order)], floor)
    stderr[np.diag_indices(len(one.names))] = 0.0  # a player has none with itself
    return {"interactions": values, "interactions_stderr": stderr}
