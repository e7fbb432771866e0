"""What metrics take of a map beside coalitions: where it lies on the picture, what is right, and maps made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.calls.evidence import Evidence, known
from perturbxai.calls.remade import NEAR, RANDOMISED, SMOOTHED, Remade
from perturbxai.calls.road import Road
from perturbxai.calls.scoring import Version
from perturbxai.core.types import Floats
from perturbxai.inputs.spaces import ImageInput, Input
from perturbxai.metrics.localisation import on_pixels
from perturbxai.metrics.metric import Metric
from perturbxai.results.explanation import Attribution

RESEEDED = "reseeded"
OF_ONE_SEED = (*NEAR, *RANDOMISED, *SMOOTHED, RESEEDED)


@dataclass
class Offered:
    """Looked up by map: the result's name, the number of the input and of the output.

    takes     what the metrics take
    own_truth names of the results that are the truth themselves, which has no error of its own
    remade, road  None where no metric takes what they ask;  reseeded: by name, results under other seeds, of those that
              draw; None where one seed is all
    """

    takes: frozenset[str]
    evidence: Evidence
    truth: Attribution | None = None
    own_truth: frozenset[str] = frozenset()
    remade: Remade | None = None
    road: Road | None = None
    reseeded: Mapping[str, Sequence[Attribution]] | None = None

    def to(self, version: Version, number: int, one: Input, k: int, values: Floats) -> dict[str, Any]:
        """By the names that metrics take; what is not there of this map is left out."""
        name = version[0]
        found: dict[str, Any] = {"labels": None}
        if isinstance(one, ImageInput):
            found["labels"] = one.labels
            if "heat" in self.takes:
                found["heat"] = on_pixels(values, one.labels)
        if (number, k) in self.evidence.masks:
            found["inside"] = self.evidence.masks[number, k]
        if name not in self.own_truth and (right := known(self.truth, number, k)) is not None:
            found["truth"] = right
        if self.reseeded is not None:  # what draws nothing is the same under another seed
            others = [result[number].values[:, k] for result in self.reseeded.get(name, ())] or [values]
            found[RESEEDED] = np.stack([values, *others])
        if self.remade is not None:
            found |= self.remade.offered(name, number, k)
        if self.road is not None:
            found |= self.road.offered(version, number, k)
        return found

    @staticmethod
    def of_one_seed(metric: Metric) -> bool:
        """Whether it is of maps that are made again once, and not for each seed."""
        return any(what in metric.takes for what in OF_ONE_SEED)
