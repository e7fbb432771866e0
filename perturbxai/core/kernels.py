"""Numba kernels: dumb, serial, own no policy. The caller allocates and checks; a kernel fills.

Every kernel has a slow twin in tests/support/oracles.py. The pixel kernels have a device twin in models/image_plan.py.
"""

# An absent annotation here is meant: numba compiles for what it is given, and reads no hints.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
import numpy as np
from numba import njit


@njit(cache=True)
def splice_pixels(picture, fill, labels, z, out):
    """out[m] = picture where player labels[i, j] is present in z[m], else fill.

    picture, fill (H, W, C) float32 or uint8;  labels (H, W) int32 in [0, P);  z (M, P) bool
    out (M, H, W, C) of their dtype. All may be views of arrays with their channels first.
    """
    for m in range(z.shape[0]):
        for i in range(labels.shape[0]):
            for j in range(labels.shape[1]):
                shown = z[m, labels[i, j]]
                for c in range(picture.shape[2]):
                    out[m, i, j, c] = picture[i, j, c] if shown else fill[i, j, c]


@njit(cache=True)
def blend_pixels(picture, fill, labels, alpha, rounding, out):
    """out[m] = (1 - a) * fill + a * picture with a = alpha[m, labels[i, j]], exact at a = 0 and a = 1.

    picture, fill (H, W, C) float32 or uint8;  labels (H, W) int32;  alpha (M, P) float32 in [0, 1]
    rounding float32: 0, or 1/2 for uint8, which is cut off;  out (M, H, W, C) of their dtype, views as in splice_pixels
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
                        mixed = (one - a) * np.float32(fill[i, j, c]) + a * np.float32(picture[i, j, c])
                        out[m, i, j, c] = mixed + rounding


@njit(cache=True)
def splice_columns(donor, bases, player, z, coalition, base, out):
    """out[r] = donor where the column's player is present in z[coalition[r]], else the background row base[r].

    donor (D,), bases (B, D) float64;  player (D,) int32, the player of a column, -1 if it is always present;
    z (M, P) bool;  coalition, base (R,) int64;  out (R, D) float64
    """
    for r in range(coalition.shape[0]):
        m, b = coalition[r], base[r]
        for d in range(donor.shape[0]):
            present = player[d] < 0 or z[m, player[d]]
            out[r, d] = donor[d] if present else bases[b, d]


@njit(cache=True)
def _hash(coalition, present, absent):
    """The two words of one row: the wrapped sums of what its players contribute, present (P, 2) or absent (P, 2)."""
    low, high = np.uint64(0), np.uint64(0)
    for p in range(coalition.shape[0]):
        low += present[p, 0] if coalition[p] else absent[p, 0]
        high += present[p, 1] if coalition[p] else absent[p, 1]
    return low, high


@njit(cache=True)
def hash_coalitions(z, present, absent, out):
    """out[m, 2 b], out[m, 2 b + 1] = the wrapped sums over the players of what they contribute to the hash of a row.

    z (M, P) bool;  present (P, 2), absent (P, 2 B), the words of each background row in turn, out (M, 2 B) uint64
    """
    for m in range(z.shape[0]):
        low, high = np.uint64(0), np.uint64(0)
        for p in range(z.shape[1]):
            if z[m, p]:
                low += present[p, 0]
                high += present[p, 1]
        for i in range(0, out.shape[1], 2):
            out[m, i], out[m, i + 1] = low, high
        for p in range(z.shape[1]):
            if not z[m, p]:
                for i in range(out.shape[1]):
                    out[m, i] += absent[p, i]


@njit(cache=True)
def hash_single_cells(z, base, present, absent, out):
    """The same of single cells: out[m] is of the coalition z[m] on the background row base[m].

    z (M, P) bool;  base (M,) int64;  present (P, 2), absent (B, P, 2), out (M, 2) uint64
    """
    for m in range(z.shape[0]):
        out[m, 0], out[m, 1] = _hash(z[m], present, absent[base[m]])


@njit(cache=True)
def store_names(names, first, slots):
    """Enter the names from number `first` on in a hash table with open addressing: a slot holds a number + 1, 0 is free.

    names (R, 2) uint64, the first word even over its range;  slots (S,) int32 with S > R, changed
    """
    n_slots = np.uint64(slots.shape[0])
    for r in range(first, names.shape[0]):
        # by the high bits: names that come sorted go through the table from one end to the other
        s = np.int64(((names[r, 0] >> np.uint64(32)) * n_slots) >> np.uint64(32))
        while slots[s] != 0:
            s = s + 1 if s + 1 < slots.shape[0] else np.int64(0)
        slots[s] = r + 1


@njit(cache=True)
def find_names(wanted, names, slots, out):
    """out[u] = the number of wanted[u] among the names that `store_names` entered, -1 if it is none of them.

    wanted (U, 2), names (R, 2) uint64;  slots (S,) int32;  out (U,) int64
    """
    n_slots = np.uint64(slots.shape[0])
    for u in range(wanted.shape[0]):
        out[u] = -1
        s = np.int64(((wanted[u, 0] >> np.uint64(32)) * n_slots) >> np.uint64(32))
        while slots[s] != 0:
            r = slots[s] - 1
            if names[r, 0] == wanted[u, 0] and names[r, 1] == wanted[u, 1]:
                out[u] = r
                break
            s = s + 1 if s + 1 < slots.shape[0] else np.int64(0)


@njit(cache=True)
def enter_names(wanted, names, n_known, slots, again, places, first):
    """places[r] = the number of wanted[r] among the names, where those that are not there yet are entered in their order.

    wanted (R, 2), names (C, 2) uint64 with n_known that `store_names` entered and room for R more;  slots (S,) int32
    again (C,) bool, set for each that was there;  places (R,) int64;  first (R,) int64: the r of those that are new
    Returns how many are new.
    """
    n_slots = np.uint64(slots.shape[0])
    n_new = 0
    for r in range(wanted.shape[0]):
        s = np.int64(((wanted[r, 0] >> np.uint64(32)) * n_slots) >> np.uint64(32))
        place = -1
        while slots[s] != 0:
            there = slots[s] - 1
            if names[there, 0] == wanted[r, 0] and names[there, 1] == wanted[r, 1]:
                place = there
                again[there] = True
                break
            s = s + 1 if s + 1 < slots.shape[0] else np.int64(0)
        if place < 0:
            place = n_known + n_new
            names[place, 0], names[place, 1] = wanted[r, 0], wanted[r, 1]
            slots[s] = place + 1
            first[n_new] = r
            n_new += 1
        places[r] = place
    return n_new


@njit(cache=True)
def tally_rows(places, question, counted, users, used, tally, fresh):
    """Note that a question, and the users of it, asked the rows at these places, each row once.

    places (R,) int64;  counted (C,) int32, the last question that a row was counted for, changed
    users: a bit each;  used (C,) uint64, the users of a row, changed;  tally (64,) int64, += rows that a user had not used
    fresh (R,) int64: the places that the question had not asked. Returns how many these are.
    """
    n_fresh = 0
    for r in range(places.shape[0]):
        place = places[r]
        if counted[place] != question:
            counted[place] = question
            fresh[n_fresh] = place
            n_fresh += 1
            left = users & ~used[place]
            used[place] |= users
            bit = 0
            while left != np.uint64(0):
                tally[bit] += np.int64(left & np.uint64(1))
                left >>= np.uint64(1)
                bit += 1
    return n_fresh


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


@njit(cache=True)
def substitute_columns(rows, row, columns, points, first, offset, start, out):
    """out[r] = a row with some of its columns replaced by a point of a grid; each row is asked Q times in turn.

    rows (N, D) float64;  row (n,) int32, which of them are asked, as often as Q = len(offset) each
    columns (C,) int64, points (T, C) float64: the i-th of them is asked at the points first[i] + offset[0..Q-1]
    first (n,) int32, offset (Q,) int64;  start: the line of the whole, n * Q lines long, that out (R, D) begins with
    """
    n_asked = offset.shape[0]
    for r in range(out.shape[0]):
        i = (start + r) // n_asked
        t = first[i] + offset[(start + r) % n_asked]
        for d in range(rows.shape[1]):
            out[r, d] = rows[row[i], d]
        for c in range(columns.shape[0]):
            out[r, columns[c]] = points[t, c]


@njit(cache=True)
def centred_scores(gain, residuals, first, order, bounds, root, out):
    """out[i] = root[i] * (score of cluster order[i] - mean of its stratum), its score the sum of gain * residual over rows.

    gain (R, P), residuals (R,) float64;  first (C + 1,) int64, the first row of each cluster and the end
    order (c,), bounds (S + 1,) int64: clusters of one stratum after another
    root (c,): where it is negative, the score is taken from nothing and not from the mean, times -root[i]
    out (>= c, P) float64, of which c rows are overwritten
    """
    mean = np.empty(gain.shape[1])
    for h in range(bounds.shape[0] - 1):
        mean[:] = 0.0
        for i in range(bounds[h], bounds[h + 1]):
            for p in range(gain.shape[1]):
                out[i, p] = 0.0
            for r in range(first[order[i]], first[order[i] + 1]):
                for p in range(gain.shape[1]):
                    out[i, p] += gain[r, p] * residuals[r]
            for p in range(gain.shape[1]):
                mean[p] += out[i, p]
        for p in range(gain.shape[1]):
            mean[p] /= bounds[h + 1] - bounds[h]
        for i in range(bounds[h], bounds[h + 1]):
            for p in range(gain.shape[1]):
                out[i, p] = (out[i, p] - mean[p]) * root[i] if root[i] >= 0.0 else out[i, p] * -root[i]


@njit(cache=True)
def mixed_distances(rows, others, scale, out):
    """out[i, j] = mean over columns of how far rows[i] and others[j] lie apart.

    In a column that is |a - b| / scale, and where its scale is 0 whether they differ; a missing value is 1 from any
    other and 0 from another missing one.

    rows (n, D), others (m, D) float64;  scale (D,) float64, not negative;  out (n, m) float64, overwritten
    """
    n_columns = rows.shape[1]
    for i in range(rows.shape[0]):
        for j in range(others.shape[0]):
            total = 0.0
            for d in range(n_columns):
                a, b = rows[i, d], others[j, d]
                if a == b:
                    continue
                if np.isnan(a) or np.isnan(b):
                    total += 0.0 if np.isnan(a) and np.isnan(b) else 1.0
                elif scale[d] > 0.0:
                    gap = np.abs(a - b)  # first, for quotients of large numbers that are near each other are rounded apart
                    total += gap / scale[d] if gap < np.inf else np.abs(a / scale[d] - b / scale[d])
                else:
                    total += 1.0
            out[i, j] = total / n_columns
