"""Methods of results asked again with the options that they had: under other seeds, of other inputs, of other models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from perturbxai.baseline_methods.kinds import Baseline
from perturbxai.calls.baselines import baselines
from perturbxai.calls.baselines_in_turn import baselines_in_turn
from perturbxai.calls.explain import explain, prepared
from perturbxai.calls.in_turn import explain_in_turn
from perturbxai.calls.steps import Step
from perturbxai.core.methods import Explainer, Method
from perturbxai.core.types import Inputs
from perturbxai.inputs.spaces import Space
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution

ROUNDING = 1e-9  # of the answers: an error below it is rounding, and nothing was drawn


@dataclass(frozen=True)
class Group:
    """Results of one call, by name: their methods, which share what they ask, and what the call was given.

    seed     of the call; None where nothing is drawn by one;  fill: the name of that under which they were explained
    options  budget, rows, tol, design of `explain`; layer, score of `baselines`
    """

    methods: Mapping[str, Method]
    seed: int | None
    fill: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def ask(
        self, predictor: Predictor, space: Space, x: Inputs, outputs: Sequence[str], *, shift: int = 0,
        step: Step | None = None, n_jobs: int | None = None,
    ) -> dict[str, Attribution]:  # fmt: skip
        """By name, what they say under their seed + shift of inputs that have the players of those they explained."""
        given: dict[str, Any] = {"outputs": list(outputs), "n_jobs": n_jobs} | dict(self.options)
        methods: Any = [_shifted(method, shift) for method in self.methods.values()]
        if self.seed is None:
            if step is None:
                found = baselines(methods, predictor, space, x, **given)
            else:
                found = baselines_in_turn(methods, predictor, space, x, step, **given)
        elif step is None or not set(self.options) <= {"budget"}:
            found = explain(methods, predictor, space, x, seed=self.seed + shift, **given)
        else:
            given = {"budget": None} | given
            found = explain_in_turn(methods, predictor, space, x, step, seed=self.seed + shift, **given)
        return dict(zip(self.methods, found.values(), strict=True))

    @property
    def alone(self) -> list[str]:
        """Names that may be asked by themselves: each, or one for all where they share what they ask."""
        return list(self.methods) if self.seed is None else list(self.methods)[:1]

    def only(self, names: Sequence[str]) -> "Group":
        """Those of some names. What draws coalitions keeps its company, with which it shares them."""
        if self.seed is not None:
            return self
        return replace(self, methods={name: method for name, method in self.methods.items() if name in names})


def draws(result: Attribution) -> bool:
    """Whether another seed would give it other values, as far as it tells."""
    method = result[0].method
    if isinstance(method, Baseline):
        return _has_seed(method)
    for one in result:
        scale = max(np.abs(part).max(initial=0.0) for part in (one.values, one.prediction, one.base))
        if not (one.stderr <= ROUNDING * scale).all():
            return True
    return False


def groups_of(
    results: Mapping[str, Attribution], predictor: Predictor, spaces: Mapping[str, Space], x: Inputs, outputs: Sequence[str]
) -> list[Group]:
    """The calls that results came from. What was left out of a call is not asked again, and shares nothing.

    spaces  by the name of the fill, the first for what sees none
    Raises ValueError for results of other packages, and for those under a fill that is not among the spaces.
    """
    members: dict[Any, dict[str, Attribution]] = {}
    for name, result in results.items():
        method, meta = result[0].method, result.meta
        if not isinstance(method, (Explainer, Baseline)):
            raise ValueError(
                f"results: {name!r} comes from {type(method).__name__}, which cannot be asked again, as seeds= and metrics "
                "of maps made again need it; leave it out of this comparison."
            )
        fill = str(meta.get("fill")) if "fill" in meta and method.sees_fill else next(iter(spaces))
        if fill not in spaces:
            raise ValueError(
                f"results: {name!r} was explained under the fill {fill!r}, under which it has to be explained again; name "
                f"it in fills=, which has {', '.join(spaces)}."
            )
        own = (meta.get("layer") if isinstance(method, Baseline) and method.passes else None, meta.get("score"))
        call = meta.get("call_rows"), meta.get("call_model_seconds"), meta.get("seed")
        members.setdefault((isinstance(method, Baseline), fill, *own, *call), {})[name] = result
    return [_group(key[1], held, predictor, spaces[key[1]], x, outputs) for key, held in members.items()]


def _group(
    fill: str, held: Mapping[str, Attribution], predictor: Predictor, space: Space, x: Inputs, outputs: Sequence[str]
) -> Group:
    methods = {name: result[0].method for name, result in held.items()}
    first = next(iter(held.values()))
    if isinstance(first[0].method, Baseline):
        layer = _layer(first, predictor) if first[0].method.passes else None
        score = first.meta.get("score")
        return Group(methods, None, fill, ({"layer": layer} if layer else {}) | ({"score": score} if score else {}))
    return Group(methods, int(first.meta["seed"]), fill, _asked(held, methods, predictor, space, x, outputs))


def _layer(result: Attribution, predictor: Predictor) -> str | None:
    """Where its map is, if a module has that name: what was found at an operation, for want of one, is found again."""
    layer = result.meta.get("layer")
    if layer is None or predictor.kind != "network":
        return layer

    from perturbxai.baseline_methods import places

    return str(layer) if places.names_module(predictor.network_model().inner, layer) else None


def _asked(
    held: Mapping[str, Attribution], methods: Mapping[str, Method], predictor: Predictor, space: Space, x: Inputs,
    outputs: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """What a call of `explain` was given, where it was not the default."""
    metas = [result.meta for result in held.values()]
    found: dict[str, Any] = {}
    if any(meta.get("chosen") is not None for meta in metas):
        found["design"] = "adaptive"
    if metas[0].get("tol") is not None:
        found["tol"] = metas[0]["tol"]
    cells = [meta["budget"] for meta in metas if _of_cells(meta)]
    if cells:
        return found | {"rows": cells[0]}
    call = prepared(
        [method for method in methods.values() if isinstance(method, Explainer)],
        predictor, space, x, outputs=list(outputs), budget=None, rows=None, tol=None,
        design="drawn", seed=0,
    )  # fmt: skip
    for (name, result), key in zip(held.items(), call.named, strict=True):
        usual = [call.budget(len(one.names), call.asking.get(key)) for one in call.game.inputs]
        if [one.meta["budget"] for one in result] != usual:
            return found | {"budget": held[name].meta["budget"]}
    return found


def _of_cells(meta: Mapping[str, Any]) -> bool:
    """Whether coalitions were asked on single background rows."""
    return meta.get("asked_coalitions", {}).get("design", {}).get("background_rows") is not None


def _has_seed(method: Method) -> bool:
    return any(option.name == "seed" for option in fields(method))


def _shifted(method: Method, shift: int) -> Method:
    """A baseline that draws by a seed of its own, under another."""
    if shift and isinstance(method, Baseline) and _has_seed(method):
        return method.set_params(seed=method.get_params(deep=False)["seed"] + shift)
    return method
