"""Gradients of a network by a table's columns or a picture's pixels, and their integrals from absence to the input.

They look at how the output moves near the input (or on the way to it), where the perturbation methods ask what it is when
players are absent. On a linear network all that are in output units agree; on an additive one the integrals still do. Of
pictures the gradient is by the network's input, behind the predictor's `transform`, which may be no torch at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from perturbxai.baseline_methods.kinds import OfPixels, OfRow
from perturbxai.baseline_methods.line_integral import integrate
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, as_floats, check_channels, joined
from perturbxai.baseline_methods.table_row import TableRow, check_numbers
from perturbxai.core import checks
from perturbxai.core.options import checked
from perturbxai.core.types import Data, Floats
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor

CHUNK = 8192  # rows of gradients in memory at once
PER_UNIT = "score per unit of the network's input"


@checked
@dataclass(frozen=True, kw_only=True)
class Gradient(OfRow, OfPixels):
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
        """Everything that can be known without the model. Raises TypeError or ValueError."""
        check_numbers("gradient", predictor, space)
        if self.channels != "sum":
            raise ValueError(f"gradient: channels={self.channels!r} is for pictures; columns have none. Leave it out.")
        if space.n_players < len(space.player_of_column):
            raise ValueError(
                "gradient: the space has groups, but slopes by different columns have no sum; leave the groups out, or take "
                "gradient_x_input, integrated_gradients or expected_gradients."
            )

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes."""
        return row.pool(row.gradient_here()), {"units": "output per unit of the column"}

    def of_picture(self, pixels: Pixels) -> PixelMap:
        """(K, H, W)"""
        return PixelMap(joined(pixels.gradient_here(), self.channels), {"units": PER_UNIT})


