"""What a method makes of a game: sums over coalitions, weighed by whether a player is in them and by their size."""

from functools import lru_cache
from math import comb
from typing import NamedTuple, Self

import numpy as np

from perturbxai.core.compiled import game_kernels
from perturbxai.core.evaluations import Law
from perturbxai.core.types import BySize, Floats
from perturbxai.estimation.posterior.prior import Prior, sizes


class SizeWeights(NamedTuple):
    """Values sum_z a(z_i, |z|) v(z) of the players i.

    inside (P + 1,) the weights a by size of coalitions that hold i;  outside (P + 1,) of those that do not
    """

    inside: BySize
    outside: BySize

    @classmethod
    def semivalue(cls, joined: Floats) -> Self:
        """What a player adds, in the mean over whom it joins: joined (P,), weights by the size of who was there."""
        return cls(np.concatenate([[0.0], joined]), np.concatenate([-joined, [0.0]]))

    @classmethod
    def slopes(cls, law: Law) -> Self:
        """The slopes of the best linear fit with intercept under a law."""
        return cls(*_of_slopes(law))

    def times(self, scale: BySize) -> Self:
        """The weights of a game that is divided by a scale (P + 1,), by size."""
        return type(self)(self.inside * scale, self.outside * scale)

    @property
    def counted(self) -> BySize:
        """(P + 1,): what a player gets of a game that is one at a size and nothing elsewhere."""
        n = len(self.inside) - 1
        held = np.array([float(comb(n - 1, s - 1)) if s else 0.0 for s in range(n + 1)])
        return np.asarray(held * self.inside + held[::-1] * self.outside)

    def covariance(self, prior: Prior, x: Floats) -> Floats:
        """(P, n): of the values with the game at coalitions x (n, P), in signs."""
        of_sets, found = np.zeros_like(x), np.empty_like(x)
        given, kept = self.inside[1:].copy(), self.outside[:-1].copy()
        for share, rate in prior.parts:
            like, unlike = np.exp(rate * (x - 1.0)), np.exp(-rate * (x + 1.0))  # each player alike, or not
            game_kernels.sum_by_size(like, unlike, given, kept, found)
            of_sets += share * found
            game_kernels.sum_by_size(unlike, like, given, kept, found)
            of_sets += share * prior.even * found
        size = sizes(x)
        counted = self.counted[size] + prior.even * self.counted[::-1][size]
        alone = np.where(x > 0, self.inside[size][:, None], self.outside[size][:, None])
        alone[size % x.shape[1] == 0] = 0.0  # nothing and everything do not vary on their own
        return ((1.0 - prior.counted) * of_sets + prior.nugget * alone).T + prior.counted * counted

    def variance(self, prior: Prior) -> Floats:
        """(P,): of the values, before anything is asked."""
        n_players = len(self.inside) - 1
        given, kept = self.inside[1:], self.outside[:-1]
        found, of_sets = np.empty(n_players), np.zeros(n_players)
        for share, rate in prior.parts:
            apart = np.exp(-2.0 * rate)
            for times, held, left in ((1.0, given, kept), (prior.even, kept[::-1], given[::-1])):
                same = np.outer(given, held) + np.outer(kept, left)
                other = np.outer(given, left) + np.outer(kept, held)
                game_kernels.sum_by_sizes(apart, same, other, found)
                of_sets += share * times * found
        others = np.array([float(comb(n_players - 1, s)) for s in range(n_players)])
        alone = float(others[:-1] @ given[:-1] ** 2 + others[1:] @ kept[1:] ** 2)
        counted = self.counted
        beside = prior.counted * float(counted @ (counted + prior.even * counted[::-1])) + prior.nugget * alone
        return (1.0 - prior.counted) * of_sets + beside


@lru_cache(maxsize=64)
def _of_slopes(law: Law) -> tuple[BySize, BySize]:
    """The weights of slopes under a law, inside and outside; every input's conclusion asks for them. To be read only."""
    sizes, n = np.arange(law.n_players + 1), law.n_players
    mass = law.in_fits / law.in_fits.sum()
    each = mass * np.array([1 / comb(n, int(s)) for s in sizes])  # of whole numbers: no float holds those of 1,030 players
    mean, absent = mass @ sizes / n, mass @ (n - sizes) / n
    centred = sizes - mass @ sizes
    # presence varies by `own` beside the others; all of them together by the variance of the size
    own = mass @ (sizes * (n - sizes)) / (n * (n - 1.0))
    of_size = mass @ centred**2 / n
    shared = (of_size - own) / n * centred / (own * of_size)
    found = each * (absent / own - shared), each * (-mean / own - shared)
    for part in found:
        part.setflags(write=False)
    return found
