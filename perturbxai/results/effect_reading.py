"""Reading a curve at rows of its table: where a value lies among the points of a grid, and the curve there less absence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core.interpolation import between, interpolate, on_grid
from perturbxai.core.types import Data, Floats, Ints, Weights


@dataclass(frozen=True, eq=False)
class Reading:
    """What `Effect.attribution` needs to know beside the curve.

    kind      "pdp", "ice" or "ale";  columns: what codes rows of the table;  column: its number, and its name
    points (G,), number: the grid in codes, and whether these are numbers, between which there is something
    present (G,)  what each point counts in the mean of what is read of the curve at the rows behind it
    absent (G,)  ICE, ALE: the share of the background at each point, None where some of it has no place on the grid
    base (K,)    PDP: the model's mean over the drawn rows, on the curve's level; None where some have no place on the grid
    rows (n, D)  ICE: the coded rows whose curves are kept
    """

    kind: str
    columns: Any
    column: int
    points: Floats
    number: bool
    present: Floats
    absent: Floats | None = None
    base: Floats | None = None
    rows: Floats | None = None

    @property
    def name(self) -> str:
        return str(self.columns.names[self.column])

    def attribution(self, values: Floats, individual: Floats | None, x: Data, base: ArrayLike | None) -> Floats:
        """(N, K); see `Effect.attribution`. values (G, K) the curve, individual (n, G, K) those of the rows."""
        codes = self.columns.encode(x, "x")
        place, share = self._places(codes)
        curves = np.broadcast_to(values, (len(codes), *values.shape))
        if self.kind == "pdp":
            return interpolate(curves, place, share) - self._base(base, values.shape[1])
        if base is not None:
            raise ValueError(f"base is the model's mean, which {self.kind} does not start from; leave it out.")
        if self.absent is None:
            raise ValueError(
                f"the background of the space has values of {self.name!r} that have no place on the grid, so the curve at "
                "absence is not known. Give effects() rows or a grid that hold them."
            )
        if self.kind == "ice":
            assert individual is not None
            curves = individual[self._kept(codes)]
        return np.asarray(interpolate(curves, place, share) - np.einsum("g,ngk->nk", self.absent, curves))

    def _places(self, codes: Floats) -> tuple[Ints, Floats]:
        """Where rows (N, D) lie on the grid. Raises ValueError for one that does not."""
        own = codes[:, self.column]
        place, share = between(self.points, own, self.number)
        if self.kind == "ale":
            share = np.clip(share, 0.0, 1.0)
        if lost := np.flatnonzero(~on_grid(place, share)).tolist():
            value = self.columns.decode_values(self.column, own[lost[:1]])[0]
            known = [str(one) for one in self.columns.decode_values(self.column, self.points[~np.isnan(self.points)])]
            reach = f"goes from {known[0]} to {known[-1]}" if self.number else f"has {', '.join(known)}"
            raise ValueError(
                f"x: row {lost[0]} has {self.name!r} = {value}, which has no place on the curve; it {reach}. Give effects() "
                "rows or a grid that hold it, or leave the row out."
            )
        return place, share

    def _base(self, given: ArrayLike | None, n_outputs: int) -> Floats:
        if given is not None:
            found = np.asarray(given)
            if found.shape not in ((), (n_outputs,)) or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
                raise ValueError(f"base={given!r}; expected ({n_outputs},) finite numbers, the model's means.")
            return found
        if self.base is None:
            raise ValueError(
                f"drawn rows have values of {self.name!r} that have no place on the grid, so the model's mean cannot be "
                "read from their curves; give it as base=, such as results['pdp'].base[0], or a grid that reaches as far."
            )
        return self.base

    def _kept(self, codes: Floats) -> list[int]:
        """Which kept curve is each row's own. Raises ValueError for a row without one."""
        assert self.rows is not None
        number = {_name(row): at for at, row in enumerate(self.rows)}
        found = [number.get(_name(row), -1) for row in codes]
        if -1 in found:
            raise ValueError(
                f"x: row {found.index(-1)} is none of the {len(self.rows)} rows whose curves are kept. An ICE curve is of "
                "one row: raise ice_rows= or rows=, or ask for this row with explain(['ice'], ...)."
            )
        return found


def absence(points: Floats, codes: Floats, weight: Weights, number: bool, flat: bool) -> Floats | None:
    """(G,): the share of background rows (B,) at each point, split between neighbours; None where some have no place.

    flat: beyond the points a curve goes on as it is, and missing values are left out (ALE)
    """
    if flat and number:
        there = ~np.isnan(codes)
        codes, weight = codes[there], weight[there]
    place, share = between(points, codes, number)
    share = np.clip(share, 0.0, 1.0) if flat else share
    if not len(codes) or not on_grid(place, share).all():
        return None
    found = np.zeros(len(points))
    np.add.at(found, place, (1.0 - share) * weight)
    np.add.at(found, np.minimum(place + 1, len(points) - 1), share * weight)
    return np.asarray(found / weight.sum())


def _name(row: Floats) -> bytes:
    return np.asarray(np.where(np.isnan(row), np.nan, row + 0.0)).tobytes()
