"""Every name that a user may write as a string: one row each, from which all else that is said of it follows.

A row says where a thing lives and what it is called; its class, or function, loads when it is asked for. This module imports
little of the standard library, so that the help text is instant. What a user passes as an object needs no row.
"""

import difflib
import importlib
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

BOTH, TABLES, PHOTOS = ("table", "photo"), ("table",), ("photo",)
A_PASS, MANY_PASSES, RULES = "a pass", "many passes", "rules"
AWAY, HOME = ("",), ("", " (home)")


class Entry(NamedTuple):
    """A row.

    home         below perturbxai: "explainers.banzhaf:Banzhaf". A method's class is exported under its own name
    title, colour  of a method, in figures: a colour that no other has. The usual explainers have those of Okabe & Ito's
                 palette, which the colour-blind tell apart
    about        a line of help
    on           what a method explains
    fill_enters  a map of a picture: whether it sees the fill. One that does not is at home under none
    cost         a map's: "a pass" through the network or two, "many passes" (one for each channel, copy or step), or
                 "rules", which not every network has
    control      it looks at no model
    usual        a run takes it where no methods are named, a comparison where no metrics are;  curves: `effects` takes it
    better       of a metric: "higher", "lower", or "" where neither is;  trust: what it can be relied on for, in a few words
    needs        of a metric: what a comparison has to be given, or to ask again, for it; "" where coalitions are enough
    headline     of a metric that stands in short tables: AWAY, the mean over fills that a map did not see, or HOME, that and
                 the one under its own, as endings of its name
    """

    home: str
    title: str = ""
    colour: str = ""
    about: str = ""
    on: tuple[str, ...] = BOTH
    fill_enters: bool = True
    cost: str = A_PASS
    control: bool = False
    usual: bool = False
    curves: bool = False
    better: str = ""
    trust: str = ""
    needs: str = ""
    headline: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        return f"perturbxai.{self.home.partition(':')[0]}"

    @property
    def scored(self) -> str:
        """A metric in a line: which way is good, what it is, what it needs, and what it can be relied on for."""
        good = {"higher": "high", "lower": "low"}.get(self.better, "-")
        return f"{good:<6}{self.about}{f' [{self.needs}]' if self.needs else ''}; {self.trust}"

    @property
    def attribute(self) -> str:
        """The name of the class or function."""
        return self.home.partition(":")[2]


def photo_map(
    home: str, title: str, colour: str, about: str, *, on: tuple[str, ...] = PHOTOS, fill_enters: bool = False,
    cost: str = A_PASS, control: bool = False,
) -> Entry:  # fmt: skip
    """The row of a baseline of pictures, which most fills do not enter."""
    return Entry(home, title, colour, about, on, fill_enters, cost, control)


