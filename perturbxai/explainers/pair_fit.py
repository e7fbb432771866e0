"""Projected least squares on complementary pairs: everything of KernelSHAP's solve that depends on the design alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.explainers.linearised import MAX_LEVERAGE, Clusters, pair_sides, row_weights, sum_zero_basis
from perturbxai.laws import Law
from perturbxai.tables import Design, Floats, Ints

KNOWN = 1 / 3  # degrees of freedom a player beside a walk, below which the error counts as not known


@dataclass(frozen=True, eq=False)
class PairFit:
    """The fit of a design; inputs with one design share it.

    first, second (R,): rows of the two sides of each pair
    u (R, P) = z - 1/2 of a pair's first row;  weight (R,);  gain (R, P): what a unit residual moves the values, HC3
    operator (P, R): from odd parts, less what is shared evenly, to values;  df degrees of freedom
    """

    first: Ints
    second: Ints
    u: Floats
    weight: Floats
    operator: Floats
    gain: Floats
    clusters: Clusters
    df: float

    def solve(self, target: Floats) -> Floats:
        """(P, K): the values, which sum to zero, that fit a target (R, K) best."""
        return np.asarray(self.operator @ target)

    @property
    def asked(self) -> Floats:
        """(R,): the share of all pairs of its size that was drawn."""
        stratum = self.clusters.stratum
        return np.asarray((np.bincount(stratum, minlength=len(self.clusters.pairs)) / self.clusters.pairs)[stratum])

    @classmethod
    def of(cls, law: Law, design: Design) -> PairFit:
        """Made once a design. Raises ValueError if there are no pairs, or if they do not span the players."""
        if "kernel_shap" not in design.cache:
            design.cache["kernel_shap"] = cls._make(law, design)
        found: PairFit = design.cache["kernel_shap"]
        return found

    @classmethod
    def _make(cls, law: Law, design: Design) -> PairFit:
        first, second = pair_sides(design)
        n_players = design.n_players
        weights = row_weights(law, design)
        weight = weights[first] + weights[second]
        u = design.z[first].astype(np.float64) - 0.5
        # Removing the constraint by projection keeps efficiency to rounding and never worsens the conditioning; a large
        # weight on the empty and the full coalition would do neither.
        basis = sum_zero_basis(n_players)  # (P, P - 1)
        x = (u @ basis) * np.sqrt(weight)[:, None]
        left, singular, right = np.linalg.svd(x, full_matrices=False)
        if len(singular) < n_players - 1 or singular[-1] <= 1e-10 * singular[0]:
            raise ValueError(
                f"the table's {len(first)} pairs of coalitions do not span {n_players} players. "
                "Draw more coalitions, or let explain() draw them: its designs always span."
            )
        leverage = np.minimum((left**2).sum(axis=1), MAX_LEVERAGE)
        # (P, R): from odd parts to values
        operator = (basis @ (right.T / singular)) @ (left.T * np.sqrt(weight))
        gain = operator.T / (1.0 - leverage)[:, None]
        df = float(len(first) - (n_players - 1))
        if (design.chain >= 0).any() and df < n_players * KNOWN:
            df = 0.0  # the fit follows the walk so closely that what it leaves says nothing of the error
        return cls(first, second, u, weight, operator, gain, Clusters.of(design), df)
