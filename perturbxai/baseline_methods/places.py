"""Where a network's maps are: places that a user names, and other maps put there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from perturbxai.baseline_methods.layouts import Layout
from perturbxai.baseline_methods.trail import ENTERS, Operations, Trail
from perturbxai.baseline_methods.whereabouts import tensors_of
from perturbxai.core.stopping import context
from perturbxai.models.torch_types import Args, Func, Module, Named, Net, Tensor


@dataclass(frozen=True)
class Place:
    """Where a map is found: the output of a module's call, the input of one, or the result of a numbered operation.

    label   what `meta["layer"]` says;  module, call: its name and how often it ran before;  enters: its input is meant
    operation  number of the tensor operation in a forward pass, where no module is named;  argument: which of the tensors
               that it takes is meant, if not what it makes
    layout     how the map lies in the tensor, where that was followed
    patches    (h, w) of the network's last map, from which tokens are cut, or None where there is none
    """

    label: str
    module: str = ""
    call: int = 0
    enters: bool = False
    operation: int | None = None
    argument: int | None = None
    layout: Layout | None = None
    patches: tuple[int, int] | None = None


def named_place(net: Net, trail: Trail, layer: str) -> Place:
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
    if isinstance(modules[name], torch.jit.ScriptModule):
        raise ValueError(f"layer={layer!r} is a TorchScript module, which takes no hooks; name a layer before or behind it.")
    (known,) = [first for first, module in net.named_modules() if module is modules[name]]
    calls = trail.calls(known)
    call = int(number) if number else 0
    if call >= calls or (calls > 1 and not number):
        which = f"'{name}#0' to '{name}#{calls - 1}'" if calls > 1 else f"{name!r}" if calls else "another"
        raise ValueError(f"layer={layer!r}: {name!r} runs {calls} time(s) in a forward pass; name {which}.")
    gave = trail.gave.get((known, call))
    where = trail.took.get((known, call)) if enters else None if gave is None else gave.where
    layout = where.layout() if where is not None and where.axes is not None else None
    return Place(layer, module=name, call=call, enters=enters, layout=layout, patches=trail.patches)


def layer_names(net: Net, layer: object) -> tuple[str, ...]:
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


def _layer_name(net: Net, layer: object) -> str:
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


@context
def swapped(net: Net, places: Sequence[Place], swap: Callable[[int, Tensor], Tensor]) -> Iterator[None]:
    """While this lasts, the tensor at each place is replaced by what `swap` makes of its number and the tensor."""
    with ExitStack() as stack:
        if any(place.operation is not None for place in places):
            stack.enter_context(Operations(_Swapping(places, swap).run))
        for number, place in enumerate(places):
            if place.operation is None:
                _swap_at_module(net, place, lambda found, number=number: swap(number, found), stack)  # type: ignore[misc]
        yield


@dataclass(eq=False)
class _Swapping:
    """Replaces what numbered operations make, or what they and all later ones take."""

    places: Sequence[Place]
    swap: Callable[[int, Tensor], Tensor]

    def __post_init__(self) -> None:
        self.numbered = {place.operation: number for number, place in enumerate(self.places)}
        self.instead: dict[int, tuple[Tensor, Tensor]] = {}  # by id, which the tensor beside it keeps its own

    def run(self, number: int, func: Func, args: Args, kwargs: Named) -> Any:
        which = self.numbered.get(number)
        argument = None if which is None else self.places[which].argument
        if which is not None and argument is not None:
            taken = list(tensors_of((*args, *kwargs.values())))[argument]
            self.instead[id(taken)] = taken, self.swap(which, taken)
        if self.instead:
            args, kwargs = self._replaced(args), self._replaced(kwargs)
        out = func(*args, **kwargs)
        return out if which is None or argument is not None else self.swap(which, out)

    def _replaced(self, values: object) -> Any:
        if isinstance(values, torch.Tensor):
            return self.instead.get(id(values), (None, values))[1]
        if isinstance(values, dict):
            return {key: self._replaced(value) for key, value in values.items()}
        if isinstance(values, (tuple, list)) and type(values) in (tuple, list):
            return type(values)(map(self._replaced, values))
        return values


def _swap_at_module(net: Net, place: Place, swap: Callable[[Tensor], Tensor], stack: ExitStack) -> None:
    module = dict(net.named_modules(remove_duplicate=False))[place.module]
    calls = iter(range(1 << 62))

    def before(_module: Module, args: Args) -> Any:
        return (swap(args[0]), *args[1:]) if next(calls) == place.call and args else None

    def after(_module: Module, _args: Args, out: Tensor) -> Any:
        return swap(out) if next(calls) == place.call else None

    register = module.register_forward_pre_hook(before) if place.enters else module.register_forward_hook(after)
    stack.callback(register.remove)
