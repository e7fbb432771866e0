"""Slow interaction indices of order two, straight from their definitions."""

from __future__ import annotations

from itertools import combinations
from math import comb, factorial
from typing import Any

import games
import numpy as np
import oracles


def _values(game: Any, n_players: int) -> Any:
    """(2^P, K): row m is the coalition whose members are the bits of m."""
    return np.asarray(game(oracles.all_coalitions(n_players).astype(np.float64)))


def _pairs(game: Any, n_players: int, weight: Any) -> Any:
    """(P, P, K): sum over T without i and j of weight(|T|) [v(T + ij) - v(T + i) - v(T + j) + v(T)]."""
    v = _values(game, n_players)
    found = np.zeros((n_players, n_players, v.shape[1]))
    for i, j in combinations(range(n_players), 2):
        a, b = 1 << i, 1 << j
        for t in range(2**n_players):
            if not t & (a | b):
                found[i, j] += weight(t.bit_count()) * (v[t | a | b] - v[t | a] - v[t | b] + v[t])
        found[j, i] = found[i, j]
    return found


def sii(game: Any, n_players: int) -> tuple[Any, Any]:
    """(values (P, K), pairs (P, P, K)): Shapley values and the Shapley interaction index."""
    p = n_players
    pairs = _pairs(game, p, lambda t: factorial(p - t - 2) * factorial(t) / factorial(p - 1))
    return oracles.shapley(game, p), pairs


def k_sii(game: Any, n_players: int) -> tuple[Any, Any]:
    """n-Shapley values of order two: each player's value less half of its pairs."""
    values, pairs = sii(game, n_players)
    return values - 0.5 * pairs.sum(axis=1), pairs


def stii(game: Any, n_players: int) -> tuple[Any, Any]:
    """Shapley-Taylor: over all orders of the players, a pair's second difference at those before both of them."""
    p, v = n_players, _values(game, n_players)
    pairs = _pairs(game, p, lambda t: 2.0 / (p * comb(p - 1, t)))
    return np.array([v[1 << i] - v[0] for i in range(p)]), pairs


def fsii(game: Any, n_players: int) -> tuple[Any, Any]:
    """The weighted least squares of all coalitions by main effects and pairs, exact at nothing and everything."""
    p, v = n_players, _values(game, n_players)
    z = oracles.all_coalitions(p).astype(np.float64)
    first, second = np.triu_indices(p, 1)
    x = np.column_stack([z, z[:, first] * z[:, second]])
    size = z.sum(axis=1)
    inner = (size > 0) & (size < p)
    weight = np.zeros(len(z))
    weight[inner] = [(p - 1) / (comb(p, int(s)) * s * (p - s)) for s in size[inner]]
    gram = (x * weight[:, None]).T @ x
    ones = x[-1]  # all sets are in everything: the coefficients sum to v(N) - v(nothing)
    system = np.block([[gram, ones[:, None]], [ones[None], np.zeros((1, 1))]])
    right = np.vstack([(x * weight[:, None]).T @ (v - v[0]), v[-1:] - v[:1]])
    found = np.linalg.lstsq(system, right, rcond=None)[0][:-1]
    pairs = np.zeros((p, p, v.shape[1]))
    pairs[first, second] = pairs[second, first] = found[p:]
    return found[:p], pairs


INDEX = {"sii": sii, "k-sii": k_sii, "stii": stii, "fsii": fsii}


def product_game(n_players: int, orders: tuple[int, ...], n_terms: int, seed: int) -> tuple[Any, Any, Any]:
    """(game, pairs (P, P) of SII, pairs of FSII) of sum_T c_T prod_{i in T} z_i over random sets T.

    Of a product of s players a pair's SII is 1 / (s - 1), as for a dividend shared by the pairs' contexts, and its FSII
    6 / (s (s + 1)): both are checked against the definitions in test_interactions.py.
    """
    rng = np.random.default_rng(seed)
    sets = np.zeros((n_terms, n_players))
    for t in range(n_terms):
        sets[t, rng.choice(n_players, orders[t % len(orders)], replace=False)] = 1.0
    c, size = rng.standard_normal(n_terms), sets.sum(axis=1)

    def value(z: Any) -> Any:
        return ((np.asarray(z, dtype=np.float64) @ sets.T == size) @ c)[:, None]

    def pairs(share: Any) -> Any:
        found = np.einsum("t,ti,tj->ij", np.where(size > 1, c * share, 0.0), sets, sets)
        np.fill_diagonal(found, 0.0)
        return found

    game = games.KnownGame(f"products{n_players} {orders}", n_players, value, (c / size @ sets)[:, None])
    return game, pairs(1.0 / np.maximum(size - 1.0, 1.0)), pairs(6.0 / (size * (size + 1.0)))
