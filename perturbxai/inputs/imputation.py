"""Regions of a picture painted over from what lies around them, so that what was there cannot be told from how it was
hidden."""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from perturbxai.core.types import Bools, Floats, Picture

DIRECT, DIAGONAL = 1.0 / 6.0, 1.0 / 12.0  # weights of the four nearest pixels, and of the four at the corners
NOISE = 0.01  # of the picture's range


def noisy_linear(picture: Picture, hidden: Bools, rng: np.random.Generator) -> Picture:
    """The picture with hidden pixels replaced: each is the weighted mean of its eight neighbours, all at once, and some
    noise.

    Rong, Leemann, Borisov, Kasneci & Kasneci, "A consistent and efficient evaluation strategy for attribution methods"
    (2022): 1/6 of each direct neighbour and 1/12 of each diagonal one, those beyond the edge left out and the others scaled
    to a sum of 1; one sparse system of the hidden pixels. The noise is normal with a deviation of .01 of the picture's
    range.

    picture (H, W, C), hidden (H, W).  Where all is hidden nothing lies around: the mean colour, with the noise.
    """
    if not hidden.any():
        return picture.copy()
    values: Floats = picture.astype(np.float64)
    if hidden.all():
        inside = np.broadcast_to(values.mean(axis=(0, 1)), (hidden.sum(), values.shape[2]))
    else:
        inside = _solved(values, hidden)
    spread = NOISE * (values.max() - values.min())
    found = values.copy()
    found[hidden] = inside + rng.normal(0.0, 1.0, inside.shape) * spread
    return np.asarray(found, dtype=np.float32)


def _solved(values: Floats, hidden: Bools) -> Floats:
    """(n, C): what the hidden pixels are, in rows of the picture."""
    n, (height, width) = int(hidden.sum()), hidden.shape
    number = np.full(hidden.shape, -1)
    number[hidden] = np.arange(n)
    row, column = np.nonzero(hidden)
    total, known = np.zeros(n), np.zeros((n, values.shape[2]))
    lines, others, weights = [], [], []
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if not (down or across):
                continue
            weight = DIAGONAL if down and across else DIRECT
            i, j = row + down, column + across
            there = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            i, j, own = i[there], j[there], np.flatnonzero(there)
            total[own] += weight
            seen = number[i, j] < 0
            known[own[seen]] += weight * values[i[seen], j[seen]]
            lines.append(own[~seen])
            others.append(number[i[~seen], j[~seen]])
            weights.append(np.full(int((~seen).sum()), weight))
    between = sparse.csc_matrix((np.concatenate(weights), (np.concatenate(lines), np.concatenate(others))), shape=(n, n))
    solve = linalg.splu(
        sparse.diags(total, format="csc") - between, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}
    )
    return np.asarray(solve.solve(known))
