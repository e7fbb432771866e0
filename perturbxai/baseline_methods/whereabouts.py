"""From which place of the picture each value of a tensor comes, followed through a network's operations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from perturbxai.baseline_methods.layouts import Grid, Layout, fits, layout_of_order
from perturbxai.core import checks
from perturbxai.models.torch_types import Args, Func, Named, Tensor

SAME = 1e-5  # of the picture's side: two places nearer than that are one


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# They move values, repeat them or choose among them: what is done to the values is done to their places.
MOVES = names(
    "view view_as reshape reshape_as permute transpose t T mT H mH movedim moveaxis swapaxes swapdims flatten "
    "unflatten ravel squeeze unsqueeze getitem setitem select slice narrow index index_select gather take_along_dim "
    "split split_with_sizes chunk tensor_split hsplit vsplit dsplit unsafe_split unsafe_chunk unbind cat concat "
    "concatenate stack hstack vstack dstack column_stack row_stack expand expand_as broadcast_to repeat "
    "repeat_interleave tile roll flip fliplr flipud rot90 contiguous clone detach data alias unfold im2col "
    "pixel_unshuffle channel_shuffle native_channel_shuffle pad constant_pad_nd atleast_1d atleast_2d atleast_3d "
    "scatter index_copy index_put masked_scatter _reshape_alias _unsafe_view"
)
# They make no map of a picture that is none yet: a picture less its mean is a picture.
ARITHMETIC = names(
    "add sub mul div true_divide rsub neg radd rmul rtruediv truediv rdiv iadd isub imul itruediv idiv to float double "
    "type type_as half bfloat16 clamp dropout"
)
# What comes of them lies by its size, by what is added up before it, or by other numbers: it has no place.
ELSEWHERE = names("sort msort cumsum cumprod cummax cummin logcumsumexp scatter_add scatter_reduce index_add")
ELSEWHERE |= names("index_reduce put grid_sample grid_sampler grid_sampler_2d tensordot")
REDUCTIONS = names("mean sum nansum nanmean amax amin max min std var prod logsumexp median nanmedian")
# Their last axis is mixed, by a matrix: number of the argument that is mixed, and of the one by which
MATRICES = {"linear": (0, 1), "matmul": (0, 1), "rmatmul": (1, 0), "mm": (0, 1), "bmm": (0, 1), "mv": (0, 1)}
MATRICES |= {"addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}


@dataclass(frozen=True, eq=False)
class Whereabouts:
    """The places of a tensor's values on the picture: the middle of what a value was made of.

    down, across  of the tensor's shape, as shares of the picture's sides; NaN for a value of no place: a token of a class,
                  a padded rim
    worked        the values are more than the picture's own, rearranged, shifted or scaled
    """

    down: Tensor
    across: Tensor
    worked: bool

    @property
    def axes(self) -> tuple[int, int] | None:
        """The axes along which the place moves down and across: two, if it is a map; a map of one row has one of size 1."""
        down, across = _moving(self.down), _moving(self.across)
        last = self.down.ndim - 1
        if not down and across == [last] and last > 1 and self.down.shape[last - 1] == 1:
            down = [last - 1]
        if not across and len(down) == 1 and down[0] < last and self.down.shape[down[0] + 1] == 1:
            across = [down[0] + 1]
        return (down[0], across[0]) if len(down) == len(across) == 1 and down != across else None

    @property
    def directions(self) -> tuple[bool, bool]:
        """Whether the places differ down, and across."""
        return _varies(self.down), _varies(self.across)

    @property
    def elsewhere(self) -> bool:
        """Some values have no place."""
        return bool(torch.isnan(_compact(self.down)).any())

    def layout(self) -> Layout | None:
        """How to read maps (n, C, h, w); None if the places are no grid, each with as many values."""
        placed = (~torch.isnan(self.down)).flatten().nonzero().flatten()
        rows, columns = (_ranks(values.flatten()[placed]) for values in (self.down, self.across))
        grid = (int(rows.max()) + 1, int(columns.max()) + 1)
        n_cells = grid[0] * grid[1]
        cells = rows * grid[1] + columns
        counts = torch.bincount(cells, minlength=n_cells)
        if n_cells == 1 or bool((counts != counts[0]).any()):
            return None
        order = placed[torch.argsort(cells, stable=True)].reshape(n_cells, -1).T.reshape(-1, *grid)
        return layout_of_order(order, tuple(self.down.shape))


Known = Callable[[Tensor], Whereabouts | None]  # the places of what an operation takes
Carried = list[Whereabouts | None]  # of each tensor that it made


def of_picture(batch: Tensor) -> Whereabouts:
    """The places of a picture (1, C, H, W)."""
    return Whereabouts(_even(batch, batch.ndim - 2), _even(batch, batch.ndim - 1), worked=False)


def by_shape(tensor: Tensor, picture: Grid) -> Whereabouts | None:
    """The places of what nothing is known of, if it has the shape of a map of a picture: (1, C, h, w)."""
    if tensor.ndim != 4 or len(tensor) != 1 or not tensor.is_floating_point() or not fits(tensor.shape[2:], picture):
        return None
    return Whereabouts(_even(tensor, 2), _even(tensor, 3), worked=True)


def carried(func: Func, args: Args, kwargs: Named, made: list[Tensor], known: Known, picture: Grid) -> Carried:
    """The places of what an operation made, from those of what it took; None where they are one, or lost."""
    name = name_of(func)
    tensors = list(tensors_of((*args, *kwargs.values())))
    placed = [(tensor, where) for tensor in tensors if (where := known(tensor)) is not None]
    if not placed or name in ELSEWHERE:
        return [None] * len(made)
    worked = any(where.worked for _, where in placed) or name not in MOVES | ARITHMETIC
    try:
        if name in MOVES:
            return _moved(func, name, args, kwargs, known, worked)
        if name == "einsum":
            return [_contracted(args, made[0], known)]
        if name in MATRICES:
            left, right = (args[number] for number in MATRICES[name])
            return [_mixed(left, right, made[0], known)]
        found = [_joined(tensor, placed, worked) for tensor in made]
        if name in REDUCTIONS and placed[0][0] is args[0]:
            return [where or _reduced(args, kwargs, tensor, placed[0][1]) for where, tensor in zip(found, made, strict=True)]
        return [where or _anew(tensor, *placed[0], picture) for where, tensor in zip(found, made, strict=True)]
    except (RuntimeError, TypeError, ValueError, IndexError, KeyError):  # an argument given in a way that is not followed
        return [None] * len(made)


def name_of(func: Func) -> str:
    """The operation's name: "relu" for relu_, "getitem" for __getitem__, "T" for the attribute, "view" for view.default."""
    name = getattr(func, "__name__", "").partition(".")[0]
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", "")
    inner = name.removeprefix("__").removesuffix("__")
    return inner if inner != name else name.removesuffix("_")


