"""Fitted scikit-learn models, read: trees as arrays, slopes as a matrix, and which columns their numbers come from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats, Foreign, Ints, Singles
from perturbxai.models.estimators import EstimatorModel, Rows, frame_to_array, is_frame, log_odds

# whose every column is made of the same column alone, so that hiding a column before them is hiding it behind them
COLUMNWISE = (
    "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PowerTransformer", "QuantileTransformer",
    "SimpleImputer",
)  # fmt: skip
Prepare = Callable[[Any], Any]  # rows as the model takes them -> the numbers that it reads
LINEAR = {"LinearModel", "LinearClassifierMixin", "BaseSGDRegressor"}
FORESTS = {"ForestRegressor", "ForestClassifier", "DecisionTreeRegressor", "DecisionTreeClassifier"}
BOOSTED = {"GradientBoostingRegressor", "GradientBoostingClassifier"}
HISTOGRAM = {"HistGradientBoostingRegressor", "HistGradientBoostingClassifier"}

WAY_OUT = (
    "take 'kernel_shap' with budget=2^P, which is exact for any model, or GlassBox(additive=True) if the model is additive."
)


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree: its value for a row is that of the leaf where the row ends.

    children (V, 2), -1 at leaves;  feature (V,) column of a node's question, 0 at leaves;  values (V, K)
    threshold, missing_left (V,): values up to it go left, and whether missing ones do
    outputs  which of the model's outputs it adds to, K of them;  depth: how many questions the longest path has
    by_set   nodes (C,) that ask for one of several categories instead;  right (rows (n, D)) -> (C, n): who goes right there
    """

    children: Ints
    feature: Ints
    values: Floats
    threshold: Floats
    missing_left: Bools
    outputs: Ints
    depth: int
    by_set: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    right: Callable[[Any], Bools] | None = None

    def questions(self, n_lines: int) -> tuple[Ints, Floats]:
        """The line (V,) and the threshold (V,) of each node among the lines, so many, that `codes` made."""
        line, threshold = self.feature.copy(), np.array(self.threshold, dtype=np.float64)
        line[self.by_set], threshold[self.by_set] = np.arange(n_lines - len(self.by_set), n_lines), 0.5
        return line, threshold

    def codes(self, rows: Floats, columns: Floats) -> Floats:
        """(D + C, n): rows (n, D) as (D, n) `columns`, with a line for each node that asks for categories: 1 goes right."""
        return columns if self.right is None else np.concatenate([columns, self.right(rows)])

    def goes_left(self, codes: Floats) -> Bools:
        """(n, V): what each row, as `codes` has them, answers at each node."""
        line, threshold = self.questions(len(codes))
        asked = codes[line]
        return np.ascontiguousarray(np.where(np.isnan(asked), self.missing_left[:, None], asked <= threshold[:, None]).T)


@dataclass(frozen=True, eq=False)
class Reading:
    """A model read: a sum of trees and a constant, or slopes and a constant.

    prepare  from rows as the model takes them to the numbers (n, D) that its nodes or slopes see, columns as `column` says
    column (D,): the column of the table behind each of those numbers;  dtype: what they are compared in
    trees    made anew at each call;  slopes (D, K), None for trees
    """

    prepare: Prepare
    column: Ints
    trees: Callable[[], Iterator[Tree]]
    slopes: Floats | None = None


def read(kept: EstimatorModel) -> Reading:
    """The model's inside. Raises TypeError for kinds that cannot be read, ValueError for scales on which it is no sum."""
    *before, last = _steps(kept.model)
    for step in before:
        _check_step(step)
    kinds = {c.__name__ for c in type(last).__mro__ if c.__module__.startswith("sklearn.")}
    name = type(last).__name__
    readers = ((FORESTS, _forest), (BOOSTED, _boosted), (HISTOGRAM, _histogram), (LINEAR, _linear))

    def prepare(rows: Rows) -> Rows:
        for step in before:
            rows = step.transform(rows)
        return rows

    for known, reader in readers:
        if kinds & known:
            return reader(last, kept, prepare)
    raise TypeError(f"the model is a {name}, which glass_box cannot read (trees, forests, boosting, linear); {WAY_OUT}")


