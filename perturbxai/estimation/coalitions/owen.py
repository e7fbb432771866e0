"""Owen values union by union: which coalitions are asked about each, listed or drawn, and what follows from the answers.

Averaged over what else is there, the parts of a union play a game of their own, in which their Shapley values share out the
union's total. What is asked is how they deviate from an even share; totals then come from the top down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import factorial, prod
from typing import Self

import numpy as np

from perturbxai.core.evaluations import Estimate
from perturbxai.core.types import Bools, Floats, Ints, Presence, Values, Weights
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import semivalues
from perturbxai.estimation.coalitions.hierarchy import Union
from perturbxai.estimation.intervals import independent_factor
from perturbxai.sampling.coalitions import draw_orders, list_coalitions


@dataclass(frozen=True, eq=False)
class Deviations:
    """Of a union's parts (c, K): how they deviate from an even share.

    draws (n, c, K), whose mean that is, None where all was listed;  rest: the part of all pairs that was not drawn
    """

    mean: Floats
    draws: Floats | None = None
    rest: float = 0.0


@dataclass(frozen=True, eq=False)
class Listed:
    """All that a union has to ask: z (C (2^c - 2), P), its coalitions by context; weight (C,) of the contexts."""

    z: Presence
    weight: Weights
    local: Bools

    @classmethod
    def of(cls, unions: Sequence[Union], at: int, n_players: int) -> Self:
        """The contexts, all subsets of the other parts of every union around it, and in each the union's own subsets."""
        around, weight = np.zeros((1, n_players), dtype=bool), np.ones(1)
        for above, place in unions[at].path:
            n_parts = unions[above].n_parts
            others = np.delete(np.arange(n_parts), place)
            subsets = semivalues.with_ends(list_coalitions(n_parts - 1))
            there = np.zeros((len(subsets), n_parts), dtype=bool)
            there[:, others] = subsets
            shares = semivalues.shapley_weights(n_parts)[subsets.sum(axis=1)]
            around = (around[:, None] | _spread(there, unions[above], n_players)).reshape(-1, n_players)
            weight = np.outer(weight, shares).ravel()
        local = list_coalitions(unions[at].n_parts)
        z = (around[:, None] | _spread(local, unions[at], n_players)).reshape(-1, n_players)
        return cls(z, weight, local)

    def deviations(self, values: Values) -> Deviations:
        """Exact, from the answers to z (M, K)."""
        game = np.einsum("c,csk->sk", self.weight, values.reshape(len(self.weight), len(self.local), -1))
        # what nothing and everything are worth cancels in deviations; near the others it costs no digits
        game = np.concatenate([game[[0, 0]], game])
        n_parts = self.local.shape[1]
        found = semivalues.of_all_coalitions(semivalues.with_ends(self.local), game, semivalues.shapley_weights(n_parts))
        return Deviations(found)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is asked of a union by pairs of contexts: z (2 n r, P), r coalitions of every pair, then their complements.

    Of two parts, each of them alone (r = 2); of c > 2 parts, orders (n, c) of them are walked from none to all (r = c + 1).
    n_units: how many pairs there are to draw, alike in weight
    """

    z: Presence
    orders: Ints
    n_units: int

    @classmethod
    def of(cls, unions: Sequence[Union], at: int, n_pairs: int, n_players: int, rng: np.random.Generator) -> Self:
        union = unions[at]
        n_parts = union.n_parts
        sizes = [unions[above].n_parts for above, _ in union.path] + ([n_parts] if n_parts > 2 else [])
        drawn = _draw_units(sizes, n_pairs, rng)
        around = np.zeros((n_pairs, n_players), dtype=bool)
        for (above, place), order in zip(union.path, drawn, strict=False):
            rank = np.argsort(order, axis=1)
            around |= _spread(rank < rank[:, [place]], unions[above], n_players)
        if n_parts > 2:
            orders = drawn[-1]
            there = np.argsort(orders, axis=1)[:, None, :] < np.arange(n_parts + 1)[None, :, None]
        else:
            orders = np.tile(np.arange(2), (n_pairs, 1))
            there = np.tile(np.eye(2, dtype=bool), (n_pairs, 1, 1))
        own = _spread(there.reshape(-1, n_parts), union, n_players).reshape(n_pairs, -1, n_players)
        forward = (around[:, None] | own).reshape(-1, n_players)
        return cls(np.concatenate([forward, ~forward]), orders, prod(map(factorial, sizes)) // 2)

    def deviations(self, values: Values) -> Deviations:
        """The mean over pairs, and the pairs.

        A coalition and its complement enter by half their difference: in both, a part joins what stands before it in an
        order or in the reversed order.
        """
        n_pairs, n_parts = self.orders.shape
        half = 0.5 * (values[: len(values) // 2] - values[len(values) // 2 :]).reshape(n_pairs, -1, values.shape[1])
        steps = np.diff(half, axis=1) if n_parts > 2 else half  # of two parts half their difference is left of either
        steps = steps - steps.mean(axis=1, keepdims=True)
        found = np.empty_like(steps)
        np.put_along_axis(found, self.orders[:, :, None], steps, axis=1)
        return Deviations(found.mean(axis=0), found, 1.0 - n_pairs / self.n_units)


def _spread(there: Bools, union: Union, n_players: int) -> Bools:
    """(n, P): the players of those parts of a union that are there, (n, c)."""
    found = np.zeros((len(there), n_players), dtype=bool)
    for place, members in enumerate(union.members):
        found[:, members] = there[:, [place]]
    return found


def _draw_units(sizes: Sequence[int], n_units: int, rng: np.random.Generator) -> list[Ints]:
    """Orders of so many things each, (n, size), all of them together drawn without replacement.

    A unit and its reverse, in which all orders are reversed, are one: it is told by its first order.
    """
    kept = np.zeros((0, sum(sizes)), dtype=np.int64)
    while len(kept) < n_units:
        orders = np.concatenate([draw_orders(n_units, size, rng) for size in sizes], axis=1)
        ends = np.cumsum([0, *sizes])
        flip = orders[:, 0] > orders[:, ends[1] - 1]
        mirrored = np.concatenate([orders[:, i:j][:, ::-1] for i, j in pairwise(ends.tolist())], axis=1)
        kept = np.concatenate([kept, np.where(flip[:, None], mirrored, orders)])
        kept = kept[np.sort(np.unique(kept, axis=0, return_index=True)[1])]
    return np.split(kept[:n_units], np.cumsum(sizes)[:-1], axis=1)


def cost_of_all(unions: Sequence[Union]) -> int:
    """How many coalitions an order that respects the hierarchy can begin with."""
    return 2 + sum(union.n_between for union in unions)


def as_sums(unions: Sequence[Union], n_players: int) -> tuple[Presence, Floats]:
    """All coalitions (C, P) that count, nothing and everything first, and weights (P, C): Owen values as sums over them."""
    lists = [Listed.of(unions, at, n_players) for at in range(len(unions))]
    z = semivalues.with_ends(np.concatenate([one.z for one in lists]))
    ends = np.cumsum([2, *(len(one.z) for one in lists)]).tolist()
    parts = []
    for one, (i, j) in zip(lists, pairwise(ends), strict=True):
        found = np.zeros((one.local.shape[1], len(z)))
        alone = replace(one, weight=np.ones(1)).deviations(np.eye(len(one.local))).mean
        found[:, i:j] = (one.weight[:, None] * alone[:, None, :]).reshape(len(alone), -1)
        parts.append(found)
    whole = np.zeros(len(z))
    whole[:2] = -1.0, 1.0
    return z, _from_the_top(unions, parts, whole, 1)


def affordable(unions: Sequence[Union], budget: int) -> int:
    """The most pairs a union that the budget holds, 0 if it holds all coalitions. Raises ValueError if it holds none."""
    if cost_of_all(unions) <= budget:
        return 0
    starts = sorted({1, *(_lists_from(union) for union in unions)})
    for start, after in reversed(list(pairwise([*starts, budget]))):
        # from one start to the next the cost is a line: what is listed, and what every pair adds
        listed = [_lists_from(union) <= start for union in unions]
        fixed = 2 + sum(union.n_between for union, whole in zip(unions, listed, strict=True) if whole)
        slope = sum(_cost_of_pair(union, listed) for union, whole in zip(unions, listed, strict=True) if not whole)
        n_pairs = (budget - fixed) // slope if slope else 0
        if n_pairs >= start:
            return min(n_pairs, after - 1)
    raise ValueError(f"budget={budget} holds no pair of contexts of every union.")


def question(unions: Sequence[Union], at: int, n_pairs: int, n_players: int, rng: np.random.Generator) -> Listed | Drawn:
    """What is asked of a union: all, where that is no more than so many pairs (0: of every union), or so many pairs."""
    if n_pairs == 0 or _lists_from(unions[at]) <= n_pairs:
        return Listed.of(unions, at, n_players)
    return Drawn.of(unions, at, n_pairs, n_players, rng)


def _lists_from(union: Union) -> int:
    """The number of pairs from which on a union is listed. That of a union within it is never less."""
    return -(-union.n_between // (4 if union.n_parts == 2 else 2 * (union.n_parts - 1)))


def _cost_of_pair(union: Union, listed: Sequence[bool]) -> int:
    """Coalitions of a pair that nobody else asks: the ends of a walk belong to the union around, if that is listed."""
    if union.n_parts == 2:
        return 4
    known = not union.path or listed[union.path[-1][0]]
    return 2 * (union.n_parts - 1 if known else union.n_parts + 1)


def share_out(unions: Sequence[Union], parts: Sequence[Deviations], values: Floats, n_pairs: int) -> Estimate:
    """Totals from the top down: an even share of the union's, and the deviation. Unions are drawn independently.

    values (M, K): nothing, everything, then all others, against the largest of which rounding is measured
    """
    n_players, n_outputs = sum(map(len, unions[0].members)), values.shape[1]
    floor = spread.ROUNDING * np.abs(values).max(axis=0) * np.sqrt(n_players)
    found = _from_the_top(unions, [part.mean for part in parts], values[1] - values[0], 1)
    own = _variances(parts, np.abs(found).max(axis=0), floor)
    variance = _from_the_top(unions, own, np.zeros(n_outputs), 2)
    df = float(n_pairs - 1) if n_pairs else np.inf  # unions differ in scale: none lends another its freedom
    n_drawn = int((variance > 0).any(axis=1).sum()) or n_players
    critical = np.full(n_outputs, independent_factor(n_drawn, df))
    return Estimate(found, np.maximum(np.sqrt(variance), floor), critical, df)


def _from_the_top(unions: Sequence[Union], parts: Sequence[Floats], whole: Floats, power: int) -> Floats:
    """(P, K): from what all have, a part has its union's over the union's number of parts to a power, and its own (c, K)."""
    found, total = np.empty((sum(map(len, unions[0].members)), len(whole))), {0: whole}
    for at, (union, part) in enumerate(zip(unions, parts, strict=True)):
        shares = total[at] / union.n_parts**power + part
        for place, (members, inner) in enumerate(zip(union.members, union.inner, strict=True)):
            if inner < 0:
                found[members] = shares[place]
            else:
                total[inner] = shares[place]
    return found


def _variances(parts: Sequence[Deviations], largest: Floats, rounding: Floats) -> list[Floats]:
    """By union (c, K): of the means over drawn pairs, with the factor of a finite population; infinite from one pair."""
    drawn = [part.draws for part in parts if part.draws is not None]
    if not drawn:
        return [np.zeros_like(part.mean) for part in parts]
    n_pairs = len(drawn[0])
    one = np.full((sum(draws.shape[1] for draws in drawn), len(largest)), np.inf)
    if n_pairs > 1:
        one = spread.variances(list(np.concatenate(drawn, axis=1).transpose(1, 0, 2)), largest, rounding)
    each = iter(np.split(one, np.cumsum([draws.shape[1] for draws in drawn])[:-1]))
    own = [part.mean if part.draws is None else next(each) for part in parts]  # of what is listed there is no rest
    return [part.rest * v / n_pairs if part.rest else np.zeros_like(v) for part, v in zip(parts, own, strict=True)]
