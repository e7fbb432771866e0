"""RISE as published: the picture seen through smooth random masks, a map by the pixel."""

from dataclasses import dataclass, field
from math import isqrt
from typing import Any, ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate
from perturbxai.core.interpolation import between_centres
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import PixelMasks, Players
from perturbxai.core.types import Floats, Labels, Values
from perturbxai.estimation.intervals import independent
from perturbxai.estimation.spread import STILL, unseen
from perturbxai.estimation.survey import MAX_LEVERAGE, ROUNDING

ESTIMATORS = ("controlled", "centred", "plain")
LEAST_MASKS = 10
MASKS_A_CONTROL = 4  # so many masks at least for each slope of the control variate
NUMBERS_AT_ONCE = 1 << 20  # of masks that are held while a map is summed up


@options
class RiseSmooth(Asking):
    """RISE as published: a map by the pixel of which parts of a picture raise the score, from smooth random masks.

    What it estimates. The picture is seen through a mask M: as it is where M is 1, as the space's fill where M is 0 (the
    paper's fill is black), blended between. The map `.heat` is, by pixel, E[M f] / p - E f: the mean score f where the
    pixel is seen less the mean score of all masks, in units of the output and with its sign (Petsiuk, Das & Saenko, "RISE:
    randomized input sampling for explanation of black-box models", 2018). E f, which the paper's map keeps, is in
    `meta["mean"]`. A player's value is the sum of the map over its pixels, in cells of the masks (`meta["cell_pixels"]`),
    so that a superpixel as large as a cell stands beside what `rise` gives. Values do not sum to v(N) - v(nothing).

    When to take it. For a map finer than superpixels from a model that cannot be looked into, and to compare with the
    paper. The size of cells bounds how finely it can tell pixels apart. `rise` hides whole superpixels or columns.

    How. A mask is a grid of `cells` x `cells`, each 1 with probability p, else 0, enlarged by bilinear interpolation to one
    cell more than covers the picture, from which the picture's size is cropped at a random place. The plain estimator
    carries the whole score as noise, the centred one what the score deviates by. The controlled one fits the scores by
    least squares to the masks' means over (cells + 1)^2 squares of the picture, fewer if masks are few, and averages only
    what that leaves: what the fit explains is put into the map through the covariance of masks, which is known exactly. All
    three have the same limit, but for E f. On functions of smooth masks, 500 masks and 7 x 7 cells the squared errors of
    plain, centred and controlled, up to a constant, were .28, .061 and .0023 on a sigmoid of three spots, .15, .059 and
    .0046 on products.

    What comes back. `heat` (N, K, H, W), `values` and `stderr` (N, P, K), and `meta["heat_stderr"]` (K, H, W) by input: the
    errors of independent masks, with t intervals. A score that no mask has shown is in them, as far off as the farthest
    that was seen; where all masks score alike they are infinite.

    cells      of the grid, along each side; 7 is the paper's
    p          probability that a cell is seen, above 0 and below 1; 0.5 is the paper's
    estimator  "controlled", "centred", or "plain": the paper's, which keeps E f
    budget (of `explain`)  in masks, of which two are the picture and its fill; at least 12
    name       the key of the result, "rise_smooth" if empty

    Raises ValueError, before the model is asked, for options out of their bounds, tables, pictures with fewer pixels a side
    than cells, and a budget that is too small.

    >>> import numpy as np, perturbxai as px
    >>> model = px.Predictor(lambda pictures: pictures[:, 2:4, 4:6, 0].mean(axis=(1, 2)))  # looks at one corner of four
    >>> space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    >>> found = px.explain(px.RiseSmooth(cells=2), model, space, np.ones((8, 8)), budget=200)["rise_smooth"]
    >>> found[0].heat.shape, bool(found[0].heat[0, 3, 5] > found[0].heat[0, 7, 0])
    ((1, 8, 8), True)
    """

    cells: int = 7
    p: float = 0.5
    estimator: str = "controlled"
    name: str = ""
    all_players: ClassVar[bool] = True
    asks: ClassVar[str] = "masks"

    def __post_init__(self) -> None:
        checks.whole("cells", self.cells, 1, way="; 7 is RISE's own")
        checks.share("p", self.p, "; 0.5 is RISE's own")
        checks.one_of("estimator", self.estimator, ESTIMATORS)

    def check(self, players: Players) -> None:
        """Refuse tables, and pictures with fewer pixels than cells."""
        if players.labels is None:
            raise ValueError("rise_smooth masks the pixels of a picture, and a table has none; take 'rise'.")
        height, width = players.labels.shape
        if self.cells > min(height, width):
            raise ValueError(f"cells={self.cells} is more than a picture of {height} x {width} pixels has; take fewer.")

    def least(self, players: Players) -> int:  # noqa: ARG002
        return LEAST_MASKS + 2

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        assert players.labels is not None
        n_masks, (height, width) = budget - 2, players.labels.shape
        grid = rng.random((n_masks, self.cells, self.cells)) < self.p
        rows, columns = (-(-size // self.cells) for size in (height, width))  # pixels a cell
        shift = np.column_stack([rng.integers(rows, size=n_masks), rng.integers(columns, size=n_masks)])
        down, across = (between_centres(self.cells, (self.cells + 1) * step) for step in (rows, columns))
        masks = PixelMasks(grid, shift, down, across)
        (values,) = yield [masks]
        fit = _fit(self.estimator, masks, values, players.labels.shape, self.p)
        pixels = (self.cells + 1) ** 2 * rows * columns / self.cells**2  # of an enlarged cell
        found = _sum_up(masks, fit, players.labels, self.p, pixels)
        notes = {"masks": n_masks, "mean": values.mean(axis=0).tolist(), "pool": "sum", "cell_pixels": pixels}
        found.notes.update(notes | fit.notes)
        return found


@dataclass(frozen=True, eq=False)
class _Fit:
    """What is averaged over the masks, (mask - centre) * residual, and the part of the map that is known beside it.

    residual (N, K);  spread (N, K), the same as its error takes it;  known (K, H, W);  df degrees of freedom
    jump (K,): how large a residual may be that no mask has shown; infinite where the values were not seen to vary
    """

    residual: Floats
    spread: Floats
    centre: float
    known: Floats
    df: float
    jump: Floats
    notes: dict[str, Any] = field(default_factory=dict)


def _fit(estimator: str, masks: PixelMasks, values: Values, shape: tuple[int, ...], p: float) -> _Fit:
    """How an estimator takes the values (N, K) of masks of a picture (H, W)."""
    n_masks, n_outputs = values.shape
    deviation = values - values.mean(axis=0)
    if estimator != "controlled":
        residual, centre = (values, 0.0) if estimator == "plain" else (deviation, p)
        return _Fit(residual, residual, centre, np.zeros((n_outputs, *shape)), n_masks - 1.0, _jump(residual, values))
    side = min(masks.grid.shape[1] + 1, isqrt(n_masks // MASKS_A_CONTROL), *shape)
    down, of_rows = _squares(masks.down, shape[0], side)
    across, of_columns = _squares(masks.across, shape[1], side)
    means = down[masks.shift[:, 0]] @ masks.grid @ across[masks.shift[:, 1]].transpose(0, 2, 1)  # (N, side, side)
    x = np.column_stack([np.ones(n_masks), means.reshape(n_masks, -1) - p])
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    kept = singular > 1e-10 * singular[0]  # masks of a small picture do not tell all squares apart
    left, singular, right = left[:, kept], singular[kept], right[kept]
    slopes = (right.T / singular) @ (left.T @ values)  # (1 + side^2, K)
    residual = values - left @ (left.T @ values)
    leverage = np.minimum((left**2).sum(axis=1), MAX_LEVERAGE)
    known = (1.0 - p) * of_rows @ slopes[1:].T.reshape(-1, side, side) @ of_columns.T
    total = (deviation**2).sum(axis=0)
    explained = 1.0 - (residual**2).sum(axis=0) / np.where(total > 0, total, 1.0)
    notes = {"control_squares": side**2, "control_explains": explained.tolist()}
    df = float(n_masks - kept.sum())
    return _Fit(residual, residual / (1.0 - leverage)[:, None], p, known, df, _jump(residual, values), notes)


def _jump(residual: Floats, values: Values) -> Floats:
    """(K,): the largest residual, or the range of the values where the masks left none."""
    largest, span = np.abs(residual).max(axis=0), np.ptp(values, axis=0)
    found = np.where(largest <= STILL * span, span, largest)
    return np.where(span <= ROUNDING * np.abs(values).max(axis=0), np.inf, found)


def _squares(weights: Floats, size: int, side: int) -> tuple[Floats, Floats]:
    """Of masks along a line of pixels, in `side` stretches: what cells weigh in each, and how they go with each pixel.

    weights (U, a);  returns (S, side, a), a stretch's mean weights by shift, and (size, side), the covariance of a pixel
    and a stretch in units of p (1 - p), over cells and shifts.
    """
    n_shifts = len(weights) // (weights.shape[1] + 1)  # the pixels of a cell
    pixels = np.array([weights[shift : shift + size] for shift in range(n_shifts)])
    ends = np.linspace(0, size, side + 1).round().astype(np.int64)
    means = np.add.reduceat(pixels, ends[:-1], axis=1) / np.diff(ends)[:, None]
    return means, np.einsum("sia,sja->ij", pixels, means) / n_shifts


def _sum_up(masks: PixelMasks, fit: _Fit, labels: Labels, p: float, pixels: float) -> Estimate:
    """The map, and its sums over players in cells of so many pixels, with their errors; masks are made a few at a time."""
    height, width = labels.shape
    order = np.argsort(labels, axis=None, kind="stable")
    starts = np.searchsorted(labels.ravel()[order], np.arange(labels.max() + 1))

    def with_players(maps: Floats) -> Floats:
        """(n, H W + P): by the pixel, then by the player."""
        flat = maps.reshape(len(maps), -1)
        return np.concatenate([flat, np.add.reduceat(flat[:, order], starts, axis=1) / pixels], axis=1)

    n_masks, step = len(masks), max(1, NUMBERS_AT_ONCE // (height * width))
    mean, spread, squares = np.zeros((3, fit.residual.shape[1], height * width + len(starts)))
    lengths = np.zeros(mean.shape[1])
    for start in range(0, n_masks, step):
        stop = min(start + step, n_masks)
        seen = with_players(masks.build(start, stop, height, width) - fit.centre)
        mean += fit.residual[start:stop].T @ seen / n_masks
        spread += fit.spread[start:stop].T @ seen / n_masks
        lengths += (seen**2).sum(axis=0)
        squares += (fit.spread[start:stop] ** 2).T @ seen**2 / n_masks
    found = mean / p + with_players(fit.known)
    lengths /= n_masks
    varied = np.isfinite(fit.jump)[:, None]
    missed = unseen(n_masks) * np.where(varied, fit.jump[:, None], 0.0) ** 2 * lengths
    stderr = np.sqrt((np.maximum(squares - spread**2, 0.0) + missed) / (n_masks - 1.0)) / p
    stderr = np.where(varied, stderr, np.inf)
    stderr = np.maximum(stderr, ROUNDING * np.abs(found).max(axis=1, keepdims=True))
    heat, heat_stderr = (part[:, : height * width].reshape(-1, height, width) for part in (found, stderr))
    values, errors = found[:, height * width :].T, stderr[:, height * width :].T
    return independent(values, errors, fit.df, notes={"heat_stderr": heat_stderr}, heat=heat)
