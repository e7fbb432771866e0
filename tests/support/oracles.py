"""Slow answers, straight from the definitions: what the package is checked against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from math import comb, factorial
from typing import Any

import numpy as np

Game = Callable[[Any], Any]


def all_coalitions(n_players: int) -> Any:
    """(2^P, P) bool; row m holds the bits of m, lowest first."""
    return (np.arange(2**n_players)[:, None] >> np.arange(n_players) & 1).astype(bool)


# ------------------------------------------------------------------------------------------------ Shapley values


def shapley(game: Game, n_players: int) -> Any:
    """(P, K): the sum over all S without i of |S|! (P - |S| - 1)! / P! [v(S + i) - v(S)]."""
    values = np.asarray(game(all_coalitions(n_players).astype(np.float64)))
    phi = np.zeros((n_players, values.shape[1]))
    for i in range(n_players):
        for s in range(2**n_players):
            if not s >> i & 1:
                size = s.bit_count()
                weight = factorial(size) * factorial(n_players - size - 1) / factorial(n_players)
                phi[i] += weight * (values[s | 1 << i] - values[s])
    return phi


def shapley_by_orders(game: Game, n_players: int) -> Any:
    """(P, K): the mean over all orders of what a player adds to those before it. P <= 6."""
    values = np.asarray(game(all_coalitions(n_players).astype(np.float64)))
    phi = np.zeros((n_players, values.shape[1]))
    for order in permutations(range(n_players)):
        before = 0
        for i in order:
            phi[i] += values[before | 1 << i] - values[before]
            before |= 1 << i
    return phi / factorial(n_players)


def antithetic_walk(game: Game, order: Sequence[int]) -> Any:
    """(P, K): the mean of what each player adds along an order and along its reverse."""
    phi = 0.0
    for way in (list(order), list(order)[::-1]):
        z = np.zeros((len(way) + 1, len(way)))
        for k, i in enumerate(way):
            z[k + 1 :, i] = 1.0
        steps = np.diff(np.asarray(game(z)), axis=0)
        found = np.empty_like(steps)
        found[way] = steps
        phi = phi + 0.5 * found
    return phi


def tree_shapley(model: Any, x: Any, background: Any, weights: Any = None) -> Any:
    """(D,): interventional Shapley values of a scikit-learn GradientBoostingRegressor at one row.

    A leaf that is reached with the features A taken from x and B taken from the background row adds
    value (|A| - 1)! |B|! / (|A| + |B|)! to each of A, and takes value |A|! (|B| - 1)! / (|A| + |B|)! from each of B.
    """
    # scikit-learn's trees compare in float32
    x, background = np.asarray(x, dtype=np.float32), np.asarray(background, dtype=np.float32)
    weights = np.full(len(background), 1.0 / len(background)) if weights is None else weights
    phi = np.zeros(len(x))
    for row, weight in zip(background, weights, strict=True):
        for estimator in model.estimators_[:, 0]:
            _add_leaves(estimator.tree_, 0, x, row, frozenset(), frozenset(), weight * model.learning_rate, phi)
    return phi


def _add_leaves(
    tree: Any, node: int, x: Any, row: Any, present: frozenset[int], absent: frozenset[int], scale: float, phi: Any
) -> None:
    left, right = tree.children_left[node], tree.children_right[node]
    if left == right:
        value, a, b = scale * tree.value[node, 0, 0], len(present), len(absent)
        for i in present:
            phi[i] += value * factorial(a - 1) * factorial(b) / factorial(a + b)
        for i in absent:
            phi[i] -= value * factorial(a) * factorial(b - 1) / factorial(a + b)
        return
    f = int(tree.feature[node])
    of_x = left if x[f] <= tree.threshold[node] else right
    of_row = left if row[f] <= tree.threshold[node] else right
    if of_x == of_row:
        _add_leaves(tree, of_x, x, row, present, absent, scale, phi)
        return
    if f not in absent:
        _add_leaves(tree, of_x, x, row, present | {f}, absent, scale, phi)
    if f not in present:
        _add_leaves(tree, of_row, x, row, present, absent | {f}, scale, phi)


# ------------------------------------------------------------------------------------------------ LIME


def lime_kernel(n_players: int, width: float) -> Any:
    """(P + 1,): lime's weight of a coalition by its size, exp(-(1 - sqrt(s / P))^2 / (2 width^2))."""
    distance = 1.0 - np.sqrt(np.arange(n_players + 1) / n_players)
    return np.exp(-(distance**2) / (2.0 * width**2))


