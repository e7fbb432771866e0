"""Pictures to ask the model about: superpixels and soft masks over a fill, a batch at a time, as the model takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.compiled import kernels
from perturbxai.core.types import Labels
from perturbxai.models.plan import Given, Plan, as_bytes, carried, is_table, resident, slices
from perturbxai.models.torch_types import Tensor, Where


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
    player: Labels
    mask: Any
    there: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shape, n_columns = self.picture.shape, self.mask.shape[1]
        if self.fill.dtype != self.picture.dtype or self.picture.dtype not in (np.float32, np.uint8):
            raise ValueError(f"picture is {self.picture.dtype} and fill {self.fill.dtype}; expected float32 or uint8 twice.")
        if self.fill.shape != shape or self.player.shape != shape[:2]:
            raise ValueError(f"picture {shape}, fill {self.fill.shape} and player {self.player.shape} do not fit.")
        if self.player.min() < 0 or self.player.max() >= n_columns:
            raise ValueError(f"player must be in 0..{n_columns - 1}, a column of the mask; got up to {self.player.max()}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process it goes without what is on a device of this one."""
        return type(self), (self.picture, self.fill, self.player, self.mask)

    def on(self, device: Where) -> list[Tensor]:
        """picture, fill and player on a device, where they stay."""
        name = str(device), str(self.picture.dtype)
        if name not in self.there:
            self.there[name] = [resident(a, device) for a in (self.picture, self.fill, self.player.astype(np.int64))]
        return self.there[name]

    def as_bytes(self) -> Self:
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

    def host(self, start: int, stop: int) -> NDArray[Any]:
        """(stop - start, H, W, C) of the pieces' dtype, in the picture's own units."""
        height, width, n_channels = self.pieces[0].picture.shape
        planes = self.layout == "CHW"
        shape = (n_channels, height, width) if planes else (height, width, n_channels)
        out = np.empty((stop - start, *shape), dtype=self.pieces[0].picture.dtype)
        out = out.transpose(0, 2, 3, 1) if planes else out
        for piece, low, high, into in slices([p.mask for p in self.pieces], start, stop):
            p = self.pieces[piece]
            if p.mask.dtype == bool:
                kernels.splice_pixels(p.picture, p.fill, p.player, p.mask[low:high], out[into])
            else:
                half = np.float32(0.5 if out.dtype == np.uint8 else 0.0)
                kernels.blend_pixels(p.picture, p.fill, p.player, p.mask[low:high], half, out[into])
        return out

    def device(self, start: int, stop: int, device: Where) -> Tensor:
        """The same batch as a tensor on the device; only masks travel, the pictures stay there."""
        import torch

        planes = self.layout == "CHW"
        parts = []
        for piece, low, high, _ in slices([p.mask for p in self.pieces], start, stop):
            p = self.pieces[piece]
            picture, fill, player = p.on(device)
            if planes:
                picture, fill = (a.permute(2, 0, 1).contiguous() for a in (picture, fill))
            held = isinstance(p.mask, np.ndarray)  # masks that are only described are made on the device
            mask = resident(p.mask[low:high], device) if held else p.mask.on(slice(low, high), device)
            mask = mask[:, player].unsqueeze(1 if planes else -1)
            parts.append(torch.where(mask, picture, fill) if p.mask.dtype == bool else _blend(picture, fill, mask))
        if not parts:
            return self.pieces[0].on(device)[0].new_empty((0, *self.pieces[0].picture.shape))
        found = torch.cat(parts)
        return found.permute(0, 2, 3, 1) if planes else found


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

    def device(self, start: int, stop: int, device: Where) -> Tensor:
        import torch

        return carried(torch.as_tensor(self.host(start, stop)), device)


def recast(plan: Plan, dtype: str, layout: str) -> Plan:
    """A plan of pictures as a model takes them. dtype: "float32" or "uint8";  layout: "HWC" or "CHW", in memory.

    Tables come back as they are. Raises ValueError where numbers that are no bytes would have to be.
    """
    if is_table(plan) or (dtype, layout) == ("float32", "HWC"):
        return plan
    if isinstance(plan, ImagePlan):  # its pictures are recast once, and not a batch at a time
        return ImagePlan([p.as_bytes() for p in plan.pieces] if dtype == "uint8" else plan.pieces, layout)
    return Recast(plan, dtype, layout, whole=isinstance(plan, Given))


def _blend(picture: Tensor, fill: Tensor, alpha: Tensor) -> Tensor:
    """The twin of kernels.blend_pixels; separate products, so that both ends are exact."""
    import torch

    mixed = (1.0 - alpha) * fill.float() + alpha * picture.float()
    mixed = (mixed + 0.5).floor().to(torch.uint8) if picture.dtype == torch.uint8 else mixed
    return torch.where(alpha == 1.0, picture, torch.where(alpha == 0.0, fill, mixed))
