"""Friedman's test: are many methods alike, by their ranks at each input?"""

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats


@dataclass(frozen=True, eq=False)
class Friedman:
    """Ranks of m methods at n inputs.

    mean_ranks  (m,), 1 is the best of all at every input; ties share the mean of their ranks
    statistic, p  of Friedman's test, by the law of chi squared; NaN of fewer than three methods or two inputs, p = 1 where
                every input ranks all alike
    n_inputs    how many inputs had a score of every method
    """

    mean_ranks: Floats
    statistic: float
    p: float
    n_inputs: int


def friedman(scores: Floats) -> Friedman:
    """Of scores (n, m), high is good; inputs with a NaN are left out."""
    from scipy import stats

    whole = scores[~np.isnan(scores).any(axis=1)]
    n, m = whole.shape
    if not n:
        return Friedman(np.full(m, np.nan), np.nan, np.nan, 0)
    ranks = stats.rankdata(-whole, axis=1)
    mean_ranks = np.asarray(ranks.mean(axis=0))
    if m < 3 or n < 2:
        return Friedman(mean_ranks, np.nan, np.nan, n)
    if (np.ptp(ranks, axis=1) == 0).all():
        return Friedman(mean_ranks, 0.0, 1.0, n)
    found = stats.friedmanchisquare(*whole.T)
    return Friedman(mean_ranks, float(found.statistic), float(found.pvalue), n)


def critical_difference(n_methods: int, n_inputs: int) -> float:
    """How far two mean ranks lie apart by chance at most, in 95 % of pools without a difference (Nemenyi; Demšar 2006).

    It grows with the pool: whether two methods differ should not hang on who else was compared, so it is for pictures only.
    """
    from scipy import stats

    reach = stats.studentized_range.ppf(0.95, n_methods, np.inf) / np.sqrt(2.0)
    return float(reach * np.sqrt(n_methods * (n_methods + 1) / (6.0 * n_inputs)))