def _steps(model: Foreign) -> list[Foreign]:
    """A pipeline's steps, nested ones too, the model last."""
    if not hasattr(model, "steps"):
        return [model]
    return [inner for _, step in model.steps if step not in (None, "passthrough") for inner in _steps(step)]


def _check_step(step: Foreign) -> None:
    """Refuse a step that mixes, drops or adds columns."""
    name = type(step).__name__
    plain = name in COLUMNWISE and type(step).__module__.startswith("sklearn.") and not getattr(step, "add_indicator", False)
    statistics = np.asarray(getattr(step, "statistics_", 0))
    empty = statistics.dtype.kind == "f" and np.isnan(statistics).any()  # an imputer drops a column without a value
    if not plain or empty:
        raise TypeError(
            f"the pipeline has a {name}, behind which glass_box cannot tell the columns apart (it reads through "
            f"{', '.join(COLUMNWISE)}); {WAY_OUT}"
        )


def _numbers(rows: Rows, dtype: type[np.floating]) -> Floats | Singles:
    return np.asarray(frame_to_array(rows) if is_frame(rows) else rows, dtype=dtype)


def _refuse(kept: EstimatorModel, model: Foreign, why: str, way_out: str) -> ValueError:
    name = type(model).__name__
    return ValueError(f"output={kept.output!r} of a {name} {why}, so glass_box is not exact on it; take {way_out}")


# ------------------------------------------------------------------------------------------------ scikit-learn's own trees


def _grown(tree: Foreign, values: Floats, outputs: Ints) -> Tree:
    """A `tree_` of scikit-learn, with values (V, K) for its nodes."""
    leaf = tree.children_left < 0
    children = np.where(leaf[:, None], -1, np.column_stack([tree.children_left, tree.children_right])).astype(np.int64)
    feature = np.where(leaf, 0, tree.feature).astype(np.int64)
    missing_left = np.asarray(tree.missing_go_to_left, dtype=bool) if hasattr(tree, "missing_go_to_left") else ~leaf

    # rows are float32 and the threshold is float64, as scikit-learn compares them
    values = np.ascontiguousarray(values, dtype=np.float64)
    return Tree(children, feature, values, tree.threshold, missing_left, outputs, tree.max_depth)


def _leaf_values(model: Foreign) -> Floats:
    """(V, K): a single tree's prediction at its nodes, targets side by side; of a classifier the share of each class."""
    value = model.tree_.value  # (V, targets, classes or 1)
    if not hasattr(model, "classes_"):
        return np.asarray(value[:, :, 0])
    counts = np.atleast_1d(model.n_classes_)
    parts = [value[:, t, :n] / value[:, t, :n].sum(axis=1, keepdims=True) for t, n in enumerate(counts)]
    return np.concatenate(parts, axis=1)


def _forest(model: Foreign, kept: EstimatorModel, prepare: Prepare) -> Reading:
    """The mean of trees, or one tree."""
    alone = not hasattr(model, "estimators_")
    grown = [model] if alone else model.estimators_
    if hasattr(model, "classes_") and kept.method == "predict":
        raise _refuse(kept, model, "is a label", "Predictor(model, output='probability').")
    if kept.output == "logit" and not alone:
        raise _refuse(kept, model, "is no mean of trees", "Predictor(model, output='probability').")

    def trees() -> Iterator[Tree]:
        for one in grown:
            values = _leaf_values(one) / len(grown)
            values = log_odds(values) if kept.output == "logit" else values  # any function of one tree is a tree
            yield _grown(one.tree_, values, np.arange(values.shape[1]))

    return Reading(lambda rows: _numbers(prepare(rows), np.float32), np.arange(model.n_features_in_), trees)


def _check_sum(kept: EstimatorModel, model: Foreign) -> None:
    """A boosted or linear classifier is a sum before the sigmoid or softmax, not behind it."""
    if hasattr(model, "classes_") and kept.method != "decision_function":
        raise _refuse(kept, model, "is no sum", "Predictor(model, output='logit'), its decision function.")


