"""Sums of trees on coalitions, read by their leaves: what they say of a game's odd part, and their Shapley values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from perturbxai.core.types import Floats, Ints, Presence, Weights

TREES, DEPTH, RATE, PAIRS_A_LEAF = 30, 4, 0.25, 4
MOST_PAIRS = 2500  # that trees are grown on


@dataclass(frozen=True, eq=False)
class Leaves:
    """The game that is the sum of the values (L,) of the leaves which a coalition reaches.

    sign (L, P): 1 for players that have to be present, -1 for those that have to be absent, else 0
    """

    sign: Floats
    value: Floats

    @classmethod
    def of(cls, trees: Sequence[Any], n_players: int) -> Leaves:
        """Of scikit-learn's public `tree_`, grown on columns of zeros and ones."""
        parts = [_leaves(tree, n_players) for tree in trees]
        return cls(np.concatenate([sign for sign, _ in parts]), np.concatenate([value for _, value in parts]))

    def odd(self, z: Presence) -> Floats:
        """(M,): half of what the game gives a coalition more than its complement."""
        # the players present that have to be, less those that must not: all of the first and none of the second reach
        # a leaf, and the other way round the complement does
        met = z.astype(np.float64) @ self.sign.T
        inside, outside = self._counts()
        return np.asarray(0.5 * ((met == inside) @ self.value - (met == -outside) @ self.value))

    def shapley(self) -> Floats:
        """(P,): a leaf that needs the players A present and B absent, with value c, gives c (|A| - 1)! |B|! / (|A| + |B|)!
        to each of A and takes c |A|! (|B| - 1)! / (|A| + |B|)! from each of B."""
        inside, outside = self._counts()
        sizes = range(int((inside + outside).max()) + 1)
        table = np.array([[1.0 / (a * comb(a + b, a)) if a else 0.0 for b in sizes] for a in sizes])
        given, taken = self.value * table[inside, outside], self.value * table[outside, inside]
        return np.asarray(given @ (self.sign > 0) - taken @ (self.sign < 0))

    def _counts(self) -> tuple[Ints, Ints]:
        return (self.sign > 0).sum(axis=1), (self.sign < 0).sum(axis=1)


def _leaves(tree: Any, n_players: int) -> tuple[Floats, Floats]:
    """sign (L, P) and value (L,) of one tree; a path asks for a player once, behind that the column is constant."""
    sign = np.zeros((tree.node_count, n_players))
    for node in np.flatnonzero(tree.children_left >= 0):  # a node stands before its children
        left, right, player = tree.children_left[node], tree.children_right[node], tree.feature[node]
        sign[left] = sign[right] = sign[node]
        sign[left, player], sign[right, player] = -1.0, 1.0
    leaf = tree.children_left < 0
    return sign[leaf], np.asarray(tree.value[leaf].reshape(-1), dtype=np.float64)


def grow(z: Presence, odd: Floats, weight: Weights, seed: int) -> Leaves:
    """Boosted trees fitted to odd parts (R,) of pairs with first sides z (R, P), on both sides.

    Only odd parts move Shapley values, and trees that need not follow the even part follow the odd one better.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    step = -(-len(z) // MOST_PAIRS)  # pairs stand by size: a step takes as many of each
    z, odd, weight = z[::step], odd[::step], weight[::step]
    model = GradientBoostingRegressor(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, min_samples_leaf=PAIRS_A_LEAF, max_features=0.5,
        random_state=seed,
    )  # fmt: skip
    model.fit(np.concatenate([z, ~z]).astype(np.float32), np.concatenate([odd, -odd]), np.tile(weight / weight.mean(), 2))
    found = Leaves.of([stage.tree_ for stage in model.estimators_[:, 0]], z.shape[1])
    return Leaves(found.sign, found.value * model.learning_rate)
