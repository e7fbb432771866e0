"""Layer-wise relevance propagation through whatever a network runs: what needs a rule is run as a module that has one.

A first pass notes torch's operations on what descends from the picture, whether a module or a function runs them, and each
call of a module that runs twice. A second pass runs those that need a rule as small modules of the same numbers, to which
the rules are tied. The network keeps its modules, weights and hooks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch.nn.functional import batch_norm, pad

from perturbxai.baseline_methods import graph
from perturbxai.baseline_methods.graph import MOVES, Calls, Descent, NoRule, followed, kind_of, nodes_of
from perturbxai.baseline_methods.pixels import as_floats, gradient_of
from perturbxai.baseline_methods.whereabouts import tensors_of
from perturbxai.core.types import Floats
from perturbxai.models.torch_types import Args, Func, Named, Net, Score, Tensor

Rule = Any  # has register(module)
Rules = Mapping[str, Callable[..., Rule]]  # by role; "first" takes the bounds (low, high) of its input, or (None, None)

DENSE, CONVOLUTION, FIRST, LINEAR, SUM, PASS = "dense", "convolution", "first", "linear", "sum", "pass"
WEIGHED = (DENSE, CONVOLUTION)
WEIGHING = {"linear": DENSE} | {f"conv{t}{d}d": CONVOLUTION for t in ("", "_transpose") for d in (1, 2, 3)}
GIVEN = ("input", "weight", "bias")  # what each of these takes first
OF_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
OF_PAD = ("input", "pad", "mode", "value")
COPIES = {"Clone", "ToCopy"}  # nodes of what keeps every value where it was
SAME = 1e-4  # of the scores' size: the same network but for float32's rounding
ROUNDINGS = 8.0  # of a coarser type
WAY_OUT = "take 'integrated_gradients', or a map of a layer such as 'layer_cam', which need no rule."


@dataclass(eq=False)
class Operation:
    """One call of a torch function on what descends from the picture.

    role    the rule that it needs, "" for none;  source: what made its first input
    shown   its first input, where nothing was weighed before
    readers, asked  later operations on its result, and questions about it, such as its size
    normalise, padding  the batch norm behind it and the zeros around its input, merged into it;  merged: done by a neighbour
    """

    func: Callable[..., Tensor]
    args: Args
    named: Named
    number: int
    role: str = ""
    source: Self | None = None
    shown: Tensor | None = None
    readers: int = 0
    asked: int = 0
    normalise: tuple[Tensor, Tensor] | None = None
    padding: Self | None = None
    merged: bool = False


def propagate(
    net: Net, inputs: Tensor, score: Score, rules: Rules, ends: Sequence[Tensor] | None = None
) -> tuple[Floats, Floats]:
    """What each pixel gets of each score, (K, C, H, W) of one input (1, C, H, W), and the scores (K,) where it starts.

    ends  the lowest and the highest input (1, C, H, W), where the first layer's rule wants its bounds
    Raises NoRule, with the layer, for an operation that no rule covers, for one that torch's functions do not show, and
    for a network that is another one when it runs again.
    """
    plan, plain = _record(net, inputs, score)
    _merge(plan)
    bounds = [_record(net, end, score)[0] for end in ends or ()]
    leaf = inputs.detach().clone().requires_grad_(True)
    own = leaf.clone()
    propagation = _Propagation(net, own, plan, rules, bounds)
    try:
        with propagation:
            scores = score(net(own))[0]
        expected = as_floats(plain)
        same = max(SAME, ROUNDINGS * torch.finfo(inputs.dtype).eps)
        if np.abs(as_floats(scores) - expected).max() > same * np.abs(expected).max():
            raise NoRule(
                "the network's operations, run one by one, give other scores than the network: it works in place on what it "
                f"reads again, or does not do the same twice. Make its activations inplace=False, or {WAY_OUT}"
            )
        return np.concatenate([gradient_of(one, leaf, one.detach()) for one in scores]), expected
    finally:
        propagation.let_go()


def _record(net: Net, inputs: Tensor, score: Score) -> tuple[list[Operation], Tensor]:
    """The operations of a pass in order, and its scores (K,)."""
    own = inputs.detach().clone().requires_grad_(True).clone()
    recording = _Recording(net, own)
    with followed(net, recording.calls.enter, recording.calls.leave), recording:
        scores = score(net(own))[0]
    for node in nodes_of([scores]):
        if node not in recording.known:
            raise NoRule(
                f"{recording.calls.home(node)} runs {node.name()}, which is no function of torch, so that no rule of "
                f"relevance covers it; {WAY_OUT}"
            )
    return recording.plan, scores


class _Recording(Descent):
    """Notes what runs, and which rule it needs."""

    def __init__(self, net: Net, own: Tensor) -> None:
        super().__init__(net, own)
        self.calls = Calls()
        self.plan: list[Operation] = []
        self.known = {own.grad_fn}
        # by id a tensor (which keeps the id its own), what made it, and whether nothing was weighed before
        self.made: dict[int, tuple[Tensor, Operation | None, bool]] = {id(own): (own, None, True)}

    def take(self, func: Func, args: Args, named: Named, inputs: list[Tensor]) -> Any:
        if _mixes(inputs[0]):
            raise NoRule(
                f"{self.calls.here()} runs under autocast, which takes another type by operation, so that no rule "
                f"can be tied to them; leave torch.autocast out, or {WAY_OUT}"
            )
        before = [tensor.grad_fn for tensor in inputs]
        origins = [self.made.get(id(tensor), (tensor, None, False)) for tensor in inputs]
        sources, raw = [source for _, source, _ in origins], any(unweighed for *_, unweighed in origins)
        shown = inputs[0].detach().clone() if raw else None
        out = func(*args, **named)
        made = [tensor for tensor in tensors_of((out,)) if tensor.requires_grad]
        call = Operation(func, args, named, len(self.plan), source=sources[0], shown=shown)
        self.plan.append(call)
        nodes = nodes_of(made, before)
        self.known.update(nodes)
        kinds = {kind_of(node) for node in nodes}
        call.role = self._role(call, inputs, kinds)
        same = kinds <= COPIES  # a copy, or nothing at all, as of a dropout in eval mode
        for source in sources:
            if source is not None and not (same and made):
                source.readers += bool(made)
                source.asked += not made
        for tensor in made:
            self.made[id(tensor)] = tensor, sources[0] if same else call, raw and call.role not in WEIGHED
        return out

    def _role(self, call: Operation, inputs: list[Tensor], kinds: set[str]) -> str:
        """Raises NoRule if no rule covers what was run."""
        name, args, kinds = _name(call.func), call.args, kinds - MOVES
        alone = len(inputs) == 1 and (args[0] if args else call.named.get("input")) is inputs[0]
        if not kinds:
            return ""
        if name in WEIGHING and alone:
            return WEIGHING[name]
        if call.func is batch_norm and alone and not _norm(call)["training"]:
            return LINEAR
        if alone and kinds <= graph.RECTIFIERS | graph.BENT:
            zeros = torch.zeros_like(inputs[0].detach())
            if not bool(_again(call, inputs, [zeros]).any()):
                return PASS  # an activation that is zero at zero
        others = [a for a in tensors_of((*args, *call.named.values())) if not a.requires_grad]
        constant = all(self.is_constant(a) for a in others)
        if alone and kinds <= graph.AVERAGES | graph.ARITHMETIC and constant:
            return LINEAR
        if len(inputs) == 2 and kinds <= {"Add", "Sub", "Rsub"}:
            return SUM
        raise NoRule(
            f"{self.calls.here()} runs {name}() ({', '.join(sorted(kinds))}) on {len(inputs)} tensor(s) made of the "
            f"picture, which no rule of relevance covers; {WAY_OUT}{'' if constant else graph.HIDDEN}"
        )


class _Propagation(Descent):
    """Runs a plan's operations again, each that needs a rule as a module that has it."""

    def __init__(self, net: Net, own: Tensor, plan: list[Operation], rules: Rules, bounds: list[list[Operation]]) -> None:
        super().__init__(net, own)
        self.plan, self.rules, self.bounds = plan, rules, bounds
        self.number = -1
        self.alive: list[Any] = []  # a rule lives as long as somebody holds it

    def take(self, func: Func, args: Args, named: Named, inputs: list[Tensor]) -> Any:
        self.number += 1
        call = self.plan[self.number] if self.number < len(self.plan) else None
        if call is None or _name(call.func) != _name(func):
            raise NoRule(f"the network does not run the same operations twice, so no rule can be tied to them; {WAY_OUT}")
        if call.merged:
            return inputs[0]
        if not call.role:
            return func(*args, **named)
        again, given = replace(call, func=func, args=args, named=named), inputs[0]
        module: torch.nn.Module
        if call.role in WEIGHED:
            module = _Weighed(again)
        elif call.role == SUM:
            module = _Applied(lambda both: _again(again, inputs, [one.clone() for one in both.unbind(-1)]))
            given = torch.stack(torch.broadcast_tensors(*inputs), dim=-1)
        else:
            module = _Applied(lambda one: _again(again, inputs, [one]))
        rule = self._rule(call)
        rule.register(module)
        self.alive.append((rule, module))
        return module(given)

    def let_go(self) -> None:
        """Untie the rules: they and what they hooked hold each other, in a circle through autograd that nobody collects."""
        for rule, _ in self.alive:
            rule.remove()
        self.alive.clear()

    def _rule(self, call: Operation) -> Rule:
        if call.role not in WEIGHED or call.shown is None or FIRST not in self.rules:
            return self.rules[LINEAR if call.role == SUM else call.role]()
        if not self.bounds:
            return self.rules[FIRST](None, None)
        sees = call.padding or call  # the layer pads what it sees itself, the bounds too
        one, other = (plan[sees.number].shown for plan in self.bounds)
        assert one is not None and other is not None and sees.shown is not None
        low, high = torch.minimum(one, other), torch.maximum(one, other)
        if not bool(((low <= sees.shown) & (sees.shown <= high)).all()):
            raise NoRule(
                "what the first layer sees of the picture does not lie between what it sees of the darkest and the "
                "brightest, which z^B takes for its bounds; give another box=, or take lrp with first='flat'."
            )
        return self.rules[FIRST](low, high)


