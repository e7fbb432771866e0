"""baselines(): class activation maps, gradients, glass boxes and controls on a space's players, beside the explainers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import registry
from perturbxai.api import name_methods
from perturbxai.baselines.table_row import TableRow
from perturbxai.explanation import Attribution, Explanation
from perturbxai.game import Game
from perturbxai.predictor import ModelError, Predictor
from perturbxai.spaces import Space, TabularSpace
from perturbxai.versions import versions

Floats = NDArray[np.float64]

SCORES = ("logit", "probability")
NORMAL_95 = 1.959963984540054
ROUNDING = 8.0 * np.finfo(np.float64).eps


def baselines(
    methods: str | Sequence[Any],
    predictor: Predictor,
    space: Space,
    x: Any,
    *,
    outputs: Any = None,
    layer: str | None = None,
    score: str = "logit",
) -> dict[str, Attribution]:
    """What can be told from inside a model, and controls, one signed value a player of a space.

    methods    names or method objects. Pictures: "cam", "grad_cam", "cam_difference", summed over superpixels. Tables:
               "gradient", "gradient_x_input", "integrated_gradients", "expected_gradients", "glass_box". Controls: "random"
               on both, "centre" and "edges" on pictures
    predictor  of a torch.nn.Module for maps and gradients, of a scikit-learn model for "glass_box", on whose `output` scale
               gradients and exact values are; the controls take any model
    x          one picture (H, W, C) or several; rows of a table
    outputs    as in `explain`: names or numbers; None means all up to 20, else the five highest at the first input
    layer      where the map is: a module's name ("layer4", "act#1" for its second call, "input of avgpool"). None finds the
               last map before the spatial axes collapse, by one forward pass
    score      "logit", or "probability": differentiated behind the softmax, which is another map (grad_cam only)

    Returns a mapping from name to Attribution. On pictures `.values` are the sums of `.heat` (K, H, W) over the players;
    `.meta["map"]` is the raw signed map (K, h, w) in the paper's units, `.meta["layer"]` where it was found. On tables
    `.meta["gap"]` is what complete values lack. Nothing of the model is changed, also if it raises.
    Raises TypeError for models without the inside that a method needs, ValueError for unknown methods, outputs and layers,
    for a CAM of a network whose head is not linear in the pooled map, for maps on tables and the methods of tables on
    pictures; ModelError for scores and gradients that are not finite.

    >>> import numpy as np, torch, perturbxai as px
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    >>> found = px.baselines(["cam"], px.Predictor(net), space, np.eye(8), outputs=[0])["cam"]
    >>> found.values.shape, found.meta["layer"]
    ((1, 4, 1), 'input of 1')
    """
    named = name_methods(methods, registry.BASELINES)
    if not isinstance(predictor, Predictor):
        raise TypeError(f"predictor is {type(predictor).__name__}; wrap the model: px.Predictor(model).")
    game = Game(predictor, space, x, outputs)
    _check(named, predictor, space, layer, score)
    began, rows, seconds = time.perf_counter(), predictor.rows, predictor.seconds
    with predictor.watched("baselines"):
        inside = _Inside(predictor, game, layer, score)
        found = [_explain(named, game, number, inside) for number in range(len(game.inputs))]
    spent = {
        "call_rows": predictor.rows - rows,
        "call_model_seconds": predictor.seconds - seconds,
        "call_seconds": time.perf_counter() - began,
    }
    a_row = (predictor.seconds - seconds) / max(predictor.rows - rows, 1)
    return {key: _attribution(key, [f[key] for f in found], spent, a_row) for key in named}


def _check(named: dict[str, Any], predictor: Predictor, space: Space, layer: Any, score: str) -> None:
    """Everything that can be known without the model."""
    if score not in SCORES:
        raise ValueError(f"score={score!r} is not known; expected one of {SCORES}.")
    looking = [key for key, method in named.items() if method.passes]
    for key, method in named.items():
        _check_kind(key, method, space)
        if method.passes and score not in method.scores:
            raise ValueError(f"{key}: score={score!r} is not linear in a map; take score='logit', or grad_cam.")
    if looking and predictor.kind != "network":
        raise TypeError(
            f"{', '.join(looking)} look inside a torch.nn.Module, but the model is a {predictor.kind}; "
            "give Predictor the module itself, or leave them out."
        )
    if layer is not None and not looking:
        raise ValueError(f"layer={layer!r} is for maps from inside a network, and {', '.join(named)} are none.")
    if score != SCORES[0] and isinstance(space, TabularSpace):
        raise ValueError(f"score={score!r} is for maps; tables have the predictor's own scale: Predictor(output={score!r}).")
    for method in named.values():
        if isinstance(space, TabularSpace) and hasattr(method, "check"):
            method.check(predictor, space)


def _check_kind(key: str, method: Any, space: Space) -> None:
    """Maps are of pictures; gradients and glass boxes are of tables."""
    if isinstance(space, TabularSpace):
        if not (hasattr(method, "values") or hasattr(method, "of_row")):
            raise ValueError(f"{key} is a map of a picture, but the space is a table; leave it out, or take 'random'.")
    elif hasattr(method, "of_row"):
        raise ValueError(f"{key} is for tables so far, but the space is of pictures; take 'grad_cam' or another map there.")


class _Inside:
    """What the methods of one call see of a network: each picture once, at the place that was named or found."""

    def __init__(self, predictor: Predictor, game: Game, layer: str | None, score: str) -> None:
        self.predictor, self.game, self.layer, self.score = predictor, game, layer, score
        self._places: dict[tuple[int, ...], Any] = {}
        self._kept: dict[bytes, Any] = {}
        self.known: dict[Any, Any] = {}  # what the rows of a table share

    def place(self, picture: NDArray[np.float32]) -> Any:
        """Where the map is, for pictures of this size."""
        from perturbxai.baselines import hooks

        if picture.shape not in self._places:
            with self._network(picture) as (net, batch):
                found = hooks.find_place(net, batch) if self.layer is None else hooks.named_place(net, batch, self.layer)
            self._places[picture.shape] = found
        return self._places[picture.shape]

    def view(self, picture: NDArray[np.float32]) -> Any:
        """The picture from inside. An input's picture and fill are kept, because every method of a call looks at them."""
        from perturbxai.baselines import hooks

        name = picture.tobytes()
        if name not in self._kept:
            place, columns = self.place(picture), self.game.learn().columns
            with self._network(picture) as (net, batch):
                found = hooks.view(net, batch, place, lambda given: self._scores(given)[columns])
            if not all(np.isfinite(part).all() for part in (found.scores, found.activations, found.gradients)):
                raise ModelError(f"layer {place.label!r}: map, gradient or scores are not finite; mend the model.")
            self._kept = dict([*self._kept.items()][-1:])
            self._kept[name] = replace(found, respond=self._metered(picture, found.respond))
        return self._kept[name]

    def _metered(self, picture: NDArray[np.float32], respond: Any) -> Any:
        """Ask a view's `respond` through the Predictor, each question once."""
        known: dict[bytes, Floats] = {}

        def asked(activations: Floats) -> Floats:
            name = np.ascontiguousarray(activations).tobytes()
            if name not in known:
                with self._network(picture):
                    known[name] = respond(activations)
            return known[name]

        return asked

    def _scores(self, given: Any) -> Any:
        """(K,) tensor: the scores that are explained, still differentiable."""
        return self.predictor.differentiable_scores(given, self.score)[0]

    @contextmanager
    def _network(self, picture: NDArray[np.float32]) -> Iterator[tuple[Any, Any]]:
        with self.predictor.network() as net:
            yield net, self.predictor.tensor(picture[None])


