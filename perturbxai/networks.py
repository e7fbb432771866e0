"""A torch module as a function from a batch of rows to (n, K) numbers, left exactly as it was found."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai import frames
from perturbxai.labels import SCORES
from perturbxai.models import (
    CallableModel,
    EstimatorModel,
    as_matrix,
    check_transformed,
    frame_to_array,
    has_channels_last,
    numbered,
    pick,
    refuse_table,
)
from perturbxai.native import as_estimator, as_function_of_pictures

Floats = NDArray[np.float64]


class NetworkModel:
    """A torch module, left exactly as it was found; another layout or precision runs a private copy."""

    kind = "network"
    clipped = 0  # its logit is the raw output

    def __init__(
        self,
        model: Any,
        output: str | None,
        transform: Any,
        device: Any,
        precision: str | None,
        multi_label: bool,
        select: Any = None,
        pixels: str = "float32",
    ) -> None:
        import torch

        self.model, self.transform, self.multi_label, self.select = model, transform, multi_label, select
        self.output, self.pixels = output or "raw", pixels
        floats = [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]
        home = floats[0].device if floats else torch.device("cpu")
        self.asked_device = device
        self.device = _device(device) if device is not None else home
        self.asked_dtype = _dtype(precision)
        self.dtype = self.asked_dtype or (floats[0].dtype if floats else torch.float32)
        self.convolves = any(isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) for m in model.modules())
        self.channels_last = self.convolves
        self._must_copy = any(t.dtype != self.dtype for t in floats if self.asked_dtype) or self.device != home
        self._copy: Any = None
        self._copied: Any = None

    @property
    def layout(self) -> str:
        """How a batch of pictures lies in memory so that nothing is copied."""
        return "HWC" if self.channels_last else "CHW"

    @property
    def on_device(self) -> bool:
        """Rows are built by torch where the network is, if that is not this CPU or if a device was asked for."""
        return self.asked_device is not None or self.device.type != "cpu"

    def module(self) -> Any:
        """The module to run: the user's, or the private copy in another layout, precision or place."""
        if self._copy is None:
            self.refresh()
        return self.model if self._copy is None else self._copy

    def refresh(self) -> None:
        """Make the private copy anew if the user's module has changed since. Asked once a request, not once a batch."""
        if not (self.channels_last or self._must_copy):
            return
        now = _settings(self.model)
        if self._copy is not None and now == self._copied and _same_numbers(self._copy, self.model):
            return
        try:
            self._copy, self._copied = self._duplicate(), now
        except Exception as error:
            if self._must_copy:
                raise RuntimeError(
                    f"another precision or device runs a private copy, but the network cannot be copied ({error}). "
                    "Leave them out, or remove what copy.deepcopy cannot take."
                ) from error
            self.channels_last, self._copy = False, None  # the layout is for speed alone, and `plan` says which it is

    def _duplicate(self) -> Any:
        import torch

        # results that a forward pass left on a module (a kept map, a normalised weight) are no part of it, and deepcopy
        # refuses them; weights that were made under inference mode could not be lent for gradients
        with torch.inference_mode(False), torch.no_grad():
            left = (t for m in self.model.modules() for t in vars(m).values() if isinstance(t, torch.Tensor))
            found = copy.deepcopy(self.model, {id(t): t.detach().clone() for t in left if not t.is_leaf})
            found = found.to(device=self.device, dtype=self.asked_dtype)
            for tensor in (*found.parameters(), *found.buffers()):
                if self.channels_last and tensor.ndim == 4:
                    tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
            for parameter in found.parameters():  # a scripted module refuses requires_grad_ as a whole
                parameter.requires_grad_(False)
            return found.eval()

    def tensor(self, rows: Any) -> Any:
        """A batch of rows as the network's input: pictures (n, H, W, C) become (n, C, H, W)."""
        import torch

        shape = tuple(rows.shape)
        if self.transform is not None:
            rows = check_transformed(self.transform(rows), shape)
        rows = frames.as_pandas(rows)
        if hasattr(rows, "iloc"):
            rows = frame_to_array(rows)
        if isinstance(rows, np.ndarray) and rows.dtype.kind not in "biuf":
            try:
                rows = rows.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise TypeError(f"a network takes numbers, but not all in these rows are ({error}); encode them.") from error
        if isinstance(rows, np.ndarray):  # torch refuses negative strides and warns about arrays that cannot be written
            planes = rows.ndim == 4 and rows.transpose(0, 3, 1, 2).flags.c_contiguous
            rows = np.require(rows, requirements=["W"] if planes else ["C", "W"])
        found = torch.as_tensor(rows)
        if has_channels_last(found, shape):
            found = found.permute(0, 3, 1, 2)  # a view, which lies in memory as `layout` says
        found = found.to(device=self.device, dtype=self.dtype)
        if self.channels_last and found.ndim == 4:
            found = found.contiguous(memory_format=torch.channels_last)
        return found

    def __call__(self, rows: Any) -> Floats:
        import torch

        net = self.module()
        # the private copy is frozen already, and going through its modules for every batch took 3 % of the time
        with nullcontext() if net is self._copy else frozen(net), torch.inference_mode():
            return self.scaled(net(self.tensor(rows)))

    def selected(self, given: Any) -> Any:
        """The tensor that is explained, of what the network returned."""
        found = pick(given, self.select, "the network")
        if not hasattr(found, "detach"):
            raise TypeError(
                f"the network returned {type(found).__name__}; expected a tensor (rows, outputs). Say where in it the "
                "tensor is (Predictor(select=...): an index, a key or a function), or wrap its forward."
            )
        return found

    def scaled(self, given: Any) -> Floats:
        """(n, K) on the output scale, in float64 from the network's own numbers on."""
        values = as_matrix(self.selected(given), "the network")
        if self.output != "probability":
            return values
        if values.shape[1] == 1 or self.multi_label:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
        with np.errstate(invalid="ignore"):  # an infinite score gives NaN, which the Predictor names
            odds = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def differentiable(self, given: Any, score: str) -> Any:
        """(n, K) tensor of what the network returned, as logits or behind the softmax or sigmoid, ready for autograd."""
        return self._behind(self.selected(given), score)

    def _behind(self, given: Any, score: str) -> Any:
        """The same of the tensor that is explained."""
        scores = given[:, None] if given.ndim == 1 else given
        if score == "logit":
            return scores
        return scores.sigmoid() if scores.shape[1] == 1 or self.multi_label else scores.softmax(dim=1)

    def check_gradient(self, rows: Any) -> None:
        """Refuse rows by whose columns there is no gradient: pictures, columns that are no numbers, a transform between."""
        if np.ndim(rows) != 2:
            raise ValueError(f"rows has shape {np.shape(rows)}; expected (rows, columns): gradients are of tables.")
        if self.transform is not None:
            raise TypeError(
                "transform stands between the columns and the network and has no gradient; make it the first layer instead."
            )
        rows = frames.as_pandas(rows)
        # a name for each column of a frame; one dtype for all of an array
        dtypes = dict(rows.dtypes) if hasattr(rows, "iloc") else {"all": np.asarray(rows).dtype}
        for name, dtype in dtypes.items():
            if getattr(dtype, "kind", "O") not in "biuf":
                raise TypeError(f"column {name!r} is {dtype}, by which there is no gradient; encode it as numbers.")

    def gradient(self, rows: Any, choose: Callable[[int, int], NDArray[np.int64]]) -> Floats:
        """(n, D, K): gradients by the columns of the outputs that `choose` takes of (number of rows, number of outputs).

        On the output scale, which is taken in float64 as `scaled` does. The module is lent already: see `frozen`.
        """
        import torch

        batch = self.tensor(rows).requires_grad_(True)
        given = self.selected(self.module()(batch.clone()))  # a network may work in place, which a leaf does not allow
        as_matrix(given.detach(), "the network")  # raises for what is no (n, K)
        scores = self._behind(given.to("cpu").double(), "probability" if self.output == "probability" else "logit")
        chosen = choose(*scores.shape)
        found = np.empty((*batch.shape, len(chosen)))
        for k, column in enumerate(chosen):
            slope = None
            if scores.requires_grad:
                (slope,) = torch.autograd.grad(scores[:, column].sum(), batch, retain_graph=True, allow_unused=True)
            if slope is None:
                raise TypeError(
                    "the network's output does not depend on its input in a way that autograd can follow (a detach(), a "
                    "NumPy step or whole numbers between); there is no gradient."
                )
            found[:, :, k] = slope.to("cpu").double().numpy()
        return found

    def check(self, names: tuple[str, ...], named: bool = True) -> None:  # noqa: ARG002
        """A network says nothing of its columns, but may be one of pictures."""
        refuse_table(self.pixels, "HWC")

    def names(self, n_outputs: int) -> tuple[str, ...]:
        return ("prediction",) if n_outputs == 1 else numbered(n_outputs)


