"""How a layer's tensor lies on the picture: channels first, channels last, tokens in a row, or any known order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt, prod

import torch

from perturbxai.models.torch_types import Tensor

Grid = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """How to read maps (n, C, h, w) out of a layer's tensor, and how to put others in their place.

    axes   "first": (n, C, h, w) as it is;  "last": (n, h, w, C);  "tokens": (n, extra + h w, C), in rows of the picture;
           "ordered": any shape, whose values of the maps are where `order` says
    extra  tokens before the patches that stand for no place: class token, distillation token, registers
    order  (C, h, w) whole numbers: where in the flat tensor of one picture each value of the maps is
    shape  of that tensor, where it was followed
    """

    axes: str
    grid: Grid
    extra: int = 0
    order: Tensor | None = field(default=None, compare=False)
    shape: tuple[int, ...] = field(default=(), compare=False)

    def read(self, found: Tensor) -> Tensor:
        """(n, C, h, w), differentiable."""
        if self.axes == "tokens":
            # (n, N, C) -> (n, h w, C) -> (n, C, h w) -> (n, C, h, w)
            maps: Tensor = found[:, self.extra :].transpose(1, 2).unflatten(2, self.grid)
            return maps
        if self.order is not None:
            return found.flatten()[self.order][None]
        return found.permute(0, 3, 1, 2) if self.axes == "last" else found

    def write(self, maps: Tensor, found: Tensor) -> Tensor:
        """A tensor as `found` (1, ...), but for as many pictures as there are maps (n, C, h, w), and with these maps.

        Raises ValueError for several maps where the first axis of the tensor does not count the pictures.
        """
        if self.order is not None:
            if len(found) != 1 and len(maps) != 1:
                raise ValueError(f"a tensor {tuple(found.shape)} is of one picture, and holds no {len(maps)} maps.")
            values = found.flatten().repeat(len(maps), 1)
            values[:, self.order.flatten()] = maps.flatten(1)
            return values.reshape(len(maps) * len(found), *found.shape[1:])
        if self.axes == "tokens":
            extra = found[:, : self.extra].expand(len(maps), -1, -1)
            return torch.cat([extra, maps.flatten(2).transpose(1, 2)], dim=1)
        if self.axes == "last":
            return maps.permute(0, 2, 3, 1).contiguous()
        beside = found.is_contiguous(memory_format=torch.channels_last) and not found.is_contiguous()
        return maps.contiguous(memory_format=torch.channels_last if beside else torch.contiguous_format)


def layout_of_order(order: Tensor, shape: tuple[int, ...]) -> Layout:
    """The layout of a tensor (of one picture, of this shape) whose values of the maps (C, h, w) are at `order`."""
    grid = (int(order.shape[1]), int(order.shape[2]))
    if len(shape) == 4 and shape[0] == 1 and prod(shape) == order.numel():
        flat = torch.arange(order.numel(), device=order.device)
        for axes, there, numbers in (("first", shape[2:], order), ("last", shape[1:3], order.permute(1, 2, 0))):
            if there == grid and torch.equal(numbers.flatten(), flat):
                return Layout(axes, grid, shape=shape)
    return Layout("ordered", grid, order=order, shape=shape)


def layout_of(found: object, batch: Tensor, label: str, patches: Grid | None) -> Layout:
    """The layout of what a layer gave for one picture; batch (1, C, H, W).

    patches  (h, w) of the network's last map, which its tokens were cut from, or None where it has none
    Raises ValueError for what is no map of the picture, and for tokens whose places cannot be told.
    """
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    height, width = batch.shape[2:]
    if not isinstance(found, torch.Tensor) or not found.is_floating_point() or found.ndim not in (3, 4) or len(found) != 1:
        raise ValueError(
            f"layer={label!r} gives {shape}; expected a map (1, C, h, w) with h and w above 1, or tokens (1, N, C). "
            "Name another."
        )
    if found.ndim == 3:
        return _tokens(tuple(found.shape), (height, width), label, patches)
    for axes, grid in (("first", found.shape[2:]), ("last", found.shape[1:3])):
        if fits(grid, (height, width)):
            return Layout(axes, (int(grid[0]), int(grid[1])))
    if prod(found.shape[2:]) == 1:
        raise ValueError(f"layer={label!r} gives {shape}; expected a map (1, C, h, w) of several cells. Name another.")
    raise ValueError(
        f"layer={label!r} gives {shape}, whose last two axes are not those of a picture of {height} x {width}, nor are the "
        "two before; name a layer that gives (n, C, h, w)."
    )


def fits(grid: Sequence[int], picture: Grid) -> bool:
    """The picture's shape, coarser: h / w as H / W but for a cell."""
    return prod(grid) > 1 and bool(abs(grid[0] * picture[1] - grid[1] * picture[0]) <= 2 * max(picture))


def _tokens(shape: Sequence[int], picture: Grid, label: str, patches: Grid | None) -> Layout:
    """Tokens in rows of the grid that they were cut from; without one, a square of a square picture, or one token more."""
    n_tokens = shape[1]
    if patches is not None and fits(patches, picture) and n_tokens >= patches[0] * patches[1]:
        # what stands before the patches: a class token, another for distillation, some registers
        extra = n_tokens - patches[0] * patches[1]
        if extra < max(2, patches[0]):
            return Layout("tokens", patches, extra)
    if patches is None and picture[0] == picture[1]:
        for extra in (0, 1):
            side = isqrt(n_tokens - extra)
            if side > 1 and side * side == n_tokens - extra:
                return Layout("tokens", (side, side), extra)
    cut = f"the network's last map is {patches[0]} x {patches[1]}" if patches else "no map was cut into patches"
    raise ValueError(
        f"layer={label!r} gives {shape}, and where its {n_tokens} tokens lie on a picture of {picture[0]} x {picture[1]} "
        f"cannot be told ({cut}); name a layer that gives (n, C, h, w), or tokens of the patches' number."
    )
