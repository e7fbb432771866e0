"""Means of what a player adds, weighted by the size that it joins: from all coalitions, or from those of one size."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import lru_cache
from math import comb
from typing import ClassVar

import numpy as np

from perturbxai.core.evaluations import Design, Estimate, Evaluations, Law
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.questions import Coalitions, Question
from perturbxai.core.types import Floats, Ints, Presence, Values
from perturbxai.estimation.coalitions.background_error import as_outputs, error_of_groups
from perturbxai.estimation.intervals import independent, no_players
from perturbxai.estimation.survey import ROUNDING
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import list_coalitions


@lru_cache(maxsize=64)
def shapley_weights(n_players: int) -> Floats:
    """(P,): |S|! (P - |S| - 1)! / P! by |S|, the weight of a coalition that a player joins; to be read only."""
    found = np.array([1 / (n_players * comb(n_players - 1, size)) for size in range(n_players)])
    found.setflags(write=False)
    return found


def banzhaf_weights(n_players: int, p: float) -> Floats:
    """(P,): p^|S| (1 - p)^(P - 1 - |S|) by |S|: the others are each present with probability p."""
    sizes = np.arange(n_players)
    return np.asarray(p**sizes * (1.0 - p) ** (n_players - 1 - sizes))


def of_all_coalitions(z: Presence, values: Values, weight: Floats) -> Floats:
    """(P, K): the sum over all S without i of weight[|S|] [v(S + i) - v(S)].

    The table is put in binary order, P 2^P steps, and halved player by player: its upper half are the coalitions with the
    player, and the two halves added are a table without it. No alternating sums over subsets, whose terms would cancel.

    z (2^P, P) all coalitions in any order, P >= 1;  values (2^P, K);  weight (P,)
    """
    n_players = z.shape[1]
    place = np.zeros(len(z), dtype=np.int64)
    for p in range(n_players):
        place |= z[:, p].astype(np.int64) << p
    sizes = z.sum(axis=1)
    joined, joining = np.concatenate([[0.0], weight])[sizes], np.concatenate([weight, [0.0]])[sizes]
    values = values.T - values[~z.any(axis=1)].T  # (K, 2^P); less rounding where the outputs are far from zero
    table = np.empty_like(values)
    table[:, place] = values * (joined + joining)
    left_out = (values * joining).sum(axis=1)
    found = np.empty((n_players, len(values)))
    for p in reversed(range(n_players)):
        half = table.shape[1] // 2
        found[p] = table[:, half:].sum(axis=1) - left_out
        table = table[:, :half] + table[:, half:]
    return found


def with_ends(z: Presence) -> Presence:
    """The coalitions (M, P) after the empty and the full one."""
    ends = np.array([[False] * z.shape[1], [True] * z.shape[1]], dtype=bool)
    return np.concatenate([ends, z])


def exact(z: Presence, values: Values, weight: Floats) -> Estimate:
    """Values (P, K) from all coalitions, `with_ends`, whose only error is rounding; weight (P,) as above."""
    n_players, n_outputs = z.shape[1], values.shape[1]
    if n_players == 0:
        return no_players(n_outputs)
    floor = ROUNDING * np.abs(values).max(axis=0) * np.sqrt(n_players)
    stderr = np.tile(floor, (n_players, 1))
    return independent(of_all_coalitions(z, values, weight), stderr, np.inf)


def exact_of_table(table: Evaluations, weight: Floats) -> Estimate:
    """The same from a table that lists all coalitions."""
    z = with_ends(table.design.z)
    found = exact(z, np.vstack([table.empty, table.full, table.values]), weight)
    groups = table.groups
    if groups is None or not table.design.n_players:
        return found
    apart = of_all_coalitions(z, as_outputs(groups), weight)
    return replace(found, stderr_background=error_of_groups(groups, apart))


def ask_all(n_players: int) -> Generator[Sequence[Question], list[Floats], Estimate]:
    """Ask for all coalitions and conclude their Shapley values: what a generator does whose budget holds them."""
    z = with_ends(list_coalitions(n_players))
    (values,) = yield [Coalitions(z, last=True)]
    found = exact(z, values, shapley_weights(n_players))
    found.notes.update({"coalitions": 2**n_players, "listed": True})
    return found


class Alone(FromCoalitions):
    """What one player does alone: v({j}) - v(nothing) if it is added to nothing, else v(N) - v(N without j).

    It is exact given the background, with the error of its draw apart.
    """

    added: ClassVar[bool]
    wants_spread: ClassVar[bool] = True

    def law(self, n_players: int) -> Law:
        return laws.singletons(n_players) if self.added else laws.all_but_one(n_players)

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K). Raises ValueError if the table does not list the size."""
        n_players, side = table.design.n_players, 0 if self.added else 1
        if n_players <= 1:  # the one coalition is an end of the table
            values = np.tile(table.full - table.empty, (n_players, 1))
            spread = None if table.ends_spread is None else np.tile(table.ends_spread[1 - side, side], (n_players, 1))
        else:
            rows = self._rows(table.design)
            values = table.values[rows] - table.empty if self.added else table.full - table.values[rows]
            spread = None if table.spread is None else table.spread[rows, side]
        floor = np.broadcast_to(ROUNDING * table.scale, values.shape).copy()
        return independent(values, floor, np.inf, stderr_background=None if spread is None else np.sqrt(spread))

    def _rows(self, design: Design) -> Ints:
        """(P,): the row of each player's coalition."""
        n_players = design.n_players
        size = 1 if self.added else n_players - 1  # the same size at two players, but not the same coalition
        rows = np.flatnonzero(design.sizes == size)
        players = np.argmax(design.z[rows] == self.added, axis=1)
        if not np.array_equal(np.sort(players), np.arange(n_players)):
            raise ValueError(
                f"the table has {len(rows)} of the {n_players} coalitions of size {size}; all are needed. "
                "Let explain() draw them with this method among its methods."
            )
        return np.asarray(rows[np.argsort(players)])