def _boosted(model: Foreign, kept: EstimatorModel, prepare: Prepare) -> Reading:
    _check_sum(kept, model)
    start = model.init_
    if not (isinstance(start, str) or type(start).__name__ in ("DummyRegressor", "DummyClassifier")):
        raise TypeError(f"the boosting starts from a {type(start).__name__}, which is no constant; {WAY_OUT}")

    def trees() -> Iterator[Tree]:
        for stage in model.estimators_:
            for k, one in enumerate(stage):
                yield _grown(one.tree_, one.tree_.value[:, :, 0] * model.learning_rate, np.array([k]))

    return Reading(lambda rows: _numbers(prepare(rows), np.float32), np.arange(model.n_features_in_), trees)


# ------------------------------------------------------------------------------------------------ histogram boosting


def _histogram(model: Foreign, kept: EstimatorModel, prepare: Prepare) -> Reading:
    _check_sum(kept, model)
    if not hasattr(model, "classes_") and type(model._loss.link).__name__ != "IdentityLink":
        raise ValueError(
            f"loss={model.loss!r} of a {type(model).__name__} predicts the exponential of a sum of trees, so glass_box is "
            f"not exact on it; {WAY_OUT}"
        )
    categorical = model.is_categorical_
    column = np.arange(model.n_features_in_)
    if categorical is not None:  # its encoder puts categories first
        column = np.concatenate([column[categorical], column[~categorical]])
    known, numbers = model._bin_mapper.make_known_categories_bitsets()

    def trees() -> Iterator[Tree]:
        for stage in model._predictors:
            for k, one in enumerate(stage):
                yield _grown_on_bins(one, np.array([k]), known, numbers)

    def ready(rows: Rows) -> Floats:
        return np.asarray(model._preprocess_X(prepare(rows), reset=False), dtype=np.float64)

    return Reading(ready, column, trees)


def _grown_on_bins(one: Foreign, outputs: Ints, known: NDArray[Any], numbers: NDArray[Any]) -> Tree:
    """A TreePredictor of scikit-learn; known, numbers: bits of the categories seen in training, and each column's line."""
    nodes, left_bits = one.nodes, one.raw_left_cat_bitsets
    leaf = nodes["is_leaf"].astype(bool)
    both = np.column_stack([nodes["left"], nodes["right"]]).astype(np.int64)
    feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64)
    missing_left, threshold = nodes["missing_go_to_left"].astype(bool), nodes["num_threshold"]
    by_category = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf)

    def right(rows: NDArray[Any]) -> Bools:
        found = np.empty((len(by_category), len(rows)), dtype=bool)
        for line, v in enumerate(by_category):
            level = rows[:, feature[v]]
            missing = ~(level >= 0)  # NaN too
            level = np.where(missing, 0, level).astype(np.int64)
            to_left, seen = _in_bits(left_bits[nodes["bitset_idx"][v]], level), _in_bits(known[numbers[feature[v]]], level)
            # a category that training has not seen goes where missing values go
            found[line] = ~np.where(missing, missing_left[v], to_left | (~seen & missing_left[v]))
        return found

    values = np.array(nodes["value"], dtype=np.float64)[:, None]
    children, depth = np.where(leaf[:, None], -1, both), one.get_max_depth()
    sets = by_category, right if len(by_category) else None
    return Tree(children, feature, values, threshold, missing_left, outputs, depth, *sets)


def _in_bits(bits: NDArray[Any], level: Ints) -> Bools:
    """Whether numbers 0..255 are in a set of 8 words of 32 bits."""
    return np.asarray((bits[level // 32 % 8].astype(np.int64) >> level % 32) & 1 == 1)


# ------------------------------------------------------------------------------------------------ linear models


def _linear(model: Foreign, kept: EstimatorModel, prepare: Prepare) -> Reading:
    _check_sum(kept, model)
    slopes = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    slopes = np.atleast_2d(np.asarray(slopes, dtype=np.float64)).T
    return Reading(lambda rows: _numbers(prepare(rows), np.float64), np.arange(len(slopes)), lambda: iter(()), slopes)
