"""Looking inside a network: one layer's map, its gradient, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.overrides import TorchFunctionMode

Floats = NDArray[np.float64]
Tensor = Any

ENTERS = "input of "  # a place that is named by the module it goes into


@dataclass(frozen=True, eq=False)
class View:
    """What one forward pass shows at a layer.

    activations (C, h, w);  gradients (K, C, h, w) of the scores by them;  scores (K,)
    respond     scores (K,) of the same picture if the layer had given other activations (C, h, w)
    """

    activations: Floats
    gradients: Floats
    scores: Floats
    respond: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Place:
    """Where a map is found: the output of a module's call, the input of one, or the result of a numbered operation.

    label   what `meta["layer"]` says;  module, call: its name and how often it ran before;  enters: its input is meant
    operation  number of the tensor operation in a forward pass, where no module is named
    """

    label: str
    module: str = ""
    call: int = 0
    enters: bool = False
    operation: int | None = None


@dataclass
class _Module:
    """A running count of a module's calls."""

    name: str
    calls: int = 0


@dataclass
class _Trail:
    """Follows what descends from the picture through the operations of a pass.

    maps  by id (holding them keeps the ids their own);  last: number and result of the operation that made the last map
    end   what the last map went into first, as a place is labelled
    rest  what that made, as long as it is only rearranged;  tokens: its shape once it grew instead of being reduced
    """

    running: list[_Module] = field(default_factory=list)
    maps: dict[int, Tensor] = field(default_factory=dict)
    last: tuple[int, Tensor] | None = None
    end: str = ""
    rest: Tensor | None = None
    tokens: tuple[int, ...] | None = None

    def seen(self, number: int, func: Any, args: tuple[Any, ...], out: Any) -> Any:
        """Take note of one operation."""
        sources = list(_tensors(args))
        descends = any(id(source) in self.maps for source in sources)
        for made in _tensors((out,)):
            if descends and _is_map(made):
                self.maps[id(made)] = made
                self.last, self.end, self.rest, self.tokens = (number, made), "", None, None
            elif self.last is not None and not self.end and any(source is self.last[1] for source in sources):
                self.end = _enters(self.running[-1] if self.running else _Module(""), func)
                self._follow(made, self.last[1])
            elif self.rest is not None and any(source is self.rest for source in sources):
                self._follow(made, self.rest)
        return out

    def _follow(self, made: Tensor, before: Tensor) -> None:
        if made.numel() > before.numel():
            self.tokens = tuple(made.shape)
        self.rest = made if made.numel() == before.numel() and made.ndim > 2 else None


class _Operations(TorchFunctionMode):
    """Numbers the tensor operations of a pass, and hands each result to a function that may replace it."""

    def __init__(self, seen: Callable[[int, Any, tuple[Any, ...], Any], Any]) -> None:
        super().__init__()
        self.seen, self.number = seen, -1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.number += 1
        return self.seen(self.number, func, (*args, *(kwargs or {}).values()), out)


def find_place(net: Any, batch: Tensor) -> Place:
    """The last map before the spatial axes collapse, by one forward pass of one picture (1, C, H, W).

    Follows the tensors (1, C, h, w) that descend from the picture, through modules and functions alike, and takes the
    last one that is made before something flattens, pools or averages it away.
    Raises ValueError if there is no such map, or if it is rearranged to tokens as in a vision transformer.
    """
    trail = _Trail(maps={id(batch): batch})
    with _counted(net, trail.running), _Operations(trail.seen), torch.no_grad():
        net(batch)
    if trail.last is None or not trail.end:
        raise ValueError(
            "layer: the network has no map (1, C, h, w) that descends from the picture before its spatial axes collapse; "
            "name one of its modules: layer='...'."
        )
    number, found = trail.last
    if trail.tokens is not None:
        raise ValueError(
            f"layer: the last map {tuple(found.shape)} is rearranged to tokens, later {trail.tokens}, as in a vision "
            "transformer: no map stands before the head. Name a layer that gives (n, C, h, w), if there is one."
        )
    return Place(trail.end, operation=number)


def named_place(net: Any, batch: Tensor, layer: Any) -> Place:
    """The place that a user names: "layer4", "act#1" for its second call, "input of avgpool".

    Raises TypeError for what is no string, ValueError for a name that the network lacks, a module that never runs, and one
    that runs several times and was named without its call.
    """
    if not isinstance(layer, str):
        raise TypeError(f"layer is {type(layer).__name__}; give its name as named_modules() has it, such as 'layer4'.")
    enters = layer.startswith(ENTERS)
    name, _, number = layer.removeprefix(ENTERS).partition("#")
    modules = dict(net.named_modules(remove_duplicate=False))
    if name not in modules or (number and not number.isdigit()):
        tops = ", ".join(repr(child) for child, _ in net.named_children())
        raise ValueError(f"layer={layer!r} is no module of the network; its parts are {tops}, and theirs are 'part.child'.")
    calls = _calls(net, batch, modules[name])
    call = int(number) if number else 0
    if call >= calls or (calls > 1 and not number):
        which = f"'{name}#0' to '{name}#{calls - 1}'" if calls > 1 else f"{name!r}" if calls else "another"
        raise ValueError(f"layer={layer!r}: {name!r} runs {calls} time(s) in a forward pass; name {which}.")
    return Place(layer, module=name, call=call, enters=enters)