class _Applied(torch.nn.Module):
    """An operation without weights, as a module."""

    def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.run = run

    def forward(self, given: Tensor) -> Tensor:
        return self.run(given.clone())  # it may work in place


class _Weighed(torch.nn.Module):
    """A convolution or dense layer with its padding and batch norm, as a module whose weights a rule exchanges."""

    def __init__(self, call: Operation) -> None:
        super().__init__()
        named = _by_name(call, GIVEN)
        weight, bias = named["weight"], named.get("bias")
        if call.normalise is not None:
            scale, shift = call.normalise
            weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
            bias = shift if bias is None else bias * scale + shift
        self.func, self.rest, self.padding = call.func, call.args[len(GIVEN) :], call.padding
        self.named = {name: value for name, value in call.named.items() if name not in GIVEN}
        self.weight = torch.nn.Parameter(weight.detach(), requires_grad=False)
        self.bias = None if bias is None else torch.nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, given: Tensor) -> Tensor:
        if self.padding is not None:
            given = self.padding.func(given, *self.padding.args[1:], **self.padding.named)
        return self.func(given, self.weight, self.bias, *self.rest, **self.named)


def _merge(plan: list[Operation]) -> None:
    """Batch norms into the layers before them, and zeros around a picture into the convolutions behind them."""
    for call in plan:
        source = call.source
        if source is None or source.readers != 1:
            continue
        if call.func is batch_norm and _takes_norm(source, call):
            norm = _norm(call)
            scale = (norm["running_var"] + norm["eps"]).rsqrt()
            scale = scale if norm["weight"] is None else scale * norm["weight"]
            shift = -norm["running_mean"] * scale
            source.normalise = scale, shift if norm["bias"] is None else shift + norm["bias"]
            call.merged = True
        elif call.role == CONVOLUTION and _adds_zeros(source):
            call.padding, source.merged = source, True


