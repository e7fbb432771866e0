"""Interaction indices of pairs as weights of coalitions, and the cut model that sampled tables are fitted with.

Each index is I_ij = sum over T without i, j of p(|T|) [v(T + ij) - v(T + i) - v(T + j) + v(T)], its probabilities p summing
to one over all T. So each is a weighted sum of the values themselves, the weight of v(S) depending on |S| and on how many of
i and j are in S.
"""

from math import comb, factorial

import numpy as np
from scipy.linalg import qr, solve_triangular

from perturbxai.core.types import Floats, Presence, Values


def size_weights(index: str, n_players: int) -> Floats:
    """(P + 1, 3): the weight of v(S) in I_ij, by |S| and by how many of i and j are in S, times the coalitions of that size.

    A row's weight in a table is this over the rows that the table has of its size, as it is for every law. A context T of
    the size t has, in whole numbers until the end, p(t) = (P - t - 2)! t! / (P - 1)! for "sii" and "k-sii",
    2 / (P C(P - 1, t)) for "stii", and 6 (t + 1)! (P - t - 1)! / (P + 1)! for "fsii".
    """
    p, weights = n_players, np.zeros((n_players + 1, 3))
    for size in range(p + 1):
        for inside, sign in enumerate((1, -1, 1)):
            t = size - inside
            if 0 <= t <= p - 2:
                if index == "stii":
                    top, bottom = 2, p * comb(p - 1, t)
                elif index == "fsii":
                    top, bottom = 6 * factorial(t + 1) * factorial(p - 1 - t), factorial(p + 1)
                else:
                    top, bottom = factorial(p - 2 - t) * factorial(t), factorial(p - 1)
                weights[size, inside] = sign * (comb(p, size) * top / bottom)
    return weights


def all_listed(z: Presence, values: Values, weights: Floats) -> Floats:
    """(P, P, K), zero on the diagonal: the index of every pair from all 2^P coalitions z and their values (2^P, K).

    No alternating sums over subsets are formed, whose terms would cancel: the weights of one pair sum to four in size.
    """
    sizes = z.sum(axis=1)
    per_row = weights[sizes] / np.bincount(sizes)[sizes, None]  # (2^P, 3)
    none, one, both = per_row[:, 0], per_row[:, 1] - per_row[:, 0], per_row[:, 2] - 2.0 * per_row[:, 1] + per_row[:, 0]
    present = z.astype(np.float64)
    found = np.empty((z.shape[1], z.shape[1], values.shape[1]))
    for k, column in enumerate(values.T):
        single = present.T @ (one * column)
        found[..., k] = none @ column + single[:, None] + single + (present * (both * column)[:, None]).T @ present
    found[np.diag_indices(z.shape[1])] = 0.0
    return found


def residual_weights(z: Presence, index: str) -> Floats:
    """(R, d): what one side of each pair, and its complement with it, contribute to the index of each pair of players."""
    n_players = z.shape[1]
    sizes = z.sum(axis=1)
    counts = np.bincount(sizes, minlength=n_players + 1)
    counts = counts + counts[::-1]  # rows of each size, both sides of a pair counted
    per_row = size_weights(index, n_players) / np.maximum(counts, 1)[:, None]
    even = per_row[sizes] + per_row[n_players - sizes][:, ::-1]  # (R, 3)
    first, second = np.triu_indices(n_players, 1)
    inside = z[:, first].astype(np.int8) + z[:, second]
    return np.asarray(np.take_along_axis(even, inside.astype(np.intp), axis=1))


def cut_columns(z: Presence) -> Floats:
    """(R, d), d = P (P - 1) / 2: -1/2 where S separates the two players, else 0.

    The even part [v(S) + v(N - S)] / 2 of a game of main effects and pairs, less that of nothing, is these columns times its
    pairs: what stands on both sides of a cut is lost.
    """
    first, second = np.triu_indices(z.shape[1], 1)
    return np.where(z[:, first] != z[:, second], -0.5, 0.0)


def solve_weighted(x: Floats, weight: Floats) -> tuple[Floats, Floats, bool]:
    """Weighted least squares: operator (d, R) from targets to coefficients, leverages (R,), whether the rows span it."""
    n_columns = x.shape[1]
    if len(x) < n_columns:
        return np.zeros((n_columns, len(x))), np.zeros(len(x)), False
    root = np.sqrt(weight)
    q, r = qr(x * root[:, None], mode="economic", overwrite_a=True, check_finite=False)
    diagonal = np.abs(np.diag(r))
    if diagonal.min(initial=np.inf) <= 1e-10 * diagonal.max(initial=0.0):
        return np.zeros((n_columns, len(x))), np.zeros(len(x)), False
    return solve_triangular(r, q.T) * root, (q**2).sum(axis=1), True


def square(pairs: Floats, n_players: int) -> Floats:
    """(P, P, K): a symmetric array of (d, K), zero on the diagonal."""
    first, second = np.triu_indices(n_players, 1)
    found = np.zeros((n_players, n_players, pairs.shape[1]))
    found[first, second] = found[second, first] = pairs
    return found


def incidence(n_players: int) -> Floats:
    """(d, P): 1 where a player is of the pair."""
    pairs = np.column_stack(np.triu_indices(n_players, 1))
    return np.asarray((pairs[:, :, None] == np.arange(n_players)).any(axis=1), dtype=np.float64)
