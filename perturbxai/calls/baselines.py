"""baselines(): class activation maps, gradients, relevance, glass boxes and controls on a space's players."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.baseline_methods.inside import Inside
from perturbxai.baseline_methods.kinds import Baseline, OfLayer, OfPicture, OfPixels, OfPlayers, OfRow
from perturbxai.baseline_methods.table_row import TableRow
from perturbxai.calls.arguments import check_predictor, check_space, name_methods
from perturbxai.calls.conclude import check_shapes
from perturbxai.core import catalogue, checks
from perturbxai.core.extras import not_a_network
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Floats, Inputs, Layer, Outputs
from perturbxai.core.versions import versions
from perturbxai.estimation.intervals import independent_factor
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution, Explanation

if TYPE_CHECKING:  # loads torch
    from perturbxai.baseline_methods.pixels import PixelMap

Placed = dict[str, tuple[Baseline, int]]  # by key a method, and the number of its layer

SCORES = ("logit", "probability")
NORMAL_95 = 1.959963984540054
ROUNDING = 8.0 * np.finfo(np.float64).eps


def baselines(
    methods: str | Baseline | Sequence[str | Baseline],
    predictor: Predictor,
    space: Space,
    x: Inputs,
    *,
    outputs: Outputs | None = None,
    layer: Layer | Sequence[Layer] | None = None,
    score: str = "logit",
) -> dict[str, Attribution]:
    """Explain rows or pictures by methods that look inside the model (CAM, gradients, LRP, trees), and by controls.

    methods    names or method objects. Pictures: "cam", "grad_cam", "grad_cam_plus_plus", "xgrad_cam", "hires_cam",
               "layer_cam", "eigen_cam", "cam_difference", and two that ask for hundreds of scores: "score_cam",
               "ablation_cam"; by the pixel "smooth_grad", "deconvnet", "guided_backprop", "guided_grad_cam", "lrp",
               "deep_taylor", "mask_optimisation"; all summed over superpixels. On both "gradient", "gradient_x_input",
               "integrated_gradients". Tables: "expected_gradients", "glass_box". Controls: "random" on both, "centre"
               and "edges" on pictures
    predictor  of a torch.nn.Module for maps and gradients, of a scikit-learn model for "glass_box", on whose `output` scale
               gradients and exact values are; the controls take any model
    x          one picture (H, W, C) or several; rows of a table
    outputs    as in `explain`: names or numbers; None means all up to 20, else the five highest at the first input
    layer      where the map is: a module, or its name ("layer4", "act#1" for its second call, "input of avgpool"). Tokens
               of a transformer are laid out on the grid of its patches, without the class token. A list looks at all its
               layers in one forward pass, and gives a result for each, keyed "grad_cam(layer='layer4')". None finds the
               last map that the scores depend on only through, by one forward pass, in what the network returns and
               `select` makes of it too; where they read a class token alone, the last norm whose patches they still read
    score      "logit", or "probability": taken behind the softmax, which is another map (not for cam, cam_difference,
               lrp, deep_taylor).
               score_cam asks the predictor itself, whose `output` must be the same

    Returns a mapping from name to Attribution. On pictures `.values` are the sums of `.heat` (K, H, W) over the players;
    `.meta["map"]` is the raw map (K, h, w) in the paper's units, not scaled, `.meta["layer"]` where it was found; a map by
    the pixel is `.heat` itself, with its sign. `.meta["gap"]` is what complete values lack. `.meta["rows"]` is what the
    method itself asked; `.meta["rows_once_a_call"]` what is asked beside it, whatever the methods: v(nothing) and v(N), and
    one pass that finds the layer. Nothing of the model is changed, also if it raises.
    Raises TypeError for models without the inside that a method needs, ValueError for unknown methods, outputs and layers,
    for a CAM of a network whose head is not linear in the pooled map, for a layer that a method's rules do not cover, for
    maps on tables and the methods of tables on pictures; ModelError for scores and gradients that are not finite.

    >>> import numpy as np, torch, perturbxai as px
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    >>> found = px.baselines(["cam"], px.Predictor(net), space, np.eye(8), outputs=[0])["cam"]
    >>> found.values.shape, found.meta["layer"]
    ((1, 4, 1), 'input of 1')
    """
    named = named_baselines(methods)
    checks.refuse_missing(score=score)
    check_predictor(predictor)
    check_space(space)
    game = Game(predictor, space, x, outputs)
    check_methods(named, predictor, space, layer, score)
    differentiate = any(method.differentiates for method in named.values())
    layers = _layers(predictor, layer)
    placed = _placed(named, layer, layers)
    began, rows, seconds = time.perf_counter(), predictor.rows, predictor.seconds
    inside = Inside(predictor, game, layers, score, differentiate)
    found: list[dict[str, Explanation]] = []
    first, lost = game.first_alike, 0

    def explained() -> None:
        nonlocal inside
        inside = Inside(predictor, game, layers, score, differentiate)
        found.clear()
        for number, one in enumerate(game.inputs):
            if first[number] < number:  # the same input again is not asked again
                found.append({key: replace(e, label=one.label) for key, e in found[first[number]].items()})
                continue
            found.append({})
            _explain(placed, game, number, inside, found[-1])

    def attributions() -> dict[str, Attribution]:
        once = {"v(nothing) and v(N)": game.used(0), "where the layer is": inside.searched, "in a layout that failed": lost}
        spent = {
            "rows_once_a_call": {what: n for what, n in once.items() if n},
            "call_rows": predictor.rows - rows,
            "call_model_seconds": predictor.seconds - seconds,
            "call_seconds": time.perf_counter() - began,
        }
        asked_rows, asked_seconds = inside.asked
        a_row = (predictor.seconds - seconds - asked_seconds) / max(predictor.rows - rows - asked_rows, 1)
        parts = {key: {n: f[key] for n, f in enumerate(found) if key in f} for key in placed}
        return {
            key: _attribution(key, own, [n for n in own if first[n] == n], inside.shared.get(key, 0), spent, a_row)
            for key, own in parts.items()
            if own
        }

    with keeping(lambda: attributions() or None), predictor.watched("baselines"):
        try:
            explained()
        except RuntimeError as error:
            # a pass backwards may break on channels last where the pass forwards did not
            if "view" not in str(error) or predictor.kind != "network" or not predictor.network_model().passes.lay_aside():
                raise
            lost = predictor.rows - rows - game.used(0)
            explained()
    return attributions()


def _layers(predictor: Predictor, layer: Any) -> tuple[str, ...] | None:
    """The names of the layers that are asked for; None to find one."""
    if layer is None:
        return None
    from perturbxai.baseline_methods.places import layer_names

    return layer_names(predictor.network_model().inner, layer)


def _placed(named: Mapping[str, Baseline], layer: Any, layers: tuple[str, ...] | None) -> Placed:
    """Key -> (method, number of its layer): of a list of layers, those that look inside have a result at each."""
    if layers is None or not _is_list(layer):
        return {key: (method, 0) for key, method in named.items()}
    placed: Placed = {}
    for key, method in named.items():
        if not method.passes:
            placed[key] = (method, 0)
        for number, name in enumerate(layers if method.passes else ()):
            inner = key.removesuffix(")") + ", " if key.endswith(")") else f"{key}("
            placed[f"{inner}layer={name!r})"] = (method, number)
    return placed


def _is_list(layer: Any) -> bool:
    return isinstance(layer, Sequence) and not isinstance(layer, str)


def named_baselines(methods: Any) -> dict[str, Baseline]:
    """By key, the methods that `baselines` is given."""
    return name_methods(methods, catalogue.BASELINES, Baseline)


def check_methods(named: Mapping[str, Baseline], predictor: Predictor, space: Space, layer: Any, score: str) -> None:
    """Everything that can be known without the model."""
    checks.one_of("score", score, SCORES)
    pictures = not isinstance(space, TabularSpace)
    looking = [key for key, method in named.items() if method.passes or (pictures and isinstance(method, OfPixels))]
    for key, method in named.items():
        _check_kind(key, method, space)
        if score not in method.scores:
            raise ValueError(f"{key}: score={score!r} is no sum that it could share out; take score='logit', or grad_cam.")
    if looking and predictor.kind != "network":
        raise not_a_network(
            f"{', '.join(looking)} look inside a torch.nn.Module, but the model is a {predictor.kind}; "
            "give Predictor the module itself, or leave them out."
        )
    if looking:
        _check_open({key: named[key] for key in looking}, predictor)
    for key, method in named.items():
        if method.on_the_scale_of_the_predictor and (score == "probability") != (predictor.output == "probability"):
            raise ValueError(
                f"{key} asks the predictor, whose output is {predictor.output!r}, but score={score!r}; make it "
                f"Predictor(output={score!r}), or give the other score=."
            )
    if layer is not None and not any(method.passes for method in named.values()):
        raise ValueError(f"layer={layer!r} is for maps from inside a network, and {', '.join(named)} are none.")
    if score != SCORES[0] and isinstance(space, TabularSpace):
        raise ValueError(f"score={score!r} is for maps; tables have the predictor's own scale: Predictor(output={score!r}).")
    for method in named.values():
        if isinstance(space, TabularSpace):
            method.check_table(predictor, space)
        else:
            method.check_picture()


def _check_open(named: Mapping[str, Baseline], predictor: Predictor) -> None:
    """Refuse methods by what the network is made of: scripted layers are hidden, quantised ones have no slope."""
    hidden, flat = predictor.network_model().closed()
    for key, method in named.items():
        if hidden and (method.passes or method.follows):
            raise TypeError(f"{key}: the network {hidden}; give Predictor the module that it was made of.")
        if flat and (isinstance(method, OfPixels) or method.differentiates):
            raise TypeError(
                f"{key}: the network {flat}; give Predictor the float network that it was made of, or take a method that "
                "asks for values alone, such as 'kernel_shap'."
            )


def _check_kind(key: str, method: Baseline, space: Space) -> None:
    """Maps are of pictures, glass boxes are of tables, and gradients are of both."""
    if isinstance(space, TabularSpace):
        if not isinstance(method, (OfPlayers, OfRow)):
            raise ValueError(f"{key} is a map of a picture, but the space is a table; leave it out, or take 'random'.")
    elif not isinstance(method, (OfPlayers, OfPicture, OfLayer, OfPixels)):
        raise ValueError(f"{key} is for tables, but the space is of pictures; take 'integrated_gradients' or a map there.")


def _explain(placed: Placed, game: Game, number: int, inside: Inside, found: dict[str, Explanation]) -> None:
    """All methods at one input, one after the other."""
    one, outputs = game.inputs[number], game.outputs
    ((empty, full),) = game.ends_of([number], users=1)
    for key, (method, layer) in placed.items():
        stderr, critical, df = None, NORMAL_95, np.inf
        if isinstance(game.space, TabularSpace) and isinstance(method, OfRow):
            row = TableRow(game, number, game.learn().columns, empty, full, inside.known)
            values, heat, notes = _of_row(key, method, placed, row)
        elif isinstance(method, OfPixels):
            mapped = _of_picture(key, method, placed, number, inside)
            values, heat, notes = game.pictures[number].pool(mapped.heat).T, mapped.heat, mapped.notes
            stderr, df = mapped.stderr, mapped.df
            critical = NORMAL_95 if stderr is None else independent_factor(len(one.names), df)
        else:
            values, heat, notes = _map(key, method, layer, number, inside)
        check_shapes(key, len(outputs), len(one.names), values=values)
        meta = {
            "rows": method.passes,
            "rows_shared_with": [k for k, (m, _) in placed.items() if k != key and method.passes and m.passes],
            "merged": [name for p, name in enumerate(one.names) if p not in set(one.active.tolist())],
            "plan": game.predictor.plan,
            **game.about_outputs,
            "versions": versions(),
        }
        rounding = np.full(values.shape, ROUNDING * np.abs(values).max(initial=0.0))
        stderr = rounding if stderr is None else np.maximum(stderr, rounding)
        found[key] = Explanation(
            values, stderr, np.full(len(outputs), critical), df, empty, full, one.names, outputs, one.label,
            one.source, method, meta | notes | one.meta, heat=heat,
        )  # fmt: skip


def _of_row(key: str, method: OfRow, placed: Placed, row: TableRow) -> tuple[Floats, None, dict[str, Any]]:
    """Values (P, K), no heat, and notes for `meta`, of one method of tables."""
    predictor = row.predictor
    began, rows, seconds = time.perf_counter(), predictor.rows, predictor.seconds
    values, notes = method.of_row(row)
    own = time.perf_counter() - began - (predictor.seconds - seconds)  # what the model took is told by its rows
    shared = [k for k, (m, _) in placed.items() if k != key and method.at_x and isinstance(m, OfRow) and m.at_x]
    asked = 1 if method.at_x else predictor.rows - rows
    return values, None, {"rows": asked, "rows_shared_with": shared, "own_seconds": own} | notes


def _of_picture(key: str, method: OfPixels, placed: Placed, number: int, inside: Inside) -> PixelMap:
    """The map of one method by the pixel at one picture, its notes for `meta` complete."""
    from perturbxai.baseline_methods.graph import NoRule

    layer = placed[key][1]
    pixels = inside.pixels(number, layer)
    try:
        found = method.of_picture(pixels)
    except NoRule as error:
        raise NoRule(f"{key}: {error}") from None
    finally:
        inside.count(pixels)
    what = method.shares or key
    notes = {
        "pool": "sum",
        "score": inside.score,
        "rows": method.passes + pixels.rows,
        "rows_shared_with": [
            k for k, (m, _) in placed.items()
            if k != key and ((method.passes and m.passes) or (m.shares or k) == what)
        ],
        "own_rows": pixels.rows,
        "own_seconds": pixels.seconds,
    }  # fmt: skip
    if method.passes:
        notes["layer"] = inside.places(pixels.one.picture)[layer].label
    return replace(found, notes=notes | found.notes)


def _map(
    key: str, method: Baseline, layer: int, number: int, inside: Inside
) -> tuple[Floats, Floats | None, dict[str, Any]]:
    """Values (P, K), heat (K, H, W) or None, and notes for `meta`, of one method at one input and layer."""
    outputs = inside.game.outputs
    if isinstance(method, OfPlayers):
        x = inside.game.inputs[number]

        def rng(seed: int) -> np.random.Generator:
            return np.random.default_rng([seed, *x.digest])

        return method.values(len(x.names), len(outputs), rng), None, {}
    one = inside.game.pictures[number]
    if isinstance(method, OfPicture):
        heat = np.repeat(method.heat(one.picture)[None], len(outputs), axis=0)
        return one.pool(heat).T, heat, {"pool": "sum"}
    from perturbxai.baseline_methods.upsample import enlarge

    assert isinstance(method, OfLayer)

    fill = inside.view_of_fill(one.fill, layer, key) if method.needs_fill else None
    seen = inside.view_of_input(number, layer)
    rows, seconds = inside.asked
    cells = method.cells(seen, fill)
    heat = enlarge(cells, one.labels.shape, conserve=method.conserves)
    asked = inside.asked[0] - rows
    notes: dict[str, Any] = {
        "pool": "sum",
        "layer": inside.places(one.picture)[layer].label,
        "score": inside.score,
        "map": method.paper_map(cells),
        "empty_maps": [outputs[k] for k in range(len(outputs)) if not cells[k].any()],
    }
    if method.by_asking:
        notes |= {"rows": method.passes + asked, "own_rows": asked, "own_seconds": inside.asked[1] - seconds}
    return one.pool(heat).T, heat, notes


def _attribution(
    key: str, found: dict[int, Explanation], asked: list[int], shared: int, spent: dict[str, Any], a_row: float
) -> Attribution:
    """The results of all inputs, by number. asked: those that were;  shared: rows that served several of them."""

    def seconds_of(meta: dict[str, Any]) -> float:
        return float((meta["rows"] - meta.get("own_rows", 0)) * a_row + meta.get("own_seconds", 0.0))

    parts = {n: replace(e, meta=e.meta | spent | {"seconds": seconds_of(e.meta)}) for n, e in found.items()}
    rows, seconds = (sum(parts[n].meta[what] for n in asked) for what in ("rows", "seconds"))
    total = {"name": key, "rows": rows - shared, "seconds": seconds - shared * a_row}
    return Attribution(tuple(parts.values()), next(iter(parts.values())).meta | total)
