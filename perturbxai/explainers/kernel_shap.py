"""KernelSHAP: Shapley values as projected weighted least squares on complementary pairs."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Evaluations, Law, RowGroups
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.options import options
from perturbxai.core.types import Floats
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.background_error import as_outputs, coalition_noise, error_of_groups, of_ends
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.row_fit import shapley_on_cells
from perturbxai.estimation.coalitions.semivalues import shapley_weights
from perturbxai.estimation.coalitions.surrogate import SURROGATES, adjusted
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import processes_held
from perturbxai.estimation.survey import check_reuse
from perturbxai.sampling import laws


@options
class KernelShap(FromCoalitions):
    """Shapley values of players, which are columns, groups of columns or superpixels, with standard errors.

    What it estimates. v(S) is the model's output with the players in S as the input has them and all others as the
    background (a table) or the fill (a picture) has them, in the mean over the background. A player's value is what it adds
    to v on average over all orders in which players may join: phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! *
    [v(S + i) - v(S)]. Values are signed, in units of the model's output, and sum to v(N) - v(nothing): the output at the
    input less that of the background.

    When to take it. For Shapley values where `exact_shap` cannot list all 2^P coalitions. At one budget it errs less than
    `permutation_shap` and `sampling_shap` on nearly every model, and other methods of coalitions in the same call share its
    questions and what is learned from them. The budget counts coalitions, of which it needs 2P, or 2^P if that is fewer.
    With all of them it is exact; for models of main effects and pairs of players it is exact from 2P on.

    How. Coalitions are drawn by leverage, each with its complement (Musco & Witter, "Provably accurate Shapley value
    estimation via leverage score sampling", 2024). Weighted least squares on the hyperplane of that sum (Lundberg & Lee, "A
    unified approach to interpreting model predictions", 2017) is where values start from. A Gaussian process over coalitions
    that is fitted to the answers, and other surrogates, take noise out of them where that pays.

    What comes back. `values` and `stderr` are (N, P, K), of inputs, players and outputs. `stderr` is the error from having
    drawn coalitions; it is about the background that the space has. What drawing that background from X adds is
    `stderr_background` (for 20 outputs at most): sqrt(stderr^2 + stderr_background^2) is the error towards the values of
    all rows like these. An error that is not known is infinite: up to about 2.7 P coalitions, and where the model was not
    seen to vary. Coalitions that agree are no proof: no error is below what a residual as large as the largest would make
    that none of n pairs has shown, at the probability 1 / (n + 2), and no player's is below the mean of all. So a model
    that is fitted without a residual keeps an error of some per cent of its largest value, which falls as more is asked.
    `meta["odd_share"]` is, by output, the share of the game's variance that Shapley values hang on. Where it is near 1 a
    pair tells little more than one coalition.

    surrogate  a second model, fitted to the answers, where it lowers the estimated variance. What it says of a pair comes
               from fits to the others. "process": a Gaussian process over coalitions, up to 4,000 of them and 128 players,
               from tenths of a second an output. What it predicts is taken out of the noise, and what is estimated stays the
               same; or its own values are given ("posterior"), which draw on all answers at once and are nearer where few
               were asked. "triples": products of three players; "trees": boosted trees, both from 20 P coalitions on.
               "none" or "linear": nothing beyond the least squares. "all": any of them and two together, whatever time that
               takes. "auto": the same as far as fits take about a tenth of the model's time, or half a second a picture
               where the model takes less than 5 milliseconds for it; where a rate for each player takes too long, one for
               all. A model that is faster than that had better be asked more coalitions. For 20 outputs at most, not on
               single background rows (`rows=`). `meta["surrogate"]` has, by output, what was taken and the ratio of the
               estimated variances
    name       the key of the result, "kernel_shap" if empty

    Raises ValueError for another surrogate; `explain` raises it, before the model is asked, for a budget that is too small.

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))  # the background: one row of zeros
    >>> model = px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2])
    >>> found = px.explain(px.KernelShap(surrogate="none"), model, space, np.ones((1, 3)))["kernel_shap"]
    >>> found.values.shape, found.values[0, :, 0].round(3)
    ((1, 3, 1), array([0.5, 0.5, 1. ]))
    """

    surrogate: str = "auto"
    name: str = ""
    on_cells: ClassVar[bool] = True
    wants_groups: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.one_of("surrogate", self.surrogate, SURROGATES)

    def law(self, n_players: int) -> Law:
        return laws.shapley(n_players)

    def wanted(self, n_players: int) -> SizeWeights | None:
        if self.surrogate not in ("auto", "all", "process"):
            return None
        return SizeWeights.semivalue(shapley_weights(n_players))

    def arrays_held(self, n_players: int, n_coalitions: int, on_cells: bool) -> float:
        """Arrays (coalitions, players) that the fit holds at once, as measured; blocks, or controls of rows, come beside."""
        if on_cells:
            return 20.0
        of_surrogate = 0.0 if self.surrogate in ("none", "linear") else 1.0
        of_process = 0.0 if self.wanted(2) is None else processes_held(n_players, n_coalitions)
        return blocks.arrays_held(n_players, n_coalitions, 4.0) + of_surrogate + of_process

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
        odd, values = fit.shapley(table.values, gain)
        stderr, critical = fit.errors(odd - fit.u @ values, values, table)
        df = fit.df if not design.listed else np.inf
        background = None if table.groups is None else _background(fit, table.groups)
        plain = Estimate(values, stderr, critical, df, background, {"odd_share": _odd_share(fit, table, odd)})
        weights = SizeWeights.semivalue(shapley_weights(n_players))
        return adjusted(self.surrogate, fit, weights, table, odd, odd - fit.u @ values, plain)


def _background(fit: PairFit, groups: RowGroups) -> Floats:
    """(P, K): the error that the draw of the background adds."""
    values = as_outputs(groups)
    odd, found = fit.shapley(values[2:], values[1] - values[0])
    noise = coalition_noise(fit.clusters, fit.gain, odd - fit.u @ found, None, fit.df)
    return error_of_groups(groups, found, noise)


def _odd_share(fit: PairFit, table: Evaluations, odd: Floats) -> list[float]:
    """The odd part's share of the variance of the values, sizes weighted as Shapley values weigh them."""
    even = 0.5 * (table.values[fit.first] + table.values[fit.second])
    weight = fit.weight / fit.weight.sum()
    centred = even - weight @ even
    own = weight @ odd**2
    total = own + weight @ centred**2
    found: list[float] = np.divide(own, total, out=np.full(len(total), np.nan), where=total > 0).tolist()
    return found
