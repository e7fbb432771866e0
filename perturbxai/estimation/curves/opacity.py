"""Curves of opacity: what PDP, ICE and ALE conclude from reference rows of a picture, drawn in antithetic pairs."""

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Bools, Floats, Ints, PerOutput
from perturbxai.estimation.curves.averaged import largest_of
from perturbxai.estimation.intervals import independent_factor
from perturbxai.estimation.survey import ROUNDING, sum_by

AGAINST = 0.01  # of the widest range of a player's curves: a curve that goes back by less still counts as monotone


@dataclass(frozen=True, eq=False)
class OpacityCurve:
    """One player's curve over opacity.

    values, stderr (G, K);  critical (K,) of the simultaneous band;  df degrees of freedom, a number or (G, K)
    spread (G, K) or (bins, K): standard deviation of the reference rows' curves at each point, or of their steps
    counts (G,) or (bins,): reference rows behind it
    climb_stderr (G, K): of the curve less its value at opacity 0, which is the rise at opacity 1
    non_monotone (K,): share of the rows' curves that both rise and fall; NaN where only their ends or steps are known
    """

    values: Floats
    stderr: Floats
    critical: Floats
    df: float | Floats
    spread: Floats
    counts: Ints
    climb_stderr: Floats
    non_monotone: Floats

    @property
    def rise(self) -> Floats:
        """(K,): from hidden to whole."""
        return np.asarray(self.values[-1] - self.values[0])

    @property
    def rises(self) -> Bools:
        """(K,): whether that is more than rounding."""
        return np.asarray(np.abs(self.rise) > 4.0 * ROUNDING * np.abs(self.values).max(axis=0))


def averaged_opacity(curves: Floats, scale: PerOutput, rng: np.random.Generator) -> OpacityCurve:
    """The mean of the reference rows' curves (M, G, K), of which each is followed by its antithetic twin.

    Pairs are the clusters of the errors; they are stratified in t, so the errors err wide. A single row is the whole
    population: nothing was drawn.
    scale (K,): the largest magnitude among the answers, against which rounding is measured
    """
    n_rows, n_points, n_outputs = curves.shape
    floor = ROUNDING * scale
    counts = np.full(n_points, n_rows, dtype=np.int64)
    crooked = non_monotone(curves) if n_points > 2 else np.full(n_outputs, np.nan)
    if n_rows == 1:
        critical = np.full(n_outputs, independent_factor(n_points))
        stderr = np.tile(floor, (n_points, 1))
        return OpacityCurve(curves[0], stderr, critical, np.inf, np.zeros((n_points, n_outputs)), counts, stderr, crooked)
    pairs, climbs = mean_of_pairs(curves), mean_of_pairs(curves - curves[:, :1])
    n_pairs, df = len(pairs), float(len(pairs) - 1)
    stderr = np.maximum(pairs.std(axis=0, ddof=1) / np.sqrt(n_pairs), floor)
    apart = (pairs - pairs.mean(axis=0)) / np.sqrt(n_pairs * df)
    covariance = np.einsum("ngk,nhk->kgh", apart, apart)
    return OpacityCurve(
        pairs.mean(axis=0), stderr, largest_of(covariance, stderr, np.full(n_outputs, df), rng), df,
        curves.std(axis=0, ddof=1), counts, np.maximum(climbs.std(axis=0, ddof=1) / np.sqrt(n_pairs), floor), crooked,
    )  # fmt: skip


