"""Curves averaged over rows: what PDP and ICE conclude from the moments of a grid, and the bands of such means."""

from dataclasses import replace

import numpy as np

from perturbxai.core.types import Bools, Floats
from perturbxai.estimation.curves.axes import Standing, counts_of
from perturbxai.estimation.curves.grid_tables import Curve, GridTable, Moments
from perturbxai.estimation.intervals import LEVEL, independent_factor
from perturbxai.estimation.quantiles import student
from perturbxai.estimation.survey import ROUNDING

RANK = 1e-9  # of the largest: smaller parts of a correlation are rounding
# Of n rows that all answer alike as many as 3 / n of all rows may answer otherwise, with 95 %, by about two deviations where
# they differ most: 1.96 errors reach so far where an error is three of these deviations over n
UNSEEN = 3.0
DRAWS = 2000  # of the largest error along a curve, for simultaneous bands


def mean_curve(table: GridTable, shown: str, rng: np.random.Generator) -> Curve:
    """The mean of the rows' curves, "raw", "centred" by the data or "anchored" at the first point, with its bands."""
    moments = table.moments
    assert moments is not None
    n_points = len(table.standing.centre)
    covariance = None
    if moments.joint:
        read = np.eye(n_points, n_points + 1)  # of the centred curve and its level: the curve is their sum
        if shown == "raw":
            read[:, -1] = 1.0
        elif shown == "anchored":
            read[:, 0] -= 1.0
        values = np.einsum("gv,vk->gk", read, moments.mean)
        # of a single row nothing is known: infinite, and not infinite times zero
        covariance = read @ moments.error @ read.T if moments.n > 1 else np.full_like(moments.error, np.inf)[:, :-1, :-1]
        variance, spread = _diagonal(covariance), _diagonal(read @ moments.spread @ read.T)
    else:
        part = slice(0, n_points) if shown == "centred" else slice(n_points, None)
        values, variance, spread = moments.mean[part], moments.error[part], moments.spread[part]
    sampled = np.arange(n_points) >= (shown == "anchored")  # where a curve starts it is 0 whatever the rows
    return _banded(table, moments, values, (variance, covariance, spread), sampled, table.standing.shape, rng)


def slope_curve(table: GridTable, rng: np.random.Generator) -> Curve:
    """The mean of the rows' secants between neighbouring points of one column."""
    moments, axis = table.slopes, table.axes[0]
    assert moments is not None
    parts = _diagonal(moments.error), moments.error, _diagonal(moments.spread)
    steepest = 2.0 / np.diff(axis.points[: axis.n_known]).min()  # how much a rounding of the answers is magnified
    sampled = np.ones(axis.n_steps, dtype=bool)
    found = _banded(table, moments, moments.mean, parts, sampled, (axis.n_steps,), rng, steepest)
    return replace(found, midpoints=True)


def shown_alike(table: GridTable, curves: Floats, shown: str) -> Floats:
    """(rows, G..., K): rows' own curves, as the mean of all is shown."""
    if shown == "anchored":
        return np.asarray(curves - curves[:, :1])
    if shown == "derivative":
        known = table.axes[0].n_known
        widths = np.diff(table.axes[0].points[:known])
        return np.asarray(np.diff(curves[:, :known], axis=1) / widths[:, None])
    if shown == "centred":
        flat = curves.reshape(len(curves), -1, table.n_outputs)
        return np.asarray(flat - np.einsum("ntk,t->nk", flat, table.standing.centre)[:, None]).reshape(curves.shape)
    return curves


def importance_of(standing: Standing, values: Floats) -> Floats:
    """(K,): the standard deviation over the data of a curve (T, K), read where the rows stand on it."""
    at = standing.read(values)
    return np.asarray(np.sqrt(standing.weight @ (at - standing.weight @ at) ** 2))


def errors_of_importance(
    standing: Standing, values: Floats, covariance: Floats | None, n_rows: float
) -> tuple[Floats, Floats]:
    """(K,) twice: the standard error of a curve's standard deviation over the data, and how far noise raises it.

    values (T, K), covariance (K, T, T) of the curve at the points, at any level, None or infinite where it is not known;
    n_rows: how many, had they equal weights. Linearised; where noise is all there is, the error is that of the curve.
    """
    if covariance is None or not np.isfinite(covariance).all():
        return np.full(values.shape[1], np.inf), np.full(values.shape[1], np.nan)
    centre, weight = standing.centre, standing.weight
    apart = standing.read(values - centre @ values)
    spread = weight @ apart**2
    about = standing.gram - np.outer(centre, centre)  # of a curve's own variance over the data, as a form in its points
    noise = np.maximum(np.einsum("st,kst->k", about, covariance), 0.0)
    pull = about @ values
    moved = np.maximum(np.einsum("tk,kts,sk->k", pull, covariance, pull), 0.0)  # by the curve's error
    drawn = weight @ (apart**2 - spread) ** 2 / n_rows  # by where the rows lie along it
    known = spread > noise
    error = np.sqrt(np.where(known, (moved + drawn / 4.0) / np.where(known, spread, 1.0), noise))
    return error, np.sqrt(spread) - np.sqrt(np.maximum(spread - noise, 0.0))


