"""What the package offers, for type checkers and editors: at run time each name loads when it is first used.

`tests/house/test_face.py` holds this list to that of `__init__.py`.
"""

from perturbxai.baseline_methods.asking_cams import AblationCam as AblationCam
from perturbxai.baseline_methods.asking_cams import ScoreCam as ScoreCam
from perturbxai.baseline_methods.cam import Cam as Cam
from perturbxai.baseline_methods.cam import CamDifference as CamDifference
from perturbxai.baseline_methods.cam import GradCam as GradCam
from perturbxai.baseline_methods.cam_family import EigenCam as EigenCam
from perturbxai.baseline_methods.cam_family import GradCamPlusPlus as GradCamPlusPlus
from perturbxai.baseline_methods.cam_family import HiresCam as HiresCam
from perturbxai.baseline_methods.cam_family import LayerCam as LayerCam
from perturbxai.baseline_methods.cam_family import XgradCam as XgradCam
from perturbxai.baseline_methods.controls import Centre as Centre
from perturbxai.baseline_methods.controls import Edges as Edges
from perturbxai.baseline_methods.controls import Random as Random
from perturbxai.baseline_methods.glass_box import GlassBox as GlassBox
from perturbxai.baseline_methods.gradients import ExpectedGradients as ExpectedGradients
from perturbxai.baseline_methods.gradients import Gradient as Gradient
from perturbxai.baseline_methods.gradients import GradientXInput as GradientXInput
from perturbxai.baseline_methods.gradients import IntegratedGradients as IntegratedGradients
from perturbxai.baseline_methods.mask_optimisation import MaskOptimisation as MaskOptimisation
from perturbxai.baseline_methods.propagation import Deconvnet as Deconvnet
from perturbxai.baseline_methods.propagation import DeepTaylor as DeepTaylor
from perturbxai.baseline_methods.propagation import GuidedBackprop as GuidedBackprop
from perturbxai.baseline_methods.propagation import GuidedGradCam as GuidedGradCam
from perturbxai.baseline_methods.propagation import Lrp as Lrp
from perturbxai.baseline_methods.smooth_grad import SmoothGrad as SmoothGrad
from perturbxai.calls.averaging import average_segmentations as average_segmentations
from perturbxai.calls.baselines import baselines as baselines
from perturbxai.calls.compare import Comparison as Comparison
from perturbxai.calls.compare import compare as compare
from perturbxai.calls.effects import effects as effects
from perturbxai.calls.exchange import from_lime as from_lime
from perturbxai.calls.exchange import from_shap as from_shap
from perturbxai.calls.exchange import to_shap as to_shap
from perturbxai.calls.explain import explain as explain
from perturbxai.calls.h_statistic import HStatistic as HStatistic
from perturbxai.calls.h_statistic import h_statistic as h_statistic
from perturbxai.calls.layer_grid import layer_grid as layer_grid
from perturbxai.calls.reference import reference as reference
from perturbxai.core.csv_files import read_csv as read_csv
from perturbxai.explainers.ale import Ale as Ale
from perturbxai.explainers.banzhaf import Banzhaf as Banzhaf
from perturbxai.explainers.exact_shap import ExactShap as ExactShap
from perturbxai.explainers.ice import Ice as Ice
from perturbxai.explainers.inclusion import Inclusion as Inclusion
from perturbxai.explainers.interactions import Interactions as Interactions
from perturbxai.explainers.kernel_shap import KernelShap as KernelShap
from perturbxai.explainers.lime import Lime as Lime
from perturbxai.explainers.occlusion import Occlusion as Occlusion
from perturbxai.explainers.partition_shap import PartitionShap as PartitionShap
from perturbxai.explainers.pdp import Pdp as Pdp
from perturbxai.explainers.permutation_shap import PermutationShap as PermutationShap
from perturbxai.explainers.rise import Rise as Rise
from perturbxai.explainers.rise_smooth import RiseSmooth as RiseSmooth
from perturbxai.explainers.sampling_shap import SamplingShap as SamplingShap
from perturbxai.explainers.sliding_occlusion import SlidingOcclusion as SlidingOcclusion
from perturbxai.explainers.tabular_lime import TabularLime as TabularLime
from perturbxai.game.game import Game as Game
from perturbxai.inputs.pictures import fit as fit
from perturbxai.inputs.pictures import on_white as on_white
from perturbxai.inputs.spaces import ImageSpace as ImageSpace
from perturbxai.inputs.spaces import TabularSpace as TabularSpace
from perturbxai.models.predictor import ModelError as ModelError
from perturbxai.models.predictor import Predictor as Predictor
from perturbxai.reporting.curves.partial_dependence import plot_effects as plot_effects
from perturbxai.reporting.plot import plot as plot
from perturbxai.reporting.report import report as report
from perturbxai.results.effect import Effect as Effect
from perturbxai.results.explanation import Attribution as Attribution
from perturbxai.results.explanation import Explanation as Explanation
from perturbxai.results.importance import Importance as Importance
from perturbxai.results.importance import importance as importance
from perturbxai.results.pick import Pick as Pick
from perturbxai.results.pick import submodular_pick as submodular_pick

__version__: str
__all__: list[str]
