"""A picture whose most or least valued players are painted over from their surroundings, and what the model says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perturbxai.calls.scoring import Version
from perturbxai.calls.steps import Step, name_of, straight
from perturbxai.core.types import Bools, Floats, Ints, Labels, Picture
from perturbxai.inputs.imputation import noisy_linear
from perturbxai.inputs.nearby import as_values_of
from perturbxai.inputs.spaces import ImageInput
from perturbxai.metrics import faithfulness
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution
from perturbxai.sampling.streams import Streams

SHARES = tuple(round(0.1 * n, 1) for n in range(1, 10))  # of the picture's area
ANSWERS = "answers"


@dataclass
class Road:
    """Asked once a map, whatever the fills: what is painted over shows no fill.

    columns  (K,): the predictor's outputs that are explained
    found    by version, number of the picture and of the output: the model's output as the most and as the least valued
             players are painted over, each from nothing to .9 of the area
    """

    predictor: Predictor
    columns: Ints
    seed: int
    found: dict[tuple[Version, int, int], dict[str, Floats]] = field(default_factory=dict)

    def ask(self, versions: Mapping[Version, Attribution], inputs: Sequence[ImageInput], step: Step | None) -> None:
        for number, one in enumerate(inputs):
            plain = self._answers(one.picture)[0]
            for (name, shift), result in versions.items():
                later = f" seed {shift} later" if shift else ""
                told = f"road {name}{later} {name_of([number], [one])}"
                values = result[number].values
                answers = (step or straight)(told, lambda v=values, o=one: {ANSWERS: self._curves(v, o)})[ANSWERS]  # type: ignore[misc]
                for k in range(values.shape[1]):
                    most, least = answers[:, :, k]
                    begin = plain[k : k + 1]
                    self.found[(name, shift), number, k] = {
                        "road_most": np.concatenate([begin, most]), "road_least": np.concatenate([begin, least]),
                    }  # fmt: skip

    def offered(self, version: Version, number: int, k: int) -> dict[str, Floats]:
        """What a metric may take of one map and output."""
        return self.found.get((version, number, k), {})

    def _curves(self, values: Floats, one: ImageInput) -> Floats:
        """(2, S, K): the model's outputs as the most, then as the least valued players are painted over."""
        rng = Streams(self.seed).of_input(one.digest, "road")
        found = np.empty((2, len(SHARES), values.shape[1]))
        for k in range(values.shape[1]):
            orders = faithfulness.rankings(values[:, k], rng)
            for which, direction in enumerate((1, -1)):
                pictures = [
                    as_values_of(one.picture, noisy_linear(one.picture, hidden, rng))
                    for order in orders
                    for hidden in hidden_by(order[::direction], one.labels)
                ]
                answers = self._answers(*pictures)[:, k]
                found[which, :, k] = answers.reshape(len(orders), len(SHARES)).mean(axis=0)
        return found

    def _answers(self, *pictures: Picture) -> Floats:
        """(n, K)"""
        return np.asarray(self.predictor(np.stack(pictures))[:, self.columns])


def hidden_by(order: Ints, labels: Labels) -> list[Bools]:
    """(H, W) each: the pixels of the first players of an order, as many as come nearest to each share of the area."""
    areas = np.bincount(labels.ravel(), minlength=len(order))[order].cumsum() / labels.size
    counts = [int(np.argmin(np.abs(np.concatenate([[0.0], areas]) - share))) for share in SHARES]
    return [np.isin(labels, order[:count]) for count in counts]
