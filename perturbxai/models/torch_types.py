"""What annotations say of torch, which is loaded only where a network runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device
    from torch import dtype as DType
    from torch.nn import Module
else:
    Tensor = Module = Device = DType = Any

__all__ = ["Args", "Batch", "DType", "Device", "Func", "Module", "Named", "Tensor", "Where"]

Batch: TypeAlias = NDArray[Any] | Tensor
Where: TypeAlias = Device | str
"""A device, or its name."""
Func: TypeAlias = Callable[..., Any]
"""A function of torch as a mode is handed it, with what it is called with."""
Args: TypeAlias = tuple[Any, ...]
Named: TypeAlias = dict[str, Any]