EXPLAINERS = {
    "lime": Entry("explainers.lime:Lime", "LIME", "#E69F00", "slopes of the best linear fit under LIME's law on coalitions",
        usual=True),
    "kernel_shap": Entry("explainers.kernel_shap:KernelShap", "KernelSHAP", "#0072B2",
        "Shapley values by projected least squares on paired coalitions", usual=True),
    "pdp": Entry("explainers.pdp:Pdp", "PDP", "#009E73",
        "partial dependence at x less that at absence; on pictures the rise of opacity (Shapley value)",
        usual=True, curves=True),
    "ice": Entry("explainers.ice:Ice", "ICE", "#CC79A7",
        "the input's own curve at x less that at absence; on pictures occlusion", usual=True, curves=True),
    "ale": Entry("explainers.ale:Ale", "ALE", "#56B4E9", "accumulated local effect at x less that at absence", usual=True,
        curves=True),
    "lime_tabular": Entry("explainers.tabular_lime:TabularLime", "tabular LIME", "#A65E00",
        "LIME as published for tables: a linear fit in its own neighbourhood (bins or a Gaussian)", on=TABLES),
    "interactions": Entry("explainers.interactions:Interactions", "interactions", "#8C4A9E",
        "what pairs do together, beside each player's own value (SII, k-SII, FSII, Shapley-Taylor)"),
    "permutation_shap": Entry("explainers.permutation_shap:PermutationShap", "PermutationSHAP", "#4F93C4",
        "Shapley values by antithetic walks, with t intervals on pairs of walks"),
    "exact_shap": Entry("explainers.exact_shap:ExactShap", "ExactSHAP", "#003A5D", "Shapley values from all 2^P coalitions"),
    "sampling_shap": Entry("explainers.sampling_shap:SamplingShap", "SamplingSHAP", "#7FB0D0",
        "Shapley values by sampled differences a player, on single background rows of a table"),
    "partition_shap": Entry("explainers.partition_shap:PartitionShap", "PartitionSHAP", "#1F8A99",
        "Owen values: Shapley values within a hierarchy of the players, given or found in the data"),
    "banzhaf": Entry("explainers.banzhaf:Banzhaf", "Banzhaf", "#5B4FA2",
        "what a player adds when each other is present with probability p"),
    "rise": Entry("explainers.rise:Rise", "RISE", "#3C8D40",
        "RISE on players: the mean output where a player is seen, less the mean of all"),
    "rise_smooth": Entry("explainers.rise_smooth:RiseSmooth", "smooth RISE", "#7DB46C",
        "RISE as published: the mean score where a pixel is seen through smooth random masks", on=PHOTOS),
    "sliding_occlusion": Entry("explainers.sliding_occlusion:SlidingOcclusion", "sliding occlusion", "#C46A93",
        "the mean drop of the score where a sliding patch hides the picture", on=PHOTOS),
    "occlusion": Entry("explainers.occlusion:Occlusion", "occlusion", "#A3476F",
        "what a player's absence takes from everything"),
    "inclusion": Entry("explainers.occlusion:Inclusion", "inclusion", "#00664B", "what a player adds to nothing"),
}  # fmt: skip
BASELINES = {
    "cam": photo_map("baseline_methods.cam:Cam", "CAM", "#D55E00", "class activation map of a pooled network"),
    "grad_cam": photo_map("baseline_methods.cam:GradCam", "Grad-CAM", "#7A2E00", "Grad-CAM on the last spatial map"),
    "grad_cam_plus_plus": photo_map("baseline_methods.cam:GradCamPlusPlus", "Grad-CAM++", "#A84B00",
        "Grad-CAM++: the positive gradients, weighed within each channel"),
    "xgrad_cam": photo_map("baseline_methods.cam:XgradCam", "XGrad-CAM", "#E08040",
        "XGrad-CAM: gradients averaged where a channel is active"),
    "hires_cam": photo_map("baseline_methods.cam:HiresCam", "HiResCAM", "#F0A36B",
        "HiResCAM: gradient times activation, cell by cell; sums to logit - bias on a linear head"),
    "layer_cam": photo_map("baseline_methods.cam:LayerCam", "LayerCAM", "#5C4A00",
        "LayerCAM: positive gradient times activation, cell by cell; for early layers too"),
    "eigen_cam": photo_map("baseline_methods.cam:EigenCam", "Eigen-CAM", "#8C7B2A",
        "Eigen-CAM: first principal component of the channels, the same for every class"),
    "score_cam": photo_map("baseline_methods.cam:ScoreCam", "Score-CAM", "#C7522A",
        "Score-CAM: channels weighed by the picture seen through them; a model row a channel",
        fill_enters=True, cost=MANY_PASSES),
    "ablation_cam": photo_map("baseline_methods.cam:AblationCam", "Ablation-CAM", "#946B2D",
        "Ablation-CAM: channels weighed by what the score loses without them", cost=MANY_PASSES),
    "cam_difference": photo_map("baseline_methods.cam:CamDifference", "CAM difference", "#B8A200",
        "CAM of the picture less CAM of its fill: sums to the rise of the logit", fill_enters=True),
    "gradient": photo_map("baseline_methods.gradients:Gradient", "gradient", "#C8102E",
        "the network's slope by each column or pixel, per unit of it", on=BOTH),
    "gradient_x_input": photo_map("baseline_methods.gradients:GradientXInput", "gradient × input", "#E8788A",
        "the input times the gradient; absence is zero", on=BOTH),
    "integrated_gradients": photo_map("baseline_methods.integrated:IntegratedGradients", "integrated gradients", "#8E1B2F",
        "gradients along the line from the background's mean or the fill; sums to the rise between them",
        on=BOTH, fill_enters=True, cost=MANY_PASSES),
    "expected_gradients": Entry("baseline_methods.integrated:ExpectedGradients", "expected gradients", "#B8506A",
        "tables: gradients along the lines from all background rows; sums to f(x) - E f", on=TABLES),
    "smooth_grad": photo_map("baseline_methods.gradients:SmoothGrad", "SmoothGrad", "#F2545B",
        "the gradient averaged over noisy copies of the picture", cost=MANY_PASSES),
    "deconvnet": photo_map("baseline_methods.propagation:Deconvnet", "deconvnet", "#6B4E71",
        "deconvnet: the gradient, rectified on its way back", cost=RULES),
    "guided_backprop": photo_map("baseline_methods.propagation:GuidedBackprop", "guided backprop", "#A26BA8",
        "guided backpropagation: the gradient, rectified on its way back where a unit was active", cost=RULES),
    "guided_grad_cam": photo_map("baseline_methods.propagation:GuidedGradCam", "Guided Grad-CAM", "#4A2545",
        "guided backpropagation times Grad-CAM", cost=RULES),
    "lrp": photo_map("baseline_methods.propagation:Lrp", "LRP", "#3D5A40",
        "layer-wise relevance propagation: the score shared out layer by layer (epsilon, gamma, alpha-beta, flat)",
        cost=RULES),
    "deep_taylor": photo_map("baseline_methods.propagation:DeepTaylor", "deep Taylor", "#7A9E7E",
        "deep Taylor decomposition: relevance of what speaks for the score alone", cost=RULES),
    "mask_optimisation": photo_map("baseline_methods.mask_optimisation:MaskOptimisation", "mask optimisation", "#20566B",
        "the smooth mask of each area through which the score is highest, found with gradients",
        fill_enters=True, cost=MANY_PASSES),
    "glass_box": Entry("baseline_methods.glass_box:GlassBox", "glass box", "#2B2B2B",
        "tables: exact Shapley values read from trees, linear or additive models", on=TABLES),
    "random": photo_map("baseline_methods.controls:Random", "random", "#9A9A9A", "control: a random map", on=BOTH,
        control=True),
    "centre": photo_map("baseline_methods.controls:Centre", "centre", "#6A6A6A",
        "control: nearness to the middle of the picture", control=True),
    "edges": photo_map("baseline_methods.controls:Edges", "edges", "#3F3F3F", "control: strength of the edges", control=True,
        ),
}  # fmt: skip
PEERS = {
    "lime.tabular": Entry("peers.lime_peers:LimeTabular"),
    "lime.image": Entry("peers.lime_peers:LimeImage"),
    "shap.kernel": Entry("peers.shap_peers:ShapKernel"),
    "shap.permutation": Entry("peers.shap_peers:ShapPermutation"),
    "shap.exact": Entry("peers.shap_peers:ShapExact"),
    "shap.partition": Entry("peers.shap_peers:ShapPartition"),
    "shap.sampling": Entry("peers.shap_peers:ShapSampling"),
    "shap.tree": Entry("peers.shap_tree:ShapTree"),
}
MASKS, TRUTH, SEEDS, NEAR, WEIGHTS, PICTURES = "masks", "truth", "seeds", "explains again", "weights", "pictures"
METRICS = {
    "deletion": Entry("metrics.faithfulness:deletion", better="lower", headline=AWAY, usual=True,
        about="area under the score as the best players are hidden first", trust="medium: hangs on the fill"),
    "insertion": Entry("metrics.faithfulness:insertion", better="higher", headline=AWAY, usual=True,
        about="area under the score as the best players are shown first", trust="medium: hangs on the fill"),
    "srg": Entry("metrics.faithfulness:srg", better="higher", headline=HOME, usual=True,
        about="symmetric relevance gain: insertion less deletion", trust="good: ranks alike over fills"),
    "faithfulness": Entry("metrics.faithfulness:faithfulness", better="higher", headline=HOME, usual=True,
        about="correlation with untouched coalitions, within sizes", trust="good, and cheap"),
    "faithfulness_raw": Entry("metrics.faithfulness:faithfulness_raw", usual=True,
        about="the textbook correlation, over mixed sizes", trust="none: a constant map scores high"),
    "sensitivity_n": Entry("metrics.calibration:sensitivity_n", better="higher",
        about="mean over sizes of the correlation within each", trust="good: every size counts alike"),
    "infidelity": Entry("metrics.calibration:infidelity", better="lower",
        about="square error of the fall foretold, over that of counting players", trust="good for signed values"),
    "error": Entry("metrics.calibration:error", better="lower", needs=TRUTH,
        about="relative square error against known values", trust="exact, of what estimates them"),
    "road": Entry("metrics.faithfulness:road", better="higher", needs=PICTURES,
        about="fall as the best are painted over less that of the worst", trust="good over many"),
    "max_sensitivity": Entry("metrics.robustness:max_sensitivity", better="lower", needs=NEAR,
        about="largest relative move of the map at inputs near by", trust="robustness alone"),
    "lipschitz": Entry("metrics.robustness:lipschitz", better="lower", needs=NEAR,
        about="the same per unit of the input's move", trust="robustness alone"),
    "seed_stability": Entry("metrics.robustness:seed_stability", better="higher", needs=SEEDS,
        about="rank correlation of maps under several seeds", trust="of the method's noise alone"),
    "pointing_game": Entry("metrics.localisation:pointing_game", better="higher", needs=MASKS,
        about="whether the map's peak lies in the region", trust="of place; coarse"),
    "energy_pointing_game": Entry("metrics.localisation:energy_pointing_game", better="higher", needs=MASKS,
        about="share of positive attribution in the region", trust="of place; hangs on its area"),
    "grid_pg": Entry("metrics.localisation:grid_pg", better="higher", needs=MASKS,
        about="the same in the cell of a mosaic", trust="good: chance is 1 over the cells"),
    "smprt": Entry("metrics.randomisation:smprt", better="lower", needs=WEIGHTS,
        about="likeness to noise-free maps of re-drawn networks", trust="necessary alone"),
    "emprt": Entry("metrics.randomisation:emprt", better="higher", needs=WEIGHTS,
        about="rise of entropy as all weights are re-drawn", trust="necessary alone"),
    "entropy": Entry("metrics.complexity:entropy",
        about="entropy of the shares of absolute values, nats", trust="describes"),
    "gini": Entry("metrics.complexity:gini", about="how unevenly absolute values are shared, 0 to 1", trust="describes"),
    "features_90": Entry("metrics.complexity:features_90", about="players that hold 90 % of absolute values",
        trust="describes"),
    "spearman": Entry("metrics.agreement:spearman", about="rank correlation of two methods' values", usual=True,
        trust="describes"),
    "top_k_iou": Entry("metrics.agreement:top_k_iou", about="overlap of two methods' k best players", usual=True,
        trust="describes"),
    "sign_agreement": Entry("metrics.agreement:sign_agreement", about="share of players with one sign in two maps",
        trust="describes"),
    "ssim": Entry("metrics.agreement:ssim", about="structural similarity of two maps on the picture", needs=PICTURES,
        trust="describes"),
}  # fmt: skip
FILLS = {
    "blur": Entry("inputs.fills:blur", about="the picture under a Gaussian, whose deviation is the longer side / 22"),
    "mean": Entry("inputs.fills:mean", about="each superpixel's mean colour"),
    "inpaint": Entry("inputs.fills:inpaint", about="each superpixel painted over from the pixels around it"),
    "noise": Entry("inputs.fills:noise", about="drawn evenly within each channel's range"),
}
SEGMENTERS = {
    "slic": Entry("inputs.segments:slic", about="clusters of colour and place"),
    "quickshift": Entry("inputs.segments:quickshift", about="modes of a density of colour and place"),
    "felzenszwalb": Entry("inputs.segments:felzenszwalb", about="graph-based regions of any shape and size"),
    "watershed": Entry("inputs.segments:watershed", about="basins of the edges' strength, from seeds on a grid"),
    "grid": Entry("inputs.segments:grid", about="rectangles, as square as the count allows"),
}

