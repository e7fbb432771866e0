"""compare(): every map scored on the same coalitions, at home and away, beside what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import registry
from perturbxai.explanation import Attribution
from perturbxai.fills import describe_fill
from perturbxai.game import Game
from perturbxai.metrics import agreement, faithfulness
from perturbxai.predictor import Predictor
from perturbxai.sampling import list_coalitions
from perturbxai.spaces import ImageSpace, Space, TabularSpace
from perturbxai.streams import Streams
from perturbxai.tables import Coalitions

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CURVES = ("deletion", "insertion", "srg")
HELD_OUT = ("faithfulness", "faithfulness_raw")
AGREEMENT = ("spearman", "top_k_iou")
BACKGROUND, NO_FILL = "background", "none"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found, in tidy tables.

    scores       one line a method, input, output, metric and scored fill; `home` if the map was explained under that fill
    agreement    one line a pair of methods, input and output: spearman, top_k_iou
    costs        model rows and seconds a method; shared rows are named, not divided
    fill_spread  for methods that explained under several fills: how far the fill moves the map, beside its own noise
    curves       deletion and insertion, one line a step
    results      the maps themselves;  inputs: the players, per input, of the first fill;  call: rows and seconds spent here
    """

    scores: pd.DataFrame
    agreement: pd.DataFrame
    costs: pd.DataFrame
    fill_spread: pd.DataFrame
    curves: pd.DataFrame
    results: Mapping[str, Attribution]
    inputs: Sequence[Any]
    call: Mapping[str, Any] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """The scores, tidy."""
        return self.scores.copy()

    def summary(self) -> pd.DataFrame:
        """One line a method: each metric's mean over inputs, outputs and away fills; home beside it; rows and seconds."""
        import pandas as pd

        away = self.scores[~self.scores.home].groupby(["method", "metric"]).value.mean().unstack()
        home = self.scores[self.scores.home].groupby(["method", "metric"]).value.mean().unstack()
        # on a table there is one background, on which everything was explained: nothing is away
        found = home if away.empty else away.join(home.add_suffix(" (home)")) if not home.empty else away
        order = pd.Index([name for name in self.results if name in found.index])
        return found.loc[order].join(self.costs.set_index("method")[["rows", "seconds"]])


def compare(
    results: Mapping[str, Attribution],
    predictor: Predictor,
    space: Space,
    *,
    metrics: Sequence[str] | None = None,
    fills: Sequence[Any] | None = None,
    seed: int = 0,
) -> Comparison:
    """Score maps of the same inputs and outputs against the model, and against each other.

    results  name -> Attribution, perturbation methods and baselines alike; explain under several fills by renaming:
             {f"{k}@mean": v for k, v in found.items()}
    metrics  of registry.METRICS; None for all
    fills    pictures only: every map is scored under each; the mean over fills that are not its own ("away") is the
             headline. None takes the space's.
    seed     breaks ties between equally valued players. The held-out coalitions are those the results' own seed reserved,
             so that nothing is scored on what it was fitted on; where everything was listed, the whole table is the test.

    Raises ValueError if inputs, outputs or players differ between results, or for unknown metrics.
    """
    wanted = _check_metrics(metrics)
    job = _Job(dict(results), predictor, space, wanted, seed)
    rows, seconds = predictor.rows, predictor.seconds
    with predictor.watched("compare"):
        parts = [job.score(scored) for scored in _scored_spaces(space, fills)]
    call = {"rows": predictor.rows - rows, "seconds": predictor.seconds - seconds, "seed": seed, "metrics": list(wanted)}
    return job.comparison(parts, call)


def _check_metrics(metrics: Sequence[str] | None) -> tuple[str, ...]:
    wanted = tuple(registry.METRICS if metrics is None else [metrics] if isinstance(metrics, str) else metrics)
    unknown = [m for m in wanted if m not in registry.METRICS]
    if unknown or not wanted:
        raise ValueError(f"metrics: {unknown} are not known; expected some of {', '.join(registry.METRICS)}.")
    return wanted


def _scored_spaces(space: Space, fills: Sequence[Any] | None) -> list[Space]:
    if isinstance(space, TabularSpace):
        if fills is not None:
            raise ValueError("fills is for pictures; a table's absence is its background.")
        return [space]
    return [space] if fills is None else [space.with_fill(fill) for fill in fills]


def _fill_name(space: Space) -> str:
    return describe_fill(space.fill) if isinstance(space, ImageSpace) else BACKGROUND


