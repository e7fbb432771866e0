"""baselines(): class activation maps, gradients, relevance, glass boxes and controls on a space's players.

layer_grid(): the cells of a network's layer as a cut of the picture, so that a map of it is judged on cuts that it can see.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from perturbxai.baseline_methods.inside import Inside
from perturbxai.baseline_methods.kinds import Baseline, OfLayer, OfPicture, OfPixels, OfPlayers, OfRow
from perturbxai.calls.arguments import AnyModel, AnySpace, as_predictor, asked, name_methods
from perturbxai.calls.baselines_call import BaselinesCall, Placed
from perturbxai.calls.crew import asked_by
from perturbxai.calls.photo_chunks import PhotoChunks
from perturbxai.calls.record import Record
from perturbxai.calls.workers import check_n_jobs, how_many
from perturbxai.core import catalogue, checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.extras import not_a_network
from perturbxai.core.stopping import keeping
from perturbxai.core.types import Inputs, Ints, Labels, Layer, Outputs, Photo
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace, Space, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution

SCORES = ("logit", "probability")
Layers: TypeAlias = Layer | Iterable[Layer]
"""A layer of a network, or several."""


def baselines(
    methods: str | Baseline | Sequence[str | Baseline],
    predictor: AnyModel,
    space: AnySpace,
    x: Inputs,
    *,
    outputs: Outputs | None = None,
    layer: Layers | None = None,
    score: str = "logit",
    n_jobs: int | None = None,
) -> dict[str, Attribution]:
    """Explain rows or pictures by methods that look inside the model (CAM, gradients, LRP, trees), and by controls.

    methods    names or method objects. Pictures: "cam", "grad_cam", "grad_cam_plus_plus", "xgrad_cam", "hires_cam",
               "layer_cam", "eigen_cam", "cam_difference", and two that ask for hundreds of scores: "score_cam",
               "ablation_cam"; by the pixel "smooth_grad", "deconvnet", "guided_backprop", "guided_grad_cam", "lrp",
               "deep_taylor", "mask_optimisation"; all summed over superpixels. On both "gradient", "gradient_x_input",
               "integrated_gradients". Tables: "expected_gradients", "glass_box". Controls: "random" on both, "centre"
               and "edges" on pictures
    predictor  the model, or px.Predictor(model) with its options: a torch.nn.Module for maps and gradients, a scikit-learn
               model for "glass_box", on whose `output` scale gradients and exact values are; the controls take any model
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
    n_jobs     workers who share photos in chunks, or of a table ask the model for its values; see `explain`. Threads look
               inside one network one after the other: take processes

    Returns a mapping from name to Attribution. On pictures `.values` are the sums of `.heat` (K, H, W) over the players;
    `.meta["map"]` is the raw map (K, h, w) in the paper's units, not scaled, `.meta["layer"]` where it was found; a map by
    the pixel is `.heat` itself, with its sign. `.meta["gap"]` is what complete values lack. `.meta["rows_once_a_call"]` has
    what is asked once, whatever the methods: v(nothing) and v(N), and one pass that finds the layer. Nothing of the model
    is changed, also if it raises.
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
    call, n_jobs = prepared(methods, predictor, space, x, outputs=outputs, layer=layer, score=score, n_jobs=n_jobs)
    predictor = call.inside.predictor
    with keeping(lambda: call.attributions() or None), predictor.watched("baselines"), asked_by(predictor, n_jobs):
        run_here(call, n_jobs)
    return call.attributions()


def prepared(
    methods: str | Baseline | Sequence[str | Baseline], predictor: AnyModel, space: AnySpace, x: Inputs, *,
    outputs: Outputs | None, layer: Layers | None, score: str, n_jobs: int | None,
) -> tuple[BaselinesCall, int | None]:  # fmt: skip
    """The call that `baselines` makes of its arguments, with all checked that can be without the model, and how many workers
    share it. Raises as it does."""
    named = named_baselines(methods)
    checks.refuse_missing(score=score)
    predictor, space = asked(predictor, space)
    n_jobs = check_n_jobs(n_jobs)
    game = Game(predictor, space, x, outputs)
    layer = read_layer(layer)
    check_methods(named, predictor, space, layer, score)
    differentiate = any(method.differentiates for method in named.values())
    layers = layer_names(predictor, layer)
    placed = _placed(named, layers if isinstance(layer, list) else None)
    return BaselinesCall(placed, Record(game), Inside(predictor, game, layers, score, differentiate)), n_jobs


def run_here(call: BaselinesCall, n_jobs: int | None) -> None:
    """Explain all inputs of a call, from the beginning again where the network cannot do it in the layout that it ran in."""
    predictor = call.inside.predictor
    try:
        call.run(_apart(call, n_jobs))
    except RuntimeError as error:
        # a pass backwards may break on channels last where the pass forwards did not
        if "view" not in str(error) or predictor.kind != "network" or not predictor.network_model().passes.lay_aside():
            raise
        call.begin_again()
        call.run(_apart(call, n_jobs))


def _apart(call: BaselinesCall, n_jobs: int | None) -> PhotoChunks | None:
    """What gives the photos to workers, where there are several of both."""
    pictures, n_inputs = isinstance(call.record.game.space, ImageSpace), len(call.record.game.inputs)
    return PhotoChunks(call, n_jobs) if pictures and how_many(n_jobs, n_inputs) > 1 else None