def tensors_of(values: Iterable[object]) -> Iterator[Tensor]:
    """The tensors among values, and in lists and dictionaries of them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_of(value)
        elif isinstance(value, dict):
            yield from tensors_of(value.values())


def _moved(func: Func, name: str, args: Args, kwargs: Named, known: Known, worked: bool) -> Carried:
    """The same operation on the places."""
    own = name in ("view", "setitem") or getattr(func, "__name__", "").endswith("_")

    def swap(value: object, which: str) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(swap(one, which) for one in value)
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            return value  # numbers of places to take, masks, sizes
        where = known(value)
        if where is None:
            return torch.full(value.shape, torch.nan, device=value.device)
        places = getattr(where, which)
        # a view of the values need not be one of the places, which repeat along some axes; nor may those be written into
        return places.clone(memory_format=torch.contiguous_format) if own else places

    options = {key: value for key, value in kwargs.items() if key not in ("memory_format", "out")}
    mode = args[2] if len(args) > 2 else options.get("mode", "constant")
    if name in ("pad", "constant_pad_nd") and mode == "constant":
        args, options = args[:2], {"value": torch.nan} | ({"pad": options["pad"]} if "pad" in options else {})
    both = []
    for which in ("down", "across"):
        given = tuple(swap(value, which) for value in args)
        out = func(*given, **{key: swap(value, which) for key, value in options.items()})
        both.append(list(tensors_of((given[0] if name == "setitem" else out,))))
    pairs = zip(*both, strict=True)  # whole numbers that were moved are no places: `index.expand_as(map)`
    return [_apart(down, across, worked) if down.is_floating_point() else None for down, across in pairs]


def _joined(made: Tensor, placed: list[tuple[Tensor, Whereabouts]], worked: bool) -> Whereabouts | None:
    """Value by value: as the operand of the same shape, else as one that is repeated; without a place there, as the next."""
    fitting = [where for tensor, where in placed if tensor.shape == made.shape]
    fitting = fitting or [where for tensor, where in placed if _repeats(tensor.shape, made.shape)]
    if not fitting:
        return None
    fitting.sort(key=lambda where: -sum(where.directions))  # one mixed along an axis says less than what it is added to
    if len(fitting) == 1 and fitting[0].worked == worked and fitting[0].down.shape == made.shape:
        return fitting[0]
    down, across = (getattr(fitting[0], which).expand(made.shape) for which in ("down", "across"))
    for other in fitting[1:] if fitting[0].elsewhere else ():
        missing = torch.isnan(down)
        down = torch.where(missing, other.down.expand(made.shape), down)
        across = torch.where(missing, other.across.expand(made.shape), across)
    return Whereabouts(down, across, worked)


def _repeats(shape: Sequence[int], to: Sequence[int]) -> bool:
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(reversed(shape), reversed(to), strict=False))


def _mixed(left: Tensor, right: Tensor, made: Tensor, known: Known) -> Whereabouts | None:
    """Of a matrix product: the rows' places, or where the left factor has none, the right one's columns'."""
    first, second = known(left), known(right)
    if first is not None:
        return _each(first, lambda places: places.nanmean(-1, keepdim=right.ndim > 1).expand(made.shape))
    assert second is not None
    return _each(second, lambda places: places.nanmean(-2, keepdim=left.ndim > 1).expand(made.shape))


