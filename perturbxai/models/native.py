"""Boosters and ONNX sessions as estimators: models that libraries hand out without scikit-learn's methods."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.types import Floats, Foreign
from perturbxai.models.estimators import Rows, is_frame, softmax
from perturbxai.models.sessions import Session

Ask: TypeAlias = Callable[[Rows, bool], Any]  # rows to answers, as scores before the link if so told
ONNX_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
ONNX_PIXELS: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
CHANNELS = (1, 3, 4)  # of a picture, by which a session's layout is known
ONNX_DICTS = ("seq(map(string,tensor(float)))", "seq(map(int64,tensor(float)))")  # a row's probabilities by class
SESSION = "onnxruntime", "InferenceSession"
ROUNDED = 1e-5  # how far float32 leaves probabilities beyond 0 and 1


class Regressor:
    """Anything that predicts numbers: what `predict` gives for a table.

    native_name: what the model itself is called;  feature_names_in_, n_features_in_: the columns it was trained on, None
    where it does not tell
    """

    def __init__(self, name: str, ask: Ask, names: Sequence[str] | None, count: int | None) -> None:
        self.native_name = name
        self._ask_native = ask
        self.n_features_in_ = count
        self.feature_names_in_ = None if names is None else np.array(names, dtype=object)

    def predict(self, rows: Rows) -> Any:
        return self._ask_native(rows, False)


class Classifier(Regressor):
    """Anything that gives probabilities; classes are numbered where the model does not name them."""

    def __init__(self, name: str, ask: Ask, names: Sequence[str] | None, count: int | None, classes: ArrayLike) -> None:
        super().__init__(name, ask, names, count)
        self.classes_ = np.asarray(classes)

    def predict_proba(self, rows: Rows) -> Floats:
        found = np.asarray(self.predict(rows), dtype=np.float64)
        if (found < -ROUNDED).any() or (found > 1.0 + ROUNDED).any():
            raise ValueError(
                f"the {self.native_name} gives scores from {found.min():.3g} to {found.max():.3g} beside its labels, which "
                "are no probabilities; take output='raw'."
            )
        return np.column_stack([1.0 - found, found]) if found.ndim == 1 else found


class Scorer(Classifier):
    """A classifier that also gives its scores before the link."""

    def decision_function(self, rows: Rows) -> Any:
        return self._ask_native(rows, True)


class Dictionaries(Classifier):
    """A classifier that gives a dictionary a row; its keys, the classes, are known once it was asked."""

    def predict(self, rows: Rows) -> Any:
        found = super().predict(rows)
        self.classes_ = np.array(list(found[0]))
        return np.array([[row[name] for name in found[0]] for row in found])


class PictureSession:
    """An ONNX Runtime session of pictures as a function: its results by name, or the only one.

    pixels, layout  how its input takes a batch, as far as it tells;  size: its pictures' height and width, names where free
    """

    def __init__(self, session: Foreign) -> None:
        (given,) = session.get_inputs()
        self.session, self.input, self.dtype = session, given.name, ONNX_PIXELS[given.type]
        self.made = [one.name for one in session.get_outputs()]
        rows, *rest = given.shape
        first, last = _counts_channels(rest, 0), _counts_channels(rest, 2)
        self.layout = "HWC" if last and not first else "CHW"
        self.size = tuple(rest[1:] if self.layout == "CHW" else rest[:2])
        self.pixels = "uint8" if self.dtype == np.uint8 else "float32"
        self.alone = rows == 1
        if isinstance(rows, int) and rows > 1:
            raise TypeError(_one_row_each(f"{given.name} {given.shape}"))

    def __call__(self, batch: ArrayLike) -> Any:
        if self.dtype == np.uint8 and np.asarray(batch).dtype != np.uint8:
            raise TypeError(f"the ONNX session takes uint8, but transform= made {np.asarray(batch).dtype}; leave it out.")
        pictures = np.ascontiguousarray(batch, dtype=self.dtype)
        found = pictures.shape[2:] if self.layout == "CHW" else pictures.shape[1:3]
        if any(isinstance(own, int) and own != side for own, side in zip(self.size, found, strict=True)):
            raise ValueError(
                f"the ONNX session takes pictures of {self.size[0]} x {self.size[1]}, but these are {found[0]} x "
                f"{found[1]}; crop and resize them first (px.fit)."
            )
        parts = [pictures[i : i + 1] for i in range(len(pictures))] if self.alone else [pictures]
        answers = [self.session.run(self.made, {self.input: part}) for part in parts]
        joined = [np.concatenate(several) for several in zip(*answers, strict=True)]
        return joined[0] if len(joined) == 1 else dict(zip(self.made, joined, strict=True))


def _counts_channels(rest: Sequence[int | str | None], axis: int) -> bool:
    """Whether an axis of (C, H, W) or (H, W, C) is that of the channels: as many as colours have, or fewer than pixels."""
    side, others = rest[axis], [one for number, one in enumerate(rest) if number != axis]
    few = isinstance(side, int) and all(not isinstance(one, int) or side < one for one in others)
    return side in CHANNELS or (few and not any(one in CHANNELS for one in others))


def as_function_of_pictures(model: Any) -> PictureSession | None:
    """A session of ONNX Runtime whose only input has four axes, as a function of a batch; None for anything else.

    Raises TypeError for one that takes several pictures at a time and no other number.
    """
    if _kind(model) != SESSION:
        return None
    given = model.get_inputs()
    fits = len(given) == 1 and len(given[0].shape) == 4 and given[0].type in ONNX_PIXELS
    return PictureSession(Session(model)) if fits else None


def _kind(model: object) -> tuple[str, str]:
    """The library and the name of a model's class."""
    return type(model).__module__.partition(".")[0], type(model).__name__


