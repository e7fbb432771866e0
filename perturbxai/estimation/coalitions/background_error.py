"""The error that the draw of the background adds to linear estimates, read from groups of its rows.

A linear estimate of the mean over the rows is the mean of the estimates for groups of them. How far these lie apart is what
the draw of the rows brings, and some of what the draw of the coalitions brings, which is known and taken away.
"""

import numpy as np

from perturbxai.core.evaluations import RowGroups
from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.blocks import Gain
from perturbxai.estimation.survey import Clusters


def error_of_groups(groups: RowGroups, values: Floats, noise: Floats | float = 0.0) -> Floats:
    """(P, K): the standard error from what groups would add.

    values (P, G K): a group's estimate less that of all rows;  noise (P, G K): its variance over draws of coalitions
    """
    n_groups = len(groups.share)
    apart = (values**2 - noise).reshape(len(values), n_groups, -1)
    variance = np.einsum("g,pgk->pk", groups.share**2, apart) * n_groups / (n_groups - 1.0)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def of_ends(groups: RowGroups, n_players: int) -> Floats:
    """(P, K): the same where a player's value is everything less nothing."""
    return error_of_groups(groups, np.tile(-groups.empty.reshape(-1), (n_players, 1)))


def as_outputs(groups: RowGroups) -> Floats:
    """(2 + M, G K): nothing, everything and the coalitions. On everything, the input itself, all rows agree."""
    values = np.concatenate([groups.empty[None], np.zeros_like(groups.empty)[None], groups.values])
    return values.reshape(len(values), -1)


def coalition_noise(clusters: Clusters, gain: Floats | Gain, residuals: Floats, starts: Ints | None, df: float) -> Floats:
    """(P, K): the variances of `LinearFit.errors` for very many outputs, by products of matrices.

    0 where they are not known. starts (C,): the first row of each pair, whose other row follows; None if rows are pairs
    """
    found = np.zeros((gain.shape[1], residuals.shape[1]))
    if clusters.listed or df <= 0:
        return found
    for h in np.unique(clusters.stratum[~clusters.walk]):
        inside = np.flatnonzero((clusters.stratum == h) & ~clusters.walk)
        n = len(inside)
        squares, sums = _moments(gain, residuals, inside if starts is None else starts[inside], starts is not None)
        if clusters.walk.any():  # as there: with a walk, strata are neither centred nor finite
            found += squares
            continue
        centred = squares if n < 2 else (squares - sums**2 / n) * n / (n - 1.0)
        found += max(1.0 - n / clusters.population[h], 0.0) * centred
    if clusters.walk.any():
        walk = np.flatnonzero(clusters.walk)
        found += _moments(gain, residuals, walk if starts is None else starts[walk], starts is not None)[1] ** 2
    return np.maximum(found, 0.0)


def _moments(gain: Floats | Gain, residuals: Floats, rows: Ints, two: bool) -> tuple[Floats, Floats]:
    """(P, K) each: sums over pairs of squared scores and of scores, a score the sum of gain * residual over its rows."""
    squares, sums = np.zeros((2, gain.shape[1], residuals.shape[1]))
    for at in blocks.blocks(len(rows), gain.shape[1]):
        g, r = gain[rows[at]], residuals[rows[at]]
        squares += (g**2).T @ r**2
        sums += g.T @ r
        if two:
            h, s = gain[rows[at] + 1], residuals[rows[at] + 1]
            squares += (h**2).T @ s**2 + 2.0 * (g * h).T @ (r * s)
            sums += h.T @ s
    return squares, sums
