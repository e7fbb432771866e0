"""Maps that change the pass backwards: deconvnet, guided backpropagation, guided Grad-CAM, relevance, deep Taylor.

The rules are those of the package zennit, tied to the operations that a network runs and not to its modules, so that
functions, activations in place and modules that run twice get them too, and an operation without a rule is refused.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import numpy as np

from perturbxai.baseline_methods.cam import GradCam
from perturbxai.baseline_methods.kinds import OfPixels
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, check_channels, joined
from perturbxai.core import checks
from perturbxai.core.extras import remedy
from perturbxai.core.options import options
from perturbxai.core.types import Floats, Picture

Box = tuple[float, float] | None  # lowest and highest
Rule = Callable[..., Any]  # makes a rule of zennit

BACK = "passed back to the network's input, in score per unit of it"
FIRST = ("flat", "box")
RULES = ("epsilon", "gamma", "alpha_beta")
STABLE = 1e-6  # added to the size of a layer's output, so that nothing is divided by zero


class _ByRules(OfPixels):
    """A map by rules of zennit. Raises ImportError without it."""

    def check_picture(self) -> None:
        _zennit()


@options
class _Rectified(_ByRules):
    """What comes back to the picture through one of zennit's rules for rectifiers."""

    channels: str = "sum"
    name: str = ""
    rule: ClassVar[str]

    def __post_init__(self) -> None:
        check_channels(self.channels)

    def of_picture(self, pixels: Pixels) -> PixelMap:
        from perturbxai.baseline_methods.rectified import rectified

        def ask() -> Floats:
            hook = getattr(_zennit(), self.rule)()
            with pixels.metered() as net:
                inputs = pixels.tensor(pixels.one.picture)
                return rectified(net, inputs, pixels.score, pixels.logits, lambda own, back: hook.backward(None, own, back))

        return PixelMap(joined(pixels.once(self.rule, ask), self.channels), {"units": BACK})


@options
class Deconvnet(_Rectified):
    """Deconvnet: the gradient, but each rectifier passes on what comes back to it where that is positive.

    Zeiler & Fergus, "Visualizing and understanding convolutional networks" (2014). What the rectifier saw does not enter.
    ReLU6 and clamp(min=0) are rectifiers too; networks with other activations are refused, as are those without any. It
    passes what reconstructs the input rather than what decides, and changes little when later layers are randomised.

    channels  "sum" keeps the sign, as in `Gradient`; "max" takes the largest size among a pixel's channels
    name      the key of the result, "deconvnet" if empty
    """

    shares: ClassVar[str] = "deconvnet"
    rule: ClassVar[str] = "ReLUDeconvNet"


@options
class GuidedBackprop(_Rectified):
    """Guided backpropagation: the gradient, but each rectifier passes on only what is positive of it.

    Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for simplicity: the all convolutional net" (2015). Where the
    rectifier's own derivative is zero nothing passes: below zero, and above six for a ReLU6. As with deconvnet, other
    activations are refused, and the map shows edges that the network sees more than what decides.

    channels  "sum" keeps the sign, as in `Gradient`; "max" takes the largest size among a pixel's channels
    name      the key of the result, "guided_backprop" if empty
    """

    shares: ClassVar[str] = "guided_backprop"
    rule: ClassVar[str] = "ReLUGuidedBackprop"


@options
class GuidedGradCam(GuidedBackprop):
    """Guided Grad-CAM: guided backpropagation times Grad-CAM, enlarged to the picture: fine lines where the class is.

    Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra, "Grad-CAM: visual explanations from deep networks via gradient-based
    localization" (2017). Grad-CAM is enlarged in its own units, behind its ReLU and not scaled. `layer=` says where it is.

    channels  of guided backpropagation: "sum" keeps the sign, "max" takes the largest size among a pixel's channels
    name      the key of the result, "guided_grad_cam" if empty
    """

    passes: ClassVar[int] = 1
    differentiates: ClassVar[bool] = True

    def of_picture(self, pixels: Pixels) -> PixelMap:
        guided, cam = super().of_picture(pixels).heat, GradCam()
        cells = cam.cells(pixels.view(), None)  # (K, h, w)
        share = cells[0].size / guided[0].size
        empty = [output for output, cell in zip(pixels.game.outputs, cells, strict=True) if not cell.any()]
        return PixelMap(guided * cam.enlarged(cells, guided.shape[1:]) / share, {"empty_maps": empty})


