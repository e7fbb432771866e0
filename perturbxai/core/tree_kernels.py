"""Numba kernels for one tree at many rows and many background rows: rows that a tree cannot tell apart go together."""

# As in kernels.py, an absent annotation is meant: numba compiles for what it is given.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
import numpy as np
from numba import njit

PLAYERS_A_PATH = 62  # bits of an int64, the sign and one more left alone


@njit(cache=True)
def share_tree(nodes, threshold, values, x, b, weight, share, out):
    """out[n, i] += the interventional Shapley value of player i in one tree, x[n] present and weighted rows b absent.

    On its way down a row keeps a bit for each player of the path: whether all questions about that player let it pass. A
    leaf is reached by x and b together if each player lets one of them pass. It then adds value * share[|A|, |B|] to each
    player of A, who let x alone pass, and takes value * share[|B|, |A|] from each of B, who let b alone pass. Rows with the
    same bits at a leaf are one class there, and pairs of classes are looked at instead of pairs of rows.

    nodes (V, 5) int64: left child (-1 at a leaf), right child, column, whether missing values go left, player
    threshold (V,) float64: values up to it go left;  values (V, K) float64, read at leaves
    x (D, N), b (D, B) float64, a line a column;  weight (B,) float64;  out (N, P, K) float64
    share (S + 1, S + 1) float64, share[a, b] = 1 / (a C(a + b, a)), S <= 62 as many players as a path can have
    Slow twin: tests/support/oracles.py::walk_tree. For longer paths: kernels.walk_tree.
    """
    n_x, n_b, longest = x.shape[1], b.shape[1], share.shape[0] - 1
    deepest = _depth(nodes) + 1
    rows_x, bits_x, count_x = _start(deepest, n_x)
    rows_b, bits_b, count_b = _start(deepest, n_b)
    at, side, fresh = np.zeros(deepest, np.int64), np.zeros(deepest, np.int64), np.zeros(deepest, np.bool_)
    n_players = np.zeros(deepest, np.int64)  # of the path to a level
    place, path = np.full(out.shape[1], -1, np.int64), np.empty(longest + 1, np.int64)  # a player's bit, a bit's player
    n_slots = 4
    while n_slots < 2 * max(n_x, n_b):
        n_slots *= 2
    slots, stamps, stamp = np.zeros(n_slots, np.int64), np.zeros(n_slots, np.int64), 0
    class_x, class_b = np.empty(n_x, np.int64), np.empty(n_b, np.int64)
    mask_x, mask_b = np.empty(n_x, np.int64), np.empty(n_b, np.int64)
    alive = np.empty(n_x, np.bool_)
    heavy, part = np.empty(n_b), np.empty((n_x, longest + 1))
    level = 0
    while level >= 0:
        node, d = at[level], n_players[level]
        if nodes[node, 0] < 0:
            classes = _classes(bits_x[level], count_x[level], class_x, mask_x, slots, stamps, stamp + 1)
            others = _classes(bits_b[level], count_b[level], class_b, mask_b, slots, stamps, stamp + 2)
            stamp += 2
            heavy[:others] = 0.0
            for t in range(count_b[level]):
                heavy[class_b[t]] += weight[rows_b[level, t]]
            _meet(mask_x[:classes], mask_b[:others], heavy, d, share, part, alive)
            for t in range(count_x[level]):
                if alive[class_x[t]]:
                    for j in range(d):
                        for k in range(values.shape[1]):
                            out[rows_x[level, t], path[j], k] += part[class_x[t], j] * values[node, k]
            level -= 1
            continue
        player = nodes[node, 4]
        if side[level] == 2:
            if fresh[level]:
                place[player] = -1
            level -= 1
            continue
        if side[level] == 0:
            fresh[level] = place[player] < 0
            if fresh[level]:
                place[player], path[d] = d, player
        left = side[level] == 0
        child = nodes[node, 0] if left else nodes[node, 1]
        side[level] += 1
        d += fresh[level]
        below = level + 1
        bit, full = 1 << place[player], (1 << d) - 1
        column, missing, top = nodes[node, 2], nodes[node, 3] == 1, threshold[node]
        any_x = _descend(x[column], top, missing, left, bit, rows_x, bits_x, count_x, level)
        any_b = _descend(b[column], top, missing, left, bit, rows_b, bits_b, count_b, level)
        _keep_covering(full & ~any_b, rows_x, bits_x, count_x, below)
        _keep_covering(full & ~any_x, rows_b, bits_b, count_b, below)
        if count_x[below] and count_b[below]:
            level = below
            at[level], side[level], n_players[level] = child, 0, d


