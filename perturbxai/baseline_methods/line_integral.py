"""Gradients along the line from a picture's fill to the picture, integrated with more nodes where the scores bend more."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from perturbxai.baseline_methods.pixels import Pixels, as_floats
from perturbxai.core.types import Floats, Ints, Singles
from perturbxai.models.torch_types import Tensor

NODES = 4  # Gauss-Legendre nodes a panel
MOST = 10  # times as many nodes as were asked for, at most
SPLIT = 4  # one in so many panels is halved at a time
ROUNDING = 1e-6  # of the scores' size, as float32 has it
SMALL = 0.1  # of the largest rise among the outputs: a smaller one is not divided by


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
        return Panels(self.low[which], self.high[which], self.at_low[which], self.at_high[which], self.heat[which])

    def joined(self, other: Panels) -> Panels:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("low", "high", "at_low", "at_high", "heat"))
        return Panels(*(np.concatenate(pair) for pair in pairs))


def integrate(pixels: Pixels, steps: int, tol: float) -> tuple[Panels, int]:
    """The line in panels whose integrals sum to the scores' rise but for `tol` of it, and how many nodes that took.

    It starts with about `steps` nodes in even panels. While the sum lacks more, the panels that lack most are halved, up to
    MOST * steps nodes: on a network with kinks the gradient jumps all the way, and most near the fill.
    """
    import torch

    ends = torch.cat([pixels.tensor(pixels.one.fill), pixels.tensor(pixels.one.picture)])
    edges = np.linspace(0.0, 1.0, max(1, round(steps / NODES)) + 1)
    scores = _scores(pixels, ends, edges)
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
        worst, rest = order[:n_split], order[n_split:]
        old = panels.taken(worst)
        middle = 0.5 * (old.low + old.high)
        between = _scores(pixels, ends, middle)
        low, high = np.concatenate([old.low, middle]), np.concatenate([middle, old.high])
        at_low, at_high = np.concatenate([old.at_low, between]), np.concatenate([between, old.at_high])
        panels = panels.taken(rest).joined(_panels(pixels, ends, low, high, at_low, at_high))
        nodes += NODES * len(low)
    lacking = float((np.abs(panels.gap.sum(axis=0)) / size).max())
    if lacking > tol:
        warnings.warn(
            f"integrated_gradients: after {nodes} nodes the values still lack {lacking:.1%} of the rise from the fill on. "
            f"Give more than steps={steps}, or take a fill nearer to the picture.",
            stacklevel=2,
        )
    return panels, nodes


def _at(ends: Tensor, places: Floats) -> Tensor:
    """The network's inputs at some places of the line, 0 for the fill and 1 for the picture."""
    share = ends.new_tensor(places)[:, None, None, None]
    return ends[:1] + share * (ends[1:] - ends[:1])


def _scores(pixels: Pixels, ends: Tensor, places: Floats) -> Floats:
    """(n, K)"""
    return np.concatenate([found for _, _, found in pixels.scores(len(places), lambda i, j: _at(ends, places[i:j]))])


def _panels(pixels: Pixels, ends: Tensor, low: Floats, high: Floats, at_low: Floats, at_high: Floats) -> Panels:
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    places = (low[:, None] + (high - low)[:, None] * 0.5 * (nodes + 1.0)).ravel()
    weights = ((high - low)[:, None] * 0.5 * shares).ravel()
    way = as_floats(ends[1:] - ends[:1])  # (1, C, H, W)
    heat = np.zeros((len(low), at_low.shape[1], *way.shape[2:]), dtype=np.float32)
    for start, _, found in pixels.gradients(len(places), lambda i, j: _at(ends, places[i:j])):
        for number, slope in enumerate(found, start):
            heat[number // NODES] += weights[number] * (slope * way).sum(axis=1)
    return Panels(low, high, at_low, at_high, heat)
