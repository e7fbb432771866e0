"""Results of made-up values, as of two models or two groups of rows, for what is said of their difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import perturbxai as px

META = {"seed": 0, "budget": 40, "scale": "raw", "space": "table", "name": "kernel_shap", "background": 100,
        "choose": "sample", "space_seed": 0}  # fmt: skip


def attribution(values, stderr=0.1, *, background=None, first=0, names=None, outputs=None, df=40.0, base=0.0, method=None,
                **meta):  # fmt: skip
    """Of values (N, P) or (N, P, K): rows whose numbers, and labels, begin at `first`."""
    values = np.asarray(values, dtype=float)
    values = values if values.ndim == 3 else values[:, :, None]
    n, n_players, n_outputs = values.shape
    error = np.broadcast_to(np.reshape(stderr, (*np.shape(stderr), *[1] * (3 - np.ndim(stderr)))), values.shape)
    drawn = None if background is None else np.reshape(background, values.shape)
    names = names or tuple(f"x{p}" for p in range(n_players))
    outputs = outputs or tuple(f"y{k}" for k in range(n_outputs))
    parts = [
        px.Explanation(
            values[i], np.array(error[i]), np.full(n_outputs, 2.8), df, np.full(n_outputs, base),
            base + values[i].sum(axis=0),
            tuple(names), tuple(outputs), first + i, np.full(n_players, float(first + i)), method or px.KernelShap(),
            meta={**META, **meta}, stderr_background=None if drawn is None else drawn[i],
        )
        for i in range(n)
    ]  # fmt: skip
    return px.Attribution(tuple(parts), {**META, **meta})


def with_inputs(result, inputs, labels=None):
    """The same of other inputs (N, ...)."""
    labels = [e.label for e in result] if labels is None else labels
    parts = (replace(e, input=np.asarray(x), label=label) for e, x, label in zip(result, inputs, labels, strict=True))
    return px.Attribution(tuple(parts), result.meta)
