"""Background rows: how they are drawn from a table, and numbers that describe them."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights
from perturbxai.inputs import discrepancy
from perturbxai.inputs.columns import Columns
from perturbxai.inputs.gower import BLOCK, Gower, kernel_width

MOST_LEVELS = 3  # indicators of a column of levels, those of its most frequent levels
ENDS = (0.05, 0.95)  # a number counts as far beyond these quantiles as they are apart: a few far out would rule the fit
CANDIDATES, STOOD_FOR = 2000, 20_000  # rows of a larger table that prototypes are chosen among, and that they stand for
CUTS = (0.25, 0.5, 0.75)  # a finer description of a number: which quarter of the rows it lies in


def draw_background(
    rows: Codes, share: Weights, n_rows: int, choose: str, columns: Columns, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Rows that stand for absence, (B, D), and their weights (B,), which sum to one.

    rows (R, D) distinct, share (R,) how often each occurs. All of them if they fit; else a draw of n_rows of them;
    ("kmeans") the real row nearest to each of n_rows centres, weighted by its cluster; or "prototypes".
    Raises ValueError if one of the last two is asked of infinite numbers.
    """
    order = np.lexsort(rows.T[::-1])  # the draw does not depend on the order of the table's rows
    order = order[share[order] > 0]
    share = share[order] / share.sum()
    if choose == "sample" and len(order) > n_rows:  # of a large table only these rows are copied
        drawn = np.sort(rng.choice(len(order), n_rows, replace=False, p=share))
        return rows[order[drawn]], np.full(n_rows, 1.0 / n_rows)
    rows = rows[order]
    if choose == "all" or len(rows) <= n_rows:
        return np.ascontiguousarray(rows), share
    if np.isinf(rows).any():
        raise ValueError(f"choose={choose!r} needs finite numbers, but X has infinite ones; take choose='sample'.")
    if choose == "prototypes":
        return _prototypes(rows, share, n_rows, Gower.of(columns, rows), rng)
    return _nearest_to_centres(rows, share, n_rows, columns.numeric, rng)


