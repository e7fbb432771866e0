"""How many players a map speaks of. None of these says whether it is right: they describe, and rank nothing."""

import numpy as np

from perturbxai.core.types import Floats

MOST = 0.9  # of a map's absolute values
ROUNDING = 1e-12  # of a sum: players that reach a share to rounding reach it


def shares(values: Floats) -> Floats | None:
    """(P,): each player's part of the sum of absolute values; None of a map that is zero everywhere."""
    sizes = np.abs(values)
    total = sizes.sum()
    return np.asarray(sizes / total) if total > 0 else None


def entropy(values: Floats) -> float:
    """Shannon's entropy of the shares of absolute values, in nats: 0 if one player has all, log P if all have as much.

    Bhatt, Weller & Moura, "Evaluating and aggregating feature-based model explanations" (2020), call it complexity. Scale
    and signs do not matter. NaN of a map that is zero everywhere.

    >>> round(entropy(np.array([1.0, -1.0, 0.0])), 4)
    0.6931
    """
    parts = shares(values)
    if parts is None:
        return float("nan")
    told = parts[parts > 0]
    return float(-(told @ np.log(told))) + 0.0


def gini(values: Floats) -> float:
    """Gini's index of absolute values: 0 if all players have as much, 1 - 1/P if one has all.

    Hurley & Rickard, "Comparing measures of sparsity" (2009). NaN of a map that is zero everywhere.

    >>> gini(np.array([0.0, 0.0, 0.0, 5.0]))
    0.75
    """
    parts = shares(values)
    if parts is None:
        return float("nan")
    n = len(parts)
    rank = np.arange(1, n + 1)
    return float(1.0 - 2.0 * (np.sort(parts) @ (n - rank + 0.5)) / n)


def features_90(values: Floats) -> float:
    """How many players, the largest first, hold nine tenths of the sum of absolute values. NaN of a map of zeros.

    >>> features_90(np.array([8.0, -1.0, 1.0]))
    2.0
    """
    parts = shares(values)
    if parts is None:
        return float("nan")
    return float(np.searchsorted(np.cumsum(np.sort(parts)[::-1]), MOST - ROUNDING) + 1)
