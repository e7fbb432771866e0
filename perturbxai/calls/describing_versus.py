"""Paired differences in words: what could have been seen, then what was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from perturbxai.core.types import Foreign
from perturbxai.core.wording import count
from perturbxai.results.amounts import called, joined, rounded

if TYPE_CHECKING:
    from perturbxai.calls.versus import Versus

Called: TypeAlias = Callable[[str], str]
ALPHA = 0.05


def of_versus(found: Versus, titles: Mapping[str, str] | None = None) -> list[str]:
    """Sentences; titles: what the methods are called, where not by their own names."""

    def title(name: str) -> str:
        return called((titles or {}).get(name, name))

    lines = [_sentence(found, one, title) for one in found.table.itertuples()]
    return [_seen(found, title), *lines, *_ranks(found, title)]


def p_value(p: float) -> str:
    """A probability as papers write it.

    >>> p_value(0.0312), p_value(0.0002)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {rounded(p, 2)}"


def _seen(found: Versus, title: Called) -> str:
    """The detectable difference of those that were tested, or else of all."""
    of = found.table[found.table.primary] if found.primary else found.table
    known = of.detectable[np.isfinite(of.detectable)]
    hopeless = [_hopeless(found, int(n)) for n in of.inputs]
    if found.primary and all(hopeless):
        known = known[:0]
    units = f"{count(found.n_inputs, found.what)}, {found.metric}, against {title(found.against)}"
    if not len(known):
        few = ": so few can show no difference to a test" if found.primary and all(hopeless) else ""
        return f"{units}{few}." if few else f"{units}: which difference would have been seen cannot be told."
    least, most = rounded(float(known.min()), 2), rounded(float(known.max()), 2)
    span = f"{most} or more" if least == most else f"{most} or more ({least} for the steadiest method)"
    return f"{units}: a mean difference of {span} would be seen in 4 of 5 such comparisons by a single t test."


def _sentence(found: Versus, one: Foreign, title: Called) -> str:
    name, other, these = title(one.method), title(found.against), count(one.inputs, found.what)
    if one.inputs < 2:
        why = "fewer than two inputs have scores of both under a common fill"
        return f"{name} cannot be set against {other}: {why}."
    left = f" {count(one.left_out, 'input')} without a score left out." if one.left_out else ""
    shown = one.primary and one.p_holm <= ALPHA  # by their signs, though they have no spread
    if np.isnan(one.detectable) and not shown:
        same = "the same scores" if one.difference == 0 else f"scores that differ by the same {rounded(one.difference, 2)}"
        return f"{name} and {other} have {same} at {these}, which tells no error.{left}"
    if one.primary:
        return f"{_tested(found, one, name, other, these)}{_claims(found, one)}{left}"
    return f"{_explored(found, one, name, other, these)}{left}"


def _interval(found: Versus, one: Foreign) -> str:
    per_cent = rounded(100 * found.level, 4)
    if np.isnan(one.detectable):
        return "the same at each, so without an interval"
    if not np.isfinite(one.low):
        return f"too few for a {per_cent} % interval"
    return f"{per_cent} % interval {rounded(one.low, 2)} to {rounded(one.high, 2)}"


def _tested(found: Versus, one: Foreign, name: str, other: str, these: str) -> str:
    if one.p_holm <= ALPHA:
        # the test is of ranks, which may lean to the other side than the mean does
        way = "better" if one.rank_biserial > 0 else "worse"
        mean = f"mean difference {rounded(one.difference, 2)}, {_interval(found, one)}"
        return f"{name} scores {way} than {other} at {these}: {mean}, {p_value(one.p_holm)} after Holm's adjustment."
    seen = "" if not np.isfinite(one.detectable) else (
        f": only a difference of {rounded(one.detectable, 2)} or more would have been seen"
    )  # fmt: skip
    if _hopeless(found, one.inputs):
        seen = f": so few cannot be significant in a family of {len(found.primary)}, whatever they show"
    told = f"{rounded(one.difference, 2)}, {_interval(found, one)}"
    return f"{name} and {other} cannot be told apart by these {these}{seen} ({told})."


def _hopeless(found: Versus, n_inputs: int) -> bool:
    """Whether the least p that so many inputs can have is above the size of the tests, all of the family at once."""
    return bool(2.0 ** (1 - n_inputs) * len(found.primary) > ALPHA)


def _claims(found: Versus, one: Foreign) -> str:
    """What a margin adds."""
    if found.margin is None or not np.isfinite(one.p_equivalent):
        return ""
    margin = rounded(found.margin, 2)
    if one.p_equivalent <= ALPHA:
        return f" Up to {margin} they are equivalent ({p_value(one.p_equivalent)})."
    if one.p_holm <= ALPHA and one.rank_biserial > 0:
        return ""  # better than no worse
    if one.p_no_worse <= ALPHA:
        return f" It is no worse, up to {margin} ({p_value(one.p_no_worse)})."
    return f" That it is no worse, up to {margin}, is not shown ({p_value(one.p_no_worse)})."


def _explored(found: Versus, one: Foreign, name: str, other: str, these: str) -> str:
    mean, span = rounded(one.difference, 2), _interval(found, one)
    if one.low > 0 or one.high < 0:
        way = "better" if one.difference > 0 else "worse"
        by = rounded(abs(one.difference), 2)
        return f"Not tested: {name} scores {way} than {other} at {these}, by {by} (difference {mean}, {span})."
    return f"Not tested: the difference of {name} and {other} at {these} is {mean} ({span}), which may be none."


def _ranks(found: Versus, title: Called) -> list[str]:
    ranks = found.friedman
    if not np.isfinite(ranks.p):
        return []
    order = np.argsort(ranks.mean_ranks, kind="stable")
    best = joined([f"{title(found.methods[n])} {rounded(float(ranks.mean_ranks[n]), 2)}" for n in order[:3]])
    chance = "more than chance" if ranks.p <= ALPHA else "no more than chance may"
    return [
        f"Ranks of all {len(found.methods)} methods differ by {chance} (Friedman, {p_value(ranks.p)}); the best mean ranks: "
        f"{best}."
    ]
