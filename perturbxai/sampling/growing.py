"""Designs that grow into one another, so that intervals can be read before all of it is asked."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perturbxai.core.evaluations import Design
from perturbxai.core.types import Ints
from perturbxai.sampling.strata import allocate

FIRST, GROWTH = 4, 1.5  # the first stage has so many rows a player, each further one so many times as many


def growing_totals(n_players: int, n_rows: int, least: int) -> list[int]:
    """Pairs of the stages before the last of n_rows: from 4P rows on, or from as many as all methods need, and half as many
    again every time.

    least: coalitions, empty and full included, that the methods need
    """
    totals: list[int] = []
    first = max(FIRST * n_players, least - 2)
    while (rows := first * GROWTH ** len(totals)) < n_rows:
        totals.append(int(rows) // 2)
    return totals


def nested_stages(design: Design, listed_sides: bool, rng: np.random.Generator, totals: Sequence[int]) -> list[Design]:
    """The design as the last of several, each of which holds the one before as its first rows.

    Each is a stratified draw as the whole is, with sizes in the same shares.

    listed_sides  sizes 1 and P - 1 are listed whole, and stay so at every stage
    totals        pairs of each stage before the last, growing; those that are not fewer than there are count for nothing
    A design that is not of complementary pairs is its only stage.
    """
    n_rows = len(design.z)
    totals = [one for one in totals if 2 * one < n_rows]
    paired = n_rows % 2 == 0 and (design.z[0::2] != design.z[1::2]).all()
    if not totals or not paired or (design.chain >= 0).any():
        return [design]
    number = _stage_numbers(design, totals, listed_sides, rng)
    order = np.argsort(number, kind="stable")
    rows_of = (2 * order[:, None] + np.arange(2)).ravel()
    z, base = design.z[rows_of], None if design.base is None else design.base[rows_of]
    ends = 2 * np.bincount(number, minlength=len(totals) + 1).cumsum()
    return [
        replace(
            design, z=z[:end], pair=design.pair[:end], chain=design.chain[:end], base=None if base is None else base[:end],
            listed=design.listed and end == n_rows, cache={},
        )
        for end in ends.tolist()
    ]  # fmt: skip


def _stage_numbers(design: Design, totals: Sequence[int], listed_sides: bool, rng: np.random.Generator) -> Ints:
    """(R,): the stage in which each pair comes first, 0..len(totals)."""
    firsts, n_players = design.z[0::2], design.n_players
    sizes = firsts.sum(axis=1)
    stratum = np.minimum(sizes, n_players - sizes)
    strata, counts = np.unique(stratum, return_counts=True)
    wanted = design.share[strata] * np.where(2 * strata == n_players, 1.0, 2.0)
    # a list is in the order of numbers: shuffled
    place = rng.random(len(firsts)) if design.listed else np.arange(len(firsts), dtype=np.float64)
    rank = np.empty(len(firsts), dtype=np.int64)  # within its stratum
    rank[np.lexsort((place, stratum))] = np.concatenate([np.arange(n) for n in counts])
    number = np.full(len(firsts), len(totals), dtype=np.int64)
    whole = (strata == 1) & listed_sides
    for stage, total in reversed(list(enumerate(totals))):
        room = np.where(whole, 0, counts).astype(object)
        chosen = allocate(total - int(counts[whole].sum()), wanted, room, least=1)
        chosen[whole] = counts[whole]
        number[rank < chosen[np.searchsorted(strata, stratum)]] = stage
    return number
