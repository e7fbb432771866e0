"""A prior of games, and everything of it at all 2^P coalitions."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import oracles

from perturbxai.estimation.posterior.prior import Prior


class Dense:
    """Everything of a prior at all coalitions: signs x (2^P, P), cov (2^P, 2^P) of the game, operators of methods."""

    def __init__(self, prior):
        self.prior, self.n_players = prior, len(prior.rate)
        self.z = oracles.all_coalitions(self.n_players)
        self.x, self.size = 2.0 * self.z - 1.0, self.z.sum(axis=1)

    @cached_property
    def cov(self):
        angle, centred = (self.x * self.prior.rate) @ self.x.T, self.x.mean(axis=1)
        mix = (self.prior.even, self.prior.rough, self.prior.counted)
        size = np.concatenate([self.size[:1], [self.n_players], self.size])  # the oracle's second holds everybody
        padded = np.zeros((len(size), len(size)))
        padded[2:, 2:] = angle
        found = oracles.fill_covariances(padded, self.prior.rate.sum(), mix, size)[2:, 2:]
        found += np.diag(self.prior.nugget * (np.abs(centred) < 1))
        scale = np.exp(self.prior.tilt[0] * centred + self.prior.tilt[1] * centred**2)
        return found * np.outer(scale, scale)

    def operator(self, weights):
        """(P, 2^P): from a game to a method's values."""
        return np.where(self.z.T, weights.inside[self.size], weights.outside[self.size])


def prior_of(seed, n_players):
    rng = np.random.default_rng(seed)
    rough, counted, nugget = rng.random(3)
    return Prior(
        np.exp(rng.normal(-2, 1, n_players)), rough, counted, nugget, rng.uniform(-0.999, 0.999), rng.normal(0, 0.5, 2)
    )


def close(found, slow, relative=1e-9):
    np.testing.assert_allclose(found, slow, rtol=0.0, atol=relative * np.abs(slow).max())
