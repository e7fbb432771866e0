"""Holm's adjustment: several tests, of a family that was named before, at one level together."""

import numpy as np

from perturbxai.core.types import Floats


def holm(p: Floats) -> Floats:
    """(m,) adjusted p of a family of m tests (Holm 1979): at .05 any is falsely below it with probability .05 at most.

    The least is multiplied by m, the next by m - 1, and so on; none is less than the one before it, and none above 1.
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