def _takes_norm(call: Operation, norm: Operation) -> bool:
    """Whether a layer's channels are those of the norm behind it, one a row of its weights."""
    transposed = "transpose" in _name(call.func)
    return (call.role == CONVOLUTION and not transposed) or (call.role == DENSE and _norm(norm)["input"].ndim == 2)


def _adds_zeros(call: Operation) -> bool:
    if call.func is not pad or call.asked or not call.args:
        return False
    named = _by_name(call, OF_PAD)
    return named.get("mode", "constant") == "constant" and not named.get("value")


def _norm(call: Operation) -> dict[str, Any]:
    """What a batch norm was given, by name."""
    return {"weight": None, "bias": None, "training": False, "eps": 1e-5} | _by_name(call, OF_NORM)


def _by_name(call: Operation, names: Sequence[str]) -> dict[str, Any]:
    """What an operation was given, in the order of these names or by name."""
    return dict(zip(names, call.args, strict=False)) | call.named


def _again(call: Operation, inputs: list[Tensor], others: Sequence[Tensor]) -> Tensor:
    """An operation with other tensors in the place of those that descend from the picture."""
    place = {id(tensor): other for tensor, other in zip(inputs, others, strict=True)}
    args = [place.get(id(value), value) for value in call.args]
    return call.func(*args, **{name: place.get(id(value), value) for name, value in call.named.items()})


def _mixes(tensor: Tensor) -> bool:
    """Whether operations on a tensor run under autocast."""
    try:
        return bool(torch.is_autocast_enabled(tensor.device.type))
    except TypeError:  # torch before 2.4
        return bool(torch.is_autocast_enabled() or torch.is_autocast_cpu_enabled())


def _name(func: Func) -> str:
    return str(getattr(func, "__name__", func))
