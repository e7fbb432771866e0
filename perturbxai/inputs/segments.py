"""Label maps: which pixels make one player. Always renumbered 0..P-1 without gaps."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import catalogue, checks
from perturbxai.core.functions import takes
from perturbxai.core.types import Bools, Ints, Labels, Picture
from perturbxai.inputs.pictures import even

QUICKSHIFT_SIDE = 256
QUICKSHIFT_KERNELS = (4, 6, 9)  # wider ones leave fewer modes, and take longer
SCALES_TRIED = 10  # of felzenszwalb's, halving 0..16 each time
GREY_OR_COLOUR = (1, 3)  # channels; other numbers are bands, whose units may differ
FEWEST_SHARE = 10  # its regions have at least a tenth of the mean area


def relabel(labels: ArrayLike) -> Labels:
    """The same regions numbered 0..P-1 in the order of their labels. (H, W) integers in, (H, W) int32 out.

    >>> relabel([[1, 1], [7, 4]])
    array([[0, 0],
           [2, 1]], dtype=int32)
    """
    labels = even(labels, "segments")
    if labels.ndim != 2:
        raise ValueError(f"segments has shape {labels.shape}; expected a label map of shape (H, W).")
    if not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == bool):
        raise TypeError(f"segments has dtype {labels.dtype}; expected whole numbers, one a region.")
    numbers = np.unique(labels, return_inverse=True)[1]
    return np.ascontiguousarray(numbers.reshape(labels.shape), dtype=np.int32)


def make_segments(segments: str | Callable[[Any], Any] | Any, picture: Picture, n_segments: int) -> Labels:
    """(H, W) int32 labels 0..P-1 of one picture (H, W, C); see `cut`, which gives the players' names besides."""
    return cut(segments, picture, n_segments)[0]


def cut(segments: object, picture: Picture, n_segments: int) -> tuple[Labels, tuple[str, ...]]:
    """(H, W) int32 labels 0..P-1 of one picture (H, W, C), and the names of the players.

    segments: a name in the catalogue; a label map with any ids; a mask of True and False, whose players are "outside" and
    "inside"; a dictionary of masks, whose names are the players'; or a function from the picture to one of these, which is
    given n_segments too if it has an argument of that name without a default.
    What no mask of a dictionary holds is one more player, "rest", or is cut in its turn where one of the values is the name
    of a segmenter or a function instead of a mask.
    Raises ValueError for an unknown name, a map or mask of another size, masks that overlap or are empty, and for a single
    region; TypeError for what is neither.
    """
    height, width = picture.shape[:2]
    found: Any = segments
    if callable(found):
        wanted = takes(found, ("n_segments",), "segments", first=1, needed=True)
        found = found(picture.copy(), **dict.fromkeys(wanted, n_segments))
    if isinstance(found, Mapping):
        labels, names = _of_masks(found, picture, n_segments)
    elif isinstance(found, str):
        checks.one_of("segments", found, catalogue.SEGMENTERS, way=", a label map, masks or a function")
        labels, names = relabel(catalogue.load(catalogue.SEGMENTERS, found)(picture, n_segments)), ()
    else:
        found = even(found, "segments")
        labels, names = relabel(found), ("outside", "inside") if found.dtype == bool else ()
    if labels.shape != (height, width):
        raise ValueError(
            f"segments has shape {labels.shape}, but the picture is {height} x {width}. "
            "Segment the picture that the network sees: crop and resize first (px.fit)."
        )
    n_players = int(labels.max()) + 1
    if n_players == 1:
        raise ValueError(
            "segments gave one region only (P = 1), which is nothing to compare; ask for more n_segments, for "
            '"grid", or give a map or masks that leave something outside.'
        )
    return labels, names or tuple(f"superpixel {p}" for p in range(n_players))


def areas(labels: Labels) -> dict[str, Any]:
    """How many regions a label map has, their least, median and largest area in pixels, and deviation over mean of it."""
    size = np.bincount(labels.ravel())
    least, median, largest = (int(s) for s in (size.min(), np.median(size), size.max()))
    spread = float(size.std() / size.mean())
    return {"found": len(size), "least": least, "median": median, "largest": largest, "spread": round(spread, 3)}


