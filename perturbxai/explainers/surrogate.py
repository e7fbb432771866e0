"""Surrogates of a game whose Shapley values are known: what they explain of the odd parts needs no sampling.

A surrogate is fitted to the pairs of four folds and tells the odd parts of the fifth (cross-fitting), so that what is left
is a game of its own that it has not seen. The estimate is the surrogate's Shapley values plus the least squares of what is
left; it is right whatever the surrogate is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from perturbxai.tables import Bools, Floats, Ints

N_FOLDS = 5
PAIRS_A_TERM = 10  # pairs of coalitions for each triple of players that is taken
MOST_PRODUCTS = 1 << 22  # of triples and pairs that are held
PROMISING = 0.7  # trees that leave more of the first fold are not worth the others
TREES, DEPTH, RATE = 60, 4, 0.15
SURROGATES = {"auto": ("triples", "trees"), "triples": ("triples",), "trees": ("trees",), "none": ()}


@dataclass(frozen=True, eq=False)
class Told:
    """What cross-fitted surrogates say: odd (R,) of each pair's first side, gain (R,) of the one that said it, and the mean
    of their Shapley values (P,)."""

    odd: Floats
    gain: Floats
    shapley: Floats


@dataclass(frozen=True, eq=False)
class Pairs:
    """What surrogates of one output are fitted to: pairs of coalitions.

    z (R, P) first sides;  odd, even (R,) parts of their values;  weight (R,);  fold (R,) in 0..4
    linear (P,): a linear game that is taken from the odd parts first
    """

    z: Bools
    odd: Floats
    even: Floats
    weight: Floats
    fold: Ints
    linear: Floats


def tell_by_triples(pairs: Pairs, triples: Triples) -> Told:
    """The triples of players that go with the odd parts most, at most one for ten pairs."""
    left = pairs.odd - (pairs.z - 0.5) @ pairs.linear
    kept = pairs.fold != np.arange(N_FOLDS)[:, None]  # (5, R)
    strength = np.abs((kept * (pairs.weight * left)) @ triples.products)
    made = []
    for fold in range(N_FOLDS):
        n_terms = int(kept[fold].sum()) // PAIRS_A_TERM
        chosen = np.sort(np.argsort(-strength[fold], kind="stable")[:n_terms])
        x, root = triples.products[:, chosen], np.sqrt(pairs.weight[kept[fold]])
        # a ridge as heavy as one pair: terms that the pairs cannot tell apart share what they explain
        ridge = np.sqrt(pairs.weight.mean()) * np.eye(len(chosen))
        rows, target = np.vstack([x[kept[fold]] * root[:, None], ridge]), np.zeros(len(root) + len(chosen))
        target[: len(root)] = left[kept[fold]] * root
        found = np.linalg.lstsq(rows, target, rcond=None)[0]
        own = np.zeros(pairs.z.shape[1])
        np.add.at(own, triples.members[chosen].ravel(), np.repeat(2.0 / 3.0 * found, 3))
        made.append((x @ found, own))
    return _put_together(pairs, made)


def tell_by_trees(pairs: Pairs) -> Told | None:
    """Boosted trees on coalitions, fitted to both sides of the pairs; None if they tell little of the first fold."""
    made = []
    left = pairs.odd - (pairs.z - 0.5) @ pairs.linear
    for fold in range(N_FOLDS):
        kept = pairs.fold != fold
        game = Trees.fitted(pairs.z[kept], pairs.odd[kept], pairs.even[kept], pairs.weight[kept], pairs.linear, fold)
        told = game.odd(pairs.z)
        if not fold and _squares(pairs, ~kept, left - told) > PROMISING * _squares(pairs, ~kept, left):
            return None
        made.append((told, game.shapley()))
    return _put_together(pairs, made)


def _squares(pairs: Pairs, chosen: Bools, left: Floats) -> float:
    return float(pairs.weight[chosen] @ left[chosen] ** 2)


def _put_together(pairs: Pairs, made: Sequence[tuple[Floats, Floats]]) -> Told:
    """The linear game and, for each fold, what the surrogate fitted without it says: odd parts (R,) and values (P,)."""
    odd = np.choose(pairs.fold, [told for told, _ in made])
    values = np.array([own for _, own in made])
    gain = pairs.linear.sum() + values.sum(axis=1)[pairs.fold]
    return Told(odd + (pairs.z - 0.5) @ pairs.linear, gain, pairs.linear + values.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Triples:
    """Products of three players' signs: prod_{i in T} (2 z_i - 1) is odd, and b times it gives 2 b / 3 to each of T.

    members (C, 3), products (R, C) at the first sides of pairs
    """

    members: Ints
    products: Floats

    @classmethod
    def of(cls, z: Bools) -> Triples | None:
        """All triples; None if there are none, or too many to hold."""
        n_players = z.shape[1]
        if not 0 < comb(n_players, 3) * len(z) <= MOST_PRODUCTS:
            return None
        members = np.array(list(combinations(range(n_players), 3)), dtype=np.int64)
        sign = 2.0 * z - 1.0
        return cls(members, sign[:, members[:, 0]] * sign[:, members[:, 1]] * sign[:, members[:, 2]])


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees on coalitions (scikit-learn's), with their Shapley values by the leaves."""

    model: Any
    n_players: int

    @classmethod
    def fitted(cls, z: Bools, odd: Floats, even: Floats, weight: Floats, linear: Floats, seed: int) -> Trees:
        """Fitted to both sides of the pairs, even + odd and even - odd, less a linear game."""
        from sklearn.ensemble import GradientBoostingRegressor

        left = odd - (z - 0.5) @ linear
        sides, values = np.concatenate([z, ~z]).astype(np.float32), np.concatenate([even + left, even - left])
        model = GradientBoostingRegressor(
            n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, min_samples_leaf=4, max_features=0.5, random_state=seed
        )
        return cls(model.fit(sides, values, sample_weight=np.tile(weight / weight.mean(), 2)), z.shape[1])

    def odd(self, z: Bools) -> Floats:
        told = self.model.predict
        return np.asarray(0.5 * (told(z.astype(np.float32)) - told((~z).astype(np.float32))))

    def shapley(self) -> Floats:
        found = np.zeros(self.n_players)
        for stage in self.model.estimators_[:, 0]:
            found += self.model.learning_rate * tree_values(stage.tree_, self.n_players)
        return found


