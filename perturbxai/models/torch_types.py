"""What annotations say of torch, which is loaded only where a network runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor
    from torch import device as Device
    from torch import dtype as DType
    from torch.nn import Module

    from perturbxai.models.lending import Lent
else:
    Tensor = Module = Device = DType = Lent = Any

__all__ = ["Args", "Batch", "DType", "Device", "Func", "Module", "Named", "Net", "Score", "Tensor", "Where"]

Batch: TypeAlias = NDArray[Any] | Tensor  # rows or pictures
Where: TypeAlias = Device | str  # a device, or its name
Net: TypeAlias = Module | Lent  # a network that is looked into
Score: TypeAlias = Callable[[Tensor], Tensor]  # what a network returned -> (n, K), differentiable
Func: TypeAlias = Callable[..., Any]  # a function of torch as a mode is handed it, with what it is called with
Args: TypeAlias = tuple[Any, ...]
Named: TypeAlias = dict[str, Any]