def _of_masks(masks: Mapping[Any, Any], picture: Picture, n_segments: int) -> tuple[Labels, tuple[str, ...]]:
    """The label map of named masks, and their names; what they leave is cut by the one value that is no mask."""
    names: list[str] = []
    owner, cutter = np.full(picture.shape[:2], -1, dtype=np.int64), None
    for name, given in masks.items():
        if isinstance(given, str) or callable(given):
            if cutter is not None:
                raise ValueError(f"segments: {cutter[0]!r} and {name!r} both cut what the masks leave; keep one of them.")
            cutter = str(name), given
            continue
        mask = _as_mask(given, str(name), owner.shape)
        if not mask.any():
            raise ValueError(f"segments[{name!r}] is empty: the mask holds no pixel. Leave it out.")
        if (taken := owner[mask & (owner >= 0)]).size:
            other = names[int(taken[0])]
            raise ValueError(
                f"segments[{name!r}] and segments[{other!r}] share {taken.size} pixels; a pixel belongs to one player."
            )
        owner[mask] = len(names)
        names.append(str(name))
    left = owner < 0
    if cutter is not None:
        if not left.any():
            raise ValueError(
                f"segments[{cutter[0]!r}] would cut what the masks leave, but they leave no pixel; leave it out."
            )
        parts = cut(cutter[1], picture, n_segments)[0]
        numbers = relabel(parts[left][None])[0]
        owner[left] = len(names) + numbers
        names += [f"{cutter[0]} {p}" for p in range(int(numbers.max()) + 1)]
    elif left.any():
        owner[left] = len(names)
        names.append("rest")
    if len(set(names)) < len(names):
        raise ValueError(f"segments: two players would have one name of {names}; name the masks otherwise.")
    return relabel(owner), tuple(names)


def _as_mask(given: object, name: str, shape: tuple[int, ...]) -> Bools:
    """(H, W) bool of a mask of True and False, or of 0 and one other number."""
    mask = even(given, f"segments[{name!r}]")
    if mask.dtype.kind not in "biuf":
        raise TypeError(f"segments[{name!r}] holds {mask.dtype}; expected a mask (H, W) of True and False.")
    if mask.shape != shape:
        raise ValueError(
            f"segments[{name!r}] has shape {mask.shape}, but the picture is {shape[0]} x {shape[1]}. "
            "Give masks of the picture that the network sees."
        )
    values = np.unique(mask)
    if len(values[values != 0]) > 1 or not np.isfinite(values).all():
        raise ValueError(
            f"segments[{name!r}] has {len(values)} different values; a mask has 0 and one other. "
            "Compare first: map > 0.5, or map == the region's number."
        )
    return np.asarray(mask != 0)


def neighbours(labels: Labels) -> Ints:
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


def slic(picture: Picture, n_segments: int) -> Labels:
    """Clusters of colour and place; touching pixels. May give fewer than were asked for."""
    from skimage import segmentation

    n_channels, bands = picture.shape[2], _scaled(picture)
    return relabel(
        segmentation.slic(
            bands[..., 0] if n_channels == 1 else bands,
            n_segments=n_segments,
            # 10 beside Lab's 0..100, into which colours are turned; bands stay in 0..1, the farther apart the more they are
            compactness=10 if n_channels == 3 else 0.1 * n_channels**0.5,
            sigma=1,
            start_label=0,
            channel_axis=None if n_channels == 1 else -1,
        )
    )


