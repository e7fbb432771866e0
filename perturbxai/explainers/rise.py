"""RISE on players: the mean output where a player is seen, the others each seen or not at random."""

from dataclasses import replace

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.options import options
from perturbxai.core.types import Floats
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.background_error import as_outputs, coalition_noise, error_of_groups
from perturbxai.estimation.coalitions.blocks import Columns, Gain
from perturbxai.estimation.coalitions.semivalues import banzhaf_weights
from perturbxai.estimation.coalitions.slopes import OF_SLOPES, OfSlopes
from perturbxai.estimation.intervals import no_players
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.survey import Clusters, check_reuse, row_weights
from perturbxai.explainers.banzhaf import slopes_under
from perturbxai.sampling import laws

ESTIMATORS = ("regression", "centred", "plain")


@options
class Rise(OfSlopes):
    """RISE on players: E[v | i is present] - E v, each player present with probability p, in units of the output.

    RISE (Petsiuk, Das & Saenko, "RISE: randomized input sampling for explanation of black-box models", 2018) shows a pixel
    the mean score of the masks that leave it visible. Here a superpixel, or a column, is visible or not as a whole; for the
    smooth masks of the paper take `rise_smooth`. That mean is E v + (1 - p) beta_i, beta_i the Banzhaf value at p: the
    ranking is Banzhaf's, and E v, the same for all players and told in `meta["mean"]`, is left out of the values. They do
    not sum to v(N) - v(nothing). With all coalitions listed each estimator is exact.

    Regression needs far fewer coalitions than the mean that defines it, because what a linear fit explains is no noise any
    more. At 49 players and 2,000 coalitions its squared error, up to a constant, was 1/45 of that of the paper's estimator
    and its independent draws on a mild sigmoid of a sum, 1/8 on a steep one, 1/9 on products of up to five players. The
    intervals are those of `banzhaf`, with the same limits far from p = 1/2, and infinite below 4P - 2 coalitions, where
    they would be too short. Coalitions are drawn in complementary pairs, in which at p = 1/2 "plain" and "centred" are
    the same but for E v.

    p          probability with which each player is present, above 0 and below 1
    estimator  "regression": (1 - p) times the slopes of the best linear fit; "centred": the mean of present times v less
               the mean of v, over p; "plain": the paper's, the mean of present times v, over p, which keeps E v
    surrogate  "process": a Gaussian process over coalitions that is fitted to the answers takes noise out of the values, or
               gives its own, where that lowers their estimated variance, for "regression"; "auto": as far as it takes
               little time beside the model, see there; "none": the least squares alone
    name       the key of the result, "rise" if empty

    >>> import numpy as np, perturbxai as px
    >>> model = px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2])
    >>> found = px.explain("rise", model, px.TabularSpace(np.zeros((1, 3))), np.ones((1, 3)))["rise"]
    >>> found.values[0, :, 0].round(6), found.meta["mean"]
    (array([0.25, 0.25, 0.5 ]), [0.75])
    """

    p: float = 0.5
    estimator: str = "regression"
    surrogate: str = "auto"
    name: str = ""

    def __post_init__(self) -> None:
        checks.share("p", self.p, "; 0.5 is RISE's own")
        checks.one_of("estimator", self.estimator, ESTIMATORS)
        checks.one_of("surrogate", self.surrogate, OF_SLOPES)

    @property
    def on_cells(self) -> bool:
        """True if single background rows will do: the fit takes their noise away, a mean does not."""
        return self.estimator == "regression"

    def law(self, n_players: int) -> Law:
        return laws.binomial(n_players, self.p, "RISE")

    def wanted(self, n_players: int) -> SizeWeights | None:
        fitted = self.surrogate != "none" and self.estimator == "regression"
        return SizeWeights.semivalue(banzhaf_weights(n_players, self.p)) if fitted else None

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K) and their errors, from a table of coalition values.

        Raises ValueError if the table was drawn for another law, or if its rows do not span the players.
        """
        n_players = table.design.n_players
        if n_players == 0:
            return no_players(len(table.full))
        law = self.law(n_players)
        if self.estimator == "regression":
            found, factor = slopes_under(law, self.p, self.surrogate, table), 1.0 - self.p
            background = None if found.stderr_background is None else factor * found.stderr_background
            found = replace(found, values=factor * found.values, stderr=factor * found.stderr, stderr_background=background)
        else:
            check_reuse(law, table.design)
            found = _means(law, self.p, self.estimator == "centred", table)
        if table.bases is None:
            weight = _weights(law, table)
            found.notes["mean"] = (weight @ np.vstack([table.empty, table.full, table.values])).tolist()
        return found


def _weights(law: Law, table: Evaluations) -> Floats:
    """(2 + M,): of the empty, the full and the other coalitions."""
    return np.concatenate([law.mass[[0, -1]], row_weights(law, table.design)])


def _means(law: Law, p: float, centred: bool, table: Evaluations) -> Estimate:
    """Weighted means over the coalitions that hold a player, with the errors of any linear statistic of the design."""
    design = table.design
    weight = _weights(law, table)
    share = np.zeros(design.n_players)
    if centred:
        share = Columns(design.z, share, ends=True).moment(weight)
    x, by_block = Columns(design.z, share, ends=True), Gain(Columns(design.z, share), weight[2:] / p, None)
    gain = by_block.before(slice(None)) if blocks.in_one_piece(*by_block.shape) else by_block
    values = np.vstack([table.empty, table.full, table.values])
    mean = weight @ values
    load = weight[:, None] / p
    sums = x.moment(load * (values - mean)) + x.moment(load) * mean  # less rounding where outputs are far from zero
    starts = np.unique(design.pair, return_index=True)[1]
    clusters = Clusters.of(design)
    paired = 2 * len(starts) == len(design.z)
    df = float(len(starts) - len(np.unique(clusters.stratum))) if paired else 0.0
    residuals = table.values - mean if centred else table.values
    ends = values[:2] - mean if centred else values[:2]
    fit = LinearFit(gain, np.add.reduceat(weight[2:], starts), starts, clusters, df)
    stderr, critical = fit.errors(residuals, sums, table, ends, tails=True)
    found = Estimate(sums, stderr, critical, np.inf if design.listed else df)
    if table.groups is None:
        return found
    apart = as_outputs(table.groups)
    noise = coalition_noise(clusters, gain, apart[2:], starts, df)
    return replace(found, stderr_background=error_of_groups(table.groups, x.moment(load * apart), noise))
