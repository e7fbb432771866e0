"""A torch module as a function from a batch of rows to (n, K) numbers, left exactly as it was found."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.core import checks, frames
from perturbxai.core.types import Device, Floats, Ints, Model
from perturbxai.models import torch_types
from perturbxai.models.device import DEVICE_BATCH, NETWORK_BATCH, is_out_of_memory
from perturbxai.models.estimators import (
    Asked,
    CallableModel,
    EstimatorModel,
    Rows,
    Wrapped,
    as_matrix,
    frame_to_array,
    is_frame,
    pick,
    softmax,
)
from perturbxai.models.labels import SCORES
from perturbxai.models.lending import Lent, closed, inner, lent
from perturbxai.models.native import as_estimator, as_function_of_pictures
from perturbxai.models.passes import Passes, state
from perturbxai.models.probabilities import Ending, last_operation
from perturbxai.models.torch_types import DType, Module, Tensor
from perturbxai.models.transforms import Transform, check_transformed, has_channels_last


class NetworkModel(Wrapped):
    """A torch module, left exactly as it was found; another layout or precision runs a private copy."""

    kind = "network"
    device: torch_types.Device

    def __init__(self, model: Module, asked: Asked) -> None:
        import torch

        self.model, self.transform, self.select, self.multi_label = model, asked.transform, asked.select, asked.multi_label
        _check_one_input(inner(model))
        self.output, self.pixels = asked.output or "raw", asked.pixels or "float32"
        self.ending = Ending()
        floats = [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]
        home = floats[0].device if floats else torch.device("cpu")
        self.device = home if asked.device is None else _device(asked.device)
        # rows are built by torch where the network is, if that is not this CPU or if a device was asked for
        self.on_device = asked.device is not None or self.device.type != "cpu"
        dtype = _dtype(asked.precision)
        self.dtype = dtype or (floats[0].dtype if floats else torch.float32)
        convolves = any(isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) for m in model.modules())
        self.batch = DEVICE_BATCH if self.device.type != "cpu" else NETWORK_BATCH if convolves else None
        moves = any(t.dtype != self.dtype for t in floats if dtype) or self.device != home
        self.passes = Passes(model, self.device, dtype, must_copy=moves, channels_last=convolves)

    @property
    def inner(self) -> Module:
        """The user's module, out of a compiled or data-parallel one: its layers have the names that they were given."""
        return inner(self.model)

    def state(self) -> list[Any]:
        """What tells whether the network is still the one that it was: its parts, their settings and hooks, its weights."""
        return state(self.inner)

    def closed(self) -> tuple[str, str]:
        """Why its layers cannot be looked at, and why it has no gradient; "" where nothing speaks against it."""
        return closed(self.inner)

    def tensor(self, rows: Rows | Tensor, *, fast: bool | None = None) -> Tensor:
        """A batch of rows as the network's input: pictures (n, H, W, C) become (n, C, H, W).

        fast  whether they lie with their channels last; None if the network was seen to take that
        """
        import torch

        shape = tuple(rows.shape)
        if self.transform is not None:
            rows = check_transformed(self.transform(rows), shape)
        rows = frames.as_pandas(rows)
        if is_frame(rows):
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
            found = found.permute(0, 3, 1, 2)  # a view: plans build rows as the network wants them in memory
        found = found.to(device=self.device, dtype=self.dtype)
        if found.ndim != 4:
            return found
        fast = self.passes.takes_channels_last if fast is None else fast
        return found.contiguous(memory_format=torch.channels_last if fast else torch.contiguous_format)

    def __call__(self, rows: Rows) -> Floats:
        batch = self.tensor(rows, fast=self.passes.channels_last)
        shape = tuple(batch.shape)
        try:
            values = self.scaled(self.passes(batch), batch)
        except Exception as error:
            if not is_out_of_memory(error) and (told := _refusal(self.inner, shape, error)):
                raise told from error
            raise
        if len(values) != len(batch) and (told := _refusal(self.inner, shape, None)):
            raise told
        return values

    def selected(self, given: object) -> Tensor:
        """The tensor that is explained, of what the network returned."""
        found: Tensor = pick(given, self.select, "the network")
        if not hasattr(found, "detach"):
            raise TypeError(
                f"the network returned {type(found).__name__}; expected a tensor (rows, outputs). Say where in it the "
                "tensor is (Predictor(select=...): an index, a key or a function), or wrap its forward."
            )
        return found

    def scaled(self, given: object, batch: Tensor) -> Floats:
        """(n, K) on the output scale, in float64 from the network's own numbers on, of a batch."""
        values = as_matrix(found := self.selected(given), "the network")
        if self.output != "probability":
            return values
        self._note_scale(values, found, lambda: self._last(batch[:0]))
        if values.shape[1] == 1 or self.multi_label:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
        return softmax(values)

    def _note_scale(self, values: Floats, given: Tensor, last: Callable[[], str]) -> None:
        """Tell of a network whose numbers (n, K) need no softmax or sigmoid any more."""
        import torch

        rounding = float(torch.finfo(given.dtype).eps) if given.dtype.is_floating_point else 0.0
        self.ending.note(values, rounding, single=values.shape[1] == 1 or self.multi_label, last=last)

    def _last(self, nothing: Tensor) -> str:
        """The network's last operation, asked with a batch of no rows; "" if it takes none."""
        import torch

        net = self.passes.looked_into()
        try:
            with lent(net), torch.inference_mode(False), torch.enable_grad():
                return last_operation(self.selected(net(nothing.clone().requires_grad_(True))))
        except Exception:  # in whatever words: the question is ours
            return ""

    def differentiable(self, given: object, score: str) -> Tensor:
        """(n, K) tensor of what the network returned, as logits or behind the softmax or sigmoid, ready for autograd."""
        found = self.selected(given)
        if score == "probability" and not self.ending.known:
            values = found.detach().to("cpu").double().numpy()
            self._note_scale(values.reshape(len(values), -1), found, lambda: last_operation(found))
        return self._behind(found, score)

    def _behind(self, given: Tensor, score: str) -> Tensor:
        """The same of the tensor that is explained."""
        scores = given[:, None] if given.ndim == 1 else given
        if score == "logit":
            return scores
        return scores.sigmoid() if scores.shape[1] == 1 or self.multi_label else scores.softmax(dim=1)

    def check_gradient(self, rows: Rows) -> None:
        """Refuse rows by whose columns there is no gradient: pictures, columns that are no numbers, a transform between."""
        if np.ndim(rows) != 2:
            raise ValueError(f"rows has shape {np.shape(rows)}; expected (rows, columns): gradients are of tables.")
        if self.transform is not None:
            raise TypeError(
                "transform stands between the columns and the network and has no gradient; make it the first layer instead."
            )
        rows = frames.as_pandas(rows)
        # a name for each column of a frame; one dtype for all of an array
        dtypes = dict(rows.dtypes) if is_frame(rows) else {"all": np.asarray(rows).dtype}
        for name, dtype in dtypes.items():
            if getattr(dtype, "kind", "O") not in "biuf":
                raise TypeError(f"column {name!r} is {dtype}, by which there is no gradient; encode it as numbers.")
        if flat := self.closed()[1]:
            raise TypeError(f"the network {flat}; give the float network that it was made of.")

    def gradient(self, net: Lent, rows: Rows, choose: Callable[[int, int], Ints]) -> Floats:
        """(n, D, K): gradients by the columns of the outputs that `choose` takes of (number of rows, number of outputs).

        net  the module, lent. On the output scale, which is taken in float64 as `scaled` does.
        """
        import torch

        batch = self.tensor(rows).requires_grad_(True)
        given = self.selected(net(batch.clone()))  # a network may work in place, which a leaf does not allow
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