def quickshift(picture: Picture, n_segments: int) -> Labels:
    """Modes of a density of colour and place, cut at the longest ways between them until there are n_segments.

    Its time grows with the fourth power of the side: pictures beyond 256 pixels are cut on a smaller copy.
    """
    from skimage import segmentation
    from skimage.transform import resize

    height, width = picture.shape[:2]
    shrink = min(1.0, QUICKSHIFT_SIDE / max(height, width))
    small = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    colours = _scaled(picture).astype(np.float64)
    colours = resize(colours, small, order=1, anti_aliasing=True) if shrink < 1.0 else colours
    n_channels = picture.shape[2]
    colours = np.repeat(colours, 3, axis=2) if n_channels == 1 else colours
    lab = n_channels in GREY_OR_COLOUR
    colours = colours if lab else colours * (100.0 / n_channels**0.5)  # as far apart as Lab's are
    for kernel_size in QUICKSHIFT_KERNELS:
        found = segmentation.quickshift(
            colours, ratio=0.2, kernel_size=kernel_size, max_dist=np.inf, return_tree=True, rng=42, convert2lab=lab
        )
        parent, way = (np.asarray(part).ravel() for part in found[1:])
        roots = parent == np.arange(parent.size)
        if roots.sum() <= n_segments:
            break
    way = np.where(roots, -1.0, way)
    cuts = np.argsort(-way, kind="stable")[: max(0, n_segments - int(roots.sum()))]
    parent[cuts] = cuts
    while (parent != (up := parent[parent])).any():
        parent = up
    rows = np.minimum(np.arange(height) * small[0] // height, small[0] - 1)
    columns = np.minimum(np.arange(width) * small[1] // width, small[1] - 1)
    return relabel(parent.reshape(small)[rows[:, None], columns])


def felzenszwalb(picture: Picture, n_segments: int) -> Labels:
    """Graph-based regions of any shape and size, at the scale that comes nearest to n_segments."""
    from skimage import segmentation

    colours = _principal(_scaled(picture))
    least = max(2, picture.shape[0] * picture.shape[1] // (FEWEST_SHARE * n_segments))
    tried: list[tuple[int, Labels]] = []
    low, high = 0.0, 16.0  # powers of two
    while len(tried) < SCALES_TRIED and not (tried and tried[-1][0] == 0):
        middle = (low + high) / 2.0
        found = relabel(segmentation.felzenszwalb(colours, scale=2.0**middle, sigma=0.8, min_size=least, channel_axis=-1))
        count = int(found.max()) + 1
        tried.append((abs(count - n_segments), found))
        low, high = (middle, high) if count > n_segments else (low, middle)
    return min(tried, key=lambda one: (not one[1].any(), one[0]))[1]  # a single region is no answer


def watershed(picture: Picture, n_segments: int) -> Labels:
    """Basins of the edges' strength, from seeds on a grid."""
    from skimage import segmentation
    from skimage.filters import gaussian, sobel

    bands = _scaled(picture)
    # bands may rise where others fall, which a mean would hide; colours rarely do
    planes = [bands.mean(axis=2)] if picture.shape[2] in GREY_OR_COLOUR else list(np.moveaxis(bands, 2, 0))
    # on edges as fine as the pixels some seeds keep a region of a few pixels
    edges = [sobel(gaussian(plane, sigma=2)) for plane in planes]
    strength = edges[0] if len(edges) == 1 else np.sqrt(np.mean(np.square(edges), axis=0))
    return relabel(segmentation.watershed(strength, markers=n_segments, compactness=0.001))


def _scaled(picture: Picture) -> Picture:
    """The picture in [0, 1], whatever its units: grey and colours as a whole, bands each by itself."""
    axes = None if picture.shape[2] in GREY_OR_COLOUR else (0, 1)
    low, high = picture.min(axis=axes), picture.max(axis=axes)
    span = np.where(high > low, high - low, np.float32(1.0))
    return np.asarray((picture - low) / span, dtype=np.float32)


def _principal(bands: Picture) -> Picture:
    """At most three channels: of more, the principal components that hold most, in the bands' own units."""
    if bands.shape[2] <= 3:
        return bands
    table = bands.reshape(-1, bands.shape[2]).astype(np.float64)
    table -= table.mean(axis=0)
    _, turned = np.linalg.eigh(table.T @ table)
    return np.asarray((table @ turned[:, :-4:-1]).reshape(*bands.shape[:2], 3), dtype=np.float32)


def grid(picture: Picture, n_segments: int) -> Labels:
    """Rectangles, as square as the count allows."""
    height, width = picture.shape[:2]
    rows = max(1, min(height, n_segments, round(np.sqrt(n_segments * height / width))))
    columns = max(1, min(width, round(n_segments / rows)))
    down = np.arange(height) * rows // height
    across = np.arange(width) * columns // width
    return relabel(down[:, None] * columns + across[None, :])
