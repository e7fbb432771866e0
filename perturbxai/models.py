"""Any model as a function from a batch of rows to (n, K) numbers: scikit-learn estimators, torch modules, callables."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCALES = ("probability", "logit", "raw")
CLIP = 1e-12  # probabilities are kept this far from 0 and 1 before a logit is taken


def log_odds(probability: Floats) -> Floats:
    """log p - log(1 - p), clipped at 1e-12."""
    p = np.clip(probability, CLIP, 1.0 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def as_matrix(values: Any, source: str) -> Floats:
    """(n, K) float64 from what a model gave: an array or tensor (n,) or (n, K), or a list of (n, C) per target."""
    if isinstance(values, list) and values and np.ndim(values[0]) == 2:
        values = np.concatenate([np.asarray(v) for v in values], axis=1)
    if hasattr(values, "detach"):
        values = values.detach().to("cpu").double().numpy()
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{source} returned {type(values).__name__} that is not numeric; expected one number a row and output. "
            "For a classifier take output='probability', for a network that returns a dict or tuple wrap its forward."
        ) from error
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:
        raise ValueError(f"{source} returned shape {found.shape}; expected (rows,) or (rows, outputs).")
    return found


class EstimatorModel:
    """A scikit-learn estimator, or anything with predict, predict_proba or decision_function."""

    kind = "estimator"
    device = None

    def __init__(self, model: Any, output: str | None) -> None:
        self.model = model
        classifier = hasattr(model, "classes_") or hasattr(model, "predict_proba")
        self.output = output or ("probability" if hasattr(model, "predict_proba") else "raw")
        if not classifier and self.output != "raw":
            raise ValueError(f'output={output!r}, but the model has predict only, whose scale is "raw".')
        self.method = self._method()
        self.trained_names = getattr(model, "feature_names_in_", None)
        self.trained_count = getattr(model, "n_features_in_", None)

    def _method(self) -> str:
        has = {name for name in ("predict_proba", "decision_function", "predict") if hasattr(self.model, name)}
        wanted = {
            "probability": ("predict_proba",),
            "logit": ("decision_function", "predict_proba"),
            "raw": ("decision_function", "predict") if hasattr(self.model, "classes_") else ("predict",),
        }[self.output]
        for name in wanted:
            if name in has:
                return name
        raise ValueError(
            f"output={self.output!r} needs {' or '.join(wanted)}, but {type(self.model).__name__} has {sorted(has)}."
        )

    def __call__(self, rows: Any) -> Floats:
        given = getattr(self.model, self.method)(self._as_trained(rows))
        values = as_matrix(given, f"{type(self.model).__name__}.{self.method}")
        return log_odds(values) if (self.output, self.method) == ("logit", "predict_proba") else values

    def _as_trained(self, rows: Any) -> Any:
        """A DataFrame for a model that was trained on one, an array for one that was not."""
        is_frame = hasattr(rows, "iloc")
        if self.trained_names is not None and not is_frame:
            import pandas as pd

            return pd.DataFrame(rows, columns=self.trained_names)
        if self.trained_names is None and self.trained_count is not None and is_frame:
            return rows.to_numpy()
        return rows

    def check(self, names: tuple[str, ...]) -> None:
        """Refuse a table whose columns are not those the model was trained on, before any row is asked."""
        if self.trained_names is not None and [str(n) for n in self.trained_names] != list(names):
            unknown = [n for n in names if n not in set(map(str, self.trained_names))]
            missing = [str(n) for n in self.trained_names if str(n) not in set(names)]
            generic = list(names) == [f"x{d}" for d in range(len(self.trained_names))]
            if not generic:
                what = f"unknown feature(s) {unknown}, lacking {missing}" if unknown or missing else "another order"
                raise ValueError(
                    f"the space's columns differ from those that {type(self.model).__name__} was trained on: {what}. "
                    "Build the space from the training columns in the training order."
                )
        if self.trained_count is not None and self.trained_count != len(names):
            raise ValueError(
                f"the space has {len(names)} columns, but {type(self.model).__name__} was trained on "
                f"{self.trained_count}. Build the space from the training columns."
            )

    def names(self, n_outputs: int) -> tuple[str, ...]:
        classes = getattr(self.model, "classes_", None)
        if isinstance(classes, list):  # several targets, each with its classes
            found = [f"{t}:{c}" for t, each in enumerate(classes) for c in each]
        elif classes is not None and not isinstance(self.model, type):
            found = [str(c) for c in classes]
            if n_outputs == 1 and len(found) == 2:
                found = found[1:]  # a decision function speaks of the second class
        else:
            found = ["prediction"] if n_outputs == 1 else []
        return tuple(found) if len(found) == n_outputs else _numbered(n_outputs)


class CallableModel:
    """Any function from a batch of rows to (n,) or (n, K)."""

    kind = "callable"
    device = None

    def __init__(self, model: Callable[[Any], Any], output: str | None, transform: Any) -> None:
        if output not in (None, "raw"):
            raise ValueError(
                f"output={output!r}, but a plain function has one scale, 'raw': return probabilities or logits from it."
            )
        self.model, self.output, self.transform = model, "raw", transform

    def __call__(self, rows: Any) -> Floats:
        if self.transform is not None:
            rows = check_transformed(self.transform(rows), np.shape(rows))
        return as_matrix(self.model(rows), "the model")

    def check(self, names: tuple[str, ...]) -> None:
        """A function says nothing of its columns."""

    def names(self, n_outputs: int) -> tuple[str, ...]:
        return ("prediction",) if n_outputs == 1 else _numbered(n_outputs)


class NetworkModel:
    """A torch module, left exactly as it was found; another layout or precision runs a private copy."""

    kind = "network"

    def __init__(
        self, model: Any, output: str | None, transform: Any, device: Any, precision: str | None, multi_label: bool
    ) -> None:
        import torch

        self.model, self.transform, self.multi_label = model, transform, multi_label
        self.output = output or "raw"
        first = next(model.parameters(), None)
        home = first.device if first is not None else torch.device("cpu")
        self.asked_device = device
        self.device = torch.device(device) if device is not None else home
        self.dtype = _dtype(precision) or (first.dtype if first is not None else torch.float32)
        convolves = any(isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) for m in model.modules())
        self.channels_last = convolves
        same_dtype = first is None or self.dtype == first.dtype
        self.private = convolves or not same_dtype or self.device != home
        self._copy: Any = None
        self._copied: Any = None

    @property
    def on_device(self) -> bool:
        """Rows are built by torch where the network is, if that is not this CPU or if a device was asked for."""
        return self.asked_device is not None or self.device.type != "cpu"

    def module(self) -> Any:
        """The module to run: the user's, or a copy that is made anew whenever the user's parameters have changed."""
        import torch

        if not self.private:
            return self.model
        now = [(id(t), t.data_ptr(), t._version) for t in (*self.model.parameters(), *self.model.buffers())]
        if self._copy is None or now != self._copied:
            layout = torch.channels_last if self.channels_last else torch.preserve_format
            duplicate = copy.deepcopy(self.model)
            duplicate = duplicate.to(device=self.device, dtype=self.dtype, memory_format=layout)
            self._copy, self._copied = duplicate.eval().requires_grad_(False), now
        return self._copy

    def tensor(self, rows: Any) -> Any:
        """A batch of rows as the network's input: pictures (n, H, W, C) become (n, C, H, W)."""
        import torch

        shape = tuple(rows.shape)
        if self.transform is not None:
            rows = check_transformed(self.transform(rows), shape)
        elif hasattr(rows, "to_numpy"):
            rows = rows.to_numpy(dtype=np.float32)
        found = torch.as_tensor(np.ascontiguousarray(rows) if isinstance(rows, np.ndarray) else rows)
        # pictures that still have their channels last; permuted, they are already in the channels_last layout
        if found.ndim == 4 and len(shape) == 4 and tuple(found.shape[1:3]) == shape[1:3] and found.shape[3] in (1, 3, 4):
            found = found.permute(0, 3, 1, 2)
        found = found.to(device=self.device, dtype=self.dtype)
        if self.channels_last and found.ndim == 4:
            found = found.contiguous(memory_format=torch.channels_last)
        return found

    def __call__(self, rows: Any) -> Floats:
        import torch

        with frozen(self.module()) as net, torch.inference_mode():
            return self.scaled(net(self.tensor(rows)))

    def scaled(self, given: Any) -> Floats:
        """(n, K) on the output scale, in float64 from the network's own numbers on."""
        if not hasattr(given, "detach"):
            raise TypeError(
                f"the network returned {type(given).__name__}; expected a tensor (rows, outputs). "
                "Wrap its forward so that it returns the tensor to explain."
            )
        values = as_matrix(given, "the network")
        if self.output != "probability":
            return values
        if values.shape[1] == 1 or self.multi_label:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
        odds = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def differentiable(self, given: Any, score: str) -> Any:
        """(n, K) tensor of what the network returned, as logits or behind the softmax or sigmoid, ready for autograd."""
        if not hasattr(given, "detach"):
            self.scaled(given)  # raises, and says what to do
        scores = given[:, None] if given.ndim == 1 else given
        if score == "logit":
            return scores
        return scores.sigmoid() if scores.shape[1] == 1 or self.multi_label else scores.softmax(dim=1)

    def check(self, names: tuple[str, ...]) -> None:
        """A network says nothing of its columns."""

    def names(self, n_outputs: int) -> tuple[str, ...]:
        return ("prediction",) if n_outputs == 1 else _numbered(n_outputs)