@contextmanager
def frozen(net: Any) -> Iterator[Any]:
    """The module in eval mode and without parameter gradients; every module's mode and flag as before afterwards."""
    modes = [(m, m.training) for m in net.modules()]
    flags = [(p, p.requires_grad) for p in net.parameters() if not p.is_inference()]  # whose flag could not be set back
    try:
        net.eval()
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        yield net
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _settings(net: Any) -> list[Any]:
    """What else a copy must share with a module: its parts, their plain attributes and their hooks."""
    return [
        (name, type(m), {k: v for k, v in vars(m).items() if _is_plain(v) and k != "training"})
        + (list(m._forward_hooks), list(m._forward_pre_hooks))
        for name, m in net.named_modules()
    ]


def _is_plain(value: Any) -> bool:
    """A number, a text, or several, as a stride is; no tensors, which a forward pass may have left."""
    several = isinstance(value, tuple) and all(map(_is_plain, value))
    return several or isinstance(value, (bool, int, float, str))


def _same_numbers(ours: Any, theirs: Any) -> bool:
    """Whether two modules hold the same weights. Their contents are compared: writing through .data leaves no trace."""
    import torch

    mine, other = (dict([*net.named_parameters(), *net.named_buffers()]) for net in (ours, theirs))
    return mine.keys() == other.keys() and all(
        torch.equal(tensor, other[name].to(device=tensor.device, dtype=tensor.dtype)) for name, tensor in mine.items()
    )


