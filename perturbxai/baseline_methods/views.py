"""Looking inside a network: maps at some layers, their gradients, what other maps would give, and nothing left behind."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from perturbxai.baseline_methods.layouts import Layout, layout_of
from perturbxai.baseline_methods.pixels import View, as_floats
from perturbxai.baseline_methods.places import Place
from perturbxai.baseline_methods.trail import Operations
from perturbxai.baseline_methods.whereabouts import name_of, tensors_of
from perturbxai.core.functions import read_only
from perturbxai.core.stopping import context
from perturbxai.core.types import Floats
from perturbxai.models.torch_types import Args, Func, Module, Named, Net, Score, Tensor

# rows, what to ask of rows start..stop, rows a batch at most or None -> (start, stop, what was asked)
Batches = Callable[[int, Callable[[int, int], Floats], int | None], Iterator[tuple[int, int, Floats]]]
Instead = dict[int, tuple[Tensor, Tensor]]  # by id a tensor, which keeps the id its own, and what stands in its place

CHUNK_BYTES = 1 << 24  # of the maps that are put in place of others at a time
CUT_OUT = 32  # pixels a side
OTHER = "the network does not run the same operations each time. Name a module as layer=."
SAME = 1e-4  # of the scores' size: a picture's own maps, put back among others, give its own scores but for rounding


class OtherOperations(ValueError):
    """The network ran other operations than when a place in it was found."""


def views(
    net: Net, batch: Tensor, places: Sequence[Place], score: Score, *, differentiate: bool, batches: Batches,
    told: Callable[[object, tuple[str, ...]], None],
) -> list[View]:  # fmt: skip
    """What one forward pass of one picture shows at some places, with a pass backwards for each score.

    batch          (1, C, H, W);  score: from what the network returned to (n, K)
    differentiate  whether gradients are wanted;  batches: as `Predictor.in_batches`, for what other maps give
    told  is handed what the network returned, and the names of what it ran, where a place is a number among them
    Raises ValueError if what a place gives is no map of the picture, or if a score does not depend on it.
    """
    kept: dict[int, tuple[Tensor, Layout]] = {}

    def lend(number: int, found: Tensor) -> Tensor:
        layout = _layout(found, batch, places[number])
        # a later place stays tied to an earlier one, so that one pass serves both
        own = found.clone() if found.requires_grad else found.detach().clone().requires_grad_(differentiate)
        kept[number] = own, layout
        # a network may make its map without autograd, or read it with autograd though nobody asks
        with torch.set_grad_enabled(differentiate or torch.is_grad_enabled()):
            return own.clone()  # what follows may work in place

    picture = batch.clone()  # for a network that writes into its input; made here, where it is no operation of the pass
    ran: list[str] = []
    with torch.set_grad_enabled(differentiate), swapped(net, places, lend, ran):
        given = net(picture)
        by_net = tuple(ran)
        scores = score(given)[0]
    told(given, by_net)
    for number, place in enumerate(places):
        if number not in kept:
            raise ValueError(f"layer={place.label!r} gave nothing in this pass; name another layer.")
    held = [kept[number] for number in range(len(places))]
    gradients = _gradients(scores, held, places) if differentiate else [np.zeros(0)] * len(places)
    found = []
    for place, (tensor, layout), slopes in zip(places, held, gradients, strict=True):
        again = _Again(net, batch, place, score, tensor.detach(), layout, as_floats(scores), batches)
        seen = as_floats(layout.read(tensor)[0])
        rounding = max(torch.finfo(one.dtype).eps for one in (tensor, scores))
        found.append(View(read_only(seen), read_only(slopes), again.own, again.respond, again.ablated, rounding=rounding))
    return found


def _layout(found: object, batch: Tensor, place: Place) -> Layout:
    """How maps lie in what a place gives, as it was followed or by its looks."""
    if place.layout is None:
        return layout_of(found, batch, place.label, place.patches)
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != place.layout.shape:
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise OtherOperations(f"layer={place.label!r} gives {shape} and gave {place.layout.shape} before: {OTHER}")
    return place.layout


def _gradients(scores: Tensor, held: list[tuple[Tensor, Layout]], places: Sequence[Place]) -> list[Floats]:
    """(K, C, h, w) at each place: gradients of the scores by the map there. Refuses tokens that no score reads any more."""
    slopes = []
    for one in scores:
        if not one.requires_grad:
            raise ValueError(f"layer={places[0].label!r}: the score does not depend on it; name another layer.")
        slopes.append(torch.autograd.grad(one, [own for own, _ in held], retain_graph=True, allow_unused=True))
        for place, slope in zip(places, slopes[-1], strict=True):
            if slope is None:
                raise ValueError(f"layer={place.label!r}: the score does not depend on it; name another layer.")
    found = []
    for number, (place, (_, layout)) in enumerate(zip(places, held, strict=True)):
        found.append(np.stack([as_floats(layout.read(slope[number])[0]) for slope in slopes]))
        if layout.axes == "tokens" and not found[-1].any():
            raise ValueError(
                f"layer={place.label!r}: no score reads the {layout.grid[0]} x {layout.grid[1]} patches after this layer "
                "(all gradients by them are zero), as behind the last attention of a transformer that reads its class "
                "token. Name an earlier layer, such as the first norm of the last block, or leave layer= out."
            )
    return found


@dataclass(eq=False)
class _Again:
    """The same picture with other maps at a place.

    What stands before the place need not be computed for every map: one picture goes in and many maps come out, or, for a
    network that counts its pictures first, as many cut-outs of a few pixels. The picture's own maps go with them, and must
    give its own scores. Where they do not, something passes the place by, and every map gets the whole picture.

    found  what the place gave;  own: the scores (K,)
    """

    net: Net
    batch: Tensor
    place: Place
    score: Score
    found: Tensor
    layout: Layout
    own: Floats
    batches: Batches

    def __post_init__(self) -> None:
        cut_out = self.batch[:, :, :CUT_OUT, :CUT_OUT]
        self.short_cuts: list[Callable[[int], Tensor]] = [lambda _: self.batch, lambda n: torch.cat([cut_out] * n)]

    def respond(self, activations: Floats) -> Floats:
        maps = torch.as_tensor(activations.copy(), dtype=self.found.dtype, device=self.found.device)
        return np.asarray(self._scores(maps[None], self.batch)[0])

    def ablated(self) -> Floats:
        own = self.layout.read(self.found)[0]  # (C, h, w)
        scores = np.repeat(self.own[None], len(own), axis=0)
        alive = own.flatten(1).any(dim=1).nonzero().flatten()  # a channel of zeros changes nothing
        each = max(1, CHUNK_BYTES // (own.numel() * own.element_size()))
        for chunk in alive.split(each):
            maps = own.expand(len(chunk), *own.shape).clone()
            maps[torch.arange(len(chunk), device=chunk.device), chunk] = 0.0
            scores[chunk.cpu().numpy()] = self._of_many(maps)
        return scores

    def _of_many(self, maps: Tensor) -> Floats:
        """(M, K): the scores with each of these maps (M, C, h, w)."""
        beside = torch.cat([self.layout.read(self.found), maps])
        while self.short_cuts:
            try:
                return self._by_short_cut(beside, self.short_cuts[0])[1:]
            except Exception:  # shapes that do not go together, in whatever words; an error of its own comes again below
                del self.short_cuts[0]

        def ask(start: int, stop: int) -> Floats:
            return self._scores(maps[start:stop], torch.cat([self.batch] * (stop - start)))

        # one picture at a time where the tensor's first axis does not count them
        most = None if len(self.found) == 1 else 1
        return np.concatenate([found for *_, found in self.batches(len(maps), ask, most)])

    def _by_short_cut(self, maps: Tensor, pictures: Callable[[int], Tensor]) -> Floats:
        """(M, K): the scores with each of these maps, the first of them the picture's own. Raises if it is no short cut."""
        size = max(float(np.abs(self.own).max()), np.finfo(np.float64).tiny)

        def ask(start: int, stop: int) -> Floats:
            scores = self._scores(maps[start:stop], pictures(stop - start))
            if len(scores) != stop - start or (start == 0 and np.abs(scores[0] - self.own).max() > SAME * size):
                raise ValueError("the scores are not those of the maps")
            return scores

        return np.concatenate([found for *_, found in self.batches(len(maps), ask, len(maps))])

    def _scores(self, maps: Tensor, pictures: Tensor) -> Floats:
        own = pictures.clone()  # for a network that writes into its input

        def lend(*_: object) -> Tensor:
            # a network that keeps gradients in spite of no_grad does so behind this place too
            return self.layout.write(maps, self.found).requires_grad_(torch.is_grad_enabled())

        with torch.no_grad(), swapped(self.net, [self.place], lend):
            return as_floats(self.score(self.net(own)))


