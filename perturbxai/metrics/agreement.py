"""How far two maps of one input agree, and what the fill does to a map."""

from __future__ import annotations

import numpy as np
from scipy import stats

from perturbxai.core import checks
from perturbxai.core.types import Floats

TOP_SHARE = 0.2


def spearman(left: Floats, right: Floats) -> float:
    """Rank correlation of two maps (P,); ties share their mean rank. NaN if one of them is constant."""
    a, b = stats.rankdata(left), stats.rankdata(right)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


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


def same_sign(left: Floats, right: Floats) -> float:
    """The share of players whose value has the same sign in both maps, of those that have one in either."""
    told = (left != 0) | (right != 0)
    return float((np.sign(left) == np.sign(right))[told].mean()) if told.any() else float("nan")
