"""KernelSHAP: Shapley values as projected weighted least squares on complementary pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Evaluations, Law, RowGroups
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.options import checked
from perturbxai.core.types import Floats
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.background_error import coalition_noise, error_of_groups, flat, of_ends
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.row_fit import shapley_on_cells
from perturbxai.estimation.coalitions.surrogate import SURROGATES, adjusted
from perturbxai.estimation.survey import check_reuse
from perturbxai.sampling import laws


@checked
@dataclass(frozen=True, kw_only=True)
class KernelShap(FromCoalitions):
    """Shapley values of the masking game, with standard errors.

    Estimates phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! * [v(S + i) - v(S)], in units of the model's
    output, as the weighted least squares of Lundberg & Lee, "A unified approach to interpreting model predictions"
    (2017), drawn by leverage in complementary pairs (Musco & Witter, "Provably accurate Shapley value estimation via
    leverage score sampling", 2024). The values sum to v(N) - v(nothing) to rounding. With all coalitions listed they are
    exact; two-additive games are solved exactly from any budget of 2P coalitions or more. Errors are infinite up to about
    2.7 P coalitions, where one antithetic walk leads the fit and too little is left beside it to tell them. Coalitions that
    agree are no proof: no error of a sample is below what a residual would make that none of n pairs has shown, as large as
    the largest that was seen and as likely as 1 / (n + 2), and no player's is below the mean of all. So a game that is
    fitted without a residual keeps an error of some per cent of its largest value, which falls with what is asked, and one
    that was not seen to vary has an infinite one.

    `stderr` is about the background that the space has. What its draw from X adds is `stderr_background` (for 20 outputs at
    most): sqrt(stderr^2 + stderr_background^2) is the error towards the values that all rows like these stand for.

    surrogate  games fitted to other folds of the same answers that take what they explain out of the noise, where the
               estimated variance falls by a fifth or more. "triples": products of three players, some hundredths of a second
               an output; "trees": boosted trees on coalitions, about a tenth of a second; "auto": triples, and for up to 3
               outputs trees where triples leave more than half, both on pictures and on tables of 50 background rows or
               more; "none" or "linear": nothing beyond the least squares. From 20 P coalitions on, for 20 outputs at most,
               not on single background rows (`rows=`). `meta["surrogate"]` has, by output, what was taken and the ratio of
               the estimated variances
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
    wants_groups: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.one_of("surrogate", self.surrogate, SURROGATES)

    def law(self, n_players: int) -> Law:
        return laws.shapley(n_players)

    def arrays_held(self, n_players: int, n_coalitions: int, on_cells: bool) -> float:
        """Arrays (coalitions, players) that the fit holds at once, as measured; blocks, or controls of rows, come beside."""
        if on_cells:
            return 20.0
        of_surrogate = 0.0 if self.surrogate in ("none", "linear") else 1.0
        return blocks.arrays_held(n_players, n_coalitions, 4.0) + of_surrogate

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K), their standard errors and the simultaneous factor, from a table of coalition values.

        Raises ValueError if the table was drawn for another law, if its coalitions do not come in complementary pairs,
        or if they do not span the players.
        """
        design, gain = table.design, table.full - table.empty
        n_players = design.n_players
        if n_players < 2:
            exact = np.tile(gain, (n_players, 1))
            alone = Estimate(exact, np.zeros_like(exact), np.full(len(gain), 1.96), np.inf)
            return alone if table.groups is None else replace(alone, stderr_background=of_ends(table.groups, n_players))
        check_reuse(self.law(n_players), design)
        if table.bases is not None:
            return shapley_on_cells(self.law(n_players), table)
        fit = PairFit.of(self.law(n_players), design)
        odd = 0.5 * (table.values[fit.first] - table.values[fit.second])  # (R, K)
        share = gain / n_players
        # players beyond half of them, on a pair's first side
        beyond = np.asarray(design.sizes[fit.first, None] - 0.5 * n_players, dtype=np.float64)
        target = odd - beyond * share
        values = share + fit.solve(target)
        stderr, critical = fit.errors(odd - fit.u @ values, values, table)
        df = fit.df if not design.listed else np.inf
        background = None if table.groups is None else _background(fit, table.groups, beyond)
        plain = Estimate(values, stderr, critical, df, background, _odd_share(fit, table, odd))
        return adjusted(self.surrogate, fit, table, odd, plain)


def _background(fit: PairFit, groups: RowGroups, beyond: Floats) -> Floats:
    """(P, K): the error that the draw of the background adds."""
    values = flat(groups.values)
    odd = 0.5 * (values[fit.first] - values[fit.second])
    share = -groups.empty.reshape(-1) / fit.u.shape[1]
    found = share + fit.solve(odd - beyond * share)
    noise = coalition_noise(fit.clusters, fit.gain, odd - fit.u @ found, None, fit.df)
    return error_of_groups(groups, found, noise)


def _odd_share(fit: PairFit, table: Evaluations, odd: Floats) -> dict[str, list[float]]:
    """The odd part's share of the variance of the values, sizes weighted as Shapley values weigh them."""
    even = 0.5 * (table.values[fit.first] + table.values[fit.second])
    weight = fit.weight / fit.weight.sum()
    centred = even - weight @ even
    parts = weight @ odd**2, weight @ centred**2
    total = parts[0] + parts[1]
    return {"odd_share": np.divide(parts[0], total, out=np.full(len(total), np.nan), where=total > 0).tolist()}
