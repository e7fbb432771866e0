"""Gradients of a network by a table's columns or a picture's pixels: at the input itself, or averaged around it.

They look at how the output moves near the input, where the perturbation methods ask what it is when players are absent. Of
pictures the gradient is by the network's input, behind the predictor's `transform`, which may be no torch at all.
"""

from typing import Any, ClassVar

import numpy as np

from perturbxai.baseline_methods.kinds import OfPixels, OfSlopes, TableRow
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, as_floats, check_channels, joined
from perturbxai.core import checks
from perturbxai.core.options import options
from perturbxai.core.types import Floats
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor

PER_UNIT = "score per unit of the network's input"


@options
class Gradient(OfSlopes, OfPixels):
    """The gradient of the output by each column of a row, or by each pixel: output *per unit of the column* or of the input.

    Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks: visualising image classification models and saliency
    maps" (2014), with its sign. Not in output units: columns on different scales rank by their scale as well, and neither
    x nor the background enters. One row of the model an input. Torch networks; a group of columns has no one gradient and
    is refused.

    On pictures the channels of a pixel are summed with their signs: what is left is still a slope, that of the score as the
    pixel brightens, a superpixel's value is its slope as it brightens whole, and it ranks as signed values of other methods
    do. channels="max" is the paper's saliency map, the largest size among the channels: it has no sign, so that it cannot
    tell for from against, and its sum over a superpixel is no slope.

    channels  of a picture: "sum" or "max"; a table has none
    name      the key of the result, "gradient" if empty

    >>> import numpy as np, torch, perturbxai as px
    >>> net = torch.nn.Linear(2, 1, bias=False).double()
    >>> _ = net.weight.data.copy_(torch.tensor([[2.0, -1.0]]))
    >>> predictor, space = px.Predictor(net), px.TabularSpace(np.zeros((1, 2)))
    >>> found = px.baselines(["gradient", "gradient_x_input"], predictor, space, np.array([[3.0, 4.0]]))
    >>> found["gradient"].values[0, :, 0].tolist(), found["gradient_x_input"].values[0, :, 0].tolist()
    ([2.0, -1.0], [6.0, -4.0])
    """

    channels: str = "sum"
    name: str = ""
    at_x: ClassVar[bool] = True  # asks for the gradient at the input and nothing else
    shares: ClassVar[str] = "gradient"

    def __post_init__(self) -> None:
        check_channels(self.channels)

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        super().check_table(predictor, space)
        if self.channels != "sum":
            raise ValueError(f"gradient: channels={self.channels!r} is for pictures; columns have none. Leave it out.")
        if space.n_players < len(space.player_of_column):
            raise ValueError(
                "gradient: the space has groups, but slopes by different columns have no sum; leave the groups out, or take "
                "gradient_x_input, integrated_gradients or expected_gradients."
            )

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        return row.pool(row.gradient_here()), {"units": "output per unit of the column"}

    def of_picture(self, pixels: Pixels) -> PixelMap:
        return PixelMap(joined(pixels.gradient_here(), self.channels), {"units": PER_UNIT})


