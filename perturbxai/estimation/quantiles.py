"""Quantiles of the t and chi-squared distributions: as scipy.stats has them, which takes too long to load."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from perturbxai.core.types import Floats


def student(level: ArrayLike, df: ArrayLike) -> Floats:
    """The quantiles of t statistics with df degrees of freedom, of which there may be infinitely many; NaN where none."""
    level, df = np.broadcast_arrays(np.asarray(level, dtype=np.float64), np.asarray(df, dtype=np.float64))
    none = ~(df > 0)
    found = special.stdtrit(np.where(none | np.isinf(df), 1.0, df), level)
    return np.asarray(np.where(none, np.nan, np.where(np.isinf(df), special.ndtri(level), found)))


def chi_square(level: ArrayLike, df: ArrayLike) -> Floats:
    """The quantiles of sums of df squared normals."""
    return np.asarray(2.0 * special.gammaincinv(np.asarray(df) / 2.0, level))
