"""Does a map change when the network forgets? What stays the same when weights are drawn anew cannot tell of the model.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim, "Sanity checks for saliency maps" (2018). Necessary and no more: noise
changes too.
"""

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.metrics.agreement import spearman
from perturbxai.metrics.complexity import entropy


def smprt(smoothed: Floats, smoothed_randomised: Floats) -> float:
    """Mean absolute rank correlation of a map with those of networks whose layers were drawn anew from the last to the
    first, each averaged over noisy copies of the input; low is good.

    Hedström, Weber, Lapuschkin & Höhne, "A fresh look at sanity checks for saliency maps" (2024), average maps since noise
    in a map passes for change. A map that becomes constant is like none. NaN of a map that is constant to begin with.

    smoothed (P,), smoothed_randomised (L, P)
    """
    if np.ptp(smoothed) == 0:
        return float("nan")
    alike = [abs(spearman(smoothed, one)) for one in smoothed_randomised]
    return float(np.mean(np.nan_to_num(alike, nan=0.0)))


def emprt(values: Floats, randomised: Floats) -> float:
    """By how much of itself a map's entropy rises when all weights are drawn anew: high is good.

    Hedström et al. (2024) take the entropy of a histogram of values; of a few dozen players it is that of the shares of
    absolute values here, as `entropy` has it. A map that was even cannot rise. NaN of a map of zeros, or on one player, and
    where the last map is of zeros.

    values (P,), randomised (L, P): the last of the network whose layers were all drawn anew
    """
    before, after = entropy(values), entropy(randomised[-1])
    return float(after / before - 1.0) if before > 0 else float("nan")