def _device(device: Any) -> Any:
    import torch

    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is not known to torch; expected for example 'cpu' or 'cuda'.") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, but torch finds no GPU here; leave it out, or take 'cpu'.")
    return found


def _dtype(precision: str | None) -> Any:
    import torch

    if precision is None:
        return None
    known = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
    if precision not in known:
        raise ValueError(f"precision={precision!r} is not known; expected one of {sorted(known)} or None.")
    return known[precision]


def wrap(
    model: Any,
    output: str | None,
    transform: Any,
    device: Any,
    precision: str | None,
    multi_label: bool,
    select: Any,
    pixels: str | None,
    layout: str | None,
) -> EstimatorModel | CallableModel | NetworkModel:
    """The model, its scale and device checked, as a function from a batch of rows to (n, K) numbers.

    Raises TypeError for what is no model, ValueError for options that its kind does not have.
    """
    if isinstance(model, type):
        raise TypeError(f"model is the class {model.__name__}; give an instance of it.")
    is_network = "torch" in sys.modules and isinstance(model, sys.modules["torch"].nn.Module)
    if is_network:
        if layout is not None:
            raise ValueError(f"layout={layout!r} is for functions; a torch module always gets its channels first.")
        return NetworkModel(model, output, transform, device, precision, multi_label, select, pixels or "float32")
    for name, value in (("device", device), ("precision", precision)):
        if value is not None:
            raise ValueError(f"{name}={value!r} is for a torch.nn.Module, but the model is {type(model).__name__}.")
    if multi_label:
        raise ValueError("multi_label=True is for a torch.nn.Module; other models bring their own scale.")
    of_pictures = as_function_of_pictures(model)
    if of_pictures is not None:
        own_pixels, own_layout = of_pictures.pixels, layout or of_pictures.layout
        return CallableModel(of_pictures, output, transform, select, pixels or own_pixels, own_layout)
    model = as_estimator(model)
    if any(hasattr(model, name) for name in ("predict", "predict_proba", *SCORES)):
        if transform is not None:
            raise ValueError("transform is for pictures; put a table's preprocessing into a scikit-learn pipeline.")
        for name, value in (("select", select), ("pixels", pixels), ("layout", layout)):
            if value is not None:
                raise ValueError(f"{name}={value!r} is for networks and functions, but the model is {type(model).__name__}.")
        return EstimatorModel(model, output)
    if callable(model):
        return CallableModel(model, output, transform, select, pixels or "float32", layout or "HWC")
    if hasattr(model, "fit"):
        raise TypeError(
            f"model is {type(model).__name__}, which has no predict, predict_proba, decision_function or score_samples for "
            "new rows. LocalOutlierFactor has them with novelty=True; for a clustering without predict explain a classifier "
            "of its labels."
        )
    raise TypeError(
        f"model is {type(model).__name__}; expected a scikit-learn estimator, a booster, an ONNX "
        "session, a torch.nn.Module or a function."
    )