def _explain(named: dict[str, Any], game: Game, number: int, inside: _Inside) -> dict[str, Explanation]:
    """All methods at one input."""
    one, outputs = game.inputs[number], game.outputs
    empty, full = game.ends(number)
    found = {}
    for key, method in named.items():
        if hasattr(method, "of_row"):
            row = TableRow(game, number, game.learn().columns, empty, full, inside.known)
            values, heat, notes = _of_row(key, named, row)
        else:
            values, heat, notes = _map(method, one, len(outputs), inside)
        meta = {
            "rows": method.passes,
            "rows_shared_with": [k for k, m in named.items() if k != key and method.passes and m.passes],
            "merged": [name for p, name in enumerate(one.names) if p not in set(one.active.tolist())],
            "plan": game.predictor.plan,
            "scale": game.predictor.output,
            "versions": versions(),
        }
        stderr = np.full(values.shape, ROUNDING * np.abs(values).max(initial=0.0))
        found[key] = Explanation(
            values, stderr, np.full(len(outputs), NORMAL_95), np.inf, empty, full, one.names, outputs, one.label,
            one.source, method, meta | notes | game.space.meta, heat=heat,
        )  # fmt: skip
    return found


def _of_row(key: str, named: dict[str, Any], row: TableRow) -> tuple[Floats, None, dict[str, Any]]:
    """Values (P, K), no heat, and notes for `meta`, of one method of tables."""
    method, predictor = named[key], row.predictor
    began, rows, seconds = time.perf_counter(), predictor.rows, predictor.seconds
    values, notes = method.of_row(row)
    own = time.perf_counter() - began - (predictor.seconds - seconds)  # what the model took is told by its rows
    shared = [k for k, m in named.items() if k != key and method.at_x and getattr(m, "at_x", False)]
    asked = 1 if method.at_x else predictor.rows - rows
    return values, None, {"rows": asked, "rows_shared_with": shared, "own_seconds": own} | notes


def _map(method: Any, one: Any, n_outputs: int, inside: _Inside) -> tuple[Floats, Floats | None, dict[str, Any]]:
    """Values (P, K), heat (K, H, W) or None, and notes for `meta`, of one method at one input."""
    if hasattr(method, "values"):

        def rng(seed: int) -> np.random.Generator:
            return np.random.default_rng([seed, *one.digest])

        return method.values(len(one.names), n_outputs, rng), None, {}
    if not method.passes:
        heat = np.repeat(method.heat(one.picture)[None], n_outputs, axis=0)
        return one.pool(heat).T, heat, {"pool": "sum"}
    from perturbxai.baselines.upsample import enlarge

    fill = inside.view(one.fill) if method.needs_fill else None
    cells = method.cells(inside.view(one.picture), fill)
    heat = enlarge(cells, one.labels.shape, conserve=method.conserves)
    notes = {
        "pool": "sum",
        "layer": inside.place(one.picture).label,
        "score": inside.score,
        "map": method.paper_map(cells),
        "empty_maps": [inside.game.outputs[k] for k in range(n_outputs) if not cells[k].any()],
    }
    return one.pool(heat).T, heat, notes


def _attribution(key: str, found: list[Explanation], spent: dict[str, Any], a_row: float) -> Attribution:
    parts = tuple(
        replace(e, meta=e.meta | spent | {"seconds": e.meta["rows"] * a_row + e.meta.get("own_seconds", 0.0)}) for e in found
    )
    rows, seconds = (sum(e.meta[what] for e in parts) for what in ("rows", "seconds"))
    return Attribution(parts, parts[0].meta | {"name": key, "rows": rows, "seconds": seconds})
