"""The games that surrogates are: products of three players' signs, the smallest odd games that are not linear, and trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, Self

import numpy as np
from scipy import linalg

from perturbxai.core.types import Bools, Floats, Ints, Presence, Weights

PAIRS_A_TERM = 4  # pairs of coalitions for each product that is taken in the end
MOST_TERMS = 400
ROUNDS = 6  # what one round leaves tells the next where to look: chosen at once, products of one leaf crowd the others out
JUDGED_AFTER, LEAST = 3, 0.1  # the round after which products that explain less of the pairs they have not seen are given up
MOST_WORK = 3e8  # pairs times players cubed, above which no products are looked for
TREES, DEPTH, RATE, PAIRS_A_LEAF = 30, 4, 0.25, 4
MOST_PAIRS = 2500  # that trees are grown on


def triple_controls(z: Presence, left: Floats, weight: Weights, kept: Bools) -> Floats | None:
    """(F, R): what the products of each of F fits say of the odd parts, less the linear game of their Shapley values.

    A product prod_{i in T} (2 z_i - 1) is odd, and b times it gives 2 b / 3 to each of T.

    z (R, P) first sides of pairs;  left (R,) odd parts less a linear game;  weight (R,)
    kept (F, R): the pairs of each fit, all but its fold
    None if the products tell little, if there are too few pairs, or too many of pairs and players.
    """
    n_pairs, n_players = z.shape
    fewest = int(kept.sum(axis=1).min())
    a_round = min(fewest // PAIRS_A_TERM, MOST_TERMS, comb(n_players, 3)) // ROUNDS
    if not a_round or n_pairs * n_players**3 > MOST_WORK:
        return None
    sign = 2.0 * z.astype(np.float64) - 1.0
    members = np.array(list(combinations(range(n_players), 3)), dtype=np.int64)
    fits = [_Products(sign, left, np.where(mine, weight, 0.0), weight.mean()) for mine in kept]
    for done in range(1, ROUNDS + 1):
        strengths = _strengths(sign, np.array([fit.weight * fit.left for fit in fits]))
        for fit, strength in zip(fits, strengths, strict=True):
            fit.add(members, strength, a_round)
        if done == JUDGED_AFTER:
            unseen = np.asarray(np.where(kept, 0.0, [fit.control() for fit in fits]).sum(axis=0))
            if explained(unseen, left, weight) < LEAST:
                return None
    return np.array([fit.control() for fit in fits])


def explained(control: Floats, left: Floats, weight: Weights) -> float:
    """How much of the squares of what is left (R,) the best positive share of a control (R,) explains."""
    both, own, all_ = weight @ (control * left), weight @ control**2, weight @ left**2
    return float(both**2 / (own * all_)) if both > 0.0 else 0.0


def _strengths(sign: Floats, load: Floats) -> Floats:
    """(F, C): |sum_r load[f, r] s_i s_j s_k| for all i < j < k in order."""
    # float32: it only says where to look
    s, loads = sign.astype(np.float32), load.T.astype(np.float32)
    n_players, parts = s.shape[1], []
    for i in range(n_players - 2):
        rest = s[:, i + 1 :]
        loaded = rest[:, :, None] * (s[:, i, None] * loads)[:, None, :]  # (R, p, F)
        found = (rest.T @ loaded.reshape(len(s), -1)).reshape(rest.shape[1], rest.shape[1], -1)
        parts.append(found[np.triu_indices(rest.shape[1], 1)])
    return np.asarray(np.abs(np.concatenate(parts)).T)


class _Products:
    """A ridge fit to odd parts: linear columns, and products that are added in rounds.

    sign (R, P);  odd (R,);  weight (R,), 0 for pairs that it must not see;  ridge: of each product, the weight of a pair
    left (R,): what it does not explain
    """

    def __init__(self, sign: Floats, odd: Floats, weight: Weights, ridge: float) -> None:
        self.sign, self.odd, self.weight, self.ridge = sign, odd, weight, ridge
        self.taken: Ints = np.zeros(0, dtype=np.int64)
        self.members: Ints = np.zeros((0, 3), dtype=np.int64)
        self.left = odd
        # the linear columns have next to no ridge: products must not stand in for them
        self.gram = (sign.T * weight) @ sign + 1e-6 * ridge * np.eye(sign.shape[1])
        self.moment = sign.T @ (weight * odd)
        self.found: Floats = np.zeros(sign.shape[1])

    def add(self, members: Ints, strength: Floats, n_terms: int) -> None:
        """The strongest n products (C, 3) that are not in yet, and all coefficients anew."""
        strength[self.taken] = -1.0
        new = np.argsort(-strength, kind="stable")[:n_terms]
        self.taken, self.members = np.concatenate([self.taken, new]), np.concatenate([self.members, members[new]])
        columns = np.column_stack([self.sign, self._columns()])
        fresh = columns[:, -n_terms:] * self.weight[:, None]
        cross, n_old = columns.T @ fresh, len(self.gram)
        corner = cross[n_old:] + self.ridge * np.eye(n_terms)
        self.gram = np.block([[self.gram, cross[:n_old]], [cross[:n_old].T, corner]])
        self.moment = np.concatenate([self.moment, fresh.T @ self.odd])
        self.found = linalg.solve(self.gram, self.moment, assume_a="pos")
        self.left = self.odd - columns @ self.found

    def control(self) -> Floats:
        """(R,): the products less the linear game of their Shapley values; the linear columns would cancel."""
        found, own = self.found[self.sign.shape[1] :], np.zeros(self.sign.shape[1])
        np.add.at(own, self.members.ravel(), np.repeat(2.0 / 3.0 * found, 3))
        return np.asarray(self._columns() @ found - 0.5 * self.sign @ own)

    def _columns(self) -> Floats:
        s, at = self.sign, self.members
        return np.asarray(s[:, at[:, 0]] * s[:, at[:, 1]] * s[:, at[:, 2]])


@dataclass(frozen=True, eq=False)
class Leaves:
    """The game that is the sum of the values (L,) of the leaves which a coalition reaches.

    sign (L, P): 1 for players that have to be present, -1 for those that have to be absent, else 0
    """

    sign: Floats
    value: Floats

    @classmethod
    def of(cls, trees: Sequence[Any], n_players: int) -> Self:
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
