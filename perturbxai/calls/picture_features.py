"""Pictures as points: what a layer of a network makes of them, averaged over its places; or their pixels."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from perturbxai.baseline_methods.inside import Inside
from perturbxai.calls.baselines import layer_names
from perturbxai.core.extras import not_a_network
from perturbxai.core.types import Floats, Layer, Picture
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace
from perturbxai.models.predictor import Predictor

Embed: TypeAlias = Predictor | Callable[[Any], Any] | None
"""What makes points of things: a Predictor of a network, a function of them, or nothing."""


def pixels_of(pictures: Sequence[Picture]) -> Floats:
    """(n, H W C): raw pixels. Raises ValueError for pictures of several shapes."""
    shapes = {one.shape for one in pictures}
    if len(shapes) > 1:
        first, second = sorted(shapes)[:2]
        raise ValueError(
            f"the pictures have different shapes, such as {first} and {second}, and pixels of one stand for none of "
            "the other; crop and resize them by px.fit(image, size), or give embed=predictor, for its network's features."
        )
    return np.stack([one.ravel() for one in pictures]).astype(np.float64)


def features_of(pictures: Sequence[Picture], predictor: Predictor, layer: Layer | None) -> Floats:
    """(n, C): what each picture's map at a layer is on average over its places; None: the last map, as CAMs have it.

    One forward pass a picture, and one or two that tell where the map is. Raises TypeError for a model that is no network.
    """
    if predictor.kind != "network":
        raise not_a_network(
            f"embed is a Predictor of a {predictor.kind}, which has no layers; give one of a torch.nn.Module, or a function "
            "from the pictures to points (n, d)."
        )
    names = None if layer is None else layer_names(predictor, (layer,))
    # any cut does: only whole pictures are looked at
    game = Game(predictor, ImageSpace(segments="grid", n_segments=2, fill=0), list(pictures), outputs=[0])
    inside = Inside(predictor, game, names, "logit", differentiate=False)
    return np.stack([inside.view(one.picture, 0).activations.mean(axis=(1, 2)) for one in game.pictures])


def points_by(embed: Callable[[Any], Any], things: Any, n: int) -> Floats:
    """(n, d): what a user's function makes of rows or pictures. Raises ValueError for other shapes and for no numbers."""
    found = np.asarray(embed(things))
    if found.dtype.kind not in "biuf" or found.ndim < 2 or len(found) != n:
        raise ValueError(
            f"embed returned {found.dtype} of shape {found.shape} for {n:,} of them; expected numbers ({n}, d), a line each."
        )
    points = found.reshape(n, -1).astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("embed returned values that are not finite; expected numbers, a line for each.")
    return points
