"""Models that write down what they are asked, and small tables and pictures to ask them about.

The models only add, multiply and divide along a row, so that their numbers do not depend on the batch a row came in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import perturbxai as px

FIVE = ["lime", "kernel_shap", "pdp", "ice", "ale"]


class Recorder:
    """A model that keeps the rows and the batch sizes it has seen."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.batches: list[Any] = []

    def __call__(self, rows: Any) -> Any:
        self.batches.append(np.array(rows))
        return self.model(rows)

    @property
    def rows(self) -> Any:
        return np.concatenate(self.batches)

    @property
    def repeated(self) -> int:
        """How many rows came again."""
        names = [row.tobytes() for row in self.rows]
        return len(names) - len(set(names))


def of_table(X: Any) -> Any:
    """(n, 2) from six columns, with interactions."""
    a, b = X[:, 0] * X[:, 1] + X[:, 2], X[:, 3] * X[:, 4] - X[:, 5]
    return np.column_stack([a / (1.0 + b * b), b + abs(a) * X[:, 0]])


def of_pictures(pictures: Any) -> Any:
    """(n, 2) from the channels' totals in both halves, with interactions."""
    flat = np.asarray(pictures, dtype=np.float64)
    a = flat[..., 0].reshape(len(flat), -1).sum(axis=1) / 20.0
    b = flat[:, ::2, :, 1].reshape(len(flat), -1).sum(axis=1) / 20.0
    c = flat[:, :, ::3, -1].reshape(len(flat), -1).sum(axis=1) / 20.0
    return np.column_stack([a * b / (1.0 + c * c), b * b + a / (2.0 + c)])


def table(n_rows: int = 4, background: int = 5) -> tuple[Any, Any]:
    """(space, x): six columns, the last one 0 in all of X, so that every second row has one player less."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    X[:, 5] = 0.0
    x = rng.normal(size=(n_rows, 6))
    x[::2, 5] = 0.0
    return px.TabularSpace(X, background=background), x


def pictures(n_pictures: int = 3, size: int = 12, fill: Any = "mean") -> tuple[Any, Any]:
    """(space, x): nine superpixels of random pixels; the second picture has one that its own mean cannot change."""
    rng = np.random.default_rng(1)
    labels = np.arange(size)[:, None] * 3 // size * 3 + np.arange(size)[None] * 3 // size
    x = [rng.random((size, size, 3)).astype(np.float32) for _ in range(n_pictures)]
    if n_pictures > 1:
        x[1][labels == 4] = 0.5
    return px.ImageSpace(segments=labels, fill=fill), x


def bits(found: Any) -> list[bytes]:
    """All numbers of an explanation, to the last bit."""
    parts = [found.values, found.stderr, found.critical, found.base, found.prediction, found.stderr_background]
    return [np.asarray(part, dtype=np.float64).tobytes() for part in parts if part is not None]
