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