def explained_fill(result: Attribution) -> str:
    """The fill a map was explained under; "none" for maps that know no fill, "background" on tables."""
    if result.meta.get("space") == "table":
        return BACKGROUND
    key = registry.key_of(result.method)
    return NO_FILL if key in registry.FILL_FREE else str(result.meta.get("fill"))


@dataclass
class _Job:
    results: dict[str, Attribution]
    predictor: Predictor
    space: Space
    metrics: tuple[str, ...]
    seed: int

    def __post_init__(self) -> None:
        if not self.results:
            raise ValueError("results is empty; give at least one Attribution.")
        first = next(iter(self.results.values()))
        shapes = [(len(e.names), e.label) for e in first]
        for name, result in self.results.items():
            if result.outputs != first.outputs:
                raise ValueError(
                    f"results: {name!r} explains the outputs {result.outputs}, others {first.outputs}. "
                    "Pass the same outputs= to every call."
                )
            if [(len(e.names), e.label) for e in result] != shapes:
                raise ValueError(f"results: {name!r} has other inputs or players than the rest; explain the same x.")
        self.outputs = first.outputs
        self.x = self._inputs(first)
        seeds = {r.meta["seed"] for r in self.results.values() if "coalitions" in r.meta}
        if len(seeds) > 1:
            raise ValueError(
                f"results were explained with the seeds {sorted(seeds)}, which hold out different coalitions; "
                "explain with one seed, or compare them apart."
            )
        self.streams = Streams(seeds.pop() if seeds else self.seed)

    def listed(self, number: int) -> bool:
        """True if some method was given every coalition of this input: none is left to hold out."""
        return any(r[number].meta.get("listed") for r in self.results.values())

    def _inputs(self, first: Attribution) -> Any:
        pictures = [e.input for e in first]
        return self.space.columns.decode(np.array(pictures)) if isinstance(self.space, TabularSpace) else pictures

    def score(self, space: Space) -> dict[str, Any]:
        """All maps under one fill: every coalition that any metric needs, asked together."""
        game = Game(self.predictor, space, self.x, list(self.outputs))
        needs = [_Needs.of(self, one, number) for number, one in enumerate(game.inputs)]
        requests = [(number, Coalitions(need.z[:, game.inputs[number].active])) for number, need in enumerate(needs)]
        answers = game.ask(requests)
        scores: list[dict[str, Any]] = []
        curves: list[dict[str, Any]] = []
        fill = _fill_name(space)
        for number, (need, answer) in enumerate(zip(needs, answers, strict=True)):
            for name, result in self.results.items():
                own = explained_fill(result)
                head = {"method": name, "row": result[number].label}
                tail = {"explained_fill": own, "scored_fill": fill, "home": own == fill}
                for k, output in enumerate(self.outputs):
                    found, steps = need.measure(name, k, result[number].values[:, k], answer.values[:, k])
                    scores += [
                        {**head, "output": output, "metric": m, **tail, "value": v, "test_set": need.test_set}
                        for m, v in found.items()
                        if m in self.metrics
                    ]
                    curves += [{**head, "output": output, "scored_fill": fill, **step} for step in steps]
        return {"scores": scores, "curves": curves, "inputs": game.inputs}

    def comparison(self, parts: list[dict[str, Any]], call: dict[str, Any]) -> Comparison:
        import pandas as pd

        return Comparison(
            scores=pd.DataFrame([line for part in parts for line in part["scores"]], columns=SCORE_COLUMNS),
            agreement=pd.DataFrame(self._agreement(), columns=AGREEMENT_COLUMNS),
            costs=pd.DataFrame([_cost(name, result) for name, result in self.results.items()]),
            fill_spread=pd.DataFrame(self._fill_spread(), columns=SPREAD_COLUMNS),
            curves=pd.DataFrame([line for part in parts for line in part["curves"]], columns=CURVE_COLUMNS),
            results=self.results,
            inputs=parts[0]["inputs"],
            call=call,
        )

    def _agreement(self) -> list[dict[str, Any]]:
        lines = []
        for metric in [m for m in AGREEMENT if m in self.metrics]:
            measure = getattr(agreement, metric)
            for a, b in combinations(self.results, 2):
                for one, other in zip(self.results[a], self.results[b], strict=True):
                    for k, output in enumerate(self.outputs):
                        value = measure(one.values[:, k], other.values[:, k])
                        lines.append(dict(zip(AGREEMENT_COLUMNS, (a, b, one.label, output, metric, value), strict=True)))
        return lines

    def _fill_spread(self) -> list[dict[str, Any]]:
        """Pairs of results of one method under two fills."""
        lines = []
        for a, b in combinations(self.results, 2):
            one, other = self.results[a], self.results[b]
            fills = explained_fill(one), explained_fill(other)
            if _options(one) != _options(other) or fills[0] == fills[1]:
                continue
            for left, right in zip(one, other, strict=True):
                for k, output in enumerate(self.outputs):
                    v, w = left.values[:, k], right.values[:, k]
                    noise = np.sqrt(np.mean(left.stderr[:, k] ** 2 + right.stderr[:, k] ** 2))
                    numbers = (agreement.correlation(v, w), agreement.same_sign(v, w), np.sqrt(np.mean((v - w) ** 2)), noise)
                    head = (registry.key_of(one.method), left.label, output, *fills)
                    lines.append(dict(zip(SPREAD_COLUMNS, (*head, *numbers), strict=True)))
        return lines