def accumulated_opacity(step: Floats, bin_of: Ints, n_bins: int, scale: PerOutput, rng: np.random.Generator) -> OpacityCurve:
    """The textbook ALE of a table of reference rows, from the fill on: mean steps (M, K) of each bin, accumulated.

    bin_of (M,): the bin of opacity that a row lies in; a row and the twin behind it lie in mirrored bins. The pairs of a
    bin are a stratum of clusters, and a bin with one pair borrows the spread of the others.
    """
    counts = np.bincount(bin_of, minlength=n_bins)
    sides = np.stack([step[0::2], step[1::2]], axis=1)  # (n, 2, K)
    place = np.stack([bin_of[0::2], bin_of[1::2]], axis=1)  # (n, 2)
    mean = sum_by(bin_of, step, n_bins) / counts[:, None]
    spread = sum_by(bin_of, (step - mean[bin_of]) ** 2, n_bins)
    values = np.concatenate([np.zeros((1, step.shape[1])), np.cumsum(mean, axis=0)])
    strata, members = np.unique(place[:, 0], return_index=True)
    apart = [sides[place[:, 0] == h] - sides[place[:, 0] == h].mean(axis=0) for h in strata]
    # (2, 2, K) each: the covariance between the two sides of pairs; None of a single pair
    within = [np.einsum("nak,nbk->abk", one, one) / (len(one) - 1) if len(one) > 1 else None for one in apart]
    lent = np.mean([one for one in within if one is not None], axis=0)
    covariance = np.zeros((step.shape[1], n_bins + 1, n_bins + 1))
    squares = np.zeros_like(values)
    for h, first, one in zip(strata, members, within, strict=True):
        passed = (place[first][:, None] < np.arange(n_bins + 1)) / counts[place[first]][:, None]  # (2, G)
        pairs = int(np.sum(place[:, 0] == h))
        part = pairs * np.einsum("ag,abk,bh->kgh", passed, lent if one is None else one, passed)
        squares += np.diagonal(part, axis1=1, axis2=2).T ** 2 / (len(sides) - len(strata) if one is None else pairs - 1)
        covariance += part
    variance = np.maximum(np.diagonal(covariance, axis1=1, axis2=2).T, 0.0)  # (G, K)
    # degrees of freedom of a sum of variances that have their own (Satterthwaite): the first bins rest on few pairs
    tiny = np.finfo(float).tiny
    df = np.where(squares > tiny, variance**2 / np.maximum(squares, tiny), np.inf)
    stderr = np.maximum(np.sqrt(variance), ROUNDING * scale)
    critical = largest_of(covariance, stderr, df.min(axis=0), rng)
    unknown = np.full(step.shape[1], np.nan)
    return OpacityCurve(
        values, stderr, critical, df, np.sqrt(spread / np.maximum(counts - 1, 1)[:, None]), counts, stderr, unknown,
    )  # fmt: skip


def mean_of_pairs(rows: Floats) -> Floats:
    """(n, ...): the means of rows (2 n, ...) and of the antithetic twins that follow them."""
    return np.asarray(0.5 * (rows[0::2] + rows[1::2]))


def half_effect(at: Floats, curve: OpacityCurve) -> Floats:
    """(K,): the least opacity at which a curve has done half of its rise, between points on a straight line.

    NaN where only the ends are known, or where nothing rises.
    """
    found = np.full(len(curve.rise), np.nan)
    for k in np.flatnonzero(curve.rises) if len(at) > 2 else ():
        done = (curve.values[:, k] - curve.values[0, k]) / curve.rise[k]
        g = int(np.argmax(done >= 0.5))
        found[k] = at[g - 1] + (at[g] - at[g - 1]) * (0.5 - done[g - 1]) / (done[g] - done[g - 1])
    return found


def variation(curve: OpacityCurve) -> Floats:
    """(K,): the curve's way up and down over the size of its rise, 1 where it only rises or only falls; NaN as above."""
    way = np.abs(np.diff(curve.values, axis=0)).sum(axis=0)
    known = curve.rises & (len(curve.values) > 2)
    return np.asarray(np.where(known, way / np.where(known, np.abs(curve.rise), 1.0), np.nan))


def non_monotone(curves: Floats) -> Floats:
    """(K,): the share of curves (M, G, K) that both rise and fall, by more than a hundredth of the widest range."""
    steps = np.diff(curves, axis=1)
    back = np.minimum(np.maximum(steps, 0.0).sum(axis=1), np.maximum(-steps, 0.0).sum(axis=1))
    widest = np.ptp(curves, axis=1).max(axis=0)
    return np.asarray((back > AGAINST * widest).mean(axis=0))
