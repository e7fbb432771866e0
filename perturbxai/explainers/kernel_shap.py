"""KernelSHAP: Shapley values as projected weighted least squares on complementary pairs."""

from __future__ import annotations

from collections.abc import Sequence
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
from perturbxai.explainers.surrogate import (
    SURROGATES,
    Pairs,
    Triples,
    folds,
    kinds_of,
    tell_by_trees,
    tell_by_triples,
)
from perturbxai.laws import Law
from perturbxai.tables import Design, Estimate, Evaluations, Floats, Ints

MOST_OUTPUTS = 20  # beyond them no surrogate is tried
KNOWN = 1 / 3  # degrees of freedom a player beside a walk, below which the error counts as not known
LOWERED = 0.8  # a surrogate is taken if the estimated variance with it is at most so much of that without


@dataclass(frozen=True, kw_only=True)
class KernelShap:
    """Shapley values of the masking game, with standard errors.

    Estimates phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! * [v(S + i) - v(S)], in units of the model's
    output, as the weighted least squares of Lundberg & Lee, "A unified approach to interpreting model predictions"
    (2017), drawn by leverage in complementary pairs (Musco & Witter, "Provably accurate Shapley value estimation via
    leverage score sampling", 2024). The values sum to v(N) - v(nothing) to rounding. With all coalitions listed they are
    exact; two-additive games are solved exactly from any budget of 2P coalitions or more. Errors are infinite up to about
    2.7 P coalitions, where one antithetic walk leads the fit and too little is left beside it to tell them.

    surrogate  what may explain a part of the game before the rest is sampled, fitted to other folds of the same coalitions
               and taken only where it lowers the estimated variance by a fifth or more. "triples": products of three
               players; "trees": boosted trees on coalitions, some tenths of a second an output where they promise something;
               "auto": both, on pictures and on tables with 50 background rows or more; "none". From 20 P coalitions on, up
               to a quarter of all, and for 20 outputs at most; not on single background rows. `meta["surrogate"]` has, by
               output, what was taken and the ratio of the variances
    name       the key of the result, "kernel_shap" if empty

    `meta["odd_share"]` is, by output, the share of the game's variance that Shapley values hang on: the odd part, which
    complementary pairs see. Where it is near 1 a pair tells little more than one coalition.

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> found = px.explain(["kernel_shap"], px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2]), space, np.ones((1, 3)))
    >>> found["kernel_shap"].values[0, :, 0].round(3)
    array([0.5, 0.5, 1. ])
    """

    surrogate: str = "auto"
    name: str = ""
    on_cells: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.surrogate not in SURROGATES:
            raise ValueError(f"surrogate={self.surrogate!r} is not known; expected one of {', '.join(SURROGATES)}.")

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
        df = fit.df if not design.listed else np.inf
        plain = Estimate(values, stderr, critical, df, notes=_odd_share(fit, table, odd))
        return _adjusted(kinds_of(self.surrogate, table.costly), fit, table, odd, plain)


def _odd_share(fit: _Fit, table: Evaluations, odd: Floats) -> dict[str, list[float]]:
    """The odd part's share of the variance of the values, sizes weighted as Shapley values weigh them."""
    even = 0.5 * (table.values[fit.first] + table.values[fit.second])
    weight = fit.weight / fit.weight.sum()
    centred = even - weight @ even
    parts = weight @ odd**2, weight @ centred**2
    total = parts[0] + parts[1]
    return {"odd_share": np.divide(parts[0], total, out=np.full(len(total), np.nan), where=total > 0).tolist()}


def _adjusted(kinds: Sequence[str], fit: _Fit, table: Evaluations, odd: Floats, plain: Estimate) -> Estimate:
    """The estimate with the surrogate of each output that lowers its variance enough, or as it is."""
    design, gain = table.design, table.full - table.empty
    (n_pairs, n_players), n_outputs = fit.u.shape, odd.shape[1]
    few, most = 2 * n_pairs + 2 < 20 * n_players, 8 * n_pairs > 2**n_players  # of nearly all nothing is left to tell
    if not kinds or design.listed or few or most or (design.chain >= 0).any() or n_outputs > MOST_OUTPUTS:
        return plain
    even, fold = 0.5 * (table.values[fit.first] + table.values[fit.second]), folds(fit.clusters.stratum)
    values, stderr, critical = plain.values.copy(), plain.stderr.copy(), plain.critical.copy()
    taken, best = ["none"] * n_outputs, np.ones(n_outputs)
    for kind in kinds:
        triples = _triples(design, fit) if kind == "triples" else None
        for k in range(n_outputs):
            pairs = Pairs(design.z[fit.first], odd[:, k], even[:, k], fit.weight, fold, plain.values[:, k])
            told = tell_by_trees(pairs) if kind == "trees" else tell_by_triples(pairs, triples) if triples else None
            if told is None:
                continue
            # each pair's rest is a game of its own, held to the sum that its surrogate left
            target = odd[:, k] - told.odd - fit.u.mean(axis=1) * (gain[k] - told.gain)
            rest = fit.solve(target)
            left = np.zeros_like(odd)
            left[:, k] = target - fit.u @ rest
            errs, factors = errors(fit.clusters, fit.gain, fit.weight, left, None, fit.df, table)
            ratio = float((errs[:, k] ** 2).sum() / max((plain.stderr[:, k] ** 2).sum(), np.finfo(np.float64).tiny))
            if ratio < best[k] and ratio <= LOWERED:
                values[:, k] = told.shapley + (gain[k] - told.shapley.sum()) / n_players + rest
                stderr[:, k], critical[k], taken[k], best[k] = errs[:, k], factors[k], kind, ratio
    told_of = {"surrogate": [{"taken": t, "variance": float(b)} for t, b in zip(taken, best, strict=True)]}
    return Estimate(values, stderr, critical, plain.df, notes=plain.notes | told_of)


def _triples(design: Design, fit: _Fit) -> Triples | None:
    """Kept with the design, because every input and output can use them."""
    if "triples" not in design.cache:
        design.cache["triples"] = Triples.of(design.z[fit.first])
    found: Triples | None = design.cache["triples"]
    return found


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
        if (design.chain >= 0).any() and df < n_players * KNOWN:
            df = 0.0  # the fit follows the walk so closely that what it leaves says nothing of the error
        return cls(first, second, u, weight, operator, gain, Clusters.of(design), df)
