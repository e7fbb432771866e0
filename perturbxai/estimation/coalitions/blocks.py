"""Linear fits to tables too long for their columns to stand in memory as floats: products and sums by blocks of rows.

A coalition is a byte a player. What a fit needs of all of them at once are P x P sums; rows are made floats a block at a
time, in their own order, so that no sum depends on threads or batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from perturbxai.core.types import Floats, Ints, Presence, Weights

BLOCK = 1 << 19  # numbers that stand as floats at once, 4 MB. A fit whose columns are no more than that is made in one piece
WORST = 1e6  # condition of normal equations up to which one correction mends all that they lose: the 1e-10 of 1e-10
CORRECTIONS = 1
SQUARES = 8.0  # sums (P, P) that stand at once
FEW = 4  # coalitions a player up to which fits are made in one piece more often than not


def blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """The rows in blocks of a bounded size."""
    step = max(BLOCK // max(n_columns, 1), 1)
    for low in range(0, n_rows, step):
        yield slice(low, min(low + step, n_rows))


def in_one_piece(n_rows: int, n_columns: int) -> bool:
    return n_rows * n_columns <= BLOCK


def arrays_held(n_players: int, n_coalitions: int, whole: float) -> float:
    """Arrays (coalitions, players) that a fit by blocks holds at once, as measured, 64 MB of blocks beside them.

    whole: as many as of a fit in one piece. Few coalitions a player, a walk among them, are factored so: their weights span
    too much for normal equations.
    """
    return 0.25 + SQUARES * n_players / n_coalitions if n_coalitions >= FEW * n_players else whole


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows z - shift of coalitions as the floats (n, P) that a fit multiplies, of which a block stands at a time.

    z (M, P) bool;  shift (P,);  rows (n,) of z that are meant, None for all;  ends: the empty and the full one come first
    """

    z: Presence
    shift: Floats
    rows: Ints | None = None
    ends: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        n = len(self.z) if self.rows is None else len(self.rows)
        return n + 2 * self.ends, self.z.shape[1]

    def __getitem__(self, at: slice | Ints) -> Floats:
        """Some of the rows that are no ends."""
        return np.asarray(self.z[at if self.rows is None else self.rows[at]] - self.shift)

    def by_block(self) -> Iterator[tuple[slice, Floats]]:
        n, p = self.shape
        if self.ends:
            yield slice(0, 2), np.stack([-self.shift, 1.0 - self.shift])
        for at in blocks(n - 2 * self.ends, p):
            yield slice(at.start + 2 * self.ends, at.stop + 2 * self.ends), self[at]

    def __matmul__(self, coefficients: Floats) -> Floats:
        found = np.empty((self.shape[0], *coefficients.shape[1:]))
        for at, x in self.by_block():
            found[at] = x @ coefficients
        return found

    def moment(self, load: Floats) -> Floats:
        """(P, ...): the columns times a load (n, ...)."""
        found = np.zeros((self.shape[1], *load.shape[1:]))
        for at, x in self.by_block():
            found += x.T @ load[at]
        return found

    def gram(self, weight: Weights) -> Floats:
        """(P, P): sum over rows of weight (n,), none negative, times the row's square."""
        found = np.zeros((self.shape[1], self.shape[1]))
        for at, x in self.by_block():
            x *= np.sqrt(weight[at])[:, None]
            found += x.T @ x
        return found

    def lengths(self, inverse: Floats) -> tuple[Floats, Floats]:
        """(n,) each: x' inverse x and x' inverse^2 x of each row; inverse (P, P) symmetric."""
        found, squared = np.empty((2, self.shape[0]))
        for at, x in self.by_block():
            turned = x @ inverse
            np.einsum("np,np->n", turned, x, out=found[at])
            np.einsum("np,np->n", turned, turned, out=squared[at])
        return found, squared


@dataclass(frozen=True, eq=False)
class Gain:
    """What a unit residual of each row moves the values, (R, P): columns times `each` (R,) and `inverse` (P, P), if any.

    squared (R,): the lengths of the columns times the inverse, squared; None: of the columns
    """

    x: Columns
    each: Floats
    inverse: Floats | None
    squared: Floats | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Ints) -> Floats:
        found = self.before(rows)
        return found if self.inverse is None else found @ self.inverse

    def before(self, rows: slice | Ints) -> Floats:
        """The rows before they are multiplied by `inverse`; of sums of their squares that is done once, by `after`."""
        return self.x[rows] * self.each[rows][:, None]

    def after(self, covariance: Floats) -> Floats:
        return covariance if self.inverse is None else self.inverse @ covariance @ self.inverse

    def lengths(self) -> Floats:
        """(R,): of the rows, squared."""
        squared = self.squared
        if squared is None:
            squared = self.x.lengths(np.eye(self.shape[1]) if self.inverse is None else self.inverse)[1]
        return np.asarray(squared * self.each**2)

    def gram(self, weight: Weights) -> Floats:
        """(P, P): sum over rows of weight (R,) times the row's square."""
        return self.after(self.x.gram(weight * self.each**2))


@dataclass(frozen=True, eq=False)
class Normal:
    """Weighted least squares of columns by normal equations, corrected until nothing of them is lost.

    The residuals of a first solution are solved for in turn: what is lost of them is no part of the values any more.

    inverse (P, P), symmetric, of the sum of weighted squares and of the ridge
    """

    x: Columns
    weight: Weights
    inverse: Floats
    ridge: float = 0.0

    def __matmul__(self, values: Floats) -> Floats:
        """(P, ...): the coefficients of values (n, ...)."""
        found = np.zeros((self.x.shape[1], *values.shape[1:]))
        for step in range(1 + CORRECTIONS):
            gradient = -self.ridge * found
            for at, x in self.x.by_block():
                left = values[at] - x @ found if step else values[at]
                gradient += x.T @ (left.T * self.weight[at]).T
            found = found + self.inverse @ gradient
        return found


class WithIntercept(Normal):
    """The same with an intercept beside columns that are centred at their weighted mean, their shift."""

    def __matmul__(self, values: Floats) -> Floats:
        """(P + 1, K): intercept and slopes."""
        centre = self.weight @ values / self.weight.sum()
        slopes = super().__matmul__(values - centre)
        return np.vstack([centre - self.x.shift @ slopes, slopes])


def inverse_of(gram: Floats) -> Floats | None:
    """The inverse of a sum of squares, None where too much is lost with it: factor the columns themselves then."""
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0).all():
        return None
    unit = gram / np.outer(scale, scale)
    try:
        found = linalg.cho_solve(linalg.cho_factor(unit), np.eye(len(unit)))
    except linalg.LinAlgError:
        return None
    if not np.abs(found).sum(axis=0).max() * np.abs(unit).sum(axis=0).max() <= WORST:
        return None
    return np.asarray((found + found.T) / 2.0 / np.outer(scale, scale))
