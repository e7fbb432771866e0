"""Class activation maps: CAM, the difference of two CAMs, Grad-CAM, and what those that weigh channels share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from perturbxai.baseline_methods.kinds import OfLayer
from perturbxai.core.options import checked
from perturbxai.core.types import Floats

if TYPE_CHECKING:  # loads torch
    from perturbxai.baseline_methods.views import View

LINEAR = 1e-4  # of the scores' size: how far a head may be from linear and still be float32's rounding
ROUNDINGS = 4.0  # of a coarser type: in the gradient, the mean, the products and their sum
FAR = -10.0  # the map on which a head is tried: other channels, the other sign, and large beside a bias


@checked
@dataclass(frozen=True, kw_only=True)
class Cam(OfLayer):
    """Class activation mapping: the map sum_k w_k A_k of a network whose head is linear in the pooled map.

    Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning deep features for discriminative localization" (2016). The weights
    are taken from the head's gradient, and the head is tried on another map: one that is not linear is refused. A
    superpixel's value is its share of map / (h w), in units of the logit: the values sum to logit - bias.

    name  the key of the result, "cam" if empty
    """

    passes: ClassVar[int] = 2  # one seen from inside, one that tries the head
    conserves: ClassVar[bool] = True
    scores: ClassVar[tuple[str, ...]] = ("logit",)

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        """(K, h, w): what each cell of the map brings to the score. Raises ValueError for a head that is not linear."""
        return contributions(seen)

    def paper_map(self, cells: Floats) -> Floats:
        return np.asarray(cells * cells[0].size)


@checked
@dataclass(frozen=True, kw_only=True)
class CamDifference(Cam):
    """CAM of the picture less CAM of its fill: a CAM whose values sum to logit(x) - logit(fill), as Shapley values do.

    What stands in the fill as well, the background of every hidden superpixel, is no evidence and drops out.

    name  the key of the result, "cam_difference" if empty
    """

    passes: ClassVar[int] = 3
    needs_fill: ClassVar[bool] = True

    def cells(self, seen: View, fill: View | None) -> Floats:
        """(K, h, w): what each cell brings to the score, beyond what it brings in the fill."""
        assert fill is not None
        return contributions(seen) - contributions(fill, tried=True)


@dataclass(frozen=True, kw_only=True)
class Weighed(OfLayer):
    """The channels of a map, summed with a weight each; signed: without a ReLU behind the sum."""

    signed: bool = False

    @abstractmethod
    def weights(self, seen: View) -> Floats:
        """(K, C): what each channel counts for each output."""

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        cells = np.tensordot(self.weights(seen), seen.activations, axes=1)
        return np.asarray(cells if self.signed else np.maximum(cells, 0.0))


@checked
@dataclass(frozen=True, kw_only=True)
class GradCam(Weighed):
    """Grad-CAM: ReLU(sum_k mean(g_k) A_k), g the gradient of the score by the map.

    Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, "Grad-CAM: visual explanations from deep networks via gradient-based
    localization" (2017). On a pooled network it is ReLU(CAM) / (h w). Not scaled, so that a weak map stays weak.

    signed  keep what speaks against the output, and leave the paper's ReLU out
    name    the key of the result, "grad_cam" if empty
    """

    def weights(self, seen: View) -> Floats:
        return np.asarray(seen.gradients.mean(axis=(2, 3)))


def contributions(seen: View, *, tried: bool = False) -> Floats:
    """(K, h, w): each cell's part of a score that is linear in the pooled map; they sum to score - bias.

    Raises ValueError if the score is not linear in the mean of the map.
    """
    gradients, activations = seen.gradients, seen.activations
    weights = gradients.mean(axis=(2, 3), keepdims=True)
    near = max(LINEAR, ROUNDINGS * seen.rounding)
    even = np.abs(gradients - weights).max() <= near * np.abs(gradients).max()
    if not even or not (tried or _is_linear(seen, weights)):
        raise ValueError(
            "cam: the score is not linear in the mean of this map, which class activation mapping needs. "
            "Name the last map before a network's global average pooling and linear head as layer=, or take grad_cam."
        )
    return np.asarray(np.tensordot(weights[:, :, 0, 0], activations, axes=1))


def _is_linear(seen: View, weights: Floats) -> bool:
    """The head, tried on a map far off: a linear one changes by what its weights say, a rectified one bends on the way."""
    activations = seen.activations
    other = FAR * activations[::-1]
    parts = weights * (other - activations)  # (K, C, h, w)
    expected = seen.scores + parts.sum(axis=(1, 2, 3))
    size = LINEAR * max(np.abs(expected).max(), np.abs(seen.scores).max())
    # each part is rounded by itself, and where they cancel the sum is small beside that
    rounded = ROUNDINGS * seen.rounding * np.abs(parts).sum(axis=(1, 2, 3)).max()
    return bool(np.abs(seen.respond(other) - expected).max() <= max(size, rounded))
