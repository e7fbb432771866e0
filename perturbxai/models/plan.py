"""Plans: perturbed rows, described and not held, built one batch at a time on the host or on the model's device.

A hard mask selects (the donor's value or the base's, bit for bit, on both paths); an opacity blends. Rows of pictures have
the shape (n, H, W, C) whatever their memory is: a model that wants its channels first gets a view, and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import frames, kernels
from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.core.unnamed_tables import as_batch
from perturbxai.inputs.pictures import as_bytes


class Plan(Protocol):
    """Rows to ask the model, buildable in any slice."""

    def __len__(self) -> int: ...

    @property
    def row_bytes(self) -> int:
        """Bytes of one built row, from which a batch size is chosen."""
        ...

    def host(self, start: int, stop: int) -> Any:
        """Rows start..stop in host memory, as the model takes them."""
        ...

    def device(self, start: int, stop: int, device: Any) -> Any:
        """The same rows as a torch tensor on `device`; only for plans of pictures."""
        ...


@dataclass(frozen=True, eq=False)
class Given:
    """Rows that are there already: an array or a table of any library."""

    rows: Any

    @classmethod
    def of(cls, rows: Any) -> Given:
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

    def device(self, start: int, stop: int, device: Any) -> Any:
        import torch

        return torch.as_tensor(np.ascontiguousarray(self.host(start, stop), dtype=np.float32), device=device)


@dataclass(frozen=True, eq=False)
class Spliced:
    """Some (coalition, background row) cells of one table row: donor (D,), player (D,), z (M, P), cells (R,) each."""

    donor: Floats
    player: NDArray[np.int32]
    z: Bools
    coalition: Ints
    base: Ints


@dataclass(frozen=True, eq=False)
class Gridded:
    """Rows of a table at points of a grid in some of their columns: row after row, each at Q points.

    rows (N, D), row (n,) int32 the rows that are asked;  columns (C,), points (T, C) what they hold there
    first (n,) int32, offset (Q,) int64: the i-th is asked at the points first[i] + offset
    """

    rows: Floats
    row: NDArray[np.int32]
    columns: Ints
    points: Floats
    first: NDArray[np.int32]
    offset: Ints

    def __post_init__(self) -> None:
        low, high = self.first.min(initial=0) + self.offset.min(), self.first.max(initial=0) + self.offset.max()
        fits = low >= 0 and high < len(self.points) and self.columns.max() < self.rows.shape[1]
        if not fits or len(self.first) != len(self.row) or self.row.max(initial=0) >= len(self.rows):
            raise ValueError("a line of the grid names a row, a column or a point that is not there.")

    def __len__(self) -> int:
        return len(self.row) * len(self.offset)


@dataclass(frozen=True, eq=False)
class TablePlan:
    """Rows of a table, coded: cells of several inputs one after the other, rows on a grid, and rows given as codes.

    pieces  each a `Spliced`, a `Gridded` or coded rows (R, D);  bases (B, D);  decode turns codes into the user's table
    """

    pieces: Sequence[Spliced | Gridded | Floats]
    bases: Floats
    decode: Callable[[Floats], Any]

    def __post_init__(self) -> None:
        for p in self.pieces:
            if isinstance(p, Spliced) and len(p.coalition):
                fits = p.coalition.max() < len(p.z) and p.base.max() < len(self.bases) and p.player.max() < p.z.shape[1]
                if not fits or min(p.coalition.min(), p.base.min()) < 0:
                    raise ValueError("a cell of the plan names a coalition, a background row or a player that is not there.")

    def __len__(self) -> int:
        return int(self._starts()[-1])

    @property
    def row_bytes(self) -> int:
        return 8 * int(self.bases.shape[1])

    def _starts(self) -> Ints:
        lengths = [len(p.coalition) if isinstance(p, Spliced) else len(p) for p in self.pieces]
        return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def codes(self, start: int, stop: int) -> Floats:
        """(stop - start, D) coded rows, an array of its own."""
        parts = _slices(self._starts(), start, stop)
        if len(parts) == 1 and not isinstance(only := self.pieces[parts[0][0]], Spliced | Gridded):
            return only[parts[0][1] : parts[0][2]].copy()
        out = np.empty((stop - start, self.bases.shape[1]))
        for piece, low, high, into in parts:
            rows = self.pieces[piece]
            if isinstance(rows, Spliced):
                kernels.splice_columns(
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

    def device(self, start: int, stop: int, device: Any) -> Any:
        """(stop - start, D) float32 on the device. Decoding is the host's work, so the rows are built there."""
        import torch

        return torch.as_tensor(np.asarray(self.host(start, stop), dtype=np.float32), device=device)


