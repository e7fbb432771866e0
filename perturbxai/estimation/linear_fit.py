"""The errors of fits that are linear in the answers: covariances of their values from what a fit leaves of drawn rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from perturbxai.core.compiled import row_kernels
from perturbxai.core.evaluations import Evaluations
from perturbxai.core.types import Floats, Ints, Weights
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.blocks import Gain
from perturbxai.estimation.intervals import diagonals, independent_factor, independent_factors, simultaneous_factors
from perturbxai.estimation.spread import ROUNDING
from perturbxai.estimation.survey import Clusters


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
        centred_scores = row_kernels(gain.size * len(by_output)).centred_scores
        for own in by_output:
            centred_scores(gain, own, first, *strata, scores)
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
