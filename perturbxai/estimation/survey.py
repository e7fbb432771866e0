"""Weights of drawn rows under a law, and the error of a weighted fit by survey-sampling linearisation.

A design is a stratified sample without replacement whose clusters are complementary pairs (and, just above 2P, one
antithetic walk). The variance of a weighted least-squares fit is then the stratified variance of its row scores, as for
any linearised survey statistic, with the finite-population factor of each stratum.
"""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.evaluations import Design, Law, once
from perturbxai.core.types import Floats, Ints, Weights
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.spread import ROUNDING as ROUNDING
from perturbxai.sampling.laws import REFUSED, WARNED, effective_fraction, populations

MAX_LEVERAGE = 0.95  # beyond it a residual says too little about its own row


def check_reuse(law: Law, design: Design) -> None:
    """Refuse to conclude under a law from coalitions drawn for another one, where they are worth too little."""
    if design.listed or not law.design.any():
        return
    # a design that holds the share a of the law's own pays at most 1 / a of its variance, however many players there are
    wanted = law.design > 0
    fraction = max(effective_fraction(law, design.share), float((design.share[wanted] / law.design[wanted]).min()))
    if fraction < REFUSED:
        raise ValueError(
            f"the table's coalitions are worth {fraction:.2g} of their number under the law of {law.name}, below "
            f"{REFUSED}. Draw for both: pass both methods to one explain(), which asks the mixture of their sizes."
        )
    if fraction < WARNED:
        warnings.warn(
            f"effective sample {fraction:.2g} of the table's rows under the law of {law.name}; ask for both methods "
            "in one explain() to draw the mixture of their sizes",
            stacklevel=3,
        )


def row_weights(law: Law, design: Design) -> Floats:
    """(M,): mass(s) / n_s. A size whose share was too small for a row passes its mass to the nearest size that has one."""
    sizes = design.sizes
    n_rows = np.bincount(sizes, minlength=design.n_players + 1)
    asked = np.flatnonzero(n_rows)
    mass, own = np.zeros(design.n_players + 1), law.in_fits
    for size in range(1, design.n_players):
        mass[asked[np.argmin(np.abs(asked - size))]] += own[size]
    return np.asarray(mass[sizes] / n_rows[sizes])


def pair_sides(design: Design) -> tuple[Ints, Ints]:
    """Row numbers of the two sides of each pair. Raises ValueError if a row has no complement beside it."""
    order = np.argsort(design.pair, kind="stable")
    if len(order) % 2 == 0 and len(order):
        first, second = order[0::2], order[1::2]
        z, parts = design.z, blocks.blocks(len(first), design.n_players)
        if (design.pair[first] == design.pair[second]).all() and all((z[first[at]] != z[second[at]]).all() for at in parts):
            return first, second
    raise ValueError(
        "the table's coalitions do not come in complementary pairs, which Shapley values are estimated from. "
        "Let explain() draw them with kernel_shap among its methods."
    )


def sum_zero_basis(n_players: int) -> Floats:
    """(P, P - 1): an orthonormal basis of the vectors that sum to zero (Helmert's, scaled)."""
    basis = np.zeros((n_players, n_players - 1))
    for k in range(1, n_players):
        basis[:k, k - 1] = 1.0
        basis[k, k - 1] = -k
        basis[:, k - 1] /= np.sqrt(k * (k + 1.0))
    return basis


