"""A map's score in a few words, under fills that it did not see and under its own."""

from __future__ import annotations

from collections.abc import Hashable

from perturbxai.core.types import Frame
from perturbxai.reporting.lettering import number


def score_in_words(scores: Frame | None, name: str, row: Hashable, output: str) -> str:
    """Insertion less deletion of one map, away and at home; nothing where it was not scored."""
    if scores is None:
        return ""
    mine = scores[(scores.method == name) & (scores.row == row) & (scores.output == output)]
    own = {"srg": 1.0} if (mine.metric == "srg").any() else {"insertion": 1.0, "deletion": -1.0}
    if not set(own) <= set(mine.metric):
        return ""
    parts = []
    for where, chosen in (("away", ~mine.home.astype(bool)), ("home", mine.home.astype(bool))):
        if chosen.any():  # means over fills and seeds
            gain = sum(sign * mine.value[chosen & (mine.metric == metric)].mean() for metric, sign in own.items())
            parts.append(f"{where} {number(gain, 3, sign=True)}")
    return ", ".join(parts)
