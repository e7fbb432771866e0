"""A map's score in a few words, under fills that it did not see and under its own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from perturbxai.calls import away
from perturbxai.core.types import Frame
from perturbxai.reporting.lettering import number


def gain_of(scores: Frame | None) -> Mapping[str, float]:
    """The metrics that make a map's gain, insertion less deletion, and their signs; none where it was not scored."""
    scored = set() if scores is None else set(scores.metric)
    if "srg" in scored:
        return {"srg": 1.0}
    return {"insertion": 1.0, "deletion": -1.0} if {"insertion", "deletion"} <= scored else {}


def score_in_words(scores: Frame | None, name: str, row: Hashable, output: str) -> str:
    """The gain of one map, away as `Comparison.summary` has it and at home; nothing where it was not scored."""
    signs = gain_of(scores)
    if scores is None or not signs:
        return ""
    here = scores[(scores.row == row) & (scores.output == output)]
    means, home = {}, here.home.astype(bool)
    for where, lines in (("away", here if here.scored_fill.nunique() > 1 else here[~home]), ("home", here[home])):
        mean = away.means(lines, ["method", "metric"]).get(name)
        if mean is not None and set(signs) <= set(mean.index):
            means[where] = sum(sign * float(mean[metric]) for metric, sign in signs.items())
    return ", ".join(f"{where} {number(gain, 3, sign=True)}" for where, gain in means.items())
