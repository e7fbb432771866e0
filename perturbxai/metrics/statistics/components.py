"""Where scores vary: between inputs, or between the seeds that one input was explained with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Floats

ROUNDING = 1e-12  # of the scores' size: what it parts is the same


@dataclass(frozen=True, eq=False)
class Components:
    """Variance components of a one-way random-effects model.

    mean               of the inputs' means, each input alike
    sd_inputs, sd_seeds  standard deviations between inputs (without what seeds add) and between seeds within an input
    icc, low, high     intraclass correlation: the share of one score's variance that lies between inputs; its F interval

    What cannot be known is NaN: sd_seeds if no input has two seeds, sd_inputs of a single input.
    """

    mean: float
    sd_inputs: float
    sd_seeds: float
    icc: float
    low: float
    high: float


def components(groups: Sequence[Floats], level: float = 0.95) -> Components:
    """Of the scores by seed (m_i,) of each input, of which there may be other numbers each, at least one.

    Estimates are those of the analysis of variance, the one between inputs never below 0, and both 0 of scores that rounding
    parts. The interval is exact for equal numbers of seeds; of others it stands on unweighted means and the harmonic mean of
    the numbers (Thomas & Hultquist 1978).
    """
    from scipy import stats

    k, size = len(groups), max(float(np.abs(one).max()) for one in groups)
    groups = [_alike(one, groups[0][0], ROUNDING * size) for one in groups]  # where all are one
    groups = [_alike(one, one[0], ROUNDING * size) for one in groups]  # or those of an input
    sizes = np.array([len(one) for one in groups], dtype=np.float64)
    means = np.array([one.mean() for one in groups])
    mean, total = float(means.mean()), sizes.sum()
    df = total - k
    within = sum(float(((one - one.mean()) ** 2).sum()) for one in groups) / df if df > 0 else np.nan
    if k < 2:
        return Components(mean, np.nan, float(np.sqrt(within)), np.nan, np.nan, np.nan)
    grand = float(sizes @ means / total)
    between = float(sizes @ (means - grand) ** 2) / (k - 1)
    per_input = (total - float(sizes @ sizes) / total) / (k - 1)
    inputs = max(0.0, (between - within) / per_input) if df > 0 else np.nan
    whole = inputs + within
    icc = inputs / whole if whole > 0 else np.nan
    low = high = np.nan
    if within > 0:
        harmonic = k / float((1.0 / sizes).sum())
        ratio = harmonic * float(means.var(ddof=1)) / within
        tail = (1.0 - level) / 2.0
        low = _share(ratio / float(stats.f.isf(tail, k - 1, df)), harmonic)
        high = _share(ratio / float(stats.f.ppf(tail, k - 1, df)), harmonic)
    elif within == 0.0 and inputs > 0:
        low = high = icc
    return Components(mean, float(np.sqrt(inputs)), float(np.sqrt(within)), icc, low, high)


def _alike(scores: Floats, known: float, rounding: float) -> Floats:
    """Scores, those that lie within rounding of a known one in its place."""
    return np.where(np.abs(scores - known) <= rounding, known, scores)


def _share(ratio: float, harmonic: float) -> float:
    return max(0.0, (ratio - 1.0) / (ratio + harmonic - 1.0))
