"""SmoothGrad: the gradient of a picture averaged over noisy copies of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.baseline_methods.gradients import PER_UNIT
from perturbxai.baseline_methods.kinds import OfPixels
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, check_channels, joined
from perturbxai.core import checks
from perturbxai.core.options import checked
from perturbxai.core.types import Floats


@checked
@dataclass(frozen=True, kw_only=True)
class SmoothGrad(OfPixels):
    """SmoothGrad: the mean gradient by the network's input over n copies of the picture with Gaussian noise.

    Smilkov, Thorat, Kim, Viegas & Wattenberg, "SmoothGrad: removing noise by adding noise" (2017). It estimates the gradient
    of the score blurred by that noise, in score per unit of the network's input. n rows of the model a picture, with a pass
    backwards each output. `stderr` is the standard error of a superpixel's mean over the copies, with t intervals on n - 1
    degrees of freedom; it is infinite for n = 1, and for channels="max", where a value is no mean.

    n         copies;  sigma: standard deviation of the noise as a share of the input's range, largest less least value
    sigma     a number above 0; the paper takes .1 to .2
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
