"""An explanation whose numbers and names print badly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import perturbxai as px

HOSTILE = ("<script>alert(1)</script>", "$x_1$", "two\nlines", '"; DROP TABLE', "\\u0000\x00", "\ud800", "котик", "$")


def one(n_players=3, n_outputs=2, **changes):
    """An explanation with numbers that print badly."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_players, n_outputs)) * 10.0 ** rng.integers(-300, 300, size=(n_players, n_outputs))
    stderr = np.full((n_players, n_outputs), np.inf)
    names = tuple(HOSTILE[p % len(HOSTILE)] for p in range(n_players))
    made = px.Explanation(
        values, stderr, np.array([2.5] * n_outputs), np.inf, np.zeros(n_outputs), values.sum(axis=0), names,
        tuple(f"class {k}" for k in range(n_outputs)), 0, np.arange(n_players, dtype=float), px.Lime(),
    )  # fmt: skip
    return replace(made, **changes)
