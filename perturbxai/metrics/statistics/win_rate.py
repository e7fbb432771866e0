"""How often the one is better than the other."""

import numpy as np

from perturbxai.core.types import Floats


def win_rate(differences: Floats, level: float) -> tuple[float, float, float]:
    """(share, low, high): of inputs at which a difference is above 0, ties as half, with Wilson's interval (Wilson 1927).

    differences (n,), one an input;  (0, 1) is the interval of no input, whose share is NaN
    """
    from scipy import stats

    n = len(differences)
    if not n:
        return np.nan, 0.0, 1.0
    share = float(np.mean((differences > 0) + 0.5 * (differences == 0)))
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, max(0.0, middle - half), min(1.0, middle + half)