METHODS = EXPLAINERS | BASELINES
ABOUT = {name: entry.about for name, entry in (METHODS | METRICS | FILLS | SEGMENTERS).items()}
IN_A_RUN = tuple(name for name, entry in METRICS.items() if entry.needs in ("", NEAR, PICTURES))  # what a config can have
ALONE = tuple(name for name, entry in METRICS.items() if entry.needs in (NEAR, SEEDS, WEIGHTS))  # best by these is no praise
OF_PICTURES = tuple(name for name, entry in METRICS.items() if entry.needs in (PICTURES, MASKS))
HEADLINES = [name for endings in (HOME, AWAY) for name, entry in METRICS.items() if entry.headline == endings]
USUAL = tuple(name for name, entry in EXPLAINERS.items() if entry.usual)
CURVES = {name: entry for name, entry in EXPLAINERS.items() if entry.curves}
CONTROLS = tuple(name for name, entry in BASELINES.items() if entry.control)
MAPS = tuple(name for name, entry in BASELINES.items() if "photo" in entry.on)  # baselines of pictures
ON_TABLES_ONLY = tuple(name for name, entry in METHODS.items() if entry.on == TABLES)
# maps of pictures that tables have too
ON_BOTH = tuple(name for name, entry in BASELINES.items() if entry.on == BOTH and not entry.control)
OF_THE_FILL = tuple(name for name in MAPS if BASELINES[name].fill_enters)
FILL_FREE = tuple(name for name in MAPS if not BASELINES[name].fill_enters)
IN_MANY_PASSES = tuple(name for name in MAPS if BASELINES[name].cost == MANY_PASSES)
BY_RULES = tuple(name for name in MAPS if BASELINES[name].cost == RULES)
IN_A_PASS = tuple(name for name in MAPS if BASELINES[name].cost == A_PASS)