@contextmanager
def frozen(net: Any) -> Iterator[Any]:
    """The module in eval mode and without parameter gradients; every module's mode and flag as before afterwards."""
    modes = [(m, m.training) for m in net.modules()]
    flags = [(p, p.requires_grad) for p in net.parameters()]
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


def check_transformed(found: Any, shape: tuple[int, ...]) -> Any:
    """Refuse a transform that changes the number of rows, or the height and width of pictures."""
    after = tuple(np.shape(found))
    if not after or after[0] != shape[0]:
        raise ValueError(f"transform made shape {after} of a batch of shape {shape}; it must keep the number of rows.")
    if len(shape) == 4 and len(after) == 4 and shape[1:3] not in (after[1:3], after[2:4]):
        raise ValueError(
            f"transform changed the size: pictures of {shape[1]} x {shape[2]} became shape {after[1:]}. "
            "Crop and resize before ImageSpace (px.fit), so that superpixels are those the network sees."
        )
    return found


def _numbered(n_outputs: int) -> tuple[str, ...]:
    return tuple(str(k) for k in range(n_outputs))


def _dtype(precision: str | None) -> Any:
    import torch

    if precision is None:
        return None
    known = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
    if precision not in known:
        raise ValueError(f"precision={precision!r} is not known; expected one of {sorted(known)} or None.")
    return known[precision]
