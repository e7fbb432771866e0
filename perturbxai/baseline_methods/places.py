"""Where a network's maps are: places that a user names, and the last map where none is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

import torch

from perturbxai.baseline_methods.graph import Way, Ways, cuts, heard, kind_of, uneven, ways_of
from perturbxai.baseline_methods.layouts import Layout
from perturbxai.baseline_methods.trail import ENTERS, Step, Trail, label_of, survey
from perturbxai.baseline_methods.whereabouts import Whereabouts
from perturbxai.models.device import is_out_of_memory
from perturbxai.models.torch_types import Net, Score, Tensor

SQUARES = 4  # a side


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


def names_module(net: Net, layer: str) -> bool:
    """Whether a label of a place names a module, so that the place can be asked for by it ("input of mean()" does not)."""
    return _parts(layer)[0] in dict(net.named_modules(remove_duplicate=False))


def _parts(layer: str) -> tuple[str, str]:
    """A module's name, and the number of its call, "" where none is told."""
    name, _, number = layer.removeprefix(ENTERS).partition("#")
    return name, number


def named_place(net: Net, trail: Trail, layer: str) -> Place:
    """The place that a user names: "layer4", "act#1" for its second call, "input of avgpool".

    Raises ValueError for a name that the network lacks, a module that never runs, and one that runs several times and was
    named without its call.
    """
    enters = layer.startswith(ENTERS)
    name, number = _parts(layer)
    modules = dict(net.named_modules(remove_duplicate=False))
    if name not in modules or (number and not number.isdigit()):
        tops = ", ".join(repr(child) for child, _ in net.named_children())
        raise ValueError(f"layer={layer!r} is no module of the network; its parts are {tops}, and theirs are 'part.child'.")
    if isinstance(modules[name], torch.jit.ScriptModule):
        raise ValueError(f"layer={layer!r} is a TorchScript module, which takes no hooks; name a layer before or behind it.")
    (known,) = [first for first, module in net.named_modules() if module is modules[name]]
    calls = trail.ran[known]
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


def last_map(net: Net, batch: Tensor, score: Score) -> Place:
    """The last map that the scores depend on only through: held constant, it leaves them no gradient by the picture.

    A map lies on the picture along its axes, in whatever shape; behind it the places are pooled, flattened into one vector
    or read at one token. Of a map that is only rearranged behind, the last form with two axes of the picture is taken. Where
    the scores read none of the patches of the last such map, as in a vision transformer that reads its class token, it is
    the last normalisation whose patches they still read. What depends on what is read from autograd's graph, and from what
    comes back along it: a way whose values are all sliced away later is none.

    batch  one picture (1, C, H, W);  score: from what the network returned to (n, K)
    One forward pass; another for a network that does its first part without autograd. A pass backwards where the graph has
    maps behind the last such, and passes of two other pictures where it leaves some of its ways without a gradient.
    Raises ValueError if there is no such map.
    """
    trail = survey(net, batch, score)
    if not (below := trail.between()):
        trail = survey(net, batch, score, through=True)
        below = trail.between()
    maps = _passed(trail, below)
    if _has_later(trail, below, maps):
        below = _read_by_scores(net, batch, score, trail, below)
        maps = _passed(trail, below)
    unread = 0
    if maps and _where(maps[0]).elsewhere:
        read = _read(trail, maps)
        unread = read[0] if read else len(maps)
        if unread and (norm := _last_norm(trail)) is not None:
            return norm
    for step in maps[unread:]:
        if step.layout is not None:
            return _place(trail, _as_made(trail, step), below)
    raise ValueError(_nothing(trail, below))


def _passed(trail: Trail, below: Ways) -> list[Step]:
    """The maps through which everything passes, the last one first, and the results before it."""
    passed = [trail.steps[vertex] for vertex in cuts(below) if vertex in trail.steps]
    return list(dropwhile(lambda step: step.layout is None, [step for step in passed if step.where and step.where.worked]))


def _has_later(trail: Trail, below: Ways, maps: list[Step]) -> bool:
    """Whether a map that some ways pass by was made after the last one that none does."""
    later = list(takewhile(lambda step: step not in maps[:1], reversed(trail.steps.values())))
    return any(step.vertex in below and step.layout is not None for step in later)


