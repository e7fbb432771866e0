"""Networks that draw random numbers as they run, as a dropout that is always on does: found by the generator's state."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from perturbxai.core.stopping import context
from perturbxai.models.torch_types import Args, Func, Module, Named, Tensor

MEANS = "as it runs, also in eval mode, so that two passes over one input differ"


def state() -> bytes:
    """Where torch's generators of random numbers are."""
    import torch

    found = bytes(torch.get_rng_state().numpy())
    if torch.cuda.is_initialized():  # pragma: no cover - needs a GPU
        found += b"".join(bytes(one.numpy()) for one in torch.cuda.get_rng_state_all())
    return found


@context
def none_drawn(net: Module, *given: Tensor, **named: Tensor) -> Iterator[None]:
    """Refuse a network that draws in a pass. Raises ValueError, which names the layer and the function that draw."""
    before = state()
    yield
    if state() != before and (where := who_draws(net, *given, **named)):
        raise ValueError(
            f"the network draws random numbers {MEANS} ({where}): neither a gradient nor a map of it says what the network "
            "does. Make it F.dropout(..., training=self.training), or take a method that asks for values alone, such as "
            "'kernel_shap', whose answers are as noisy as the network."
        )


def who_draws(net: Module, *given: Tensor, **named: Tensor) -> str:
    """The first layer and function that draw in one more pass, "" where another thread drew."""
    import torch
    from torch.overrides import TorchFunctionMode

    running, found = [""], list[str]()

    class Draws(TorchFunctionMode):
        def __torch_function__(self, func: Func, types: Sequence[type], args: Args = (), kwargs: Named | None = None) -> Any:
            before = state()
            out = func(*args, **(kwargs or {}))
            if not found and state() != before:
                name = getattr(func, "__name__", "a function")
                found.append(f"{name}() in layer {running[-1]!r}" if running[-1] else f"{name}()")
            return out

    with torch.no_grad(), ExitStack() as stack:
        for name, module in net.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):  # which takes no hooks
                stack.callback(module.register_forward_pre_hook(lambda *_, name=name: running.append(name)).remove)
                stack.callback(module.register_forward_hook(lambda *_: running.pop() and None).remove)
        stack.enter_context(Draws())
        net(*given, **named)
    scripted = any(isinstance(module, torch.jit.ScriptModule) for module in net.modules())
    return found[0] if found else "in a scripted part" if scripted else ""
