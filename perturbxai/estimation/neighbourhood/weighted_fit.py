"""LIME's fit of a neighbourhood: how rows are coded, weighted linear fits with their errors, the choice of features."""

import contextlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.types import Bins, Bools, Codes, Floats, Ints, Predicts, Values, Weights
from perturbxai.estimation.spread import effective_rows
from perturbxai.estimation.survey import MAX_LEVERAGE
from perturbxai.sampling.laws import squared
from perturbxai.sampling.neighbourhoods import Neighbourhood

N_GROUPS = 20  # of the jackknife
MANY_ROWS = 100  # rows a slope from which drawn columns count as independent,
NEARLY_ONE = 1.1  # if no slope's variance is inflated by more by the others


@dataclass(frozen=True, eq=False)
class Coding:
    """The regressors of LIME's fit and their distances.

    own (P,)        the bin or level of x in each column, 0 where it is Gaussian
    design (P', n)  of the live columns, those that vary: 1 in x's bin, or (value - x) in deviations
    distance (n,)   squared, between a row's coding and that of x
    live (P,);  unknown (P,): columns that vary in the table, but not in what was drawn
    lift (P,): what a slope is multiplied by to make a value
    """

    own: Ints
    design: Floats
    distance: Floats
    live: Bools
    unknown: Bools
    lift: Floats

    @classmethod
    def of(cls, hood: Neighbourhood, x: Floats, codes: Codes, bins: Bins) -> Self:
        """x (P,) and codes, bins (P, n) of drawn rows."""
        own = hood.bins_of(x)
        inside = bins == own.astype(bins.dtype)[:, None]  # a seventh of the time that numbers of two sizes take
        design = inside.astype(np.float64)
        alike = inside.all(axis=1) | ~inside.any(axis=1)
        gaussian = np.flatnonzero(hood.gaussian)
        # in bins a distance is 0 or 1; in deviations it is squared
        binned = (~hood.gaussian).astype(np.float64)
        distance = binned.sum() - binned @ design
        if len(gaussian):
            design[gaussian] = (codes[gaussian] - x[gaussian, None]) / hood.unit[gaussian, None]
            distance += (design[gaussian] ** 2).sum(axis=0)
            alike[gaussian] = design[gaussian].min(axis=1) == design[gaussian].max(axis=1)
        every = np.arange(len(own))
        lift = np.where(hood.gaussian, 0.0, 1.0)
        if hood.share.shape[1]:
            lift -= hood.share[every, own]
        lift[gaussian] = (x[gaussian] - hood.mean[gaussian]) / hood.unit[gaussian]
        # a rare level that no row drew, or that all did
        unknown = hood.live & alike
        live = hood.live & ~unknown
        return cls(own, design if live.all() else design[live], distance, live, unknown, lift)

    def weight(self, width: float) -> Floats:
        """(n,): lime's kernel, exp(-D^2 / (2 width^2))."""
        return np.asarray(np.exp(self.distance / (-2.0 * squared(width))))


@dataclass(frozen=True, eq=False)
class LocalFit:
    """slopes, stderr (P, K);  r2 (K,) out of sample;  df of the errors;  effective: rows that the weights are worth."""

    slopes: Floats
    stderr: Floats
    r2: Floats
    df: float
    effective: float


def fit_weighted(
    design: Floats, weight: Weights, values: Values, known: Floats, rest: Floats, n_terms: int, *, errors: bool = True
) -> LocalFit:
    """Weighted least squares with an intercept, by regression adjustment.

    design (P, n), weight (n,), values (n, K);  rest (K, n): what a model of n_terms terms leaves of the values;  known
    (P, K): the slopes of that model. Errors are the sandwich estimate with leverages, HC3.
    Raises ValueError if the rows do not determine the slopes.
    """
    n_slopes, n_rows = design.shape
    total = weight.sum()
    root = np.sqrt(weight)
    x = design - (design @ weight / total)[:, None]  # the intercept, eliminated
    x *= root
    gram = x @ x.T
    inverse = _inverse(gram, n_rows)
    left = (rest - (rest @ weight / total)[:, None]) * root
    found = inverse @ (x @ left.T)
    squares, share, leverage = _noise(x, gram, inverse)
    kept = 1.0 - np.minimum(leverage + weight / total, MAX_LEVERAGE)
    stderr = np.zeros_like(found)
    if errors:
        # the terms took part of the noise with them, and brought some of their own
        taken = n_rows / max(n_rows - n_terms, 1)
        residuals = (left - found.T @ x) / kept
        stderr = taken * np.sqrt(share[:, None] * (squares @ (residuals**2).T))
    slopes = found + known
    whole = (values.T - (weight @ values / total)[:, None]) * root
    r2 = _r2((whole - slopes.T @ x) / kept, whole)
    df = float(max(n_rows - n_slopes - 1 - n_terms, 0))
    return LocalFit(slopes, stderr, r2, df, effective_rows(weight))


def _inverse(gram: Floats, n_rows: int) -> Floats:
    """The inverse of a Gram matrix (P, P), or ValueError."""
    scale, lower = np.sqrt(np.diag(gram)), np.zeros_like(gram)
    if (scale > 0).all() and n_rows > len(gram):
        with contextlib.suppress(np.linalg.LinAlgError):
            lower = np.linalg.cholesky(gram / np.outer(scale, scale))
    if n_rows <= len(gram) or np.diag(lower).min(initial=1.0) < 1e-6:
        raise ValueError(
            f"{n_rows} drawn rows do not determine {len(gram)} slopes and an intercept at the weights they have. "
            "Draw more rows, or take a wider kernel."
        )
    half = np.linalg.inv(lower) / scale
    return np.asarray(half.T @ half)


