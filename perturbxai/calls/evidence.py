"""What a comparison is told is right: where the evidence of a picture lies, and values that are known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import catalogue, checks
from perturbxai.core.types import Bools, Floats
from perturbxai.inputs.pictures import even
from perturbxai.inputs.spaces import ImageInput, Input
from perturbxai.metrics.metric import Metric
from perturbxai.results.explanation import Attribution, Explanation

Mask: TypeAlias = ArrayLike
Masks: TypeAlias = Mask | Iterable[Mask | Mapping[str, Mask]] | Mapping[str, Mask | Iterable[Mask]]
"""(H, W), for all pictures or one a picture; or these by output."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Masks (H, W) by number of the picture and of the output; none where nobody gave any."""

    masks: Mapping[tuple[int, int], Bools]

    @property
    def share(self) -> float:
        """Of a picture, what masks cover, on average: what lies inside of a map that is the same everywhere."""
        return float(np.mean([mask.mean() for mask in self.masks.values()]))

    def check(self, metrics: Iterable[Metric]) -> None:
        """Try metrics of place on a made-up map. Raises what they raise of a region."""
        for metric in metrics:
            if "inside" in metric.takes and set(metric.takes) <= {"heat", "inside"}:
                for mask in self.masks.values():
                    metric({"heat": np.arange(1.0, mask.size + 1.0).reshape(mask.shape), "inside": mask})

    @classmethod
    def of(cls, masks: Masks | None, inputs: Sequence[Input], outputs: Sequence[str]) -> "Evidence":
        """Raises ValueError for shapes, counts and outputs that do not fit, for a region that is empty or the whole picture,
        and for masks on tables; TypeError for what is no mask of truth values."""
        if masks is None:
            return cls({})
        pictures = [one for one in inputs if isinstance(one, ImageInput)]
        if len(pictures) < len(inputs):
            raise ValueError("masks is for pictures; rows of a table have no place where evidence lies.")
        by_picture = _by_picture(masks, len(pictures))
        found: dict[tuple[int, int], Bools] = {}
        for number, (one, given) in enumerate(zip(pictures, by_picture, strict=True)):
            by_output = given if isinstance(given, Mapping) else dict.fromkeys(outputs, given)
            if unknown := [name for name in by_output if name not in outputs]:
                raise ValueError(f"masks names the outputs {unknown}; the results have {', '.join(outputs)}.")
            for k, output in enumerate(outputs):
                if output in by_output:
                    where = f"masks of picture {number}" + f" for {output!r}" * isinstance(given, Mapping)
                    found[number, k] = _mask(by_output[output], one, where)
        return cls(found)


def _by_picture(masks: Any, n_inputs: int) -> list[Any]:
    """What is given of each picture: a mask, or masks by output."""
    if isinstance(masks, Mapping):
        own = {str(name): _each(mask, n_inputs, f"masks[{name!r}]") for name, mask in masks.items()}
        return [{name: each[number] for name, each in own.items()} for number in range(n_inputs)]
    return _each(masks, n_inputs, "masks")


def _each(given: Any, n_inputs: int, what: str) -> list[Any]:
    """One for each picture."""
    several = isinstance(given, (list, tuple)) and any(isinstance(m, Mapping) or np.ndim(m) == 2 for m in given)
    if not several:
        array = even(given, what)
        if array.ndim == 2:
            return [array] * n_inputs
        if array.ndim != 3:
            raise ValueError(f"{what} has shape {array.shape}; expected (H, W), or one for each of {n_inputs} pictures.")
        given = list(array)
    if len(given) != n_inputs:
        raise ValueError(f"{what} holds {len(given)} for {n_inputs} pictures; give one a picture, or one (H, W) for all.")
    return list(given)


def _mask(given: Any, one: ImageInput, where: str) -> Bools:
    array, shape = even(given, where), one.labels.shape
    if array.shape != shape:
        raise ValueError(f"{where} has shape {array.shape}; expected {shape}, as the picture has.")
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise TypeError(f"{where} is {checks.as_given(given)}; expected truth values, True where the evidence lies.")
    inside = array.astype(bool)
    if not inside.any() or inside.all():
        raise ValueError(f"{where} is {'empty' if not inside.any() else 'the whole picture'}, where nothing can miss it.")
    return inside


def read_truth(truth: str | Attribution | None, results: Mapping[str, Attribution]) -> Attribution | None:
    """What `truth=` stands for: one of the results by its name, or another of the same inputs, players and outputs.

    Raises ValueError for an unknown name, for a control, for other inputs, players or outputs, and where nothing else is
    compared; TypeError for anything else.
    """
    if truth is None:
        return None
    right = _named_truth(truth, results)
    if (key := catalogue.key_of(right.method)) in catalogue.CONTROLS:
        raise ValueError(f"truth is the control {key}, which looks at no model; name exact values, as of glass_box.")
    if all(one is right for one in results.values()):
        raise ValueError("truth is all that is compared, and has no error of its own; compare other results with it.")
    return right


def _named_truth(truth: str | Attribution, results: Mapping[str, Attribution]) -> Attribution:
    if isinstance(truth, str):
        if truth not in results:
            raise ValueError(f"truth={truth!r} is none of the results: {', '.join(results)}; name one, or give its values.")
        return results[truth]
    if not isinstance(truth, Attribution):
        raise TypeError(f"truth is {type(truth).__name__}; expected the name of a result, or an Attribution.")
    first = next(iter(results.values()))
    if truth.outputs != first.outputs:
        raise ValueError(f"truth explains the outputs {truth.outputs}, the results {first.outputs}.")
    alike = len(truth) == len(first) and all(map(same_place, truth, first))
    if not alike:
        raise ValueError("truth has other inputs or players than the results; explain the same x.")
    return truth


def same_place(one: Explanation, other: Explanation) -> bool:
    """Whether two have the same players, and inputs of one name; a row of a DataFrame may have none, which is NaN."""
    a, b = one.label, other.label
    return one.names == other.names and bool(a == b or (a != a and b != b))


def known(truth: Attribution | None, number: int, k: int) -> Floats | None:
    """(P,): what is right of an input and output, if anybody said."""
    return None if truth is None else np.asarray(truth[number].values[:, k])
