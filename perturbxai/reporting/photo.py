"""Photos on paper: as they are, in grey, painted with values, and with their superpixels numbered."""

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.types import Bools, Floats, Labels
from perturbxai.inputs.spaces import ImageInput
from perturbxai.reporting.types import Axes


def shown(picture: ArrayLike) -> Floats:
    """A picture in its own units as red, green and blue in 0..1; of bands, which have no colours, the grey mean."""
    values = np.asarray(picture, dtype=np.float64)
    if values.shape[2] not in (1, 3):
        low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
        values = ((values - low) / np.where(high > low, high - low, 1.0)).mean(axis=2, keepdims=True)
    top = 255.0 if values.max() > 1.0 else 1.0
    measured = values.shape[2] == 1 and top > 1.0 and bool((values != np.floor(values)).any())  # no grey levels
    if values.min() < 0.0 or values.max() > 255.0 or measured:
        values, top = values - values.min(), float(np.ptp(values)) or 1.0
    return np.broadcast_to(np.clip(values / top, 0, 1), (*values.shape[:2], 3))


def as_shown(picture: ArrayLike) -> str:
    """What `shown` made of a picture without colours, to be told beside it; nothing of a grey or coloured one."""
    n_channels = np.shape(picture)[2]
    return "" if n_channels in (1, 3) else f"grey: mean of {n_channels} bands, each in its range"


def draw_photo(axis: Axes, picture: ArrayLike, labels: Labels | None = None, white: float = 1.0) -> None:
    """A picture as it is, with labels `outlined`; below one without colours stands what is shown of it."""
    axis.imshow(shown(picture) if labels is None else outlined(picture, labels, white))
    axis.set_axis_off()
    if words := as_shown(picture):
        axis.text(0.5, -0.02, words, transform=axis.transAxes, ha="center", va="top", fontsize=6)


def grey(picture: ArrayLike) -> Floats:
    """(H, W): the brightness of a picture in 0..1."""
    return np.asarray(shown(picture) @ np.array([0.299, 0.587, 0.114]))


def painted(photo: Floats, labels: Labels, values: Floats) -> Floats:
    """(H, W, 3): the values in signed colours over the grey photo; the weaker a value, the more photo is seen."""
    import matplotlib

    largest = np.abs(values).max() or 1.0
    share = (values / largest)[labels]
    colour = matplotlib.colormaps["RdBu_r"](0.5 + 0.5 * share)[..., :3]
    weight = (0.25 + 0.5 * np.abs(share))[..., None]
    return np.asarray((1.0 - weight) * (0.25 + 0.65 * photo[..., None]) + weight * colour)


def outlined(picture: ArrayLike, labels: Labels, white: float) -> Floats:
    """(H, W, 3): the picture with so much white on the borders between its superpixels."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found = shown(picture).copy()
    found[edge] = (1.0 - white) * found[edge] + white
    return found


def deepest(inside: Bools) -> tuple[int, int]:
    """Row and column of the pixel furthest from the border of a superpixel (H, W): inside it also where it is no blob."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(inside, 1))
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return int(row) - 1, int(column) - 1


def numbered_photo(axis: Axes, one: ImageInput, chosen: list[int]) -> None:
    """The photo with the borders of its superpixels, and the numbers of those that the bars show."""
    draw_photo(axis, one.picture, one.labels)
    for player in chosen:
        row, column = deepest(one.labels == player)
        box = {"boxstyle": "round,pad=0.15", "facecolor": "black", "edgecolor": "none", "alpha": 0.65}
        axis.text(column, row, str(player), color="white", ha="center", va="center", fontsize=8, bbox=box)
    axis.set_title("superpixels")
