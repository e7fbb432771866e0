"""Factors of intervals: how many standard errors hold all players of an output at once."""

from functools import lru_cache
from typing import Any

import numpy as np

from perturbxai.core.evaluations import Design, Estimate, once
from perturbxai.core.types import Floats, PlayerValues
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.quantiles import chi_square, student

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
        # the denominators of drawn t statistics, which every input and output needs
        draws = draws / once(design.cache, ("chi", df), lambda: np.sqrt(chi_square(design.uniforms, df) / df))
    return max(float(np.quantile(draws, LEVEL)), independent_factor(1, df))


@lru_cache(maxsize=1024)
def independent_factor(n_players: int, df: float = np.inf) -> float:
    """The simultaneous factor of independent t statistics with df degrees of freedom (Sidak): wide if they depend.

    Without a degree of freedom the standard error is infinite already, and the factor is the normal's.
    """
    return float(student(0.5 + 0.5 * LEVEL ** (1.0 / max(n_players, 1)), df if df > 0 else np.inf))


def independent(values: PlayerValues, stderr: PlayerValues, df: float, **more: Any) -> Estimate:
    """An estimate of players (P, K) whose errors count as independent of each other; more: further fields of `Estimate`."""
    return Estimate(values, stderr, np.full(values.shape[1], independent_factor(len(values), df)), df, **more)


def no_players(n_outputs: int) -> Estimate:
    """The answer for an input that absence cannot change."""
    nothing = np.zeros((0, n_outputs))
    return independent(nothing, nothing, np.inf)