def lime_regression(game: Game, n_players: int, width: float, ridge: float = 0.0) -> Any:
    """(P, K): slopes of the weighted regression on all 2^P coalitions, by the normal equations."""
    z = all_coalitions(n_players).astype(np.float64)
    weight = lime_kernel(n_players, width)[z.sum(axis=1).astype(int)]
    x = np.column_stack([np.ones(len(z)), z])
    penalty = ridge * np.eye(n_players + 1)
    penalty[0, 0] = 0.0
    gram = (x * weight[:, None]).T @ x + penalty
    return np.linalg.solve(gram, (x * weight[:, None]).T @ np.asarray(game(z)))[1:]


def _lime_constants(n_players: int, width: float) -> tuple[Callable[[int], float], float, float, float, float]:
    """alpha(p) and sigma_1, sigma_2, sigma_3, c of Garreau & Mardaoui, "What does LIME really see in images?" (2021)."""
    d, psi = n_players, lime_kernel(n_players, width)

    def alpha(p: int) -> float:
        return float(sum(comb(d - p, k) * psi[d - k] for k in range(d - p + 1)) / 2.0**d)

    a0, a1, a2 = alpha(0), alpha(1), alpha(2)
    s1 = -a1
    s2 = ((d - 2) * a0 * a2 - (d - 1) * a1**2 + a0 * a1) / (a1 - a2)
    s3 = (a1**2 - a0 * a2) / (a1 - a2)
    return alpha, s1, s2, s3, (d - 1) * a0 * a2 - d * a1**2 + a0 * a1


def lime_slopes_from_moments(n_players: int, width: float, total: Any, held: Any) -> Any:
    """The limit of image LIME from total = E[pi v] and held_j = E[pi z_j v], (P,) or (P, K)."""
    _, s1, s2, s3, c = _lime_constants(n_players, width)
    return (s1 * total + s2 * held + s3 * (held.sum(axis=0) - held)) / c


def lime_closed_form(game: Game, n_players: int, width: float) -> Any:
    """(P, K): LIME's limit for many draws and no ridge, with both expectations from all 2^P coalitions."""
    z = all_coalitions(n_players).astype(np.float64)
    weighted = lime_kernel(n_players, width)[z.sum(axis=1).astype(int)][:, None] * np.asarray(game(z)) / 2.0**n_players
    return lime_slopes_from_moments(n_players, width, weighted.sum(axis=0), z.T @ weighted)


def lime_unanimity(n_players: int, n_members: int, width: float) -> tuple[float, float]:
    """LIME's limit for the game that is 1 if all members are there: the slope of a member, and that of another player."""
    alpha, s1, s2, s3, c = _lime_constants(n_players, width)
    d, p = n_players, n_members
    inside = (s1 + s2 + (p - 1) * s3) * alpha(p) + (d - p) * s3 * (alpha(p + 1) if p < d else 0.0)
    if p == d:
        return inside / c, float("nan")
    outside = (s1 + p * s3) * alpha(p) + (s2 + (d - p - 1) * s3) * alpha(p + 1)
    return inside / c, outside / c


# ------------------------------------------------------------------------------------------------ effects


def ale(predict: Callable[[Any], Any], data: Any, column: int, edges: Any, x: float, absent: Any) -> Any:
    """(K,): accumulated local effect at x, less its mean at the absent values, on these bin edges.

    Rows lie in bins (e_{k-1}, e_k], the first closed; a bin's effect is the mean over its rows of the model at its upper
    edge less the model at its lower edge; effects are accumulated and interpolated within bins. No bin may be empty.
    """
    height = [np.zeros(np.asarray(predict(data[:1])).reshape(1, -1).shape[1])]
    for k in range(1, len(edges)):
        inside = (data[:, column] > edges[k - 1]) & (data[:, column] <= edges[k])
        if k == 1:
            inside |= data[:, column] == edges[0]
        low, high = data[inside].copy(), data[inside].copy()
        low[:, column], high[:, column] = edges[k - 1], edges[k]
        step = np.asarray(predict(high)).reshape(len(high), -1) - np.asarray(predict(low)).reshape(len(low), -1)
        height.append(height[-1] + step.mean(axis=0))
    curve = np.array(height)

    def at(values: Any) -> Any:
        return np.column_stack([np.interp(values, edges, curve[:, k]) for k in range(curve.shape[1])])

    return at(np.array([x]))[0] - at(np.asarray(absent)).mean(axis=0)


# ------------------------------------------------------------------------------------------------ twins of the kernels


