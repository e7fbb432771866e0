"""Every name a user may write as a string, and where it lives. Imports nothing, so that the help text is instant."""

from __future__ import annotations

import importlib
from typing import Any

EXPLAINERS = {
    "lime": "perturbxai.explainers.lime:Lime",
    "kernel_shap": "perturbxai.explainers.kernel_shap:KernelShap",
    "pdp": "perturbxai.explainers.pdp:Pdp",
    "ice": "perturbxai.explainers.ice:Ice",
    "ale": "perturbxai.explainers.ale:Ale",
    "lime_tabular": "perturbxai.explainers.tabular_lime:TabularLime",
    "interactions": "perturbxai.explainers.interactions:Interactions",
    "permutation_shap": "perturbxai.explainers.permutation_shap:PermutationShap",
    "exact_shap": "perturbxai.explainers.exact_shap:ExactShap",
    "sampling_shap": "perturbxai.explainers.sampling_shap:SamplingShap",
    "partition_shap": "perturbxai.explainers.partition_shap:PartitionShap",
    "banzhaf": "perturbxai.explainers.banzhaf:Banzhaf",
    "rise": "perturbxai.explainers.rise:Rise",
    "rise_smooth": "perturbxai.explainers.rise_smooth:RiseSmooth",
    "sliding_occlusion": "perturbxai.explainers.sliding_occlusion:SlidingOcclusion",
    "occlusion": "perturbxai.explainers.occlusion:Occlusion",
    "inclusion": "perturbxai.explainers.inclusion:Inclusion",
}
BASELINES = {
    "cam": "perturbxai.baseline_methods.cam:Cam",
    "grad_cam": "perturbxai.baseline_methods.cam:GradCam",
    "grad_cam_plus_plus": "perturbxai.baseline_methods.cam_family:GradCamPlusPlus",
    "xgrad_cam": "perturbxai.baseline_methods.cam_family:XgradCam",
    "hires_cam": "perturbxai.baseline_methods.cam_family:HiresCam",
    "layer_cam": "perturbxai.baseline_methods.cam_family:LayerCam",
    "eigen_cam": "perturbxai.baseline_methods.cam_family:EigenCam",
    "score_cam": "perturbxai.baseline_methods.asking_cams:ScoreCam",
    "ablation_cam": "perturbxai.baseline_methods.asking_cams:AblationCam",
    "cam_difference": "perturbxai.baseline_methods.cam:CamDifference",
    "gradient": "perturbxai.baseline_methods.gradients:Gradient",
    "gradient_x_input": "perturbxai.baseline_methods.gradients:GradientXInput",
    "integrated_gradients": "perturbxai.baseline_methods.gradients:IntegratedGradients",
    "expected_gradients": "perturbxai.baseline_methods.gradients:ExpectedGradients",
    "smooth_grad": "perturbxai.baseline_methods.smooth_grad:SmoothGrad",
    "deconvnet": "perturbxai.baseline_methods.propagation:Deconvnet",
    "guided_backprop": "perturbxai.baseline_methods.propagation:GuidedBackprop",
    "guided_grad_cam": "perturbxai.baseline_methods.propagation:GuidedGradCam",
    "lrp": "perturbxai.baseline_methods.propagation:Lrp",
    "deep_taylor": "perturbxai.baseline_methods.propagation:DeepTaylor",
    "mask_optimisation": "perturbxai.baseline_methods.mask_optimisation:MaskOptimisation",
    "glass_box": "perturbxai.baseline_methods.glass_box:GlassBox",
    "random": "perturbxai.baseline_methods.controls:Random",
    "centre": "perturbxai.baseline_methods.controls:Centre",
    "edges": "perturbxai.baseline_methods.controls:Edges",
}
PEERS = {
    "lime.tabular": "perturbxai.peers.lime_peers:LimeTabular",
    "lime.image": "perturbxai.peers.lime_peers:LimeImage",
    "shap.kernel": "perturbxai.peers.shap_peers:ShapKernel",
    "shap.permutation": "perturbxai.peers.shap_peers:ShapPermutation",
    "shap.exact": "perturbxai.peers.shap_peers:ShapExact",
    "shap.partition": "perturbxai.peers.shap_peers:ShapPartition",
    "shap.sampling": "perturbxai.peers.shap_peers:ShapSampling",
    "shap.tree": "perturbxai.peers.shap_tree:ShapTree",
}
ON_TABLES_ONLY = ("lime_tabular", "expected_gradients", "glass_box")
ON_BOTH = ("gradient", "gradient_x_input", "integrated_gradients")  # maps of pictures that tables have too
MAPS = tuple(name for name in BASELINES if name not in ON_TABLES_ONLY)  # baselines of pictures
OF_THE_FILL = ("cam_difference", "score_cam", "integrated_gradients", "mask_optimisation")  # maps that a fill enters
FILL_FREE = tuple(name for name in MAPS if name not in OF_THE_FILL)
IN_MANY_PASSES = (  # one for each channel, copy or step
    "score_cam", "ablation_cam", "smooth_grad", "integrated_gradients", "mask_optimisation",
)  # fmt: skip
BY_RULES = ("deconvnet", "guided_backprop", "guided_grad_cam", "lrp", "deep_taylor")  # which not every network has
IN_A_PASS = tuple(name for name in MAPS if name not in (*IN_MANY_PASSES, *BY_RULES))
METRICS = ("deletion", "insertion", "srg", "faithfulness", "faithfulness_raw", "spearman", "top_k_iou")