@dataclass(frozen=True, eq=False)
class Clusters:
    """The sampling clusters of a design, ready to turn scores into an error.

    stratum (C,) by cluster, size of the smaller side;  population (P,) pairs, or cells of pairs, a stratum has in all
    walk    (C,) bool, pairs that belong to the antithetic walk
    coalition (C,) of cells: a number that pairs of the same coalitions share, whatever their rows;  pairs (P,) that a
    stratum has, whatever the rows
    """

    stratum: Ints
    population: Floats
    walk: np.ndarray
    listed: bool
    coalition: Ints | None
    pairs: Floats

    @classmethod
    def of(cls, design: Design) -> Self:
        return once(design.cache, "clusters", lambda: cls._make(design))

    @classmethod
    def _make(cls, design: Design) -> Self:
        first = np.unique(design.pair, return_index=True)[1]
        sizes = design.sizes[first]
        stratum = np.minimum(sizes, design.n_players - sizes)
        pairs = populations(design.n_players)
        coalition = None
        if design.base is not None:  # either side names a pair: the one whose number is the lower
            coalition = np.minimum.reduceat(design.coalition, first)
        walk = design.chain[first] == 0
        population = populations(design.n_players, design.n_base)
        return cls(np.asarray(stratum, dtype=np.int64), population, walk, design.listed, coalition, pairs)

    def deviations(self, scores: Floats, weight: Weights) -> Floats:
        """(R, P) rows whose Gram matrix estimates the covariance of the sum of the scores.

        scores (C, P), each cluster's contribution;  weight (C,), by which a score grows (to lend spread between strata)
        """
        if self.walk.any():
            alone = scores[~self.walk]
            return np.concatenate([alone, scores[self.walk].sum(axis=0, keepdims=True)])
        parts, spread_of = [], {}
        strata, counts = np.unique(self.stratum, return_counts=True)
        for h, n in zip(strata, counts, strict=True):
            if n < 2:
                continue
            inside = self.stratum == h
            centred = (scores[inside] - scores[inside].mean(axis=0)) / np.sqrt(n - 1.0)
            spread_of[h] = centred / weight[inside][:, None]
            fraction = max(1.0 - n / self.population[h], 0.0)
            if self.coalition is not None:
                # in two stages: a coalition that was not drawn is missing on all rows
                coalitions, group = np.unique(self.coalition[inside], return_inverse=True)
                sums = sum_by(group, scores[inside], len(coalitions))
                asked = min(len(sums) / self.pairs[h], 1.0)
                parts.append((sums - sums.mean(axis=0)) * np.sqrt((1.0 - asked) * len(sums) / max(len(sums) - 1.0, 1.0)))
                fraction *= asked
            parts.append(centred * np.sqrt(n * fraction))
        alone = strata[counts == 1]
        for h in alone:
            fraction = max(1.0 - 1.0 / self.population[h], 0.0)
            if fraction == 0.0:
                continue
            inside = self.stratum == h
            if spread_of:  # one pair has no spread of its own: it borrows its neighbour's
                nearest = min(spread_of, key=lambda other: abs(int(other) - int(h)))
                parts.append(spread_of[nearest] * weight[inside][0] * np.sqrt(fraction))
            else:
                parts.append(scores[inside] * np.sqrt(fraction))
        return np.concatenate(parts) if parts else np.zeros((1, scores.shape[1]))

    def factors(self, weight: Weights) -> tuple[Floats, bool]:
        """(C,): by what the square of each cluster's deviation counts; whether that is from the mean of its stratum."""
        if self.walk.any():
            return np.ones(len(self.stratum)), False
        strata, place, counts = np.unique(self.stratum, return_inverse=True, return_counts=True)
        fraction = np.maximum(1.0 - counts / self.population[strata], 0.0)
        several = np.flatnonzero(counts > 1)
        if not len(several):
            return fraction[place], False
        each = np.where(counts > 1, counts * fraction / np.maximum(counts - 1.0, 1.0), 0.0)[place]
        for lone in np.flatnonzero((counts == 1) & (fraction > 0.0)):
            nearest = several[np.argmin(np.abs(strata[several] - strata[lone]))]
            inside, own = place == nearest, weight[place == lone][0]
            each[inside] += fraction[lone] * (own / weight[inside]) ** 2 / (counts[nearest] - 1.0)
        return each, True

    @property
    def asked(self) -> float:
        """The share of all clusters of the strata that was drawn."""
        return float(len(self.stratum) / self.population[np.unique(self.stratum)].sum())

    def unseen(self, n_rows: int, first: Ints | None) -> Floats:
        """(R,): the variance of a residual of one that may come in a row and did not; what was not drawn can have it.

        first (C,): the first row of each cluster, None if they are rows
        """
        strata, place, counts = np.unique(self.stratum, return_inverse=True, return_counts=True)
        fraction = np.maximum(1.0 - counts / self.population[strata], 0.0)[place]
        if first is not None:
            fraction = np.repeat(fraction, np.diff(np.append(first, n_rows)))
        return np.asarray(spread.unseen(n_rows) * fraction)


def sum_by(group: Ints, parts: Floats | Ints, n_groups: int) -> Floats:
    """(G, ...): sums of parts (n, ...) by group (n,)."""
    found = np.zeros((n_groups, *parts.shape[1:]))
    np.add.at(found, group, parts)
    return found
