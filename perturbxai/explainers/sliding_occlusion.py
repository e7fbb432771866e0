"""Sliding occlusion: a patch of the fill moves over the picture, and each pixel gets the mean drop of the score."""

from typing import Any, ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions, PixelMasks, Players
from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.intervals import independent
from perturbxai.estimation.survey import ROUNDING

PATCHES_A_SIDE = 7  # of the shorter side, where no patch is given


@options
class SlidingOcclusion(Asking):
    """How far the output falls where a sliding patch hides the picture (Zeiler & Fergus, "Visualizing and understanding
    convolutional networks", 2014, who slide a grey square).

    The patch shows the space's fill. It starts in the upper left corner and moves by `stride`; those at the right and lower
    edge hide what of them lies within. The map `.heat` is, by the pixel, the mean of f(x) - f(x without the patch) over the
    patches that cover it, in units of the output and with its sign. A player's value is the sum over its pixels of the mean
    of those drops by the pixels that each patch hides: on a model that adds up pixels the values sum to v(N) - v(nothing)
    where patches do not overlap, and where a player is a patch its value is `occlusion`'s.

    Nothing is drawn: `stderr` is rounding. One question a patch, so (H / stride) (W / stride) of them about; the budget,
    which holds the picture and its fill too, must be enough for all.

    patch   pixels of a side, or (height, width); None: a seventh of the picture's shorter side
    stride  pixels from a patch to the next, or (down, across), at most the patch, so that every pixel is hidden once; None:
            half the patch
    name    the key of the result, "sliding_occlusion" if empty

    Raises ValueError, before the model is asked, for tables, for strides that leave gaps, patches larger than the picture,
    and budgets below the number of patches.

    >>> import numpy as np, perturbxai as px
    >>> model = px.Predictor(lambda pictures: pictures[:, 2, 1, 0])
    >>> space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    >>> found = px.explain(px.SlidingOcclusion(patch=2, stride=1), model, space, np.ones((4, 4)))["sliding_occlusion"]
    >>> found[0].heat[0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.25, 0.0], [1.0, 1.0, 0.5, 0.0], [1.0, 1.0, 0.5, 0.0]]
    """

    patch: int | tuple[int, int] | None = None
    stride: int | tuple[int, int] | None = None
    name: str = ""
    all_players: ClassVar[bool] = True
    asks: ClassVar[str] = "patches, picture and fill"

    def __post_init__(self) -> None:
        for option in ("patch", "stride"):
            given = getattr(self, option)
            if given is not None:
                object.__setattr__(self, option, _pair(option, given))

    def check(self, players: Players) -> None:
        """Refuse tables, patches larger than the picture, and strides that leave gaps."""
        if players.labels is None:
            raise ValueError("sliding_occlusion hides pixels of a picture, and a table has none; take 'occlusion'.")
        (height, width), patch, stride = self._sizes(players)
        if patch[0] > height or patch[1] > width:
            raise ValueError(f"patch={patch} is larger than the picture of {height} x {width} pixels; take a smaller one.")
        if stride[0] > patch[0] or stride[1] > patch[1]:
            raise ValueError(f"stride={stride} leaves gaps between patches of {patch}; take at most the patch.")

    def least(self, players: Players) -> int:
        return len(_corners(*self._sizes(players))) + 2

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:  # noqa: ARG002
        assert players.labels is not None
        shape, patch, stride = self._sizes(players)
        corners = _corners(shape, patch, stride)
        (full,), values = yield [Coalitions(np.ones((1, players.n_players), dtype=bool)), _hiding(corners, shape, patch)]
        found = _mean_drops(corners, patch, full - values, shape)
        hidden = (np.minimum(corners + patch, shape) - corners).prod(axis=1)  # pixels of each patch
        density = _mean_drops(corners, patch, (full - values) / hidden[:, None], shape)
        labels = players.labels.ravel()
        pooled = np.array([np.bincount(labels, one.ravel()) for one in density]).T  # (P, K)
        scale = np.maximum(np.abs(full), np.abs(values).max(axis=0))
        stderr = np.tile(ROUNDING * scale * np.sqrt(len(pooled)), (len(pooled), 1))
        notes = {"patch": list(patch), "stride": list(stride), "patches": len(corners), "pool": "sum by the hidden pixel"}
        return independent(pooled, stderr, np.inf, notes=notes, heat=found)

    def _sizes(self, players: Players) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Height and width of picture, patch and stride."""
        assert players.labels is not None
        height, width = players.labels.shape
        side = max(1, round(min(height, width) / PATCHES_A_SIDE))
        patch = _pair("patch", side if self.patch is None else self.patch)
        stride = (max(1, patch[0] // 2), max(1, patch[1] // 2)) if self.stride is None else _pair("stride", self.stride)
        return (height, width), patch, stride


def _pair(option: str, given: Any) -> tuple[int, int]:
    """(down, across) in pixels, of one number or two."""
    expected = "a whole number of pixels from 1 up, or two: (down, across)"
    both = [given, given] if checks.is_number(given) else checks.several(option, given, expected)
    if len(both) != 2 or not all(one >= 1 and one % 1 == 0 for one in map(checks.as_number, both)):
        raise ValueError(f"{option}={checks.as_given(given)} must be {expected}.")
    return int(both[0]), int(both[1])


def _corners(shape: tuple[int, int], patch: tuple[int, int], stride: tuple[int, int]) -> Ints:
    """(M, 2): the first row and column of each patch, until the picture is covered."""
    lines = [np.arange(-(-(size - p) // step) + 1) * step for size, p, step in zip(shape, patch, stride, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)


def _hiding(corners: Ints, shape: tuple[int, int], patch: tuple[int, int]) -> PixelMasks:
    """The question: two cells along each side, outside and within the patch, of which the inner one is hidden."""
    weights = []
    for size, p in zip(shape, patch, strict=True):
        inside = np.zeros(2 * size)
        inside[size : size + p] = 1.0
        weights.append(np.column_stack([1.0 - inside, inside]))
    grid = np.broadcast_to(np.array([[True, True], [True, False]]), (len(corners), 2, 2))
    return PixelMasks(grid, np.array(shape) - corners, *weights)


def _mean_drops(corners: Ints, patch: tuple[int, int], drops: Floats, shape: tuple[int, int]) -> Floats:
    """(K, H, W): the mean of drops (M, K) over the patches that cover a pixel."""
    total, count = np.zeros((drops.shape[1], *shape)), np.zeros(shape)
    for (i, j), drop in zip(corners.tolist(), drops, strict=True):
        within = slice(i, i + patch[0]), slice(j, j + patch[1])
        total[:, *within] += drop[:, None, None]
        count[within] += 1.0
    return np.asarray(total / count)