def as_estimator(model: Any) -> Any:
    """The model itself, or a booster of xgboost or lightgbm or an ONNX Runtime session with scikit-learn's methods.

    A booster is asked as its own `predict` is: all trees of xgboost, lightgbm's up to the best iteration; its scores where
    that gives the numbers of classes. Raises TypeError for a session that is not a function of one table, or of one column
    an input, of as many rows as come.
    """
    known = {("xgboost", "Booster"): _xgboost, ("lightgbm", "Booster"): _lightgbm, SESSION: _onnx}
    return known[_kind(model)](model) if _kind(model) in known else model


def _xgboost(booster: Foreign) -> Any:
    from xgboost import DMatrix

    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    # predict gives the number of the likeliest class, which is no quantity
    labels, hinge = objective == "multi:softmax", objective == "binary:hinge"

    def ask(rows: Rows, margin: bool) -> Any:
        names = None if hasattr(rows, "iloc") else booster.feature_names
        table = DMatrix(rows, feature_names=names, enable_categorical=True)
        found = booster.predict(table, output_margin=margin or labels or hinge)
        return softmax(found.astype(np.float64)) if labels and not margin else found

    known = "Booster", ask, booster.feature_names, booster.num_features()
    if objective in ("binary:logistic", "multi:softprob", "multi:softmax"):
        n_classes = 2 if objective == "binary:logistic" else int(learner["learner_model_param"]["num_class"])
        return Scorer(*known, np.arange(n_classes))
    return Regressor(*known)


def _lightgbm(booster: Foreign) -> Any:
    def ask(rows: Rows, margin: bool) -> Any:
        return booster.predict(rows, raw_score=margin)

    names = booster.feature_name()
    # what lightgbm calls the columns of an array, which has no categories either
    generic = names == [f"Column_{d}" for d in range(len(names))] and booster.pandas_categorical is None
    objective = booster.dump_model(num_iteration=1).get("objective", "").partition(" ")[0]
    known = "Booster", ask, None if generic else names, booster.num_feature()
    if objective in ("binary", "multiclass", "multiclassova"):
        return Scorer(*known, np.arange(2 if objective == "binary" else booster.num_model_per_iteration()))
    return Regressor(*known)


