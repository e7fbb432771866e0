"""LIME on coalitions: the weighted linear fit, with intercept, whose slopes are the explanation."""

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.options import options
from perturbxai.estimation.coalitions.background_error import of_ends
from perturbxai.estimation.coalitions.row_fit import slopes_on_cells
from perturbxai.estimation.coalitions.slopes import OF_SLOPES, OfSlopes, Slopes
from perturbxai.estimation.intervals import independent, no_players
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.survey import ROUNDING, check_reuse
from perturbxai.sampling import laws


@options
class Lime(OfSlopes):
    """LIME on coalitions, for superpixels and for the players of a table alike.

    This is not LIME as published for tables, which perturbs within quartile bins and has a neighbourhood of its own.
    Estimates the slopes of the best linear fit to the game under LIME's law (Ribeiro, Singh & Guestrin, "Why should I
    trust you?", 2016; the kernel of lime's image explainer), in units of the model's output per player. For a linear game
    the slope is the player's contribution at any kernel width. Errors are infinite below about 4 P coalitions, where an
    antithetic walk is part of the table and what the fit leaves of it says too little.

    kernel_width  of exp(-D^2 / (2 width^2)), D the cosine distance to the full coalition; lime's image default .25,
                  inf weighs all alike
    ridge         lime's alpha, on the slopes only; 0 solves by least squares, lime's own default is 1
    surrogate     "process": a Gaussian process over coalitions that is fitted to the answers takes noise out of the slopes,
                  or gives its own, where that lowers their estimated variance, not with a ridge; "auto": as far as it takes
                  little time beside the model, see there; "none": the least squares alone
    name          the key of the result, "lime" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> found = px.explain(["lime"], px.Predictor(lambda X: X @ [1.0, 2.0, 3.0]), space, np.ones((1, 3)))
    >>> found["lime"].values[0, :, 0].round(6)
    array([1., 2., 3.])
    """

    kernel_width: float = 0.25
    ridge: float = 0.0
    surrogate: str = "auto"
    name: str = ""

    def __post_init__(self) -> None:
        checks.number("kernel_width", self.kernel_width, "positive; lime's image default is 0.25", above=0.0)
        expected = "0 (least squares) or positive, and finite; lime's default is 1"
        checks.number("ridge", self.ridge, expected, least=0.0, below=np.inf)
        checks.one_of("surrogate", self.surrogate, OF_SLOPES)

    @property
    def on_cells(self) -> bool:
        """True if single background rows will do: the fit to them has no ridge."""
        return not self.ridge

    @property
    def off_cells(self) -> str:
        return "with a ridge" if self.ridge else ""

    def law(self, n_players: int) -> Law:
        return laws.lime(n_players, self.kernel_width)

    def wanted(self, n_players: int) -> SizeWeights | None:
        fitted = self.surrogate != "none" and not self.ridge
        return SizeWeights.slopes(self.law(n_players)) if fitted else None

    def estimate(self, table: Evaluations) -> Estimate:
        """Slopes (P, K) and their errors. A table with its own weights (lime's draws) is fitted with those.

        Raises ValueError if the table was drawn for another law, or if its rows do not span the players.
        """
        if table.design.n_players == 0:
            return no_players(len(table.full))
        if table.design.n_players == 1 and table.weight is None and not self.ridge:
            # a line through two points, whatever they weigh; their weights differ too much for a solver
            slope = (table.full - table.empty)[None]
            background = None if table.groups is None else of_ends(table.groups, 1)
            return independent(slope, ROUNDING * table.scale[None], np.inf, stderr_background=background)
        if table.weight is None:
            check_reuse(self.law(table.design.n_players), table.design)
        if table.bases is not None:
            if self.ridge:
                raise ValueError(f"ridge={self.ridge} goes with coalitions: give budget=, or ridge=0 with rows=.")
            return slopes_on_cells(self.law(table.design.n_players), table)
        key = ("lime", self.kernel_width, self.ridge)
        law = self.law(table.design.n_players)
        surrogate = "none" if self.ridge else self.surrogate
        return Slopes.of(key, law, self.ridge, table).estimate(table, surrogate, SizeWeights.slopes(law))
