"""The interval of a mean of paired differences: a bootstrap over inputs."""

import warnings

import numpy as np

from perturbxai.core.types import Floats, Ints

DRAWS = 10_000
BATCH = 1_000  # draws held at once


def too_few(n_inputs: int, level: float) -> bool:
    """Whether no bootstrap of so few inputs reaches a level.

    Its ends lie between the least and the greatest difference, and of symmetric ones all n lie on one side of the truth with
    probability 2^(1 - n): 6 inputs are the fewest for .95, and 8 for .99.
    """
    return bool(1.0 - 2.0 ** (1 - n_inputs) < level)


def interval(sums: Floats, counts: Ints, level: float, rng: np.random.Generator, draws: int = DRAWS) -> tuple[float, float]:
    """Ends of the bias-corrected, accelerated (BCa) bootstrap interval of the mean difference, inputs drawn whole.

    sums, counts  (n,) of each input: its differences added up, and how many they are (several outputs are one cluster)

    Both ends are infinite where inputs are too few for the level (`too_few`), and where all differences are the same: that
    nothing was seen to vary is no proof that nothing does. At level .95 it held the true mean in .951 and .946 of 8,000
    experiments with 20 and 50 normal differences, and in .934 and .941 with exponential ones, whose skewness is 2: of few
    and skewed inputs it is somewhat too narrow. Read at the plain level it held it in .931, .938, .912 and .931.
    """
    from scipy import stats

    means = sums / counts
    if too_few(len(sums), level) or np.ptp(means) <= 1e-12 * np.abs(means).max(initial=0.0):
        return -np.inf, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns where the draws say nothing, and gives NaN, which is told below
        found = stats.bootstrap(
            (sums, counts.astype(np.float64)), _ratio, paired=True, vectorized=True,
            confidence_level=expanded(level, len(sums)),
            n_resamples=draws, batch=BATCH, method="BCa", random_state=rng,
        ).confidence_interval  # fmt: skip
    low, high = float(found.low), float(found.high)
    return (low, high) if np.isfinite([low, high]).all() else (-np.inf, np.inf)


def expanded(level: float, n_inputs: int) -> float:
    """The level that the draws are read at so that intervals of few inputs are as wide as Student's are.

    Draws vary less than the sample does, by (n - 1)/n, and their quantiles are nearly the normal law's, not Student's: both
    are made good, as proposed by Hesterberg ("What teachers should know about the bootstrap", 2015).
    """
    from scipy import stats

    reach = stats.t.ppf(0.5 + level / 2.0, n_inputs - 1) * np.sqrt(n_inputs / (n_inputs - 1))
    return float(1.0 - 2.0 * stats.norm.sf(reach))


def _ratio(sums: Floats, counts: Floats, axis: int = -1) -> Floats:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))