def _onnx(model: Foreign) -> Any:
    session = Session(model)
    given, made = session.get_inputs(), session.get_outputs()
    whole = len(given) == 1 and len(given[0].shape) == 2
    one_by_one = _check_inputs(given, whole)
    tables = [one for one in made if one.type in ("tensor(float)", "tensor(double)", *ONNX_DICTS)]
    labels = [one for one in made if one.type in ("tensor(int64)", "tensor(string)")]
    if len(tables) != 1 or len(made) != len(tables) + len(labels):
        raise TypeError(
            f"the ONNX session gives {', '.join(f'{one.name} {one.type}' for one in made)}; expected one tensor of numbers, "
            'beside labels at most. Convert a classifier with options={"zipmap": False}, or wrap it in a function.'
        )
    (table,) = tables

    def ask(rows: Rows, _margin: bool) -> Any:
        fed = _feeds(given, whole, rows)
        if not one_by_one:
            return session.run([table.name], fed)[0]
        alone = ({name: column[i : i + 1] for name, column in fed.items()} for i in range(len(rows)))
        return [row for one in alone for row in session.run([table.name], one)[0]]

    count = given[0].shape[1] if whole else len(given)
    names = None if whole else [one.name for one in given]
    known = "InferenceSession", ask, names, count if isinstance(count, int) else None
    if table.type in ONNX_DICTS:
        return Dictionaries(*known, [])
    n_outputs = table.shape[1] if len(table.shape) == 2 else 1
    if labels and isinstance(n_outputs, int) and n_outputs > 1:  # a single column beside labels is a score
        return Classifier(*known, np.arange(n_outputs))
    return Regressor(*known)


def _check_inputs(given: Sequence[Foreign], whole: bool) -> bool:
    """True if the session takes one row at a time. Raises TypeError for inputs that rows of a table cannot be."""
    columns = all(len(one.shape) == 2 and one.shape[1] == 1 for one in given)
    told = ", ".join(f"{one.name} {one.shape} {one.type}" for one in given)
    if not (whole or columns) or any(one.type not in ONNX_TYPES for one in given):
        raise TypeError(
            f"the ONNX session takes {told}; expected one table of numbers, or one column an input. "
            "Wrap it: lambda rows: session.run(None, {name: array})[0]."
        )
    sizes = {one.shape[0] for one in given if isinstance(one.shape[0], int)}
    if sizes - {1}:
        raise TypeError(_one_row_each(told))
    return bool(sizes)


def _one_row_each(told: str) -> str:
    return (
        f"the ONNX session takes {told}, so many rows at a time and no other number; export it with a free first axis, "
        "or wrap it in a function that fills up the last batch."
    )


def _feeds(given: Sequence[Foreign], whole: bool, rows: Rows) -> dict[str, Any]:
    """What a session takes: the table as one array, or each column by the name of its input."""
    if whole:
        return {given[0].name: _as_input(given[0], rows)}
    frame = rows if is_frame(rows) else None
    columns = [frame[one.name].to_numpy() if frame is not None else rows[:, d] for d, one in enumerate(given)]
    return {one.name: _as_input(one, column)[:, None] for one, column in zip(given, columns, strict=True)}


def _as_input(one: Foreign, values: ArrayLike) -> NDArray[Any]:
    """Values as an input's type, or TypeError or ValueError: runtimes cut numbers and spell out what is missing."""
    dtype = np.dtype(ONNX_TYPES[one.type])
    given = np.asarray(values)
    if one.type == "tensor(string)" and not all(isinstance(value, str) for value in given.flat):
        raise TypeError(f"the session's input {one.name!r} takes strings, none of them missing; fill or convert the column.")
    try:
        with np.errstate(invalid="ignore"):  # NaN as a whole number is found below
            found = np.ascontiguousarray(given, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the session's input {one.name!r} takes numbers, but not all here are ({error}); encode them."
        ) from error
    if dtype.kind in "iub" and (found != given).any():
        raise ValueError(f"the session's input {one.name!r} takes {one.type}, but some values are no such numbers.")
    return found