def splice_pixels(picture: Any, fill: Any, labels: Any, z: Any) -> Any:
    """(M, H, W, C): the picture where a pixel's player is present, else the fill."""
    out = np.empty((len(z), *picture.shape), dtype=picture.dtype)
    for m, (i, j) in ((m, ij) for m in range(len(z)) for ij in np.ndindex(labels.shape)):
        out[m, i, j] = picture[i, j] if z[m, labels[i, j]] else fill[i, j]
    return out


def blend_pixels(picture: Any, fill: Any, labels: Any, alpha: Any) -> Any:
    """(M, H, W, C): (1 - a) fill + a picture, exactly one of them at the ends; of bytes the nearest, halves up."""
    out = np.empty((len(alpha), *picture.shape), dtype=picture.dtype)
    for m, (i, j) in ((m, ij) for m in range(len(alpha)) for ij in np.ndindex(labels.shape)):
        a = alpha[m, labels[i, j]]
        if a == 1:
            out[m, i, j] = picture[i, j]
        elif a == 0:
            out[m, i, j] = fill[i, j]
        else:
            mixed = (np.float32(1) - a) * fill[i, j].astype(np.float32) + a * picture[i, j].astype(np.float32)
            out[m, i, j] = np.floor(mixed + np.float32(0.5)) if out.dtype == np.uint8 else mixed
    return out


def splice_columns(donor: Any, bases: Any, player: Any, z: Any, coalition: Any, base: Any) -> Any:
    """(R, D): the donor's value in columns whose player is present (or always is), else the background row's."""
    out = np.empty((len(coalition), len(donor)))
    for r, (m, b) in enumerate(zip(coalition, base, strict=True)):
        for d in range(len(donor)):
            out[r, d] = donor[d] if player[d] < 0 or z[m, player[d]] else bases[b, d]
    return out


def pool_regions(heat: Any, labels: Any, n_players: int) -> Any:
    """(K, P): the sum of each map over the pixels of each player; pixels labelled -1 belong to none."""
    out = np.zeros((len(heat), n_players))
    for k in range(len(heat)):
        for p in range(n_players):
            out[k, p] = heat[k][labels == p].sum()
    return out


def walk_tree(nodes: Any, values: Any, left_of_x: Any, left_of_b: Any, weight: Any, n_players: int) -> Any:
    """(N, P, K): one tree's interventional Shapley values from all coalitions: members answer as x does, others as b."""

    def value(z: Any, x: Any, b: Any) -> Any:
        node = 0
        while nodes[node, 0] >= 0:
            left = x[node] if z[nodes[node, 2]] else b[node]
            node = nodes[node, 0] if left else nodes[node, 1]
        return values[node]

    out = np.zeros((len(left_of_x), n_players, values.shape[1]))
    for n, x in enumerate(left_of_x):
        for b, row in zip(weight, left_of_b, strict=True):
            out[n] += b * shapley(lambda z, x=x, row=row: np.array([value(one, x, row) for one in z]), n_players)
    return out


def draw_binned(uniform: Any, shares: Any, quantiles: Any) -> tuple[Any, Any]:
    """Codes and bins (n,) of one column: the bin whose shares hold the number, then linear between its quantiles."""
    codes, bins = np.empty(len(uniform)), np.empty(len(uniform), dtype=int)
    for i, u in enumerate(uniform):
        b = next(b for b in range(len(shares)) if u < sum(shares[: b + 1]) or b == len(shares) - 1)
        inside = (u - sum(shares[:b])) / shares[b]
        bins[i], codes[i] = b, np.interp(inside, np.linspace(0, 1, len(quantiles[b])), quantiles[b])
    return codes, bins


def sweep_bins(codes: Any, bins: Any, means: Any, placed: Any, fewest: int, values: Any) -> tuple[Any, Any]:
    """What is left (n,) of values, and the effects (D, L), after one sweep over the columns: means by bin, then a line."""
    left, effects = np.array(values, dtype=float), np.zeros(means.shape)
    for d in range(len(codes)):
        for b in range(means.shape[1]):
            inside = bins[d] == b
            if inside.sum() >= fewest:
                effects[d, b] = left[inside].mean()
        left = left - effects[d, bins[d]]
        place = np.where(placed[d, bins[d]] > 0, codes[d] - means[d, bins[d]], 0.0)
        if (place != 0).any():
            left = left - place * (place @ left) / (place @ place)
    return left, effects


def centred_scores(gain: Any, residuals: Any, first: Any, strata: Sequence[Any], root: Any) -> Any:
    """(c, P): of the clusters of each stratum (lists of their numbers), scores less the stratum's mean, times roots."""
    moved = gain * residuals[:, None]
    found = []
    for members in strata:
        scores = np.array([moved[first[c] : first[c + 1]].sum(axis=0) for c in members])
        found += list(scores - scores.mean(axis=0) * (root >= 0).all())
    return np.array(found) * np.abs(root)[:, None]


