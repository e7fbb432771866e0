"""A torch module as a function from a batch of rows to (n, K) numbers, left exactly as it was found."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.core import checks, frames
from perturbxai.core.types import Device, Floats, Ints, Model
from perturbxai.models import torch_types
from perturbxai.models.compilation import check_compiles
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
from perturbxai.models.moved import Moved
from perturbxai.models.native import as_estimator, as_function_of_pictures
from perturbxai.models.passes import Passes, state
from perturbxai.models.probabilities import Ending, last_operation
from perturbxai.models.signatures import check_one_input, refusal
from perturbxai.models.torch_types import DType, Module, Tensor
from perturbxai.models.transforms import Transform, check_transformed, has_channels_last


class NetworkModel(Wrapped):
    """A torch module, left exactly as it was found; another layout or precision, or a compiled one, runs a private copy."""

    kind = "network"
    device: torch_types.Device

    def __init__(self, model: Module, asked: Asked) -> None:
        import torch

        self.asked = asked
        self.model, self.transform, self.select, self.multi_label = model, asked.transform, asked.select, asked.multi_label
        check_one_input(inner(model))
        self.output, self.pixels = asked.output or "raw", asked.pixels or "float32"
        self.ending = Ending()
        floats = [t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()]
        home = floats[0].device if floats else torch.device("cpu")
        self.device, self.home = home if asked.device is None else _device(asked.device), home
        # rows are built by torch where the network is, if that is not this CPU or if a device was asked for
        self.on_device = asked.device is not None or self.device.type != "cpu"
        dtype = _dtype(asked.precision)
        self.own = floats[0].dtype if floats else torch.float32
        self.dtype = dtype or self.own
        convolves = any(isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) for m in model.modules())
        self.batch = DEVICE_BATCH if self.device.type != "cpu" else NETWORK_BATCH if convolves else None
        moves = any(t.dtype != self.dtype for t in floats if dtype) or self.device != home
        if compiles := bool(asked.compile):
            check_compiles(model, self.device)
        self.passes = Passes(model, self.device, dtype, must_copy=moves, channels_last=convolves, compiles=compiles)
        coarser = self.dtype != self.own and self.dtype.itemsize <= self.own.itemsize
        self.moved = Moved() if compiles or coarser else None

    @property
    def plan(self) -> dict[str, Any]:
        """How the network is run, as far as it is its own affair."""
        found: dict[str, Any] = {
            "device": str(self.device), "layout": "channels_last" if self.passes.channels_last else "contiguous",
            "precision": str(self.dtype).removeprefix("torch."), "rows_built": "device" if self.on_device else "host",
        }  # fmt: skip
        if self.passes.compiles:
            found |= {"compiled": True, "compile_seconds": round(self.passes.compile_seconds, 3)}
        found |= {"moved": told} if self.moved and (told := self.moved.told) else {}
        return found | ({"gradients": "kept"} if self.passes.tracks else {})  # the network cannot do without

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
        return self._placed(self._given(rows), fast=self.passes.takes_channels_last if fast is None else fast)

    def _placed(self, given: Tensor, *, fast: bool) -> Tensor:
        import torch

        found = given.to(device=self.device, dtype=self.dtype)
        if found.ndim != 4:
            return found
        return found.contiguous(memory_format=torch.channels_last if fast else torch.contiguous_format)

    def _given(self, rows: Rows | Tensor) -> Tensor:
        """A batch of rows as a tensor in their own precision and place, behind the transform, pictures as (n, C, H, W)."""
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
        # a view: plans build rows as the network wants them in memory
        return found.permute(0, 3, 1, 2) if has_channels_last(found, shape) else found

    def __call__(self, rows: Rows | Tensor, meanwhile: Callable[[], None] | None = None) -> Floats:
        """(n, K) on the output scale. meanwhile: what the host does while a GPU computes."""
        import torch

        given = self._given(rows)
        few = self._first_few(given)  # before the network, which may write into its input
        batch = self._placed(given, fast=self.passes.channels_last)
        if self.passes.compiles and len(batch) == 1:
            batch = torch.cat([batch, batch])
        n_rows, compiling = len(given), self.passes.compile_seconds
        del given  # its memory is the network's to use
        values = self._values(batch, meanwhile)[:n_rows]
        self.setup_seconds += self.passes.compile_seconds - compiling
        if few is not None:
            self._compare(values, few)
        return values

    def _first_few(self, given: Tensor) -> Tensor | None:
        """Of a batch what is also asked of the network as it is, to see how far a faster plan moves its answers."""
        import torch

        if self.moved is None or self.moved.wanted <= 0:
            return None
        few = given[: self.moved.wanted].to(device=self.home, dtype=self.own, copy=True)
        return few.contiguous(memory_format=torch.contiguous_format)

    def _compare(self, values: Floats, few: Tensor) -> None:
        assert self.moved is not None
        began = time.perf_counter()
        self.moved.note(values, self.scaled(self.passes.as_it_is(few), few))
        self.setup_seconds += time.perf_counter() - began

    def _values(self, batch: Tensor, meanwhile: Callable[[], None] | None) -> Floats:
        shape = tuple(batch.shape)
        try:
            found = self.passes(batch)
            if meanwhile is not None:
                meanwhile()
            values = self.scaled(found, batch)
        except Exception as error:
            if not is_out_of_memory(error) and (told := refusal(self.inner, shape, error)):
                raise told from error
            raise
        if len(values) != len(batch) and (told := refusal(self.inner, shape, None)):
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
    asked.refuse(f"a torch.nn.Module, but the model is {type(model).__name__}.", "device", "precision", "compile")
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