def _check_one_input(net: Module) -> None:
    """Refuse a network that cannot be called with a batch alone. Raises TypeError, which names its inputs."""
    if net._forward_pre_hooks:  # which may add the others
        return
    needed = _needed(net)
    if needed is not None and len(needed) != 1:
        raise TypeError(
            f"the network's forward needs {len(needed)} inputs ({', '.join(needed) or 'none'}), but it is asked with one: a "
            "batch of rows or pictures. Wrap it in a torch.nn.Module whose forward(x) takes what varies and holds the rest, "
            "or cuts a table's columns into its inputs."
        )


def _needed(net: Module) -> list[str] | None:
    """Names of the inputs that forward cannot do without; None where that cannot be told."""
    schema = getattr(net.forward, "schema", None)  # of a scripted module, itself the first argument
    if schema is not None:
        return [argument.name for argument in schema.arguments[1:] if not argument.has_default_value()]
    try:
        parameters = inspect.signature(net.forward).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    needed = [one.name for one in places if one.default is one.empty] + named
    return needed or ([places[0].name] if places else [])


def _refusal(net: Module, shape: tuple[int, ...], error: Exception | None) -> ValueError | None:
    """What is to be said of a batch of this shape that a network failed at, where that is known; else None."""
    # a scripted module says by another name what it was
    kinds = {getattr(module, "original_name", type(module).__name__) for module in net.modules()}
    if len(shape) == 4 and kinds & {"Conv3d", "LazyConv3d"}:
        failed = f" and fails ({error})" if error else ""
        return ValueError(
            f"the network has Conv3d layers, which take video or volumes (n, C, T, H, W), and gets pictures {shape}{failed}"
            ". Explanations here are of single pictures: give a network of pictures, or a transform that makes a clip of "
            "each, such as batch.transpose(0, 3, 1, 2)[:, :, None].repeat(T, axis=2)."
        )
    if error is not None and any(type(module).__name__ == "GuardsFn" for module in net.modules()):
        return ValueError(
            f"the exported network refuses a batch of shape {shape} ({error}): it was exported for other sizes alone. "
            "Export it for any number of rows: torch.export.export(net, (x,), dynamic_shapes=[{0: torch.export.Dim('n')}])."
        )
    return None


