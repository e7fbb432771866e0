"""What a model's outputs come to as decisions, and which of them are others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from perturbxai.core.types import Bools, Floats, Weights
from perturbxai.core.wording import own_value
from perturbxai.models.predictor import Predictor
from perturbxai.results.amounts import rounded

Decide: TypeAlias = Callable[[Floats], Any] | None
"""From outputs (n, K) to a decision for each."""
ROUNDING = 1e-12  # of the largest prediction: what lies no farther apart is the same
ONE = 1e-3  # how near the sum of probabilities lies to one where they are of one choice


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions on rows or pictures of the data (R,), and on those that are looked at (N,).

    rule         in words: what a decision is
    data, looked the decisions themselves, as text
    others (N, R)  whether each of the data is decided otherwise
    numbers      whether they are predictions of numbers, as they are
    """

    rule: str
    data: tuple[str, ...]
    looked: tuple[str, ...]
    others: Bools
    numbers: bool = False


def decisions(
    predictor: Predictor, decide: Decide, data: Floats, looked: Floats, share: Weights, *, classes: bool = False
) -> Decisions:
    """By the user's function; else the class of the highest output, or of one output the side that it lies on; of numbers,
    what lies a deviation apart.

    data (R, K), looked (N, K): the model's outputs;  share (R,): weights, by which the deviation of numbers is over the data
    classes  whether several outputs are those of classes, whatever their scale, as of pictures they are
    """
    if decide is not None:
        return _by_label("what decide= says", _decided(decide, data), _decided(decide, looked))
    names = predictor.outputs
    assert names is not None  # it was asked
    single = data.shape[1] == 1
    if not single and (classes or predictor.output == "logit" or _are_shares(data)):
        highest = ([names[k] for k in v.argmax(axis=1)] for v in (data, looked))
        return _by_label("the class with the highest output", *highest)
    if predictor.output in ("probability", "logit"):
        half = 0.5 if predictor.output == "probability" else 0.0
        told = ([_above(line, names) for line in v > half] for v in (data, looked))
        return _by_label(f"each output above {half:g}", *told)
    largest = np.abs(data).max(axis=0)
    scaled = data / np.where(largest > 0.0, largest, 1.0)  # squares of the largest numbers overflow
    deviation = largest * np.maximum(np.sqrt(share @ (scaled - share @ scaled) ** 2), ROUNDING)
    apart: Bools = np.abs(looked[:, None] - data[None]) > deviation
    one = f" ({rounded(float(deviation[0]))})" if len(deviation) == 1 else ""
    return Decisions(
        f"a prediction more than a deviation of the predictions{one} away",
        tuple(map(_numbers, data)), tuple(map(_numbers, looked)), np.asarray(apart.any(axis=2)), True,
    )  # fmt: skip


def _are_shares(values: Floats) -> bool:
    """Whether outputs are the probabilities of one choice, whatever their scale is called."""
    return bool((values >= 0.0).all() and np.allclose(values.sum(axis=1), 1.0, atol=ONE))


def _above(there: Bools, names: Sequence[str]) -> str:
    """The outputs that are above the half."""
    yes = [name for name, own in zip(names, there, strict=True) if own]
    return ", ".join(yes) or (f"not {names[0]}" if len(names) == 1 else "none")


def _numbers(values: Floats) -> str:
    return ", ".join(rounded(float(one)) for one in values)


def _by_label(rule: str, data: Any, looked: Any) -> Decisions:
    mine, theirs = list(looked), list(data)  # as they are: what is told of them may be shortened
    others = np.array([[not _same(one, other) for other in theirs] for one in mine], dtype=bool)
    return Decisions(rule, tuple(map(own_value, theirs)), tuple(map(own_value, mine)), others)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)  # NaN is as NaN


def _decided(decide: Callable[[Floats], Any], values: Floats) -> list[Any]:
    found = np.asarray(decide(values.copy()))
    if found.shape != (len(values),):
        raise ValueError(
            f"decide returned shape {found.shape} for outputs of shape {values.shape}; expected a decision for each, "
            f"({len(values)},)."
        )
    return list(found.tolist())
