"""The cells of a network's layer as a cut of the picture, so that a map of that layer is judged on cuts that it can see."""

from __future__ import annotations

import numpy as np

from perturbxai.baseline_methods.inside import Inside
from perturbxai.calls.arguments import check_predictor
from perturbxai.calls.baselines import layer_names, read_layer
from perturbxai.core.deprecated import renamed
from perturbxai.core.extras import not_a_network
from perturbxai.core.types import Ints, Labels, Layer, Photo
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace
from perturbxai.models.predictor import Predictor


@renamed(photo="image")
def layer_grid(predictor: Predictor, image: Photo, layer: Layer | None = None) -> Labels:
    """(H, W) int32: which cell of a layer's map each pixel lies in, numbered in rows. Give it to ImageSpace as `segments`.

    predictor  of a torch.nn.Module
    image      one picture (H, W, C), as the network sees it; pictures of the same size have the same cells
    layer      as in `baselines`: a module or its name; None finds the layer that the class activation maps are of

    Cells are laid on the picture as heat maps are: a cell has the pixels that are nearest to its centre. A heat map is drawn
    bilinearly between the centres, so that its sums over the cells are the map's cells, each having given an eighth of its
    value to each side. Of a map drawn with the nearest cell's value they are the cells exactly.
    Asks the model three times: for its outputs, for the place of the map and for its shape.
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
    check_predictor(predictor)
    if predictor.kind != "network":
        raise not_a_network(
            f"layer_grid looks inside a torch.nn.Module, but the model is a {predictor.kind}; give that itself."
        )
    # any cut does: only the whole picture is looked at
    game = Game(predictor, ImageSpace(segments="grid", n_segments=2, fill=0), image)
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
