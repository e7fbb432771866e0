"""perturbxai: explain any model by perturbing its input, with error bars, beside gradient CAMs.

The public names load when they are first used: importing the package itself loads none of its dependencies.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "perturbxai.api": ("explain",),
    "perturbxai.effects": ("effects",),
    "perturbxai.h_statistic": ("h_statistic", "HStatistic"),
    "perturbxai.heatmaps": ("baselines",),
    "perturbxai.reference": ("reference",),
    "perturbxai.exchange": ("to_shap", "from_shap", "from_lime"),
    "perturbxai.comparison": ("compare", "Comparison"),
    "perturbxai.averaging": ("average_segmentations",),
    "perturbxai.layer_grid": ("layer_grid",),
    "perturbxai.report": ("report",),
    "perturbxai.report.plot": ("plot",),
    "perturbxai.report.partial_dependence": ("plot_effects",),
    "perturbxai.importance": ("importance", "Importance"),
    "perturbxai.pick": ("submodular_pick", "Pick"),
    "perturbxai.predictor": ("Predictor", "ModelError"),
    "perturbxai.spaces": ("TabularSpace", "ImageSpace"),
    "perturbxai.csv_files": ("read_csv",),
    "perturbxai.pictures": ("fit", "on_white"),
    "perturbxai.game": ("Game",),
    "perturbxai.explanation": ("Attribution", "Explanation"),
    "perturbxai.effect": ("Effect",),
    "perturbxai.explainers.lime": ("Lime",),
    "perturbxai.explainers.kernel_shap": ("KernelShap",),
    "perturbxai.explainers.pdp": ("Pdp",),
    "perturbxai.explainers.ice": ("Ice",),
    "perturbxai.explainers.ale": ("Ale",),
    "perturbxai.explainers.tabular_lime": ("TabularLime",),
    "perturbxai.explainers.interactions": ("Interactions",),
    "perturbxai.explainers.permutation_shap": ("PermutationShap",),
    "perturbxai.explainers.exact_shap": ("ExactShap",),
    "perturbxai.explainers.sampling_shap": ("SamplingShap",),
    "perturbxai.explainers.partition_shap": ("PartitionShap",),
    "perturbxai.explainers.banzhaf": ("Banzhaf",),
    "perturbxai.explainers.rise": ("Rise",),
    "perturbxai.explainers.rise_smooth": ("RiseSmooth",),
    "perturbxai.explainers.sliding_occlusion": ("SlidingOcclusion",),
    "perturbxai.explainers.occlusion": ("Occlusion",),
    "perturbxai.explainers.inclusion": ("Inclusion",),
    "perturbxai.baselines.cam": ("Cam", "GradCam", "CamDifference"),
    "perturbxai.baselines.cam_family": ("GradCamPlusPlus", "XgradCam", "HiresCam", "LayerCam", "EigenCam"),
    "perturbxai.baselines.asking_cams": ("ScoreCam", "AblationCam"),
    "perturbxai.baselines.gradients": ("Gradient", "GradientXInput", "IntegratedGradients", "ExpectedGradients"),
    "perturbxai.baselines.smooth_grad": ("SmoothGrad",),
    "perturbxai.baselines.propagation": ("Deconvnet", "GuidedBackprop", "GuidedGradCam", "Lrp", "DeepTaylor"),
    "perturbxai.baselines.mask_optimisation": ("MaskOptimisation",),
    "perturbxai.baselines.glass_box": ("GlassBox",),
    "perturbxai.baselines.controls": ("Random", "Centre", "Edges"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'perturbxai' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]


class _Package(ModuleType):
    """Keeps `px.report` and `px.baselines` functions: Python would put the subpackages of these names in their place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
