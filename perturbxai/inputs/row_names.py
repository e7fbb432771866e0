"""128-bit names of table rows: equal rows have equal names."""

import numpy as np

from perturbxai.core.compiled import row_kernels
from perturbxai.core.types import Codes, Floats, Ints, Owners, Presence, Words

BLOCK = 1 << 18  # values that are hashed together: what is held beside the names stays small


def hash_values(codes: Floats) -> Words:
    """(..., D, 2): two 64-bit words for each value in its column. Equal values, NaN included, have equal words."""
    canonical = np.where(np.isnan(codes), np.nan, codes + 0.0)
    bits = np.ascontiguousarray(canonical).view(np.uint64)
    column = np.arange(1, codes.shape[-1] + 1, dtype=np.uint64)
    return np.stack([_mix(bits + _mix(column)), _mix(bits ^ _mix(column + np.uint64(1 << 32)))], axis=-1)


def _mix(words: Words) -> Words:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014), word by word."""
    with np.errstate(over="ignore"):
        z = words + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def hash_rows(codes: Codes) -> Words:
    """(R, 2) names of coded rows (R, D): the wrapped sum over the columns."""
    step = max(1, BLOCK // max(1, codes.shape[1]))
    blocks = [hash_values(codes[at : at + step]).sum(axis=1, dtype=np.uint64) for at in range(0, len(codes) or 1, step)]
    return np.concatenate(blocks)


def hash_cells(z: Presence, donor: Floats, player: Owners, base_words: Words, base: Ints | None = None) -> Words:
    """(M * B, 2) names of the rows that splice a donor (D,) over each background row, coalition by coalition.

    base_words (B, D, 2) = hash_values of the background;  base (M,): over one background row each, and M names
    """
    n_players = z.shape[1]
    donor_words = hash_values(donor[None])[0]
    present = np.zeros((n_players, 2), dtype=np.uint64)
    absent = np.zeros((n_players, len(base_words), 2), dtype=np.uint64)
    fixed = np.zeros(2, dtype=np.uint64)
    for d, p in enumerate(player):
        if p < 0:
            fixed += donor_words[d]
        else:
            present[p] += donor_words[d]
            absent[p] += base_words[:, d]
    out = np.empty((len(z) * (len(base_words) if base is None else 1), 2), dtype=np.uint64)
    kernels = row_kernels(2 * n_players * len(out))
    if base is None:
        n_words = 2 * len(base_words)
        kernels.hash_coalitions(z, present, absent.reshape(n_players, n_words), out.reshape(len(z), n_words))
    else:
        kernels.hash_single_cells(z, base, present, absent.transpose(1, 0, 2).copy(), out)
    out += fixed
    return out


def distinct(words: Words) -> tuple[Words, Ints, Ints]:
    """Distinct names sorted by their first word, the first row that has each, and each row's place among them."""
    _, first, inverse = np.unique(words[:, 0], return_index=True, return_inverse=True)
    if (words[first][inverse] == words).all():
        return words[first], first, inverse
    _, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)  # pragma: no cover
    return words[first], first, inverse.ravel()  # pragma: no cover


def each_once(words: Words) -> Words:
    """Sorted; numpy sorts far faster than it finds what is unique."""
    words = np.sort(words)
    first = np.append(True, words[1:] != words[:-1])
    return words if first.all() else words[first]


def bits(users: int) -> list[int]:
    """Numbers of the methods in a mask."""
    return [bit for bit in range(users.bit_length()) if users >> bit & 1]
