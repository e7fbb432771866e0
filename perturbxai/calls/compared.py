"""What is compared: results of the same inputs, players and outputs, and what the metrics need; refused before a call."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from perturbxai.calls.comparison import fill_name
from perturbxai.calls.evidence import same_place
from perturbxai.core import checks
from perturbxai.core.types import Fill, Inputs
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.metrics.metric import Metric
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution, Explanation

OF_PICTURES = ("labels", "heat", "inside", "road_most", "road_least")
OF_NETWORKS = ("randomised", "smoothed", "smoothed_randomised")


def check_results(results: object, space: Space) -> dict[str, Attribution]:
    """Results by name that explain the same inputs, players and outputs. Raises TypeError or ValueError for others."""
    if not isinstance(results, Mapping) or not all(isinstance(one, Attribution) for one in results.values()):
        raise TypeError(f"results is {type(results).__name__}; expected a mapping from name to Attribution (explain(...)).")
    if not results:
        raise ValueError("results is empty; give at least one Attribution.")
    first = next(iter(results.values()))
    kind = "table" if isinstance(space, TabularSpace) else "image"
    for name, result in results.items():
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
    return dict(results)


def _same_input(one: Explanation, other: Explanation) -> bool:
    return same_place(one, other) and np.array_equal(one.input, other.input, equal_nan=True)


def inputs_of(results: Mapping[str, Attribution], space: Space) -> Inputs:
    """The inputs that results explain, as the verbs take them: rows of a DataFrame are called as they were."""
    first = next(iter(results.values()))
    inputs = [e.input for e in first]
    if not isinstance(space, TabularSpace):
        return inputs
    rows: Any = space.columns.decode(np.array(inputs))
    named: Inputs = rows.set_axis([e.label for e in first], axis=0) if hasattr(rows, "set_axis") else rows
    return named


def check_metrics(
    metrics: Sequence[Metric], predictor: Predictor, space: Space, *, masks: bool, truth: bool, seeds: int
) -> None:
    """Refuse metrics of what is not there: pictures, networks, masks, truth, other seeds. Raises ValueError."""
    lacks: list[tuple[Sequence[str], str]] = []
    if isinstance(space, TabularSpace):
        lacks.append((OF_PICTURES, "which pictures alone have; leave it out."))
    if not masks:
        lacks.append((("inside",), "where the evidence lies; say it in masks=."))
    if not truth:
        lacks.append((("truth",), "values that are known to be right; give them as truth=."))
    if seeds < 2:
        lacks.append((("reseeded",), "maps under several seeds; ask for them by seeds=5."))
    if predictor.kind != "network":
        lacks.append((OF_NETWORKS, "maps of networks drawn anew, but the model is no torch.nn.Module; leave it out."))
    for metric in metrics:
        for names, way_out in lacks:
            if taken := [name for name in metric.takes if name in names]:
                raise ValueError(f"metrics: {metric.name} takes {taken[0]}, {way_out}")


def scored_spaces(space: Space, fills: Fill | Iterable[Fill] | None) -> dict[str, Space]:
    """By the name of its fill, each space that maps are scored in. Raises TypeError or ValueError for what is no fill."""
    if fills is None:
        return {fill_name(space): space}
    if isinstance(space, TabularSpace):
        raise ValueError("fills is for pictures; a table's absence is its background.")
    given: list[Any] = [fills]
    if not (callable(fills) or hasattr(fills, "ndim") or hasattr(fills, "getbands")):  # a function, or a picture
        given = checks.several("fills", fills, "a fill as ImageSpace has it, or several", (str, Number))
    if not given:
        raise ValueError("fills is empty; name at least one, or leave it out for the space's own.")
    spaces: list[Space] = [space.with_fill(fill) for fill in given]
    names = [fill_name(one) for one in spaces]
    if len(set(names)) < len(names):
        raise ValueError(f"fills: the tables tell fills by their names, and {names} holds one twice; compare them apart.")
    return dict(zip(names, spaces, strict=True))


def games_of(results: Mapping[str, Attribution], predictor: Predictor, spaces: Iterable[Space]) -> list[Game]:
    """One a fill, all of them before the first is asked: a fill that does not fit is refused at once."""
    made: list[Game] = []
    first = next(iter(results.values()))
    for space in spaces:
        game = Game(predictor, space, inputs_of(results, space), list(first.outputs), like=made[-1] if made else None)
        for one, explained in zip(game.inputs, first, strict=True):
            if sorted(one.names) == sorted(explained.names) and one.names != explained.names:
                raise ValueError("results have the players of space in another order; take them as they came.")
            if one.names != explained.names:
                raise ValueError(
                    f"space gives {len(one.names)} players where results have {len(explained.names)} or others; "
                    "pass the space that they were explained in."
                )
        made.append(game)
    return made