def tree_values(tree: Any, n_players: int) -> Floats:
    """Shapley values (P,) of a tree on coalitions: scikit-learn's public `tree_`, split at .5.

    A leaf that needs the players A present and B absent, with value c, gives c (|A| - 1)! |B|! / (|A| + |B|)! to each of A
    and takes c |A|! (|B| - 1)! / (|A| + |B|)! from each of B.
    """
    found = np.zeros(n_players)
    waiting: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = [(0, (), ())]
    while waiting:
        node, present, absent = waiting.pop()
        if tree.children_left[node] < 0:
            value, a, b = float(tree.value[node].ravel()[0]), len(present), len(absent)
            if a:
                found[list(present)] += value * _share(a, b)
            if b:
                found[list(absent)] -= value * _share(b, a)
            continue
        player = int(tree.feature[node])
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if player in present:
            waiting.append((right, present, absent))
        elif player in absent:
            waiting.append((left, present, absent))
        else:
            waiting += [(left, present, (*absent, player)), (right, (*present, player), absent)]
    return found


def _share(own: int, other: int) -> float:
    """(own - 1)! other! / (own + other)!."""
    return 1.0 / (own * comb(own + other, own))


def folds(stratum: Ints) -> Ints:
    """(R,): a fold for each pair, each size spread over all of them."""
    order = np.argsort(stratum, kind="stable")
    found = np.empty(len(stratum), dtype=np.int64)
    found[order] = np.arange(len(stratum)) % N_FOLDS
    return found


def kinds_of(surrogate: str, costly: bool) -> tuple[str, ...]:
    """The surrogates that an option stands for; costly: whether their fits are little beside the model."""
    return SURROGATES[surrogate] if costly or surrogate != "auto" else ()