@options
class Lrp(_ByRules):
    """Layer-wise relevance propagation: the score handed back layer by layer, each time in shares of what was handed on.

    Bach, Binder, Montavon, Klauschen, Mueller & Samek, "On pixel-wise explanations for non-linear classifier decisions by
    layer-wise relevance propagation" (2015); gamma: Montavon, Binder, Lapuschkin, Samek & Mueller, "Layer-wise relevance
    propagation: an overview" (2019). Relevance is in units of the score and starts at the score itself. A batch norm is
    merged into the layer before it; one that stands alone, an average and a sum share by what each part adds; max pooling
    hands all to its largest; an activation that is zero at zero hands on what it gets. Operations without a rule (a product
    of two maps, softmax, a norm of layers or groups) are refused by the name of their layer.

    Sums to the score but for `meta["gap"]`: what biases and epsilon took, and units that have no positive part to share by
    under z+. In a deep network with batch norms that is nearly all of it (on EfficientNet-Lite0 all but a thousandth): there
    the map tells shares, and its size says nothing. With rule="epsilon", first=None on a ReLU network without biases, and
    epsilon near 0, it is gradient times input. The default is the composite that is usual for convolutional networks:
    epsilon on dense layers, z+ (alpha 1, beta 0) on convolutions, flat on the first. An option of another rule is refused.

    rule     of convolutions: "alpha_beta", "gamma" or "epsilon"; dense layers always have epsilon
    alpha    of "alpha_beta", from 1 up: positive parts share alpha of the relevance, negative parts beta = alpha - 1 of it
    gamma    of "gamma": how much more positive weights count
    epsilon  above 0: takes up what contradictory parts share, in units of a layer's output
    first    of layers that read the picture: "flat" (even shares), "box" (z^B, for pixels within bounds) or None, as others
    box      (lowest, highest) value of a pixel in the picture's own units, for "box"; None is 0..1 or 0..255, as it fits
    name     the key of the result, "lrp" if empty
    """

    rule: str = "alpha_beta"
    alpha: float = 1.0
    gamma: float = 0.25
    epsilon: float = 1e-6
    first: str | None = "flat"
    box: tuple[float, float] | None = None
    name: str = ""
    scores: ClassVar[tuple[str, ...]] = ("logit",)
    follows: ClassVar[bool] = True  # rules are tied to the operations as they run

    def __post_init__(self) -> None:
        checks.one_of("rule", self.rule, RULES)
        checks.one_of("first", self.first, (*FIRST, None))
        checks.number("alpha", self.alpha, "a number from 1 up", least=1.0, below=np.inf)
        checks.number("gamma", self.gamma, "a number from 0 up", least=0.0, below=np.inf)
        checks.number("epsilon", self.epsilon, "a number above 0", least=np.finfo(np.float64).tiny, below=np.inf)
        object.__setattr__(self, "box", _frozen_box(self.box))
        for option, chooses, value in (("alpha", "rule", "alpha_beta"), ("gamma", "rule", "gamma"), ("box", "first", "box")):
            if getattr(self, chooses) != value and getattr(self, option) != getattr(type(self), option):
                raise ValueError(
                    f"{option}={getattr(self, option)!r} is an option of {chooses}={value!r}, but {chooses}="
                    f"{getattr(self, chooses)!r}, which does not read it; give {chooses}={value!r} too, or leave it out."
                )

    def of_picture(self, pixels: Pixels) -> PixelMap:
        rules = _zennit()
        stable = min(self.epsilon, STABLE)
        kinds = {
            "epsilon": partial(rules.Epsilon, epsilon=self.epsilon),
            "gamma": partial(rules.Gamma, gamma=self.gamma, stabilizer=stable),
            "alpha_beta": partial(rules.AlphaBeta, alpha=self.alpha, beta=self.alpha - 1.0, stabilizer=stable),
        }
        return _relevance(pixels, kinds["epsilon"], kinds[self.rule], self.first, self.box, stable)


