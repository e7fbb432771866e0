"""Gradients integrated from absence to the input, in output units: integrated and expected gradients.

On a linear network a value is the gradient times x less absence; on an additive one it is the Shapley value.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from perturbxai.baseline_methods.kinds import OfPixels, OfSlopes, TableRow
from perturbxai.baseline_methods.pixels import PixelMap, Pixels, as_floats
from perturbxai.core import checks
from perturbxai.core.options import options
from perturbxai.core.types import Data, Floats, Ints, Singles
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.models.torch_types import Tensor

CHUNK = 8192  # rows of gradients in memory at once
NODES = 4  # Gauss-Legendre nodes a panel
MOST = 10  # times as many nodes as were asked for, at most
SPLIT = 4  # one in so many panels is halved at a time
ROUNDING = 1e-6  # of the scores' size, as float32 has it
SMALL = 0.1  # of the largest rise among the outputs: a smaller one is not divided by


@options
class IntegratedGradients(OfSlopes, OfPixels):
    """Integrated gradients: what each column or pixel adds to the output on the straight line from a baseline x' to x.

    a_j = (x_j - x'_j) times the mean of df/dx_j over the line, in output units and with its sign: Sundararajan, Taly & Yan,
    "Axiomatic attribution for deep networks" (2017). Complete: the values sum to f(x) - f(x'), less `meta["gap"]` (K,), by
    which the sum over points of the line misses the integral. f(x') is `meta["baseline_prediction"]` (K,), and is not the
    mean over the background that `base` is. For torch networks that autograd can follow.

    On a row of a table the line has `steps` Gauss-Legendre nodes (on a ReLU network, which has kinks, the gap falls as they
    grow, but does not vanish): so many rows of the model an input, and one for x'. `.values` (N, P, K) sum over the columns
    of each group; `meta["baseline"]` is x'.

    On a picture x' is the space's fill, the line runs in the network's input, and f is on the scale of `score=`. `.heat`
    (K, H, W) sums over the channels, `.values` over the pixels of each superpixel. Near a fill the gradient of a deep
    network jumps, and 50 nodes can miss a tenth of the rise; so the line is cut finer where it misses most, which the scores
    on the way tell exactly, until the gap of each output is at most `tol` of its rise (of a tenth of the largest rise, where
    its own is smaller). `meta["nodes"]` says how many nodes that took.

    baseline  x': "absence" is what the space has for it, the mean of the weighted background or the fill. On tables also
              "mean", the same, or a row of numbers (a Series or mapping goes by the columns' names)
    steps     nodes on the line, from 1 up; on pictures those to start with, and up to ten times as many
    tol       on pictures: the gap that is small enough, as a share of the rise of each output, above 0
    name      the key of the result, "integrated_gradients" if empty

    Raises ValueError for options out of their range and for a baseline that is no row of this table, TypeError for models
    and columns that have no gradient, both before the model is asked; TypeError for scores that autograd cannot follow to
    the input, ModelError for gradients that are not finite. Warns if ten times `steps` nodes do not reach `tol`.

    The output of this network is x0 times x1: on the line from 0 to x each of them brings half of it.

    >>> import numpy as np, torch, perturbxai as px
    >>> class Product(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x[:, :1] * x[:, 1:]
    >>> predictor, space = px.Predictor(Product()), px.TabularSpace(np.zeros((1, 2)))
    >>> one = px.baselines("integrated_gradients", predictor, space, [3.0, 4.0])["integrated_gradients"][0]
    >>> one.values[:, 0].round(6).tolist(), one.meta["baseline_prediction"], bool(np.abs(one.meta["gap"]).max() < 1e-6)
    ([6.0, 6.0], [0.0], True)
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
        super().check_table(predictor, space)
        self._start(space)

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        start = self._start(row.space)
        values = row.pool(_along(row, start[None], np.ones(1), self.steps))
        at_start = row.value(start)
        gap = row.prediction - at_start - values.sum(axis=0)
        return values, {"baseline": start.tolist(), "baseline_prediction": at_start.tolist(), "gap": gap.tolist()}

    def check_picture(self) -> None:
        if self.baseline != "absence":
            raise ValueError(
                f"integrated_gradients: baseline={self.baseline!r} is for tables; of a picture it is the space's fill: "
                "ImageSpace(fill=...), or space.with_fill(...)."
            )

    def of_picture(self, pixels: Pixels) -> PixelMap:
        panels, nodes = integrate(pixels, self.steps, self.tol)
        at_start, gap = panels.at_low[panels.low.argmin()], panels.gap.sum(axis=0)
        notes = {"baseline": "fill", "baseline_prediction": at_start.tolist(), "gap": gap.tolist(), "nodes": nodes}
        return PixelMap(panels.heat.sum(axis=0, dtype=np.float64), notes)

    def _start(self, space: TabularSpace) -> Floats:
        """(D,): x'."""
        if isinstance(self.baseline, str):
            return np.asarray(space.background_weights @ space.background)
        names, row = space.columns.names, cast(tuple[Any, ...], self.baseline)  # as it is kept
        if row and isinstance(row[0], tuple):
            by_name = dict(row)
            if set(by_name) != set(names):
                raise ValueError(f"baseline has the columns {sorted(by_name)}; expected one number for each of {names}.")
            row = tuple(by_name[name] for name in names)
        if len(row) != len(names):
            raise ValueError(f"baseline has {len(row)} numbers; expected {len(names)}, one for each of {names}.")
        return np.array(row)


@options
class ExpectedGradients(OfSlopes):
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

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        values = row.pool(_along(row, row.space.background, row.space.background_weights, self.steps))
        return values, {"gap": (row.rise - values.sum(axis=0)).tolist()}


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


@dataclass(eq=False)
class Panels:
    """Pieces of the line: from, to (n,); scores at both ends (n, K); the integral of each, (n, K, H, W) float32."""

    low: Floats
    high: Floats
    at_low: Floats
    at_high: Floats
    heat: Singles

    @property
    def gap(self) -> Floats:
        """(n, K): what the integral of each lacks to the rise of the scores over it, which is known exactly."""
        return np.asarray(self.at_high - self.at_low - self.heat.sum(axis=(2, 3), dtype=np.float64))

    def taken(self, which: Ints) -> Panels:
        return Panels(*(part[which] for part in vars(self).values()))

    def joined(self, other: Panels) -> Panels:
        return Panels(*map(np.concatenate, zip(vars(self).values(), vars(other).values(), strict=True)))


def integrate(pixels: Pixels, steps: int, tol: float) -> tuple[Panels, int]:
    """The line in panels whose integrals sum to the scores' rise but for `tol` of it, and how many nodes that took.

    It starts with about `steps` nodes in even panels. While the sum lacks more, the panels that lack most are halved, up to
    MOST * steps nodes: on a network with kinks the gradient jumps all the way, and most near the fill.
    """
    import torch

    ends = torch.cat([pixels.tensor(pixels.one.fill), pixels.tensor(pixels.one.picture)])
    edges = np.linspace(0.0, 1.0, max(1, round(steps / NODES)) + 1)
    scores = pixels.scores(len(edges), _on_line(ends, edges))
    panels = _panels(pixels, ends, edges[:-1], edges[1:], scores[:-1], scores[1:])
    size = np.abs(scores[-1] - scores[0])
    rounding = float(torch.finfo(ends.dtype).eps)
    least = ROUNDING if rounding < ROUNDING else rounding / tol  # no node can tell what a coarser type rounds away
    size = np.maximum(size, max(SMALL * size.max(), least * np.abs(scores).max(), np.finfo(np.float64).tiny))
    nodes = NODES * len(panels.low)
    while (np.abs(panels.gap.sum(axis=0)) > tol * size).any() and (room := (MOST * steps - nodes) // (2 * NODES)) > 0:
        lacking = (np.abs(panels.gap) / size).max(axis=1)
        order = np.argsort(-lacking, kind="stable")
        # those below their even part of what may lack can stay: together they lack no more than that
        n_split = min(room, -(-len(order) // SPLIT), int((lacking > tol / len(lacking)).sum()))
        halves = _halved(pixels, ends, panels.taken(order[:n_split]))
        panels = panels.taken(order[n_split:]).joined(halves)
        nodes += NODES * len(halves.low)
    lacking = float((np.abs(panels.gap.sum(axis=0)) / size).max())
    if lacking > tol:
        warnings.warn(
            f"integrated_gradients: after {nodes} nodes the values still lack {lacking:.1%} of the rise from the fill on. "
            f"Give more than steps={steps}, or take a fill nearer to the picture.",
            stacklevel=2,
        )
    return panels, nodes


def _on_line(ends: Tensor, places: Floats) -> Callable[[int, int], Tensor]:
    """Builds the network's inputs at some places of the line, 0 for the fill and 1 for the picture, a batch at a time."""

    def build(start: int, stop: int) -> Tensor:
        share = ends.new_tensor(places[start:stop])[:, None, None, None]
        return ends[:1] + share * (ends[1:] - ends[:1])

    return build


def _halved(pixels: Pixels, ends: Tensor, old: Panels) -> Panels:
    middle = 0.5 * (old.low + old.high)
    between = pixels.scores(len(middle), _on_line(ends, middle))
    low, high = np.concatenate([old.low, middle]), np.concatenate([middle, old.high])
    at_low, at_high = np.concatenate([old.at_low, between]), np.concatenate([between, old.at_high])
    return _panels(pixels, ends, low, high, at_low, at_high)


def _panels(pixels: Pixels, ends: Tensor, low: Floats, high: Floats, at_low: Floats, at_high: Floats) -> Panels:
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    places = (low[:, None] + (high - low)[:, None] * 0.5 * (nodes + 1.0)).ravel()
    weights = ((high - low)[:, None] * 0.5 * shares).ravel()
    way = as_floats(ends[1:] - ends[:1])  # (1, C, H, W)
    heat = np.zeros((len(low), at_low.shape[1], *way.shape[2:]), dtype=np.float32)
    for start, _, found in pixels.gradients(len(places), _on_line(ends, places)):
        for number, slope in enumerate(found, start):
            heat[number // NODES] += weights[number] * (slope * way).sum(axis=1)
    return Panels(low, high, at_low, at_high, heat)
