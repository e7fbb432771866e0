"""The weighted linear fit with intercept whose slopes LIME and Banzhaf values are."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy import linalg

from perturbxai.core.evaluations import Design, Estimate, Evaluations, Law, RowGroups, once
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.types import Floats, Weights
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.background_error import as_outputs, coalition_noise, error_of_groups
from perturbxai.estimation.coalitions.blocks import Columns, Gain, WithIntercept
from perturbxai.estimation.coalitions.semivalues import with_ends
from perturbxai.estimation.coalitions.surrogate import adjusted
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import processes_held
from perturbxai.estimation.survey import MAX_LEVERAGE, Clusters, row_weights
from perturbxai.sampling.full_rank import surely_full_rank

OF_SLOPES = ("auto", "none", "process")  # surrogates


class OfSlopes(FromCoalitions):
    """A method whose values are the slopes of this fit, or follow from them."""

    wants_groups: ClassVar[bool] = True

    def arrays_held(self, n_players: int, n_coalitions: int, on_cells: bool) -> float:
        """Arrays (coalitions, players) that the fit holds at once, as measured; blocks, or controls of rows, come beside."""
        return (
            36.0 if on_cells else blocks.arrays_held(n_players, n_coalitions, 8.0) + processes_held(n_players, n_coalitions)
        )


@dataclass(frozen=True, eq=False)
class Slopes(LinearFit):
    """The part of the fit that depends on the design alone. Of a long table it is made, and used, by blocks of rows.

    z (n, P) with the empty and the full coalition first;  operator (P + 1, n): from values to intercept and slopes
    gain (M, P): of drawn rows, HC3
    """

    n_ends: ClassVar[int] = 2
    z: Floats | Columns
    operator: Floats | WithIntercept
    each: Weights

    @property
    def row_weight(self) -> Floats:
        return self.each

    @property
    def asked(self) -> Floats:
        """Nothing and everything are always asked."""
        clusters = self.clusters
        by_stratum = np.bincount(clusters.stratum, minlength=len(clusters.pairs)) / clusters.pairs
        assert self.starts is not None
        lengths = np.diff(np.append(self.starts, len(self.gain)))
        return np.concatenate([[1.0, 1.0], np.repeat(by_stratum[clusters.stratum], lengths)])

    def answers(self, values: Floats) -> Floats:
        return values

    def values_of(self, answers: Floats) -> Floats:
        return np.asarray((self.operator @ answers)[1:])

    def line(self, values: Floats) -> Floats:
        return np.asarray(self.z @ values)

    def left_by(self, answers: Floats) -> Floats:
        found = self.operator @ answers
        return np.asarray(answers - found[0] - self.z @ found[1:])

    def estimate(self, table: Evaluations, surrogate: str, weights: SizeWeights) -> Estimate:
        """Slopes (P, K) and their errors.

        surrogate: one of SURROGATES;  weights: of the slopes as sums over all coalitions
        """
        values = table.values if table.weight is not None else np.vstack([table.empty, table.full, table.values])
        centre = values.mean(axis=0)  # less rounding where the outputs are far from zero
        found = self.operator @ (values - centre)
        left = values - centre - found[0] - self.z @ found[1:]
        n_ends = 2 if table.weight is None else 0
        residuals, ends = left[n_ends:], left[:n_ends]  # these are listed: they bring no sampling error
        stderr, critical = self.errors(residuals, found[1:], table, ends, tails=True)
        background = None if table.groups is None or table.weight is not None else self._background(table.groups)
        plain = Estimate(found[1:], stderr, critical, self.df if not table.design.listed else np.inf, background)
        return adjusted(surrogate, self, weights, table, values, left, plain)

    def _background(self, groups: RowGroups) -> Floats:
        """(P, K): the error that the draw of the background adds."""
        values = as_outputs(groups)
        found = self.operator @ values
        residuals = (values - found[0] - self.z @ found[1:])[2:]
        return error_of_groups(groups, found[1:], coalition_noise(self.clusters, self.gain, residuals, self.starts, self.df))

    @classmethod
    def of(cls, key: Hashable, law: Law, ridge: float, table: Evaluations) -> Self:
        """The fit under a law. A table with its own weights is fitted with those; else it is kept in the design by key."""
        if table.weight is not None:
            return cls._make(law, ridge, table.design, table.weight)
        return once(table.design.cache, key, lambda: cls._make(law, ridge, table.design, None))

    @classmethod
    def _make(cls, law: Law, ridge: float, design: Design, own: Floats | None) -> Self:
        n_players = design.n_players
        if own is None:
            inner = row_weights(law, design)
            weight = np.concatenate([law.in_fits[[0, -1]], inner])
            if ridge:  # in lime's own units, where a row weighs its kernel: the ridge then means what it means there
                weight = weight * law.total * len(weight)
        else:
            weight, inner = own, own
        parts = None if blocks.in_one_piece(len(weight), n_players) else _in_blocks(design, weight, ridge, own is None)
        z, operator, gain = parts or _in_one_piece(design, weight, ridge, own is None)
        starts = np.unique(design.pair, return_index=True)[1]
        paired = 2 * len(starts) == len(design.z)
        # a walk goes through sizes that hardly count here: at 16 players and p = 1/2 intervals beside one covered .2 to .8
        known = paired and not (design.chain >= 0).any()
        df = float(len(starts) - n_players) if known else 0.0
        return cls(gain, np.add.reduceat(inner, starts), starts, Clusters.of(design), df, z, operator, weight)


def _in_one_piece(design: Design, weight: Weights, ridge: float, ends: bool) -> tuple[Floats, Floats, Floats]:
    """Rows, operator and gain by factoring all rows at once."""
    z = (with_ends(design.z) if ends else design.z).astype(np.float64)
    operator, leverage = solve(np.column_stack([np.ones(len(z)), z]), np.sqrt(weight), ridge)
    drawn = slice(2 * ends, None)
    return z, operator, operator[1:, drawn].T / (1.0 - np.minimum(leverage[drawn], MAX_LEVERAGE))[:, None]


def _in_blocks(design: Design, weight: Weights, ridge: float, ends: bool) -> tuple[Columns, WithIntercept, Gain] | None:
    """The same by normal equations, None where the weights span too much for them."""
    nothing = np.zeros(design.n_players)
    total = weight.sum()
    mean = Columns(design.z, nothing, ends=ends).moment(weight) / total
    x = Columns(design.z, mean, ends=ends)
    inverse = blocks.inverse_of(x.gram(weight) + ridge * np.eye(design.n_players))
    if inverse is None or not (weight > np.finfo(np.float64).tiny).all():
        return None
    own = weight[2 * ends :]
    drawn = Columns(design.z, mean)
    lengths, squared = drawn.lengths(inverse)
    hat = np.minimum(own * (1.0 / total + lengths), MAX_LEVERAGE)
    gain = Gain(drawn, own / (1.0 - hat), inverse, squared)
    return Columns(design.z, nothing, ends=ends), WithIntercept(x, weight, inverse, ridge), gain


def solve(x: Floats, root: Floats, ridge: float) -> tuple[Floats, Floats]:
    """The operator (P + 1, n) of weighted least squares with an unpenalised first column, and the leverages (n,).

    x (n, P + 1), ones first;  root (n,): square roots of the weights. Weights span many orders of magnitude, so the rows
    go into the factorisation from the heaviest to the lightest and its columns are pivoted: then each row is solved to
    its own precision (Cox & Higham, "Stability of Householder QR factorization for weighted least squares problems", 1998).
    """
    n, p = x.shape
    weighed = root > np.sqrt(np.finfo(np.float64).tiny)
    if not ridge and not (weighed.all() and (surely_full_rank(x.T @ x) or np.linalg.matrix_rank(x) == p)):
        raise ValueError(
            f"the table's {n} coalitions do not determine {p - 1} slopes and an intercept at the weights they have. "
            "Draw more coalitions, or take a wider kernel."
        )
    rows = np.vstack([x * root[:, None], np.sqrt(ridge) * np.eye(p)[1:]]) if ridge else x * root[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1), kind="stable")
    scale = np.sqrt((rows**2).sum(axis=0))
    q, r, pivot = linalg.qr((rows / scale)[order], mode="economic", pivoting=True)
    operator, leverage = np.empty((p, len(rows))), np.empty(len(rows))
    operator[np.ix_(pivot, order)] = linalg.solve_triangular(r, q.T)
    leverage[order] = (q**2).sum(axis=1)
    return (operator / scale[:, None])[:, :n] * root, leverage[:n]