def read_layer(layer: Layers | None) -> Layers | None:
    """Several layers as a list; a name or a module, which may be one that is gone through, as it is."""
    if not isinstance(layer, Iterable) or isinstance(layer, str) or hasattr(layer, "named_modules"):
        return layer
    return checks.several("layer", layer, "a module, its name, or several")


def layer_names(predictor: Predictor, layer: Layers | None) -> tuple[str, ...] | None:
    """The names of the layers that are asked for; None to find one."""
    if layer is None:
        return None
    from perturbxai.baseline_methods import places

    return places.layer_names(predictor.network_model().inner, layer)


def _placed(named: Mapping[str, Baseline], layers: Sequence[str] | None) -> Placed:
    """Key -> (method, number of its layer): of a list of layers, those that look inside have a result at each."""
    placed: Placed = {}
    for key, method in named.items():
        inner = key.removesuffix(")") + ", " if key.endswith(")") else f"{key}("
        if layers and method.passes:
            placed |= {f"{inner}layer={name!r})": (method, number) for number, name in enumerate(layers)}
        else:
            placed[key] = (method, 0)
    return placed


def named_baselines(methods: object) -> dict[str, Baseline]:
    """By key, the methods that `baselines` is given."""
    return name_methods(methods, catalogue.BASELINES, Baseline)


def check_methods(
    named: Mapping[str, Baseline], predictor: Predictor, space: Space, layer: Layers | None, score: str
) -> None:
    """Everything that can be known without the model."""
    checks.one_of("score", score, SCORES)
    pictures = not isinstance(space, TabularSpace)
    looking = [key for key, method in named.items() if method.passes or (pictures and isinstance(method, OfPixels))]
    for key, method in named.items():
        _check_kind(key, method, space)
        if score not in method.scores:
            raise ValueError(f"{key}: score={score!r} is no sum that it could share out; take score='logit', or grad_cam.")
    if looking and predictor.kind != "network":
        look, them = ("looks", "it") if len(looking) == 1 else ("look", "them")
        raise not_a_network(
            f"{', '.join(looking)} {look} inside a torch.nn.Module, but the model is a {predictor.kind}; "
            f"give Predictor the module itself, or leave {them} out."
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


@renamed(photo="image")
def layer_grid(predictor: AnyModel, image: Photo, layer: Layer | None = None) -> Labels:
    """(H, W) int32: which cell of a layer's map each pixel lies in, numbered in rows. Give it to ImageSpace as `segments`.

    predictor  of a torch.nn.Module
    image      one picture (H, W, C), as the network sees it; pictures of the same size have the same cells
    layer      as in `baselines`: a module or its name; None finds the layer that the class activation maps are of

    Cells are laid on the picture as heat maps are: a cell has the pixels that are nearest to its centre. A heat map is drawn
    bilinearly between the centres, so that its sums over the cells are the map's cells, each having given an eighth of its
    value to each side. Of a map drawn with the nearest cell's value they are the cells exactly.
    Asks the model three times: for its outputs, for the place of the map (once a Predictor) and for its shape.
    Raises TypeError for a model that is no torch module, ValueError for several pictures, for an unknown layer, for one that
    gives no map, and for a map with more cells than the picture has pixels on a side.

    >>> import numpy as np, torch, perturbxai as px
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 2, stride=2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    >>> layer_grid(px.Predictor(net), np.eye(4))
    array([[0, 0, 1, 1],
           [0, 0, 1, 1],
           [2, 2, 3, 3],
           [2, 2, 3, 3]], dtype=int32)
    """
    predictor = as_predictor(predictor)
    if predictor.kind != "network":
        raise not_a_network(
            f"layer_grid looks inside a torch.nn.Module, but the model is a {predictor.kind}; give that itself."
        )
    # any cut does: only the whole picture is looked at
    game = Game(predictor, ImageSpace(segments="grid", n_segments=2, fill=0), image, outputs=[0])
    if len(game.inputs) != 1:
        raise ValueError(f"image holds {len(game.inputs)} pictures; give one (H, W, C).")
    names = layer_names(predictor, read_layer(layer))
    if names and len(names) > 1:
        raise ValueError(f"layer names {len(names)} layers, whose cells differ; name one.")
    picture = game.pictures[0].picture
    with predictor.watched("layer_grid"):
        view = Inside(predictor, game, names, "logit", differentiate=False).view(picture, 0)
    down, across = (_nearest(n, size) for n, size in zip(view.activations.shape[1:], picture.shape[:2], strict=True))
    return np.asarray(down[:, None] * view.activations.shape[2] + across, dtype=np.int32)


def _nearest(n_cells: int, n_pixels: int) -> Ints:
    """(n_pixels,): the cell that the middle of each pixel lies in, in whole numbers, so that nothing is rounded."""
    if n_cells > n_pixels:
        raise ValueError(f"layer has {n_cells} cells along {n_pixels} pixels; name a coarser layer.")
    return np.asarray((2 * np.arange(n_pixels) + 1) * n_cells // (2 * n_pixels))
