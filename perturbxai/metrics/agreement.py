"""How far two maps of one input agree, and what the fill does to a map, beside the noise of the coalitions drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage, stats

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats, Labels
from perturbxai.results.explanation import Explanation

TOP_SHARE = 0.2
WINDOW = 7  # pixels
COLUMNS = (
    "correlation", "same_sign", "difference", "noise", "spread", "spread_over_noise", "told", "told_same_sign",
)  # fmt: skip
IN_SUMMARY = ("fill spread", "fill spread / noise", "sign kept")
ROUNDING = 1e-9  # of a difference: noise below it is rounding, and the values are exact


def spearman(left: Floats, right: Floats) -> float:
    """Rank correlation of two maps (P,); ties share their mean rank. NaN if one of them is constant."""
    return correlation(stats.rankdata(left), stats.rankdata(right))


def top_k_iou(left: Floats, right: Floats, k: int | None = None) -> float:
    """Overlap of the k highest valued players of two maps: intersection over union. k is a fifth of the players if None.

    Players that tie with the k-th are counted in. Raises ValueError for a k that is no number of players.
    """
    k = max(1, int(np.ceil(TOP_SHARE * len(left)))) if k is None else k
    if not checks.is_whole(k) or not 1 <= k <= len(left):
        raise ValueError(f"k={k!r} must be a number of players from 1 to {len(left)}.")
    best, other = (v >= np.sort(v)[::-1][k - 1] for v in (left, right))
    return float((best & other).sum() / (best | other).sum())


def correlation(left: Floats, right: Floats) -> float:
    """Pearson's correlation of two maps (P,); NaN if one of them is constant."""
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def sign_agreement(left: Floats, right: Floats) -> float:
    """The share of players whose value has the same sign in both maps, of those that have one in either."""
    told = (left != 0) | (right != 0)
    return float((np.sign(left) == np.sign(right))[told].mean()) if told.any() else float("nan")


def ssim(left: Floats, right: Floats, labels: Labels) -> float:
    """Structural similarity of two maps on the picture, each over its largest absolute value: 1 for the same, 0 for unlike.

    Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment" (2004), in windows of 7 x 7 pixels. Each superpixel's value
    is spread evenly over its pixels, and laid on 0..1 with no value at the middle: of numbers of both signs the formula
    takes a map and its reverse for the same. NaN of a map whose values are all one, and of pictures smaller than a window.
    Windows within a superpixel hold no structure, so that large ones bring the number near to 1 or to 0.

    left, right (P,), labels (H, W)
    """
    if min(labels.shape) < WINDOW or np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    area = np.bincount(labels.ravel(), minlength=len(left))
    a, b = (0.5 + 0.5 * (one / area / np.abs(one / area).max())[labels] for one in (left, right))
    n = WINDOW**2

    def around(picture: Floats) -> Floats:
        edge = WINDOW // 2
        return np.asarray(ndimage.uniform_filter(picture, WINDOW)[edge:-edge, edge:-edge])

    mean_a, mean_b = around(a), around(b)
    unbiased = n / (n - 1)
    var_a, var_b = unbiased * (around(a * a) - mean_a**2), unbiased * (around(b * b) - mean_b**2)
    together = unbiased * (around(a * b) - mean_a * mean_b)
    light, contrast = 0.01**2, 0.03**2
    like = (2 * mean_a * mean_b + light) * (2 * together + contrast)
    return float(np.mean(like / ((mean_a**2 + mean_b**2 + light) * (var_a + var_b + contrast))))


def measure(one: Explanation, other: Explanation, k: int) -> dict[str, float]:
    """One output's values (P,) under two fills, by name of COLUMNS.

    correlation        Pearson's, over the players;  same_sign: share of the players with equal signs, of those with any
    difference, noise  root mean square over the players of the difference, and of its standard error from drawn coalitions
                       if the two draws were independent: one seed asks both fills the same, which can make it less
    spread             difference / sqrt(2): the standard deviation over the two fills. Over more fills its square is the
                       mean of the pairs' squares
    spread_over_noise  difference / noise: 1 if noise is all there is, infinite for exact values, NaN where an error
                       cannot be known
    told               players whose 95 % interval excludes zero under both fills
    told_same_sign     the share of them that keeps its sign; NaN if there are none
    """
    v, w = one.values[:, k], other.values[:, k]
    difference = float(np.sqrt(np.mean((v - w) ** 2)))
    noise = float(np.sqrt(np.mean(one.stderr[:, k] ** 2 + other.stderr[:, k] ** 2)))
    told = _not_zero(one, k) & _not_zero(other, k)
    numbers = (
        correlation(v, w), sign_agreement(v, w), difference, noise, difference / np.sqrt(2.0),
        ratio(difference, noise), int(told.sum()), sign_agreement(v[told], w[told]),
    )  # fmt: skip
    return dict(zip(COLUMNS, numbers, strict=True))


def by_result(pairs: Any, fill_free: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Name of a result -> its numbers by IN_SUMMARY; pairs: a DataFrame of lines of `measure` with result_a, result_b.

    fill_free  results that no fill enters: no spread, and every sign kept
    """
    found: dict[str, tuple[float, float, float]] = {}
    for name in dict.fromkeys([*pairs.result_a, *pairs.result_b]):
        own = pairs[(pairs.result_a == name) | (pairs.result_b == name)]
        spread, noise = (float(np.sqrt(np.mean(own[column] ** 2))) for column in ("spread", "noise"))
        told = own[own.told > 0]
        kept = float(np.average(told.told_same_sign, weights=told.told)) if len(told) else float("nan")
        found[name] = spread, ratio(spread * np.sqrt(2.0), noise), kept
    return found | dict.fromkeys(fill_free, (0.0, 0.0, 1.0))


def ratio(difference: float, noise: float) -> float:
    """A difference over its standard error: infinite where that is rounding, NaN where it is not known."""
    if not np.isfinite(noise):
        return float("nan")
    if noise <= ROUNDING * difference:
        return float("inf")
    return float(difference / noise) if noise > 0 else 0.0


def _not_zero(one: Explanation, k: int) -> Bools:
    low, high = (end[:, k] for end in one.interval())
    return np.asarray((low > 0) | (high < 0))
