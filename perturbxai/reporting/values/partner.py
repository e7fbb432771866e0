"""Which other feature goes with what is left of a feature's values: it tells rows apart that have the same there."""

from collections.abc import Mapping

import numpy as np

from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.values.places import Places

ROWS_A_BIN, MOST_BINS, LEAST_ROWS = 12, 20, 4
WORTH = 0.1  # of what is left; a partner that tells less is none


def strongest(values: Floats, own: Places, others: Mapping[int, Places]) -> int | None:
    """The number of the feature that tells most of what a feature's values (N, K) leave open, None if none tells much.

    Rows are put together by what they have at the feature, and a straight line within each bin is taken off. Of what is left
    another feature tells a share: by the ranks of its numbers within the bin, or by the means of its levels, less what
    numbers without any meaning would tell.
    """
    bins = _bins(own)
    left, inside = zip(*[_left(values[rows], own.at[rows]) for rows in bins], strict=True) if bins else ((), ())
    total = sum((one.sum(axis=0) for one in inside), start=np.zeros(values.shape[1]))
    if not (total > 0).any():
        return None
    found = {}
    for number, other in others.items():
        gain = sum(
            (_told(rest, other, rows) for rest, rows in zip(left, bins, strict=True)), start=np.zeros(values.shape[1])
        )
        found[number] = float((gain[total > 0] / total[total > 0]).mean())
    best = max(found, key=lambda number: found[number], default=None)
    return best if best is not None and found[best] > WORTH else None


def _bins(own: Places) -> list[Ints]:
    """Rows by their level, or by their number in groups of about a dozen; those without a number in one."""
    known = np.flatnonzero(~own.missing)
    if own.levels is not None:
        groups = [np.flatnonzero(own.at == level) for level in range(len(own.levels))]
    else:
        order = known[np.argsort(own.at[known], kind="stable")]
        groups = [*np.array_split(order, int(np.clip(len(order) // ROWS_A_BIN, 1, MOST_BINS))), np.flatnonzero(own.missing)]
    return [rows for rows in groups if len(rows) >= LEAST_ROWS]


def _left(values: Floats, at: Floats) -> tuple[Floats, Floats]:
    """What values (n, K) of a bin leave when a straight line along their places is taken off, and its squares."""
    across = np.zeros(len(at)) if np.isnan(at).any() else at - at.mean()
    rest = values - values.mean(axis=0)
    if (spread := across @ across) > 0:
        rest = rest - np.outer(across, across @ rest) / spread
    small = 1e-9 * np.abs(values).max(initial=0.0)
    return np.where(np.abs(rest) > small, rest, 0.0), np.where(np.abs(rest) > small, rest, 0.0) ** 2


def _told(rest: Floats, other: Places, rows: Ints) -> Floats:
    """(K,): the squares of what is left that another feature tells of in a bin, less what chance would."""
    at, squares = other.at[rows], (rest**2).sum(axis=0)
    if other.levels is None:
        rank = np.argsort(np.argsort(np.where(np.isnan(at), -np.inf, at), kind="stable"), kind="stable").astype(np.float64)
        _, of = np.unique(at, return_inverse=True)  # NaN is one value
        centred = (np.bincount(of, rank) / np.bincount(of))[of] - rank.mean()
        spread = centred @ centred
        return np.asarray(
            (centred @ rest) ** 2 / spread - squares / (len(rows) - 1) if spread > 0 else np.zeros_like(squares)
        )
    _, of = np.unique(at, return_inverse=True)
    counts = np.bincount(of)
    if len(counts) < 2:
        return np.zeros_like(squares)
    sums = np.stack([np.bincount(of, column) for column in rest.T], axis=1)
    return np.asarray((sums**2 / counts[:, None]).sum(axis=0) - squares * (len(counts) - 1) / (len(rows) - 1))