ABOUT = {
    "lime": "slopes of the best linear fit under LIME's law on coalitions",
    "kernel_shap": "Shapley values by projected least squares on paired coalitions",
    "pdp": "partial dependence at x less that at absence; on pictures the rise of opacity (Shapley value)",
    "ice": "the input's own curve at x less that at absence; on pictures occlusion",
    "ale": "accumulated local effect at x less that at absence",
    "lime_tabular": "LIME as published for tables: a linear fit in its own neighbourhood (bins or a Gaussian)",
    "interactions": "what pairs do together, beside each player's own value (SII, k-SII, FSII, Shapley-Taylor)",
    "permutation_shap": "Shapley values by antithetic walks, with t intervals on pairs of walks",
    "exact_shap": "Shapley values from all 2^P coalitions",
    "partition_shap": "Owen values: Shapley values within a hierarchy of the players, given or found in the data",
    "sampling_shap": "Shapley values by sampled differences a player, on single background rows of a table",
    "banzhaf": "what a player adds when each other is present with probability p",
    "sliding_occlusion": "the mean drop of the score where a sliding patch hides the picture",
    "rise_smooth": "RISE as published: the mean score where a pixel is seen through smooth random masks",
    "rise": "RISE on players: the mean output where a player is seen, less the mean of all",
    "occlusion": "what a player's absence takes from everything",
    "inclusion": "what a player adds to nothing",
    "cam": "class activation map of a pooled network",
    "grad_cam": "Grad-CAM on the last spatial map",
    "grad_cam_plus_plus": "Grad-CAM++: the positive gradients, weighed within each channel",
    "xgrad_cam": "XGrad-CAM: gradients averaged where a channel is active",
    "hires_cam": "HiResCAM: gradient times activation, cell by cell; sums to logit - bias on a linear head",
    "layer_cam": "LayerCAM: positive gradient times activation, cell by cell; for early layers too",
    "eigen_cam": "Eigen-CAM: first principal component of the channels, the same for every class",
    "score_cam": "Score-CAM: channels weighed by the picture seen through them; a model row a channel",
    "ablation_cam": "Ablation-CAM: channels weighed by what the score loses without them",
    "cam_difference": "CAM of the picture less CAM of its fill: sums to the rise of the logit",
    "gradient": "the network's slope by each column or pixel, per unit of it",
    "gradient_x_input": "the input times the gradient; absence is zero",
    "integrated_gradients": "gradients along the line from the background's mean or the fill; sums to the rise between them",
    "expected_gradients": "tables: gradients along the lines from all background rows; sums to f(x) - E f",
    "glass_box": "tables: exact Shapley values read from trees, linear or additive models",
    "smooth_grad": "the gradient averaged over noisy copies of the picture",
    "deconvnet": "deconvnet: the gradient, rectified on its way back",
    "guided_backprop": "guided backpropagation: the gradient, rectified on its way back where a unit was active",
    "guided_grad_cam": "guided backpropagation times Grad-CAM",
    "lrp": "layer-wise relevance propagation: the score shared out layer by layer (epsilon, gamma, alpha-beta, flat)",
    "deep_taylor": "deep Taylor decomposition: relevance of what speaks for the score alone",
    "mask_optimisation": "the smooth mask of each area through which the score is highest, found with gradients",
    "random": "control: a random map",
    "centre": "control: nearness to the middle of the picture",
    "edges": "control: strength of the edges",
    "deletion": "area under the score as the best players are hidden first (low is good)",
    "insertion": "area under the score as the best players are shown first (high is good)",
    "srg": "symmetric relevance gain: insertion less deletion",
    "faithfulness": "correlation with held-out coalitions, within sizes",
    "faithfulness_raw": "the textbook correlation, over mixed sizes; never ranks",
    "spearman": "rank correlation of two methods' values",
    "top_k_iou": "overlap of two methods' k best players",
}


def load(names: dict[str, str], name: str) -> Any:
    """The class behind a name. Raises ValueError for a name that is not there, saying which are."""
    if name not in names:
        raise ValueError(f"{name!r} is not a known method; expected one of {', '.join(sorted(names))}.")
    module, _, attribute = names[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def key_of(method: Any) -> str:
    """The string of a method object's class ("kernel_shap" for KernelShap)."""
    home = f"{type(method).__module__}:{type(method).__name__}"
    for name, where in (EXPLAINERS | BASELINES).items():
        if where == home:
            return name
    return type(method).__name__
