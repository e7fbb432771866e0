"""The verdict on photos that were explained under every fill on every cut: paired differences, by cut and by fill."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbxai.metrics.statistics.bootstrap import interval

EXPLAINERS = ("lime", "kernel_shap", "pdp", "ale", "ice", "rise", "partition_shap")


def crossed(lines: pd.DataFrame) -> pd.DataFrame:
    """Those of the lines whose photo was explained on every cut that any was; none where there is one cut."""
    cuts, n_cuts = lines.groupby("photo").cut.nunique(), lines.cut.nunique()
    return lines[lines.photo.isin(cuts.index[cuts == n_cuts]) & (n_cuts > 1)]


def differences(lines: pd.DataFrame, against: str) -> pd.DataFrame:
    """Of each explainer, each cut and each fill of explanation: its mean away score, that of the method it is set against
    under the same fills, their mean difference over photos with its 95 % interval, and at how many photos it is better."""
    found = []
    for by in ("cut", "cell_fill"):
        for which, own in lines.groupby(by, sort=False):
            scores = own.pivot_table(index=["photo", "cut", "cell_fill", "scored_fill"], columns="method", values="value")
            found += [
                {"by": by.removeprefix("cell_"), "which": which, "method": name, **_of(scores[[name, against]].dropna())}
                for name in EXPLAINERS
                if name in scores
            ]
    return pd.DataFrame(found)


def _of(pair: pd.DataFrame) -> dict[str, float]:
    """pair: two columns of scores, the second of the method that the first is set against."""
    apart = (pair.iloc[:, 0] - pair.iloc[:, 1]).groupby("photo").mean()
    ends = interval(apart.to_numpy(), np.ones(len(apart), dtype=int), 0.95, np.random.default_rng(0))
    means = {"photos": len(apart), "mean": pair.iloc[:, 0].mean(), "mean_against": pair.iloc[:, 1].mean()}
    return means | {"difference": apart.mean(), "low": ends[0], "high": ends[1], "better_at": (apart > 0).sum()}
