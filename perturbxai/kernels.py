"""Numba kernels: dumb, serial, own no policy. The caller allocates and checks; a kernel fills.

Every kernel has a slow twin in tests/oracles.py. The pixel kernels have a device twin in plan.py.
"""

# An absent annotation here is meant: numba compiles for what it is given, and reads no hints.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def splice_pixels(picture, fill, labels, z, out):
    """out[m] = picture where player labels[i, j] is present in z[m], else fill.

    picture, fill (H, W, C) float32;  labels (H, W) int32 in [0, P);  z (M, P) bool;  out (M, H, W, C) float32
    """
    for m in range(z.shape[0]):
        for i in range(labels.shape[0]):
            for j in range(labels.shape[1]):
                if z[m, labels[i, j]]:
                    for c in range(picture.shape[2]):
                        out[m, i, j, c] = picture[i, j, c]
                else:
                    for c in range(picture.shape[2]):
                        out[m, i, j, c] = fill[i, j, c]


@njit(cache=True)
def blend_pixels(picture, fill, labels, alpha, out):
    """out[m] = (1 - a) * fill + a * picture with a = alpha[m, labels[i, j]], exact at a = 0 and a = 1.

    picture, fill (H, W, C) float32;  labels (H, W) int32;  alpha (M, P) float32 in [0, 1];  out (M, H, W, C) float32
    """
    one = np.float32(1.0)
    for m in range(alpha.shape[0]):
        for i in range(labels.shape[0]):
            for j in range(labels.shape[1]):
                a = alpha[m, labels[i, j]]
                for c in range(picture.shape[2]):
                    if a == one:
                        out[m, i, j, c] = picture[i, j, c]
                    elif a == np.float32(0.0):
                        out[m, i, j, c] = fill[i, j, c]
                    else:
                        out[m, i, j, c] = (one - a) * fill[i, j, c] + a * picture[i, j, c]


@njit(cache=True)
def splice_columns(donor, bases, player, z, coalition, base, out):
    """out[r] = donor where the column's player is present in z[coalition[r]], else the background row base[r].

    donor (D,), bases (B, D) float64;  player (D,) int32, the player of a column, -1 if it is always present;
    z (M, P) bool;  coalition, base (R,) int64;  out (R, D) float64
    """
    for r in range(coalition.shape[0]):
        m, b = coalition[r], base[r]
        for d in range(donor.shape[0]):
            if player[d] < 0 or z[m, player[d]]:
                out[r, d] = donor[d]
            else:
                out[r, d] = bases[b, d]


@njit(cache=True)
def hash_coalitions(z, present, absent, out):
    """out[m * B + b] = the wrapped sum over the players of what they contribute to the hash of a row.

    z (M, P) bool;  present (P, 2), absent (B, P, 2), out (M * B, 2) uint64
    """
    n_base = absent.shape[0]
    for m in range(z.shape[0]):
        for b in range(n_base):
            low, high = np.uint64(0), np.uint64(0)
            for p in range(z.shape[1]):
                if z[m, p]:
                    low += present[p, 0]
                    high += present[p, 1]
                else:
                    low += absent[b, p, 0]
                    high += absent[b, p, 1]
            out[m * n_base + b, 0] = low
            out[m * n_base + b, 1] = high


@njit(cache=True)
def pool_regions(heat, labels, out):
    """out[k, p] = the sum of heat[k] over the pixels of player p.

    heat (K, H, W) float64;  labels (H, W) int32, -1 belongs to no player;  out (K, P) float64, zeroed by the caller
    """
    for k in range(heat.shape[0]):
        for i in range(labels.shape[0]):
            for j in range(labels.shape[1]):
                if labels[i, j] >= 0:
                    out[k, labels[i, j]] += heat[k, i, j]


@njit(cache=True)
def draw_binned(uniform, drawn, top, start, table, codes, bins):
    """At uniform numbers, first a bin by its share, then the place in it by its table of quantiles.

    uniform (n, D) in [0, 1);  drawn (D,) bool, columns to fill;  top (D, L) cumulated shares
    start (D, L + 1) int64, where a bin's quantiles at even levels 0..1 stand in table (T,)
    codes (n, D) float64, bins (n, D) int64, overwritten in these columns
    """
    for i in range(uniform.shape[0]):
        for d in range(uniform.shape[1]):
            if drawn[d]:
                b = 0
                while uniform[i, d] >= top[d, b]:
                    b += 1
                below = top[d, b - 1] if b > 0 else 0.0
                last = start[d, b + 1] - start[d, b] - 1
                place = (uniform[i, d] - below) / (top[d, b] - below) * last
                k = min(int(place), last - 1)
                low = table[start[d, b] + k]
                bins[i, d] = b
                codes[i, d] = low + (place - k) * (table[start[d, b] + k + 1] - low)


