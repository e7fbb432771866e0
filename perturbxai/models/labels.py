"""What an estimator says besides probabilities: the method that gives its scores or, of labels, one indicator each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.types import Floats

SCORES = ("decision_function", "score_samples")
INNER = ("best_estimator_", "final_estimator_", "estimator_")  # where scikit-learn keeps the fitted one that answers


def estimator_type(model: object) -> str:
    """scikit-learn's word for what a model is ("outlier_detector", "clusterer" ...), "" where it has none."""
    tags = getattr(model, "__sklearn_tags__", None)
    try:
        found = tags().estimator_type if tags is not None else None
    except (AttributeError, TypeError, ValueError):  # of a class that tells half of what scikit-learn asks
        found = None
    return str(found or getattr(model, "_estimator_type", None) or "")


def raw_methods(model: object) -> tuple[str, ...]:
    """The methods that give the raw scale, the best first: a score is a quantity, a label is none.

    What is fitted to no target and has a score is an outlier detector (whose `predict` says 1 or -1) or a density (whose
    `predict` numbers its components); a regressor has neither.
    """
    if hasattr(model, "classes_"):
        return ("decision_function", "predict")
    return (*SCORES, "predict") if estimator_type(model) != "regressor" else ("predict",)


class Labels:
    """The labels that `predict` gives, as one indicator each: 1 where it gives that label, 0 elsewhere.

    known  the labels; of several targets, those of each

    >>> labels = Labels([np.array(["no", "yes"])])
    >>> labels.names, labels.indicators(np.array(["yes", "no"]), "predict").tolist()
    (('is no', 'is yes'), [[0.0, 1.0], [1.0, 0.0]])
    """

    def __init__(self, known: Sequence[Any]) -> None:
        self.known = [np.asarray(one) for one in known]

    @property
    def names(self) -> tuple[str, ...]:
        several = len(self.known) > 1
        return tuple((f"{t}:" if several else "") + f"is {c}" for t, one in enumerate(self.known) for c in one)

    def indicators(self, given: ArrayLike, source: str) -> Floats:
        """(n, K) of what `predict` gave: (n,), (n, targets), or (n, K) indicators of labels that do not exclude each other.

        Raises ValueError for a label that is not among the known.
        """
        found = np.asarray(given)
        found = found[:, None] if found.ndim == 1 else found
        if len(self.known) == 1 and found.shape[1:] == (len(self.known[0]),) and found.shape[1] > 1:
            return found.astype(np.float64)
        if found.ndim != 2 or found.shape[1] != len(self.known):
            raise ValueError(
                f"{source} gave shape {found.shape}; expected a label a row for each of {len(self.known)} targets."
            )
        parts = [column[:, None] == one[None] for column, one in zip(found.T, self.known, strict=True)]
        for column, part in zip(found.T, parts, strict=True):
            if not part.any(axis=1).all():
                odd = column[~part.any(axis=1)][0]
                raise ValueError(
                    f"{source} gave {odd!r}, which is not among the labels that the model was fitted with; wrap the model "
                    "in a function that returns numbers."
                )
        return np.concatenate(parts, axis=1).astype(np.float64)


def labels_of(model: object) -> Labels | None:
    """The labels that a classifier's or a clustering's `predict` gives; None where it gives numbers.

    Raises ValueError for a clustering that does not tell its labels: their numbers are no quantities.
    """
    classes = getattr(model, "classes_", None)
    if classes is not None:
        return Labels(classes if isinstance(classes, list) else [classes])
    if estimator_type(model) not in ("clusterer", "density_estimator"):
        return None
    fitted = _innermost(model)
    numbers = getattr(fitted, "labels_", None)
    if numbers is None and hasattr(fitted, "n_components"):  # a mixture numbers its components
        numbers = np.arange(fitted.n_components)
    if numbers is None:
        raise ValueError(
            f"{type(fitted).__name__}.predict gives numbers of clusters, which are no quantities, and it has no labels_ "
            "that tell them; fit it first, or wrap it in a function that returns one indicator (n, K) a cluster."
        )
    return Labels([np.unique(numbers)])


def classes_of(model: object, method: str) -> Any:
    """The classes that the columns of a method speak of, several targets' in a list; None where they speak of no class.

    A decision between each pair of three classes has three columns too.
    """
    classes = getattr(model, "classes_", None)
    pairs = method == "decision_function" and getattr(_innermost(model), "decision_function_shape", "") == "ovo"
    return None if pairs and classes is not None and len(classes) > 2 else classes


def _innermost(model: object) -> Any:
    """The fitted estimator that answers: at the end of a pipeline, inside a search or a selection, on top of a stack."""
    while True:
        if hasattr(model, "steps"):
            inner = model.steps[-1][1]
        else:
            # an ensemble's estimator_ is what it was made of, and does not answer
            kept = INNER[:2] if hasattr(model, "estimators_") else INNER
            inner = next((getattr(model, name) for name in kept if hasattr(model, name)), model)
        if inner is model:
            return model
        model = inner
