"""compare(): every map scored on the same coalitions, at home and away, beside what it cost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from numbers import Number
from typing import Any

import numpy as np

from perturbxai.calls.arguments import AnyModel, AnySpace, asked
from perturbxai.calls.comparison import BACKGROUND, Comparison, explained_fill
from perturbxai.calls.crew import asked_by
from perturbxai.calls.scoring import Needs, Scored, TestSet
from perturbxai.calls.steps import Step, a_step, how_many, name_of, straight
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import catalogue, checks
from perturbxai.core.methods import unnamed
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Fill, Floats
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace, Input, Space, TabularSpace
from perturbxai.metrics import agreement
from perturbxai.metrics.metric import Metric, read_metrics
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.sampling.asked import Reader
from perturbxai.sampling.untouched import Untouched

Lines = list[dict[str, Any]]  # of a table
ANSWERS = "answers"  # what a step keeps


def compare(
    results: Mapping[str, Attribution],
    predictor: AnyModel,
    space: AnySpace,
    *,
    metrics: str | Callable[..., float] | Iterable[str | Callable[..., float]] | None = None,
    fills: Fill | Iterable[Fill] | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Comparison:
    """Score several methods' results on the same inputs and outputs, against the model and against each other.

    predictor, space  those that the results come from, or the model and the table, as in `explain`
    results  name -> Attribution, perturbation methods and baselines alike; explain under several fills by renaming:
             {f"{k}@mean": v for k, v in found.items()}
    metrics  names of the catalogue, None for all; or a function of your own that returns a number for a map and output, told
             by the names of its arguments what it is of (see `metrics.metric.Metric`): def mine(values, z, answers)
    fills    pictures only: every map is scored under each; the mean over fills that are not its own ("away") is the
             headline. None takes the space's.
    seed     draws the coalitions that faithfulness is scored on, and breaks ties between equally valued players
    n_jobs   workers who ask the model, each some of the rows or pictures; see `explain`. Scores are computed here

    Those coalitions are 200 untouched ones an input, which no compared result asked, so that nothing is scored on what it
    was fitted on: complementary pairs, sizes uniform over 1..P-1, as far as each size has untouched ones. Sizes 1 and P-1
    are the very questions of inclusion and occlusion, of PDP and ICE on tables too, and so are missing beside these. Where
    fewer than 200 are left these are all taken, and where fewer than 20 are left the whole table is the test, each size with
    the same weight. `test_set` names which of them it was. Results may come from several calls, of other seeds and budgets;
    what was imported, and what looks inside the model, asked no coalitions.

    Raises ValueError, before the model is asked, if inputs, outputs or players differ between results, if the space has
    other players, for values that are not finite, for results that do not tell what they asked, and for unknown metrics;
    TypeError for functions that are no metrics, which are tried on made-up answers first.
    """
    return _compared(results, *asked(predictor, space), None, read_metrics(metrics), fills, seed, n_jobs)


def compare_in_turn(
    results: Mapping[str, Attribution], predictor: Predictor, space: Space, step: Step, *, metrics: Iterable[str] | None,
    fills: Fill | Iterable[Fill] | None = None, seed: int, n_jobs: int | None,
) -> Comparison:  # fmt: skip
    """As `compare`, by steps: what the model says of a picture under a fill, or of a hundred rows. Raises as it does.

    Each is asked in batches of its own, so that what is said of it hangs on no other. With metrics=() nothing is scored.
    """
    return _compared(results, predictor, space, step, _wanted(metrics), fills, seed, n_jobs)


def _wanted(metrics: Iterable[str] | None) -> list[Metric]:
    return [] if metrics == () else read_metrics(metrics)


def _compared(
    results: Mapping[str, Attribution], predictor: Predictor, space: Space, step: Step | None, wanted: list[Metric],
    fills: Fill | Iterable[Fill] | None, seed: int, n_jobs: int | None,
) -> Comparison:  # fmt: skip
    """step: None asks of all inputs together."""
    if not isinstance(results, Mapping) or not all(isinstance(one, Attribution) for one in results.values()):
        raise TypeError(f"results is {type(results).__name__}; expected a mapping from name to Attribution (explain(...)).")
    n_jobs, job = check_n_jobs(n_jobs), _Job(dict(results), predictor, space, wanted, checks.seed(seed))
    rows, seconds = predictor.rows, predictor.seconds
    games = job.games(_scored_spaces(space, fills))

    def compared() -> Comparison:
        better = {metric.name: metric.better for metric in wanted if metric.better}
        call = {"rows": predictor.rows - rows, "seconds": predictor.seconds - seconds, "seed": seed}
        return job.comparison(games[0].inputs, call | {"metrics": [m.name for m in wanted], "better": better})

    with keeping(compared), predictor.watched("compare"), asked_by(predictor, n_jobs):
        job.score(games, step)
    return compared()


def compare_steps(metrics: Iterable[str] | None, space: Space, n_distinct: int) -> int:
    """How many steps `compare_in_turn` takes under a fill for so many inputs, those that are the same counted once."""
    return how_many(space, n_distinct) if _asks(_wanted(metrics)) else 0


def _asks(metrics: Sequence[Metric]) -> bool:
    """Whether any of them needs to ask the model."""
    return any(metric.on_coalitions or metric.curves for metric in metrics)


def _scored_spaces(space: Space, fills: Fill | Iterable[Fill] | None) -> list[Space]:
    if fills is None:
        return [space]
    if isinstance(space, TabularSpace):
        raise ValueError("fills is for pictures; a table's absence is its background.")
    given: list[Any] = [fills]
    if not (callable(fills) or hasattr(fills, "ndim") or hasattr(fills, "getbands")):  # a function, or a picture
        given = checks.several("fills", fills, "a fill as ImageSpace has it, or several", (str, Number))
    if not given:
        raise ValueError("fills is empty; name at least one, or leave it out for the space's own.")
    spaces: list[Space] = [space.with_fill(fill) for fill in given]
    names = [_fill_name(one) for one in spaces]
    if len(set(names)) < len(names):
        raise ValueError(f"fills: the tables tell fills by their names, and {names} holds one twice; compare them apart.")
    return spaces


def _fill_name(space: Space) -> str:
    return str(space.meta["fill"]) if isinstance(space, ImageSpace) else BACKGROUND


@dataclass
class _Job:
    results: dict[str, Attribution]
    predictor: Predictor
    space: Space
    metrics: list[Metric]
    seed: int
    measured: dict[tuple[str, int], tuple[Lines, Lines]] = field(default_factory=dict)  # by fill and number of the input

    def __post_init__(self) -> None:
        if not self.results:
            raise ValueError("results is empty; give at least one Attribution.")
        first = next(iter(self.results.values()))
        kind = "table" if isinstance(self.space, TabularSpace) else "image"
        for name, result in self.results.items():
            if result.outputs != first.outputs:
                raise ValueError(
                    f"results: {name!r} explains the outputs {result.outputs}, others {first.outputs}. "
                    "Pass the same outputs= to every call."
                )
            if len(result) != len(first) or not all(map(_same_input, result, first)):
                raise ValueError(f"results: {name!r} has other inputs or players than the rest; explain the same x.")
            if result.meta.get("space", kind) != kind:
                other = result.meta["space"]
                raise ValueError(f"space is of the kind {kind!r}, but {name!r} explains the kind {other!r}; pass its own.")
            if not all(np.isfinite(e.values).all() for e in result):
                raise ValueError(f"results: {name!r} has values that are not finite, which rank nothing; leave it out.")
        if lost := [m.name for m in self.metrics if "labels" in m.takes and kind == "table"]:
            raise ValueError(f"metrics: {', '.join(lost)} takes labels, which pictures alone have; leave it out.")
        known = {name: number for number, name in enumerate(catalogue.METRICS)}  # tables have a user's own behind ours
        self.metrics = sorted(self.metrics, key=lambda metric: known.get(metric.name, len(known)))
        self.outputs = first.outputs
        self.agreement = self._agreement()
        inputs = [e.input for e in first]
        self.x: Any = self.space.columns.decode(np.array(inputs)) if isinstance(self.space, TabularSpace) else inputs
        self.reader, self.untouched = Reader(), Untouched(self.seed)

    def games(self, spaces: list[Space]) -> list[Game]:
        """One a fill, all of them before the first is asked: a fill that does not fit is refused at once."""
        made: list[Game] = []
        for space in spaces:
            game = Game(self.predictor, space, self.x, list(self.outputs), like=made[-1] if made else None)
            for one, explained in zip(game.inputs, next(iter(self.results.values())), strict=True):
                if sorted(one.names) == sorted(explained.names) and one.names != explained.names:
                    raise ValueError("results have the players of space in another order; take them as they came.")
                if one.names != explained.names:
                    raise ValueError(
                        f"space gives {len(one.names)} players where results have {len(explained.names)} or others; "
                        "pass the space that they were explained in."
                    )
            made.append(game)
        return made

    def score(self, games: Sequence[Game], step: Step | None) -> None:
        """All maps under every fill, input by input or all at once: every coalition that any metric needs, asked together.

        Inputs that are the same go together. Where all are asked at once, what the model says of a picture itself is asked
        under one fill.
        """
        if all(metric.of_two for metric in self.metrics):  # maps are only compared with maps: nothing to ask
            return
        first_alike = games[0].first_alike
        distinct = sorted(set(first_alike))
        at_once = len(distinct) if step is None else a_step(self.space)
        for at in range(0, len(distinct), at_once):
            group, before = set(distinct[at : at + at_once]), None
            some = [number for number, first in enumerate(first_alike) if first in group]
            for game in games:
                inputs = [game.inputs[number] for number in some]
                own = game.part(inputs, self.predictor, before if step is None else None)
                needs = [self._needs(one, number) for one, number in zip(inputs, some, strict=True)]
                self._score(Scored(own, needs, game), some, step or straight)
                before = own

    def _score(self, scored: Scored, numbers: Sequence[int], step: Step) -> None:
        """Some inputs, by number, under one fill."""
        fill, inputs, needs = _fill_name(scored.game.space), scored.game.inputs, scored.needs
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
            if _asks(self.metrics):
                name = f"{fill} {name_of(numbers, inputs)} {scored.name}"
                answers = step(name, lambda: {ANSWERS: scored.ask()})[ANSWERS]
            for place, own in enumerate(scored.shared_out(answers)):
                measure(place, own)

    def _measured(self, fill: str, one: Input, number: int, need: Needs, answers: Floats) -> tuple[Lines, Lines]:
        """The scores and curves of all maps of one input."""
        scores: Lines = []
        curves: Lines = []
        for name, result in self.results.items():
            own = explained_fill(result)
            head = {"method": name, "row": result[number].label}
            tail = {"explained_fill": own, "scored_fill": fill, "home": own == fill}
            for k, output in enumerate(self.outputs):
                offered, steps = need.measure(name, k, result[number].values[:, k], answers[:, k])
                offered |= {"stderr": result[number].stderr[:, k], "row": result[number].label, "output": output}
                offered["labels"] = getattr(one, "labels", None)
                scores += [
                    {**head, "output": output, "metric": metric.name, **tail, "value": metric(offered),
                     "test_set": need.test.name if metric.on_coalitions else "none"}
                    for metric in self.metrics
                    if not metric.of_two and (len(need.test.z) or not metric.on_coalitions)
                ]  # fmt: skip
                curves += [{**head, "output": output, "scored_fill": fill, **step} for step in steps]
        return scores, curves

    def _needs(self, one: Input, number: int) -> Needs:
        test = TestSet(np.zeros((0, len(one.names)), dtype=bool), None, "none")
        if any(metric.on_coalitions for metric in self.metrics):
            metas = {name: result[number].meta for name, result in self.results.items()}
            test = TestSet.of(one, self.untouched, self.reader.read(metas, len(one.names), one.digest))
        maps = {name: result[number].values for name, result in self.results.items()}
        return Needs.of(maps, self.metrics, test, [self.seed, *one.digest])

    def comparison(self, inputs: Sequence[Input], call: dict[str, Any]) -> Comparison:
        import pandas as pd

        costs = [
            {"method": name, "rows": result.meta.get("rows", 0), "seconds": result.meta.get("seconds", 0.0),
             "rows_shared_with": ", ".join(result.meta.get("rows_shared_with", ()))}
            for name, result in self.results.items()
        ]  # fmt: skip
        fills = list(dict.fromkeys(fill for fill, _ in self.measured))
        in_order = [self.measured[one] for one in sorted(self.measured, key=lambda one: (fills.index(one[0]), one[1]))]
        return Comparison(
            scores=pd.DataFrame([line for scores, _ in in_order for line in scores], columns=SCORE_COLUMNS),
            agreement=pd.DataFrame(self.agreement, columns=AGREEMENT_COLUMNS),
            costs=pd.DataFrame(costs),
            fill_spread=pd.DataFrame(self._fill_spread(), columns=SPREAD_COLUMNS),
            curves=pd.DataFrame([line for _, curves in in_order for line in curves], columns=CURVE_COLUMNS),
            results=self.results, inputs=inputs, call=call,
        )  # fmt: skip

    def _pairs(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, Explanation, Explanation, int]]:
        """Of two results by name the maps of each input, and the number of each output."""
        for a, b in names:
            for left, right in zip(self.results[a], self.results[b], strict=True):
                for k in range(len(self.outputs)):
                    yield a, b, left, right, k

    def _agreement(self) -> list[tuple[Any, ...]]:
        lines = []
        for metric in [metric for metric in self.metrics if metric.of_two]:
            for a, b, left, right, k in self._pairs(combinations(self.results, 2)):
                value = metric({"left": left.values[:, k], "right": right.values[:, k]})
                lines.append((a, b, left.label, self.outputs[k], metric.name, value))
        return lines

    def _fill_spread(self) -> list[dict[str, Any]]:
        """Pairs of results of one method under two fills."""
        fills = {name: explained_fill(result) for name, result in self.results.items()}
        asked = {name: _asked_alike(result) for name, result in self.results.items()}
        pairs = [(a, b) for a, b in combinations(fills, 2) if asked[a] == asked[b] and fills[a] != fills[b]]
        lines = []
        for a, b, left, right, k in self._pairs(pairs):
            head = (catalogue.key_of(left.method), left.label, self.outputs[k], fills[a], fills[b], a, b)
            lines.append(dict(zip(PAIR_COLUMNS, head, strict=True)) | agreement.measure(left, right, k))
        return lines


SCORE_COLUMNS = ["method", "row", "output", "metric", "explained_fill", "scored_fill", "home", "value", "test_set"]
AGREEMENT_COLUMNS = ["method_a", "method_b", "row", "output", "metric", "value"]
PAIR_COLUMNS = ["method", "row", "output", "fill_a", "fill_b", "result_a", "result_b"]
SPREAD_COLUMNS = [*PAIR_COLUMNS, *agreement.COLUMNS]
CURVE_COLUMNS = ["method", "row", "output", "scored_fill", "curve", "share", "value"]


def _same_input(one: Explanation, other: Explanation) -> bool:
    same = one.names == other.names and one.label == other.label
    return same and np.array_equal(one.input, other.input, equal_nan=True)


def _asked_alike(result: Attribution) -> Any:
    """What two results of one method share that differ in their fill alone: its options, its layer and its score."""
    return unnamed(result.method), result.meta.get("layer"), result.meta.get("score")