def _prototypes(rows: Codes, share: Weights, n_rows: int, apart: Gower, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The rows that in n_rows steps are least discrepant from all, see `discrepancy.greedy`; each counts as often as it was
    chosen."""
    candidates = rows[_some(share, max(CANDIDATES, n_rows), rng)]
    others, weight = np.arange(len(rows)), share
    if len(rows) > STOOD_FOR:
        others, times = np.unique(rng.choice(len(rows), STOOD_FOR, p=share), return_counts=True)
        weight = times / STOOD_FOR
    between = apart(candidates, candidates)
    width = kernel_width(between)
    mean, step = np.zeros(len(candidates)), max(1, BLOCK // len(candidates))
    for at in range(0, len(others), step):
        part = slice(at, at + step)
        mean += np.exp(-apart(candidates, rows[others[part]]) / width) @ weight[part]
    chosen = discrepancy.greedy(np.exp(-between / width), mean, n_rows, again=True)
    each, times = np.unique(chosen, return_counts=True)
    return np.ascontiguousarray(candidates[each]), times / n_rows


def _some(share: Weights, most: int, rng: np.random.Generator) -> Ints:
    """Numbers of all rows, or of as many that are drawn by their shares."""
    if len(share) <= most:
        return np.arange(len(share))
    return np.sort(rng.choice(len(share), most, replace=False, p=share))


def _nearest_to_centres(
    rows: Codes, share: Weights, n_rows: int, numeric: Bools, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    chosen, cluster = nearest_to_centres(points_of(rows, numeric), share, n_rows, rng)
    mass = np.bincount(cluster, weights=share)
    return np.ascontiguousarray(rows[chosen]), mass / mass.sum()


def points_of(rows: Codes, numeric: Bools) -> Floats:
    """(R, C): coded rows as points: numbers in their deviations, missing ones at the mean and marked, levels all as far from
    each other."""
    parts = []
    for d in range(rows.shape[1]):
        missing = np.isnan(rows[:, d])
        largest = np.abs(rows[~missing, d]).max(initial=0.0) or 1.0  # squares of the largest numbers overflow
        column = np.where(missing, (rows[~missing, d] / largest).mean() if not missing.all() else 0.0, rows[:, d] / largest)
        spread = column.std()
        parts.append((column / spread)[:, None] if numeric[d] and spread > 0 else _indicators(column, numeric[d]))
        if missing.any() and not missing.all():
            parts.append(_indicators(missing.astype(np.float64), False))
    return np.concatenate(parts, axis=1)


def nearest_to_centres(points: Floats, share: Weights, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """By k-means with weights: the numbers (k,) of the points nearest to the centres, and each point's cluster (R,) among
    them. k is n, or less where fewer points differ."""
    from sklearn.cluster import KMeans

    found = KMeans(n, n_init=1, random_state=int(rng.integers(2**31))).fit(points, sample_weight=share)
    distance = ((points - found.cluster_centers_[found.labels_]) ** 2).sum(axis=1)
    order = np.lexsort((distance, found.labels_))
    _, first, cluster = np.unique(found.labels_[order], return_index=True, return_inverse=True)
    own = np.empty(len(order), dtype=np.int64)
    own[order] = cluster
    return order[first], own


def _indicators(column: Floats, numeric: bool) -> Floats:
    """A level's distance to another is the same for all pairs; a constant number says nothing."""
    return np.zeros((len(column), 0)) if numeric else (column[:, None] == np.unique(column)[None, :]) / np.sqrt(2.0)


def row_controls(
    rows: Codes, share: Weights, columns: Sequence[Sequence[int]], numeric: Bools
) -> tuple[Floats, Ints, tuple[int, int]]:
    """Numbers (B, C) that describe coded rows (B, D), the player (C,) of each, and how many are coarse and how many fine.

    They are controls for values on single rows.
    Coarse: a number itself, whether it is missing, the most frequent levels of a column of levels. Fine: the quarters of a
    number. Each is scaled to weighted mean zero and variance one; constant ones are left out.

    share (B,) weights that sum to one;  columns of each player;  numeric (D,): which columns are numbers and not levels
    """
    parts: tuple[list[Floats], list[Floats]] = ([], [])
    owners: tuple[list[int], list[int]] = ([], [])
    for p, own in enumerate(columns):
        for d in own:
            described = _of_number(rows[:, d], share) if numeric[d] else (_of_levels(rows[:, d], share), [])
            for grade, found in enumerate(described):
                scaled = [s for s in (_scaled(one, share) for one in found) if s is not None]
                parts[grade].extend(scaled)
                owners[grade].extend([p] * len(scaled))
    every = parts[0] + parts[1]
    table = np.column_stack(every) if every else np.zeros((len(rows), 0))
    return table, np.array(owners[0] + owners[1], dtype=np.int64), (len(parts[0]), len(parts[1]))


def _of_number(values: Floats, share: Weights) -> tuple[list[Floats], list[Floats]]:
    missing = np.isnan(values)
    there = ~missing & np.isfinite(values)
    if not there.any():
        return [], []
    known = np.where(there, values, np.median(values[there]))  # of the largest numbers no sum is taken
    order = np.argsort(known, kind="stable")
    below = np.cumsum(share[order])
    low, *edges, high = known[order][np.minimum(np.searchsorted(below, (ENDS[0], *CUTS, ENDS[1])), len(known) - 1)].tolist()
    reach = min(high - low, np.finfo(np.float64).max / 4.0)
    quarters = [(known > edge).astype(np.float64) for edge in sorted(set(edges))]
    return [np.clip(known, low - reach, high + reach), missing.astype(np.float64)], quarters


def _of_levels(values: Floats, share: Weights) -> list[Floats]:
    codes = np.nan_to_num(values, nan=-1.0)
    levels, place = np.unique(codes, return_inverse=True)
    frequent = np.argsort(-np.bincount(place, weights=share), kind="stable")[:MOST_LEVELS]
    return [(codes == levels[k]).astype(np.float64) for k in frequent]


def _scaled(values: Floats, share: Weights) -> Floats | None:
    largest = np.abs(values).max(initial=0.0)
    if largest == 0.0:
        return None
    values = values / largest  # squares of the largest numbers overflow
    centred = values - share @ values
    deviation = np.sqrt(share @ centred**2)
    return np.asarray(centred / deviation) if deviation > 1e-12 else None
