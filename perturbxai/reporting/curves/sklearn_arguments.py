"""What the arguments of scikit-learn's partial dependence displays ask for; all but `read_output` asks no model."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perturbxai.core import checks
from perturbxai.core.frames import by_column
from perturbxai.core.types import Codes, Column, Model
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.labels import classes_of
from perturbxai.models.predictor import Predictor

KINDS = ("average", "individual", "both", "ale")
ORDERS = ("sorted", "likeness")
SCALES = {"predict_proba": "probability", "decision_function": "logit"}


def read_features(features: Any, *orders: Sequence[Any]) -> list[Any]:
    """One entry a panel: columns by name or number, or masks. A mask over all columns is a panel for each that it names.

    orders  what the columns are called, in X and in the figure, by which a Series is aligned
    Raises ValueError for a column that is not in a list, which scikit-learn does not take either.
    """
    n_columns = len(orders[0])
    if isinstance(features, (str, int, np.integer)) or not hasattr(features, "__len__") or not len(features):
        raise ValueError(f"features={features!r} must be a list of columns, or of tuples of two, such as [0, (0, 1)].")
    if _is_mask(features):
        features = list(by_column(features, "features", *orders))
        if len(features) != n_columns or not any(features):
            raise ValueError(
                f"features is a mask of {len(features)} with {int(np.sum(features))} columns in it; X has {n_columns}: give "
                "one truth value for each, at least one of them true."
            )
        return [int(c) for c in np.flatnonzero(np.asarray(features))]
    return [
        tuple(np.flatnonzero(np.asarray(by_column(one, "features", *orders))).tolist()) if _is_mask(one, n_columns) else one
        for one in features
    ]


def _is_mask(entry: Any, n_columns: int | None = None) -> bool:
    """Whether an entry is a list or an array of truth values, and has as many as there are columns."""
    if isinstance(entry, (str, dict)) or not hasattr(entry, "__len__") or not len(entry):
        return False
    truths = all(isinstance(value, (bool, np.bool_)) for value in entry)
    return truths and (n_columns is None or len(entry) == n_columns)


def read_kinds(kind: str | Sequence[str], n_panels: int) -> list[str]:
    """A kind for each panel."""
    kinds = [kind] * n_panels if isinstance(kind, str) else list(kind)
    if len(kinds) != n_panels:
        raise ValueError(f"kind has {len(kinds)} entries for {n_panels} features; give one for each, or one for all.")
    return [checks.one_of("kind", one, KINDS) for one in kinds]


def check_grid(resolution: object, percentiles: tuple[float, float], kinds: Sequence[str]) -> None:
    checks.whole("grid_resolution", resolution, 3 if "ale" in kinds else 2, of="points")
    if np.shape(percentiles) != (2,) or not 0.0 <= percentiles[0] < percentiles[1] <= 1.0:
        raise ValueError(f"percentiles={percentiles!r} must be two shares that rise, between 0 and 1, such as (0.05, 0.95).")


def check_options(method: object, levels: object, n_jobs: object, verbose: object) -> None:
    if method not in ("auto", "brute"):
        raise ValueError(
            f'method={method!r}: any model is asked here, which scikit-learn calls "brute"; it alone reads trees, whose '
            "averages are over other rows. Leave method out."
        )
    checks.one_of("levels", levels, ORDERS)
    if n_jobs is not None and (not checks.is_whole(n_jobs) or n_jobs == 0):
        raise ValueError(f"n_jobs={n_jobs!r} must be a whole number of workers, -1 for all processors, or None.")
    if not checks.is_whole(verbose) and not isinstance(verbose, (bool, np.bool_)):
        raise ValueError(f"verbose={verbose!r} must be a whole number; above 0 it shows a bar.")


def check_pairs(columns: Sequence[tuple[int, ...]], kinds: Sequence[str], names: Sequence[str]) -> None:
    """Refuse rows' curves of two columns, and a column with itself."""
    for pair, one in zip(columns, kinds, strict=True):
        if len(pair) > 1 and one in ("individual", "both"):
            raise ValueError(f"kind={one!r} shows rows' curves, and {[names[c] for c in pair]} is a map; take 'average'.")
        if len(set(pair)) < len(pair):
            raise ValueError(f"features: {names[pair[0]]!r} is named twice in a pair; a map needs two columns.")


