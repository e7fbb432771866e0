"""Games of twelve players whose few draws agree by luck, or have tails: smooth, threshold, sparse and heavy-tailed."""

from __future__ import annotations

import games
import numpy as np
import oracles

PLAYERS = 12
Z = oracles.all_coalitions(PLAYERS).astype(np.float64)
WEIGHTS = np.random.default_rng(5).exponential(size=PLAYERS)
WHOLE = (3 * np.arange(PLAYERS)) % 11 - 5


def products(orders, n_terms, seed, coefficients):
    """(2^P,): a sum of products of players, orders in turn."""
    rng, sets = np.random.default_rng(seed), np.zeros((n_terms, PLAYERS))
    for t in range(n_terms):
        sets[t, rng.choice(PLAYERS, orders[t % len(orders)], replace=False)] = 1.0
    return (sets.sum(axis=1) == Z @ sets.T) @ coefficients(rng, n_terms)


VALUES = {
    # smooth
    "sigmoid": 1.0 / (1.0 + np.exp(-(Z @ WHOLE + 2.0) / 4.0)),
    "steep sigmoid": 1.0 / (1.0 + np.exp(-(Z @ WHOLE + 1.0))),
    "dense products": products((1, 2, 3, 4), 60, 1, lambda rng, n: rng.standard_normal(n)),
    # thresholds
    "eight of twelve": Z.sum(axis=1) >= 8,
    "weighted majority": 0.5 * WEIGHTS.sum() < Z @ WEIGHTS,
    "nearly a threshold": 1.0 / (1.0 + np.exp(-np.clip((Z @ WEIGHTS - 0.5 * WEIGHTS.sum()) / 0.03, -50.0, 50.0))),
    # sparse: most players bring nothing
    "majority and pair": (Z[:, :3].sum(axis=1) >= 2) + 1.5 * Z[:, 3] * Z[:, 4],
    "all of four": Z[:, :4].all(axis=1),
    "few products": products((2, 3), 5, 1, lambda rng, n: rng.standard_normal(n)),
    # heavy tails
    "log-normal products": products((1, 2, 3, 4), 60, 2, lambda rng, n: rng.lognormal(0, 2, n) * rng.choice([-1, 1], n)),
    "positive products": products((2, 3, 4, 5, 6), 60, 3, lambda rng, n: rng.lognormal(0, 2, n)),
    "cube": (Z @ (WEIGHTS - 0.5)) ** 3,
    "exponential": np.exp(0.4 * Z @ WEIGHTS),
    "maximum": (Z * WEIGHTS).max(axis=1),
}
GAMES = {name: games.tabulated(name, PLAYERS, values) for name, values in VALUES.items()}
