"""Banzhaf values: what a player adds when each of the others is present with one probability."""

from typing import ClassVar

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.options import options
from perturbxai.estimation.coalitions import semivalues
from perturbxai.estimation.coalitions.row_fit import slopes_on_cells
from perturbxai.estimation.coalitions.slopes import OF_SLOPES, OfSlopes, Slopes
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.survey import check_reuse
from perturbxai.sampling import laws


@options
class Banzhaf(OfSlopes):
    """Banzhaf values, weighted by p, in units of the model's output, with standard errors.

    beta_i = sum over S without i of p^|S| (1 - p)^(P - 1 - |S|) * [v(S + i) - v(S)]: the mean of what i adds to the
    others, each present with probability p (Banzhaf, "Weighted voting doesn't work", 1965, at p = 1/2). It is also the
    slope of the best linear fit to the game under that law (Hammer & Holzman, "Approximations of pseudo-Boolean functions",
    1992, for p = 1/2), which is how drawn coalitions are concluded from; with all coalitions listed it is the sum above.
    The values do not sum to v(N) - v(nothing): what many players do together goes to nobody in full.

    At p = 1/2 it is close to what LIME gives on coalitions. It needs P + 2 coalitions, and 4P - 2 to know its
    error. Coalitions that agree are no proof: a residual that none has shown is in every error, as in `kernel_shap`, and may
    be as large as nothing and everything show. Coalitions are drawn in complementary pairs, which serve p and 1 - p alike:
    far from 1/2 one side of each pair is worth little, and where the value hangs on sizes that p makes rare the intervals
    of few coalitions are too short.

    p          probability with which each other player is present, above 0 and below 1
    surrogate  "process": a Gaussian process over coalitions that is fitted to the answers takes noise out of the values, or
               gives its own, where that lowers their estimated variance, see `KernelShap`; "auto": as far as it takes
               little time beside the model, see there; "none": the least squares alone
    name       the key of the result, "banzhaf" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> model = px.Predictor(lambda X: X[:, 0] * X[:, 1] * X[:, 2] + X[:, 0])
    >>> px.explain("banzhaf", model, space, np.ones((1, 3)))["banzhaf"].values[0, :, 0].round(6)
    array([1.25, 0.25, 0.25])
    """

    p: float = 0.5
    surrogate: str = "auto"
    name: str = ""
    on_cells: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.share("p", self.p, "; 0.5 is Banzhaf's own. For 0 take 'inclusion', for 1 'occlusion'")
        checks.one_of("surrogate", self.surrogate, OF_SLOPES)

    def law(self, n_players: int) -> Law:
        return laws.binomial(n_players, self.p)

    def wanted(self, n_players: int) -> SizeWeights | None:
        return None if self.surrogate == "none" else SizeWeights.semivalue(semivalues.banzhaf_weights(n_players, self.p))

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K) and their errors, from a table of coalition values.

        Raises ValueError if the table was drawn for another law, or if its rows do not span the players.
        """
        return slopes_under(self.law(table.design.n_players), self.p, self.surrogate, table)


def slopes_under(law: Law, p: float, surrogate: str, table: Evaluations) -> Estimate:
    """The slopes of the best linear fit where each player is present with probability p; its law names who asks."""
    n_players = table.design.n_players
    if n_players < 2 or table.design.listed:
        return semivalues.exact_of_table(table, semivalues.banzhaf_weights(n_players, p))
    check_reuse(law, table.design)
    if table.bases is not None:
        return slopes_on_cells(law, table)
    weights = SizeWeights.semivalue(semivalues.banzhaf_weights(n_players, p))
    return Slopes.of(("banzhaf", p), law, 0.0, table).estimate(table, surrogate, weights)