def error_of_reach(values: Floats, covariance: Floats) -> Floats:
    """(K,): the standard error of the highest of a curve's values (G, K) less the lowest; covariance (K, >= G, >= G).

    What moves both alike is not in it. Infinite where an error is.
    """
    found = []
    for one, spread in zip(values.T, covariance, strict=True):
        ends = np.ix_(*[[int(one.argmax()), int(one.argmin())]] * 2)
        (high, both), (_, low) = spread[ends]
        known = np.isfinite([high, low, both]).all()
        found.append(max(high + low - 2.0 * both, 0.0) ** 0.5 if known else np.inf)
    return np.array(found)


def _banded(
    table: GridTable, moments: Moments, values: Floats, parts: tuple[Floats, Floats | None, Floats], sampled: Bools,
    shape: tuple[int, ...], rng: np.random.Generator, per: float = 1.0,
) -> Curve:  # fmt: skip
    """Means (G, K) on a grid of this shape; parts: their variances, covariance (K, G, G) if known, and the rows' spread.

    sampled (G,): the points that depend on which rows were drawn. Where all rows answer alike, they may have missed what few
    others would show, and borrow from the point at which they differ most.
    """
    variance, covariance, spread = parts
    df = float(moments.n - 1)
    rounding = ROUNDING * table.scale * per
    alike = sampled[:, None] & (np.maximum(variance, 0.0) <= rounding**2)
    unseen = UNSEEN**2 * np.maximum(spread, 0.0).max(axis=0) * (moments.squares / moments.weight**2) ** 2
    lent = np.where(alike, unseen, 0.0)
    stderr = np.maximum(np.sqrt(np.maximum(variance, 0.0) + lent), rounding)
    if covariance is None:
        critical = np.full(table.n_outputs, independent_factor(len(values), df))
    else:
        own = covariance + lent.T[:, :, None] * np.eye(len(values))
        critical = largest_of(own, stderr, np.full(table.n_outputs, df), rng)
    full, reach = (*shape, table.n_outputs), None
    if covariance is not None and shape == table.standing.shape:
        reach = np.maximum(error_of_reach(values[: table.axes[0].n_known], own), rounding)
    return Curve(
        values.reshape(full), stderr.reshape(full), critical, df, counts_of(table.axes, table.weight > 0),
        np.sqrt(np.maximum(spread, 0.0)).reshape(full), table.axes, table.standing.centre, reach_stderr=reach,
    )  # fmt: skip


def _diagonal(covariance: Floats) -> Floats:
    """(V, K) from (K, V, V)."""
    return np.asarray(np.diagonal(covariance, axis1=1, axis2=2).T)


def largest_of(covariance: Floats, stderr: Floats, df: Floats, rng: np.random.Generator) -> Floats:
    """(K,): the factors that make errors simultaneous along curves, from the largest of drawn normal ones.

    covariance (K, G, G) of the curves' points;  stderr (G, K);  df (K,) degrees of freedom of the errors
    """
    n_points = len(stderr)
    normals = rng.standard_normal((n_points, DRAWS), dtype=np.float32)  # a quantile of draws needs no more digits
    found = []
    for one, error, free in zip(covariance, stderr.T, df, strict=True):
        if free <= 0 or not np.isfinite(one).all():
            found.append(independent_factor(n_points, max(free, 0.0)))
            continue
        scale = np.where(error > 0, error, np.inf)
        values, vectors = np.linalg.eigh(one / scale[:, None] / scale)
        live = values > RANK * values[-1]
        root = (vectors[:, live] * np.sqrt(values[live])).astype(np.float32)
        drawn = root @ normals[: root.shape[1]]
        largest = np.maximum(drawn.max(axis=0), -drawn.min(axis=0))
        chi = rng.chisquare(free, DRAWS) / free if np.isfinite(free) else 1.0
        found.append(max(np.quantile(largest / np.sqrt(chi), LEVEL), student(0.5 + LEVEL / 2.0, free)))
    return np.array(found)
