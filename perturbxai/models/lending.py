"""Lending a torch module: in eval mode, to one thread at a time, its passes counted, and left as it was found."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from perturbxai.core.stopping import context, loop_ended
from perturbxai.models.randomness import none_drawn
from perturbxai.models.torch_types import Args, Func, Module, Named, Tensor

BY_MEMORY = frozenset(("as_strided", "stride", "storage", "untyped_storage", "storage_offset", "data_ptr", "set"))

_free = threading.Condition()
_held: dict[int, tuple[int, int, Any]] = {}  # id -> thread, how often it took it, the thing itself (so that ids stay)
_eager: list[Any] = []  # those who look inside something compiled, and under them what switched the compiler off


@context
def alone(things: Iterable[object]) -> Iterator[None]:
    """Modules and parameters for this thread alone: others that want one of them wait, while this one may come again.

    All are taken at once, so that modules that share a part do not wait for each other in a circle.
    """
    mine = threading.get_ident()
    wanted = {id(thing): thing for thing in things}
    with _free:
        _free.wait_for(lambda: all(name not in _held or _held[name][0] == mine for name in wanted))
        for name, thing in wanted.items():
            _held[name] = mine, _held[name][1] + 1 if name in _held else 1, thing
    try:
        yield
    finally:
        with _free:
            for name, thing in wanted.items():
                left = _held[name][1] - 1
                if left:
                    _held[name] = mine, left, thing
                else:
                    del _held[name]
            _free.notify_all()


@context
def settled(net: Module) -> Iterator[None]:
    """The module in eval mode, for this thread alone; every module's mode as before afterwards.

    Where all is in eval mode already nothing is done. Frozen modules have no mode, and exported ones keep the one in which
    they were exported: neither can be told another.
    """
    with alone([*net.modules(), *net.parameters()]):
        modes = [(m, m.training) for m in net.modules() if hasattr(m, "training")]
        if not any(mode for _, mode in modes):
            yield
            return
        try:
            evaluate(net)
            yield
        finally:
            for module, mode in modes:
                if module.training != mode:
                    module.training = mode


def evaluate(net: Module) -> None:
    """Eval mode, also of a module with an exported part, which refuses and whose mode means nothing any more."""
    try:
        net.eval()
    except NotImplementedError:
        for module in net.modules():
            module.training = False


@context
def lent(net: Module) -> Iterator[None]:
    """The module for looks inside: settled, its parameters without gradients, hooks of the pass backwards set aside.

    What such a hook makes of a gradient is no derivative of the network, and what it keeps is its owner's. Compiled parts
    run as they were written, because a compiler would trace what looks in.
    """
    from torch.jit import ScriptModule

    with settled(net), _uncompiled(), ExitStack() as stack:
        for module in net.modules():
            for name in ("_backward_hooks", "_backward_pre_hooks"):
                hooks = None if isinstance(module, ScriptModule) else vars(module).get(name)
                if hooks:
                    stack.callback(setattr, module, name, hooks)
                    setattr(module, name, type(hooks)())
        for parameter in net.parameters():
            if parameter.requires_grad and not parameter.is_inference():  # whose flag could not be set back
                stack.callback(parameter.requires_grad_, True)
                parameter.requires_grad_(False)
        yield


class Lent:
    """A lent module: to be called as the module is, its passes counted; all else of it is the module's own.

    One that draws random numbers as it runs is refused by its layer: what is looked for inside takes several passes.
    tracks  whether the network runs only where gradients are kept, for example because it hooks a tensor of its own
    """

    def __init__(self, net: Module, count: Callable[[int], None], *, tracks: bool) -> None:
        self._net, self._count, self._tracks = net, count, tracks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)

    def __call__(self, *given: Tensor, **named: Tensor) -> Any:
        self._count(next((len(batch) for batch in (*given, *named.values())), 0))
        with none_drawn(self._net, *given, **named):
            try:
                return tracked(self._net, *given, **named) if self._tracks else self._net(*given, **named)
            except (StopIteration, GeneratorExit) as error:
                raise loop_ended(error) from error


def tracked(net: Module, *given: Tensor, **named: Tensor) -> Any:
    """A pass in which gradients are kept from the input on; detached again where the caller keeps none."""
    import torch

    keeps = torch.is_grad_enabled()
    with torch.enable_grad():
        with torch._C.DisableTorchFunction():  # what is done here is no operation of the pass
            given = tuple(batch if batch.requires_grad else batch.clone().requires_grad_(True).clone() for batch in given)
        out = net(*given, **named)
    return out if keeps else _detached(out)


def inner(net: Module) -> Module:
    """The module inside a compiled or data-parallel one, whose layers it shares and whose numbers it gives."""
    import torch

    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while not (net._forward_hooks or net._forward_pre_hooks):
        if _is_wrapped(net):
            net = net._orig_mod  # type: ignore[assignment]
        elif isinstance(net, parallel):
            net = net.module
        else:
            break
    return net


def is_compiled(net: Module) -> bool:
    """Whether a module was compiled, by torch.compile or in place."""
    return _is_wrapped(net) or vars(net).get("_compiled_call_impl") is not None


def _is_wrapped(net: Module) -> bool:
    return "torch._dynamo" in sys.modules and isinstance(net, sys.modules["torch._dynamo"].OptimizedModule)


def closed(net: Module) -> tuple[str, str]:
    """Why a network's layers cannot be looked at, and why it has no gradient; "" where nothing speaks against it."""
    from torch.jit import ScriptModule

    made = [(name or "itself", type(m)) for name, m in net.named_modules() if "quantized" in type(m).__module__]
    whole = [name for name, kind in made if "Conv" in kind.__name__]  # whose maps are quantised too
    flat = f"has quantised layers ({', '.join(n for n, _ in made[:3])}), which autograd does not pass" if made else ""
    hidden = f"has quantised layers ({', '.join(whole[:3])}), whose maps are no floating numbers" if whole else ""
    if isinstance(net, ScriptModule):
        hidden = "is a TorchScript module (torch.jit.script, trace or freeze), whose operations run where no layer is seen"
    return hidden, flat


