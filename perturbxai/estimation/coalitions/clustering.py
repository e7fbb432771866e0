"""Hierarchies found in what is explained: columns that go together, superpixels that touch and look alike."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from perturbxai.core.questions import Regions
from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights
from perturbxai.estimation.coalitions.hierarchy import MOST_LEVELS, Tree
from perturbxai.estimation.spread import effective_rows

MOST_ROWS = 10_000  # rows that columns are compared on, evenly spaced; a correlation is then known to .01
TIED = 1e-9  # heights this close are one


def cluster_columns(codes: Codes, weights: Weights, numeric: Bools, owner: Ints) -> Tree:
    """The tree of a table's players by average linkage of 1 - association; players that join at one height are one union.

    Two groups of columns are as far apart as their columns are on average. Without any association (one row, constant
    columns) all players are one union.

    codes (N, D), weights (N,);  numeric (D,): numbers, not levels;  owner (D,): the player of each column
    """
    n_players = int(owner.max()) + 1
    if n_players == 1:
        return 0
    rows = np.unique(np.linspace(0, len(codes) - 1, min(len(codes), MOST_ROWS)).astype(np.int64))
    share = weights[rows] / weights[rows].sum() if weights[rows].sum() > 0 else np.full(len(rows), 1.0 / len(rows))
    distance = 1.0 - association(codes[rows], share, numeric)
    member = (owner[:, None] == np.arange(n_players)).astype(np.float64)  # (D, P)
    member /= member.sum(axis=0)
    apart = member.T @ distance @ member
    np.fill_diagonal(apart, 0.0)
    return _of_heights(linkage(squareform(apart, checks=False), "average"), n_players)


def association(codes: Codes, weights: Weights, numeric: Bools) -> Floats:
    """(D, D) in [0, 1]: how closely columns go together, whatever their units.

    Two numbers: |rank correlation| (Spearman). A number and levels: the correlation ratio of the number's ranks. Two with
    levels: Cramer's V. The last two are corrected for what chance alone gives (Kelley, "An unbiased correlation ratio
    measure", 1935; Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013), so that columns of many levels do
    not go with everything. Ranks are mid-ranks among the rows where the column is not missing, and a pair is compared on
    the rows where neither is; a missing level is a level. weights (N,) sum to one.
    """
    n_columns = codes.shape[1]
    found = np.eye(n_columns)
    numbers, levels = np.flatnonzero(numeric), np.flatnonzero(~numeric)
    present = ~np.isnan(codes)
    ranks = np.column_stack([_mid_ranks(codes[:, d], weights) for d in range(n_columns)])
    found[np.ix_(numbers, numbers)] = _correlations(ranks[:, numbers], present[:, numbers].astype(np.float64), weights)
    number_of = {d: np.unique(codes[:, d], return_inverse=True)[1] for d in levels.tolist()}
    for d, level in number_of.items():
        for other in numbers.tolist():
            inside = present[:, other]
            found[d, other] = found[other, d] = _ratio(ranks[inside, other], level[inside], weights[inside])
        for other in (o for o in number_of if o < d):
            found[d, other] = found[other, d] = _cramer(level, number_of[other], weights)
    return np.clip(found, 0.0, 1.0)


def merge_regions(regions: Regions) -> Tree:
    """The binary tree of a picture's superpixels: again and again the two that touch and are most alike become one.

    Alike is Ward's measure: how much the squared distance of the pixels' superpixel colours from the mean grows, sizes
    counted; of ties the smaller regions join first.
    """
    n_players = len(regions.sizes)
    sizes = np.concatenate([regions.sizes.astype(np.float64), np.zeros(n_players - 1)])
    colours = np.concatenate([regions.colours, np.zeros((n_players - 1, regions.colours.shape[1]))])
    edges, joined = regions.neighbours, np.zeros((n_players - 1, 3))
    for k in range(n_players - 1):
        first, second = edges.T
        size = sizes[first] + sizes[second]
        cost = sizes[first] * sizes[second] / size * ((colours[first] - colours[second]) ** 2).sum(axis=1)
        a, b = edges[np.lexsort((second, first, size, cost))[0]]
        new = n_players + k
        joined[k] = a, b, k
        sizes[new] = sizes[a] + sizes[b]
        colours[new] = (sizes[a] * colours[a] + sizes[b] * colours[b]) / sizes[new]
        edges = np.sort(np.where((edges == a) | (edges == b), new, edges), axis=1)
        edges = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)
    return _of_heights(joined, n_players)


def _of_heights(joined: Floats, n_players: int) -> Tree:
    """The tree of scipy's linkage; unions at their parent's height are opened into it, and so are those too deep to tell."""
    children, heights = joined[:, :2].astype(np.int64).tolist(), joined[:, 2].tolist()

    def parts(union: int, everything: bool) -> list[int]:
        found, waiting = [], [n_players + union]
        while waiting:
            part = waiting.pop()
            if part < n_players or not (everything or heights[union] - heights[part - n_players] <= TIED):
                found.append(part)
            else:
                waiting += children[part - n_players][::-1]
        return found

    def tree(part: int, level: int) -> Tree:
        if part < n_players:
            return part
        return tuple(tree(inner, level + 1) for inner in parts(part - n_players, level == MOST_LEVELS))

    return tree(2 * n_players - 2, 1)


def _mid_ranks(column: Floats, weights: Weights) -> Floats:
    """(N,): the weight below each value and half of that at it, of the rows that are not missing; 0 where it is."""
    there = ~np.isnan(column)
    found = np.zeros(len(column))
    values, place = np.unique(column[there], return_inverse=True)
    mass = np.bincount(place, weights=weights[there], minlength=len(values))
    found[there] = (mass.cumsum() - 0.5 * mass)[place]
    return found


def _correlations(ranks: Floats, present: Floats, weights: Weights) -> Floats:
    """(D, D): |correlation| of every two columns over the rows where both are present; 0 where one does not vary."""
    weighted = weights[:, None] * present
    ranks = ranks * present
    mass = present.T @ weighted
    total = ranks.T @ weighted  # of the first column, over rows where the second is present too
    squares = (ranks**2).T @ weighted
    products = ranks.T @ (weights[:, None] * ranks)
    spread = mass * squares - total**2
    # a spread that rounding alone makes is none
    varies = (spread > 1e-12 * mass * squares) & (spread > 1e-12 * mass * squares).T
    found = np.zeros_like(spread)
    covered = np.abs(mass * products - total * total.T)
    found[varies] = covered[varies] / np.sqrt(spread * spread.T)[varies]
    return found


def _ratio(ranks: Floats, level: Ints, weights: Weights) -> float:
    """The correlation ratio of ranks by level, corrected: 1 less the share of the variance within, with its freedom."""
    mass = np.bincount(level, weights=weights)
    there = mass > 0
    n_rows = effective_rows(weights)
    if n_rows <= there.sum() or there.sum() < 2:
        return 0.0
    centred = ranks - weights @ ranks / weights.sum()
    sums = np.bincount(level, weights=weights * centred)[there]
    total = weights @ centred**2
    between = (sums**2 / mass[there]).sum()
    if total <= 1e-12 * weights.sum():
        return 0.0
    within = (1.0 - between / total) * (n_rows - 1) / (n_rows - there.sum())
    return float(np.sqrt(max(1.0 - within, 0.0)))


def _cramer(first: Ints, second: Ints, weights: Weights) -> float:
    """Cramer's V of two columns of levels, with Bergsma's correction."""
    cells, cell = np.unique(first * (second.max() + 1) + second, return_inverse=True)
    share = np.bincount(cell, weights=weights) / weights.sum()
    a, b = cells // (second.max() + 1), cells % (second.max() + 1)
    of_first, of_second = np.bincount(a, weights=share), np.bincount(b, weights=share)
    n_rows = effective_rows(weights)
    expected = of_first[a] * of_second[b]
    n_first, n_second = int((of_first > 0).sum()), int((of_second > 0).sum())
    if n_rows <= 1 or min(n_first, n_second) < 2:
        return 0.0
    square = float((share[share > 0] ** 2 / expected[share > 0]).sum()) - 1.0 - (n_first - 1) * (n_second - 1) / (n_rows - 1)
    most = min(n - (n - 1) ** 2 / (n_rows - 1) for n in (n_first, n_second)) - 1.0
    return float(np.sqrt(max(square, 0.0) / most)) if most > 0 else 0.0
