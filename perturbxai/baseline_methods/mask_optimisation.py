"""Extremal masks: the smooth mask of a given area through which a score is highest, found with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai.baseline_methods.kinds import OfPixels
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, as_floats, gradient_of
from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.interpolation import between_centres
from perturbxai.core.options import options
from perturbxai.core.types import Floats, Ints
from perturbxai.models.torch_types import Net, Tensor

AIMS = ("preserve", "delete")
KEPT = 0.8  # of the running slope, from step to step
SHRINKING = 0.5  # share of the steps in which what is shown shrinks from the whole picture to the area asked for
UNITS = "share of the areas whose mask shows the pixel"


@renamed(grid="cells")
@options
class MaskOptimisation(OfPixels):
    """Extremal perturbations: for each area, the smooth mask that keeps the score highest; the map is the masks' mean.

    Fong, Patrick & Vedaldi, "Understanding deep networks via extremal perturbations and smooth masks" (2019). The picture
    is seen through a mask, and as the space's fill where that is 0. A mask has a few cells a side, bilinear between their
    centres. Their penalty ||vecsort(m) - r_a||^2, where r_a has ones on the share a of its entries, is 0 at every step here:
    the mask has ones on the cells of the largest running slope of the score by what a cell shows. It begins with the whole
    picture, shrinks to the area asked for, then goes on changing places; the best mask that was seen at that area is kept.
    On EfficientNet-Lite0 that got further in 50 steps than the penalty did. No random number is drawn; but cells that are
    nearly as good as others can hang on rounding, so that another batch size or device may find other masks.
    Cost: a row of the model, and for each output (steps + 2) * areas, of which steps * areas with a pass backwards.

    The map is no sum of a score: a pixel's value is the share of the areas at which it is chosen, 0 to 1. `meta` has the
    cells of each mask ("masks", (K, areas, h, w)), its share of the pixels ("reached"), and by output and area the scores of
    the picture seen through the mask ("preserved") and through what it leaves ("deleted"). Fill and picture are blended in
    the network's input, as in `integrated_gradients`.

    areas  shares of the picture, each above 0 and below 1; small ones find the core, large ones the extent
    steps  how often a mask is changed, a whole number from 1 up
    cells  of the mask along the picture's longer side, from 2 up, fewer along the other; fewer cells make smoother masks
    aim    "preserve" finds what is enough: the score through the mask is highest. "delete" finds what is needed: the score
           through what the mask leaves is lowest
    name   the key of the result, "mask_optimisation" if empty
    """

    areas: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4)
    steps: int = 50
    cells: int = 10
    aim: str = "preserve"
    name: str = ""

    def __post_init__(self) -> None:
        areas = self.areas if isinstance(self.areas, (tuple, list)) else ()
        if not areas or not all(0.0 < checks.as_number(a) < 1.0 for a in areas) or len(set(areas)) < len(areas):
            raise ValueError(f"areas={self.areas!r} must hold different shares of the picture, each above 0 and below 1.")
        checks.whole("steps", self.steps, 1)
        checks.whole("cells", self.cells, 2)
        checks.one_of("aim", self.aim, AIMS)

    def of_picture(self, pixels: Pixels) -> PixelMap:
        seen = _Seen(pixels, self.cells)
        n_outputs = pixels.scores(1, lambda *_: seen.picture).shape[1]
        masks = np.stack([self._search(seen, k) for k in range(n_outputs)])  # (K, A, h, w)
        fine = seen.enlarged(masks)
        scores = {
            what: [seen.scores(shown)[:, k].tolist() for k, shown in enumerate(part)]
            for what, part in (("preserved", masks), ("deleted", 1.0 - masks))
        }
        notes = {
            "units": UNITS, "areas": [float(a) for a in self.areas], "masks": masks,
            "reached": fine.mean(axis=(2, 3)).tolist(),
        }  # fmt: skip
        return PixelMap(fine.mean(axis=1), notes | scores)

    def _search(self, seen: _Seen, k: int) -> Floats:
        """(A, h, w): the masks of one output. What is shown is the mask, or what it leaves."""
        sign = 1.0 if self.aim == "preserve" else -1.0
        n_cells = seen.grid[0] * seen.grid[1]
        chosen = np.array([min(max(1, round(area * n_cells)), n_cells - 1) for area in self.areas])
        aims = chosen if sign > 0 else n_cells - chosen  # cells that are shown in the end
        slope = np.zeros((len(aims), n_cells))
        best, shown = np.full(len(aims), -np.inf), np.zeros_like(slope)
        with seen.pixels.metered() as net:
            for step in range(self.steps):
                left = 1.0 - min(1.0, step / (SHRINKING * self.steps)) if step + 1 < self.steps else 0.0
                counts = np.round(aims * (n_cells / aims) ** left).astype(np.int64)
                tried = _largest(slope, counts)
                rise, score = seen.slope(net, tried.reshape(-1, *seen.grid), k)
                better = (counts == aims) & (sign * score > best)
                best[better], shown[better] = sign * score[better], tried[better]
                slope = KEPT * slope + (1.0 - KEPT) * sign * rise.reshape(slope.shape)
        masks = shown if sign > 0 else 1.0 - shown
        return masks.reshape(-1, *seen.grid)


@dataclass(eq=False)
class _Seen:
    """A picture and its fill as the network's input (1, C, H, W), seen through masks of so many cells on the longer side."""

    pixels: Pixels
    cells: int

    def __post_init__(self) -> None:
        self.picture, self.fill = (self.pixels.tensor(one) for one in (self.pixels.one.picture, self.pixels.one.fill))
        sides = self.picture.shape[2:]
        counts = [max(2, round(self.cells * side / max(sides))) for side in sides]
        self.down, self.across = (between_centres(n, side) for n, side in zip(counts, sides, strict=True))

    @property
    def grid(self) -> tuple[int, int]:
        return self.down.shape[1], self.across.shape[1]

    def enlarged(self, masks: Floats) -> Floats:
        """(..., H, W) from (..., h, w)."""
        return np.asarray(self.down @ masks @ self.across.T)

    def through(self, masks: Tensor) -> Tensor:
        """(n, C, H, W): the picture seen through masks (n, h, w), differentiable."""
        down, across = (self.picture.new_tensor(weights) for weights in (self.down, self.across))
        fine = (down @ masks @ across.T)[:, None]
        return (1.0 - fine) * self.fill + fine * self.picture

    def slope(self, net: Net, masks: Floats, k: int) -> tuple[Floats, Floats]:
        """One score through masks (n, h, w), a batch at a time: how it rises with each cell, (n, h, w), and itself, (n,)."""

        def ask(start: int, stop: int) -> tuple[Floats, Floats]:
            leaf = self.picture.new_tensor(masks[start:stop]).requires_grad_(True)
            score = self.pixels.score(net(self.through(leaf)))[:, k]
            return gradient_of(score.sum(), leaf), as_floats(score)

        slopes, scores = zip(*(found for *_, found in self.pixels.predictor.in_batches(len(masks), ask)), strict=True)
        return np.concatenate(slopes), np.concatenate(scores)

    def scores(self, masks: Floats) -> Floats:
        """(n, K): the scores of the picture seen through masks (n, h, w)."""
        return self.pixels.scores(len(masks), lambda i, j: self.through(self.picture.new_tensor(masks[i:j])))


def _largest(slope: Floats, counts: Ints) -> Floats:
    """(A, n): ones on so many cells of the largest slope (A, n); cells of equal slope share what falls to them."""
    found = np.empty_like(slope)
    for number, (one, count) in enumerate(zip(slope, counts, strict=True)):
        ones = np.zeros(len(one))
        ones[np.argsort(-one, kind="stable")[:count]] = 1.0
        _, alike = np.unique(one, return_inverse=True)
        found[number] = (np.bincount(alike, weights=ones) / np.bincount(alike))[alike]
    return found
