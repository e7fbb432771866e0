"""One forward pass, followed: the operations and modules that ran, and where on the picture their results come from."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from perturbxai.baseline_methods.graph import Vertex, Way, Ways, between, followed, vertex_of
from perturbxai.baseline_methods.layouts import Layout
from perturbxai.baseline_methods.whereabouts import (
    MOVES,
    REDUCTIONS,
    Whereabouts,
    by_shape,
    carried,
    name_of,
    of_picture,
    tensors_of,
)
from perturbxai.models.torch_types import Args, Func, Module, Named, Net, Score, Tensor

Call = tuple[str, int]  # a module's name, and how often it ran before

ENTERS = "input of "  # a place that is named by the module it goes into


class Operations(TorchFunctionMode):
    """Numbers the tensor operations of a pass; `run` gets each, and gives what it returns."""

    def __init__(self, run: Callable[[int, Func, Args, Named], Any]) -> None:
        super().__init__()
        self.run, self.number = run, -1

    def __torch_function__(self, func: Func, types: Sequence[type], args: Args = (), kwargs: Named | None = None) -> Any:
        self.number += 1
        return self.run(self.number, func, args, kwargs or {})


@dataclass(eq=False)
class Step:
    """A result of the pass that comes from the picture.

    vertex    its name in autograd's graph
    number    of the operation that made it, or that took it first where that is not seen
    argument  which of the tensors that the operation takes it is; None: it is what the operation made
    unmet     it is no result that stands alone, and was not met since
    source    what its values were taken from, where it is nothing but those, rearranged
    enters    what it went into, as a place is labelled, with what came out;  call: the module whose result it is
    """

    vertex: Vertex | None
    number: int
    where: Whereabouts | None
    argument: int | None = None
    unmet: bool = False
    source: Vertex | None = None
    enters: list[tuple[str, list[Vertex | None]]] = field(default_factory=list)
    call: Call | None = None

    @property
    def layout(self) -> Layout | None:
        """How the maps lie in it, if it has some that are more than the picture itself, rearranged."""
        return self.where.layout() if self.where is not None and self.where.worked else None


@dataclass(eq=False)
class Trail:
    """What a forward pass of one picture showed.

    ran      how often each module ran;  running: the calls that run now, the innermost last
    gave, took  what each call gave, and the places of what went in
    modules  by name
    known    by id: a tensor (which keeps the id its own) and its places
    pooled   ids of what was pooled to one place, and of what holds such values beside others
    steps    the results as autograd's graph has them, in order;  picture: the picture there
    scores   (1, K);  patches: (h, w) of the last map with the channels first, or None
    size     (H, W) of the picture
    through  autograd follows the network where that says no_grad, inference_mode or detach() too
    """

    size: tuple[int, int]
    through: bool = False
    ran: Counter[str] = field(default_factory=Counter)
    running: list[Call] = field(default_factory=list)
    gave: dict[Call, Step] = field(default_factory=dict)
    took: dict[Call, Whereabouts | None] = field(default_factory=dict)
    known: dict[int, tuple[Tensor, Whereabouts | None]] = field(default_factory=dict)
    pooled: set[int] = field(default_factory=set)
    steps: dict[Vertex | None, Step] = field(default_factory=dict)
    picture: Vertex | None = None
    modules: dict[str, Module] = field(default_factory=dict)
    scores: Tensor | None = None
    patches: tuple[int, int] | None = None

    def enter(self, name: str, _module: Module, given: Args) -> None:
        """A module's call begins."""
        call = (name, self.ran[name])
        self.ran[name] += 1
        self.running.append(call)
        if given and isinstance(given[0], torch.Tensor):
            with torch._C.DisableTorchFunction():  # what is asked here is no operation of the pass
                self.took[call] = self.where(given[0])

    def leave(self, _name: str, _module: Module, out: object) -> None:
        """The innermost call that runs ends."""
        call = self.running.pop()
        if isinstance(out, torch.Tensor):
            with torch._C.DisableTorchFunction():
                vertex, where = vertex_of(out), self.where(out)
            self.gave[call] = Step(vertex, -1, where)
            if vertex in self.steps:
                self.steps[vertex].call = self.steps[vertex].call or call

    def between(self, along: set[Way] | None = None) -> Ways:
        """What lies between the picture and the scores, by the ways that count; empty where autograd cannot tell."""
        output = None if self.scores is None else vertex_of(self.scores)
        return {} if output is None or self.picture is None else between(output, self.picture, along)

    def where(self, tensor: Tensor) -> Whereabouts | None:
        """The places of a tensor's values; by their shape where nothing is known of what made it."""
        if id(tensor) not in self.known:
            return by_shape(tensor, self.size) if tensor.requires_grad and not tensor.is_leaf else None
        found = self.known[id(tensor)][1]
        return found if found is not None and found.down.shape == tensor.shape else None

    def run(self, number: int, func: Func, args: Args, kwargs: Named) -> Any:
        """One operation, taken note of."""
        took = list(tensors_of((*args, *kwargs.values())))
        before = [vertex_of(tensor) for tensor in took]
        known = {id(tensor): self.where(tensor) for tensor in took}  # its shape may change in place
        name = name_of(func)
        out = _followed(name, func, args, kwargs) if self.through else func(*args, **kwargs)
        # what is written into has nothing to show for it but itself
        made = list(tensors_of((args[0] if name == "setitem" else out,)))
        if not made or not any(tensor.requires_grad or id(tensor) in self.known for tensor in (*took, *made)):
            return out
        places = carried(func, args, kwargs, made, lambda tensor: known.get(id(tensor)), self.size)
        places = [self._with_pooled(name, took, known, tensor, where) for tensor, where in zip(made, places, strict=False)]
        after = [vertex_of(one) for one in made]
        for argument, (tensor, vertex) in enumerate(zip(took, before, strict=True)):
            if vertex is not None and vertex not in after:
                step = self._entered(number, argument, tensor, vertex)
                step.enters.append((_label(self.running[-1] if self.running else ("", 0), func), after))
        origins = {vertex for vertex in before if vertex is not None}
        source = origins.pop() if name in MOVES and len(origins) == 1 else None
        for tensor, where in zip(made, places, strict=False):
            # several results, and one in place of what was there, are met where they go in next
            self._made(number, tensor, where, source, len(made) > 1 or any(tensor is one for one in took))
        return out

    def _with_pooled(
        self, name: str, took: list[Tensor], known: dict[int, Whereabouts | None], made: Tensor, where: Whereabouts | None
    ) -> Whereabouts | None:
        """The places of what an operation made. Where pooled values lie beside others it is no map: they pass by its places.

        A token of a class has no place either, but it is read with the patches, not made of them before.
        """
        pooled = [tensor for tensor in took if id(tensor) in self.pooled]
        if where is None:
            from_places = (name in REDUCTIONS or "pool" in name) and any(known[id(tensor)] is not None for tensor in took)
            if from_places or (pooled and name in MOVES):
                self.pooled.add(id(made))
            return None
        beside = pooled if name in MOVES else [tensor for tensor in pooled if known[id(tensor)] is not None]
        if not beside or not where.elsewhere:
            return where
        self.pooled.add(id(made))
        return replace(where, worked=False)

    def _entered(self, number: int, argument: int, tensor: Tensor, vertex: Vertex) -> Step:
        """A tensor went into an operation; one that was made unseen, or in place, is met here, whatever name it had."""
        step = self.steps.get(vertex)
        if step is None:
            step = self.steps[vertex] = Step(vertex, number, self.where(tensor), argument)
        elif step.unmet:
            step.number, step.argument, step.unmet = number, argument, False
        return step

    def _made(self, number: int, tensor: Tensor, where: Whereabouts | None, source: Vertex | None, unmet: bool) -> None:
        self.known[id(tensor)] = tensor, where
        if where is not None and tensor.ndim == 4 and where.worked and where.axes == (2, 3):
            self.patches = (int(tensor.shape[2]), int(tensor.shape[3]))
        vertex = vertex_of(tensor)
        if vertex is not None:
            self.steps.setdefault(vertex, Step(vertex, number, where, unmet=unmet, source=source))


