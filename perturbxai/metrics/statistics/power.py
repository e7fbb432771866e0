"""Power: which difference so many inputs would have seen."""

import numpy as np

ALPHA, POWER = 0.05, 0.8


def power(difference: float, spread: float, n: int, alpha: float = ALPHA) -> float:
    """The probability that a two-sided paired t test at `alpha` sees a mean difference, by the noncentral t.

    spread  standard deviation of the differences between inputs;  n: how many inputs, at least 2
    """
    from scipy import stats

    beyond = stats.t.ppf(1.0 - alpha / 2.0, n - 1)
    shift = difference * np.sqrt(n) / spread
    return float(stats.nct.sf(beyond, n - 1, shift) + stats.nct.sf(beyond, n - 1, -shift))


def detectable(spread: float, n: int) -> float:
    """The smallest mean difference that a two-sided test at .05 sees with probability .8, for n inputs of such a spread.

    Of many inputs it is (1.96 + .84) spread / sqrt(n). Infinite for fewer than two inputs; NaN where nothing varies.
    """
    from scipy import optimize

    if n < 2:
        return np.inf
    if not spread > 0:
        return np.nan
    unit = spread / np.sqrt(n)
    top = 2.0
    while power(top * unit, spread, n) < POWER:
        top *= 2.0
    found = optimize.brentq(lambda shift: power(shift * unit, spread, n) - POWER, 0.0, top, xtol=1e-10)
    return float(found * unit)