def _contracted(args: Args, made: Tensor, known: Known) -> Whereabouts | None:
    """Of an einsum: the first placed factor's, on the axes that stay."""
    factors = args[1] if isinstance(args[1], (tuple, list)) else args[1:]
    inputs, _, kept = args[0].replace(" ", "").partition("->")
    for letters, factor in zip(inputs.split(","), factors, strict=True):
        where = known(factor)
        if where is None:
            continue
        gone = tuple(number for number, letter in enumerate(letters) if letter not in kept)
        left = [letter for letter in letters if letter in kept]
        there = [left.index(letter) for letter in kept if letter in left]
        new = tuple(slice(None) if letter in left else None for letter in kept)

        def make(places: Tensor, gone: tuple[int, ...] = gone, there: list[int] = there, new: Any = new) -> Tensor:
            return (places.nanmean(gone) if gone else places).permute(there)[new].expand(made.shape)

        found = _each(where, make)
        if found is not None and found.directions == where.directions:
            return found
    return None


def _reduced(args: Args, kwargs: Named, made: Tensor, where: Whereabouts) -> Whereabouts | None:
    """Of a mean, a sum, a maximum over some axes: the mean place."""
    dims = kwargs.get("dim", kwargs.get("axis", next((a for a in args[1:] if _is_dims(a)), None)))
    if dims is None:
        return None
    kept = made.ndim == where.down.ndim
    found = _each(where, lambda places: places.nanmean(dims, keepdim=kept).reshape(made.shape))
    # a row of means of columns is no map, unless the axis is kept
    return found if kept or found is None or found.directions == where.directions else None


def _is_dims(value: object) -> bool:
    values = value if isinstance(value, (tuple, list)) else (value,)
    return all(map(checks.is_whole, values))


