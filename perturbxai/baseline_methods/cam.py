"""Class activation maps: of a linear head, of gradients, of activations alone, and of scores that are asked for."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbxai.baseline_methods.kinds import OfLayer
from perturbxai.baseline_methods.pixels import View
from perturbxai.core.options import options
from perturbxai.core.types import Floats

LINEAR = 1e-4  # of the scores' size: how far a head may be from linear and still be float32's rounding
ROUNDINGS = 4.0  # of a coarser type: in the gradient, the mean, the products and their sum
FAR = -10.0  # the map on which a head is tried: other channels, the other sign, and large beside a bias
# float32's rounding of a sum of so many terms: a divisor below that share of its terms' sizes is no number to divide by
ROUNDING = 1e-6


@options
class Cam(OfLayer):
    """Class activation mapping: sum_k w_k A_k, A_k the channels of the last map, whose mean a linear head weighs by w_k.

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


@options
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


@options
class GradCam(Weighed):
    """Grad-CAM: ReLU(sum_k mean(g_k) A_k), A_k the channels of the layer's map, g_k the gradient of the score by them.

    Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, "Grad-CAM: visual explanations from deep networks via gradient-based
    localization" (2017). On a pooled network it is ReLU(CAM) / (h w). Not scaled, so that a weak map stays weak.

    signed  keep what speaks against the output, and leave the paper's ReLU out
    name    the key of the result, "grad_cam" if empty
    """

    def weights(self, seen: View) -> Floats:
        return np.asarray(seen.gradients.mean(axis=(2, 3)))


@options
class GradCamPlusPlus(Weighed):
    """Grad-CAM++: ReLU(sum_k w_k A_k), w_k = sum of a ReLU(g) over the cells, a = g^2 / (2 g^2 + g^3 sum A_k).

    Chattopadhyay, Sarkar, Howlader & Balasubramanian, "Grad-CAM++: improved visual explanations for deep convolutional
    networks" (2018). The closed form of `a` holds for exp(score), with g the gradient of the score itself; it is not a
    homogeneous function of the score, so that the map of a score in other units is another map. a = 1 / (2 + g sum A_k)
    needs no small number in the divisor where A >= 0, as behind a ReLU. Elsewhere the divisor may pass through zero.

    signed  keep what speaks against the output, and leave the paper's ReLU out
    name    the key of the result, "grad_cam_plus_plus" if empty
    """

    def weights(self, seen: View) -> Floats:
        rising = np.maximum(seen.gradients, 0.0)  # (K, C, h, w); where g <= 0 the weight is 0 whatever `a` is
        product = rising * seen.activations.sum(axis=(1, 2))[:, None, None]
        return np.asarray(_divide(rising, 2.0 + product, 2.0 + np.abs(product)).sum(axis=(2, 3)))


@options
class XgradCam(Weighed):
    """XGrad-CAM: ReLU(sum_k w_k A_k), w_k = sum(g_k A_k) / sum(A_k): gradients averaged where the channel is active.

    Fu, Hu, Dong, Guo, Gao & Li, "Axiom-based Grad-CAM: towards accurate visualization and explanation of CNNs" (2020).
    Without the ReLU the map sums to sum(g A), HiResCAM's sum. A channel whose activations cancel (possible without a ReLU
    before) has no such average and gets the weight 0.

    signed  keep what speaks against the output, and leave the ReLU out
    name    the key of the result, "xgrad_cam" if empty
    """

    def weights(self, seen: View) -> Floats:
        active = seen.activations
        above, below = (seen.gradients * active).sum(axis=(2, 3)), active.sum(axis=(1, 2))
        return _divide(above, below, np.abs(active).sum(axis=(1, 2)))


@options
class HiresCam(OfLayer):
    """HiResCAM: sum_k g_k A_k, cell by cell, with its sign.

    Draelos & Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks" (2021).
    If the rest of the network is linear in this map, pooled or flattened, the values sum to logit - bias; on a pooled
    network the map is Grad-CAM's before its ReLU.

    name  the key of the result, "hires_cam" if empty
    """

    conserves: ClassVar[bool] = True

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        return np.asarray(np.einsum("kchw,chw->khw", seen.gradients, seen.activations))


