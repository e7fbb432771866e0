"""Maps whose channels are weighed by asking instead of differentiating: Score-CAM and Ablation-CAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from perturbxai.baseline_methods.cam import weighted
from perturbxai.baseline_methods.kinds import OfLayer
from perturbxai.core.options import checked
from perturbxai.core.types import Floats

if TYPE_CHECKING:  # loads torch
    from perturbxai.baseline_methods.views import View


@checked
@dataclass(frozen=True, kw_only=True)
class ScoreCam(OfLayer):
    """Score-CAM: ReLU(sum_k w_k A_k), w the softmax over the channels of v_k, the score of the picture seen through A_k.

    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu, "Score-CAM: score-weighted visual explanations for convolutional
    neural networks" (2020). Each channel, enlarged and stretched to 0..1, blends the picture into the space's fill: the
    fill is part of the answer. The score of the bare fill, which the paper takes from each v_k, drops out of the softmax.
    One model row a channel that is not constant, on the predictor's own scale; a constant channel shows the bare fill.

    signed  keep what speaks against the output, and leave the paper's ReLU out (weights are positive: it matters only
            where activations are negative)
    name    the key of the result, "score_cam" if empty
    """

    signed: bool = False
    differentiates: ClassVar[bool] = False
    by_asking: ClassVar[bool] = True
    on_the_scale_of_the_predictor: ClassVar[bool] = True

    @property
    def sees_fill(self) -> bool:
        return True  # behind what a channel hides

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        """(K, h, w)"""
        values = seen.ask(seen.activations)  # (C, K)
        odds = np.exp(values - values.max(axis=0))
        return weighted((odds / odds.sum(axis=0)).T, seen.activations, signed=self.signed)


@checked
@dataclass(frozen=True, kw_only=True)
class AblationCam(OfLayer):
    """Ablation-CAM: ReLU(sum_k w_k A_k), w_k = (y - y_k) / |y|, y_k the score with channel k set to zero at the layer.

    Desai & Ramaswamy, "Ablation-CAM: visual explanations for deep convolutional network via gradient-free localization"
    (2020). The paper divides by y; its size is taken here, so that a negative logit does not turn the map round. A channel
    that is zero already is not asked for. Where the rest of the network takes many maps after one picture, a pass serves
    many channels.

    signed  keep what speaks against the output, and leave the paper's ReLU out
    name    the key of the result, "ablation_cam" if empty
    """

    signed: bool = False
    differentiates: ClassVar[bool] = False
    by_asking: ClassVar[bool] = True

    def cells(self, seen: View, fill: View | None) -> Floats:  # noqa: ARG002
        """(K, h, w)"""
        drops = seen.scores - seen.ablated()  # (C, K)
        size = np.abs(seen.scores)
        return weighted((drops / np.where(size > 0, size, 1.0)).T, seen.activations, signed=self.signed)
