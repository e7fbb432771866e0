"""Differences of two means over inputs: their standard errors, and the degrees of freedom of these.

How far inputs differ shows in the spread of their values. So does what each value's own error adds, as far as errors are
independent from input to input, with whatever the errors of both sides have in common: neither has to be assumed, and
nothing is counted twice. What all inputs of a side share, as the error of one background, no spread shows. It is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Bools, Floats

UNSEEN = 3.0  # of n inputs that are all alike as many as 3 / n of all inputs may be others, with 95 %
ROUNDING = 1e-12
SURE = 1.2815515655446004  # the normal law's quantile of .9
FEWEST = 4  # inputs from which a correlation has an error


@dataclass(frozen=True, eq=False)
class MeanDifference:
    """difference, stderr and df, each (P, K); see `results.contrast.Contrast`."""

    difference: Floats
    stderr: Floats
    df: Floats


def paired(apart: Floats, common: Floats, still: Bools) -> MeanDifference:
    """Of the same N inputs.

    apart   (N, P, K): b less a at each
    common  (P, K): the error of the difference that all inputs share
    still   (P,): players that no input can show more of, however alike those seen are
    """
    parts = [(_of_mean(apart, still), len(apart) - 1.0), (common**2, np.inf)]
    return MeanDifference(apart.mean(axis=0), *summed(parts))


def groups(a: Floats, b: Floats, common: Floats, still: Bools) -> MeanDifference:
    """Of other inputs, the mean of b (M, P, K) less that of a (N, P, K), with Welch's error; else as `paired`."""
    parts = [(_of_mean(one, still), len(one) - 1.0) for one in (a, b)]
    return MeanDifference(b.mean(axis=0) - a.mean(axis=0), *summed([*parts, (common**2, np.inf)]))


def _of_mean(values: Floats, still: Bools) -> Floats:
    """(P, K): the variance of the mean of values (N, P, K): infinite of a single one.

    Inputs that all have the same are no proof that others would: the player in which inputs differ most lends its spread.
    Where no player differs from input to input, nothing tells how others would, unless all is zero.
    """
    n, most = len(values), np.abs(values).max(axis=(0, 1))  # (K,)
    if n < 2:
        return np.full(values.shape[1:], np.inf)
    varied = values.var(axis=0, ddof=1)
    alike = np.ptp(values, axis=0) <= ROUNDING * most
    varied = np.where(alike, 0.0, varied)
    lent = (UNSEEN / n) ** 2 * varied.max(axis=0)
    lent = np.where((lent == 0) & (most > 0), np.inf, lent)
    found = np.where(alike, lent, varied / n)
    found[still] = 0.0
    return np.asarray(found)


def summed(parts: Sequence[tuple[Floats, float | Floats]]) -> tuple[Floats, Floats]:
    """(stderr, df) of independent variances, each with its degrees of freedom (Welch and Satterthwaite)."""
    variances = [np.asarray(variance, dtype=np.float64) for variance, _ in parts]
    total = np.sum(variances, axis=0)
    known = np.isfinite(total) & (total > 0)
    shares = [np.divide(one, total, out=np.zeros_like(total), where=known) for one in variances]
    frees = [np.maximum(np.asarray(free, dtype=np.float64), 1.0) for _, free in parts]
    below = np.sum([share**2 / free for share, free in zip(shares, frees, strict=True)], axis=0)
    df = np.divide(1.0, below, out=np.full_like(total, np.inf), where=below > 0)
    return np.sqrt(total), np.where(known, df, 1.0)


def error_of_difference(a: Floats, b: Floats, together: float | Floats) -> Floats:
    """The standard error of b less a from theirs, and how far their errors go together, from 0 to 1."""
    return np.asarray(np.sqrt(np.maximum(a**2 + b**2 - 2.0 * together * a * b, 0.0)))


def together(a: Floats, b: Floats) -> Floats:
    """(P, K), 0 to 1: how far the errors of one background in a and b (N, P, K) go together, at least.

    A value is what the input has less the mean of what background rows have in its place. So these rows err by the same law
    as values vary from input to input, and two models err together as far as their values do: exactly where features act
    alone. It is the lower end of a one-sided 90 % interval of the correlation (Fisher's z), 0 of fewer than four inputs.
    """
    n = len(a)
    if n < FEWEST:
        return np.zeros(a.shape[1:])
    from_a, from_b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((from_a**2).sum(axis=0) * (from_b**2).sum(axis=0))
    r = np.divide((from_a * from_b).sum(axis=0), scale, out=np.zeros_like(scale), where=scale > 0)
    z = np.arctanh(np.clip(r, -1.0 + ROUNDING, 1.0 - ROUNDING))
    return np.clip(np.where(r >= 1.0 - ROUNDING, 1.0, np.tanh(z - SURE / np.sqrt(n - 3.0))), 0.0, 1.0)