def _anew(made: Tensor, source: Tensor, where: Whereabouts, picture: Grid) -> Whereabouts | None:
    """Of a convolution, a pooling, an enlargement: another grid on the same axes, if they are the last, in their order."""
    if made.ndim != where.down.ndim:
        return by_shape(made, picture)
    if source.ndim == 3 and made.shape[-1] == source.shape[-1]:  # along a row of tokens
        return _each(where, lambda places: places.nanmean(1, keepdim=True).expand(made.shape))
    if len(where.down) > 1 and 0 in {*_moving(where.down), *_moving(where.across)}:
        return None  # pieces of the picture in the batch: each has a grid of its own
    axes = (made.ndim - 2, made.ndim - 1)  # what was packed into the channels counts by its mean
    others = tuple(range(made.ndim - 2))
    middle = _each(where, lambda places: places.nanmean(others, keepdim=True) if others else places)
    found = None if middle is None else middle.axes
    if middle is None or found is None or set(found) != set(axes):
        return None
    down, across = (
        1.0 - _even(made, axis) if _falls(old, axis) else _even(made, axis)
        for old, axis in zip((middle.down, middle.across), found, strict=True)
    )
    return _apart(down, across, worked=True)


def _even(made: Tensor, axis: int) -> Tensor:
    """Places from one side of the picture to the other along an axis of a tensor, alike along its others."""
    middles = (torch.arange(made.shape[axis], device=made.device) + 0.5) / made.shape[axis]
    return middles.reshape([-1 if number == axis else 1 for number in range(made.ndim)]).expand(made.shape)


def _falls(places: Tensor, axis: int) -> bool:
    """Whether the picture runs backwards along an axis."""
    return bool(places.select(axis, -1).nanmean() < places.select(axis, 0).nanmean())


def _each(where: Whereabouts, make: Callable[[Tensor], Tensor]) -> Whereabouts | None:
    """The places that `make` makes of both, if they are several."""
    return _apart(make(where.down), make(where.across), worked=True)


def _apart(down: Tensor, across: Tensor, worked: bool) -> Whereabouts | None:
    """Places, unless all are one: then nothing of the picture is left to tell. Their repetitions are not in memory."""
    down, across = _thin(down), _thin(across)
    return Whereabouts(down, across, worked) if _varies(down) or _varies(across) else None


def _thin(places: Tensor) -> Tensor:
    """The same with its repetitions not in memory."""
    shape = places.shape
    for axis, step in enumerate(places.stride()):
        if step == 0 or shape[axis] == 1:
            continue
        first, second = (places.narrow(axis, number, 1).nan_to_num(-1.0) for number in (0, 1))
        if torch.equal(first, second) and bool((places.nan_to_num(-1.0) == first).all()):
            places = places.narrow(axis, 0, 1)
    return places.expand(shape)


def _compact(places: Tensor) -> Tensor:
    """Without the repetitions along axes that were only expanded."""
    for axis, step in enumerate(places.stride()):
        places = places.narrow(axis, 0, 1) if step == 0 and places.shape[axis] > 1 else places
    return places


def _varies(places: Tensor) -> bool:
    """Whether there is more than one place."""
    known = _compact(places).flatten()
    known = known[~torch.isnan(known)]
    return bool(known.numel() and known.max() - known.min() > SAME)


def _moving(places: Tensor) -> list[int]:
    """The axes along which the place changes."""
    places, found = _compact(places), []
    gaps = torch.isnan(places)
    low, high = places.masked_fill(gaps, torch.inf), places.masked_fill(gaps, -torch.inf)
    for axis in range(places.ndim):
        if places.shape[axis] > 1 and bool((high.amax(axis) - low.amin(axis) > SAME).any()):
            found.append(axis)
    return found


def _ranks(places: Tensor) -> Tensor:
    """Each place's number among the different ones, from the picture's start."""
    ordered, back = torch.sort(places)
    steps = torch.zeros_like(back)
    steps[1:] = (ordered.diff() > SAME).long()
    ranks = torch.empty_like(back)
    ranks[back] = steps.cumsum(0)
    return ranks
