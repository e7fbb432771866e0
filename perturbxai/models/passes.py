"""How a torch module is run: its layout in memory, its private copy, its mode, each only as far as the network takes it."""

import copy
import warnings
from typing import Any

import numpy as np

from perturbxai.models import randomness
from perturbxai.models.compilation import Compiled
from perturbxai.models.device import is_out_of_memory
from perturbxai.models.lending import alone, asked_of_memory, evaluate, inner, is_compiled, lent, reached, settled, tracked
from perturbxai.models.torch_types import Device, DType, Module, Tensor


class Passes:
    """A module as a function from a batch to what it returns, in eval mode, in the fastest layout, and left as found.

    must_copy      another precision or place, or compile=True, was asked, so that a private copy runs
    channels_last  pictures lie with their channels last, which is for speed alone: a network that cannot run so (a view() of
                   a map) runs as it is, once that is found out
    tracks         the network runs only where gradients are kept, as one that hooks its own tensors does
    compiles       values are asked of the copy as torch.compile makes it; looks inside are at the copy itself
    """

    def __init__(
        self,
        model: Module,
        device: Device,
        dtype: DType | None,
        *,
        must_copy: bool,
        channels_last: bool,
        compiles: bool = False,
    ) -> None:
        self.model, self.must_copy, self.tracks = model, must_copy or compiles, False
        self.compiles, self._compile_seconds = compiles, 0.0
        self._compiled: Compiled | None = None
        # a compiled module's copy would be compiled anew, and its compiler chooses layouts itself
        self.channels_last = channels_last and not any(map(is_compiled, model.modules()))
        self._plain = Copy(device, dtype, channels_last=False)
        self._copy = Copy(device, dtype, channels_last=True) if self.channels_last else self._plain
        self._call: object = None  # in which the copy was compared last
        self._warned = False  # that it draws random numbers
        self._known: set[tuple[int, ...]] = set()  # shapes of rows at which it was seen to run

    def __getstate__(self) -> dict[str, Any]:
        # what is compiled stays, for others compile anew; and so does what the caller's bar is made of
        return vars(self) | {"_compiled": None, "_compile_seconds": 0.0, "_call": None}

    @property
    def compile_seconds(self) -> float:
        """What compiling took so far."""
        return self._compile_seconds + (self._compiled.seconds if self._compiled else 0.0)

    @property
    def copies(self) -> list[Module]:
        """The private copies that there are."""
        return [one.net for one in {id(one): one for one in (self._plain, self._copy)}.values() if one.net is not None]

    def module(self) -> Module:
        """The module that values are asked of: the user's, or the private copy."""
        if self._copy.net is None:
            self.refresh()
        return self.model if self._copy.net is None else self._copy.net

    def refresh(self, call: object = None) -> None:
        """Make the private copy anew if the user's module has changed since. Asked once a request, not once a batch.

        call: what the request is part of, if anything; all weights are compared once in it
        """
        if not (self.channels_last or self.must_copy) or (call is not None and call is self._call):
            return
        self._call = call
        try:
            with alone([*self.model.modules(), *self.model.parameters()]):
                if self._copy.refresh(self.model):
                    self._known.clear()
        except Exception as error:
            if self.must_copy:
                raise RuntimeError(
                    "another precision or device, or compile=True, runs a private copy, but the network cannot be copied "
                    f"({error}). Leave them out, or remove what copy.deepcopy cannot take."
                ) from error
            self.lay_aside()  # the layout is for speed alone, and `plan` says which it is

    def lay_aside(self) -> bool:
        """From now on the network runs in the layout that it was written for; False if it does already."""
        found, self.channels_last = self.channels_last, False
        if found:
            self._copy = self._plain
            self.refresh()
        return found

    @property
    def takes_channels_last(self) -> bool:
        """Whether the network was seen to run with its channels last."""
        return self.channels_last and bool(self._known)

    def looked_into(self) -> Module:
        """The module whose layers and gradients are asked for: with weights that autograd takes, out of its wrapper."""
        if self.must_copy or self.takes_channels_last:
            return inner(self.module())
        if any(t.is_inference() for t in (*self.model.parameters(), *self.model.buffers())):
            self._plain.refresh(self.model)
            assert self._plain.net is not None
            return inner(self._plain.net)
        return inner(self.model)

    def __call__(self, batch: Tensor) -> Any:
        """What the network returns of a batch that lies as `channels_last` says. Raises the network's own error."""
        if tuple(batch.shape[1:]) in self._known:
            return self._run_compiled(batch) if self.compiles else self._run(batch)
        if not self.compiles:
            return self._look(batch)
        self._look(batch.clone())  # by the network as it was written it is found out what it takes
        return self._run_compiled(batch if self.channels_last else batch.contiguous())

    def as_it_is(self, batch: Tensor) -> Any:
        """What the user's own module returns of a batch in its own precision and place."""
        return self._run_in(self.model, batch)

    def _look(self, batch: Tensor) -> Any:
        """A pass over rows of a shape that was not asked before, in whichever way the network takes them."""
        before = randomness.state()
        spare = batch.clone()  # a network may write into its input before it fails
        try:
            found = self._first(batch)
        except Exception as error:
            if is_out_of_memory(error) or not (self.channels_last or _wants_gradients(error)):
                raise
            failed = error
        else:
            return self._seen(spare, found, before)
        # here the error no longer holds what the batch took
        return self._seen(spare, self._otherwise(spare, failed), before)

    def _first(self, batch: Tensor) -> Any:
        """A first pass over rows of a shape.

        Raises RuntimeError for a private copy that is none, and for one that must not lie in another layout.
        """
        if self.module() is not self._copy.net:
            return self._run(batch)
        parts: list[Module] = []
        try:
            with reached(self.model) as parts, asked_of_memory() as asked:
                found = self._run(batch)
        except Exception as error:
            if not parts or is_out_of_memory(error):
                raise
            raise _no_copy(parts) from error
        if parts:
            raise _no_copy(parts)
        if asked and self.channels_last:
            raise RuntimeError(f"{asked[0]}() reads how values lie in memory")
        return found

    def _seen(self, batch: Tensor, found: object, before: bytes) -> Any:
        """What came of the first pass over rows of a shape; tells of one that drew random numbers."""
        import torch

        if randomness.state() != before and not self._warned:
            self._warned = True
            net = inner(self.module())
            with lent(net), torch.inference_mode():
                where = randomness.who_draws(net, batch[:1].clone())
            if where:
                warnings.warn(
                    f"the network draws random numbers {randomness.MEANS} ({where}): answers are as noisy as it is, and "
                    "standard errors tell of the questions alone. Make it F.dropout(..., training=self.training).",
                    stacklevel=2,
                )
        self._known.add(tuple(batch.shape[1:]))
        return found

    def _otherwise(self, batch: Tensor, own: Exception) -> Any:
        """A batch at which the network failed, run in its own layout, then with gradients kept; and so later, if that works.

        Raises the error of the network as it is if that was not why.
        """
        before = self.channels_last, self._copy
        if self.lay_aside():
            try:
                return self._first(batch.contiguous().clone())
            except Exception as error:
                own = error
        if _wants_gradients(own):
            self.tracks = True
            try:
                return self._first(batch.contiguous().clone())
            except Exception:
                self.tracks = False
        self.channels_last, self._copy = before
        raise own from None

    def _run(self, batch: Tensor) -> Any:
        return self._run_in(self.module(), batch)

    def _run_compiled(self, batch: Tensor) -> Any:
        if self.tracks:
            raise RuntimeError(
                "compile=True, but the network runs only where gradients are kept (it hooks a tensor of its own, or takes a "
                "derivative on the way), which is not compiled. Leave compile out."
            )
        net = self.module()
        with alone([inner(net)]):
            if self._compiled is None or self._compiled.net is not net:
                self._compile_seconds, self._compiled = self.compile_seconds, Compiled(net)
            return self._compiled(batch)

    def _run_in(self, net: Module, batch: Tensor) -> Any:
        import torch

        if self.tracks:
            with lent(net), torch.inference_mode(False), torch.no_grad():
                return tracked(net, batch)
        # the private copy is settled already, and going through its modules for every batch took 3 % of the time
        with alone([inner(net)]) if net is self._copy.net else settled(net), torch.inference_mode():
            return net(batch)


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


