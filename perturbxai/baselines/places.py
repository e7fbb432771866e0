"""Where a network's maps are: found by one forward pass, or named by a user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Tensor = Any

ENTERS = "input of "  # a place that is named by the module it goes into


@dataclass(frozen=True)
class Place:
    """Where a map is found: the output of a module's call, the input of one, or the result of a numbered operation.

    label   what `meta["layer"]` says;  module, call: its name and how often it ran before;  enters: its input is meant
    operation  number of the tensor operation in a forward pass, where no module is named
    patches    (h, w) of the network's last map, from which tokens are cut, or None where there is none
    """

    label: str
    module: str = ""
    call: int = 0
    enters: bool = False
    operation: int | None = None
    patches: tuple[int, int] | None = None


@dataclass
class _Module:
    """A running count of a module's calls."""

    name: str
    calls: int = 0


@dataclass
class Trail:
    """Follows what descends from the picture through the operations of a pass.

    ran      the modules' calls, in order: (name, how often it ran before);  running: those that run now, the innermost last
    maps     by id (holding them keeps the ids their own);  last: number and result of the operation that made the last map
    end      what the last map went into first, as a place is labelled
    rest     what that made, as long as it is only rearranged;  tokens: its shape once it grew instead of being reduced
    """

    ran: list[tuple[str, int]] = field(default_factory=list)
    running: list[_Module] = field(default_factory=list)
    maps: dict[int, Tensor] = field(default_factory=dict)
    last: tuple[int, Tensor] | None = None
    end: str = ""
    rest: Tensor | None = None
    tokens: tuple[int, ...] | None = None

    def calls(self, name: str) -> int:
        """How often a module ran."""
        return sum(one == name for one, _ in self.ran)

    @property
    def patches(self) -> tuple[int, int] | None:
        """(h, w) of the last map."""
        return None if self.last is None else (int(self.last[1].shape[2]), int(self.last[1].shape[3]))

    def seen(self, number: int, func: Any, args: tuple[Any, ...], out: Any) -> Any:
        """Take note of one operation."""
        sources = list(tensors_of(args))
        descends = any(id(source) in self.maps for source in sources)
        for made in tensors_of((out,)):
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


class Operations(TorchFunctionMode):
    """Numbers the tensor operations of a pass, and hands each result to a function that may replace it."""

    def __init__(self, seen: Callable[[int, Any, tuple[Any, ...], Any], Any]) -> None:
        super().__init__()
        self.seen, self.number = seen, -1

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.number += 1
        return self.seen(self.number, func, (*args, *(kwargs or {}).values()), out)


def survey(net: Any, batch: Tensor) -> Trail:
    """One forward pass of one picture (1, C, H, W): its maps, in order, and how often each module runs."""
    trail = Trail(maps={id(batch): batch})
    # the mode is set first: switching it is an operation that would be numbered
    with torch.no_grad(), _counted(net, trail), Operations(trail.seen):
        net(batch)
    return trail


def last_map(trail: Trail) -> Place | None:
    """The last map before the spatial axes collapse; None if it is rearranged to tokens, as in a vision transformer.

    It is the last tensor (1, C, h, w) that descends from the picture, through modules and functions alike, before something
    flattens, pools or averages it away. Raises ValueError if there is no such map.
    """
    if trail.last is None or not trail.end:
        raise ValueError(
            "layer: the network has no map (1, C, h, w) that descends from the picture before its spatial axes collapse; "
            "name one of its modules: layer='...'."
        )
    return None if trail.tokens is not None else Place(trail.end, operation=trail.last[0])


