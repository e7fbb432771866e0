"""One comparison as it is answered: fill by fill and input by input, every map's scores and curves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from perturbxai.calls.again import draws
from perturbxai.calls.comparison import Comparison, explained_fill, fill_name
from perturbxai.calls.offered import Offered
from perturbxai.calls.scoring import Needs, Scored, TestSet, Version
from perturbxai.calls.steps import Step, a_step, name_of, straight
from perturbxai.core import catalogue
from perturbxai.core.methods import unnamed
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Floats
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input
from perturbxai.metrics import agreement
from perturbxai.metrics.metric import Metric
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.sampling.asked import Reader
from perturbxai.sampling.untouched import Untouched

Lines = list[dict[str, Any]]  # of a table
ANSWERS = "answers"  # what a step keeps

SCORE_COLUMNS = ["method", "row", "output", "metric", "explained_fill", "scored_fill", "home", "value", "test_set", "seed"]
AGREEMENT_COLUMNS = ["method_a", "method_b", "row", "output", "metric", "value"]
PAIR_COLUMNS = ["method", "row", "output", "fill_a", "fill_b", "result_a", "result_b"]
SPREAD_COLUMNS = [*PAIR_COLUMNS, *agreement.COLUMNS]
CURVE_COLUMNS = ["method", "row", "output", "scored_fill", "curve", "share", "value"]


@dataclass
class Job:
    """What is compared, and what was measured of it.

    inputs    under the first fill;  agreement: what metrics of two maps say, which asks nothing
    offered   what metrics take that no coalition tells;  reseeded: by name, results under other seeds, each scored too
    measured  scores and curves by fill and number of the input
    """

    results: Mapping[str, Attribution]
    inputs: Sequence[Input]
    metrics: list[Metric]
    offered: Offered
    seed: int
    reseeded: Mapping[str, Sequence[Attribution]] = field(default_factory=dict)
    measured: dict[tuple[str, int], tuple[Lines, Lines]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {name: number for number, name in enumerate(catalogue.METRICS)}  # tables have a user's own behind ours
        self.metrics = sorted(self.metrics, key=lambda metric: known.get(metric.name, len(known)))
        self.outputs = next(iter(self.results.values())).outputs
        self.reader, self.untouched = Reader(), Untouched(self.seed)
        self.seeds: dict[Version, int | None] = {}  # looked for once: it takes every input of a result
        self.agreement = self._agreement()

    @property
    def versions(self) -> dict[Version, Attribution]:
        """All results that are scored, those of other seeds behind each."""
        return {
            (name, shift): version
            for name, result in self.results.items()
            for shift, version in enumerate((result, *self.reseeded.get(name, ())))
        }

    def score(self, games: Sequence[Game], step: Step | None) -> None:
        """All maps under every fill, input by input or all at once: every coalition that any metric needs, asked together.

        Inputs that are the same go together. Where all are asked at once, what the model says of a picture itself is asked
        under one fill.
        """
        if all(metric.of_two for metric in self.metrics):  # maps are only compared with maps: nothing to ask
            return
        self.seeds = {version: seed_of(result) for version, result in self.versions.items()}
        first_alike = games[0].first_alike
        distinct = sorted(set(first_alike))
        at_once = len(distinct) if step is None else a_step(games[0].space)
        for at in range(0, len(distinct), at_once):
            group, before = set(distinct[at : at + at_once]), None
            some = [number for number, first in enumerate(first_alike) if first in group]
            for game in games:
                inputs = [game.inputs[number] for number in some]
                own = game.part(inputs, game.predictor, before if step is None else None)
                needs = [self._needs(one, number) for one, number in zip(inputs, some, strict=True)]
                self._score(Scored(own, needs, game), some, step or straight)
                before = own

    def _score(self, scored: Scored, numbers: Sequence[int], step: Step) -> None:
        """Some inputs, by number, under one fill."""
        fill, inputs, needs = fill_name(scored.game.space), scored.game.inputs, scored.needs
        if numbers[0] == 0 and any(metric.name not in catalogue.METRICS for metric in self.metrics):
            made_up = np.random.default_rng(self.seed).normal(size=(len(needs[0].z), len(self.outputs)))
            self._measured(fill, inputs[0], 0, needs[0], made_up)  # tried before the model is asked

        def measure(place: int, answers: Floats) -> None:
            one, number = inputs[place], numbers[place]
            self.measured[fill, number] = self._measured(fill, one, number, needs[place], answers)

        def known() -> None:
            """Scores of the inputs whose answers came before a failure."""
            for place, answers in scored.known():
                if (fill, numbers[place]) not in self.measured:
                    measure(place, answers)

        with keeping(known):
            answers = np.zeros((0, len(self.outputs)))
            if asks(self.metrics):
                name = f"{fill} {name_of(numbers, inputs)} {scored.name}"
                answers = step(name, lambda: {ANSWERS: scored.ask()})[ANSWERS]
            for place, own in enumerate(scored.shared_out(answers)):
                measure(place, own)

    def _measured(self, fill: str, one: Input, number: int, need: Needs, answers: Floats) -> tuple[Lines, Lines]:
        """The scores and curves of all maps of one input."""
        scores: Lines = []
        curves: Lines = []
        for (name, shift), result in self.versions.items():
            own, seed = explained_fill(result), self.seeds[name, shift]
            label = self.results[name][number].label  # by which lines of one input are known, whatever the seed
            head = {"method": name, "row": label}
            tail = {"explained_fill": own, "scored_fill": fill, "home": own == fill, "seed": seed}
            for k, output in enumerate(self.outputs):
                offered, steps = need.measure((name, shift), k, result[number].values[:, k], answers[:, k])
                offered |= {"stderr": result[number].stderr[:, k], "row": label, "output": output}
                offered["prediction"] = float(result[number].prediction[k])
                offered |= self.offered.to((name, shift), number, one, k, result[number].values[:, k])
                scores += [
                    {**head, "output": output, "metric": metric.name, **tail, "value": metric(offered),
                     "test_set": need.test.name if metric.on_coalitions else "none"}
                    for metric in self.metrics
                    if not metric.of_two
                    and (len(need.test.z) or not metric.on_coalitions)
                    and all(what in offered for what in metric.takes)
                    and not (shift and self.offered.of_one_seed(metric))
                ]  # fmt: skip
                if not shift:
                    curves += [{**head, "output": output, "scored_fill": fill, **step} for step in steps]
        return scores, curves

    def _needs(self, one: Input, number: int) -> Needs:
        versions = self.versions
        test = TestSet(np.zeros((0, len(one.names)), dtype=bool), None, "none")
        if any(metric.on_coalitions for metric in self.metrics):
            metas = {f"{name} {shift}".removesuffix(" 0"): own[number].meta for (name, shift), own in versions.items()}
            test = TestSet.of(one, self.untouched, self.reader.read(metas, len(one.names), one.digest))
        maps = {version: result[number].values for version, result in versions.items()}
        return Needs.of(maps, self.metrics, test, [self.seed, *one.digest])

    def comparison(self, call: dict[str, Any]) -> Comparison:
        import pandas as pd

        costs = [
            {"method": name, "rows": result.meta.get("rows", 0), "seconds": result.meta.get("seconds", 0.0),
             "rows_shared_with": ", ".join(result.meta.get("rows_shared_with", ()))}
            for name, result in self.results.items()
        ]  # fmt: skip
        fills = list(dict.fromkeys(fill for fill, _ in self.measured))
        in_order = [self.measured[one] for one in sorted(self.measured, key=lambda one: (fills.index(one[0]), one[1]))]
        scores = pd.DataFrame([line for scores, _ in in_order for line in scores], columns=SCORE_COLUMNS)
        return Comparison(
            scores=scores.astype({"seed": "Int64"}),
            agreement=pd.DataFrame(self.agreement, columns=AGREEMENT_COLUMNS),
            costs=pd.DataFrame(costs),
            fill_spread=pd.DataFrame(self._fill_spread(), columns=SPREAD_COLUMNS),
            curves=pd.DataFrame([line for _, curves in in_order for line in curves], columns=CURVE_COLUMNS),
            results=self.results, inputs=self.inputs, call=call,
            reseeded={name: tuple(self.reseeded[name]) for name in self.results if name in self.reseeded},
        )  # fmt: skip

    def _pairs(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, int, Explanation, Explanation, int]]:
        """Of two results by name the maps of each input, its number, and the number of each output."""
        for a, b in names:
            for number, (left, right) in enumerate(zip(self.results[a], self.results[b], strict=True)):
                for k in range(len(self.outputs)):
                    yield a, b, number, left, right, k

    def _agreement(self) -> list[tuple[Any, ...]]:
        lines = []
        for metric in [metric for metric in self.metrics if metric.of_two]:
            for a, b, number, left, right, k in self._pairs(combinations(self.results, 2)):
                labels = getattr(self.inputs[number], "labels", None)
                value = metric({"left": left.values[:, k], "right": right.values[:, k], "labels": labels})
                lines.append((a, b, left.label, self.outputs[k], metric.name, value))
        return lines

    def _fill_spread(self) -> list[dict[str, Any]]:
        """Pairs of results of one method under two fills."""
        fills = {name: explained_fill(result) for name, result in self.results.items()}
        asked = {name: _asked_alike(result) for name, result in self.results.items()}
        pairs = [(a, b) for a, b in combinations(fills, 2) if asked[a] == asked[b] and fills[a] != fills[b]]
        lines = []
        for a, b, _, left, right, k in self._pairs(pairs):
            head = (catalogue.key_of(left.method), left.label, self.outputs[k], fills[a], fills[b], a, b)
            lines.append(dict(zip(PAIR_COLUMNS, head, strict=True)) | agreement.measure(left, right, k))
        return lines


def asks(metrics: Sequence[Metric]) -> bool:
    """Whether any of them needs to ask the model of coalitions."""
    return any(metric.on_coalitions or metric.curves for metric in metrics)


def seed_of(result: Attribution) -> int | None:
    """The seed that its values were drawn with; None where another would give the same."""
    if not draws(result):
        return None
    seed = result.meta.get("seed")
    return result[0].method.get_params(deep=False).get("seed") if seed is None else int(seed)


def _asked_alike(result: Attribution) -> Any:
    """What two results of one method share that differ in their fill alone: its options, its layer and its score."""
    return unnamed(result.method), result.meta.get("layer"), result.meta.get("score")
