"""The private copy of a torch module: another layout, precision or place, and the user's own is never touched."""

from __future__ import annotations

import copy
from typing import Any

from perturbxai.models.lending import evaluate
from perturbxai.models.torch_types import Device, DType, Module


class Copy:
    """A copy of a module, made anew when the module has changed since.

    device, dtype  where it lives and in what, dtype None as it is;  channels_last: how its weights of four axes lie
    """

    def __init__(self, device: Device, dtype: DType | None, *, channels_last: bool) -> None:
        self.device, self.dtype, self.channels_last = device, dtype, channels_last
        self.net: Module | None = None
        self._settings: list[Any] = []

    def refresh(self, model: Module) -> bool:
        """Follow the user's module; True if it had changed. Raises whatever copy.deepcopy raises."""
        now = _settings(model)
        if self.net is not None and now == self._settings and _same_numbers(self.net, model):
            return False
        self.net, self._settings = self._duplicate(model), now
        return True

    def _duplicate(self, model: Module) -> Module:
        import torch

        # results that a forward pass left on a module (a kept map, a normalised weight) are no part of it, and deepcopy
        # refuses them; weights that were made under inference mode could not be lent for gradients
        with torch.inference_mode(False), torch.no_grad():
            left = (t for m in model.modules() for t in vars(m).values() if isinstance(t, torch.Tensor))
            found = copy.deepcopy(model, {id(t): t.detach().clone() for t in left if not t.is_leaf})
            found = found.to(device=self.device, dtype=self.dtype)
            for tensor in (*found.parameters(), *found.buffers()):
                if self.channels_last and tensor.ndim == 4:
                    tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
            for parameter in found.parameters():  # a scripted module refuses requires_grad_ as a whole
                parameter.requires_grad_(False)
            evaluate(found)
            return found


def _settings(net: Module) -> list[Any]:
    """What else a copy must share with a module: its parts, their plain attributes and their hooks."""
    return [
        (name, type(m), {k: v for k, v in vars(m).items() if _is_plain(v) and k != "training"})
        + (list(m._forward_hooks), list(m._forward_pre_hooks))
        for name, m in net.named_modules()
    ]


def _is_plain(value: object) -> bool:
    """A number, a text, or several, as a stride is; no tensors, which a forward pass may have left."""
    several = isinstance(value, tuple) and all(map(_is_plain, value))
    return several or isinstance(value, (bool, int, float, str))


def _same_numbers(ours: Module, theirs: Module) -> bool:
    """Whether two modules hold the same weights. Their contents are compared: writing through .data leaves no trace."""
    import torch

    mine, other = (dict([*net.named_parameters(), *net.named_buffers()]) for net in (ours, theirs))
    return mine.keys() == other.keys() and all(
        torch.equal(tensor, other[name].to(device=tensor.device, dtype=tensor.dtype)) for name, tensor in mine.items()
    )