def named_place(net: Any, trail: Trail, layer: str) -> Place:
    """The place that a user names: "layer4", "act#1" for its second call, "input of avgpool".

    Raises ValueError for a name that the network lacks, a module that never runs, and one that runs several times and was
    named without its call.
    """
    enters = layer.startswith(ENTERS)
    name, _, number = layer.removeprefix(ENTERS).partition("#")
    modules = dict(net.named_modules(remove_duplicate=False))
    if name not in modules or (number and not number.isdigit()):
        tops = ", ".join(repr(child) for child, _ in net.named_children())
        raise ValueError(f"layer={layer!r} is no module of the network; its parts are {tops}, and theirs are 'part.child'.")
    (known,) = [first for first, module in net.named_modules() if module is modules[name]]
    calls = trail.calls(known)
    call = int(number) if number else 0
    if call >= calls or (calls > 1 and not number):
        which = f"'{name}#0' to '{name}#{calls - 1}'" if calls > 1 else f"{name!r}" if calls else "another"
        raise ValueError(f"layer={layer!r}: {name!r} runs {calls} time(s) in a forward pass; name {which}.")
    return Place(layer, module=name, call=call, enters=enters, patches=trail.patches)


def norm_places(net: Any, trail: Trail) -> list[Place]:
    """The calls of a network's normalisations, in order: between them a transformer's tokens are worked on."""
    norms = {name for name, module in net.named_modules() if "norm" in type(module).__name__.lower()}
    return [
        Place(name if trail.calls(name) == 1 else f"{name}#{call}", module=name, call=call, patches=trail.patches)
        for name, call in trail.ran
        if name in norms
    ]


def layer_names(net: Any, layer: Any) -> tuple[str, ...]:
    """The names of layers that were given by name or as modules of this network, one or several.

    Raises TypeError for what is neither, ValueError for a module that is no part of the network, for an empty list and for
    a layer that comes twice.
    """
    given = list(layer) if isinstance(layer, Sequence) and not isinstance(layer, str) else [layer]
    if not given:
        raise ValueError("layer is an empty list; name at least one layer, or leave it out.")
    names = tuple(_layer_name(net, one) for one in given)
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise ValueError(f"layer: {twice[0]!r} comes twice; name each layer once.")
    return names


def _layer_name(net: Any, layer: Any) -> str:
    if isinstance(layer, str):
        return layer
    if not isinstance(layer, torch.nn.Module):
        raise TypeError(
            f"layer is {type(layer).__name__}; give its name as named_modules() has it, such as 'layer4', or the module."
        )
    for name, module in net.named_modules():
        if module is layer:
            return str(name)
    raise ValueError(f"layer is a {type(layer).__name__} that is no part of the network; give one of its own modules.")


@contextmanager
def swapped(net: Any, places: Sequence[Place], swap: Callable[[int, Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, the tensor at each place is replaced by what `swap` makes of its number and the tensor."""
    numbered = {place.operation: number for number, place in enumerate(places) if place.operation is not None}
    with ExitStack() as stack:
        if numbered:
            stack.enter_context(Operations(lambda n, _f, _a, out: swap(numbered[n], out) if n in numbered else out))
        for number, place in enumerate(places):
            if place.operation is None:
                _swap_at_module(net, place, lambda found, number=number: swap(number, found), stack)  # type: ignore[misc]
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
def _counted(net: Any, trail: Trail) -> Iterator[None]:
    """Have a trail keep the modules' calls, those that ran and those that run."""
    with ExitStack() as stack:
        for name, module in net.named_modules():
            _count(name, module, trail, stack)
        yield


def _count(name: str, module: Any, trail: Trail, stack: ExitStack) -> None:
    calls = iter(range(1 << 62))

    def enter(*_: Any) -> None:
        before = next(calls)
        trail.ran.append((name, before))
        trail.running.append(_Module(name, before))

    def leave(*_: Any) -> None:
        trail.running.pop()

    stack.callback(module.register_forward_pre_hook(enter).remove)
    stack.callback(module.register_forward_hook(leave).remove)


def _enters(inside: _Module, func: Any) -> str:
    """How to call what the last map goes into: a module by name, else the function."""
    if not inside.name:
        return f"{ENTERS}{getattr(func, '__name__', 'a function')}()"
    return f"{ENTERS}{inside.name}" + (f"#{inside.calls}" if inside.calls else "")


def tensors_of(values: Any) -> Iterator[Tensor]:
    """The tensors among values, and in lists of them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_of(value)


def _is_map(tensor: Tensor) -> bool:
    return bool(tensor.ndim == 4 and tensor.is_floating_point() and tensor.shape[0] == 1 and min(tensor.shape[2:]) > 1)