@options
class GradientXInput(OfSlopes, OfPixels):
    """The input times the gradient: x_j df/dx_j, in output units; the sum over a group's columns or a superpixel's pixels.

    Shrikumar, Greenside, Shcherbina & Kundaje, "Not just a black box: learning important features through propagating
    activation differences" (2016). The classic definition, whose absence is *zero* whatever the background is: on a linear
    network the values sum to f(x) - f(0). baseline="mean" takes (x_j - mean_j) df/dx_j instead, mean_j that of the weighted
    background, which on a linear network is the Shapley value. One row of the model an input. On a picture zero is that of
    the network's input, often the mean colour; on a ReLU network without biases the values sum to the score.

    baseline  "zero" or, on tables, "mean": what x is measured from
    name      the key of the result, "gradient_x_input" if empty
    """

    baseline: str = "zero"
    name: str = ""
    at_x: ClassVar[bool] = True
    shares: ClassVar[str] = "gradient"

    def __post_init__(self) -> None:
        checks.one_of("baseline", self.baseline, ("zero", "mean"), way="; zero is the classic definition")

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        absent = row.space.background_weights @ row.space.background if self.baseline == "mean" else np.zeros(len(row.x))
        values = row.pool((row.x - absent)[:, None] * row.gradient_here())
        return values, {"baseline": absent.tolist(), "gap": (row.rise - values.sum(axis=0)).tolist()}

    def check_picture(self) -> None:
        if self.baseline != "zero":
            raise ValueError(
                f'gradient_x_input: baseline={self.baseline!r} is that of a table\'s background; pictures have "zero", the '
                "network's. Take integrated_gradients, which starts from the fill."
            )

    def of_picture(self, pixels: Pixels) -> PixelMap:
        x = as_floats(pixels.tensor(pixels.one.picture))  # (1, C, H, W)
        return PixelMap((x * pixels.gradient_here()).sum(axis=1), {"baseline": "zero of the network's input"})


@options
class SmoothGrad(OfPixels):
    """SmoothGrad: the mean gradient by the network's input over n copies of the picture with Gaussian noise.

    Smilkov, Thorat, Kim, Viegas & Wattenberg, "SmoothGrad: removing noise by adding noise" (2017). It estimates the gradient
    of the score blurred by that noise, in score per unit of the network's input. n rows of the model a picture, with a pass
    backwards each output. `stderr` is the standard error of a superpixel's mean over the copies, with t intervals on n - 1
    degrees of freedom; it is infinite for n = 1, and for channels="max", where a value is no mean.

    n         copies of the picture, from 1 up
    sigma     standard deviation of the noise, as a share of the input's largest less its least value; .1 to .2 in the paper
    channels  "sum" keeps the sign and is a slope, as in `Gradient`; "max" is the largest size among the mean's channels
    seed      of the noise, beside the picture itself: the same picture gets the same noise in any company
    name      the key of the result, "smooth_grad" if empty
    """

    n: int = 50
    sigma: float = 0.15
    channels: str = "sum"
    seed: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        check_channels(self.channels)
        checks.whole("n", self.n, 1, of="noisy copies")
        expected = "a number above 0, a share of the input's range such as 0.15"
        checks.number("sigma", self.sigma, expected, above=0.0, below=np.inf)
        checks.seed(self.seed)

    def of_picture(self, pixels: Pixels) -> PixelMap:
        """(K, H, W), with the standard errors of the superpixels' values. Raises ValueError for a picture without range."""
        picture = pixels.tensor(pixels.one.picture)
        scale = self.sigma * float(picture.max() - picture.min())
        if not scale > 0.0:
            raise ValueError(
                "smooth_grad: the network's input is the same everywhere, and noise as a share of its range is none; take "
                "'gradient', which is what that would give."
            )
        rng = np.random.default_rng([self.seed, *pixels.one.digest])

        drawn: dict[int, Floats] = {}

        def build(start: int, stop: int) -> Any:
            # drawn copy by copy in a row and kept for a batch that is built again, so that batches of any size have the same
            for done in [number for number in drawn if number < start]:
                del drawn[done]
            for number in range(start + len(drawn), stop):
                drawn[number] = scale * rng.standard_normal(picture.shape[1:])
            return picture + picture.new_tensor(np.stack([drawn[number] for number in range(start, stop)]))

        total: Floats = np.zeros(0)
        values = []
        for start, _, found in pixels.gradients(self.n, build):
            total = total + found.sum(axis=0) if start else found.sum(axis=0)
            values += [pixels.one.pool(joined(copy, "sum")).T for copy in found]
        heat = joined(total / self.n, self.channels)
        known = self.channels == "sum" and self.n > 1
        stderr = np.std(values, axis=0, ddof=1) / np.sqrt(self.n) if known else np.full(values[0].shape, np.inf)
        return PixelMap(heat, {"units": PER_UNIT, "noise": scale}, stderr, float(self.n - 1 if known else 0))
