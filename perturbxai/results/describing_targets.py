"""What explained rows really are, beside what the model said of them, in words."""

import math
import re
from collections.abc import Sequence

import numpy as np

from perturbxai.core.wording import count, own_value
from perturbxai.results.amounts import EXACT, Unit, called, rounded
from perturbxai.results.explanation import Attribution, Explanation

MAYBE_KNOWN = ", which the model may have been trained on"


def of_target(e: Explanation, k: int, target: object) -> str:
    """What the row is, and how far the prediction of output k is from it: a sentence."""
    told = own_value(target, 4)
    if _is_unknown(target):
        return "What it really is is not in the data."
    unit = Unit(str(e.meta.get("scale", "")))
    if unit.is_probability:
        mine = next((j for j, output in enumerate(e.outputs) if _named(output) == _class_of(target)), None)
        given = "" if mine is None else f", to which the model gives {unit.level(float(e.prediction[mine]))}"
        return f"In the data it is {called(_class_of(target))!r}{given}."
    if not _is_number(target) or not _predicts_numbers(e):
        return f"In the data it is {called(told)!r}."
    told = rounded(float(target), 4)  # type: ignore[arg-type]
    error = float(e.prediction[k]) - float(target)  # type: ignore[arg-type]
    if abs(error) <= EXACT * abs(float(target)):  # type: ignore[arg-type]
        return f"In the data it is {told}, as predicted."
    return f"In the data it is {told}: the prediction is {rounded(abs(error))} too {'high' if error > 0 else 'low'}."


def of_targets(result: Attribution, targets: Sequence[object]) -> str:
    """How near the predictions are to what the rows are: part of a sentence, or "" where they cannot be compared."""
    known = [(e, target) for e, target in zip(result, targets, strict=True) if not _is_unknown(target)]
    if not known:
        return ""
    rows = f"these {len(known):,} rows" if len(known) > 1 else "this row"
    if len(known) < len(result):
        rows = f"the {count(len(known), 'row')} with a value"
    unit = Unit(str(result[0].meta.get("scale", "")))
    if unit.is_probability:
        right = _right(known)
        return "" if right is None else _in_words(right, len(known), rows)
    if not _predicts_numbers(result[0]) or not all(_is_number(target) for _, target in known):
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
    first = known[0][0]
    outputs, others = ([_named(one) for one in some] for some in (first.outputs, first.meta.get("outputs_left_out", ())))
    classes = {_class_of(target) for _, target in known}
    if len(outputs) == 1:
        # without a second output what is not of the class is the rest, whatever it is called
        both = set(outputs + others) if others else classes | set(outputs)
        if len(both) > 2 or not classes <= both or (not others and outputs[0] not in classes):
            return None
        return sum((_share(e)[0] > 0.5) == (_class_of(target) == outputs[0]) for e, target in known)
    if not classes <= set(outputs) or any(not math.isclose(sum(_share(e)), 1.0, abs_tol=1e-3) for e, _ in known):
        return None  # of some classes, the highest may be another
    return sum(outputs[int(np.argmax(e.prediction))] == _class_of(target) for e, target in known)


def _share(e: Explanation) -> list[float]:
    """The outputs as probabilities between 0 and 1."""
    unit = Unit(str(e.meta.get("scale", "")))
    return [float(one) * unit.factor / 100.0 for one in e.prediction]


def _predicts_numbers(e: Explanation) -> bool:
    """Whether the one output is what a column of numbers may be compared with.

    One that is called by a number is of a class, as a decision function is, or the column of one target of several.
    """
    name = str(e.outputs[0])
    of_class = name in ("True", "False") or _named(name) != name or name.lstrip("-").isdigit()
    return len(e.outputs) == 1 and str(e.meta.get("scale")) != "logit" and not of_class


def _is_unknown(target: object) -> bool:
    """Whether a target is missing; a class may be called so."""
    return not isinstance(target, str) and own_value(target) == "missing"


def _is_number(value: object) -> bool:
    return np.asarray(value).dtype.kind in "iuf" and math.isfinite(value)  # type: ignore[arg-type]


def _class_of(value: object) -> str:
    """A class as a model names it: 1.0, which a column with missing values has for 1, is "1"."""
    return _named(str(value))


def _named(output: object) -> str:
    """The name of a class of whole numbers without a fraction: a model of the classes 1.0 and 2.0 has that."""
    return re.sub(r"(?<=\d)\.0$", "", str(output))
