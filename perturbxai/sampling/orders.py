"""What is drawn by orders of the players: walks from nothing to everything, and coalitions that a player joins."""

from __future__ import annotations

import numpy as np

from perturbxai.core.types import Ints, Presence, Weights


def draw_orders(n_orders: int, n_players: int, rng: np.random.Generator) -> Ints:
    """(n, P): random orders of the players, independent and uniform."""
    return rng.permuted(np.tile(np.arange(n_players), (n_orders, 1)), axis=1)


def prefixes(orders: Ints) -> Presence:
    """(n, P - 1, P): who is present after 1 .. P - 1 steps of each order. Their complements are the reversed order's."""
    rank = np.argsort(orders, axis=1)
    return rank[:, None, :] < np.arange(1, orders.shape[1])[None, :, None]


def draw_before(player: Ints, n_players: int, rng: np.random.Generator) -> Presence:
    """(n, P): for each of these players (n,) who stands before it in a random order of its own."""
    place = rng.random((len(player), n_players))
    return place < place[np.arange(len(player)), player][:, None]


def draw_rows(n_rows: int, weights: Weights, rng: np.random.Generator) -> Ints:
    """(n,): numbers of rows that are drawn with replacement by their weights (B,), which sum to one."""
    return np.asarray(rng.choice(len(weights), n_rows, p=weights), dtype=np.int64)