# what others call them, and what is left of a name where its signs are taken away
ALIASES = {
    "shap": "kernel_shap", "shapley": "kernel_shap", "shapleyvalues": "kernel_shap", "treeshap": "kernel_shap",
    "kernelexplainer": "kernel_shap", "permutation": "permutation_shap", "partition": "partition_shap",
    "sampling": "sampling_shap", "owen": "partition_shap", "limeimage": "lime", "tabularlime": "lime_tabular",
    "partialdependence": "pdp", "accumulatedlocaleffects": "ale", "individualconditionalexpectation": "ice",
    "saliency": "gradient", "vanillagradient": "gradient", "deconvolution": "deconvnet", "ig": "integrated_gradients",
    "guidedbackpropagation": "guided_backprop", "classactivationmap": "cam", "gradcampp": "grad_cam_plus_plus",
    "layerwiserelevancepropagation": "lrp", "gradientshap": "expected_gradients", "aopc": "deletion",
}  # fmt: skip


def load(names: Mapping[str, Entry], name: str, what: str = "method") -> Any:
    """What a name stands for. Raises ValueError for a name that is not there, saying which are."""
    if name not in names:
        raise ValueError(f"{name!r} is not a known {what}.{near(name, names)} Expected one of {', '.join(sorted(names))}.")
    return getattr(importlib.import_module(names[name].module), names[name].attribute)