def substitute_columns(rows: Any, row: Any, columns: Any, points: Any, first: Any, offset: Any) -> Any:
    """(n Q, D): row after row, each at its points of the grid."""
    out = []
    for i, start in zip(row, first, strict=True):
        for step in offset:
            one = rows[i].copy()
            one[columns] = points[start + step]
            out.append(one)
    return np.array(out)


# ------------------------------------------------------------------------------------------------ twins of game kernels


def sum_by_size(present: Any, absent: Any, with_player: Any, without: Any) -> Any:
    """(M, P): over all coalitions the weight by z_i and by how many others there are, times every player's factor."""
    out = np.zeros(present.shape)
    for m, i in np.ndindex(*out.shape):
        for z in all_coalitions(out.shape[1]):
            weight = with_player[z.sum() - 1] if z[i] else without[z.sum()]
            out[m, i] += weight * np.prod(np.where(z, present[m], absent[m]))
    return out


def sum_by_sizes(apart: Any, same: Any, other: Any) -> Any:
    """(P,): over all pairs of coalitions of the others the weights by their sizes, times `apart` of all where they differ.

    The weight `same` stands for both ways in which the two agree on i, `other` for both in which they do not.
    """
    out = np.zeros(len(apart))
    for i, own in enumerate(apart):
        others = np.delete(apart, i)
        for y in all_coalitions(len(others)):
            for z in all_coalitions(len(others)):
                weight = same[y.sum(), z.sum()] + own * other[y.sum(), z.sum()]
                out[i] += weight * np.prod(others[y != z])
    return out


def covariance(angle: float, total: float, mix: Any, one: int, two: int, whole: int) -> tuple[float, float, Any]:
    """Of two coalitions of these sizes of `whole` players; its slope by the angle, and its six parts as sums have them."""
    even, rough, counted = mix
    high, low = np.exp(angle - total), np.exp(-angle - total)
    parts = np.array([high, low, high**3, low**3, one == two, one + two == whole], dtype=float)
    of_sets = (1 - rough) * (high + even * low) + rough * (high**3 + even * low**3)
    slope = (1 - rough) * (high - even * low) + 3 * rough * (high**3 - even * low**3)
    return (1 - counted) * of_sets + counted * (parts[4] + even * parts[5]), slope, parts


def fill_covariances(angle: Any, total: float, mix: Any, size: Any) -> Any:
    """(n, n), both triangles: the covariances of coalitions of these sizes, of which the second holds everybody."""
    found = [[covariance(angle[m, n], total, mix, s, t, size[1])[0] for n, t in enumerate(size)] for m, s in enumerate(size)]
    return np.array(found)


def weigh_covariances(angle: Any, total: float, mix: Any, size: Any, inverse: Any, loads: Any) -> tuple[Any, Any]:
    """(n, n), (7,): slopes times the pull of a likelihood, and the sums of pulls times the parts of the covariances."""
    pull = 0.5 * (loads.shape[1] * inverse - loads @ loads.T)
    steep, sums = np.empty_like(pull), np.zeros(7)
    for m, n in np.ndindex(*pull.shape):
        _, slope, parts = covariance(angle[m, n], total, mix, size[m], size[n], size[1])
        steep[m, n] = pull[m, n] * slope
        sums[:6] += pull[m, n] * parts
    sums[6] = np.diag(pull)[2:].sum()
    return steep, sums


# ------------------------------------------------------------------------------------------------ opacity


def opacity_curves(value: Any, others: Any, share: Any, player: int, bins: int) -> Any:
    """(M, G, K), (G, K), (G, K): ICE, PDP and textbook ALE of one player's opacity, reference row by reference row.

    others (M, P) what each row shows of the other players;  share (M,): the row's t, NaN of a row that is in every bin
    """
    points = [k / bins for k in range(bins + 1)]
    ice = []
    for row in others:
        curve = []
        for a in points:
            shown = np.array(row, dtype=float)
            shown[player] = a
            curve.append(value(shown[None])[0])
        ice.append(curve)
    found = np.array(ice)
    ale = [np.zeros(found.shape[2])]
    for k in range(bins):
        inside = [i for i, t in enumerate(share) if np.isnan(t) or k / bins <= t < (k + 1) / bins]
        ale.append(ale[-1] + np.mean([found[i, k + 1] - found[i, k] for i in inside], axis=0))
    return found, found.mean(axis=0), np.array(ale)