def _read_by_scores(net: Net, batch: Tensor, score: Score, trail: Trail, below: Ways) -> Ways:
    """Of what lies between the picture and the scores, what they read: the ways along which a gradient comes back.

    At one picture rectifiers may be off all along a way that matters at another. So where the layer could hang on it, other
    pictures are tried too, and a way counts that is read at any of them. All ways count where the scores have no gradient
    at all, as at a saturated softmax, or cannot have one, and where another picture makes the network run other operations.
    """
    read = _heard(trail, below)
    if not read or cuts(trail.between(read)) == cuts(below):
        return below
    for other in _others(batch):
        again = survey(net, other, score, through=trail.through)
        ways, same = ways_of(below), ways_of(there := again.between())
        if [(kind_of(node), number) for node, number in ways] != [(kind_of(node), number) for node, number in same]:
            return below
        read_there = _heard(again, there)
        read |= {way for way, one in zip(ways, same, strict=True) if one in read_there}
    return trail.between(read) or below


def _heard(trail: Trail, below: Ways) -> set[Way]:
    assert trail.picture is not None and trail.scores is not None  # something lies between them
    try:
        return heard(trail.scores, trail.picture, below)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return set()  # an operation has no pass backwards, as methods that take no gradient allow


def _others(batch: Tensor) -> list[Tensor]:
    """Pictures of the same range: the negative, and one that is the negative in every other square of a checkerboard."""
    low, high = batch.amin(), batch.amax()
    high = torch.where(high > low, high, high + high.abs().clamp(min=1.0))  # a plain picture is its own negative
    negative = low + high - batch
    down, across = (torch.arange(side, device=batch.device) * SQUARES // side for side in batch.shape[2:])
    return [negative, torch.where((down[:, None] + across) % 2 == 0, batch, negative)]


def _as_made(trail: Trail, step: Step) -> Step:
    """The same values in their last form with two axes of the picture; if they have none, as they were made."""
    made = step
    while _where(made).axes is None and (source := trail.steps.get(made.source)) is not None:
        if source.where is None or source.where.layout() is None:
            break
        made = source
    return made


def _place(trail: Trail, step: Step, below: Ways) -> Place:
    where = _where(step)
    enters = next((label for label, made in step.enters if any(one in below for one in made)), "")
    by_module = "" if step.call is None else label_of(step.call, trail)
    # a map is named by what it goes into, tokens by what gave them
    names = (enters, by_module) if where.axes is not None else (by_module, enters)
    label = names[0] or names[1] or "the result"
    return Place(label, operation=step.number, argument=step.argument, layout=where.layout())


def _where(step: Step) -> Whereabouts:
    assert step.where is not None
    return step.where


def _read(trail: Trail, steps: list[Step]) -> list[int]:
    """The numbers of those results whose places on the picture the scores have a gradient by."""
    edges = [torch.autograd.graph.GradientEdge(*step.vertex) for step in steps if step.vertex]
    assert trail.scores is not None
    slopes = torch.autograd.grad(trail.scores, edges, uneven(trail.scores), retain_graph=True, allow_unused=True)
    return [
        number
        for number, (slope, step) in enumerate(zip(slopes, steps, strict=True))
        if slope is not None and bool((slope[~torch.isnan(_where(step).down)] != 0).any())
    ]


def _last_norm(trail: Trail) -> Place | None:
    """The last normalisation of tokens whose patches the scores still read."""
    norms = {name for name, module in trail.modules.items() if "norm" in type(module).__name__.lower()}
    calls = [call for call, step in trail.gave.items() if call[0] in norms and step.vertex and step.where]
    calls = [call for call in calls if _where(trail.gave[call]).axes is None]
    for number in reversed(_read(trail, [trail.gave[call] for call in calls]) if calls else []):
        where = _where(trail.gave[calls[number]])
        if (layout := where.layout()) is not None:
            name, call = calls[number]
            return Place(label_of((name, call), trail), name, call, layout=layout)
    return None


def _nothing(trail: Trail, below: Ways) -> str:
    """Why there is no map, and what to do."""
    named = "name one of its modules: layer='...'."
    if closed := [name for name, module in trail.modules.items() if isinstance(module, torch.jit.ScriptModule)]:
        what = f"{closed[0]!r} is" if closed[0] else "the network is"
        return (
            f"layer: {what} scripted or traced, and what happens inside cannot be seen; give the module that it was made of."
        )
    if not below:
        return (
            "layer: the scores do not depend on the picture in a way that autograd can follow (a detach(), a NumPy step or "
            f"whole numbers between), so that it cannot be told which map they pass through; {named}"
        )
    return (
        "layer: the network has no map that the scores depend on only through, with places of the picture along its axes, "
        f"before they are pooled or flattened; {named}"
    )
