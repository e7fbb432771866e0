"""The model that a table gets where none is named: boosted trees trained on its target, and how well they predict."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.core.types import Frame
from perturbxai.core.wording import figure, quoted

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "no model was named: "  # how the line on a trained model begins
FEW_VALUES = 10  # whole numbers with at most so many values are classes
MOST_FOLDS, MANY_ROWS = 5, 10_000  # folds by which it is judged; of more rows a fifth is held out once
SLIGHT = 0.02  # R² that is hardly any
LEAST_ROWS = 20
NO_FEATURE = 0.5  # words of which more than this share differ say which row it is, and nothing of it
MOST_LEVELS = 250  # of a column of words, of which histograms have 255
COPIES = 0.05  # share of rows that are copies of others from which this is told
LONG_TRAINING = 500  # rows from which a part of them tells when to stop


@dataclass(frozen=True, eq=False)
class Trained:
    """model  fitted to all rows with a target;  told: what there is to say of it, a line each;  facts: for the manifest"""

    model: Any
    told: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def no_features(X: Frame, kept: tuple[str, ...] = ()) -> dict[str, str]:
    """Columns that a model is not trained on, and why: names and free text, which differ from row to row, and row numbers.

    kept  columns that are features because the user says so
    """
    found: dict[str, str] = {}
    for name, column in X.items():
        known = column.dropna()
        if str(name) in kept or not len(known):
            if not len(known):
                found[str(name)] = "it has no value"
            continue
        n_distinct = known.nunique()
        if is_words(column) and n_distinct > max(FEW_VALUES, NO_FEATURE * len(known)):
            found[str(name)] = f"{n_distinct:,} of its {len(known):,} values differ, as those of a name or a text do"
        elif column.dtype.kind in "iu" and _counts_rows(column):
            found[str(name)] = "it numbers the rows"
    return found


def is_words(column: pd.Series[Any]) -> bool:
    """Whether a column holds words, and neither numbers, truth values nor dates."""
    return column.dtype.kind not in "fiubmM" and not hasattr(column.dtype, "numpy_dtype")


def _counts_rows(column: pd.Series[Any]) -> bool:
    if len(column) <= LEAST_ROWS or column.isna().any():
        return False
    values = column.to_numpy()
    return values[0] in (0, 1) and bool((np.diff(values.astype(np.int64)) == 1).all())


def train(X: Frame, y: pd.Series[Any], task: str | None, key: str, of_task: str) -> Trained:
    """Boosted trees for the target y (N,), fitted to the rows of X that have one, and what they are worth on others.

    Words are taken as levels, dates as days, missing values as they are. Rows are held out in five folds (of more than
    10,000 a fifth once) to tell how well it predicts; the model itself is fitted to all.
    key, of_task  how the user names the target and the task, for errors
    Raises ValueError for a target that nothing can be learned of.
    """
    there = y.notna().to_numpy()
    rows, target = X[there], y[there]
    _check_values(target, key)
    classifies = _classifies(target, task, key, of_task)
    known = _known(target, classifies, key)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of folds without one of the levels
        score, line = _held_out(rows, known, classifies)
        model = _trees(rows, known, classifies).fit(rows, known)
    kind = f"classifier of {len(np.unique(known))} classes" if classifies else "regression"
    told = [f"{UNNAMED}trained boosted trees ({kind}) for {y.name!r} on {len(known):,} rows; {line}"]
    if classifies and task is None and target.dtype.kind in "iuf":
        told.append(f"{y.name!r} has few whole numbers, taken as classes; {of_task} regression takes them as numbers")
    told += _told_of_copies(rows, target)
    if lacking := int((~there).sum()):
        told.append(f"{lacking:,} rows without {y.name!r} were left out of the training")
    facts = {"name": "boosted", "task": "classification" if classifies else "regression", "trained_rows": len(known)} | score
    return Trained(model, tuple(told), facts)


def _check_values(target: pd.Series[Any], key: str) -> None:
    """Refuse values (n,), none of which is missing, that are too few to learn of."""
    if target.nunique() < 2:
        few = "no value" if not len(target) else "the one value"
        raise ValueError(
            f"{key} = {target.name!r} has {few}; a model learns of two different ones. Name one that is trained."
        )
    if len(target) < LEAST_ROWS:
        raise ValueError(
            f"{key} = {target.name!r} has {len(target)} rows with a value, too few to train a model on; {LEAST_ROWS} are "
            "the least. Name a model that is trained already."
        )


def _known(target: pd.Series[Any], classifies: bool, key: str) -> Any:
    """(n,): the target as it is fitted, classes as words. Raises ValueError for infinite values and classes of one row."""
    if not classifies:
        numbers = target.to_numpy(dtype=np.float64)
        if not np.isfinite(numbers).all():
            raise ValueError(
                f"{key} = {target.name!r} has infinite values, which nothing can be fitted to; leave these rows out."
            )
        return numbers
    words = np.asarray(target.map(_word))
    if rare := [name for name, n in zip(*np.unique(words, return_counts=True), strict=True) if n < 2]:
        raise ValueError(
            f"{key} = {target.name!r} has {quoted(rare, 4)} once each; a class needs two rows, leave these out."
        )
    return words


def _told_of_copies(X: Frame, target: pd.Series[Any]) -> list[str]:
    """A line on rows that stand there several times, which a fold may hold out while the others train on them."""
    copies = int(X.assign(**{f"{''.join(map(str, X))}_": target}).duplicated().sum())
    if copies < COPIES * len(X):
        return []
    return [
        f"{copies:,} of the rows are copies of others, {target.name!r} too: where copies are held out the model has seen "
        "the row, and predicts better than it will others"
    ]


def _word(value: object) -> str:
    """A class as a word: 1.0, which a column with missing values has for 1, is "1"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _classifies(target: pd.Series[Any], task: str | None, key: str, of_task: str) -> bool:
    """Whether the target's values are classes: words, truth values, few whole numbers; or as the user says."""
    if task == "classification" and target.dtype.kind in "iuf" and target.nunique() > 100:
        raise ValueError(
            f"{of_task} classification: {key} = {target.name!r} has {target.nunique():,} values, too many classes."
        )
    numbers = target.dtype.kind in "iuf"
    if task is not None:
        if task == "regression" and not numbers:
            raise ValueError(f"{of_task} regression: {key} = {target.name!r} holds words, which are no numbers.")
        return task == "classification"
    if target.dtype.kind in "mM":
        raise ValueError(f"{key} = {target.name!r} holds dates, which no model is trained for here; give it as numbers.")
    if numbers:
        return bool(target.nunique() <= FEW_VALUES and (target % 1 == 0).all())
    if target.nunique() > max(100, NO_FEATURE * len(target)):
        raise ValueError(
            f"{key} = {target.name!r} has {target.nunique():,} different words in {len(target):,} rows, too many classes; "
            "is it the column to predict?"
        )
    return True


