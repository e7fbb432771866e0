"""Few examples that stand for many: greedily the nearest in maximum mean discrepancy, and those that they do not stand for.

A kernel k makes a point of each row; the squared discrepancy is that between the mean point of all rows, by their weights,
and that of the chosen ones, each of which counts alike.
"""

import numpy as np

from perturbxai.core.types import Floats, Ints, Weights

NO_GAIN = 1e-12  # of a kernel's values: what examples gain by less is rounding, and the first of them goes first


def greedy(kernel: Floats, mean: Floats, n: int, *, again: bool = False) -> Ints:
    """(n,): candidates, each the one that leaves the least squared discrepancy of those so far with it.

    Where all rows are candidates it is never more than n draws with replacement leave on average, for the mean over all rows
    of what a step leaves is that: with `again`, and without where rows count alike.

    kernel (C, C) of the candidates;  mean (C,): of each candidate's kernel over all rows, by their weights
    again  whether one may be chosen several times, as what stands for many rows that are alike has to be
    """
    diagonal, near = np.diag(kernel), np.zeros(len(kernel))
    left = np.ones(len(kernel), dtype=bool)
    rounding = NO_GAIN * max(1.0, float(np.abs(diagonal).max(initial=0.0)))
    found = np.empty(n, dtype=np.int64)
    for step in range(n):
        # of the sum of t points less t times the mean point the square grows by k(y, y) + 2 near(y) - 2 t mean(y) + ...
        grows = np.where(left, diagonal + 2.0 * near - 2.0 * (step + 1) * mean, np.inf)
        best = int(np.flatnonzero(grows <= grows.min() + rounding * (step + 1))[0])
        found[step], left[best] = best, again
        near += kernel[:, best]
    return found


def discrepancies(kernel: Floats, share: Weights, chosen: Ints) -> Floats:
    """(n,): the squared discrepancy of the first, the first two, ... of the chosen rows from all rows (R,)."""
    mean = kernel @ share
    inside = np.cumsum(np.cumsum(kernel[np.ix_(chosen, chosen)], axis=0), axis=1)
    steps = np.arange(1, len(chosen) + 1)
    found = share @ mean - 2.0 * np.cumsum(mean[chosen]) / steps + np.diag(inside) / steps**2
    return np.where(found > NO_GAIN * float(share @ mean), found, 0.0)  # what is less is rounding


def of_a_draw(kernel: Floats, share: Weights) -> float:
    """The mean squared discrepancy of one row that is drawn by the shares; of n with replacement it is an n-th of that."""
    return max(float(share @ np.diag(kernel) - share @ kernel @ share), 0.0)


def witness(kernel: Floats, share: Weights, chosen: Ints) -> Floats:
    """(R,): how much thicker than the chosen rows the data lie around each row; below 0 where those are thicker."""
    return np.asarray(kernel @ share - kernel[:, chosen].mean(axis=1))


def criticisms(kernel: Floats, found: Floats, taken: Ints, n: int) -> Ints:
    """(n,): rows where |witness| is large and that are unlike each other, the one that adds most first.

    Kim, Khanna & Koyejo, "Examples are not enough, learn to criticize!" (2016): greedily the sum of |witness| with the log
    determinant of the kernel among them.

    found (R,): the witness;  taken: rows that are none, for they are prototypes
    """
    left = np.ones(len(kernel), dtype=bool)
    left[taken] = False
    variance, factors = np.diag(kernel).astype(np.float64), np.zeros((0, len(kernel)))
    chosen = np.empty(n, dtype=np.int64)
    for step in range(n):  # the determinant grows by the variance that those so far leave: a row of a Cholesky factor
        with np.errstate(divide="ignore"):
            adds = np.abs(found) + np.log(np.maximum(variance, 0.0))
        best = int(np.argmax(np.where(left, adds, -np.inf)))
        if not np.isfinite(adds[best]):  # the others are like those that were taken
            return chosen[:step]
        chosen[step], left[best] = best, False
        row = (kernel[best] - factors[:, best] @ factors) / np.sqrt(variance[best])
        factors = np.vstack([factors, row])
        variance = variance - row**2
        variance[variance < NO_GAIN] = 0.0
    return chosen