@njit(cache=True)
def _depth(nodes):
    """Questions on the longest path."""
    level, deepest = np.zeros(nodes.shape[0], np.int64), 0
    todo = [0]
    while todo:
        node = todo.pop()
        deepest = max(deepest, level[node])
        if nodes[node, 0] >= 0:
            for child in nodes[node, :2]:
                level[child] = level[node] + 1
                todo.append(child)
    return deepest


@njit(cache=True)
def _start(deepest, n):
    """Rows and their bits by level, all of them at the first."""
    rows, bits, count = np.empty((deepest, n), np.int64), np.empty((deepest, n), np.int64), np.zeros(deepest, np.int64)
    rows[0], bits[0], count[0] = np.arange(n), (1 << PLAYERS_A_PATH) - 1, n
    return rows, bits, count


@njit(cache=True)
def _descend(codes, top, missing, left, bit, rows, bits, count, level):
    """The rows of the level below, with the bit of the question's player as they answer; which bits some of them have.

    All bits are set at first: who was not asked lets every row pass, and who let one not pass before does not later.
    """
    found = 0
    for t in range(count[level]):
        row, mask = rows[level, t], bits[level, t]
        code = codes[row]
        passes = (missing if np.isnan(code) else code <= top) == left
        mask = mask if passes else mask & ~bit
        rows[level + 1, t], bits[level + 1, t] = row, mask
        found |= mask
    count[level + 1] = count[level]
    return found


@njit(cache=True)
def _keep_covering(need, rows, bits, count, level):
    """Leave out the rows that lack what nobody on the other side has."""
    if need == 0:
        return
    kept = 0
    for t in range(count[level]):
        rows[level, kept], bits[level, kept] = rows[level, t], bits[level, t]
        kept += (bits[level, t] & need) == need
    count[level] = kept


@njit(cache=True)
def _classes(bits, n, of, masks, slots, stamps, stamp):
    """How many different masks there are; of[t]: which of `masks` the t-th is."""
    found, last = 0, slots.shape[0] - 1
    for t in range(n):
        mask = bits[t]
        slot = (mask ^ (mask >> 13) ^ (mask >> 29)) & last
        while stamps[slot] == stamp and masks[slots[slot]] != mask:
            slot = (slot + 1) & last
        if stamps[slot] != stamp:
            stamps[slot], slots[slot], masks[found] = stamp, found, mask
            found += 1
        of[t] = slots[slot]
    return found


@njit(cache=True)
def _meet(mask_x, mask_b, heavy, d, share, part, alive):
    """part[i, j]: what a leaf of value 1 gives to the j-th player of its path for class i of x; alive: whether anything."""
    full = (1 << d) - 1
    for i in range(len(mask_x)):
        need = full & ~mask_x[i]  # who let b alone pass
        n_need, lost = _size(need), 0.0
        part[i, :d] = 0.0
        alive[i] = False
        for other in range(len(mask_b)):
            if (mask_b[other] & need) != need:
                continue
            alone = full & ~mask_b[other]  # who let x alone pass
            n_alone = _size(alone)
            if n_alone:
                gain = heavy[other] * share[n_alone, n_need]
                alive[i] = True
                for j in range(d):
                    if alone >> j & 1:
                        part[i, j] += gain
            if n_need:
                lost += heavy[other] * share[n_need, n_alone]
                alive[i] = True
        for j in range(d):
            if need >> j & 1:
                part[i, j] -= lost


@njit(cache=True)
def _size(mask):
    """How many bits are set."""
    found = 0
    while mask:
        mask &= mask - 1
        found += 1
    return found
