"""Maps that metrics compare a map with: of the same method under other seeds, near the input, and of networks re-drawn."""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from perturbxai.calls.again import Group, draws
from perturbxai.calls.steps import Step, called, name_of
from perturbxai.core.types import Floats
from perturbxai.inputs.nearby import near_pictures, near_rows, same_cut
from perturbxai.inputs.spaces import ImageInput, ImageSpace, Input, Space, TableInput, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution
from perturbxai.sampling.streams import Streams

NEAR, RANDOMISED, SMOOTHED = ("neighbours", "steps"), ("randomised",), ("smoothed", "smoothed_randomised")
Moved: TypeAlias = tuple[int, Any, Floats]
"""The number of an input, inputs near it as the verbs take them, and how far these lie."""
N_NEIGHBOURS, N_COPIES, N_STAGES = 10, 5, 4


@dataclass
class Remade:
    """Asks compared methods again. Nothing of it is asked unless a metric takes it.

    groups  the calls that results came from;  spaces: by the name of a fill;  x: the inputs as the verbs take them
    found   by name and number of the input, what metrics take, (n, P, K) each, `steps` (n,)
    """

    groups: Sequence[Group]
    predictor: Predictor
    spaces: Mapping[str, Space]
    inputs: Sequence[Input]
    x: Any
    outputs: Sequence[str]
    seed: int
    step: Step | None = None
    n_jobs: int | None = None
    found: dict[tuple[str, int], dict[str, Floats]] = field(default_factory=dict)
    reseeded: dict[str, list[Attribution]] = field(default_factory=dict)  # by name, under other seeds
    rows: int = 0  # that networks re-drawn were asked
    dropped: set[str] = field(default_factory=set)  # methods that could not explain one of these

    def under_seeds(self, results: Mapping[str, Attribution], n_seeds: int) -> None:
        """Put into `reseeded` the results of those that draw under the seeds that follow their own, so that there are
        n_seeds; each as it comes, so that a later failure loses none."""
        drawn = {name for name, result in results.items() if draws(result)}
        for group in self.groups:
            if own := [name for name in group.methods if name in drawn]:
                for shift in range(1, n_seeds):
                    again = self._ask(group.only(own), self.predictor, self.x, f"seed {shift} later", shift=shift)
                    for name in own:
                        self.reseeded.setdefault(name, []).append(again[name])

    def make(self, takes: Collection[str]) -> None:
        """What the metrics take, by its name in `metrics.metric.OF_A_MAP`."""
        if any(name in takes for name in NEAR):
            self._near()
        plain, smoothed = (any(name in takes for name in names) for names in (RANDOMISED, SMOOTHED))
        if plain or smoothed:
            self._randomised(plain, smoothed)

    def offered(self, name: str, number: int, k: int) -> dict[str, Floats]:
        """What a metric may take of one map and output."""
        own = self.found.get((name, number), {})
        lost = (*RANDOMISED, *SMOOTHED) if name in self.dropped else ()
        return {what: maps if what == "steps" else maps[..., k] for what, maps in own.items() if what not in lost}

    def _near(self) -> None:
        """Maps (n, P, K) of n inputs near each, and how far these lie."""
        for number, x, steps in self._moved("neighbours", N_NEIGHBOURS, noise=False):
            for name, values in self._values(self.predictor, number, x, "neighbours"):
                self.found.setdefault((name, number), {}).update(neighbours=values, steps=steps)

    def _randomised(self, plain: bool, smoothed: bool) -> None:
        """Maps (L, P, K) of networks whose layers were re-drawn from the last to the first, in so many stages: of the inputs
        themselves, and means over noisy copies of each."""
        copies = list(self._moved("noisy copies", N_COPIES, noise=True)) if smoothed else []
        for number, x, _ in copies:
            for name, values in self._values(self.predictor, number, x, "noisy copies"):
                self.found.setdefault((name, number), {})["smoothed"] = values.mean(axis=0)
        for stage, predictor in enumerate(self._stages(), 1):
            before = predictor.rows
            for group in [one.only([name]) for one in self.groups for name in one.alone]:
                if self.dropped.isdisjoint(group.methods):
                    self._explain_redrawn(group, predictor, copies, stage, plain)
            self.rows += predictor.rows - before

    def _explain_redrawn(self, group: Group, predictor: Predictor, copies: Sequence[Moved], stage: int, plain: bool) -> None:
        """A method that a network drawn anew gives no ground has no such maps: that is told, and the others go on."""
        what = f"re-drawn {stage} of {N_STAGES}"
        try:
            for name, result in (self._ask(group, predictor, self.x, what) if plain else {}).items():
                for number, one in enumerate(result):
                    self._append(name, number, "randomised", one.values)
            for number, x, _ in copies:
                for name, values in self._values(predictor, number, x, f"noisy copies, {what}", [group]):
                    self._append(name, number, "smoothed_randomised", values.mean(axis=0))
        except (ValueError, TypeError) as error:
            self.dropped.update(group.methods)
            warnings.warn(
                f"{', '.join(group.methods)}: no map of the network with {stage} of {N_STAGES} parts of its layers drawn "
                f"anew, and so no score of such maps. {str(error).partition(';')[0]:.200}",
                stacklevel=2,
            )

    def _append(self, name: str, number: int, what: str, values: Floats) -> None:
        own = self.found.setdefault((name, number), {})
        own[what] = np.concatenate([own.get(what, np.zeros((0, *values.shape))), values[None]])

    def _stages(self) -> Iterator[Predictor]:
        """Predictors of the network with its last quarter of layers re-drawn, its last half, ... and all of them."""
        layers = self.predictor.layers
        for stage in range(1, N_STAGES + 1):
            n = -(-len(layers) * stage // N_STAGES)
            rng = Streams(self.seed).of_call("weights")  # the same, from the last layer: what was drawn anew stays so
            yield self.predictor.randomised(layers[: -n - 1 : -1], rng)

    def _moved(self, purpose: str, n: int, noise: bool) -> Iterator[Moved]:
        """Number of each input, n inputs near it, and how far they lie."""
        space = next(iter(self.spaces.values()))
        for number, one in enumerate(self.inputs):
            rng = Streams(self.seed).of_input(one.digest, purpose)
            if isinstance(space, TabularSpace):
                assert isinstance(one, TableInput)
                yield number, *near_rows(one, space, n, rng, noise)
            else:
                assert isinstance(one, ImageInput)
                yield number, *near_pictures(one, n, rng, noise)

    def _values(
        self, predictor: Predictor, number: int, x: Any, what: str, groups: Sequence[Group] | None = None
    ) -> Iterator[tuple[str, Floats]]:
        """By name, maps (n, P, K) of inputs that are cut as one of ours is."""
        one = self.inputs[number]
        for group in self.groups if groups is None else groups:
            space = self.spaces[group.fill]
            if isinstance(space, ImageSpace) and isinstance(one, ImageInput):
                space = same_cut(one, space)
            found = self._ask(group, predictor, x, f"{what} {name_of([number], [one])}", space)
            yield from ((name, np.stack([e.values for e in result])) for name, result in found.items())

    def _ask(
        self, group: Group, predictor: Predictor, x: Any, what: str, space: Space | None = None, *, shift: int = 0
    ) -> dict[str, Attribution]:
        space = self.spaces[group.fill] if space is None else space
        step = None if self.step is None else called(f"{what}, {' '.join(group.methods)},", self.step)
        return group.ask(predictor, space, x, self.outputs, shift=shift, step=step, n_jobs=self.n_jobs)
