"""Factors of intervals: how many standard errors hold all players of an output at once."""

from functools import lru_cache
from typing import Any

import numpy as np

from perturbxai.core.evaluations import Design, Estimate, once
from perturbxai.core.types import Floats, PlayerValues, Singles
from perturbxai.estimation.quantiles import chi_square, student

LEVEL = 0.95  # the level of the simultaneous factor


def diagonals(covariances: Floats) -> Floats:
    """(K, P): the variances in covariances (K, P, P)."""
    return np.asarray(np.einsum("kpp->kp", covariances))


def simultaneous_factor(covariance: Floats, df: float, design: Design) -> float:
    """The 95 % quantile of max_j |t_j| for errors with a covariance (P, P); see below."""
    return float(simultaneous_factors(covariance[None], df, design)[0])


def simultaneous_factors(covariances: Floats, df: float, design: Design) -> Floats:
    """(K,): the 95 % quantiles of max_j |t_j| for errors with these covariances (K, P, P), from the design's own draws.

    Never below the pointwise factor, which the draws' own noise could otherwise undercut where few players are free.
    """
    n_outputs, n_players = covariances.shape[:2]
    deviations = np.sqrt(diagonals(covariances))
    largest = deviations.max(axis=1, keepdims=True, initial=0.0)
    live = deviations > 1e-12 * np.maximum(largest, 1e-300)
    if live.all():
        return _factors_of_all(covariances, deviations, df, design)
    found = np.full(n_outputs, independent_factor(n_players, df))
    for free in np.unique(live[live.any(axis=1)], axis=0):
        alike = np.flatnonzero((live == free).all(axis=1))
        of_free = np.ix_(alike, *[np.flatnonzero(free)] * 2)
        found[alike] = _factors_of_all(covariances[of_free], deviations[alike][:, free], df, design)
    return found


def _factors_of_all(covariances: Floats, deviations: Floats, df: float, design: Design) -> Floats:
    """(K,): the same where no deviation (K, P) is 0."""
    values, vectors = np.linalg.eigh(covariances / deviations[:, :, None] / deviations[:, None])
    n_players = deviations.shape[1]
    # a quantile of draws needs no more digits, and half of them take half of the time
    normals = once(design.cache, ("normals", n_players), lambda: _by_player(design.normals[:, :n_players]))
    draws, scores = np.empty((len(values), normals.shape[1]), dtype=np.float32), np.empty_like(normals)
    # a variance that is none, as of the sum of Shapley values, is rounding: its root would be a hundred million times that
    values[values <= n_players * np.finfo(np.float64).eps * values[:, -1:]] = 0.0
    for own, along, found in zip(values, vectors, draws, strict=True):
        # the symmetric root: it does not turn with the eigenvectors of equal eigenvalues, which rounding chooses
        np.matmul(((along * np.sqrt(own)) @ along.T).astype(np.float32), normals, out=scores)
        np.abs(scores, out=scores).max(axis=0, out=found)
    if np.isfinite(df):
        # the denominators of drawn t statistics, which every input and output needs
        draws /= once(design.cache, ("chi", df), lambda: np.sqrt(chi_square(design.uniforms, df) / df).astype(np.float32))
    return np.maximum(_quantile(draws), independent_factor(1, df))


def _by_player(normals: Floats) -> Singles:
    """(P, R) of draws (R, P)."""
    return np.ascontiguousarray(normals.T, dtype=np.float32)


def _quantile(draws: Singles) -> Floats:
    """(K,): the quantile of LEVEL along each line of draws (K, R), which are put in another order."""
    low, share = divmod(LEVEL * (draws.shape[1] - 1), 1.0)
    at = int(low)
    beside = min(at + 1, draws.shape[1] - 1)
    draws.partition((at, beside), axis=1)
    return np.asarray(draws[:, at] + share * (draws[:, beside].astype(np.float64) - draws[:, at]))


@lru_cache(maxsize=1024)
def independent_factor(n_players: int, df: float = np.inf) -> float:
    """The simultaneous factor of independent t statistics with df degrees of freedom (Sidak): wide if they depend.

    Without a degree of freedom the standard error is infinite already, and the factor is the normal's.
    """
    return float(student(0.5 + 0.5 * LEVEL ** (1.0 / max(n_players, 1)), df if df > 0 else np.inf))


def independent_factors(n_players: int, df: Floats) -> Floats:
    """(n,): the same of each of these degrees of freedom (n,), all above 0."""
    return np.asarray(student(0.5 + 0.5 * LEVEL ** (1.0 / max(n_players, 1)), df))


def independent(values: PlayerValues, stderr: PlayerValues, df: float, **more: Any) -> Estimate:
    """An estimate of players (P, K) whose errors count as independent of each other; more: further fields of `Estimate`."""
    return Estimate(values, stderr, np.full(values.shape[1], independent_factor(len(values), df)), df, **more)


def no_players(n_outputs: int) -> Estimate:
    """The answer for an input that absence cannot change."""
    nothing = np.zeros((0, n_outputs))
    return independent(nothing, nothing, np.inf)