@options
class DeepTaylor(_ByRules):
    """Deep Taylor decomposition: the score handed back by what speaks for it alone, in units of the score.

    Montavon, Lapuschkin, Binder, Samek & Mueller, "Explaining nonlinear classification decisions with deep Taylor
    decomposition" (2017). At each layer the positive parts share (z+); at those that read the picture a pixel's part is
    measured from the bounds of its values (z^B). Derived for ReLU networks whose biases are not positive: there a positive
    score gives a map without negative values, which sums to it. Positive biases keep a part, `meta["gap"]`. Layers as for
    `Lrp`.

    box   (lowest, highest) value of a pixel in the picture's own units; None is 0..1 or 0..255, as it fits
    name  the key of the result, "deep_taylor" if empty
    """

    box: tuple[float, float] | None = None
    name: str = ""
    scores: ClassVar[tuple[str, ...]] = ("logit",)
    follows: ClassVar[bool] = True  # rules are tied to the operations as they run

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", _frozen_box(self.box))

    def of_picture(self, pixels: Pixels) -> PixelMap:
        plus = partial(_zennit().ZPlus, stabilizer=STABLE)
        return _relevance(pixels, plus, plus, "box", self.box, STABLE)


def _relevance(pixels: Pixels, dense: Rule, convolution: Rule, first: str | None, box: Box, stable: float) -> PixelMap:
    """Relevance of each pixel, all channels, and what is missing to the score."""
    from perturbxai.baseline_methods import relevance

    rules = _zennit()
    chosen: dict[str, Rule] = {relevance.DENSE: dense, relevance.CONVOLUTION: convolution, relevance.PASS: rules.Pass}
    chosen[relevance.LINEAR] = partial(rules.Norm, stabilizer=stable)
    notes: dict[str, Any] = {}
    ends = None
    if first == "flat":
        chosen[relevance.FIRST] = lambda *_: rules.Flat(stabilizer=stable)
    if first == "box":
        chosen[relevance.FIRST] = partial(rules.ZBox, stabilizer=stable)
        notes["box"] = _bounds(pixels.one.picture, box)
        ends = [pixels.tensor(np.full_like(pixels.one.picture, end)) for end in notes["box"]]
    inputs = pixels.tensor(pixels.one.picture)
    with pixels.metered() as net:
        found, scores = relevance.propagate(net, inputs, pixels.logits, chosen, ends)
    heat = joined(found, "sum")
    return PixelMap(heat, notes | {"gap": (scores - heat.sum(axis=(1, 2))).tolist()})


def _bounds(picture: Picture, box: Box) -> tuple[float, float]:
    """The lowest and the highest value that a pixel can have. Raises ValueError if the picture has others."""
    low, high = box or (0.0, 1.0 if picture.max() <= 1.0 else 255.0)
    if picture.min() < low or picture.max() > high:
        raise ValueError(
            f"box: the picture's values run from {picture.min():g} to {picture.max():g}, beyond {low:g} and {high:g}; "
            "give the lowest and highest value that a pixel can have: box=(low, high)."
        )
    return low, high


def _frozen_box(box: Iterable[float] | None) -> tuple[float, float] | None:
    if box is None:
        return None
    try:
        low, high = (float(end) for end in box)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"box={box!r} is no range; expected (lowest, highest) value of a pixel, such as (0, 255), or None.")
    return low, high


def _zennit() -> Any:
    """The rules of zennit. Raises ImportError where it is not installed."""
    try:
        import zennit.rules
    except ImportError as error:
        told = "deconvnet, guided_backprop, guided_grad_cam, lrp and deep_taylor take their rules from zennit"
        raise ImportError(f"{told}, but {remedy('zennit')}") from error
    return zennit.rules