@njit(cache=True)
def sweep_bins(codes, bins, swept, means, placed, fewest, left, effects, counts, slope):
    """Column by column: take the mean of what is left by bin away from it, then the line of the place within the bins.

    codes (n, D), bins (n, D) int64;  swept (D,) bool;  means (D, L) of the codes in each bin;  placed (D, L) bool, bins that
    have a place;  fewest rows from which a bin's mean is taken
    left (n, K), changed;  effects (D, L, K), zeroed by the caller;  counts (L,) and slope (K,), scratch
    """
    for d in range(codes.shape[1]):
        if not swept[d]:
            continue
        counts[:] = 0
        for i in range(codes.shape[0]):
            b = bins[i, d]
            counts[b] += 1
            for k in range(left.shape[1]):
                effects[d, b, k] += left[i, k]
        for b in range(effects.shape[1]):
            for k in range(left.shape[1]):
                effects[d, b, k] = effects[d, b, k] / counts[b] if counts[b] >= fewest else 0.0
        slope[:] = 0.0
        size = 0.0
        for i in range(codes.shape[0]):
            b = bins[i, d]
            place = codes[i, d] - means[d, b] if placed[d, b] else 0.0
            size += place * place
            for k in range(left.shape[1]):
                left[i, k] -= effects[d, b, k]
                slope[k] += place * left[i, k]
        if size > 0.0:
            for i in range(codes.shape[0]):
                b = bins[i, d]
                if placed[d, b]:
                    for k in range(left.shape[1]):
                        left[i, k] -= (codes[i, d] - means[d, b]) * slope[k] / size


@njit(cache=True)
def walk_tree(nodes, values, left_of_x, left_of_b, weight, share, scratch, out):
    """out[n, i] += the interventional Shapley value of player i in one tree, x[n] present and weighted rows b absent.

    A leaf that is reached with the players A taken from x and B from b adds value * share[|A|, |B|] to each of A, and takes
    value * share[|B|, |A|] from each of B. Players on whose sides x and b fall alike are in neither.

    nodes (V, 3) int64: left child (-1 at a leaf), right child, player;  values (V, K) float64, read at leaves
    left_of_x (N, V), left_of_b (B, V) bool: whether the row goes left at a node;  weight (B,) float64
    share (S + 1, S + 1) float64, share[a, b] = 1 / (a C(a + b, a)), S >= players that can differ on a path
    scratch (5, >= max(P, S + 1)) int64, the first line zero before and after;  out (N, P, K) float64
    """
    side, trail, later_node, later_length, later_player = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    for n in range(left_of_x.shape[0]):
        for b in range(left_of_b.shape[0]):
            node, length, present, waiting = 0, 0, 0, 0
            while True:
                while nodes[node, 0] >= 0:
                    of_x = nodes[node, 0] if left_of_x[n, node] else nodes[node, 1]
                    of_b = nodes[node, 0] if left_of_b[b, node] else nodes[node, 1]
                    player = nodes[node, 2]
                    if of_x == of_b or side[player] == 1:
                        node = of_x
                    elif side[player] == 2:
                        node = of_b
                    else:
                        later_node[waiting], later_length[waiting], later_player[waiting] = of_b, length, player
                        waiting += 1
                        side[player], trail[length], node = 1, player, of_x
                        length += 1
                        present += 1
                for t in range(length):
                    i = trail[t]
                    if side[i] == 1:
                        part = weight[b] * share[present, length - present]
                    else:
                        part = -weight[b] * share[length - present, present]
                    for k in range(values.shape[1]):
                        out[n, i, k] += part * values[node, k]
                back = later_length[waiting - 1] if waiting else 0
                while length > back:
                    length -= 1
                    if side[trail[length]] == 1:
                        present -= 1
                    side[trail[length]] = 0
                if not waiting:
                    break
                waiting -= 1
                node = later_node[waiting]
                side[later_player[waiting]], trail[length] = 2, later_player[waiting]
                length += 1
