"""Differences in words: which features count for more, which add more, and at how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.types import Floats
from perturbxai.core.wording import count
from perturbxai.results.amounts import Unit, called, joined, told_apart
from perturbxai.results.describing import CONTROL

if TYPE_CHECKING:
    from perturbxai.results.difference import Difference

NAMED = 4  # features a kind of sentence


def of_difference(found: Difference, k: int, method: str = "") -> list[str]:
    """What differs for output k: sentences. What is named is beyond the noise of all features at once.

    method  what the method is called, where not by its own name
    """
    head = _head(found, k, method or found.name)
    if catalogue.key_of(next(iter(found.results.values())).method) in catalogue.CONTROLS:
        return [head, CONTROL]
    if found.n_inputs == (1, 1) and found.paired:
        return [head, *_of_one(found, k)]
    said = [head, *_alone(found), *_sizes(found, k), *_means(found, k), *_rest(found, k)]
    rows = _rows(found, k) if found.paired else []
    if any("±" in sentence for sentence in said):
        rows.append(
            f"Behind ± is half of a {100 * found.level:g} % interval that holds for all {_part(found)}s, and for mean sizes "
            "and mean values, at once."
        )
    return said + rows


def _part(found: Difference) -> str:
    return "superpixel" if found.on_photos else "feature"


def _head(found: Difference, k: int, method: str) -> str:
    a, b = (called(one) for one in found.called)
    n, m = found.n_inputs
    of = f" for {called(found.outputs[k])}" * (len(found.outputs) > 1)
    if found.paired:
        these = f"the same {count(n, found.what)}" if n > 1 else f"the same {found.what}"
        return f"{b} is set against {a} at {these}, by {called(method)}{of}."
    return f"{b} ({count(m, found.what)}) is set against {a} ({count(n, found.what)}), by {called(method)}{of}."


def _alone(found: Difference) -> list[str]:
    """Groups of one input."""
    single = [called(one) for one, n in zip(found.called, found.n_inputs, strict=True) if n == 1]
    if not single:
        return []
    has = "have a single input each" if len(single) > 1 else "has a single input"
    return [f"{joined(single)} {has}, which tells nothing of others: the intervals have no ends."]


def _sizes(found: Difference, k: int) -> list[str]:
    """Which features count for more and for less."""
    one, unit, (a, b) = found.of_sizes, Unit.of(found.meta), (called(name) for name in found.called)
    moved = np.flatnonzero(one.moved[:, k])
    order = moved[np.argsort(-np.abs(one.difference[moved, k]), kind="stable")]
    names, half = told_apart(found.names), one.half(simultaneous=True)[:, k]
    said = []
    for p in order[:NAMED]:
        by, way = float(one.difference[p, k]), "more" if one.difference[p, k] > 0 else "less"
        from_, to = (unit.change(float(size[p, k]), sign=False) for size in (found.size_a, found.size_b))
        said.append(
            f"{names[p]} counts for {way} in {b}: {unit.change(by, half[p])} on average, from a size of {from_} in {a} to "
            f"{to}."
        )
    return said + _others(one.difference[order[NAMED:], k], "count for", b)


def _others(differences: Floats, verb: str, b: str) -> list[str]:
    """Those that are beyond noise and not named."""
    more, less = int((differences > 0).sum()), int((differences < 0).sum())
    parts = [f"{n} {verb} {way}" for n, way in ((more, "more"), (less, "less")) if n]
    return [f"Of the others {joined(parts)} in {b}."] if parts else []


def _means(found: Difference, k: int) -> list[str]:
    """Which features add more and less to the prediction."""
    one, unit, (a, b) = found.of_means, Unit.of(found.meta), (called(name) for name in found.called)
    moved = np.flatnonzero(one.moved[:, k])
    order = moved[np.argsort(-np.abs(one.difference[moved, k]), kind="stable")]
    names, half = told_apart(found.names), one.half(simultaneous=True)[:, k]
    said = []
    for p in order[:NAMED]:
        from_, to = (unit.change(float(mean[p, k])) for mean in (found.mean_a, found.mean_b))
        by = unit.change(float(one.difference[p, k]), half[p])
        said.append(f"What {names[p]} adds on average goes from {from_} in {a} to {to} in {b}: {by}.")
    return said + _others(one.difference[order[NAMED:], k], "add", b)


def _rest(found: Difference, k: int) -> list[str]:
    """What cannot be told apart."""
    same = ~(found.of_means.moved[:, k] | found.of_sizes.moved[:, k])
    n, part = int(same.sum()), _part(found)
    if n == 0:
        return []
    if found.paired and not found.of_means.difference[:, k].any() and (found.a[:, :, k] == found.b[:, :, k]).all():
        return ["Both say the same of all of them."]
    if n == len(same):
        return [f"No {part} can be told apart: what differs may be noise."]
    if n == 1:
        return [f"{told_apart(found.names)[int(np.flatnonzero(same)[0])]} cannot be told apart."]
    return [f"The other {n:,} cannot be told apart."]


def _rows(found: Difference, k: int) -> list[str]:
    """At how many of the inputs a feature differs beyond its own noise."""
    assert found.of_inputs is not None  # of the same inputs
    moved = found.of_inputs.moved[:, :, k]
    n, there = len(moved), int(moved.any(axis=1).sum())
    if not there:
        return [f"At none of the {count(n, found.what)} does a {_part(found)} differ by more than its own noise."]
    most = int(np.argmax(moved.sum(axis=0)))
    times, name = int(moved[:, most].sum()), told_apart(found.names)[most]
    return [
        f"At {there:,} of {count(n, found.what)} some {_part(found)} differs by more than its own noise, most often {name} "
        f"({times:,})."
    ]


def _of_one(found: Difference, k: int) -> list[str]:
    """A single input by two models: what differs there."""
    assert found.of_inputs is not None  # of the same input
    one, unit = found.of_inputs, Unit.of(found.meta)
    apart, half, moved = one.difference[0, :, k], one.half(simultaneous=True)[0, :, k], one.moved[0, :, k]
    names = told_apart(found.names)
    order = np.flatnonzero(moved)[np.argsort(-np.abs(apart[moved]), kind="stable")]
    said = [
        f"What {names[p]} adds goes from {unit.change(float(found.a[0, p, k]))} to {unit.change(float(found.b[0, p, k]))}: "
        f"{unit.change(float(apart[p]), half[p])}."
        for p in order[:NAMED]
    ]
    said += _others(apart[order[NAMED:]], "add", called(found.called[1]))
    rest = len(apart) - len(order)
    if rest:
        said.append(f"{'The other' * bool(len(order)) or 'All'} {rest:,} cannot be told apart.")
    said.append(f"It is a single {found.what}: what it says need not hold for others.")
    if any("±" in sentence for sentence in said):
        said.append(
            f"Behind ± is half of a {100 * found.level:g} % interval that holds for all {_part(found)}s at once. It covers "
            "the errors of both values alone."
        )
    return said
