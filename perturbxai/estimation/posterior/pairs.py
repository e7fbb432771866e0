"""What pairs of players do together, as sums over all coalitions: interaction indices of a game that is a process."""

from math import comb
from typing import NamedTuple, Self

import numpy as np

from perturbxai.core.compiled import game_kernels
from perturbxai.core.types import BySize, Floats
from perturbxai.estimation.coalitions import pair_indices
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.listed import ListWeights
from perturbxai.estimation.posterior.prior import Prior, sizes


class PairWeights(NamedTuple):
    """Values sum_z a(z_i + z_j, |z|) v(z) of the d = P (P - 1) / 2 pairs of players i < j, as `np.triu_indices` has them.

    weights (P + 1, 3): a, by size and by how many of the two a coalition holds
    """

    weights: Floats

    @classmethod
    def of_index(cls, index: str, n_players: int) -> Self:
        """One of the indices of `pair_indices`."""
        each = np.array([float(comb(n_players, size)) for size in range(n_players + 1)])
        return cls(pair_indices.size_weights(index, n_players) / each[:, None])

    def times(self, scale: BySize) -> Self:
        """The weights of a game that is divided by a scale (P + 1,), by size."""
        return type(self)(self.weights * scale[:, None])

    def main_effects(self, values: SizeWeights) -> SizeWeights:
        """Players' values less half of their pairs."""
        size = np.arange(len(self.weights))
        none, one, both = self.weights.T
        held = (size - 1) * both + size[::-1] * one
        left = size * one + (size[::-1] - 1) * none
        return SizeWeights(values.inside - 0.5 * held, values.outside - 0.5 * left)

    def at(self, x: Floats) -> Floats:
        """(n, d): what the game at coalitions x (n, P), in signs, counts."""
        first, second = np.triu_indices(x.shape[1], 1)
        return np.asarray(self.weights[sizes(x)[:, None], (x[:, first] > 0).astype(np.int64) + (x[:, second] > 0)])

    @property
    def _states(self) -> Floats:
        """(2, 2, P - 1): the weights by whether i and j are in a coalition, and by how many of the others."""
        last = len(self.weights) - 2
        return np.array([[self.weights[i + j : i + j + last, i + j] for j in (0, 1)] for i in (0, 1)])

    @property
    def _contexts(self) -> Floats:
        """(P - 1,): how many sets of the others there are, by size."""
        n_others = len(self.weights) - 3
        return np.array([float(comb(n_others, size)) for size in range(n_others + 1)])

    @property
    def _counted(self) -> BySize:
        """(P + 1,): what a pair gets of a game that is one at a size and nothing elsewhere."""
        found, contexts = np.zeros(len(self.weights)), self._contexts
        for (i, j), times in (((0, 0), 1.0), ((0, 1), 2.0), ((1, 1), 1.0)):
            found[i + j : i + j + len(contexts)] += times * contexts * self._states[i, j]
        return found

    def covariance(self, prior: Prior, x: Floats) -> Floats:
        """(d, n): of the values with the game at coalitions x (n, P), in signs."""
        size, alone = sizes(x), self.at(x)
        alone[size % x.shape[1] == 0] = 0.0  # nothing and everything do not vary on their own
        found = prior.nugget * alone.T + prior.counted * (self._counted + prior.even * self._counted[::-1])[size]
        for share, rate in prior.parts:
            like, unlike = np.exp(rate * (x - 1.0)), np.exp(-rate * (x + 1.0))  # each player alike, or not
            for times, present, absent in ((share, like, unlike), (share * prior.even, unlike, like)):
                found += (1.0 - prior.counted) * times * self._sums(present, absent)
        return found

    def _sums(self, present: Floats, absent: Floats) -> Floats:
        """(d, n): over all coalitions, of weights times the products of the players' factors (n, P)."""
        (n_rows, n_players), states, found = present.shape, self._states, []
        for i in range(n_players - 1):
            of_first = np.empty((n_players - 1 - i, n_rows))
            # factors of a player are alike in all rows that hold it, and in all others: the weights of the others take them
            for inside in np.unique(present[:, i]):
                rows = np.flatnonzero(present[:, i] == inside)
                kept, given = inside * states[1] + absent[rows[0], i] * states[0]
                sums = np.empty((len(rows), n_players - 1))
                own = (np.delete(some[rows], i, axis=1) for some in (present, absent))
                game_kernels.sum_by_size(*own, given, kept, sums)
                of_first[:, rows] = sums[:, i:].T
            found.append(of_first)
        return np.concatenate(found)

    def variance(self, prior: Prior) -> Floats:
        """(d,): of the values, before anything is asked."""
        n_players, counted = len(self.weights) - 1, self._counted
        alone = float(self._contexts @ (self._states**2).sum(axis=(0, 1)))
        alone -= float(self.weights[0, 0] ** 2 + self.weights[-1, 2] ** 2)
        beside = prior.counted * float(counted @ (counted + prior.even * counted[::-1])) + prior.nugget * alone
        found = np.full(n_players * (n_players - 1) // 2, beside)
        opposite = self._states[::-1, ::-1, ::-1]
        for share, rate in prior.parts:
            for times, other in ((share, self._states), (share * prior.even, opposite)):
                found += (1.0 - prior.counted) * times * self._squares(np.exp(-2.0 * rate), other)
        return found

    def _squares(self, apart: Floats, other: Floats) -> Floats:
        """(d,): over all pairs of coalitions, of both their weights, times `apart` (P,) of all players that are in one.

        other (2, 2, P - 1): the weights of the second coalition
        """
        found, sums = [], np.empty(len(apart) - 1)
        for i in range(len(apart) - 1):
            # the second coalition's weights, summed over whether it agrees on i
            near = other + apart[i] * other[::-1]
            both = np.einsum("ijs,ikt->jkst", self._states, near)
            game_kernels.sum_by_sizes(np.delete(apart, i), both[0, 0] + both[1, 1], both[0, 1] + both[1, 0], sums)
            found.append(sums[i:].copy())
        return np.concatenate(found)


Functional = SizeWeights | PairWeights | ListWeights  # what a process tells of a game
