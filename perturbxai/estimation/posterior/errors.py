"""How far values that a posterior gives may be off.

What the processes say of themselves, tried by the pairs they had not seen, is right where the game is like their prior, and
too little where it is not: what the answers left out show is then small, and what none has shown is not. What the design
says, from the same pairs as residuals of the fit that takes nothing from the process but its predictions, holds for any game
and is far too much where the process knows better. The error stated lies between the two, two parts of the first and one of
the second, in logarithms, and more of the second the farther single answers lie from what was said of them; that this
covers is a matter of simulation, not of proof.
"""

import numpy as np

from perturbxai.core.evaluations import Evaluations
from perturbxai.core.types import Floats, PerOutput
from perturbxai.estimation import spread
from perturbxai.estimation.intervals import independent_factor
from perturbxai.estimation.linear_fit import LinearFit, for_tails
from perturbxai.estimation.posterior.crossfit import Known
from perturbxai.estimation.quantiles import student

LEAST = 1 / 3  # the part that the design has in what is said
SURPRISES = np.log([5.0, 20.0])  # standard deviations an answer is off, from where its part grows, and where it is all


def of_design(known: Known) -> PerOutput:
    """(K,): the part that the design has, more where answers lie as far from what was said of them as no normal does."""
    return np.asarray(np.interp(np.log(np.maximum(known.surprise, 1.0)), SURPRISES, [LEAST, 1.0]))


def posterior_errors(
    known: Known, k: int, fit: LinearFit, unseen: Floats, before: tuple[Floats, Floats], values: Floats, table: Evaluations
) -> tuple[Floats, float]:
    """Standard errors (P,) and simultaneous factor of one output's values (P,), as t statistics of the fit's freedom.

    unseen (R,): what is left of the answers of drawn rows by processes that had not seen them;  before: by the fit,
    of drawn rows (R,) and of nothing and everything, if these are not fitted exactly
    """
    own = known.variances[:, k]
    # what was chosen is no part of the sample: were it as good as one, a variance would be this share, an answer's pull too
    drawn = len(table.values) / (len(table.values) + (len(table.chosen.z) if table.chosen is not None else 0))
    by_design = drawn * fit.variances(unseen[:, None])[0]
    by_design = np.maximum(0.5 * (by_design + by_design.mean()), own)
    share = float(of_design(known)[k])
    largest, seen, beside = (np.abs(some).max(keepdims=True, initial=0.0) for some in (unseen, *before))
    jump = spread.jump_of_fit(largest, beside, values[:, None], table, seen)[k]
    missed = (drawn * jump) ** 2 * np.diag(fit.missed) if np.isfinite(jump) else np.full(len(own), np.inf)
    found = np.sqrt(np.maximum(own ** (1.0 - share) * by_design**share, missed))
    floor = spread.ROUNDING * table.scale[[k]] * np.sqrt(len(own))
    # the estimate has one freedom for all outputs, the fit's: what is known from fewer squares is widened by as much
    freedom = max(float(known.df[k]), 1.0)
    wider = student(0.975, freedom) / student(0.975, fit.df if fit.df > 0 else np.inf)
    factor = np.array([independent_factor(len(own), freedom) / wider])
    stderr = np.maximum(found * wider, floor)[:, None]
    tailed, factor = for_tails(stderr, factor, fit.lengths, unseen[:, None], len(fit.weight), fit.df, floor)
    return tailed[:, 0], float(factor[0])
