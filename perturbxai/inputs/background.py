"""Background rows, drawn from a table: at random, or as the rows nearest to the centres of clusters."""

from __future__ import annotations

import numpy as np

from perturbxai.core.types import Bools, Codes, Floats, Weights


def draw_background(
    rows: Codes, share: Weights, n_rows: int, choose: str, numeric: Bools, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Rows that stand for absence, (B, D), and their weights (B,), which sum to one.

    rows (R, D) distinct, share (R,) how often each occurs. All of them if they fit; else a draw of n_rows of them, or
    ("kmeans") the real row nearest to each of n_rows centres, weighted by its cluster.
    Raises ValueError if k-means is asked of infinite numbers.
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
        raise ValueError("choose='kmeans' needs finite numbers, but X has infinite ones; take choose='sample'.")
    return _nearest_to_centres(rows, share, n_rows, numeric, rng)


def _nearest_to_centres(
    rows: Codes, share: Weights, n_rows: int, numeric: Bools, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    from sklearn.cluster import KMeans

    parts = []
    for d in range(rows.shape[1]):
        missing = np.isnan(rows[:, d])
        column = np.where(missing, rows[~missing, d].mean() if not missing.all() else 0.0, rows[:, d])
        spread = column.std()
        parts.append((column / spread)[:, None] if numeric[d] and spread > 0 else _indicators(column, numeric[d]))
        if missing.any() and not missing.all():
            parts.append(_indicators(missing.astype(np.float64), False))
    points = np.concatenate(parts, axis=1)
    seed = int(rng.integers(2**31))
    found = KMeans(n_rows, n_init=1, random_state=seed).fit(points, sample_weight=share)
    distance = ((points - found.cluster_centers_[found.labels_]) ** 2).sum(axis=1)
    order = np.lexsort((distance, found.labels_))
    clusters, first = np.unique(found.labels_[order], return_index=True)
    mass = np.bincount(found.labels_, weights=share, minlength=n_rows).astype(np.float64)[clusters]
    return np.ascontiguousarray(rows[order[first]]), mass / mass.sum()


def _indicators(column: Floats, numeric: bool) -> Floats:
    """A level's distance to another is the same for all pairs; a constant number says nothing."""
    return np.zeros((len(column), 0)) if numeric else (column[:, None] == np.unique(column)[None, :]) / np.sqrt(2.0)
