"""Coalitions as they are drawn: designs of a budget, cells, and orders of the players."""

from collections.abc import Sequence
from dataclasses import replace
from math import lcm

import numpy as np

from perturbxai.core.evaluations import Design, Law
from perturbxai.core.types import Bools, BySize, Ints, Presence, Weights
from perturbxai.sampling import laws as size_laws
from perturbxai.sampling.full_rank import surely_full_rank
from perturbxai.sampling.laws import count_pairs
from perturbxai.sampling.strata import allocate, count_taken, draw_strata, draw_stratum, pair_key, with_complements

SPANNED_AT_ONCE = 1 << 19  # numbers of coalitions that stand as floats at once
N_MULTIPLIERS = 2000  # draws behind a simultaneous factor: its 95 % quantile is then known to about 2 %


def least_budget(laws: Sequence[Law], n_players: int) -> int:
    """The fewest coalitions, empty and full included, from which every law of the portfolio can be concluded."""
    least: int = max((law.minimum for law in laws), default=2)
    sides = {size for law in laws for size in law.listed if 0 < size < n_players}
    if sides and size_laws.mixture(laws).any():
        # size 1 and P - 1 are listed as pairs, and each further size needs a pair of its own
        least = max(least, 2 + 2 * (n_players + max(n_players // 2 - 1, 0)))
    elif len(sides) == 2:
        least = max(least, 2 + 2 * n_players)
    return int(min(least, 2**n_players))


def draw_design(laws: Sequence[Law], n_players: int, budget: int, rng: np.random.Generator) -> Design:
    """Coalitions for a portfolio of laws: every one if they fit the budget, else stratified complementary pairs.

    Just above 2P independent pairs are often rank-deficient, so below 2 (P - 1) pairs one antithetic walk comes first.
    budget counts the empty and the full coalition; it is never exceeded.
    Raises ValueError if the budget is below what the laws need.
    """
    least = least_budget(laws, n_players)
    if budget < least:
        raise ValueError(
            f"budget={budget} is below the least of {least} coalitions that {', '.join(law.name for law in laws)} "
            f"need together at {n_players} players. Ask for budget={least} or more, or merge players."
        )
    share = size_laws.mixture(laws)
    if 2**n_players <= budget:
        return _finish(list_coalitions(n_players), 0, share, True, rng)
    sides = {size for law in laws for size in law.listed}
    if not share.any():
        singles = np.eye(n_players, dtype=bool)
        z = singles if sides == {1} else ~singles if sides == {n_players - 1} else with_complements(singles)
        return _finish(z, 0, share, False, rng)
    if budget < 2 * n_players:
        z = _one_sided_walk(n_players, budget - 2, share, rng)
        return _finish(z, n_players - 1, share, False, rng)
    spanning = any(law.spanning for law in laws)
    firsts, n_walk = _draw_pairs(n_players, (budget - 2) // 2, share, bool(sides), spanning, rng)
    return _finish(with_complements(firsts), 2 * n_walk, share, False, rng)


def draw_cells(laws: Sequence[Law], n_players: int, n_rows: int, n_base: int, rng: np.random.Generator) -> Design:
    """Cells of coalition x background row for a portfolio of laws, in complementary pairs on one background row each.

    n_rows model rows at most, an even number of them used; distinct cells, so many of each size as the laws want; within a
    size all coalitions come equally often (once, where there are more of them than cells) and so do the background rows,
    numbered 0..n_base-1. All cells are listed, as coalitions, if they fit.
    Raises ValueError if n_rows is below what the laws need.
    """
    check_cells(laws, n_players, n_rows, n_base)
    if (2**n_players - 2) * n_base <= n_rows:
        return draw_design(laws, n_players, 2**n_players, rng)
    share = size_laws.mixture(laws)
    for _ in range(50):
        firsts, bases = _draw_cell_pairs(n_players, n_rows // 2, n_base, share, rng)
        if _spans(firsts):
            design = _finish(with_complements(firsts), 0, share, False, rng)
            return replace(design, base=np.repeat(bases, 2), n_base=n_base)
    raise RuntimeError(f"{n_rows} cells did not span {n_players} players in 50 draws")  # pragma: no cover


def check_cells(laws: Sequence[Law], n_players: int, n_rows: int, n_base: int) -> None:
    """Refuse fewer model rows than the fits to cells can be sure of: two pairs of cells a player."""
    if (2**n_players - 2) * n_base > n_rows and n_rows < 4 * n_players:
        raise ValueError(
            f"rows={n_rows + 1} is below the {4 * n_players + 1} that {', '.join(law.name for law in laws)} need at "
            f"{n_players} players, beside the {n_base} background rows, which are asked once a call. Ask for "
            f"rows={4 * n_players + 1} or more, or merge players into groups."
        )


def _draw_cell_pairs(
    n_players: int, n_pairs: int, n_base: int, share: BySize, rng: np.random.Generator
) -> tuple[Bools, Ints]:
    """One side of each pair, (n, P), and its background row (n,)."""
    strata = np.arange(1, n_players // 2 + 1)
    population = [count_pairs(n_players, int(h)) for h in strata]
    wanted = share[strata] * np.where(2 * strata == n_players, 1.0, 2.0)
    counts = allocate(n_pairs, wanted, np.array([n * n_base for n in population], dtype=object), least=1)
    firsts: list[Bools] = []
    for h, n, n_all in zip(strata.tolist(), counts.tolist(), population, strict=True):
        if n:
            coalitions = draw_stratum(n_players, h, min(n, n_all), set(), 0, rng)
            m, cell = len(coalitions), np.arange(n)
            # rows come in turn: along the diagonals of coalitions x rows, which meet every cell once before any comes twice
            firsts.append(coalitions[(cell + cell // lcm(m, n_base)) % m])
    return np.concatenate(firsts), np.arange(counts.sum()) % n_base


def _draw_pairs(
    n_players: int, n_pairs: int, share: BySize, singles_listed: bool, spanning: bool, rng: np.random.Generator
) -> tuple[Bools, int]:
    """One side of each pair, (n, P), and how many of them belong to a walk (they come first)."""
    strata = np.arange(1, n_players // 2 + 1)
    fixed, n_walk = np.zeros((0, n_players), dtype=bool), 0
    if singles_listed:
        fixed, strata = np.eye(n_players, dtype=bool), strata[1:]
    elif n_pairs < 2 * (n_players - 1):
        fixed, n_walk = _walk(n_players, rng), n_players - 1
    taken = {pair_key(row) for row in fixed}
    used = count_taken(taken, n_players)
    room = np.array([count_pairs(n_players, int(h)) - int(used[h]) for h in strata], dtype=object)
    wanted = share[strata] * np.where(2 * strata == n_players, 1.0, 2.0)
    least = 1 if spanning and n_walk == 0 else 0
    counts = allocate(n_pairs - len(fixed), wanted, room, least)
    for _ in range(50):
        drawn = draw_strata(n_players, strata, counts, taken, rng)
        firsts = np.concatenate([fixed, drawn])
        if len(fixed) or _spans(firsts):
            return firsts, n_walk
    raise RuntimeError(f"{n_pairs} pairs did not span {n_players} players in 50 draws")  # pragma: no cover


def _walk(n_players: int, rng: np.random.Generator) -> Presence:
    """The P - 1 prefixes of a random order of the players; with complements: an antithetic walk."""
    walk: Presence = prefixes(rng.permutation(n_players)[None])[0]
    return walk


def _one_sided_walk(n_players: int, n_rows: int, share: BySize, rng: np.random.Generator) -> Presence:
    """Below 2P no paired design spans the players: one walk without complements, then single coalitions."""
    walk = _walk(n_players, rng)
    taken = {pair_key(row) for row in walk}
    rest: list[Bools] = []
    while len(rest) < n_rows - len(walk):
        size = int(rng.choice(n_players + 1, p=share))
        row = rng.permutation(n_players) < size
        if pair_key(row) not in taken:
            taken.add(pair_key(row))
            rest.append(row)
    return np.concatenate([walk, np.array(rest, dtype=bool).reshape(-1, n_players)])


def list_coalitions(n_players: int) -> Presence:
    """(2^P - 2, P) all coalitions of the sizes 1..P-1, complements side by side."""
    numbers = np.arange(1, 2 ** (n_players - 1), dtype=np.int64)
    firsts = ((numbers[:, None] >> np.arange(n_players)) & 1).astype(bool)
    return with_complements(firsts)


def _finish(z: Presence, n_walk: int, share: BySize, listed: bool, rng: np.random.Generator) -> Design:
    """The design of coalitions z, the first n_walk of which are those of a walk."""
    paired = len(z) % 2 == 0 and len(z) > 0 and bool((z[0] != z[1]).all())
    pair = np.arange(len(z), dtype=np.int64) // (2 if paired else 1)
    chain = np.where(np.arange(len(z)) < n_walk, 0, -1)
    normals = rng.standard_normal((N_MULTIPLIERS, z.shape[1]))
    return Design(z, pair, chain, share, listed, normals, rng.random(N_MULTIPLIERS))


def _spans(firsts: Presence) -> bool:
    """Whether the first sides of pairs tell all players apart, once their sizes are known."""
    n_players = firsts.shape[1]
    gram, enough = np.zeros((n_players, n_players)), 2 * n_players
    step = max(SPANNED_AT_ONCE // n_players, 1)
    for low in range(0, len(firsts), step):
        u = firsts[low : low + step] - 0.5
        u -= u.mean(axis=1, keepdims=True)
        gram += u.T @ u
        if low + step >= min(enough, len(firsts)):
            # along the ones it is zero: sizes tell nothing here
            if surely_full_rank(gram + np.trace(gram) / n_players**2):  # and no more than a block was held
                return True
            enough = 2 * (low + step)
    u = firsts - 0.5
    return bool(np.linalg.matrix_rank(u - u.mean(axis=1, keepdims=True)) == n_players - 1)


def draw_orders(n_orders: int, n_players: int, rng: np.random.Generator) -> Ints:
    """(n, P): random orders of the players, independent and uniform."""
    return rng.permuted(np.tile(np.arange(n_players), (n_orders, 1)), axis=1)


def prefixes(orders: Ints) -> Presence:
    """(n, P - 1, P): who is present after 1 .. P - 1 steps of each order. Their complements are the reversed order's."""
    rank = np.argsort(orders, axis=1)
    return rank[:, None, :] < np.arange(1, orders.shape[1])[None, :, None]


def draw_before(player: Ints, n_players: int, rng: np.random.Generator) -> Presence:
    """(n, P): for each of these players (n,) who stands before it in a random order of its own."""
    place = rng.random((len(player), n_players))
    return place < place[np.arange(len(player)), player][:, None]


def draw_rows(n_rows: int, weights: Weights, rng: np.random.Generator) -> Ints:
    """(n,): numbers of rows that are drawn with replacement by their weights (B,), which sum to one."""
    return np.asarray(rng.choice(len(weights), n_rows, p=weights), dtype=np.int64)
