"""prototypes(): few rows or pictures that stand for the data, and those that they do not stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perturbxai.calls.likeness import Likeness, Things, euclidean, likeness_of, things_of
from perturbxai.calls.picture_features import Embed
from perturbxai.core import checks
from perturbxai.core.types import Codes, Floats, Frame, Inputs, Ints, Layer, Picture, Weights
from perturbxai.inputs import discrepancy
from perturbxai.inputs.background import nearest_to_centres
from perturbxai.inputs.columns import Columns
from perturbxai.inputs.medoids import medoids, silhouette
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.results.prototypes import Prototypes
from perturbxai.sampling.streams import Streams

METHODS = ("mmd", "kmedoids", "kmeans")
MOST, WORTH = 20, 100  # unasked: so many prototypes at most, or as many as are worth so many rows that are drawn
CLUSTERS = 10  # the largest number that is tried unasked


def prototypes(
    data: TabularSpace | Inputs,
    n: int | None = None,
    *,
    criticisms: int | None = None,
    method: str = "mmd",
    metric: str | Callable[[Any, Any], Any] = "gower",
    embed: Embed = None,
    layer: Layer | None = None,
    kernel_width: float | None = None,
    rows: int = 2000,
    seed: int = 0,
) -> Prototypes:
    """Few rows or pictures that together stand for all, and criticisms: those that they do not stand for.

    Asks no model for a prediction: it is about the data, before any model.

    data      a table, px.TabularSpace(X) (whose weights count), or pictures: a list, or (N, H, W, C)
    n         how many prototypes. None: by "mmd" as many as are worth 100 rows drawn at random, 20 at most; of clusters the
              number from 2 to 10 whose silhouette is best. What was tried is in `choice`
    criticisms  how many; None for half as many as prototypes. Fewer are found where all others are like those
    method    "mmd": greedily those whose mean lies nearest to the mean of the data in the space of a kernel (the maximum
              mean discrepancy), Kim, Khanna & Koyejo, "Examples are not enough, learn to criticize!" (2016). Each step takes
              the row that leaves the least. "kmedoids": the middles of clusters, so that the mean distance to the nearest is
              least (PAM, Kaufman & Rousseeuw 1987); "kmeans": the rows nearest to the centres of k-means
    metric    of a table "gower", the mean over the columns of how far two rows lie apart in each: numbers in shares of their
              range, levels same or not, a missing value as a level of its own. Or a function of two tables (of two lists of
              pictures) to distances (n, m)
    embed     a function from the table, or from a list of pictures, to points (n, d), whose straight distances count; or, of
              pictures, px.Predictor(net): the points are what its last map, or `layer`, is on average over its places. None:
              of pictures their pixels
    layer     of the network: a module or its name, as in `baselines`
    kernel_width  the width w of the kernel exp(-distance / w), of points exp(-distance^2 / (2 w^2)); None for the median
              distance between rows that differ
    rows      at most so many are looked at, drawn by their weights: memory is their square
    seed      of that draw, and of where k-means begins

    Where rows count alike the greedy choice is never worse than drawn rows: after n steps the squared discrepancy is at most
    that of n rows drawn with replacement, on average. `as_drawn` tells how many of these it is worth, `bound` how near it is
    to the best. Where the data lie thicker than the prototypes say, the witness function (the mean kernel to the data less
    that to the prototypes) is above 0, where they lie thinner below; criticisms are rows where it is large either way, and
    that are unlike each other (the log determinant of their kernel).
    Raises TypeError or ValueError, before any work, for what are neither rows nor pictures, for more prototypes than
    distinct rows, infinite numbers, measures that are no distances, and arguments that do not go together. Warns where a
    metric's kernel is not positive definite; the part of it that is not is left out.

    >>> import numpy as np, perturbxai as px
    >>> X = np.repeat([[0.0, 0.0], [0.0, 1.0], [5.0, 5.0]], [6, 3, 1], axis=0)
    >>> found = px.prototypes(X, 2, criticisms=1)
    >>> X[found.numbers].tolist(), found.share.tolist(), X[found.criticism_numbers].tolist()
    ([[0.0, 0.0], [0.0, 1.0]], [0.6, 0.4], [[5.0, 5.0]])
    """
    checks.one_of("method", method, METHODS)
    most = checks.whole("rows", rows, 2, of="rows")
    streams = Streams(checks.seed(seed))
    way = ", or None for the median distance"
    width = (
        None
        if kernel_width is None
        else checks.number("kernel_width", kernel_width, f"a number above 0{way}", above=0.0, below=np.inf)
    )
    n_criticisms = None if criticisms is None else checks.whole("criticisms", criticisms, 0)
    things = things_of(data, most, streams.of_call("rows"))
    alike = likeness_of(things, metric, embed, layer)
    if method == "kmeans" and alike.points is None:
        raise ValueError("method='kmeans' needs points, whose centres it takes, and metric= gives none; take 'kmedoids'.")
    way = f" to the {len(things):,} distinct ones that are looked at, or None"
    wanted = None if n is None else checks.whole("n", n, 1, most=len(things), of="prototypes", way=way)
    distance = alike.between(things, things)
    if not distance.any():
        raise ValueError(f"no two of the {len(things):,} lie apart, by what embed= or metric= says of them; give another.")
    _refuse_more_centres(method, wanted, things, alike)
    kernel, wide = alike.kernel(distance, width)
    # k-means lies in another geometry, that of its points
    apart = distance if method != "kmeans" or alike.points is None else euclidean(points := alike.points(things), points)
    chosen, choice = _choice(method, wanted, things, alike, apart, kernel, streams)
    near = discrepancy.witness(kernel, things.share, chosen)
    how_many = len(chosen) // 2 if n_criticisms is None else n_criticisms
    odd = discrepancy.criticisms(kernel, near, chosen, min(how_many, len(things) - len(chosen)))
    nearest = np.argmin(apart[:, chosen], axis=1)
    share = np.bincount(nearest, weights=things.share, minlength=len(chosen)).astype(np.float64)
    table, pictures, ranks = _shown(things, np.concatenate([chosen, odd]))
    return Prototypes(
        things.number[chosen], share, things.number[odd], near[odd],
        discrepancy.discrepancies(kernel, things.share, chosen), discrepancy.of_a_draw(kernel, things.share),
        float(things.share @ kernel @ things.share), choice, things.labels(chosen), things.labels(odd),
        things.n_data, things.number, nearest, near, method, table, pictures, ranks,
        {"kernel_width": wide, "squares": alike.squares, "seed": streams.seed, "rows": len(things), "drawn": things.n_drawn,
         "worth": WORTH},
    )  # fmt: skip


def _choice(
    method: str, n: int | None, things: Things, alike: Likeness, distance: Floats, kernel: Floats, streams: Streams
) -> tuple[Ints, dict[int, float]]:
    """Numbers of the prototypes among the things, and what was made of each number of them, where nobody said how many."""
    if method == "mmd":
        found = discrepancy.greedy(kernel, kernel @ things.share, min(MOST, len(things)) if n is None else n)
        if n is not None:
            return found, {}
        left = discrepancy.discrepancies(kernel, things.share, found)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = np.where(left > 0.0, discrepancy.of_a_draw(kernel, things.share) / left, np.inf)
        enough = np.flatnonzero(worth >= WORTH)
        kept = int(enough[0]) + 1 if len(enough) else len(found)
        return found[:kept], {k + 1: float(worth[k]) for k in range(len(found))}

    def clusters(k: int) -> Ints:
        if method == "kmedoids":
            return medoids(distance, things.share, k)
        assert alike.points is not None  # or it was refused
        return nearest_to_centres(alike.points(things), things.share, k, streams.of_call("k-means"))[0]

    if n is not None:
        return _by_size(clusters(n), distance, things), {}
    most = min(CLUSTERS, len(things) - 1, _distinct(things, alike) if method == "kmeans" else len(things))
    tried = {k: clusters(k) for k in range(2, most + 1)} or {2: clusters(2)}
    scores = {
        k: silhouette(distance, things.share, np.argmin(distance[:, c], axis=1), 1.0 / things.n_drawn)
        for k, c in tried.items()
    }
    best = max(scores, key=lambda k: (scores[k], -k))
    return _by_size(tried[best], distance, things), scores


def _distinct(things: Things, alike: Likeness) -> int:
    """How many points of the things differ."""
    assert alike.points is not None  # or k-means was refused
    return len(np.unique(alike.points(things), axis=0))


def _refuse_more_centres(method: str, n: int | None, things: Things, alike: Likeness) -> None:
    if method == "kmeans" and n is not None and n > (most := _distinct(things, alike)):
        raise ValueError(
            f"n={n} centres of k-means are more than the {most:,} points that differ; ask for {most:,} at most."
        )


def _by_size(chosen: Ints, distance: Floats, things: Things) -> Ints:
    """The largest cluster first."""
    mass = np.bincount(np.argmin(distance[:, chosen], axis=1), weights=things.share, minlength=len(chosen))
    return chosen[np.argsort(-mass, kind="stable")]


def _shown(things: Things, chosen: Ints) -> tuple[Frame | None, tuple[Picture, ...] | None, Floats | None]:
    """The chosen as rows of the data or as pictures, and of rows where their numbers lie among those of the data."""
    import pandas as pd

    if things.space is None or things.codes is None:
        assert things.pictures is not None
        return None, tuple(things.pictures[i] for i in chosen), None
    columns, codes = things.space.columns, things.codes
    rows = columns.plain(codes[chosen])
    table = rows if columns.frame else pd.DataFrame(rows, columns=list(columns.names))
    return table, None, ranks_of(columns, codes, things.share, codes[chosen])


def ranks_of(columns: Columns, codes: Codes, share: Weights, rows: Codes) -> Floats:
    """(n, D): the share of the data that lie below each value, and half of those that have it; NaN of unordered levels."""
    found = np.full(rows.shape, np.nan)
    for d in np.flatnonzero(np.asarray(columns.numeric) | np.asarray(columns.ordered)):
        own, there = codes[:, d], ~np.isnan(codes[:, d])
        if not there.any():
            continue
        values, place = np.unique(own[there], return_inverse=True)
        mass = np.bincount(place, weights=share[there], minlength=len(values))
        middle = (np.cumsum(mass) - 0.5 * mass) / mass.sum()
        known = np.flatnonzero(~np.isnan(rows[:, d]))
        found[known, d] = np.interp(rows[known, d], values, middle)
    return found
