"""Estimators and plain functions, from a batch of rows to (n, K) numbers; what every kind of model shares."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks, frames
from perturbxai.core.types import Device, Floats, Foreign
from perturbxai.models.device import LARGEST_BATCH, most_rows
from perturbxai.models.labels import SCORES, classes_of, labels_of, raw_methods
from perturbxai.models.torch_types import Tensor, Where
from perturbxai.models.transforms import check_transformed, has_channels_last

if TYPE_CHECKING:
    import pandas as pd

Rows: TypeAlias = Union[NDArray[Any], "pd.DataFrame"]  # of a table; a DataFrame stands for those of other libraries too
Select: TypeAlias = int | str | Callable[[Any], Any]  # which part of what a model returned is explained

SCALES = ("probability", "logit", "raw")
CLIP = 1e-12  # probabilities are kept this far from 0 and 1 before a logit is taken


@dataclass(frozen=True)
class Asked:
    """How the Predictor was told to ask the model; see there."""

    output: str | None
    transform: Callable[[Any], Any] | None
    device: Device | None
    precision: str | None
    multi_label: bool
    select: Select | None
    pixels: str | None
    layout: str | None
    compile: bool | None

    def refuse(self, why: str, *names: str) -> None:
        """Refuse options that the kind of model does not have. Raises ValueError."""
        for name in names:
            if (value := getattr(self, name)) is not None:
                raise ValueError(f"{name}={value!r} is for {why}")


def log_odds(probability: Floats) -> Floats:
    """log p - log(1 - p), clipped at 1e-12."""
    p = np.clip(probability, CLIP, 1.0 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def warn_of_clip(clipped: int, rows: int) -> None:
    """Tell the caller of a public function how many of the model's rows have a logit that the clip set, if any has."""
    if clipped:
        warnings.warn(
            f"{clipped / rows:.1%} of {rows} model rows have a probability of 0 or 1 (within {CLIP:.0e}), whose logit would "
            f"be infinite: it is set to {-np.log(CLIP):.1f} either way by that clip, not by the model, and moves what is "
            'explained with it. Explain output="probability", or a calibrated model.',
            stacklevel=6,
        )


def check_options(
    output: object, batch_size: object, progress: object, memory: object, select: object, pixels: object, layout: object
) -> None:
    """Refuse options of the Predictor that no kind of model has. Raises ValueError, or TypeError for another kind."""
    checks.one_of("output", output, (*SCALES, None))
    if batch_size is not None:
        checks.whole("batch_size", batch_size, 1, way=", or None", floats=True)
    if not (progress is None or isinstance(progress, (bool, np.bool_)) or callable(progress)):
        raise TypeError(f"progress={progress!r}; expected None, True, False or a function (done, total).")
    checks.one_of("memory", memory, ("keep", "system", None))
    if not (select is None or isinstance(select, str) or checks.is_whole(select) or callable(select)):
        raise TypeError(f"select={select!r}; expected an index, a key, or a function of what the model returns.")
    checks.one_of("pixels", pixels, ("float32", "uint8", None))
    checks.one_of("layout", layout, ("HWC", "CHW", None))


def softmax(scores: Floats) -> Floats:
    """(n, C): scores (n, C) as probabilities."""
    with np.errstate(invalid="ignore"):  # an infinite score gives NaN, which the Predictor names
        found = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def as_matrix(values: object, source: str) -> Floats:
    """(n, K) float64 from what a model gave: an array or tensor (n,) or (n, K), or a list of (n, C) per target.

    Raises TypeError for what is no number (strings that spell one included) and for a tuple of results.
    """
    try:
        found = _numbers(values)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{source} returned {type(values).__name__} that is not numeric; expected one number a row and output. "
            "For a classifier take output='probability'; wrap a model that returns a dict, a tuple or labels."
        ) from error
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:
        raise ValueError(
            f"{source} returned shape {found.shape}; expected (rows,) or (rows, outputs), also for a single row "
            "(a squeeze() without an axis drops it)."
        )
    return found


def pick(given: object, select: Select | None, source: str) -> Any:
    """The part of what a model returned that is explained: by index, by key or name, or by a function of it.

    Without `select` what came is given back. Raises TypeError, which says what came and what to write, where several
    results came and none is selected, and where the selected one is not there.
    """
    if callable(select):
        return select(given)
    parts = _parts(given)
    if select is None:
        of_arrays = isinstance(given, tuple) and any(getattr(part, "ndim", 0) for part in given)
        if of_arrays or isinstance(given, Mapping):
            first = next(iter(parts), 0)
            raise TypeError(f"{source} returned {_said(given)}; say which is explained, as in Predictor(select={first!r}).")
        return given
    if select in parts:
        return parts[select]
    if isinstance(select, str) and not isinstance(given, Mapping) and not hasattr(given, "shape") and hasattr(given, select):
        return getattr(given, select)  # of a named tuple or a plain object
    raise TypeError(
        f"select={select!r}, but {source} returned {_said(given)}. Take one that is there, or a function of what it returns."
    )


