"""Plans: perturbed rows, described and not held, built one batch at a time on the host or on the model's device.

A hard mask selects (the donor's value or the base's, bit for bit, on both paths); an opacity blends. Rows of pictures have
the shape (n, H, W, C) whatever their memory is: a model that wants its channels first gets a view, and nothing is copied.
"""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import frames
from perturbxai.core.compiled import kernels, row_kernels
from perturbxai.core.types import Bytes, Codes, Floats, Inputs, Ints, Ints32, Owners, Presence
from perturbxai.core.unnamed_tables import as_batch
from perturbxai.models.torch_types import DType, Tensor, Where


class Plan(Protocol):
    """Rows to ask the model, buildable in any slice."""

    def __len__(self) -> int: ...

    @property
    def row_bytes(self) -> int:
        """Bytes of one built row, from which a batch size is chosen."""

    def host(self, start: int, stop: int) -> Any:
        """Rows start..stop in host memory, as the model takes them."""

    def device(self, start: int, stop: int, device: Where) -> Tensor:
        """The same rows as a torch tensor on `device`: of a plan that the host builds, as float32."""
        return resident(np.asarray(self.host(start, stop), dtype=np.float32), device)


@dataclass(frozen=True, eq=False)
class Given(Plan):
    """Rows that are there already: an array or a table of any library."""

    rows: Any

    @classmethod
    def of(cls, rows: Inputs) -> Self:
        """Rows of any kind as a batch that can be cut. Raises TypeError for what holds no rows, with a way out."""
        return cls(as_batch(rows))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def row_bytes(self) -> int:
        shape = np.shape(self.rows)
        return 8 * int(np.prod(shape[1:], dtype=np.int64))

    def host(self, start: int, stop: int) -> Any:
        # a copy: a model that writes into its input must not reach the user's array
        return frames.part(self.rows, start, stop)


@dataclass(frozen=True, eq=False)
class Spliced:
    """Some (coalition, background row) cells of one table row: donor (D,), player (D,), z (M, P), cells (R,) each."""

    donor: Floats
    player: Owners
    z: Presence
    coalition: Ints
    base: Ints

    def __len__(self) -> int:
        return len(self.coalition)


@dataclass(frozen=True, eq=False)
class Gridded:
    """Rows of a table at points of a grid in some of their columns: row after row, each at Q points.

    rows (N, D), row (n,) int32 the rows that are asked;  columns (C,), points (T, C) what they hold there
    first (n,) int32, offset (Q,) int64: the i-th is asked at the points first[i] + offset
    """

    rows: Codes
    row: Ints32
    columns: Ints
    points: Floats
    first: Ints32
    offset: Ints

    def __post_init__(self) -> None:
        low, high = self.first.min(initial=0) + self.offset.min(), self.first.max(initial=0) + self.offset.max()
        fits = low >= 0 and high < len(self.points) and self.columns.max() < self.rows.shape[1]
        if not fits or len(self.first) != len(self.row) or self.row.max(initial=0) >= len(self.rows):
            raise ValueError("a line of the grid names a row, a column or a point that is not there.")

    def __len__(self) -> int:
        return len(self.row) * len(self.offset)


@dataclass(frozen=True, eq=False)
class TablePlan(Plan):
    """Rows of a table, coded: cells of several inputs one after the other, rows on a grid, and rows given as codes.

    pieces  each a `Spliced`, a `Gridded` or coded rows (R, D);  bases (B, D);  decode turns codes into the user's table
    """

    pieces: Sequence[Spliced | Gridded | Floats]
    bases: Floats
    decode: Callable[[Floats], Any]

    def __post_init__(self) -> None:
        for p in self.pieces:
            if isinstance(p, Spliced) and len(p):
                fits = p.coalition.max() < len(p.z) and p.base.max() < len(self.bases) and p.player.max() < p.z.shape[1]
                if not fits or min(p.coalition.min(), p.base.min()) < 0:
                    raise ValueError("a cell of the plan names a coalition, a background row or a player that is not there.")

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def row_bytes(self) -> int:
        return 8 * int(self.bases.shape[1])

    def codes(self, start: int, stop: int) -> Floats:
        """(stop - start, D) coded rows, an array of its own."""
        parts = slices(self.pieces, start, stop)
        if len(parts) == 1 and not isinstance(only := self.pieces[parts[0][0]], Spliced | Gridded):
            return only[parts[0][1] : parts[0][2]].copy()
        out = np.empty((stop - start, self.bases.shape[1]))
        for piece, low, high, into in parts:
            rows = self.pieces[piece]
            if isinstance(rows, Spliced):
                row_kernels(out[into].size).splice_columns(
                    rows.donor, self.bases, rows.player, rows.z, rows.coalition[low:high], rows.base[low:high], out[into]
                )
            elif isinstance(rows, Gridded):
                where = (rows.columns, rows.points, rows.first, rows.offset)
                kernels.substitute_columns(rows.rows, rows.row, *where, low, out[into])
            else:
                out[into] = rows[low:high]
        return out

    def host(self, start: int, stop: int) -> Any:
        return self.decode(self.codes(start, stop))


def is_table(plan: Plan) -> bool:
    return isinstance(plan, TablePlan) or (isinstance(plan, Given) and getattr(plan.rows, "ndim", 2) != 4)


def resident(array: NDArray[Any], device: Where, dtype: DType | None = None) -> Tensor:
    import torch

    # torch refuses negative strides and warns about arrays that cannot be written
    found = carried(torch.as_tensor(np.require(array, requirements=["C", "W"])), device)
    return found if dtype is None else found.to(dtype)


def carried(tensor: Tensor, device: Where) -> Tensor:
    """A tensor on a device; to a GPU through pinned memory, so that the host does not wait for the copy."""
    if str(device).startswith("cuda") and tensor.device.type == "cpu":  # pragma: no cover - needs a GPU
        return tensor.pin_memory().to(device, non_blocking=True)  # torch keeps pinned memory until the copy is done
    return tensor.to(device)


def slices(pieces: Sequence[Sized], start: int, stop: int) -> list[tuple[int, int, int, slice]]:
    """The parts of pieces that make rows start..stop: (piece, its first row, its last row, where they go)."""
    starts = np.concatenate([[0], np.cumsum([*map(len, pieces)], dtype=np.int64)])
    if not 0 <= start <= stop <= starts[-1]:
        raise IndexError(f"rows {start}..{stop} of a plan of {int(starts[-1])} rows")
    found = []
    first = int(np.searchsorted(starts, start, side="right")) - 1
    at = start
    for piece in range(first, len(starts) - 1):
        if at >= stop:
            break
        end = min(stop, int(starts[piece + 1]))
        if end > at:
            offset = int(starts[piece])
            found.append((piece, at - offset, end - offset, slice(at - start, end - start)))
            at = end
    return found


def as_bytes(values: NDArray[Any], what: str, *, whole: bool = False) -> Bytes:
    """The nearest whole numbers, halves up, as uint8. Raises ValueError beyond 0..255, and if whole, for fractions."""
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not (low >= 0.0 and high <= 255.0) or (whole and (values != np.floor(values)).any()):
        raise ValueError(
            f"pixels='uint8' is what the model takes, but {what} has values from {low:g} to {high:g}"
            f"{', not all whole' if whole else ''}; give pictures and fills in 0..255, or leave pixels= out."
        )
    return np.floor(values + np.float32(0.5)).astype(np.uint8)