@context
def swapped(
    net: Net, places: Sequence[Place], swap: Callable[[int, Tensor], Tensor], ran: list[str] | None = None
) -> Iterator[None]:
    """While this lasts, the tensor at each place is replaced by what `swap` makes of its number and the tensor.

    ran  gets the names of the operations, where a place is known by its number among them
    """
    numbered = {place.operation: number for number, place in enumerate(places) if place.operation is not None}
    instead: Instead = {}

    def run(operation: int, func: Func, args: Args, kwargs: Named) -> Any:
        which = numbered.get(operation)
        if ran is not None:
            ran.append(name_of(func))
        argument = None if which is None else places[which].argument
        if which is not None and argument is not None:
            taken = list(tensors_of((*args, *kwargs.values())))[argument]
            instead[id(taken)] = taken, swap(which, taken)
        if instead:  # later operations take it too
            args, kwargs = _replaced(args, instead), _replaced(kwargs, instead)
        out = func(*args, **kwargs)
        return out if which is None or argument is not None else swap(which, out)

    with ExitStack() as stack:
        if numbered:
            stack.enter_context(Operations(run))
        for number, place in enumerate(places):
            if place.operation is None:
                _swap_at_module(net, place, partial(swap, number), stack)
        yield


def _replaced(values: object, instead: Instead) -> Any:
    if isinstance(values, torch.Tensor):
        return instead.get(id(values), (None, values))[1]
    if isinstance(values, dict):
        return {key: _replaced(value, instead) for key, value in values.items()}
    if isinstance(values, (tuple, list)) and type(values) in (tuple, list):
        return type(values)(_replaced(value, instead) for value in values)
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
