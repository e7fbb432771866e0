"""Products of three players' signs, chosen in rounds: the smallest odd games that are not linear."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from scipy import linalg

from perturbxai.core.types import Bools, Floats, Ints, Presence, Weights

PAIRS_A_TERM = 4  # pairs of coalitions for each product that is taken in the end
MOST_TERMS = 400
ROUNDS = 6  # what one round leaves tells the next where to look: chosen at once, products of one leaf crowd the others out
JUDGED_AFTER, LEAST = 3, 0.1  # the round after which products that explain less of the pairs they have not seen are given up
MOST_WORK = 3e8  # pairs times players cubed, above which no products are looked for


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