@options
class LayerCam(OfLayer):
    """LayerCAM: sum_k ReLU(g_k) A_k, cell by cell; sharper than Grad-CAM at early layers.

    Jiang, Zhang, Hou, Cheng & Wei, "LayerCAM: exploring hierarchical class activation maps for localization" (2021). Their
    last ReLU is left out: it changes nothing where A >= 0, as behind a ReLU, and elsewhere the sign is kept.

    name  the key of the result, "layer_cam" if empty
    """

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        return np.asarray(np.einsum("kchw,chw->khw", np.maximum(seen.gradients, 0.0), seen.activations))


@options
class EigenCam(OfLayer):
    """Eigen-CAM: the cells' projection on the first principal component of the channels. The same for every output.

    Muhammad & Yeasin, "Eigen-CAM: class activation map using principal components" (2020). Each channel is centred over
    the cells first. A component has no sign of its own: the side that reaches further from zero is made positive.

    name  the key of the result, "eigen_cam" if empty
    """

    differentiates: ClassVar[bool] = False

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        n_channels, *grid = seen.activations.shape
        table = seen.activations.reshape(n_channels, -1).T  # (h w, C)
        table = table - table.mean(axis=0)
        left, sizes, _ = np.linalg.svd(table, full_matrices=False)
        projection = left[:, 0] * sizes[0]
        # the first of the farthest cells decides a draw, so that the same map always has the same sign
        farthest = np.flatnonzero(np.abs(projection) >= (1.0 - ROUNDING) * np.abs(projection).max())[0]
        projection = projection if projection[farthest] >= 0 else -projection
        return np.repeat(projection.reshape(1, *grid), len(seen.scores), axis=0)


@options
class ScoreCam(Weighed):
    """Score-CAM: ReLU(sum_k w_k A_k), w the softmax over the channels of v_k, the score of the picture seen through A_k.

    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu, "Score-CAM: score-weighted visual explanations for convolutional
    neural networks" (2020). Each channel, enlarged and stretched to 0..1, blends the picture into the space's fill: the
    fill is part of the answer. The score of the bare fill, which the paper takes from each v_k, drops out of the softmax.
    One model row a channel that is not constant, on the predictor's own scale; a constant channel shows the bare fill.

    signed  keep what speaks against the output, and leave the paper's ReLU out (weights are positive: it matters only
            where activations are negative)
    name    the key of the result, "score_cam" if empty
    """

    differentiates: ClassVar[bool] = False
    by_asking: ClassVar[bool] = True
    on_the_scale_of_the_predictor: ClassVar[bool] = True

    @property
    def sees_fill(self) -> bool:
        return True  # behind what a channel hides

    def weights(self, seen: View) -> Floats:
        values = seen.ask(seen.activations)  # (C, K)
        odds = np.exp(values - values.max(axis=0))
        return np.asarray((odds / odds.sum(axis=0)).T)


@options
class AblationCam(Weighed):
    """Ablation-CAM: ReLU(sum_k w_k A_k), w_k = (y - y_k) / |y|, y_k the score with channel k set to zero at the layer.

    Desai & Ramaswamy, "Ablation-CAM: visual explanations for deep convolutional network via gradient-free localization"
    (2020). The paper divides by y; its size is taken here, so that a negative logit does not turn the map round. A channel
    that is zero already is not asked for. Where the rest of the network takes many maps after one picture, a pass serves
    many channels.

    signed  keep what speaks against the output, and leave the paper's ReLU out
    name    the key of the result, "ablation_cam" if empty
    """

    differentiates: ClassVar[bool] = False
    by_asking: ClassVar[bool] = True

    def weights(self, seen: View) -> Floats:
        drops = seen.scores - seen.ablated()  # (C, K)
        size = np.abs(seen.scores)
        return np.asarray((drops / np.where(size > 0, size, 1.0)).T)


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


def _divide(above: Floats, below: Floats, size: Floats) -> Floats:
    """above / below, and 0 where nothing is left of `below` beside the size of its terms."""
    known = np.abs(below) > ROUNDING * size
    return np.asarray(np.where(known, above / np.where(known, below, 1.0), 0.0))