def read_predictor(estimator: Model | Predictor, response_method: str, verbose: object) -> Predictor:
    """The estimator on the scale that is wanted."""
    if response_method == "auto":
        return estimator if isinstance(estimator, Predictor) else Predictor(estimator, progress=bool(verbose))
    checks.one_of("response_method", response_method, ("auto", *SCALES))
    if isinstance(estimator, Predictor):
        raise ValueError(f"response_method={response_method!r}, but the Predictor has a scale already; leave it out.")
    if not hasattr(estimator, response_method):
        raise ValueError(
            f"response_method={response_method!r}, which {type(estimator).__name__} does not have; take 'auto'."
        )
    return Predictor(estimator, output=SCALES[response_method], progress=bool(verbose))


def read_names(feature_names: Any, space: TabularSpace) -> list[Any]:
    """What the columns are called in the figure, as they were given."""
    if feature_names is None:
        return list(space.columns.labels)
    names = list(feature_names.tolist() if hasattr(feature_names, "tolist") else feature_names)
    different = len(set(map(str, names)))
    if len(names) != len(space.columns.names) or different < len(names):
        raise ValueError(
            f"feature_names has {len(names)} names, {different} of them different; expected one for each of the "
            f"{len(space.columns.names)} columns of X."
        )
    return names


def read_columns(one: object, names: Sequence[Any]) -> tuple[int, ...]:
    """Numbers of the columns of one panel."""
    # a MultiIndex calls columns by tuples
    entries = one if isinstance(one, (tuple, list, np.ndarray)) and str(one) not in map(str, names) else (one,)
    if not 1 <= len(entries) <= 2:
        raise ValueError(f"features: {one!r} has {len(entries)} columns; expected one, or two for a map.")
    return tuple(read_column(entry, names) for entry in entries)


def read_column(entry: object, names: Sequence[Any]) -> int:
    """The number of a column, by its number or name."""
    if checks.is_whole(entry):
        if 0 <= entry < len(names):
            return int(entry)
        raise ValueError(f"column {entry} is not there; X has {len(names)}, numbered from 0.")
    spelled = [str(name) for name in names]
    if str(entry) in spelled:
        return spelled.index(str(entry))
    shown = ", ".join(map(repr, names[:8])) + (" ..." if len(names) > 8 else "")
    raise ValueError(f"column {entry!r} is not there; X has {shown}")


def read_declared(categorical: Sequence[Column] | ArrayLike | None, names: Sequence[Any], labels: Sequence[Any]) -> set[int]:
    """Numbers of the columns that are said to hold levels, by what they are called in the figure and in X."""
    if categorical is None:
        return set()
    given = np.asarray(categorical)
    if given.ndim == 1 and _is_mask(given.tolist()):
        given = np.asarray(by_column(categorical, "categorical_features", labels, names), dtype=bool)
        if given.shape != (len(names),):
            raise ValueError(f"categorical_features is a mask of shape {given.shape}; X has {len(names)} columns.")
        return set(np.flatnonzero(given).tolist())
    if given.dtype.kind not in "iuOUT" or given.ndim != 1 or not given.size:
        raise ValueError(
            f"categorical_features={categorical!r} must be a list of columns by name or number, or a mask over all; leave "
            "it out where there are none."
        )
    return {read_column(entry, names) for entry in given.tolist()}


def check_levels(codes: Codes, declared: set[int], names: Sequence[Any], resolution: int) -> None:
    """Refuse a resolution that has no room for the levels of any of the columns that were declared to have some."""
    count = {c: len(np.unique(codes[:, c])) for c in declared}
    if count and resolution < min(count.values()):
        c = min(count, key=lambda one: count[one])
        raise ValueError(
            f"grid_resolution={resolution} is less than the {count[c]} levels of {names[c]!r}, all of which are shown; ask "
            f"for {count[c]} or more, or name some levels in custom_values."
        )


def read_subsample(subsample: object, n_rows: int) -> int:
    """How many rows' curves are drawn."""
    if subsample is None:
        return n_rows
    if checks.is_whole(subsample) and subsample > 0:
        return min(int(subsample), n_rows)
    if isinstance(subsample, (float, np.floating)) and 0.0 < subsample < 1.0:
        return int(np.ceil(float(subsample) * n_rows))
    raise ValueError(
        f"subsample={subsample!r} must be a number of rows from 1 up, a share between 0 and 1, or None for all."
    )


