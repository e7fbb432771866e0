"""Weights of drawn rows under a law, and the error of a weighted fit by survey-sampling linearisation.

A design is a stratified sample without replacement whose clusters are complementary pairs (and, just above 2P, one
antithetic walk). The variance of a weighted least-squares fit is then the stratified variance of its row scores, as for
any linearised survey statistic, with the finite-population factor of each stratum.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from perturbxai.core import kernels
from perturbxai.core.evaluations import Design, Evaluations, Law, once
from perturbxai.core.types import Floats, Ints, Weights
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.blocks import Gain
from perturbxai.estimation.intervals import diagonals, independent_factor, independent_factors, simultaneous_factors
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


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A fit whose values are linear in the answers: what their errors need to know of it.

    gain (R, P): what a unit residual of a row moves the values;  weight (C,) of the clusters, for which see `Clusters`
    starts (C,): the first row of each cluster, None if they are rows;  df degrees of freedom
    """

    gain: Floats | Gain
    weight: Weights
    starts: Ints | None
    clusters: Clusters
    df: float

    n_ends: ClassVar[int] = 0  # rows of answers that come before the drawn ones: nothing and everything, or none

    @property
    def row_weight(self) -> Floats:
        """(n,): what each answer weighs in the fit."""
        raise NotImplementedError

    @property
    def asked(self) -> Floats:
        """(n,): the share of all pairs of its size that was drawn."""
        raise NotImplementedError

    def answers(self, values: Floats) -> Floats:
        """(n, K): what the fit is of, from the values of nothing, everything and the table's rows (2 + M, K)."""
        raise NotImplementedError

    def values_of(self, answers: Floats) -> Floats:
        """(P, K): the values of answers (n, K)."""
        raise NotImplementedError

    def line(self, values: Floats) -> Floats:
        """(n, K): the answers of the linear game that has these values (P, K), but for a constant."""
        raise NotImplementedError

    def left_by(self, answers: Floats) -> Floats:
        """(n, K): what the fit leaves of answers (n, K)."""
        raise NotImplementedError

    @cached_property
    def _places(self) -> tuple[Ints, tuple[Ints, Ints, Floats], Ints]:
        """What `kernels.centred_scores` takes of clusters outside the walk, stratum by stratum, and the rows of the walk.

        first (C + 1,) rows of the clusters, and the end;  then their order (c,), the strata's bounds (S + 1,) in it, and
        roots (c,) of by what squares count, negative where they are from nothing
        """
        clusters, n_rows = self.clusters, len(self.gain)
        first = np.arange(n_rows + 1) if self.starts is None else np.append(self.starts, n_rows)
        each, centred = clusters.factors(self.weight)
        order = np.argsort(clusters.stratum, kind="stable")
        order = order[~clusters.walk[order]]
        bounds = np.flatnonzero(np.diff(clusters.stratum[order], prepend=-1, append=-1))
        root = np.sqrt(each[order]) * (1.0 if centred else -1.0)
        return first, (order, bounds, root), np.flatnonzero(np.repeat(clusters.walk, np.diff(first)))

    @cached_property
    def lengths(self) -> Floats:
        """(R,): of the rows of the gain, squared."""
        gain = self.gain
        return gain.lengths() if isinstance(gain, Gain) else np.asarray(np.einsum("rp,rp->r", gain, gain))

    @cached_property
    def missed(self) -> Floats:
        """(P, P): the covariance that residuals of one make which may come in a row, and did not; made once a design."""
        variance = self.clusters.unseen(len(self.gain), self.starts)
        if isinstance(self.gain, Gain):
            return self.gain.gram(variance)
        root = np.sqrt(variance)[:, None] * self.gain
        return np.asarray(root.T @ root)

    def covariance(self, residuals: Floats) -> Floats:
        """(P, P): of the values, from one output's residuals (R,)."""
        return np.asarray(self.covariances(residuals[:, None])[0])

    def covariances(self, residuals: Floats) -> Floats:
        """(K, P, P): of the values, output by output, from residuals (R, K)."""
        gain, by_output = self.gain, np.ascontiguousarray(residuals.T)
        found = np.empty((len(by_output), gain.shape[1], gain.shape[1]))
        if isinstance(gain, Gain):
            for k, own in enumerate(by_output):
                found[k] = gain.after(self._by_block(gain, own))
            return found
        for k, scores in enumerate(self._by_output(gain, by_output)):
            np.matmul(scores.T, scores, out=found[k])
        return found

    def variances(self, residuals: Floats) -> Floats:
        """(K, P): the diagonals of `covariances`."""
        if isinstance(self.gain, Gain):
            return diagonals(self.covariances(residuals))
        found = np.empty((residuals.shape[1], self.gain.shape[1]))
        for k, scores in enumerate(self._by_output(self.gain, np.ascontiguousarray(residuals.T))):
            np.einsum("cp,cp->p", scores, scores, out=found[k])
        return found

    def _by_output(self, gain: Floats, by_output: Floats) -> Iterator[Floats]:
        """(c, P) for each output's residuals (K, R): rows whose Gram matrix is the covariance, good until the next ones."""
        first, strata, walk = self._places
        scores = np.empty((len(strata[0]) + bool(len(walk)), gain.shape[1]))
        for own in by_output:
            kernels.centred_scores(gain, own, first, *strata, scores)
            if len(walk):  # one cluster
                scores[-1] = own[walk] @ gain[walk]
            yield scores

    def _by_block(self, gain: Gain, residuals: Floats) -> Floats:
        """The same, before the gain's inverse: twice through the scores of the clusters, for means and for squares."""
        n_players, walks = gain.shape[1], self.clusters.walk
        each, centred = self.clusters.factors(self.weight)
        place = np.unique(self.clusters.stratum, return_inverse=True)[1]
        order = np.argsort(place, kind="stable")
        order, walk = order[~walks[order]], np.flatnonzero(walks)
        means, found = np.zeros((place.max(initial=0) + 1, n_players)), np.zeros((n_players, n_players))
        if centred:
            for at in blocks.blocks(len(order), 2 * n_players):
                here, starts = np.unique(place[order[at]], return_index=True)
                means[here] += np.add.reduceat(self._scores(gain, residuals, order[at]), starts, axis=0)
            means /= np.bincount(place)[:, None]
        for at in blocks.blocks(len(order), 2 * n_players):
            scores = self._scores(gain, residuals, order[at])
            scores -= means[place[order[at]]]
            scores *= np.sqrt(each[order[at]])[:, None]
            found += scores.T @ scores
        if len(walk):
            parts = (self._scores(gain, residuals, walk[at]).sum(axis=0) for at in blocks.blocks(len(walk), 2 * n_players))
            whole = np.sum(list(parts), axis=0)
            found += np.outer(whole, whole)
        return found

    def _scores(self, gain: Gain, residuals: Floats, at: Ints) -> Floats:
        """(c, P): what the residuals of some clusters move the values, before the gain's inverse."""
        if self.starts is None:
            return gain.before(at) * residuals[at, None]
        lengths = np.diff(np.append(self.starts, len(gain)))[at]
        starts = np.cumsum(lengths) - lengths
        rows = np.repeat(self.starts[at] - starts, lengths) + np.arange(lengths.sum())
        scores = gain.before(rows) * residuals[rows, None]
        if (lengths == 2).all():  # as of all pairs: half the time of the sums below
            return np.asarray(scores[::2] + scores[1::2])
        return np.add.reduceat(scores, starts, axis=0)

    def errors(
        self, residuals: Floats, values: Floats, table: Evaluations, ends: Floats | None = None, *, tails: bool = False,
        before: Floats | None = None,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Standard errors (P, K) and simultaneous factors (K,) of the values (P, K), from what the fit leaves.

        residuals (R, K) of drawn rows;  ends (2, K) of nothing and everything, None where these are fitted exactly
        tails: whether they are widened by `for_tails`;  before (R, K): residuals before a surrogate took what it explains
        """
        clusters, n_players, n_outputs = self.clusters, self.gain.shape[1], residuals.shape[1]
        floor = ROUNDING * table.scale * np.sqrt(n_players)
        stderr = np.tile(floor, (n_players, 1))
        critical = np.full(n_outputs, independent_factor(n_players, np.inf if clusters.listed else self.df))
        if clusters.listed:
            return stderr, critical
        if self.df <= 0:
            return np.full_like(stderr, np.inf), critical
        beside = np.zeros(n_outputs) if ends is None else np.abs(ends).max(axis=0, initial=0.0)
        before = None if before is None else np.abs(before).max(axis=0, initial=0.0)
        jump = spread.jump_of_fit(np.abs(residuals).max(axis=0, initial=0.0), beside, values, table, before)
        stderr[:, np.isinf(jump)] = np.inf
        known, n_draws = np.flatnonzero(np.isfinite(jump)), len(table.design.normals)
        for at in blocks.blocks(len(known), max(n_players**2, n_draws)):
            some = known[at]
            own, unshown = self.covariances(residuals[:, some]), jump[some, None, None] ** 2 * self.missed
            errors = spread.errors_of_fit(diagonals(own), diagonals(unshown), clusters.asked)
            stderr[:, some] = np.maximum(errors.T, floor[some])
            critical[some] = simultaneous_factors(own + unshown, self.df, table.design)
        if tails:
            return for_tails(stderr, critical, self.lengths, residuals, len(self.weight), self.df, floor)
        return stderr, critical


def for_tails(
    stderr: Floats, critical: Floats, lengths: Floats, residuals: Floats, n_clusters: int, df: float, floor: Floats
) -> tuple[Floats, Floats]:
    """The same errors (P, K) and factors (K,), wider where a few residuals bring most of the variance.

    A variance of n squares of kurtosis k is known as that of a normal sample with 2 n / (k - 1) degrees of freedom; below
    df the quantiles of t are taken from there. lengths (R,): of the rows of the gain, squared;  residuals (R, K)
    floor (K,): errors that are rounding
    """
    if not 0 < df < np.inf or not len(residuals):
        return stderr, critical
    squares = lengths[:, None] * residuals**2
    above, total = (stderr > floor) & np.isfinite(stderr), squares.sum(axis=0)
    told = above.any(axis=0) & (total > floor**2)  # what rounding leaves has tails of its own
    squares /= np.where(told, total, 1.0)
    excess = np.where(told, len(squares) * (squares**2).sum(axis=0) - 1.0, 0.0)
    known = np.maximum(2.0 * n_clusters / np.where(excess > 0.0, excess, 1.0), 1.0)
    few = np.flatnonzero((excess > 0.0) & (known < df))
    wider, critical = np.ones(len(total)), critical.copy()
    wider[few] = independent_factors(1, known[few]) / independent_factor(1, df)
    of_all = independent_factors(len(stderr), known[few]) / independent_factor(len(stderr), df)
    critical[few] *= of_all / wider[few]
    return np.where(above, stderr * wider, stderr), critical
