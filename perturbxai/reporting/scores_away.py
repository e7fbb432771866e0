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
    mine = mine[mine.metric.isin(("insertion", "deletion"))]
    signed = mine.value.where(mine.metric == "insertion", -mine.value)
    parts = []
    for where, chosen in (("away", ~mine.home.astype(bool)), ("home", mine.home.astype(bool))):
        if chosen.any():
            parts.append(f"{where} {number(signed[chosen].sum() / mine.scored_fill[chosen].nunique(), 3, sign=True)}")
    return ", ".join(parts)