def read_seed(random_state: object) -> int:
    """The seed of simultaneous bands: the number that draws rows, or 0."""
    if random_state is None or hasattr(random_state, "randint"):
        return 0
    return checks.whole("random_state", random_state, most=(1 << 32) - 1, way=", below 2^32, a RandomState, or None")


def read_limits(pdp_lim: object) -> dict[int, tuple[float, float]] | None:
    """The ends of what panels of one column (1) and of two (2) show."""
    if pdp_lim is None:
        return None
    if not isinstance(pdp_lim, dict) or not set(pdp_lim) <= {1, 2}:
        raise ValueError(f"pdp_lim={pdp_lim!r} must be a dictionary such as {{1: (low, high), 2: (low, high)}}.")
    for n_columns, ends in pdp_lim.items():
        if np.shape(ends) != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
            raise ValueError(f"pdp_lim[{n_columns}]={ends!r} must be two finite numbers that rise.")
    return {n: (float(ends[0]), float(ends[1])) for n, ends in pdp_lim.items()}


# ------------------------------------------------------------------------------------------------ which output is shown


def read_output(predictor: Predictor, target: Hashable, space: TabularSpace) -> tuple[list[int], int]:
    """The outputs that are asked for, and which of them is drawn. Asks the model for one row, of which outputs are counted.

    Of two classes one is asked for, the second unless `target` names the first; of several outputs all.
    Raises ValueError for a target that is missing or not there, of classes before the model is asked.
    """
    classes = _classes(predictor)
    place = _class(target, classes) if len(classes) > 1 else 0
    n_outputs = predictor(space.columns.decode(space.codes[:1])).shape[1]
    if len(classes) == 2 and n_outputs <= 2:
        if place == 0 and n_outputs == 1:
            raise ValueError(
                f"target={target!r}, but the one output of this model speaks of the other class, {classes[1]!r}; leave "
                "target out."
            )
        return [place if n_outputs == 2 else 0], 0
    if len(classes) == n_outputs > 2:
        return list(range(n_outputs)), place
    if n_outputs == 1:
        return [0], 0
    return list(range(n_outputs)), _of_several(target, list(predictor.outputs or ()), n_outputs)


def _classes(predictor: Predictor) -> list[Any]:
    """The classes of a classifier with one target, none of anything else."""
    if predictor.kind != "estimator":
        return []
    estimator = predictor.estimator()
    classes = classes_of(estimator.model, estimator.method)
    # several targets each have a list of classes
    return [] if classes is None or isinstance(classes, list) else list(np.asarray(classes).tolist())


def _class(target: Hashable, classes: list[Any]) -> int:
    """Which class is meant: by itself, by how it reads, or by its number where classes are no numbers; of two the second."""
    if target is None and len(classes) == 2:
        return 1
    one = target.item() if isinstance(target, np.generic) else target
    spelled = [str(known) for known in classes]
    for number, known in enumerate(classes):
        if isinstance(one, str) == isinstance(known, str) and one == known:
            return number
    if isinstance(one, str) and spelled.count(one) == 1:
        return spelled.index(one)
    if checks.is_whole(one) and 0 <= one < len(classes) and spelled == classes:  # which are words
        return int(one)
    shown = f"{classes[:8]}" + (" ..." if len(classes) > 8 else "")
    way = "or None for the second" if len(classes) == 2 else "as there are more than two"
    raise ValueError(f"target={target!r} must be one of the classes {shown}, {way}.")


def _of_several(target: Hashable, outputs: list[str], n_outputs: int) -> int:
    """An output by its number or name."""
    if checks.is_whole(target) and 0 <= target < n_outputs:
        return int(target)
    if isinstance(target, str) and outputs.count(target) == 1:
        return outputs.index(target)
    known = ", ".join(map(repr, outputs[:8])) + (" ..." if len(outputs) > 8 else "")
    raise ValueError(
        f"target={target!r} must be the number of one of the {n_outputs} outputs, from 0, or its name: {known}."
    )
