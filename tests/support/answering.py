"""Rows, tables and a network without parameters for tests of what models give, and how a model is asked in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from torch import nn

import perturbxai as px

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
BINARY = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
THREE = np.digitize(X[:, 0], [-0.5, 0.5]) * 10
PICTURES = RNG.random((5, 12, 12, 3), dtype=np.float32)
FRAME = pd.DataFrame(
    {
        "town": pd.Series(RNG.choice(["Ulm", "Bonn", "Jena"], 60)),
        "size": pd.Categorical(RNG.choice(["S", "L"], 60), categories=["S", "M", "L"]),
        "rooms": RNG.integers(1, 6, 60),
        "rent": RNG.random(60),
    }
)


def log_odds(p):
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    return np.log(p / (1.0 - p))


def answers(model, rows=X, **options):
    """The values and the names of the outputs."""
    predictor = px.Predictor(model, **options)
    return predictor(rows), predictor.outputs


class Constant(nn.Module):
    """A network without parameters that returns the same whatever it is asked."""

    def __init__(self, given):
        super().__init__()
        self.given = given

    def forward(self, rows):
        return self.given(rows) if callable(self.given) else self.given
