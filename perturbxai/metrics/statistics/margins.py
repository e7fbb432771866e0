"""Claims of no difference: no worse than, and equivalent, up to a margin that was stated before."""

import numpy as np

from perturbxai.core.types import Floats


def no_worse(differences: Floats, margin: float) -> float:
    """The one-sided p of "the mean difference is -margin or less": small, it is no worse up to it. NaN as `equivalent`."""
    return _above(differences, -margin)


def equivalent(differences: Floats, margin: float) -> float:
    """The p of two one-sided t tests (TOST, Schuirmann 1987): small, the mean difference lies within ±margin.

    differences (n,), one an input. At a true difference of the margin it is below .05 with probability .05 at most. NaN of
    fewer than two inputs, and where all differences are the same: what does not vary has no error to test by.
    """
    return max(_above(differences, -margin), _above(-differences, -margin))


def _above(differences: Floats, bound: float) -> float:
    from scipy import stats

    n = len(differences)
    if n < 2:
        return np.nan
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread <= 1e-12 * np.abs(differences).max():
        return np.nan
    return float(stats.t.sf((mean - bound) / (spread / np.sqrt(n)), n - 1))
