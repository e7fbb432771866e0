"""Factors of intervals: how many standard errors hold all players of an output at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import stats

from perturbxai.core.evaluations import Design, Estimate
from perturbxai.core.types import Floats
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.spread import ROUNDING as ROUNDING

LEVEL = 0.95  # the level of the simultaneous factor


def simultaneous_factor(covariance: Floats, df: float, design: Design) -> float:
    """The 95 % quantile of max_j |t_j| for errors with a covariance (P, P), from the design's own draws.

    Never below the pointwise factor, which the draws' own noise could otherwise undercut where few players are free.
    """
    deviation = np.sqrt(np.diag(covariance))
    live = deviation > 1e-12 * max(deviation.max(initial=0.0), 1e-300)
    if not live.any():
        return independent_factor(len(deviation), df)
    correlation = covariance[np.ix_(live, live)] / np.outer(deviation[live], deviation[live])
    values, vectors = np.linalg.eigh(correlation)
    # the symmetric root: it does not turn with the eigenvectors of equal eigenvalues, which rounding chooses
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    normals = design.normals[:, : live.sum()]
    draws = np.concatenate([np.abs(normals[at] @ root.T).max(axis=1) for at in blocks.blocks(*normals.shape)])
    if np.isfinite(df):
        draws = draws / _chi(design, df)
    return max(float(np.quantile(draws, LEVEL)), independent_factor(1, df))


def _chi(design: Design, df: float) -> Floats:
    """(R,) the denominators of drawn t statistics, kept with the design because every input and output needs them."""
    key = ("chi", df)
    if key not in design.cache:
        design.cache[key] = np.sqrt(stats.chi2.ppf(design.uniforms, df) / df)
    found: Floats = design.cache[key]
    return found


@lru_cache(maxsize=1024)
def independent_factor(n_players: int, df: float = np.inf) -> float:
    """The simultaneous factor of independent t statistics with df degrees of freedom (Sidak): wide if they depend.

    Without a degree of freedom the standard error is infinite already, and the factor is the normal's.
    """
    return float(stats.t.ppf(0.5 + 0.5 * LEVEL ** (1.0 / max(n_players, 1)), df if df > 0 else np.inf))


def no_players(n_outputs: int) -> Estimate:
    """The answer for an input that absence cannot change."""
    nothing = np.zeros((0, n_outputs))
    return Estimate(nothing, nothing, np.full(n_outputs, independent_factor(0)), np.inf)