SCORE_COLUMNS = ["method", "row", "output", "metric", "explained_fill", "scored_fill", "home", "value", "test_set"]
AGREEMENT_COLUMNS = ["method_a", "method_b", "row", "output", "metric", "value"]
SPREAD_COLUMNS = [
    "method", "row", "output", "fill_a", "fill_b", "correlation", "same_sign", "difference", "noise",
]  # fmt: skip
CURVE_COLUMNS = ["method", "row", "output", "scored_fill", "curve", "share", "value"]


@dataclass
class _Needs:
    """The coalitions that one input's scores need, in one table, and where each score finds its own.

    z (T, P);  test: rows of the test set;  curves[name, k]: for each order the rows of deletion and of insertion
    """

    z: NDArray[np.bool_]
    test: slice
    weight: Floats | None
    test_set: str
    curves: dict[tuple[str, int], list[tuple[slice, slice]]]
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, job: _Job, one: Any, number: int) -> _Needs:
        n_players, n_active = len(one.names), len(one.active)
        parts: list[NDArray[np.bool_]] = []
        weight, test_set, test = None, "none", np.zeros((0, n_players), dtype=bool)
        if any(m in HELD_OUT for m in job.metrics):
            held_out = job.streams.held_out(n_active)
            if job.listed(number) or not len(held_out):
                inner, test_set = list_coalitions(n_active), "exact table"
            else:
                inner = held_out[:, job.streams.order(n_active, one.digest)]
                test_set = f"{len(held_out)} held-out coalitions, sizes uniform"
            test = np.ones((len(inner), n_players), dtype=bool)
            test[:, one.active] = inner
            weight = faithfulness.size_weights(inner) if test_set == "exact table" else None
        parts.append(test)
        curves: dict[tuple[str, int], list[tuple[slice, slice]]] = {}
        at = len(test)
        if any(m in CURVES for m in job.metrics):
            for name, result in job.results.items():
                for k in range(len(job.outputs)):
                    rng = np.random.default_rng([job.seed, *one.digest])
                    for order in faithfulness.rankings(result[number].values[:, k], rng):
                        both = faithfulness.curve_coalitions(order)
                        parts += both
                        steps = len(order) + 1
                        where = slice(at, at + steps), slice(at + steps, at + 2 * steps)
                        curves.setdefault((name, k), []).append(where)
                        at += 2 * steps
        return cls(np.concatenate(parts), slice(0, len(test)), weight, test_set, curves, job.metrics)

    def measure(self, name: str, k: int, values: Floats, answers: Floats) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """Scores by metric, and the mean curves, of one map and output."""
        found: dict[str, float] = {}
        steps: list[dict[str, Any]] = []
        if (name, k) in self.curves:
            for which, curve in enumerate(("deletion", "insertion")):
                mean = np.mean([answers[pair[which]] for pair in self.curves[name, k]], axis=0)
                found[curve] = faithfulness.area(mean)
                share = np.linspace(0.0, 1.0, len(mean))
                steps += [{"curve": curve, "share": s, "value": v} for s, v in zip(share, mean, strict=True)]
            found["srg"] = found["insertion"] - found["deletion"]
        if self.test.stop:
            z, truth = self.z[self.test], answers[self.test]
            found["faithfulness"] = faithfulness.faithfulness(values, z, truth, self.weight)
            found["faithfulness_raw"] = faithfulness.faithfulness_raw(values, z, truth, self.weight)
        return found, steps


def _cost(name: str, result: Attribution) -> dict[str, Any]:
    meta = result.meta
    shared = ", ".join(meta.get("rows_shared_with", ()))
    return {"method": name, "rows": meta.get("rows", 0), "seconds": meta.get("seconds", 0.0), "rows_shared_with": shared}


def _options(result: Attribution) -> Any:
    method = result.method
    return replace(method, name="") if hasattr(method, "name") else method
