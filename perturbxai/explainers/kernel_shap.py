"""KernelSHAP: Shapley values as projected weighted least squares on complementary pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbxai import laws
from perturbxai.explainers.cell_fit import shapley_on_cells
from perturbxai.explainers.linearised import (
    MAX_LEVERAGE,
    Clusters,
    check_reuse,
    errors,
    pair_sides,
    row_weights,
    sum_zero_basis,
)
from perturbxai.laws import Law
from perturbxai.tables import Design, Estimate, Evaluations, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class KernelShap:
    """Shapley values of the masking game, with standard errors.

    Estimates phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! * [v(S + i) - v(S)], in units of the model's
    output, as the weighted least squares of Lundberg & Lee, "A unified approach to interpreting model predictions"
    (2017), drawn by leverage in complementary pairs (Musco & Witter, "Provably accurate Shapley value estimation via
    leverage score sampling", 2024). The values sum to v(N) - v(nothing) to rounding. With all coalitions listed they are
    exact; two-additive games are solved exactly from any budget of 2P coalitions or more.

    name  the key of the result, "kernel_shap" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> found = px.explain(["kernel_shap"], px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2]), space, np.ones((1, 3)))
    >>> found["kernel_shap"].values[0, :, 0].round(3)
    array([0.5, 0.5, 1. ])
    """

    name: str = ""
    on_cells: ClassVar[bool] = True

    def law(self, n_players: int) -> Law:
        return laws.shapley(n_players)

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K), their standard errors and the simultaneous factor, from a table of coalition values.

        Raises ValueError if the table was drawn for another law, if its coalitions do not come in complementary pairs,
        or if they do not span the players.
        """
        design, gain = table.design, table.full - table.empty
        n_players = design.n_players
        if n_players < 2:
            exact = np.tile(gain, (n_players, 1))
            return Estimate(exact, np.zeros_like(exact), np.full(len(gain), 1.96), np.inf)
        check_reuse(self.law(n_players), design)
        if table.bases is not None:
            return shapley_on_cells(self.law(n_players), table)
        fit = _Fit.of(self.law(n_players), table)
        odd = 0.5 * (table.values[fit.first] - table.values[fit.second])  # (R, K)
        share = gain / n_players
        target = odd - fit.u.sum(axis=1)[:, None] * share
        values = share + fit.solve(target)
        residuals = odd - fit.u @ values
        stderr, critical = errors(fit.clusters, fit.gain, fit.weight, residuals, None, fit.df, table)
        return Estimate(values, stderr, critical, fit.df if not design.listed else np.inf)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Everything of the solve that depends on the design alone; inputs with one design share it.

    u (R, P) = z - 1/2 of a pair's first row;  weight (R,);  gain (R, P): what a unit residual moves the values, HC3
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
        return np.asarray(self.operator @ target)

    @classmethod
    def of(cls, law: Law, table: Evaluations) -> _Fit:
        design = table.design
        if "kernel_shap" not in design.cache:
            design.cache["kernel_shap"] = cls._make(law, design)
        found: _Fit = design.cache["kernel_shap"]
        return found

    @classmethod
    def _make(cls, law: Law, design: Design) -> _Fit:
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
        return cls(first, second, u, weight, operator, gain, Clusters.of(design), df)