@dataclass(frozen=True, eq=False)
class Masked:
    """Perturbed versions of one picture: picture, fill (H, W, C), both float32 or both uint8, player (H, W) int32.

    mask (M, P + 1): bool selects, float32 in [0, 1] blends; the last column is the always present player. In place of an
    array something that makes its rows as they are taken, see `masks.Described`
    there: what of the picture is on a device already, shared by the pieces of one picture
    Raises ValueError for shapes and dtypes that do not fit, and for players without a column in the mask.
    """

    picture: NDArray[Any]
    fill: NDArray[Any]
    player: NDArray[np.int32]
    mask: Any
    there: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shape, n_columns = self.picture.shape, self.mask.shape[1]
        if self.fill.dtype != self.picture.dtype or self.picture.dtype not in (np.float32, np.uint8):
            raise ValueError(f"picture is {self.picture.dtype} and fill {self.fill.dtype}; expected float32 or uint8 twice.")
        if self.fill.shape != shape or self.player.shape != shape[:2]:
            raise ValueError(f"picture {shape}, fill {self.fill.shape} and player {self.player.shape} do not fit.")
        if self.player.min() < 0 or self.player.max() >= n_columns:
            raise ValueError(f"player must be in 0..{n_columns - 1}, a column of the mask; got up to {self.player.max()}.")

    def on(self, device: Any) -> Any:
        """picture, fill and player on a device, where they stay."""
        name = str(device), str(self.picture.dtype)
        if name not in self.there:
            self.there[name] = [_resident(a, device) for a in (self.picture, self.fill, self.player.astype(np.int64))]
        return self.there[name]

    def as_bytes(self) -> Masked:
        """The same with the nearest whole numbers 0..255 as uint8."""
        return replace(self, picture=as_bytes(self.picture, "the picture", whole=True), fill=as_bytes(self.fill, "the fill"))


@dataclass(frozen=True, eq=False)
class ImagePlan:
    """Perturbed versions of several pictures of one size and dtype, one picture after the other.

    layout  how a batch lies in memory: "HWC", or "CHW" with the channels first. Its shape is (n, H, W, C) all the same
    """

    pieces: Sequence[Masked]
    layout: str = "HWC"

    def __len__(self) -> int:
        return sum(len(p.mask) for p in self.pieces)

    @property
    def row_bytes(self) -> int:
        return int(self.pieces[0].picture.nbytes)

    def _starts(self) -> Ints:
        return np.concatenate([[0], np.cumsum([len(p.mask) for p in self.pieces], dtype=np.int64)])

    def host(self, start: int, stop: int) -> NDArray[Any]:
        """(stop - start, H, W, C) of the pieces' dtype, in the picture's own units."""
        height, width, n_channels = self.pieces[0].picture.shape
        planes = self.layout == "CHW"
        shape = (n_channels, height, width) if planes else (height, width, n_channels)
        out = np.empty((stop - start, *shape), dtype=self.pieces[0].picture.dtype)
        out = out.transpose(0, 2, 3, 1) if planes else out
        for piece, low, high, into in _slices(self._starts(), start, stop):
            p = self.pieces[piece]
            if p.mask.dtype == bool:
                kernels.splice_pixels(p.picture, p.fill, p.player, p.mask[low:high], out[into])
            else:
                half = np.float32(0.5 if out.dtype == np.uint8 else 0.0)
                kernels.blend_pixels(p.picture, p.fill, p.player, p.mask[low:high], half, out[into])
        return out

    def device(self, start: int, stop: int, device: Any) -> Any:
        """The same batch as a tensor on the device; only masks travel, the pictures stay there."""
        import torch

        planes = self.layout == "CHW"
        parts = []
        for piece, low, high, _ in _slices(self._starts(), start, stop):
            p = self.pieces[piece]
            picture, fill, player = p.on(device)
            if planes:
                picture, fill = (a.permute(2, 0, 1).contiguous() for a in (picture, fill))
            held = isinstance(p.mask, np.ndarray)  # masks that are only described are made on the device
            mask = _resident(p.mask[low:high], device) if held else p.mask.on(slice(low, high), device)
            mask = mask[:, player].unsqueeze(1 if planes else -1)
            parts.append(_select(picture, fill, mask) if p.mask.dtype == bool else _blend(picture, fill, mask))
        if not parts:
            return self.pieces[0].on(device)[0].new_empty((0, *self.pieces[0].picture.shape))
        found = torch.cat(parts)
        return found.permute(0, 2, 3, 1) if planes else found

    def recast(self, dtype: str, layout: str) -> ImagePlan:
        """The same plan, its pictures once and for all in another dtype, its batches in another layout."""
        return ImagePlan([p.as_bytes() for p in self.pieces] if dtype == "uint8" else self.pieces, layout)


