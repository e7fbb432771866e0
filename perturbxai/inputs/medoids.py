"""Rows that are the middle of a cluster each, and how well the clusters lie apart."""

import numpy as np

from perturbxai.core.types import Floats, Ints, Weights

NO_GAIN = 1e-12  # of the summed distances: a swap that gains less is rounding


def medoids(distance: Floats, share: Weights, n: int) -> Ints:
    """(n,): rows whose mean distance to the nearest of them is least, as far as single swaps find it.

    Kaufman & Rousseeuw's PAM (1987): the medoids are built one by one, and the best swap of one of them for another row is
    made until none helps. All swaps are weighed at once, as Schubert & Rousseeuw do (2019).

    distance (R, R);  share (R,) weights that sum to one
    """
    chosen = _built(distance, share, n)
    while True:
        order = np.argsort(distance[:, chosen], axis=1, kind="stable")
        first = np.take_along_axis(distance[:, chosen], order, axis=1)
        nearest, second = first[:, 0], first[:, 1] if n > 1 else np.full(len(distance), np.inf)
        comes = np.minimum(distance - nearest[:, None], 0.0)  # what row o gains by a further medoid j
        goes = np.minimum(distance, second[:, None]) - nearest[:, None] - comes  # what it loses where its own is taken away
        own = order[:, 0]
        lost = np.stack([share[own == i] @ goes[own == i] for i in range(n)])
        change = lost + share @ comes
        change[:, chosen] = np.inf
        out, new = np.unravel_index(int(np.argmin(change)), change.shape)
        if not change[out, new] < -NO_GAIN * max(float(share @ nearest), 1e-300):
            return np.asarray(chosen)
        chosen[out] = new


def _built(distance: Floats, share: Weights, n: int) -> Ints:
    chosen: list[int] = []
    nearest = np.full(len(distance), np.inf)
    for _ in range(n):
        total = share @ np.minimum(distance, nearest[:, None])
        total[chosen] = np.inf
        chosen.append(int(np.argmin(total)))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    return np.array(chosen)


def silhouette(distance: Floats, share: Weights, cluster: Ints, one: float) -> float:
    """From -1 to 1: how much nearer rows lie to their own cluster than to the next one, on average.

    Rousseeuw, "Silhouettes" (1987): (b - a) / max(a, b) of the mean distances a to the others of a row's cluster and b to
    the nearest other cluster, 0 of a row that is alone. A row of weight stands for as many of its kind.

    distance (R, R);  share (R,);  cluster (R,) from 0, none empty, two or more;  one  the share of a single row
    """
    inside = (cluster[:, None] == np.arange(cluster.max() + 1)) * share[:, None]  # (R, k)
    mass = inside.sum(axis=0)
    sums = distance @ inside
    there = np.arange(len(cluster))
    left = mass[cluster] - one
    alone = left <= 1e-9 * one
    own = np.where(alone, 0.0, sums[there, cluster] / np.where(alone, 1.0, left))
    means = sums / mass
    means[there, cluster] = np.inf
    other = means.min(axis=1)
    larger = np.maximum(own, other)
    found = (other - own) / np.where(larger > 0.0, larger, 1.0)
    return float(share @ np.where((larger > 0.0) & ~alone, found, 0.0))
