"""The superpixels of an explained photo: which pixels are whose, and which of them lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.types import Bools, Inputs, Labels
from perturbxai.results.amounts import EXACT
from perturbxai.results.taking import TAKEN_OF

if TYPE_CHECKING:
    from perturbxai.results.one_input import Explanation


NINTHS = (
    ("upper left", "top", "upper right"),
    ("left", "centre", "right"),
    ("lower left", "bottom", "lower right"),
)  # of a picture


class Cuts(Protocol):
    """What cuts photos into players: an ImageSpace."""

    def players(self, x: Inputs) -> Sequence[Any]:
        """The photos of x as inputs, each with its `labels` (H, W) and `names`."""


Cut: TypeAlias = Cuts | ArrayLike
"""An ImageSpace, or the label map (H, W) of the one photo."""


def labels_of(e: Explanation, space: Cut) -> Labels:
    """(H, W): the number of the player that a pixel belongs to, -1 of one that was not taken.

    Raises TypeError for a table's row and for what cuts no photo, ValueError for a cut without the explanation's players.
    """
    if np.ndim(e.input) == 1:
        raise TypeError("the explanation is of a row of a table, which has no superpixels.")
    size = np.shape(e.input)[:2]
    if hasattr(space, "players"):
        (one,) = space.players(e.input)
        labels, names = np.asarray(one.labels), tuple(one.names)
        if names != e.names and not (TAKEN_OF in e.meta and set(e.names) <= set(names)):
            raise ValueError(
                f"space cuts this photo into {len(names)} superpixels, but the explanation has {len(e.names)} or others; "
                "give the space that it was explained in."
            )
        number = {name: p for p, name in enumerate(e.names)}
        return np.asarray(np.array([number.get(name, -1) for name in names], dtype=np.int32)[labels])
    labels = np.asarray(space)
    if labels.shape != size or labels.dtype.kind not in "iu":
        raise TypeError(
            f"space={checks.as_given(space)} must be the ImageSpace of the call, or its label map: whole numbers {size}."
        )
    if set(np.unique(labels).tolist()) != set(range(len(e.names))):
        raise ValueError(f"space has other labels than 0..{len(e.names) - 1}, the numbers of the explanation's superpixels.")
    return labels.astype(np.int32)


def top_mask(e: Explanation, space: Cut, top: int, k: int, positive_only: bool) -> Bools:
    """(H, W): where the superpixels lie that lead for output k; see `Explanation.mask`."""
    top = checks.whole("top", top, 1, of="superpixels")
    labels, values = labels_of(e, space), e.values[:, k]
    strength = values if checks.flag("positive_only", positive_only) else np.abs(values)
    leaders = [p for p in np.argsort(-strength, kind="stable")[:top] if strength[p] > EXACT * np.abs(values).max()]
    return np.asarray(np.isin(labels, leaders))


def where(labels: Labels, player: int) -> str:
    """In which ninth of a picture the middle of a superpixel lies: "upper left", "centre"; "nowhere" without a pixel."""
    rows, columns = np.nonzero(labels == player)
    if not len(rows):
        return "nowhere"
    height, width = labels.shape
    down, across = (min(int(3 * (at.mean() + 0.5) / side), 2) for at, side in ((rows, height), (columns, width)))
    return NINTHS[down][across]
