"""Complementary pairs of coalitions by the size of their smaller side: how many of each size, and which."""

from math import comb

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints, Names, Presence
from perturbxai.sampling.laws import count_pairs

RANKED = 1 << 62  # strata smaller than this are drawn by rank, without any repetition to reject
FACTOR = np.uint64(6364136223846793005)  # Knuth's of MMIX


def allocate(total: int, wanted: Floats, room: np.ndarray, least: int) -> Ints:
    """Whole numbers close to total * wanted, none above its room: largest remainders, the excess spread anew."""
    counts = np.zeros(len(wanted), dtype=np.int64)
    if len(wanted) == 0 or total <= 0:
        return counts
    cap = np.array([int(min(r, total)) for r in room], dtype=np.int64)
    wanted = np.where(cap > 0, np.maximum(wanted, 0.0), 0.0)
    if least and total >= (cap > 0).sum():
        counts = np.minimum(cap, least)
    target = wanted / max(wanted.sum(), 1e-300) * total
    for _ in range(len(wanted) + 1):
        open_ = (counts < cap) & (wanted > 0)
        left = total - int(counts.sum())
        if left <= 0 or not open_.any():
            break
        need = np.where(open_, np.maximum(target - counts, 0.0), 0.0)
        if need.sum() <= 0:
            need = np.where(open_, wanted, 0.0)
        need = need / need.sum() * left
        extra = np.minimum(np.floor(need).astype(np.int64), cap - counts)
        if extra.sum() == 0:
            order = np.argsort(-(need - np.floor(need)) - open_, kind="stable")[: min(left, int(open_.sum()))]
            extra[order] = 1
            extra = np.where(open_, extra, 0)
        counts = counts + extra
        target = np.where(counts >= cap, counts, target)
    return counts


def draw_strata(n_players: int, strata: np.ndarray, counts: Ints, taken: set[bytes], rng: np.random.Generator) -> Presence:
    """The smaller sides of pairs, so many of each stratum, without replacement and without those taken."""
    drawn = [(int(h), int(n)) for h, n in zip(strata, counts, strict=True) if n > 0]
    spare = count_taken(taken, n_players)
    parts = [draw_stratum(n_players, h, n, taken, int(spare[h]), rng) for h, n in drawn]
    return np.concatenate([np.zeros((0, n_players), dtype=bool), *parts])


def draw_stratum(n_players: int, size: int, n: int, taken: set[bytes], spare: int, rng: np.random.Generator) -> Presence:
    """The smaller sides (n, P) of pairs of one stratum, of which `spare` are among those taken."""
    population = count_pairs(n_players, size)
    kept: list[Bools] = []
    seen: set[bytes] = set()
    if population < RANKED:
        # as many more as are taken, in random order: dropping the taken ones leaves a uniform draw of the rest
        ranks = rng.choice(population, min(population, n + spare), replace=False, shuffle=True)
        rows = unrank(np.asarray(ranks, dtype=np.int64), n_players, size)
        free = [row for row in rows if pair_key(row) not in taken] if spare else list(rows)
        return np.array(free[:n], dtype=bool).reshape(-1, n_players)
    while len(kept) < n:
        rows = np.argsort(rng.random((n - len(kept), n_players)), axis=1) < size
        for row in rows:
            key = pair_key(row)
            if key not in seen and key not in taken:
                seen.add(key)
                kept.append(row)
    return np.array(kept, dtype=bool)


def unrank(ranks: Ints, n_players: int, size: int) -> Presence:
    """The coalitions with these numbers in colexicographic order; of two halves, the one that holds player 0."""
    half = 2 * size == n_players
    n_free, k = (n_players - 1, size - 1) if half else (n_players, size)
    z = np.zeros((len(ranks), n_free), dtype=bool)
    left = ranks.copy()
    for j in range(k, 0, -1):
        steps = np.array([comb(c, j) for c in range(n_free + 1)], dtype=np.int64)
        member = np.searchsorted(steps, left, side="right") - 1
        z[np.arange(len(ranks)), member] = True
        left -= steps[member]
    return np.concatenate([np.ones((len(ranks), 1), dtype=bool), z], axis=1) if half else z


def with_complements(firsts: Presence) -> Presence:
    out = np.empty((2 * len(firsts), firsts.shape[1]), dtype=bool)
    out[0::2], out[1::2] = firsts, ~firsts
    return out


def pair_key(row: Bools) -> bytes:
    """The same bytes for a coalition and its complement: those of the smaller side (of halves, the one with player 0)."""
    size, n_players = int(row.sum()), len(row)
    flip = 2 * size > n_players or (2 * size == n_players and not row[0])
    return np.packbits(~row if flip else row).tobytes()


def name_coalitions(z: Presence) -> Names:
    """(M,): their numbers, player 0 first, of up to 32 players; of more, one word from which others are all but told apart.

    The word is the upper half of a polynomial in the words of 32 players each. Results keep names: they may never change.
    """
    packed = np.packbits(z, axis=1, bitorder="little")
    padded = np.zeros((len(z), max(-(-packed.shape[1] // 4), 1) * 4), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    words = padded.view("<u4")
    if words.shape[1] == 1:
        return words[:, 0].astype(np.uint32)
    found = np.zeros(len(z), dtype=np.uint64)
    for word in words.T:
        found = (found + word) * FACTOR
    return (found >> np.uint64(32)).astype(np.uint32)


def count_taken(keys: set[bytes], n_players: int) -> Ints:
    counts = np.zeros(n_players // 2 + 1, dtype=np.int64)
    for key in keys:
        counts[int(np.unpackbits(np.frombuffer(key, dtype=np.uint8)).sum())] += 1
    return counts
