"""What a network did with a picture, read from the graph that autograd keeps.

No operation through which a gradient passes can hide from it; what a network does behind a detach() is a constant there.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode

from perturbxai.baseline_methods.whereabouts import names, tensors_of
from perturbxai.core.stopping import context
from perturbxai.models.torch_types import Args, Func, Module, Named, Net, Tensor

Vertex = tuple[Node, int]  # a node and the number of one of its results
Way = tuple[Node, int]  # a node and the number of one of those that it takes
Ways = dict[Vertex, list[Vertex]]  # results, and what each was made of


# Operations by the name of their node, without "Backward" and what follows it.
# They move values, repeat them or choose among them: what comes back goes to where a value came from.
MOVES = names(
    "View UnsafeView ReshapeAlias AsStrided Alias Permute Transpose T Clone ToCopy Expand Squeeze Unsqueeze Select Slice "
    "Split SplitWithSizes Unbind Index IndexSelect Narrow Cat Stack Repeat ConstantPadNd ReflectionPad1D ReflectionPad2D "
    "ReplicationPad1D ReplicationPad2D PixelShuffle PixelUnshuffle ChannelShuffle Roll Rot90 Flip MaxPool2DWithIndices "
    "MaxPool3DWithIndices AdaptiveMaxPool2D AdaptiveMaxPool3D Amax Max UpsampleNearest1D UpsampleNearest2D"
)
# Linear in their input but for a constant, without weights of their own.
AVERAGES = names("Mean Sum AvgPool2D AvgPool3D AdaptiveAvgPool2D AdaptiveAvgPool3D UpsampleBilinear2D UpsampleBicubic2D Neg")
ARITHMETIC = names("Add Sub Rsub Mul Div")
WEIGHTED = names("Convolution Addmm Mm MkldnnConvolution CudnnConvolution")
NORMALISED = names("NativeBatchNorm CudnnBatchNorm MiopenBatchNorm MkldnnBatchNorm NativeGroupNorm NativeLayerNorm")
RECTIFIERS = names("Relu Hardtanh Clamp ClampMin Threshold")
BENT = names("Silu Gelu Elu Celu LeakyRelu PreluKernel Prelu Hardswish Mish Tanh RreluWithNoise")
GATES = names("Sigmoid Hardsigmoid")
HIDDEN = " It takes something that was made of the picture where autograd does not follow, so that it is no constant."
# these hand a tensor's numbers to Python, from where they may come back
ESCAPES = names("numpy __array__ tolist item __float__ __int__ __index__")


class NoRule(ValueError):
    """An operation of the network that no rule covers."""


@dataclass
class Calls:
    """The modules of a pass: from which of autograd's numbers on those that run now run, and between which others ran."""

    running: list[tuple[int, str, str]] = field(default_factory=list)
    ran: list[tuple[int, int, str, str]] = field(default_factory=list)

    def home(self, node: Node) -> str:
        """The innermost module in which a node was made, in words."""
        number = node._sequence_nr()
        around = [(stop - start, name, kind) for start, stop, name, kind in self.ran if start <= number < stop]
        return in_words(*min(around)[1:]) if around else "the network"

    def here(self) -> str:
        """The innermost module that runs now, in words."""
        return in_words(*self.running[-1][1:]) if self.running else "the network"

    def enter(self, name: str, module: Module, _given: Args) -> None:
        start = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]
        self.running.append((start, name, type(module).__name__))

    def leave(self, name: str, _module: Module, _out: object) -> None:
        while self.running[-1][1] != name:  # one that failed, and whose error the network caught, has not told of its end
            self.running.pop()
        start, _, kind = self.running.pop()
        stop = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]
        self.ran.append((start, stop, name, kind))


def in_words(name: str, kind: str) -> str:
    return f"layer {name!r} ({kind})" if name else f"the network itself ({kind})"


@context
def followed(
    net: Net, enter: Callable[[str, Module, Args], None], leave: Callable[[str, Module, object], None]
) -> Iterator[None]:
    """Tell of the calls of a network's modules while this lasts: name, module, what goes in or comes out; no hook stays."""
    with ExitStack() as stack:
        for name, module in net.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):  # which takes no hooks; its operations are seen all the same
                stack.callback(module.register_forward_pre_hook(partial(enter, name)).remove)
                stack.callback(module.register_forward_hook(lambda one, _, out, name=name: leave(name, one, out)).remove)
        yield


def nodes_of(outputs: Iterable[Tensor], before: Iterable[Node | None] = ()) -> list[Node]:
    """The operations that made some tensors, back to others that were there before, or to leaves."""
    ends = set(before)
    todo = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    found: dict[Node, None] = {}
    while todo:
        node = todo.pop()
        if node in ends or node in found or kind_of(node) == "AccumulateGrad":
            continue
        found[node] = None
        todo += [one for one, _ in node.next_functions if one is not None]
    return list(found)


def cuts(below: Ways) -> list[Vertex]:
    """The results through which everything passes that one result has of another, from it back to that; see `between`.

    Held constant, each of them alone leaves the output without a gradient by the source. Results are taken from the output
    back, each after all that use it: where whatever leads on from those taken leads to one result, that is a cut.
    """
    uses = Counter(way for ways in below.values() for way in ways)
    found, ahead = [], 0
    for one in reversed(below):
        if ahead == uses[one]:
            found.append(one)
        ahead += len(below[one]) - uses[one]
    return found