def survey(net: Net, batch: Tensor, score: Score | None = None, *, through: bool = False) -> Trail:
    """One forward pass of one picture (1, C, H, W): its operations in order, and how often each module runs.

    score  from what the network returned to (n, K): then autograd follows too;  through: see Trail
    """
    trail = Trail(tuple(batch.shape[2:]), through, modules=dict(net.named_modules()))  # type: ignore[arg-type]
    own = batch.detach().clone().requires_grad_(score is not None)
    picture = own.clone()  # for a network that writes into its input
    trail.known[id(picture)] = picture, of_picture(picture)
    trail.picture = vertex_of(own)
    # the mode is set first: switching it is an operation that would be numbered
    with torch.set_grad_enabled(score is not None), followed(net, trail.enter, trail.leave), Operations(trail.run):
        given = net(picture)
        trail.scores = None if score is None else score(given)
    return trail


def _followed(name: str, func: Func, args: Args, kwargs: Named) -> Any:
    """One operation with autograd on, whatever the network says."""
    with torch.inference_mode(False), torch.enable_grad():
        if name in ("detach", "data") and not getattr(func, "__name__", "").endswith("detach_"):
            return args[0].view_as(args[0])
        return func(*args, **kwargs)


def label_of(call: Call, trail: Trail) -> str:
    """A module's call, as a user names it."""
    name, number = call
    return name if trail.ran[name] == 1 else f"{name}#{number}"


def _label(inside: Call, func: Func) -> str:
    """How to call what a tensor goes into: a module by name, else the function."""
    name, number = inside
    if not name:
        return f"{ENTERS}{getattr(func, '__name__', 'a function')}()"
    return f"{ENTERS}{name}" + (f"#{number}" if number else "")
