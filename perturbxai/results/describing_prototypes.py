"""Prototypes and criticisms in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import called, joined, rounded, share

if TYPE_CHECKING:
    from perturbxai.results.prototypes import Prototypes

NAMED = 3  # criticisms a kind
ALIKE = 0.005  # shares that nobody would tell apart
WEAK, FAIR = 0.25, 0.5  # silhouettes below which there are no clusters, or weak ones: Kaufman & Rousseeuw (1990)


def of_prototypes(found: Prototypes) -> list[str]:
    """How many stand for how much, how well, and what they do not show: sentences."""
    n, drawn, distinct = len(found), found.meta["drawn"], len(found.number)
    looked = f" ({drawn:,} of them, drawn at random, were looked at)" if drawn < found.n_data else ""
    looked = looked or f" ({distinct:,} of them differ)" * (distinct < drawn)
    return [
        f"{count(n, found.what)} stand{'s' * (n == 1)} for {count(found.n_data, found.what)}{looked}.",
        *_chosen(found),
        *_shares(found),
        _as_drawn(found),
        *_criticisms(found),
    ]


def _chosen(found: Prototypes) -> list[str]:
    """Why so many, where nobody said how many."""
    if not found.choice:
        return []
    n = len(found)
    if found.method == "mmd":
        if found.as_drawn[-1] >= found.meta["worth"]:
            return [f"It takes {n} to be worth {found.meta['worth']:g} rows drawn at random."]
        return [f"With {n}, the most that are tried unasked, they are worth less than {found.meta['worth']:g} rows drawn."]
    score = found.choice[n]
    others = [k for k in found.choice if k != n]
    kind = "there are hardly any clusters" if score < WEAK else "the clusters are weak" if score < FAIR else ""
    tried = f"Of {min(found.choice)} to {max(found.choice)} clusters {n} lie apart best" if others else "Two were possible"
    tried += ", the most that are tried unasked" * (bool(others) and n == max(found.choice))
    return [f"{tried}: the silhouette is {rounded(score, 2)}{f', so that {kind}' * bool(kind)}."]


def _shares(found: Prototypes) -> list[str]:
    most, least = int(np.argmax(found.share)), int(np.argmin(found.share))
    if len(found) > 1 and np.ptp(found.share) < ALIKE:
        return [f"Each is nearest to {share(float(found.share[most]))} of them."]
    if len(found) == 1:
        return [f"It is {found.what} {called(found.labels[0])}."]
    of = [f"{called(found.labels[i])} is nearest to {share(float(found.share[i]))}" for i in (most, least)]
    return [f"{found.what.capitalize()} {of[0]} of them, {of[1]}."]


def _as_drawn(found: Prototypes) -> str:
    worth = found.as_drawn[-1]
    if not np.isfinite(worth):
        return f"Together they are as the {found.what}s themselves."
    reach = min(100.0 * float(found.bound[-1]), 99.99)
    return (
        f"Together they are as like the data as {count(max(1, round(float(worth))), found.what)} drawn at random, on "
        f"average, and reach at least {math.floor(reach * 100) / 100:g} % of the best that "
        f"{count(len(found), found.what)} could."
    )


def _criticisms(found: Prototypes) -> list[str]:
    if not len(found.criticism_numbers):
        return []
    said = []
    for sign, how in ((1.0, "thicker"), (-1.0, "thinner")):
        here = [own_value(found.criticism_labels[i]) for i in np.flatnonzero(sign * found.witness > 0)]
        if here:
            more = f" and {len(here) - NAMED} more" if len(here) > NAMED else ""
            said.append(f"{how} around {joined(here[:NAMED]) if not more else ', '.join(here[:NAMED]) + more}")
    if not said:
        return []
    return [f"What they do not show: the data lie {'; '.join(said)} than they say."]
