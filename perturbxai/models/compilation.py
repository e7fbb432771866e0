"""A network that torch.compile has compiled: for batches of any number of rows, refused where that cannot be."""

import importlib.util
import os
import shutil
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from perturbxai.models.device import is_out_of_memory
from perturbxai.models.lending import is_compiled
from perturbxai.models.torch_types import Device, Func, Module, Tensor

BACKEND = "inductor"
COMPILERS = {"darwin": "clang++", "win32": "cl"}  # what inductor takes where CXX names none; else g++
WAY_OUT = "Leave compile out: the network then runs as it is."


def check_compiles(net: Module, device: Device) -> None:
    """Refuse compile=True of what is compiled already, and where there is nothing to compile with. Raises ValueError."""
    from torch.jit import ScriptModule

    if any(isinstance(module, ScriptModule) for module in net.modules()):
        raise ValueError("compile=True, but the network is of TorchScript, which torch.compile cannot see into. " + WAY_OUT)
    if any(map(is_compiled, net.modules())):
        raise ValueError("compile=True, but the network, or a part of it, is compiled already; leave compile out.")
    if device.type != "cpu":
        if importlib.util.find_spec("triton") is None:
            raise ValueError(f"compile=True on {device} needs the package triton; install it. Or: {WAY_OUT}")
        return
    compiler = os.environ.get("CXX") or COMPILERS.get(sys.platform, "g++")
    if shutil.which(compiler.split()[0]) is None:
        raise ValueError(
            f"compile=True needs a C++ compiler, but {compiler!r} is not there: install one (Debian: apt install g++; "
            f"conda: gxx), or name it in the environment variable CXX. Or: {WAY_OUT}"
        )


class Compiled:
    """A module in eval mode, compiled when it is first called; the module itself stays as it is.

    seconds  what compiling took
    A batch has at least two rows: torch takes a single one for another kind of network.
    """

    def __init__(self, net: Module) -> None:
        self.net, self.seconds = net, 0.0
        self._made = 0  # graphs that were compiled
        self._by_shape: dict[tuple[int, ...], Func] = {}

    def __call__(self, batch: Tensor) -> Any:
        """What the module returns of a batch. Raises RuntimeError, with a way out, for one that cannot be compiled."""
        import torch

        shape = tuple(batch.shape[1:])
        run = self._by_shape.get(shape) or self._compiled()
        torch._dynamo.mark_dynamic(batch, 0)  # else each number of rows would be compiled anew
        before, began = self._made, time.perf_counter()
        try:
            with torch.inference_mode():
                found = run(batch)
        except Exception as error:
            if shape in self._by_shape or is_out_of_memory(error):
                raise
            raise RuntimeError(
                f"compile=True, but torch cannot compile the network ({_in_short(error)}). {WAY_OUT} Or hand over "
                "torch.compile(net), which compiles those parts that it can."
            ) from error
        self._by_shape[shape] = run
        if self._made > before:
            self.seconds += time.perf_counter() - began
        return found

    def _compiled(self) -> Func:
        import torch

        return torch.compile(_function_of(self.net), backend=self._backend, fullgraph=True, dynamic=False)

    def _backend(self, graph: Any, inputs: Any) -> Callable[..., Any]:
        """What torch.compile calls with each graph that it found."""
        import torch

        self._made += 1
        found: Callable[..., Any] = torch._dynamo.lookup_backend(BACKEND)(graph, inputs)
        return found


def _function_of(net: Module) -> Func:
    """A module as a function whose code is its own: torch bounds how often one code is compiled, whatever it calls."""

    def run(batch: Tensor) -> Any:
        return net(batch)

    return types.FunctionType(run.__code__.replace(), run.__globals__, "run", None, run.__closure__)


def _in_short(error: Exception) -> str:
    """The first line that says something of an error of torch's, which has pages."""
    if type(error).__name__ == "ConstraintViolationError":  # of the axis that was marked
        return "its operations depend on the number of rows, as a loop over them does"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].rstrip('.:')}" if lines else type(error).__name__
