"""Passes backwards whose rectifiers follow another rule than their own derivative: deconvnet and guided backpropagation."""

from collections.abc import Callable

import numpy as np
from torch.autograd.graph import Node

from perturbxai.baseline_methods import graph
from perturbxai.baseline_methods.graph import ARITHMETIC, GATES, MOVES, Calls, NoRule, is_rectifier, kind_of
from perturbxai.baseline_methods.pixels import gradient_of, no_gradient
from perturbxai.core.types import Floats
from perturbxai.models.torch_types import Net, Score, Tensor

Rule = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], tuple[Tensor, ...]]

# these keep their own derivative in both methods
PLAIN = MOVES | ARITHMETIC | graph.AVERAGES | graph.WEIGHTED | graph.NORMALISED
ELEMENTWISE = MOVES | ARITHMETIC
WAY_OUT = "take 'gradient', 'smooth_grad' or 'integrated_gradients', which need no rule."


def rectified(net: Net, inputs: Tensor, score: Score, logits: Score, rule: Rule) -> Floats:
    """(K, C, H, W): passes backwards from the scores of one input (1, C, H, W) in which each rectifier follows `rule`.

    logits  the scores before a softmax, which is ours and no layer
    rule    (what the rectifier's own derivative makes, what came back to it), a tuple each -> what it passes on
    The rule is tied to the operations of this one pass, whatever module or function made them and however often one runs,
    and goes with them. Raises NoRule, with the layer, if an operation is neither a rectifier nor one that keeps its
    own derivative, and if no rectifier is found: the result would be the plain gradient under another name.
    """
    leaf = inputs.detach().clone().requires_grad_(True)
    own = leaf.clone()
    descent = graph.Descent(net, own)
    calls = graph.Calls()
    with graph.followed(net, calls.enter, calls.leave), descent:
        given = net(own)
    scores = score(given)[0]
    if not scores.requires_grad:
        raise no_gradient()
    nodes = graph.nodes_of([logits(given)])
    _check(nodes, calls, descent)
    for node in nodes:
        if is_rectifier(node):
            node.register_hook(rule)
    return np.concatenate([gradient_of(one, leaf) for one in scores])


def _check(nodes: list[Node], calls: Calls, descent: graph.Descent) -> None:
    after: dict[Node, list[Node]] = {}
    for node in nodes:
        for before in _before(node):
            after.setdefault(before, []).append(node)
    for node in nodes:
        kind = kind_of(node)
        known = kind in PLAIN or is_rectifier(node) or (kind in GATES and _only_weighs(node, after))
        hides = kind in ("Mul", "Div") and _hides(node, descent)
        if not known or hides or _squares(node) or _caps(node) or (kind not in PLAIN and _bends(node, after)):
            raise NoRule(
                f"{calls.home(node)} runs {node.name()}, which is no rectifier (ReLU, ReLU6, clamp(min=0)) and has no rule "
                f"here: its plain gradient would pass as the method's.{graph.HIDDEN if hides else ''} "
                f"Train with a torch.nn.ReLU in its place, or {WAY_OUT}"
            )
    if not any(is_rectifier(node) for node in nodes):
        raise NoRule(f"the network has no rectifier (ReLU, ReLU6, clamp(min=0)) whose rule could change; {WAY_OUT}")


def _before(node: Node) -> set[Node]:
    return {before for before, _ in node.next_functions if before is not None}


def _only_weighs(node: Node, after: dict[Node, list[Node]]) -> bool:
    """Whether what a sigmoid gives goes into products alone, as in squeeze and excitation."""
    return all(
        kind_of(behind) == "Mul" or (kind_of(behind) in ELEMENTWISE and _only_weighs(behind, after))
        for behind in after.get(node, ())
    )


def _bends(node: Node, after: dict[Node, list[Node]]) -> bool:
    """Whether a rectifier or sigmoid is multiplied with what it was made of: x * sigmoid(x), x * relu6(x + 3) / 6."""
    sources = _sources(_before(node))
    seen, ahead = {node}, list(after.get(node, ()))
    while ahead:
        behind = ahead.pop()
        if kind_of(behind) == "Mul" and (_before(behind) - seen) & sources:
            return True
        if kind_of(behind) in ELEMENTWISE and behind not in seen:
            ahead += after.get(behind, ())
            seen.add(behind)
    return False


def _squares(node: Node) -> bool:
    """Whether a product is one of values with themselves, an activation again: x * x, relu(x) * relu(x)."""
    factors = [before for before, _ in node.next_functions if before is not None]
    return kind_of(node) == "Mul" and len(factors) == 2 and bool(_sources({factors[0]}) & _sources({factors[1]}))


def _caps(node: Node) -> bool:
    """Whether a largest value is one among constants: torch.stack([x, zeros]).amax(0)."""
    return kind_of(node) in ("Amax", "Max") and any(
        kind_of(before) == "Stack" and any(part is None for part, _ in before.next_functions) for before in _before(node)
    )


def _sources(todo: set[Node]) -> set[Node]:
    """Some operations and what they were made of, value by value, back to the first that mixes values."""
    found = set[Node]()
    while todo:
        source = todo.pop()
        if source not in found:
            found.add(source)
            todo |= _before(source) if kind_of(source) in ELEMENTWISE or is_rectifier(source) else set()
    return found


def _hides(node: Node, descent: graph.Descent) -> bool:
    """Whether a product has a factor that autograd does not know of, though it is made of the picture: x * (x > 0)."""
    if all(before is not None for before, _ in node.next_functions):
        return False
    factors = [getattr(node, name, None) for name in ("_saved_self", "_saved_other")]
    return not all(descent.is_constant(factor) for factor in factors)