def between(output: Vertex, source: Vertex, along: set[Way] | None = None) -> Ways:
    """Every result between two, each after those that it was made of and that lead to the source too; empty if none does.

    along  the ways that count, all if None
    """
    below: Ways = {}
    known: Ways = {}
    todo = [(output, False)]
    while todo:
        one, done = todo.pop()
        if done:
            ways = [way for way in known[one] if way in below]
            if ways or one == source:
                below[one] = ways
        elif one not in known:
            known[one] = [] if one == source else [way for _, way in _ways(one[0], along)]
            todo += [(one, True), *((way, False) for way in known[one])]
    return below


def _ways(node: Node, along: set[Way] | None = None) -> list[tuple[Way, Vertex]]:
    numbered = [((node, number), (one, k)) for number, (one, k) in enumerate(node.next_functions) if one is not None]
    return [(name, way) for name, way in numbered if along is None or name in along]


def ways_of(below: Ways) -> list[Way]:
    """The ways among some results, in an order that another pass of the same operations has too."""
    return [name for node in dict.fromkeys(node for node, _ in below) for name, way in _ways(node) if way in below]


def heard(scores: Tensor, source: Vertex, below: Ways) -> set[Way]:
    """The ways between the scores and a result along which anything comes back from them.

    Along the others come values that are sliced away later or multiplied by zero, or that rectifiers which are off stop.
    """
    found: set[Way] = set()

    def note(node: Node, slopes: tuple[Tensor | None, ...]) -> None:
        found.update((node, number) for number, slope in enumerate(slopes) if slope is not None and bool((slope != 0).any()))

    with ExitStack() as stack:
        for node in dict.fromkeys(node for node, _ in below):
            stack.callback(node.register_hook(lambda slopes, _, node=node: note(node, slopes)).remove)
        edge = torch.autograd.graph.GradientEdge(*source)
        torch.autograd.grad(scores, [edge], uneven(scores), retain_graph=True, allow_unused=True)
    return found


def uneven(scores: Tensor) -> Tensor:
    """Weights of scores, by which to differentiate them all at once: the plain sum of probabilities has no gradient."""
    return (1.0 / torch.arange(1, scores.numel() + 1, device=scores.device)).reshape(scores.shape).to(scores.dtype)


def vertex_of(tensor: Tensor) -> Vertex | None:
    """A tensor as the graph has it: the operation that made it, and which of its results it is."""
    if not tensor.requires_grad:
        return None
    edge = torch.autograd.graph.get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def kind_of(node: Node) -> str:
    """The operation behind a node: "Relu" for ReluBackward0, "MulBackward" for a function that somebody else named Mul."""
    return re.sub(r"Backward\d+$", "", node.name().rpartition("::")[2])


def is_rectifier(node: Node) -> bool:
    """Whether an operation gives zero for all that is below zero, and grows from there: ReLU, ReLU6, clamp(min=0)."""
    kind = kind_of(node)
    least = {"Relu": "", "Hardtanh": "_saved_min_val", "Threshold": "_saved_threshold"}.get(kind, "_saved_min")
    if kind not in RECTIFIERS:
        return False
    found = getattr(node, least, None) if least else 0.0
    return isinstance(found, (int, float)) and found == 0.0


class Descent(TorchFunctionMode):
    """Follows what is made of the picture, also where autograd does not: a comparison, a detached copy.

    Everything else that a network multiplies with is a constant: a number, a weight, a tensor that it keeps or makes anew.
    Descendants are known by where they lie in memory, for views of them and for what autograd saves.
    """

    def __init__(self, net: Net, own: Tensor) -> None:
        super().__init__()
        self.kept = {_place(own): own}  # holding tensors keeps their places their own
        # the operations of a scripted part are not seen, nor are numbers that Python has had
        self.blind = any(isinstance(module, torch.jit.ScriptModule) for module in net.modules())
        self.weights = {_place(tensor) for tensor in (*net.parameters(), *net.buffers())}

    def __torch_function__(self, func: Func, types: Sequence[type], args: Args = (), kwargs: Named | None = None) -> Any:
        kwargs = kwargs or {}
        given = (*args, *kwargs.values())
        inputs = [tensor for tensor in tensors_of(given) if tensor.requires_grad]  # parameters have no gradient here
        out = self.take(func, args, kwargs, inputs) if inputs else func(*args, **kwargs)
        self.note(func, given, out)
        return out

    def take(self, func: Func, args: Args, named: Named, inputs: list[Tensor]) -> Any:  # noqa: ARG002
        """What a call is to give; inputs: those of its arguments through which a gradient comes back to the picture."""
        return func(*args, **named)

    def note(self, func: Func, given: Args, out: object) -> None:
        with torch._C.DisableTorchFunction():
            name = getattr(func, "__name__", "")
            shaped = name.endswith("_like") or name.startswith("new_")  # of the first it takes the shape alone
            if not any(_place(tensor) in self.kept for tensor in tensors_of(given[shaped:])):
                return
            self.blind = self.blind or name in ESCAPES
            for made in tensors_of((given[0],) if name == "__setitem__" else (out,)):
                self.kept.setdefault(_place(made), made)

    def is_constant(self, factor: object) -> bool:
        """Whether a factor is a number or a tensor that is not made of the picture."""
        if not isinstance(factor, torch.Tensor) or factor.numel() == 1 or _place(factor) in self.weights:
            return True
        return not self.blind and _place(factor) not in self.kept


def _place(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())
