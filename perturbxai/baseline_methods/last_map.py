"""The layer that class activation maps are of, where none is named."""

from __future__ import annotations

from itertools import dropwhile, takewhile

import torch

from perturbxai.baseline_methods.graph import Way, Ways, cuts, heard, kind_of, uneven, ways_of
from perturbxai.baseline_methods.places import Place
from perturbxai.baseline_methods.trail import Step, Trail, label_of, survey
from perturbxai.baseline_methods.whereabouts import Whereabouts
from perturbxai.models.device import is_out_of_memory
from perturbxai.models.torch_types import Net, Score, Tensor

SQUARES = 4  # a side


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
        if _where(step).layout() is not None:
            return _place(trail, _as_made(trail, step), below)
    raise ValueError(_nothing(trail, below))


def _passed(trail: Trail, below: Ways) -> list[Step]:
    """The maps through which everything passes, the last one first, and the results before it."""
    passed = [trail.steps[vertex] for vertex in cuts(below) if vertex in trail.steps]
    return list(dropwhile(lambda step: not _is_map(step), [step for step in passed if step.where and step.where.worked]))


def _is_map(step: Step) -> bool:
    return step.where is not None and step.where.worked and step.where.layout() is not None


def _has_later(trail: Trail, below: Ways, maps: list[Step]) -> bool:
    """Whether a map that some ways pass by was made after the last one that none does."""
    later = list(takewhile(lambda step: step not in maps[:1], reversed(trail.steps.values())))
    return any(step.vertex in below and _is_map(step) for step in later)


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
    if trail.picture is None or trail.scores is None:
        return set()
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
    while _where(made).axes is None and made.source in trail.steps:
        source = trail.steps[made.source]
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
