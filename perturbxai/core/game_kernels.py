"""Numba kernels of games as Gaussian processes: covariances of coalitions, and sums over all of them.

Dumb and serial as those in `kernels`: the caller allocates and checks. Every kernel has a slow twin in
tests/support/oracles.py.
"""

# An absent annotation here is meant: numba compiles for what it is given, and reads no hints.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
import numpy as np
from numba import njit


@njit(cache=True)
def sum_by_size(present, absent, with_player, without, out):
    """out[m, i] = the sum over coalitions z of a weight by z_i and the size, times the product of the players' factors.

    present, absent (M, P): the factor of each player where it is in z and where it is not
    with_player, without (P,): weights where i is in z and where it is not, by how many others are;  out (M, P)
    """
    n_players = present.shape[1]
    before = np.empty((n_players, n_players))
    given, kept = np.empty(n_players), np.empty(n_players)
    for m in range(present.shape[0]):
        # products of the players before i, by how many of them are in z
        before[0, 0] = 1.0
        for i in range(1, n_players):
            p, a = present[m, i - 1], absent[m, i - 1]
            before[i, i] = p * before[i - 1, i - 1]
            for s in range(i - 1, 0, -1):
                before[i, s] = a * before[i - 1, s] + p * before[i - 1, s - 1]
            before[i, 0] = a * before[i - 1, 0]
        # weights summed over the players behind i
        given[:] = with_player
        kept[:] = without
        for i in range(n_players - 1, -1, -1):
            p, a = present[m, i], absent[m, i]
            total = 0.0
            for s in range(i + 1):
                total += before[i, s] * (p * given[s] + a * kept[s])
            out[m, i] = total
            for s in range(i):
                given[s] = a * given[s] + p * given[s + 1]
                kept[s] = a * kept[s] + p * kept[s + 1]


@njit(cache=True)
def sum_by_sizes(apart, same, other, out):
    """out[i] = the sum over pairs of coalitions (y, z) of weights by their sizes, times `apart` of all where they differ.

    apart (P,): the factor of a player that is in one of the two
    same, other (P, P): weights where y and z agree on i and where they do not, by how many others are in each;  out (P,)
    """
    n_players = len(apart)
    before = np.zeros((n_players, n_players, n_players))
    before[0, 0, 0] = 1.0
    for i in range(1, n_players):
        q = apart[i - 1]
        for s in range(i + 1):
            for t in range(i + 1):
                total = before[i - 1, s, t] if s < i and t < i else 0.0
                if s and t < i:
                    total += q * before[i - 1, s - 1, t]
                if t and s < i:
                    total += q * before[i - 1, s, t - 1]
                if s and t:
                    total += before[i - 1, s - 1, t - 1]
                before[i, s, t] = total
    agree, differ = same.copy(), other.copy()
    for i in range(n_players - 1, -1, -1):
        q = apart[i]
        total = 0.0
        for s in range(i + 1):
            for t in range(i + 1):
                total += before[i, s, t] * (agree[s, t] + q * differ[s, t])
        out[i] = total
        for s in range(i):
            for t in range(i):
                agree[s, t] += q * (agree[s + 1, t] + agree[s, t + 1]) + agree[s + 1, t + 1]
                differ[s, t] += q * (differ[s + 1, t] + differ[s, t + 1]) + differ[s + 1, t + 1]


@njit(cache=True)
def _alike(angle, total):
    """exp(angle - total) and exp(-angle - total), at the price of one where floats hold both."""
    high = np.exp(angle - total)
    return high, np.exp(-2.0 * total) / high if total < 300.0 else np.exp(-angle - total)


@njit(cache=True)
def fill_covariances(angle, total, mix, size, out):
    """Lower triangle of out[m, n] = (1 - c) [(1 - r) (h + e l) + r (h^3 + e l^3)] + c (same size + e opposite size).

    h = exp(angle[m, n] - total), l = exp(-angle[m, n] - total);  mix (3,) = e, r, c;  size (n,) int64 of the coalitions, of
    which the one numbered 1 holds everybody;  angle, out (n, n)
    """
    even, rough, counted = mix[0], mix[1], mix[2]
    for m in range(angle.shape[0]):
        for n in range(m + 1):
            h, low = _alike(angle[m, n], total)
            value = (1.0 - counted) * ((1.0 - rough) * (h + even * low) + rough * (h * h * h + even * low * low * low))
            if size[m] == size[n]:
                value += counted
            if size[m] + size[n] == size[1]:
                value += counted * even
            out[m, n] = value


@njit(cache=True)
def weigh_covariances(angle, total, mix, size, inverse, loads, steep, sums):
    """What a likelihood gains by the covariances of `fill_covariances`, with pull = (K inverse - loads loads') / 2.

    inverse (n, n), of which the lower triangle is read;  loads (n, K);  steep (n, n): pull times the slope by the angle
    sums (7,): of pull times h, l, h^3, l^3, same size and opposite size; and of its diagonal behind the first two
    """
    even, rough = mix[0], mix[1]
    n_outputs = loads.shape[1]
    sums[:] = 0.0
    for m in range(angle.shape[0]):
        for n in range(m + 1):
            pull = n_outputs * inverse[m, n]
            for k in range(n_outputs):
                pull -= loads[m, k] * loads[n, k]
            pull *= 0.5
            h, low = _alike(angle[m, n], total)
            h3, low3 = h * h * h, low * low * low
            slope = pull * ((1.0 - rough) * (h - even * low) + 3.0 * rough * (h3 - even * low3))
            steep[m, n] = slope
            steep[n, m] = slope
            if m == n and m > 1:
                sums[6] += pull
            if m != n:
                pull *= 2.0
            sums[0] += pull * h
            sums[1] += pull * low
            sums[2] += pull * h3
            sums[3] += pull * low3
            if size[m] == size[n]:
                sums[4] += pull
            if size[m] + size[n] == size[1]:
                sums[5] += pull