@context
def reached(net: Module) -> Iterator[list[Module]]:
    """The parts of a module that run meanwhile, while its private copy is asked: through functions that close over them.

    A lambda, a replaced forward or a hook is copied as it is, with the module that it was made in. That is settled too, so
    that such a pass leaves it as it was.
    """
    from torch.jit import ScriptModule

    found: list[Module] = []
    with settled(net), _uncompiled(), ExitStack() as stack:
        for module in net.modules():
            if not isinstance(module, ScriptModule):
                handle = module.register_forward_pre_hook(lambda one, _given: found.append(one))
                stack.callback(handle.remove)
        yield found


@context
def asked_of_memory() -> Iterator[list[str]]:
    """The operations that are asked meanwhile of how values lie in memory: in another layout their answer is another."""
    from torch.overrides import TorchFunctionMode

    found: list[str] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Func, _: Sequence[type], args: Args = (), kwargs: Named | None = None) -> Any:
            name = getattr(func, "__name__", "").partition(".")[0].removesuffix("_")
            if name in BY_MEMORY:
                found.append(name)
            return func(*args, **(kwargs or {}))

    with Watch():
        yield found


@context
def _uncompiled() -> Iterator[None]:
    """What was compiled runs as it was written. The switch is one for all threads, so that the last one sets it back."""
    if "torch._dynamo" not in sys.modules:  # nothing was compiled
        yield
        return
    import torch

    if not hasattr(torch.compiler, "set_stance"):  # pragma: no cover - torch before 2.6; `inner` serves most
        yield
        return
    with _free:
        if not _eager:
            _eager.append(torch.compiler.set_stance("force_eager"))
        _eager.append(None)
    try:
        yield
    finally:
        with _free:
            _eager.pop()
            if len(_eager) == 1:
                _eager.pop().__exit__(None, None, None)


def _detached(out: object) -> Any:
    """The same without what made it: tensors, and those in tuples, lists and dictionaries."""
    if hasattr(out, "detach"):
        return out.detach()
    if isinstance(out, dict):
        return type(out)({name: _detached(part) for name, part in out.items()})
    if isinstance(out, (tuple, list)):
        parts = [_detached(part) for part in out]
        return type(out)(*parts) if hasattr(out, "_fields") else type(out)(parts)
    return out