def state(net: Module) -> list[Any]:
    """The same, with which tensors a module holds and how often they were written to."""
    tensors = [*net.named_parameters(), *net.named_buffers()]
    return [_settings(net), [(name, id(t), tuple(t.shape), 0 if t.is_inference() else t._version) for name, t in tensors]]


def _is_plain(value: object) -> bool:
    """A number, a text, or several, as a stride is; no tensors, which a forward pass may have left."""
    several = isinstance(value, tuple) and all(map(_is_plain, value))
    return several or isinstance(value, (bool, int, float, str))


def _same_numbers(ours: Module, theirs: Module) -> bool:
    """Whether two modules hold the same weights. Their contents are compared: writing through .data leaves no trace."""
    mine, other = (dict([*net.named_parameters(), *net.named_buffers()]) for net in (ours, theirs))
    return mine.keys() == other.keys() and all(_same(tensor, other[name]) for name, tensor in mine.items())


def _same(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two tensors hold the same numbers."""
    import torch

    theirs = theirs.to(device=ours.device, dtype=ours.dtype)
    usual = ours.device.type == "cpu" and ours.dtype in (torch.float32, torch.float64)
    usual &= ours.layout is torch.strided and theirs.layout is torch.strided
    if not usual or ours.shape != theirs.shape:
        return torch.equal(ours, theirs)
    # without axes of length 1 most weights lie alike, whatever the layout; torch would wake its threads for each of them
    return np.array_equal(ours.detach().squeeze().numpy(), theirs.detach().squeeze().numpy())


def _no_copy(parts: list[Module]) -> RuntimeError:
    """What is to be said where a private copy was asked for; without, the network runs as it is."""
    names = ", ".join(dict.fromkeys(type(part).__name__ for part in parts[:4]))
    return RuntimeError(
        "another precision or device, or compile=True, runs a private copy, but the network cannot be copied: a function "
        f"that it keeps (a lambda, a replaced forward, a hook) runs parts of the original ({names}). Make it a method that "
        "goes through self, or leave precision, device and compile out."
    )


def _wants_gradients(error: Exception) -> bool:
    """Whether a network failed because it keeps gradients itself: a hook on a tensor of its own, a derivative on the way."""
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("grad" in text or "inference" in text)