@dataclass(frozen=True, eq=False)
class Recast:
    """Another plan's rows of pictures as whole numbers 0..255, or with their channels first in memory; see `recast`."""

    plan: Plan
    dtype: str
    layout: str
    whole: bool = False  # whether fractions are refused, not rounded

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def row_bytes(self) -> int:
        return self.plan.row_bytes

    def host(self, start: int, stop: int) -> Any:
        rows = self.plan.host(start, stop)
        if self.dtype == "uint8":
            rows = as_bytes(rows, "a picture", whole=self.whole)
        if self.layout == "CHW":
            rows = np.ascontiguousarray(np.moveaxis(rows, 3, 1)).transpose(0, 2, 3, 1)
        return rows

    def device(self, start: int, stop: int, device: Any) -> Any:
        import torch

        return torch.as_tensor(self.host(start, stop), device=device)


def recast(plan: Plan, dtype: str, layout: str) -> Plan:
    """A plan of pictures as a model takes them. dtype: "float32" or "uint8";  layout: "HWC" or "CHW", in memory.

    Tables come back as they are. Raises ValueError where numbers that are no bytes would have to be.
    """
    table = isinstance(plan, TablePlan) or (isinstance(plan, Given) and np.ndim(plan.rows) != 4)
    if table or (dtype, layout) == ("float32", "HWC"):
        return plan
    return (
        plan.recast(dtype, layout)
        if isinstance(plan, ImagePlan)
        else Recast(plan, dtype, layout, whole=isinstance(plan, Given))
    )


def _select(picture: Any, fill: Any, mask: Any) -> Any:
    import torch

    return torch.where(mask, picture, fill)


def _blend(picture: Any, fill: Any, alpha: Any) -> Any:
    """The twin of kernels.blend_pixels; separate products, so that both ends are exact."""
    import torch

    mixed = (1.0 - alpha) * fill.float() + alpha * picture.float()
    mixed = (mixed + 0.5).floor().to(torch.uint8) if picture.dtype == torch.uint8 else mixed
    return torch.where(alpha == 1.0, picture, torch.where(alpha == 0.0, fill, mixed))


def _resident(array: NDArray[Any], device: Any) -> Any:
    import torch

    # torch refuses negative strides and warns about arrays that cannot be written
    return torch.as_tensor(np.require(array, requirements=["C", "W"]), device=device)


def _slices(starts: Ints, start: int, stop: int) -> list[tuple[int, int, int, slice]]:
    """The parts of pieces that make rows start..stop: (piece, its first row, its last row, where they go)."""
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