def _noise(x: Floats, gram: Floats, inverse: Floats) -> tuple[Floats, Floats, Floats]:
    """How the noise of rows moves slopes, by x (P, n), centred and times the root of the weights.

    squares (P, n) and share (P,): the variance of a slope is its share times its squares at the rows' squared residuals;
    and the rows' leverage (n,)
    """
    own = np.diag(inverse)
    inflation = own * np.diag(gram)
    if x.shape[1] >= MANY_ROWS * (len(x) + 1) and (inflation < NEARLY_ONE).all():
        # columns that were drawn independently hardly correlate in so many rows: each slope stands alone but for the
        # inflation of its variance, and a product with all others, as large as the fit itself, is spared
        squares = x * x
        return squares, own**2 / np.maximum(inflation, 1.0), own @ squares
    moved = inverse @ x  # (P, n): what a unit of a row's value moves the slopes
    return moved**2, np.ones(len(x)), np.einsum("pn,pn->n", moved, x)


def _r2(residuals: Floats, values: Values) -> Floats:
    """(K,) share of the squares of values (K, n), centred, that is not left; NaN for a constant output."""
    left, total = (residuals**2).sum(axis=1), (values**2).sum(axis=1)
    told = total > np.finfo(np.float64).tiny
    return np.where(told, 1.0 - left / np.where(told, total, 1.0), np.nan)


def fit_regressor(regressor: Predicts, design: Floats, weight: Weights, values: Values) -> LocalFit:
    """A scikit-learn regressor's slopes, their errors by the jackknife over groups of rows.

    Raises TypeError for a regressor that has no coef_.
    """
    n_rows = len(values)
    n_groups = min(N_GROUPS, n_rows)
    group = np.arange(n_rows) % n_groups
    slopes = _fitted(regressor, design, weight, values)
    without = np.array([_fitted(regressor, *(part[group != g] for part in (design, weight, values)))
                        for g in range(n_groups)])  # fmt: skip
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    held = np.empty_like(values)
    for g in range(n_groups):
        inside = group == g
        level = np.average(values[~inside] - design[~inside] @ without[g], axis=0, weights=weight[~inside])
        held[inside] = values[inside] - design[inside] @ without[g] - level
    root = np.sqrt(weight)
    r2 = _r2(held.T * root, (values - weight @ values / weight.sum()).T * root)
    stderr = np.sqrt((n_groups - 1.0) / n_groups * spread)
    return LocalFit(slopes, stderr, r2, float(n_groups - 1), effective_rows(weight))


def _fitted(regressor: Predicts, design: Floats, weight: Weights, values: Values) -> Floats:
    from sklearn.base import clone

    slopes = np.empty((design.shape[1], values.shape[1]))
    for k in range(values.shape[1]):  # one by one: not every regressor takes several targets
        done = clone(regressor).fit(design, values[:, k], sample_weight=weight)
        if not hasattr(done, "coef_"):
            raise TypeError(
                f"model_regressor {type(regressor).__name__} has no coef_ once fitted, so it has no slopes to show; "
                "take a linear regressor such as Ridge, or model_regressor=None."
            )
        slopes[:, k] = np.ravel(done.coef_)
    return slopes


def selected(how: str, n_features: int, design: Floats, weight: Weights, values: Values, strength: Floats) -> Bools:
    """(P, K): which features an output keeps, by "forward", "lasso_path" or "highest_weights" (of strength (P, K))."""
    n_slopes, n_outputs = strength.shape
    kept = np.zeros((n_slopes, n_outputs), dtype=bool)
    count = min(n_features, n_slopes)
    for k in range(n_outputs):
        if how == "highest_weights":
            kept[np.argsort(-np.abs(strength[:, k]), kind="stable")[:count], k] = True
        else:
            choose = _forward if how == "forward" else _lasso_path
            kept[choose(count, *_weighted(design, weight, values[:, k])), k] = True
    return kept


def _weighted(design: Floats, weight: Weights, values: Values) -> tuple[Floats, Floats]:
    """Design and values less their weighted means, times the root of the weights."""
    root = np.sqrt(weight)
    share = weight / weight.sum()
    return (design - share @ design) * root[:, None], (values - share @ values) * root


def _forward(count: int, x: Floats, residual: Floats) -> list[int]:
    """Features one at a time, each the one that lowers the weighted squared error most."""
    chosen: list[int] = []
    for _ in range(count):
        norm = (x**2).sum(axis=0)
        gain = np.where(norm > 1e-12 * max(norm.max(), 1e-300), (x.T @ residual) ** 2 / np.maximum(norm, 1e-300), -1.0)
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        chosen.append(best)
        if norm[best] > 0:
            direction = x[:, best] / np.sqrt(norm[best])
            residual -= direction * (direction @ residual)
            x -= direction[:, None] * (direction @ x)[None, :]
    return chosen


def _lasso_path(count: int, x: Floats, y: Floats) -> list[int]:
    """The last point of the lasso's path with so many features, as lime takes it."""
    from sklearn.linear_model import lars_path

    _, _, path = lars_path(x, y, method="lasso")
    for step in range(path.shape[1] - 1, 0, -1):
        chosen: list[int] = np.flatnonzero(path[:, step]).tolist()
        if len(chosen) <= count:
            return chosen
    return []
