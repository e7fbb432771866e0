"""Coalitions that were not asked: to score results on, drawn anew, and to choose from."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.evaluations import once
from perturbxai.core.types import Bools, Ints, Presence
from perturbxai.sampling.asked import Asked
from perturbxai.sampling.laws import count_pairs
from perturbxai.sampling.strata import allocate, count_taken, draw_strata, pair_key, with_complements
from perturbxai.sampling.streams import Streams

N_TESTED = 200  # coalitions of a test set
SPARE = 4  # times as many are drawn as are wanted, for some were asked


class Untouched:
    """Draws test sets from a seed and the number of players alone, so that an input has the same one in any company."""

    def __init__(self, seed: int) -> None:
        self._streams = Streams(seed)
        self._drawn: dict[tuple[int, ...], Presence] = {}

    def draw(self, n_players: int, active: Ints, digest: Sequence[int], asked: Sequence[Asked]) -> Presence:
        """(T, P) coalitions of an input that nobody asked: T = 200, or all that are left. Players not active are present.

        They come in complementary pairs; where pairs are short, single sides make up. Sizes are uniform over 1..P'-1, as far
        as there are untouched ones of each. Of more sizes than half the pairs so many are taken, evenly: a score within
        sizes needs two of each.
        """
        order = self._streams.order(len(active), digest)
        strata = np.arange(1, len(active) // 2 + 1)
        if len(strata) > N_TESTED // 4:
            strata = strata[np.linspace(0, len(strata) - 1, N_TESTED // 4).astype(np.int64)]
        # of one size the second depth leaves enough, or holds all there are; as a power of two, inputs have it in common
        deep = N_TESTED // 2 + sum(one.count for one in asked)
        for depth in (SPARE * N_TESTED // (2 * max(len(strata), 1)) + 1, 1 << deep.bit_length()):
            firsts = self._pairs(len(active), strata, depth)
            z = np.ones((2 * len(firsts), n_players), dtype=bool)
            z[:, active] = with_complements(firsts)[:, order]
            size, free = firsts.sum(axis=1), ~_held(z, asked)
            both = free[0::2] & free[1::2]
            pairs = _choose(size, both, N_TESTED // 2, len(active))
            if len(pairs) == N_TESTED // 2:
                break
        single = free & ~np.repeat(both, 2)
        sides = _choose(np.repeat(size, 2), single, N_TESTED - 2 * len(pairs), len(active))
        chosen: Presence = z[np.concatenate([(2 * pairs[:, None] + np.arange(2)).ravel(), sides])]
        return chosen

    def _pairs(self, n_players: int, strata: Ints, depth: int) -> Presence:
        """The smaller sides of pairs, at random, so many of each stratum, or all."""
        counts = np.array([min(count_pairs(n_players, int(h)), depth) for h in strata], dtype=np.int64)

        def drawn() -> Presence:
            return draw_strata(n_players, strata, counts, set(), self._streams.of_input([n_players], "test set"))

        return once(self._drawn, (n_players, *counts.tolist()), drawn)


def _held(z: Presence, asked: Sequence[Asked]) -> Bools:
    """(M,): whether anybody asked it."""
    found: Bools = np.zeros(len(z), dtype=bool)
    for one in asked:
        found |= one.holds(z)
    return found


def _choose(size: Ints, free: Bools, n: int, n_players: int) -> Ints:
    """Numbers of n free lines, or of all, their sizes (of the smaller side) as uniform as they can be."""
    strata = np.unique(size)
    share = np.where(2 * strata == n_players, 1.0, 2.0)
    lines = [np.flatnonzero(free & (size == h)) for h in strata]
    counts = allocate(n, share / max(share.sum(), 1.0), np.array([len(own) for own in lines], dtype=object), least=0)
    return np.concatenate([np.zeros(0, dtype=np.int64), *(own[:c] for own, c in zip(lines, counts, strict=True))])


def draw_candidates(asked: Presence, n_pairs: int, rng: np.random.Generator) -> tuple[Presence, Bools]:
    """Coalitions (C, P) in complementary pairs, and which of them (C,) were not among those asked (M, P).

    So many pairs, or all, of which none was asked, their sizes as uniform as they can be; and all of which one was.
    """
    n_players = asked.shape[1]
    sides: dict[bytes, list[int]] = {}
    for number, row in enumerate(asked):
        sides.setdefault(pair_key(row), []).append(number)
    strata, taken = np.arange(1, n_players // 2 + 1), set(sides)
    used = count_taken(taken, n_players)
    room = np.array([count_pairs(n_players, int(h)) - int(used[h]) for h in strata], dtype=object)
    counts = allocate(n_pairs, np.where(2 * strata == n_players, 1.0, 2.0), room, least=0)
    anew = with_complements(draw_strata(n_players, strata, counts, taken, rng))
    half = with_complements(asked[[numbers[0] for numbers in sides.values() if len(numbers) == 1]])
    return np.concatenate([anew, half]), np.concatenate([np.ones(len(anew), dtype=bool), np.arange(len(half)) % 2 == 1])
