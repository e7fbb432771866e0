"""Regions of the data in which rows agree on a curve: found by halving, as in a tree, and held against chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from perturbxai.core.conditions import Condition
from perturbxai.core.types import Bools, Codes, Floats, Ints
from perturbxai.estimation.curves.profiles import Profiles

CUTS = 20  # thresholds of a column at most, evenly among its values
LEVELS = 40  # of a column without an order at most
HELD = 0.05  # of the heterogeneity of all rows: what holds less is not cut
LEVEL = 0.95  # of cuts by chance take away less than the floor


Candidates: TypeAlias = tuple[list[Condition], Ints, Ints]
"""Conditions, an order of the rows, and how many of its first rows each holds for."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A cut of rows in two, and what it takes away of their heterogeneity, as shares of it.

    fall    on the rows that chose it;  honest: on those that did not, the mean of both halves, each in `halves`
    floor   of cuts of rows whose conditions were shuffled 95 % take away less
    """

    condition: Condition
    fall: float
    honest: float
    halves: tuple[float, float]
    floor: float


@dataclass(frozen=True, eq=False)
class Leaf:
    """Rows (n,) that conditions lead to, and the cuts on the way."""

    rows: Ints
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, eq=False)
class Search:
    """How cuts are looked for.

    codes (n, D) of the rows, columns: which conditions may be about;  unordered: those of levels without an order
    conditions   on a way at most;  least: rows of a region;  worth: the honest fall that a cut must bring;  draws: shuffles
    """

    profiles: Profiles
    codes: Codes
    columns: Sequence[int]
    unordered: frozenset[int]
    conditions: int
    least: int
    worth: float
    draws: int
    rng: np.random.Generator
    tried: list[Cut] = field(default_factory=list)

    def leaves(self) -> Iterator[Leaf]:
        """The regions, depth first: one that holds all rows where no cut is worth it."""
        whole = self.profiles.heterogeneity()
        yield from self._below(Leaf(np.arange(len(self.codes))), np.where(whole > 0, whole, np.inf))

    def _below(self, leaf: Leaf, whole: Floats) -> Iterator[Leaf]:
        holds = self._of(leaf.rows, whole) > HELD * self._of(np.arange(len(self.codes)), whole)
        cut = self.cut(leaf.rows, whole) if holds and len(leaf.conditions) < self.conditions else None
        if cut is not None:
            self.tried.append(cut)
        if cut is None or not (cut.fall > cut.floor and cut.honest >= self.worth):
            yield leaf
            return
        for condition in (cut.condition, cut.condition.other()):
            inside = condition.holds(self.codes[leaf.rows])
            yield from self._below(Leaf(leaf.rows[inside], (*leaf.conditions, condition)), whole)

    def cut(self, rows: Ints, scale: Floats) -> Cut | None:
        """The best cut of these rows; None where they cannot be cut. scale (K,): by which outputs are made comparable."""
        every = self._best(rows, scale)
        if every is None:
            return None
        condition, fall = every
        order = self.rng.permutation(rows)
        halves = np.sort(order[::2]), np.sort(order[1::2])
        honest = tuple(self._transferred(one, other, scale) for one, other in (halves, halves[::-1]))
        floor = self._floor(rows, scale)
        return Cut(condition, fall, float(np.mean(honest)), (honest[0], honest[1]), floor)

    def _transferred(self, chosen_on: Ints, measured_on: Ints, scale: Floats) -> float:
        """What the best cut of one half takes away on the other."""
        best = self._best(chosen_on, scale)
        if best is None:
            return 0.0
        inside = best[0].holds(self.codes[measured_on])
        whole = self._of(measured_on, scale)
        parts = [self._of(measured_on[side], scale) for side in (inside, ~inside) if side.any()]
        return 0.0 if whole <= 0 or len(parts) < 2 else 1.0 - sum(parts) / whole

    def _of(self, rows: Ints, scale: Floats) -> float:
        return float((self.profiles.heterogeneity(rows) / scale).sum())

    def _floor(self, rows: Ints, scale: Floats) -> float:
        """What 95 % of the best cuts take away less than, where conditions have nothing to do with what rows say."""
        place, falls = self.profiles.place[rows], []
        for _ in range(self.draws):
            shuffled = np.lexsort((self.rng.random(len(rows)), place)), np.argsort(place, kind="stable")
            codes = np.empty_like(self.codes[rows])
            codes[shuffled[1]] = self.codes[rows][shuffled[0]]
            best = self._best(rows, scale, codes)
            falls.append(0.0 if best is None else best[1])
        return float(np.quantile(falls, LEVEL, method="higher"))

    def _best(self, rows: Ints, scale: Floats, codes: Codes | None = None) -> tuple[Condition, float] | None:
        """The condition that takes away most of the heterogeneity of these rows, and which share of it."""
        own = self.profiles.part(rows)
        codes = self.codes[rows] if codes is None else codes
        whole = float((own.heterogeneity() / scale).sum())
        best: tuple[Condition, float] | None = None
        if whole <= 0:
            return None
        for column in self.columns:
            for made in self._candidates(own, codes, column):
                best = self._better(best, own, made, scale, whole)
        if best is not None and best[0].threshold is not None:  # and once more among all values around it
            values = codes[:, best[0].column]
            edges = np.unique(values[~np.isnan(values)])
            coarse = _thresholds(values, edges)
            at = int(np.searchsorted(coarse, best[0].threshold, side="right")) - 1
            low, high = coarse[at - 1] if at > 0 else -np.inf, coarse[at + 1] if at + 1 < len(coarse) else np.inf
            near = edges[:-1][(edges[:-1] > low) & (edges[:-1] < high)]
            best = self._better(best, own, _of_numbers(best[0].column, values, edges, near), scale, whole)
        return best

    def _better(
        self, best: tuple[Condition, float] | None, own: Profiles, made: Candidates, scale: Floats, whole: float
    ) -> tuple[Condition, float] | None:
        """The best of these candidates, where it takes away more than what was the best before."""
        conditions, order, ends = made
        fits = (ends >= self.least) & (len(order) - ends >= self.least)
        if not fits.any():
            return best
        fall = np.where(fits, 1.0 - self._within(own, order, ends, scale) / whole, -np.inf)
        n = int(np.argmax(fall))
        return best if best is not None and fall[n] <= best[1] else (conditions[n], float(fall[n]))

    def _within(self, own: Profiles, order: Ints, ends: Ints, scale: Floats) -> Floats:
        """(cuts,): the heterogeneity that is left where the first so many rows of an order are cut off the rest."""
        mass, value = own.mass[order], own.value[order]
        sums = [np.cumsum(one, axis=0) for one in (mass, mass * value, mass * value**2, (mass > 0).astype(np.float64))]
        found = np.zeros(len(ends))
        for side in (0, 1):
            parts = [one[ends - 1] if side == 0 else one[-1] - one[ends - 1] for one in sums]
            found += (own.within(parts[0], parts[1], parts[2], np.rint(parts[3]).astype(np.int64)) / scale).sum(axis=-1)
        return found

    def _candidates(self, own: Profiles, codes: Codes, column: int) -> Iterator[Candidates]:
        """Those of one column, by what its values are."""
        values = codes[:, column]
        missing = np.isnan(values)
        known = np.unique(values[~missing])
        if missing.any() and len(known):
            yield [Condition(column, missing=True)], np.argsort(~missing, kind="stable"), np.array([int(missing.sum())])
        if column in self.unordered:
            if 1 < len(known) <= LEVELS:
                yield from self._of_levels(own, values, known, column)
            return
        if len(edges := _thresholds(values, known)):
            yield _of_numbers(column, values, known, edges)

    def _of_levels(self, own: Profiles, values: Floats, known: Floats, column: int) -> Iterator[Candidates]:
        """Each level against the others, and the first so many along the way on which rows lie farthest apart."""
        for level in known:
            inside = values == level
            yield (
                [Condition(column, levels=(float(level),))],
                np.argsort(~inside, kind="stable"),
                np.array([int(inside.sum())]),
            )
        if len(known) < 4:
            return
        means = np.stack([_mean(own, values == level) for level in known])
        along = np.argsort(_leading(means, np.array([(values == level).sum() for level in known])), kind="stable")
        rank = np.full(len(values), len(known))
        for n, level in enumerate(known[along]):
            rank[values == level] = n
        order = np.argsort(rank, kind="stable")
        ends = np.searchsorted(rank[order], np.arange(1, len(known) - 1), side="right")
        conditions = [Condition(column, levels=tuple(sorted(map(float, known[along[: n + 2]])))) for n in range(len(ends))]
        yield conditions, order, ends


def _thresholds(values: Floats, known: Floats) -> Floats:
    """Values that rows are cut behind: each but the last of those that are known, or so many, evenly among the rows."""
    if len(known) - 1 <= CUTS:
        return known[:-1]
    edges = np.unique(np.quantile(values[~np.isnan(values)], np.linspace(0, 1, CUTS + 2)[1:-1], method="inverted_cdf"))
    return np.asarray(edges[edges < known[-1]])


def _of_numbers(column: int, values: Floats, known: Floats, edges: Floats) -> Candidates:
    order = np.argsort(values, kind="stable")  # missing ones last
    ends = np.searchsorted(values[order][: int((~np.isnan(values)).sum())], edges, side="right")
    above = known[np.searchsorted(known, edges, side="right")]
    return [Condition(column, threshold=_between(a, b)) for a, b in zip(edges, above, strict=True)], order, ends


def _between(a: float, b: float) -> float:
    """A threshold between two neighbouring values, that is not above the second whatever they are."""
    middle = a / 2.0 + b / 2.0
    return float(middle) if a <= middle < b else float(a)


def _mean(own: Profiles, inside: Bools) -> Floats:
    mass = own.mass[inside].sum(axis=0)
    return np.asarray((own.mass[inside] * own.value[inside]).sum(axis=0) / np.where(mass > 0, mass, 1.0))


def _leading(means: Floats, count: Ints) -> Floats:
    """(L,): where levels lie along the direction in which their means (L, V) differ most."""
    apart = (means - count @ means / count.sum()) * np.sqrt(count)[:, None]
    *_, directions = np.linalg.svd(apart, full_matrices=False)
    return np.asarray(means @ directions[0])
