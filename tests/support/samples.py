"""Small models and networks that tests of the Predictor share, and what a call must leave of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
PICTURES = RNG.random((9, 12, 12, 3), dtype=np.float32)


def curved(rows):
    """A model whose rows do not know of each other."""
    return np.sin(rows[:, 0]) + rows[:, 1] ** 2 - rows[:, 2]


def seeded(*layers, seed=0):
    """A network of these layers (made by functions), its weights from a stream of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(*(make() for make in layers))


def dense(**options):
    """A table's network with everything that training mode changes, left in a mixture of modes."""
    net = seeded(
        lambda: nn.Linear(3, 8, **options), lambda: nn.BatchNorm1d(8, **options), nn.ReLU, lambda: nn.Dropout(0.5),
        lambda: nn.Linear(8, 2, **options),
    )  # fmt: skip
    net.train()
    net[1].eval()
    net[4].bias.requires_grad_(False)
    return net


def convolutional():
    net = seeded(
        lambda: nn.Conv2d(3, 4, 3, padding=1), lambda: nn.BatchNorm2d(4), nn.ReLU, lambda: nn.AdaptiveAvgPool2d(2),
        nn.Flatten, lambda: nn.Dropout(0.5), lambda: nn.Linear(16, 2),
    )  # fmt: skip
    net.train()
    net[1].eval()
    net[0].weight.grad = torch.ones_like(net[0].weight)
    return net


def snapshot(net):
    """Everything of a module that a call could leave changed."""
    tensors = [*net.parameters(), *net.buffers()]
    return {
        "modes": [m.training for m in net.modules()],
        "flags": [p.requires_grad for p in net.parameters()],
        "hooks": [[len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)] for m in net.modules()],
        "identity": [(id(t), t.data_ptr()) for t in tensors],
        "layout": [(t.dtype, t.stride(), t.device) for t in tensors],
        "numbers": [t.detach().numpy().tobytes() for t in tensors],
        "grad": [None if p.grad is None else p.grad.numpy().tobytes() for p in net.parameters()],
    }


class Recorder:
    """A model that notes the size of each batch; `fits` rows at most, else `error`."""

    def __init__(self, fits=None, error=MemoryError):
        self.sizes, self.fits, self.error = [], fits, error

    def __call__(self, rows):
        self.sizes.append(len(rows))
        if self.fits is not None and len(rows) > self.fits:
            raise self.error()
        return curved(rows)
