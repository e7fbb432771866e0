"""Boosters and ONNX sessions as estimators: models that libraries hand out without scikit-learn's methods."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ONNX_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(string)": object}


class Regressor:
    """Anything that predicts numbers: what `predict` gives for a table.

    native_name: what the model itself is called;  feature_names_in_, n_features_in_: the columns it was trained on, None
    where it does not tell
    """

    def __init__(self, name: str, ask: Any, names: Any, count: int | None) -> None:
        self.native_name = name
        self._ask_native = ask
        self.n_features_in_ = count
        self.feature_names_in_ = None if names is None else np.array(names, dtype=object)

    def predict(self, rows: Any) -> Any:
        return self._ask_native(rows, False)


class Classifier(Regressor):
    """Anything that gives probabilities, or log-odds that they follow from; classes are numbered."""

    def __init__(self, name: str, ask: Any, names: Any, count: int | None, classes: Any) -> None:
        super().__init__(name, ask, names, count)
        self.classes_ = np.asarray(classes)

    def predict_proba(self, rows: Any) -> Any:
        found = np.asarray(self._ask_native(rows, False), dtype=np.float64)
        return np.column_stack([1.0 - found, found]) if found.ndim == 1 else found


class Scorer(Classifier):
    """A classifier that also gives its scores before the link."""

    def decision_function(self, rows: Any) -> Any:
        return self._ask_native(rows, True)


def as_estimator(model: Any) -> Any:
    """The model itself, or a booster of xgboost or lightgbm or an ONNX Runtime session with scikit-learn's methods.

    Raises TypeError for a session that is not a function of one table of numbers, or of one column an input.
    """
    home, name = type(model).__module__.partition(".")[0], type(model).__name__
    if (home, name) == ("xgboost", "Booster"):
        return _xgboost(model)
    if (home, name) == ("lightgbm", "Booster"):
        return _lightgbm(model)
    if (home, name) == ("onnxruntime", "InferenceSession"):
        return _onnx(model)
    return model


def _xgboost(booster: Any) -> Any:
    from xgboost import DMatrix

    def ask(rows: Any, margin: bool) -> Any:
        names = None if hasattr(rows, "iloc") else booster.feature_names
        return booster.predict(DMatrix(rows, feature_names=names, enable_categorical=True), output_margin=margin)

    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    known = "Booster", ask, booster.feature_names, booster.num_features()
    if objective == "binary:logistic":
        return Scorer(*known, [0, 1])
    if objective == "multi:softprob":
        return Scorer(*known, np.arange(int(learner["learner_model_param"]["num_class"])))
    return Regressor(*known)


def _lightgbm(booster: Any) -> Any:
    def ask(rows: Any, margin: bool) -> Any:
        return booster.predict(rows, raw_score=margin)

    names = booster.feature_name()
    generic = names == [f"Column_{d}" for d in range(len(names))]  # of an array
    told = booster.dump_model(num_iteration=1).get("objective", "").split()
    known = "Booster", ask, None if generic else names, booster.num_feature()
    if told and told[0] == "binary":
        return Scorer(*known, [0, 1])
    if told and told[0] in ("multiclass", "multiclassova"):
        return Scorer(*known, np.arange(booster.num_model_per_iteration()))
    return Regressor(*known)


def _onnx(session: Any) -> Any:
    given, made = session.get_inputs(), session.get_outputs()
    strange = [f"{one.name}: {one.type}" for one in given if one.type not in ONNX_TYPES]
    whole = len(given) == 1 and len(given[0].shape) == 2
    if strange or not (whole or all(len(one.shape) == 2 and one.shape[1] == 1 for one in given)):
        raise TypeError(
            f"the ONNX session takes {', '.join(f'{one.name} {one.shape} {one.type}' for one in given)}; expected one table "
            "of numbers, or one column an input. Wrap it: lambda rows: session.run(None, {name: array})[0]."
        )
    tables = [one for one in made if one.type in ("tensor(float)", "tensor(double)")]
    labels = [one for one in made if one.type in ("tensor(int64)", "tensor(string)")]
    if len(tables) != 1 or len(made) != len(tables) + len(labels):
        raise TypeError(
            f"the ONNX session gives {', '.join(f'{one.name} {one.type}' for one in made)}; expected one tensor of numbers, "
            'beside labels at most. Convert a classifier with options={"zipmap": False}, or wrap it in a function.'
        )

    def ask(rows: Any, _margin: bool) -> Any:
        return session.run([tables[0].name], _feeds(given, whole, rows))[0]

    count = given[0].shape[1] if whole else len(given)
    names = None if whole else [one.name for one in given]
    known = "InferenceSession", ask, names, count if isinstance(count, int) else None
    n_outputs = tables[0].shape[1] if len(tables[0].shape) == 2 else 1
    if labels and isinstance(n_outputs, int):
        return Classifier(*known, np.arange(max(n_outputs, 2)))
    return Regressor(*known)


def _feeds(given: Any, whole: bool, rows: Any) -> dict[str, Any]:
    """What a session takes: the table as one array, or each column by the name of its input."""
    if whole:
        return {given[0].name: np.ascontiguousarray(rows, dtype=ONNX_TYPES[given[0].type])}
    frame = rows if hasattr(rows, "iloc") else None
    columns = [frame[one.name].to_numpy() if frame is not None else rows[:, d] for d, one in enumerate(given)]
    return {
        one.name: np.asarray(column, dtype=ONNX_TYPES[one.type])[:, None] for one, column in zip(given, columns, strict=True)
    }
