"""Inputs that lie near another: the same rows and pictures a little moved, to see whether what is said of them moves too."""

import numpy as np

from perturbxai.core.types import Codes, Data, Floats, Picture
from perturbxai.inputs.spaces import ImageInput, ImageSpace, TableInput, TabularSpace

NEAR_ROW, NEAR_PICTURE = 0.1, 0.02  # of a column's deviation, of a picture's range: how far neighbours lie at most
NOISE = 0.1  # of the same: the deviation of noisy copies


def near_rows(one: TableInput, space: TabularSpace, n: int, rng: np.random.Generator, noise: bool) -> tuple[Data, Floats]:
    """n rows near a row, as the space's table has them, and how far each lies (n,): root mean square over all columns, in
    units of the column's deviation in the data.

    Numbers move evenly within .1 deviations, or (noise) by a normal of that deviation, and stay whole where the column is;
    categories, words, truth values and missing values stay.
    """
    moves = np.asarray(space.columns.numeric) & ~np.isnan(one.codes)
    spread = _deviations(space)
    drawn = rng.normal(0.0, NOISE, (n, len(one.codes))) if noise else rng.uniform(-NEAR_ROW, NEAR_ROW, (n, len(one.codes)))
    codes: Codes = np.tile(one.codes, (n, 1))
    codes[:, moves] += (drawn * spread)[:, moves]
    whole = moves & np.asarray(space.columns.whole_numbers)
    codes[:, whole] = np.rint(codes[:, whole])
    far = np.where(moves & (spread > 0), (codes - one.codes) / np.where(spread > 0, spread, 1.0), 0.0)
    return space.columns.decode(codes), np.sqrt(np.mean(far**2, axis=1))


def _deviations(space: TabularSpace) -> Floats:
    """(D,): of the columns, over the rows of the data by their weights; 0 of those that are no numbers."""
    found = np.zeros(space.codes.shape[1])
    for d in np.flatnonzero(space.columns.numeric):
        own = space.codes[:, d]
        there = ~np.isnan(own) & (space.weights > 0)
        if there.any():
            mean = np.average(own[there], weights=space.weights[there])
            found[d] = np.sqrt(np.average((own[there] - mean) ** 2, weights=space.weights[there]))
    return found


def near_pictures(one: ImageInput, n: int, rng: np.random.Generator, noise: bool) -> tuple[list[Picture], Floats]:
    """n pictures near a picture, and how far each lies (n,): root mean square over pixels, in units of the picture's range.

    Values move evenly within .02 of that range, or (noise) by a normal of a deviation of .1 of it; they stay within the
    range, and whole where all of the picture's are.
    """
    low, high = float(one.picture.min()), float(one.picture.max())
    found, steps = [], []
    for _ in range(n):
        shape = one.picture.shape
        drawn = rng.normal(0.0, NOISE, shape) if noise else rng.uniform(-NEAR_PICTURE, NEAR_PICTURE, shape)
        picture = as_values_of(one.picture, one.picture + drawn * (high - low))
        found.append(picture)
        far = (picture - one.picture).astype(np.float64) / (high - low) if high > low else np.zeros(shape)
        steps.append(np.sqrt(np.mean(far**2)))
    return found, np.array(steps)


def as_values_of(picture: Picture, changed: Picture | Floats) -> Picture:
    """A changed picture as the picture's own values are: within their range, and whole where all of them are."""
    low, high = float(picture.min()), float(picture.max())
    within = np.clip(changed, low, high)
    whole = bool((picture == np.rint(picture)).all()) and high - low > 1
    return np.asarray(np.rint(within) if whole else within, dtype=np.float32)


def same_cut(one: ImageInput, space: ImageSpace) -> ImageSpace:
    """The space in which other pictures are cut as this one was, under the same fill."""
    return ImageSpace(segments=one.labels, n_segments=space.n_segments, fill=space.fill, seed=space.seed)