def view(net: Any, batch: Tensor, place: Place, score: Callable[[Tensor], Tensor]) -> View:
    """One forward pass of one picture, and for each score (K,) its gradient by the map at a place.

    Raises ValueError if what the place gives is no map of the picture, or if a score does not depend on it.
    """
    held: list[Tensor] = []

    def lend(found: Tensor) -> Tensor:
        _check_map(found, batch, place.label)
        held.append(found.detach().clone().requires_grad_(True))
        return held[0].clone()  # what follows may work in place

    with _swapped(net, place, lend), torch.enable_grad():
        scores = score(net(batch))
    if not held:
        raise ValueError(f"layer={place.label!r} gave nothing in this pass; name another layer.")
    gradients = []
    for one in scores:
        (found,) = torch.autograd.grad(one, held[0], retain_graph=True, allow_unused=True) if one.requires_grad else (None,)
        if found is None:
            raise ValueError(f"layer={place.label!r}: the score does not depend on it; name another layer.")
        gradients.append(_array(found[0]))

    def respond(activations: Floats) -> Floats:
        def put(found: Tensor) -> Tensor:
            return torch.as_tensor(activations.copy(), dtype=found.dtype, device=found.device)[None].expand_as(found).clone()

        with _swapped(net, place, put), torch.no_grad():
            return _array(score(net(batch)))

    return View(_array(held[0].detach()[0]), np.stack(gradients), _array(scores.detach()), respond)


@contextmanager
def _swapped(net: Any, place: Place, swap: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, the tensor at a place is replaced by what `swap` makes of it."""
    with ExitStack() as stack:
        if place.operation is not None:
            stack.enter_context(_Operations(lambda n, _f, _a, out: swap(out) if n == place.operation else out))
        else:
            _swap_at_module(net, place, swap, stack)
        yield


def _swap_at_module(net: Any, place: Place, swap: Callable[[Tensor], Tensor], stack: ExitStack) -> None:
    module = dict(net.named_modules(remove_duplicate=False))[place.module]
    calls = iter(range(1 << 62))

    def before(_module: Any, args: tuple[Any, ...]) -> Any:
        return (swap(args[0]), *args[1:]) if next(calls) == place.call and args else None

    def after(_module: Any, _args: Any, out: Any) -> Any:
        return swap(out) if next(calls) == place.call else None

    register = module.register_forward_pre_hook(before) if place.enters else module.register_forward_hook(after)
    stack.callback(register.remove)


@contextmanager
def _counted(net: Any, running: list[_Module]) -> Iterator[None]:
    """Keep a list of the modules that are running, the innermost last, and how often each ran before."""
    with ExitStack() as stack:
        for name, module in net.named_modules():
            _count(name, module, running, stack)
        yield


def _count(name: str, module: Any, running: list[_Module], stack: ExitStack) -> None:
    calls = iter(range(1 << 62))

    def enter(*_: Any) -> None:
        running.append(_Module(name, next(calls)))

    def leave(*_: Any) -> None:
        running.pop()

    stack.callback(module.register_forward_pre_hook(enter).remove)
    stack.callback(module.register_forward_hook(leave).remove)


def _calls(net: Any, batch: Tensor, module: Any) -> int:
    """How often a module runs in a forward pass."""
    ran: list[None] = []
    handle = module.register_forward_hook(lambda *_: ran.append(None))
    try:
        with torch.no_grad():
            net(batch)
    finally:
        handle.remove()
    return len(ran)


def _enters(inside: _Module, func: Any) -> str:
    """How to call what the last map goes into: a module by name, else the function."""
    if not inside.name:
        return f"{ENTERS}{getattr(func, '__name__', 'a function')}()"
    return f"{ENTERS}{inside.name}" + (f"#{inside.calls}" if inside.calls else "")


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


def _is_map(tensor: Tensor) -> bool:
    return bool(tensor.ndim == 4 and tensor.is_floating_point() and tensor.shape[0] == 1 and min(tensor.shape[2:]) > 1)


def _check_map(found: Any, batch: Tensor, label: str) -> None:
    """A map has the picture's shape, coarser: (1, C, h, w) with h / w as H / W but for a cell."""
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    height, width = batch.shape[2:]
    if not (isinstance(found, torch.Tensor) and _is_map(found)):
        raise ValueError(f"layer={label!r} gives {shape}; expected a map (1, C, h, w) with h and w above 1. Name another.")
    if abs(found.shape[2] * width - found.shape[3] * height) > 2 * max(height, width):
        raise ValueError(
            f"layer={label!r} gives {shape}, whose last two axes are not those of a picture of {height} x {width}; "
            "name a layer that gives (n, C, h, w)."
        )


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().to("cpu").double().numpy())