def _parts(given: object) -> dict[Any, Any]:
    """Several results by what selects them: the key, or the place."""
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, (tuple, list)):
        return {place - turn: part for turn in (0, len(given)) for place, part in enumerate(given)}
    return {}


def _said(given: object) -> str:
    """What a model returned, in words."""
    name = type(given).__name__
    if isinstance(given, Mapping):
        return f"a {name} with the keys {', '.join(map(repr, given))}"
    fields = getattr(given, "_fields", ())
    if isinstance(given, (tuple, list)):
        return f"a {name} of {len(given)}" + (f" ({', '.join(fields)})" if fields else "")
    shape = tuple(np.shape(given)) if hasattr(given, "shape") else ""
    return f"{name} {shape}".strip()


def _numbers(values: object) -> Floats:
    """An array of float64, the model's own where that is one; or TypeError or ValueError."""
    if values is None or (isinstance(values, tuple) and any(np.ndim(_on_host(v)) for v in values)):
        raise TypeError("nothing, or several results")
    if hasattr(values, "toarray"):  # sparse
        values = values.toarray()
    if isinstance(values, list):
        values = [_on_host(v) for v in values]
        if values and all(np.ndim(v) == 2 for v in values):
            return np.concatenate([_numbers(v) for v in values], axis=1)
    found = np.asarray(_on_host(values))
    spelled = found.dtype == object and any(isinstance(v, (str, bytes)) for v in found.flat)
    if found.dtype.kind not in "biufO" or spelled:  # numpy would read strings, drop imaginary parts, count dates
        raise TypeError(f"{found.dtype} is no number")
    return found.astype(np.float64, copy=False)


def _on_host(values: object) -> Any:
    return values.detach().to("cpu").double().numpy() if hasattr(values, "detach") else values


class Wrapped:
    """A model as the Predictor asks it, with what holds where its kind says nothing else.

    pixels, layout  how it takes pictures: "float32" or "uint8", (n, H, W, C) or, with "CHW", (n, C, H, W)
    batch    rows a batch where the kind of model decides it, None where the size of a row does, up to `most_rows`
    clipped  rows so far whose probability of 0 or 1 has no logit
    setup_seconds  what was spent so far on no answer: a network was compiled, or asked once more to compare
    """

    device: Where | None = None
    batch: int | None = None
    most_rows = LARGEST_BATCH
    transform: Callable[[Any], Any] | None = None
    select: Select | None = None
    pixels, layout = "float32", "HWC"
    clipped = 0
    setup_seconds = 0.0

    def check(self, names: tuple[str, ...], named: bool = True) -> None:  # noqa: ARG002
        """Refuse a table; a function or a network says nothing of its columns, but may be one of pictures.

        named  False for an array, whose columns can only be counted
        """
        if (self.pixels, self.layout) != ("float32", "HWC"):
            raise ValueError(
                f"pixels={self.pixels!r} and layout={self.layout!r} are for pictures; leave them out for a table."
            )

    def names(self, n_outputs: int) -> tuple[str, ...]:
        return ("prediction",) if n_outputs == 1 else tuple(map(str, range(n_outputs)))