def near(name: str, names: Collection[str]) -> str:
    """A sentence on a name that is not among these: which of them is meant, or which verb takes it. "" if none is near.

    >>> near("KernelSHAP", EXPLAINERS), near("grad-cam", EXPLAINERS)
    (" Did you mean 'kernel_shap'?", " 'grad_cam' is one of the baselines: px.baselines('grad_cam', ...).")
    """
    found = meant(name, names)
    if not found or found in names:
        return f" Did you mean {found!r}?" if found else ""
    group, verb = ("explainers", "explain") if found in EXPLAINERS else ("baselines", "baselines")
    return f" {found!r} is one of the {group}: px.{verb}({found!r}, ...)."


def meant(name: str, names: Collection[str]) -> str:
    """One of these names, or of all methods, that somebody means who spells it otherwise; "" if none is near."""
    plain = {_plain(known): known for known in (*METHODS, *names)}
    if (found := plain.get(_plain(name)) or ALIASES.get(_plain(name), "")) in (*METHODS, *names):
        return found
    alike = difflib.get_close_matches(_plain(name), [_plain(one) for one in names], 1)
    return plain[alike[0]] if alike else ""


def _plain(name: str) -> str:
    """Letters and digits alone, as names are compared."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("++", "pp"))


def key_of(method: Any) -> str:
    """The string of a method object's class ("kernel_shap" for KernelShap); of a class of somebody else's its name."""
    return name_in(METHODS, method) or type(method).__name__


def name_in(names: Mapping[str, Entry], method: Any) -> str:
    """The name under which the class of an object stands there; "" for one that does not."""
    home = type(method).__module__, type(method).__name__
    return next((name for name, entry in names.items() if (entry.module, entry.attribute) == home), "")
