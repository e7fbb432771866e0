"""Which output of a model a partial dependence display shows: the positive class, a class by name, an output by number."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.labels import classes_of
from perturbxai.models.predictor import Predictor


def read_output(predictor: Predictor, target: Hashable, space: TabularSpace) -> tuple[list[int], int]:
    """The outputs that are asked for, and which of them is drawn. Asks the model for one row, of which outputs are counted.

    Of two classes one is asked for, the second unless `target` names the first; of several outputs all.
    Raises ValueError for a target that is missing or not there.
    """
    classes = _classes(predictor)
    n_outputs = predictor(space.columns.decode(space.codes[:1])).shape[1]
    if len(classes) == 2 and n_outputs <= 2:
        return [_of_two(target, classes, n_outputs)], 0
    if len(classes) == n_outputs and n_outputs > 2:
        return list(range(n_outputs)), _of_classes(target, classes)
    if n_outputs == 1:
        return [0], 0
    return list(range(n_outputs)), _of_several(target, list(predictor.outputs or ()), n_outputs)


def check_target(predictor: Predictor, target: Hashable) -> None:
    """Refuse, before the model is asked, a target that is none of its classes."""
    classes = _classes(predictor)
    if len(classes) > 2:
        _of_classes(target, classes)
    elif len(classes) == 2 and target is not None:
        _of_two(target, classes, 2)


def _classes(predictor: Predictor) -> list[Any]:
    """The classes of a classifier with one target, none of anything else."""
    if predictor.kind != "estimator":
        return []
    estimator = predictor.estimator()
    classes = classes_of(estimator.model, estimator.method)
    # several targets each have a list of classes
    return [] if classes is None or isinstance(classes, list) else list(np.asarray(classes).tolist())


def _place(target: Hashable, classes: list[Any]) -> int | None:
    """Which class is meant: by the class itself, by how it reads, or by its number where classes are no numbers."""
    one = target.item() if isinstance(target, np.generic) else target
    for number, known in enumerate(classes):
        if isinstance(one, str) == isinstance(known, str) and one == known:
            return number
    told = [str(known) for known in classes]
    if isinstance(one, str):
        return told.index(one) if told.count(one) == 1 else None
    named = all(isinstance(known, str) for known in classes)
    return int(one) if named and checks.is_whole(one) and 0 <= one < len(classes) else None


def _of_classes(target: Hashable, classes: list[Any]) -> int:
    place = _place(target, classes)
    if place is None:
        shown = f"{classes[:8]}" + (" ..." if len(classes) > 8 else "")
        raise ValueError(f"target={target!r} must be one of the classes {shown}, as there are more than two.")
    return place


def _of_two(target: Hashable, classes: list[Any], n_outputs: int) -> int:
    """The output of the second class, or of the one that is named."""
    place = 1 if target is None else _place(target, classes)
    if place is None:
        raise ValueError(f"target={target!r} must be one of the classes {classes}, or None for the second.")
    if place == 0 and n_outputs == 1:
        raise ValueError(
            f"target={target!r}, but the one output of this model speaks of the other class, {classes[1]!r}; leave target "
            "out."
        )
    return place if n_outputs == 2 else 0


def _of_several(target: Hashable, outputs: list[str], n_outputs: int) -> int:
    """An output by its number or name."""
    if checks.is_whole(target) and 0 <= target < n_outputs:
        return int(target)
    if isinstance(target, str) and outputs.count(target) == 1:
        return outputs.index(target)
    known = ", ".join(map(repr, outputs[:8])) + (" ..." if len(outputs) > 8 else "")
    raise ValueError(
        f"target={target!r} must be the number of one of the {n_outputs} outputs, from 0, or its name: {known}."
    )