@checked
@dataclass(frozen=True, kw_only=True)
class GradientXInput(OfRow, OfPixels):
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

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        """Everything that can be known without the model. Raises TypeError."""
        check_numbers("gradient_x_input", predictor, space)

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes."""
        absent = _mean(row.space) if self.baseline == "mean" else np.zeros(len(row.x))
        values = row.pool((row.x - absent)[:, None] * row.gradient_here())
        return values, {"baseline": absent.tolist(), "gap": (row.rise - values.sum(axis=0)).tolist()}

    def check_picture(self) -> None:
        """Everything that can be known without the model. Raises ValueError."""
        if self.baseline != "zero":
            raise ValueError(
                f'gradient_x_input: baseline={self.baseline!r} is that of a table\'s background; pictures have "zero", the '
                "network's. Take integrated_gradients, which starts from the fill."
            )

    def of_picture(self, pixels: Pixels) -> PixelMap:
        """(K, H, W)"""
        x = as_floats(pixels.tensor(pixels.one.picture))  # (1, C, H, W)
        return PixelMap((x * pixels.gradient_here()).sum(axis=1), {"baseline": "zero of the network's input"})


@checked
@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(OfRow, OfPixels):
    """Integrated gradients: (x_j - x'_j) times the mean gradient on the line from x' to x, in output units.

    Sundararajan, Taly & Yan, "Axiomatic attribution for deep networks" (2017). The integral is taken by Gauss-Legendre
    nodes. Complete: the values sum to f(x) - f(x') up to the quadrature's error, which `meta["gap"]` states for each output
    (kinks of a ReLU network make it fall as steps grow, not vanish); f(x') is `meta["baseline_prediction"]`, and is not
    the mean over the background that `base` is. Groups sum their columns. `steps` rows of the model an input, one for x'.
    On pictures x' is the space's fill and the line runs in the network's input. Near a fill the gradient of a deep network
    jumps, and 50 nodes can miss a tenth of the rise; so the line is cut finer where it misses most, which the scores on the
    way tell exactly, until the gap of each output is `tol` of its rise, or of a tenth of the largest rise where its own is
    smaller; what is left after ten times `steps` nodes is warned of. `meta["nodes"]` says how many that took. Gap and
    `meta["baseline_prediction"]` are on the scale of `score=`.

    baseline  x': "absence" is what the space has for it, the mean of the weighted background or the fill. On tables also
              "mean", the same, or a row of numbers (a Series or mapping goes by the columns' names)
    steps     nodes on the line; on pictures those to start with, and up to ten times as many
    tol       on pictures: the gap that is small enough, as a share of the rise of each output
    name      the key of the result, "integrated_gradients" if empty

    >>> import numpy as np, torch, perturbxai as px
    >>> space = px.TabularSpace(np.array([[0.0, 0.0], [2.0, 2.0]]))
    >>> predictor = px.Predictor(torch.nn.Softplus(), precision="float64")
    >>> found = px.baselines("integrated_gradients", predictor, space, [3.0, 1.0])
    >>> one = found["integrated_gradients"][0]
    >>> one.values.shape, bool(np.abs(one.meta["gap"]).max() < 1e-12)
    ((2, 2), True)
    """

    baseline: Data = "absence"
    steps: int = 50
    tol: float = 0.01
    name: str = ""

    def __post_init__(self) -> None:
        checks.whole("steps", self.steps, 1, of="nodes")
        checks.number("tol", self.tol, "a number above 0, a share of the rise such as 0.01", above=0.0)
        object.__setattr__(self, "baseline", _frozen_row(self.baseline))

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        """Everything that can be known without the model. Raises TypeError or ValueError."""
        check_numbers("integrated_gradients", predictor, space)
        self._start(space)

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes."""
        start = self._start(row.space)
        values = row.pool(_along(row, start[None], np.ones(1), self.steps))
        at_start = row.value(start)
        gap = row.prediction - at_start - values.sum(axis=0)
        notes = {"baseline": start.tolist(), "baseline_prediction": at_start.tolist(), "gap": gap.tolist()}
        return values, notes

    def check_picture(self) -> None:
        """Everything that can be known without the model. Raises ValueError."""
        if self.baseline != "absence":
            raise ValueError(
                f"integrated_gradients: baseline={self.baseline!r} is for tables; of a picture it is the space's fill: "
                "ImageSpace(fill=...), or space.with_fill(...)."
            )

    def of_picture(self, pixels: Pixels) -> PixelMap:
        """(K, H, W)"""
        panels, nodes = integrate(pixels, self.steps, self.tol)
        at_start, gap = panels.at_low[panels.low.argmin()], panels.gap.sum(axis=0)
        notes = {"baseline": "fill", "baseline_prediction": at_start.tolist(), "gap": gap.tolist(), "nodes": nodes}
        return PixelMap(panels.heat.sum(axis=0, dtype=np.float64), notes)

    def _start(self, space: TabularSpace) -> Floats:
        """(D,): x'."""
        if isinstance(self.baseline, str):
            return _mean(space)
        names, row = space.columns.names, cast(tuple[Any, ...], self.baseline)  # as it is kept
        if row and isinstance(row[0], tuple):
            by_name = dict(row)
            if set(by_name) != set(names):
                raise ValueError(f"baseline has the columns {sorted(by_name)}; expected one number for each of {names}.")
            row = tuple(by_name[name] for name in names)
        if len(row) != len(names):
            raise ValueError(f"baseline has {len(row)} numbers; expected {len(names)}, one for each of {names}.")
        return np.array(row)


@checked
@dataclass(frozen=True, kw_only=True)
class ExpectedGradients(OfRow):
    """Expected gradients: integrated gradients averaged over *all* background rows with their weights, in output units.

    Erion, Janizek, Sturmfels, Lundberg & Lee, "Improving performance of deep learning models with axiomatic attribution
    priors and expected gradients" (2021), without its sampling: each of the B background rows is a starting point, and each
    line has `steps` Gauss-Legendre nodes, so two calls agree. Complete: the values sum to f(x) - E f, which `base` and
    `prediction` are, up to `meta["gap"]`. The Shapley value of an additive network; otherwise the Aumann-Shapley value of
    the same absence. Groups sum their columns. B * steps rows of the model an input, with a pass backwards each output.
    For tables: a picture's absence is one fill, from which expected gradients are integrated gradients.

    steps  nodes on each line
    name   the key of the result, "expected_gradients" if empty
    """

    steps: int = 50
    name: str = ""

    def __post_init__(self) -> None:
        checks.whole("steps", self.steps, 1, of="nodes")

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        """Everything that can be known without the model. Raises TypeError."""
        check_numbers("expected_gradients", predictor, space)

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes."""
        values = row.pool(_along(row, row.space.background, row.space.background_weights, self.steps))
        return values, {"gap": (row.rise - values.sum(axis=0)).tolist()}


def _along(row: TableRow, starts: Floats, weights: Floats, steps: int) -> Floats:
    """(D, K): the weighted mean over starts (S, D) of (x - start) times the mean gradient on the line between."""
    nodes, shares = np.polynomial.legendre.leggauss(steps)
    nodes, shares = 0.5 * (nodes + 1.0), 0.5 * shares
    found = np.zeros((len(row.x), len(row.columns)))
    lines = max(1, CHUNK // steps)
    for first in range(0, len(starts), lines):
        way = row.x - starts[first : first + lines]  # (S', D)
        at = starts[first : first + lines, None, :] + nodes[:, None] * way[:, None, :]  # (S', steps, D)
        slopes = row.gradient(at.reshape(-1, len(row.x))).reshape(*at.shape, -1)
        found += np.einsum("s,t,sd,stdk->dk", weights[first : first + lines], shares, way, slopes, optimize=True)
    return found


def _mean(space: TabularSpace) -> Floats:
    """(D,): the mean of the background, with its weights."""
    return np.asarray(space.background_weights @ space.background)


def _frozen_row(baseline: Any) -> Any:
    """A baseline as its name, numbers, or (name, number) pairs: plain tuples, so that options can be compared."""
    if isinstance(baseline, str):
        return checks.one_of("baseline", baseline, ("absence", "mean"), way=", or a row of numbers")
    if isinstance(baseline, (tuple, list)) and baseline and all(_is_pair(one) for one in baseline):
        baseline = dict(baseline)  # as it is kept, and comes back from a file
    named = hasattr(baseline, "items")
    pairs = list(baseline.items()) if named else [(None, one) for one in np.asarray(baseline, dtype=object).ravel()]
    try:
        if (not named and np.ndim(baseline) > 1) or not all(np.isfinite(float(one)) for _, one in pairs):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"baseline={baseline!r} is no row of finite numbers; give one number for each column.") from None
    return tuple((str(name), float(one)) if named else float(one) for name, one in pairs)


def _is_pair(one: object) -> bool:
    return isinstance(one, (tuple, list)) and len(one) == 2 and isinstance(one[0], str)
