"""How far a method's scores hang on the seed that its questions were drawn with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.calls import away
from perturbxai.calls.board import unit_numbers
from perturbxai.core.types import Frame
from perturbxai.metrics.statistics.components import Components, components

if TYPE_CHECKING:
    from perturbxai.calls.comparison import Comparison

COLUMNS = (
    "method", "output", "metric", "inputs", "seeds", "mean", "sd_inputs", "sd_seeds", "icc", "icc_low", "icc_high", "rows",
)  # fmt: skip


def seed_spread(found: Comparison) -> Frame:
    """See `Comparison.seed_spread`."""
    import pandas as pd

    if "seed" not in found.scores:
        raise ValueError(
            "scores have no column 'seed', so nothing is known of other seeds; compare(..., seeds=5) draws them."
        )
    scores = found.scores.assign(unit=unit_numbers(found.scores))
    scores = scores.assign(weight=away.weights(scores))
    scores = scores[(scores.weight > 0) & scores.value.notna()]
    costs = dict(zip(found.costs["method"], found.costs["rows"], strict=True)) if len(found.costs) else {}
    return pd.DataFrame(
        [_line(head, lines, costs) for head, lines in scores.groupby(list(COLUMNS[:3]), sort=False)],
        columns=list(COLUMNS),
    )


def _line(head: tuple[Any, ...], lines: Frame, costs: dict[str, Any]) -> tuple[Any, ...]:
    """The mean over fills is taken within an input and seed, each as many times as in a summary."""
    summed = lines.assign(value=lines.value * lines.weight).groupby(["unit", "seed"], dropna=False, sort=False)
    means = summed.value.sum() / summed.weight.sum()
    groups = [one.to_numpy(dtype=np.float64) for _, one in means.groupby(level="unit", sort=False)]
    if lines.seed.isna().all():
        told, seeds = _without_seeds(np.concatenate(groups)), 0
    else:
        told, seeds = components(groups), int(lines.seed.nunique())
    numbers = (told.mean, told.sd_inputs, told.sd_seeds, told.icc, told.low, told.high)
    return *head, len(groups), seeds, *numbers, costs.get(head[0], np.nan)


def _without_seeds(values: Any) -> Components:
    """Of a method that draws nothing: all that varies does so between inputs."""
    spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return Components(float(values.mean()), spread, 0.0, 1.0, 1.0, 1.0)
