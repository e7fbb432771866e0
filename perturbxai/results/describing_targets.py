"""What explained rows really are, beside what the model said of them, in words."""

import math
from collections.abc import Sequence

import numpy as np

from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import EXACT, Unit, called, rounded
from perturbxai.results.explanation import Attribution, Explanation

MISSING = "missing"
MAYBE_KNOWN = ", which the model may have been trained on"


def of_target(e: Explanation, k: int, target: object) -> str:
    """What the row is, and how far the prediction of output k is from it: a sentence."""
    told = own_value(target, 4)
    if told == MISSING:
        return "What it really is is not in the data."
    unit = Unit(str(e.meta.get("scale", "")))
    if unit.is_probability:
        mine = next((j for j, output in enumerate(e.outputs) if str(output) == _class_of(target)), None)
        given = "" if mine is None else f", to which the model gives {unit.level(float(e.prediction[mine]))}"
        return f"In the data it is {called(_class_of(target))!r}{given}."
    if not _is_number(target) or unit.scale == "logit" or len(e.outputs) > 1:
        return f"In the data it is {called(told)!r}."
    told = rounded(float(target), 4)  # type: ignore[arg-type]
    error = float(e.prediction[k]) - float(target)  # type: ignore[arg-type]
    if abs(error) <= EXACT * abs(float(target)):  # type: ignore[arg-type]
        return f"In the data it is {told}, as predicted."
    return f"In the data it is {told}: the prediction is {rounded(abs(error))} too {'high' if error > 0 else 'low'}."


def of_targets(result: Attribution, targets: Sequence[object]) -> str:
    """How near the predictions are to what the rows are: part of a sentence, or "" where they cannot be compared."""
    known = [(e, target) for e, target in zip(result, targets, strict=True) if own_value(target) != MISSING]
    if not known:
        return ""
    rows = f"these {len(known):,} rows" if len(known) > 1 else "this row"
    if len(known) < len(result):
        rows = f"the {count(len(known), 'row')} with a value"
    unit = Unit(str(result[0].meta.get("scale", "")))
    if unit.is_probability:
        right = _right(known)
        return "" if right is None else _in_words(right, len(known), rows)
    if unit.scale == "logit" or len(result.outputs) > 1 or not all(_is_number(target) for _, target in known):
        return ""
    errors = [abs(float(e.prediction[0]) - float(target)) for e, target in known]  # type: ignore[arg-type]
    mean = "" if len(known) == 1 else " on average"
    return f"off by {rounded(float(np.mean(errors)))}{mean} in {rows}{MAYBE_KNOWN}"


def _in_words(right: int, n: int, rows: str) -> str:
    if n == 1:
        return f"{'right' if right else 'wrong'} in {rows}{MAYBE_KNOWN}"
    return f"right in {'all' if right == n else right} of {rows}{MAYBE_KNOWN}"


def _right(known: Sequence[tuple[Explanation, object]]) -> int | None:
    """How many rows the model gets right, None where its classes are not all known.

    Of one class of two, those that are rated to the side of a half on which they lie.
    """
    outputs = [str(one) for one in known[0][0].outputs]
    classes = {_class_of(target) for _, target in known}
    if len(outputs) == 1:
        if len(classes | set(outputs)) > 2:
            return None
        return sum((share(e)[0] > 0.5) == (_class_of(target) == outputs[0]) for e, target in known)
    if not classes <= set(outputs) or any(not math.isclose(sum(share(e)), 1.0, abs_tol=1e-3) for e, _ in known):
        return None  # of some classes, the highest may be another
    return sum(outputs[int(np.argmax(e.prediction))] == _class_of(target) for e, target in known)


def share(e: Explanation) -> list[float]:
    """The outputs as probabilities between 0 and 1."""
    unit = Unit(str(e.meta.get("scale", "")))
    return [float(one) * unit.factor / 100.0 for one in e.prediction]


def _is_number(value: object) -> bool:
    return np.asarray(value).dtype.kind in "iuf"


def _class_of(value: object) -> str:
    """A class as a model names it: 1.0, which a column with missing values has for 1, is "1"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
