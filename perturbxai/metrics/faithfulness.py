"""Does a map say what the model does? Deletion, insertion, and agreement with coalitions that nobody asked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats, Ints, Presence, Weights

ROUNDING = 1e-9  # what is left of a constant after its mean is taken, relative to its size
CURVES = ("deletion", "insertion")
SAME = 1e-12  # shares this near are one, 1/3 and 2/6
COLUMNS = ["method", "output", "scored_fill", "curve", "share", "value", "stderr", "inputs"]


def rankings(values: Floats, rng: np.random.Generator) -> Ints:
    """(R, P) players from the most to the least valued. Ties are averaged over two opposite random orders (R = 2).

    A ReLU'd CAM gives many players 0: their order must not be that of their numbers, which runs across the picture.
    """
    shuffled = rng.permutation(len(values))
    orders = [shuffled, shuffled[::-1]] if len(np.unique(values)) < len(values) else [shuffled]
    return np.array([order[np.argsort(-values[order], kind="stable")] for order in orders])


def curve_coalitions(order: Ints) -> tuple[Bools, Bools]:
    """(P + 1, P) coalitions of deletion (all, then without the best, ...) and of insertion (none, then the best, ...)."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    shown = rank[None, :] < np.arange(len(order) + 1)[:, None]
    return ~shown, shown


def area(curve: Floats) -> float:
    """The area under a curve over the share of players in [0, 1], by trapezoids, in output units."""
    return float(np.trapezoid(curve, dx=1.0 / (len(curve) - 1)))


def deletion(deletion: Floats) -> float:
    """The area under the score as the best players are hidden first, (P + 1,); low is good."""
    return area(deletion)


def insertion(insertion: Floats) -> float:
    """The area under the score as the best players are shown first, (P + 1,); high is good."""
    return area(insertion)


def srg(deletion: Floats, insertion: Floats) -> float:
    """Symmetric relevance gain: what insertion has more than deletion."""
    return area(insertion) - area(deletion)


def road(road_most: Floats, road_least: Floats) -> float:
    """What the output loses more as the most valued players are painted over than as the least valued are, a mean over
    shares.

    Rong, Leemann, Borisov, Kasneci & Kasneci, "A consistent and efficient evaluation strategy for attribution methods"
    (2022), who count right answers over many pictures. What is hidden is painted over from around it, so that no fill gives
    away where it was.

    road_most, road_least (10,): the output as players are painted over, from none to nine tenths of the area
    """
    return float(np.mean(road_least - road_most))


def faithfulness(values: Floats, z: Presence, answers: Floats, weight: Weights | None = None) -> float:
    """Correlation of the map's sums over coalitions with the game, after each size's mean is taken from both.

    values (P,), z (T, P), answers (T,);  weight (T,), None for equal ones.
    A map that only counts players scores 0. In [-1, 1], without a unit.
    """
    sums = z @ values
    sizes = z.sum(axis=1)
    weight = np.ones(len(z)) if weight is None else weight
    left, right = _within(sums, sizes, weight), _within(answers, sizes, weight)
    return _correlation(left, right, weight, np.abs(values).sum(), np.abs(answers).max(initial=0.0))


def faithfulness_raw(values: Floats, z: Presence, answers: Floats, weight: Weights | None = None) -> float:
    """The textbook correlation over mixed sizes. A constant map scores high on it, so it never ranks."""
    sums = z @ values
    weight = np.ones(len(z)) if weight is None else weight
    share = weight / weight.sum()
    left, right = sums - share @ sums, answers - share @ answers
    return _correlation(left, right, weight, np.abs(values).sum(), np.abs(answers).max(initial=0.0))


def size_weights(z: Presence) -> Floats:
    """(T,): equal weight to every size, for a test set that lists all coalitions."""
    sizes = z.sum(axis=1)
    counts = np.bincount(sizes, minlength=z.shape[1] + 1)
    return np.asarray(1.0 / counts[sizes])


def _within(numbers: Floats, sizes: Ints, weight: Weights) -> Floats:
    total = np.bincount(sizes, weights=weight)
    mean = np.bincount(sizes, weights=weight * numbers) / np.where(total > 0, total, 1.0)
    return np.asarray(numbers - mean[sizes])


def _correlation(left: Floats, right: Floats, weight: Weights, left_scale: float, right_scale: float) -> float:
    left_norm, right_norm = np.sqrt(weight @ left**2), np.sqrt(weight @ right**2)
    size = np.sqrt(weight.sum())
    if left_norm <= ROUNDING * left_scale * size or right_norm <= ROUNDING * right_scale * size:
        return 0.0
    return float((weight * left) @ right / (left_norm * right_norm))


def mean_curves(curves: Any) -> dict[str, NDArray[Any]]:
    """The mean over inputs of each method's curves: columns of a table with a line a method, panel and share.

    curves  a DataFrame with a line a step (`Comparison.curves`)

    An input of P players has steps at the shares 0, 1/P ... 1, so that photos of other P share few of them, and a mean over
    those that have a step somewhere is of other photos from one share to the next. Each curve is therefore read, straight
    between its own steps, at every share where any input of the panel has one. The mean's area is the mean of the areas.

    Returns method, output, scored_fill, curve, share, value, stderr (over the inputs; NaN of a single one) and inputs, how
    many they are.
    """
    parts: list[tuple[Any, ...]] = []
    stepped = curves[curves.curve.isin(CURVES)]
    for _, panel in stepped.groupby(["output", "scored_fill", "curve"], sort=False):
        grid = np.unique(panel.share.to_numpy(dtype=np.float64))
        grid = grid[np.diff(grid, prepend=-1.0) > SAME]
        for head, lines in panel.groupby(COLUMNS[:4], sort=False):
            read = np.array([np.interp(grid, *one) for one in _inputs(lines)])  # (inputs, G)
            n = len(read)
            error = read.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(grid), np.nan)
            named = (np.full(len(grid), name, dtype=object) for name in head)
            parts.append((*named, grid, read.mean(axis=0), error, np.full(len(grid), n)))
    return {name: np.concatenate([part[c] for part in parts]) if parts else np.empty(0) for c, name in enumerate(COLUMNS)}


def _inputs(lines: Any) -> list[tuple[Floats, Floats]]:
    """(shares, values) of each input: the next begins where shares do not climb (labels may repeat)."""
    share, value = lines.share.to_numpy(dtype=np.float64), lines.value.to_numpy(dtype=np.float64)
    begins = np.flatnonzero(np.diff(share) <= 0) + 1
    return list(zip(np.split(share, begins), np.split(value, begins), strict=True))
