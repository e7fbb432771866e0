"""Numba kernels about the bins of a neighbourhood's rows: dumb, serial, own no policy, as those in kernels.py."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"
import numpy as np
from numba import njit


@njit(cache=True)
def draw_binned(codes, drawn, laws, bins):
    """In place of uniform numbers, first a bin by its share, then the place in it by its table of quantiles.

    codes (D, n), uniform in [0, 1) before;  drawn (D,) bool, columns to fill;  bins (D, n) int16 or int32
    laws: top (D, L + 1), cumulated shares from 0 on;  guide (D, G) int32, a bin not beyond that of a number's G-th part;
    scale (D, L), steps of a bin's quantiles for a unit of its share;  start (D, L + 1) int64, where a bin's quantiles at
    even levels 0..1 stand in table (T,)
    """
    top, guide, scale, start, table = laws
    n_guides = guide.shape[1]
    for d in range(codes.shape[0]):
        if drawn[d]:
            # unsigned numbers and lines of their own: an index that may be negative costs as much as the draw
            numbers, chosen, edges, first = codes[d], bins[d], top[d], guide[d]
            for i in range(codes.shape[1]):
                u = numbers[i]
                b = np.uint64(first[np.uint64(u * n_guides)])
                while u >= edges[b + np.uint64(1)]:
                    b += np.uint64(1)
                place = (u - edges[b]) * scale[d, b]
                k = np.uint64(place)
                at = np.uint64(start[d, b]) + k
                low = table[at]
                chosen[i] = b
                numbers[i] = low + (place - k) * (table[at + np.uint64(1)] - low)


@njit(cache=True, fastmath={"reassoc", "contract"})
def sweep_bins(codes, bins, swept, means, placed, fewest, left, effects):
    """Column by column: take the mean of what is left by bin away from it, then the line of the place within the bins.

    codes (D, n), bins (D, n) int16 or int32;  swept (D,) bool;  means (D, L) of the codes in each bin;  placed (D, L)
    float64, 1 for bins that have a place, else 0;  fewest rows from which a bin's mean is taken
    left (K, n), changed;  effects (K, D, L), zeroed by the caller
    """
    n_rows = codes.shape[1]
    place, counts = np.empty(n_rows), np.empty(means.shape[1], dtype=np.int64)
    for d in range(codes.shape[0]):
        if not swept[d]:
            continue
        counts[:] = 0
        size = 0.0
        for i in range(n_rows):
            b = bins[d, i]
            counts[b] += 1
            place[i] = (codes[d, i] - means[d, b]) * placed[d, b] if placed[d, b] > 0.0 else 0.0
            size += place[i] * place[i]
        for k in range(left.shape[0]):
            for i in range(n_rows):
                effects[k, d, bins[d, i]] += left[k, i]
            for b in range(counts.shape[0]):
                effects[k, d, b] = effects[k, d, b] / counts[b] if counts[b] >= fewest else 0.0
            slope = 0.0
            for i in range(n_rows):
                left[k, i] -= effects[k, d, bins[d, i]]
                slope += place[i] * left[k, i]
            if size > 0.0:
                slope /= size
                for i in range(n_rows):
                    left[k, i] -= place[i] * slope