def _trees(X: Frame, known: Any, classifies: bool) -> Any:
    """Histogram gradient boosting behind what makes numbers of words and dates."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    words = [name for name in X if is_words(X[name])]
    dates = [name for name in X if X[name].dtype.kind in "mM" or hasattr(X[name].dtype, "tz")]
    levels = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=MOST_LEVELS
    )
    columns = make_column_transformer(
        (make_pipeline(FunctionTransformer(as_words), levels), words),
        (FunctionTransformer(as_days), dates),
        remainder=FunctionTransformer(as_numbers),
    )
    kind = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    smallest = int(np.unique(known, return_counts=True)[1].min()) if classifies else len(known)
    stops = len(known) >= LONG_TRAINING and smallest >= LEAST_ROWS
    trees = kind(
        max_iter=400 if stops else 120, learning_rate=0.06, max_leaf_nodes=8, early_stopping=stops, random_state=0,
        min_samples_leaf=min(20, max(2, len(known) // 20)), categorical_features=list(range(len(words))) or None,
    )  # fmt: skip
    return make_pipeline(columns, trees)


def as_words(frame: Frame) -> Frame:
    """Columns of words as strings, a missing one as None: a column may mix words with numbers."""
    named = {str(name): column.astype(object).map(str, na_action="ignore") for name, column in frame.items()}
    return frame.assign(**named).astype(object).where(frame.notna(), None)


def as_days(frame: Frame) -> Any:
    """Dates as days since 1970, spans of time as days; missing ones as NaN."""
    import pandas as pd

    day, start = pd.Timedelta(days=1), pd.Timestamp(0)
    parts = []
    for name in frame:
        column: Any = frame[name]
        if column.dtype.kind != "m":
            column = column - (start if column.dt.tz is None else start.tz_localize("UTC"))
        parts.append((column / day).to_numpy(dtype=np.float64))
    return np.column_stack(parts)


def as_numbers(frame: Frame) -> Any:
    """Numbers and truth values as floats, missing ones as NaN."""
    return np.column_stack([column.to_numpy(dtype=np.float64, na_value=np.nan) for _, column in frame.items()])


def _held_out(X: Frame, known: Any, classifies: bool) -> tuple[dict[str, Any], str]:
    """What the trees are worth on rows that they were not trained on: for the manifest, and in words."""
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit, cross_val_score

    if len(known) > MANY_ROWS:
        parts: Any = (StratifiedShuffleSplit if classifies else ShuffleSplit)(1, test_size=0.2, random_state=0)
        by = "a fifth of them held out"
    else:
        least = int(np.unique(known, return_counts=True)[1].min()) if classifies else len(known)
        folds = max(2, min(MOST_FOLDS, least))
        parts = (StratifiedKFold if classifies else KFold)(folds, shuffle=True, random_state=0)
        by = f"held out in {folds} folds"
    asked: dict[str, Any] = {"cv": parts, "scoring": "accuracy" if classifies else "r2"}
    score = float(cross_val_score(_trees(X, known, classifies), X, known, **asked).mean())
    if not classifies:
        line = f"{by}, R² = {figure(score)} (1 is perfect, 0 the mean of all)"
        return {"held_out_r2": round(score, 4)}, line + warning_of(score, 0.0, SLIGHT)
    guess = float(cross_val_score(DummyClassifier(), X, known, **asked).mean())
    noise = float(np.sqrt(score * (1.0 - score) / len(known)))
    line = f"{by}, it is right in {score:.1%} of rows (always the commonest class: {guess:.1%})"
    return {"held_out_accuracy": round(score, 4), "commonest_class": round(guess, 4)}, line + warning_of(score, guess, noise)


def warning_of(score: float, guess: float, noise: float) -> str:
    """What is told of a model that knows nothing, or hardly anything: less than noise, the standard error of its score."""
    if score > guess + noise:
        return ""
    how = "hardly" if score > guess else "no"
    return f"; it predicts {how} better than a guess, so that what explains it says little of the data"


def told_of_left_out(left_out: Mapping[str, str], of_category: str) -> list[str]:
    """A line on columns that were left out; {} gives none."""
    if not left_out:
        return []
    each = "; ".join(f"{name!r}: {why}" for name, why in left_out.items())
    return [f"left out of the trained model ({of_category} NAME keeps one): {each}"]