class EstimatorModel(Wrapped):
    """A scikit-learn estimator, or anything with predict, predict_proba, decision_function or score_samples."""

    kind = "estimator"

    def __init__(self, model: Foreign, output: str | None) -> None:
        self.model = model
        self.called = getattr(model, "native_name", type(model).__name__)
        classifier = hasattr(model, "classes_") or hasattr(model, "predict_proba")
        self.output = output or ("probability" if hasattr(model, "predict_proba") else "raw")
        self.method = self._method() if classifier or self.output == "raw" else ""
        if not self.method:
            has = " and ".join(self._has(("predict", *SCORES))) or "none of predict, decision_function and score_samples"
            raise ValueError(f'output={output!r}, but the model has {has} only, whose scale is "raw".')
        native = hasattr(model, "native_name")  # whose predict gives numbers, of classes too
        self.labels = labels_of(model) if self.method == "predict" and not native else None
        self.trained_names = getattr(model, "feature_names_in_", None)
        self.trained_count = getattr(model, "n_features_in_", None)
        self.most_rows = most_rows(model)

    def _has(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if hasattr(self.model, name)]

    def _method(self) -> str:
        wanted = {
            "probability": ("predict_proba",),
            "logit": ("decision_function", "predict_proba"),
            "raw": raw_methods(self.model),
        }[self.output]
        if found := self._has(wanted):
            return found[0]
        has = sorted(self._has(("predict_proba", "predict", *SCORES)))
        raise ValueError(f"output={self.output!r} needs {' or '.join(wanted)}, but {self.called} has {has}.")

    def __call__(self, rows: Rows) -> Floats:
        given = getattr(self.model, self.method)(self._as_trained(rows))
        source = f"{self.called}.{self.method}"
        if self.labels is not None:
            return self.labels.indicators(given, source)
        values = as_matrix(given, source)
        if (self.output, self.method) != ("logit", "predict_proba"):
            return values
        self.clipped += int(((values <= CLIP) | (values >= 1.0 - CLIP)).any(axis=1).sum())
        return log_odds(values)

    def _as_trained(self, rows: Rows) -> Any:
        """A named table for a model that was trained on one, its columns in that order; an array for one that was not.

        Of polars as it is. Boosters, sessions and scikit-learn's pipelines take no Arrow table, but all that they do is the
        same on a DataFrame.
        """
        if frames.is_kind(rows, "pyarrow", "Table", "RecordBatch") or hasattr(self.model, "native_name"):
            rows = frames.as_pandas(rows)
        names, trained = frames.names_of(rows), self.trained_names
        if trained is None:
            return rows if names is None or self.trained_count is None else frame_to_array(frames.as_pandas(rows))
        if names is None:
            import pandas as pd

            return pd.DataFrame(rows, columns=trained).infer_objects()
        return frames.in_order(rows, trained) if set(names) == set(trained) else rows

    def check(self, names: tuple[str, ...], named: bool = True) -> None:
        """Refuse a table whose columns are not those the model was trained on, before any row is asked."""
        trained = [] if self.trained_names is None else [str(n) for n in self.trained_names]
        if trained and named and [_spelled(n) for n in trained] != [_spelled(n) for n in names]:
            unknown = [n for n in names if _spelled(n) not in map(_spelled, trained)]
            missing = [n for n in trained if _spelled(n) not in map(_spelled, names)]
            what = f"unknown feature(s) {unknown}, lacking {missing}" if unknown or missing else "another order"
            raise ValueError(
                f"the space's columns differ from those that {self.called} was trained on: {what}. "
                "Build the space from the training columns in the training order."
            )
        if self.trained_count is not None and self.trained_count != len(names):
            raise ValueError(
                f"the space has {len(names)} columns, but {self.called} was trained on "
                f"{self.trained_count}. Build the space from the training columns."
            )

    def names(self, n_outputs: int) -> tuple[str, ...]:
        if self.labels is not None:
            return self.labels.names
        classes = None if self.method == "predict" else classes_of(self.model, self.method)
        if isinstance(classes, list):  # several targets, each with its classes
            found = [f"{t}:{c}" for t, each in enumerate(classes) for c in each]
            if n_outputs == len(classes) and all(len(each) == 2 for each in classes):
                found = found[1::2]  # a chain gives the second class of each
        elif classes is not None:
            found = [str(c) for c in classes]
            if n_outputs == 1 and len(found) == 2:
                found = found[1:]  # a decision function speaks of the second class
        else:
            found = [self.method if self.method in SCORES else "prediction"] if n_outputs == 1 else []
        return tuple(found) if len(found) == n_outputs else tuple(map(str, range(n_outputs)))


class CallableModel(Wrapped):
    """Any function from a batch of rows to (n,) or (n, K)."""

    kind = "callable"

    def __init__(self, model: Callable[[Any], Any], asked: Asked) -> None:
        if asked.output not in (None, "raw"):
            has = "a plain function has one scale, 'raw': return probabilities or logits from it."
            raise ValueError(f"output={asked.output!r}, but {has}")
        self.model, self.output, self.transform, self.select = model, "raw", asked.transform, asked.select
        self.pixels, self.layout = asked.pixels or "float32", asked.layout or "HWC"

    def __call__(self, rows: Rows | Tensor) -> Floats:
        shape = np.shape(rows)
        batch: Any = rows if self.transform is None else check_transformed(self.transform(rows), shape)
        if self.layout == "CHW" and has_channels_last(batch, shape):
            by_torch = hasattr(batch, "permute")
            batch = batch.permute(0, 3, 1, 2) if by_torch else np.ascontiguousarray(np.moveaxis(batch, 3, 1))
        return as_matrix(pick(self.model(batch), self.select, "the model"), "the model")


def _spelled(name: str) -> str:
    """A column's name as lightgbm keeps it, without spaces; other models compare names themselves once they are asked."""
    return name.replace(" ", "_")


def is_frame(rows: object) -> TypeGuard["pd.DataFrame"]:
    return hasattr(rows, "iloc")


def frame_to_array(rows: "pd.DataFrame") -> NDArray[Any]:
    """A DataFrame's values as an array that may be written to; numbers of several kinds become float64, missing NaN."""
    from pandas.api.types import is_numeric_dtype

    found = rows.to_numpy(copy=True)
    if found.dtype == object and all(is_numeric_dtype(dtype) for dtype in rows.dtypes):
        found = rows.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    return np.asarray(found)