def _device(device: Device) -> torch_types.Device:
    import torch

    try:
        found = torch.device(device)  # type: ignore[arg-type]  # one of torch, by its protocol
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is not known to torch; expected for example 'cpu' or 'cuda'.") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, but torch finds no GPU here; leave it out, or take 'cpu'.")
    return found


def _dtype(precision: str | None) -> DType | None:
    import torch

    if precision is None:
        return None
    known = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
    return known[checks.one_of("precision", precision, (*known, None))]


def wrap(model: Model, asked: Asked) -> EstimatorModel | CallableModel | NetworkModel:
    """The model, its scale and device checked, as a function from a batch of rows to (n, K) numbers.

    Raises TypeError for what is no model, ValueError for options that its kind does not have.
    """
    if asked.transform is not None:
        if not callable(asked.transform):
            raise TypeError(
                f"transform is {asked.transform!r}, no function of pictures; of torchvision's weights give "
                "weights.transforms()."
            )
        asked = replace(asked, transform=Transform(asked.transform))
    if isinstance(model, type):
        raise TypeError(f"model is the class {model.__name__}; give an instance of it.")
    if "torch" in sys.modules and isinstance(model, sys.modules["torch"].nn.Module):
        asked.refuse("functions; a torch module always gets its channels first.", "layout")
        return NetworkModel(model, asked)
    asked.refuse(f"a torch.nn.Module, but the model is {type(model).__name__}.", "device", "precision")
    if asked.multi_label:
        raise ValueError("multi_label=True is for a torch.nn.Module; other models bring their own scale.")
    of_pictures = as_function_of_pictures(model)
    if of_pictures is not None:
        pixels, layout = asked.pixels or of_pictures.pixels, asked.layout or of_pictures.layout
        return CallableModel(of_pictures, replace(asked, pixels=pixels, layout=layout))
    found = as_estimator(model)
    if any(hasattr(found, name) for name in ("predict", "predict_proba", *SCORES)):
        if asked.transform is not None:
            raise ValueError("transform is for pictures; put a table's preprocessing into a scikit-learn pipeline.")
        asked.refuse(f"networks and functions, but the model is {type(found).__name__}.", "select", "pixels", "layout")
        return EstimatorModel(found, asked.output)
    if callable(model):
        return CallableModel(model, asked)
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
