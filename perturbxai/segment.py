"""Label maps: which pixels make one player. Always renumbered 0..P-1 without gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


def relabel(labels: Any) -> Labels:
    """The same regions numbered 0..P-1 in the order of their labels. (H, W) integers in, (H, W) int32 out.

    >>> relabel([[1, 1], [7, 4]])
    array([[0, 0],
           [2, 1]], dtype=int32)
    """
    labels = np.asarray(labels)
    if labels.ndim != 2:
        raise ValueError(f"segments has shape {labels.shape}; expected a label map of shape (H, W).")
    if not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool):
        raise TypeError(f"segments has dtype {labels.dtype}; expected whole numbers, one a region.")
    numbers = np.unique(labels, return_inverse=True)[1]
    return np.ascontiguousarray(numbers.reshape(labels.shape), dtype=np.int32)


def make_segments(segments: str | Callable[[Any], Any] | Any, picture: NDArray[np.float32], n_segments: int) -> Labels:
    """(H, W) int32 labels 0..P-1 of one picture (H, W, C).

    segments: "slic" (may return fewer than n_segments), "grid" (as square as the count allows), a label map with any ids,
    or a function from the picture to a label map.
    Raises ValueError for an unknown name, a map of another size, or a single region.
    """
    height, width = picture.shape[:2]
    if isinstance(segments, str):
        if segments == "slic":
            labels = _slic(picture, n_segments)
        elif segments == "grid":
            labels = _grid(height, width, n_segments)
        else:
            raise ValueError(f'segments={segments!r} is not known; expected "slic", "grid", a label map or a function.')
    else:
        labels = relabel(segments(picture.copy()) if callable(segments) else segments)
    if labels.shape != (height, width):
        raise ValueError(
            f"segments has shape {labels.shape}, but the picture is {height} x {width}. "
            "Segment the picture that the network sees: crop and resize first (px.fit)."
        )
    if labels.max() == 0:
        raise ValueError("segments gave one region only (P = 1), which is nothing to compare; ask for more n_segments.")
    return labels


def neighbours(labels: Labels) -> NDArray[np.int64]:
    """(E, 2): the pairs of regions that share an edge of a pixel, each once, the lower number first.

    >>> neighbours(relabel([[1, 1], [7, 4]]))
    array([[0, 1],
           [0, 2],
           [1, 2]])
    """
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()])
    pairs = np.sort(np.concatenate([across, down], axis=1).T.astype(np.int64), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def _slic(picture: NDArray[np.float32], n_segments: int) -> Labels:
    from skimage.segmentation import slic

    # slic's compactness is meant for values in [0, 1]
    low, high = float(picture.min()), float(picture.max())
    scaled = (picture - low) / (high - low) if high > low else np.zeros_like(picture)
    colour = picture.shape[2] == 3
    grey = scaled if colour else scaled[..., :1]
    found = slic(
        grey if colour else grey[..., 0],
        n_segments=n_segments,
        compactness=10,
        sigma=1,
        start_label=0,
        channel_axis=-1 if colour else None,
    )
    return relabel(found)


def _grid(height: int, width: int, n_segments: int) -> Labels:
    rows = max(1, min(height, round(np.sqrt(n_segments * height / width))))
    columns = max(1, min(width, round(n_segments / rows)))
    down = np.arange(height) * rows // height
    across = np.arange(width) * columns // width
    return relabel(down[:, None] * columns + across[None, :])
