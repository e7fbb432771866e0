"""Some kernels in numpy, to the same bits as numba's in kernels.py, which say what they do."""

from itertools import pairwise

import numpy as np

from perturbxai.core.types import Floats, Ints, Ints32, Owners, Presence, Words

BLOCK = 1 << 16  # numbers that are made together: what is held beside the rows stays small


def splice_columns(
    donor: Floats, bases: Floats, player: Owners, z: Presence, coalition: Ints, base: Ints, out: Floats
) -> None:
    shown = np.column_stack([z, np.ones(len(z), dtype=bool)])[:, player]  # (M, D); player -1 is the last column
    step = max(1, BLOCK // max(1, len(donor)))
    for at in range(0, len(out), step):
        part = slice(at, at + step)
        out[part] = bases[base[part]]
        np.copyto(out[part], donor, where=shown[coalition[part]])


def hash_coalitions(z: Presence, present: Words, absent: Words, out: Words) -> None:
    step = max(1, BLOCK // max(1, z.shape[1]))
    for at in range(0, len(z), step):
        part = z[at : at + step]
        own = out[at : at + step]
        own.reshape(len(part), absent.shape[1] // 2, 2)[:] = (part @ present)[:, None]
        own += ~part @ absent


def hash_single_cells(z: Presence, base: Ints, present: Words, absent: Words, out: Words) -> None:
    out[:] = z @ present
    for b in range(len(absent)):
        lines = base == b
        out[lines] += ~z[lines] @ absent[b]


def tally_rows(places: Ints, question: int, counted: Ints32, users: np.uint64, used: Words, tally: Ints, fresh: Ints) -> int:
    there, first = np.unique(places, return_index=True)
    new = counted[there] != question
    found = there[new][np.argsort(first[new])]
    counted[found] = question
    left = users & ~used[found]
    used[found] |= users
    for bit in range(64):
        tally[bit] += int((left >> np.uint64(bit) & np.uint64(1)).sum())
    fresh[: len(found)] = found
    return len(found)


def centred_scores(
    gain: Floats, residuals: Floats, first: Ints, order: Ints, bounds: Ints, root: Floats, out: Floats
) -> None:
    scores = out[: len(order)]
    scores[:] = np.add.reduceat(gain * residuals[:, None], first[:-1], axis=0)[order]
    for low, high in pairwise(bounds):
        own, square = scores[low:high], root[low:high, None]
        mean = np.cumsum(own, axis=0)[-1] / (high - low)  # a sum would add in another order
        np.copyto(own, np.where(square >= 0.0, own - mean, own) * np.abs(square))


def mixed_distances(rows: Floats, others: Floats, scale: Floats, out: Floats) -> None:
    step = max(1, BLOCK // max(1, len(others)))
    for at in range(0, len(rows), step):
        part = rows[at : at + step]
        own = out[at : at + step]
        own[:] = 0.0
        for d in range(rows.shape[1]):
            a, b = part[:, d, None], others[:, d]
            missing, twice = np.isnan(a) | np.isnan(b), np.isnan(a) & np.isnan(b)
            if scale[d] > 0.0:
                gap = np.abs(a - b)
                apart = np.where(gap < np.inf, gap / scale[d], np.abs(a / scale[d] - b / scale[d]))
            else:
                apart = (a != b).astype(np.float64)
            own += np.where(a == b, 0.0, np.where(missing, np.where(twice, 0.0, 1.0), apart))
        own /= rows.shape[1]
