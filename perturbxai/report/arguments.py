"""What the arguments of scikit-learn's partial dependence displays ask for, read before any model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbxai.explainers.ale import Ale
from perturbxai.explainers.ice import Ice
from perturbxai.explainers.pdp import Pdp
from perturbxai.grids import is_by_value
from perturbxai.predictor import Predictor
from perturbxai.spaces import TabularSpace

KINDS = ("average", "individual", "both", "ale")
SCALES = {"predict_proba": "probability", "decision_function": "logit"}


def read_features(features: Any) -> list[Any]:
    """One entry a panel. Raises ValueError for a column that is not in a list, which scikit-learn does not take either."""
    if isinstance(features, (str, int, np.integer)) or not len(features):
        raise ValueError(f"features={features!r} must be a list of columns, or of tuples of two, such as [0, (0, 1)].")
    return list(features)


def read_kinds(kind: Any, features: Sequence[Any]) -> list[str]:
    """A kind for each of the features."""
    kinds = [kind] * len(features) if isinstance(kind, str) else list(kind)
    if len(kinds) != len(features):
        raise ValueError(f"kind has {len(kinds)} entries for {len(features)} features; give one for each, or one for all.")
    for one in kinds:
        if one not in KINDS:
            raise ValueError(f"kind={one!r} is not known; expected one of {', '.join(map(repr, KINDS))}.")
    return kinds


def check_grid(resolution: Any, percentiles: Any, kinds: Sequence[str]) -> None:
    least = 3 if "ale" in kinds else 2
    if isinstance(resolution, bool) or not isinstance(resolution, (int, np.integer)) or resolution < least:
        raise ValueError(f"grid_resolution={resolution!r} must be a whole number of points from {least} up.")
    if np.shape(percentiles) != (2,) or not 0.0 <= percentiles[0] < percentiles[1] <= 1.0:
        raise ValueError(f"percentiles={percentiles!r} must be two shares that rise, between 0 and 1, such as (0.05, 0.95).")


def check_places(ax: Any, n_cols: Any, n_panels: int) -> None:
    if isinstance(n_cols, bool) or not isinstance(n_cols, (int, np.integer)) or n_cols < 1:
        raise ValueError(f"n_cols={n_cols!r} must be a whole number of panels from 1 up.")
    if ax is not None and np.ndim(ax) > 0 and np.size(ax) != n_panels:
        raise ValueError(f"ax holds {np.size(ax)} axes, and {n_panels} panels are to be drawn; give one for each.")


def check_method(method: str) -> None:
    if method not in ("auto", "brute"):
        raise ValueError(
            f'method={method!r}: any model is asked here, which scikit-learn calls "brute"; it alone reads trees, whose '
            "averages are over other rows. Leave method out."
        )


def read_predictor(estimator: Any, response_method: str) -> Predictor:
    """The estimator on the scale that is wanted."""
    if response_method == "auto":
        return estimator if isinstance(estimator, Predictor) else Predictor(estimator)
    if response_method not in SCALES:
        raise ValueError(
            f"response_method={response_method!r} is not known; expected 'auto' or {' or '.join(map(repr, SCALES))}."
        )
    if isinstance(estimator, Predictor):
        raise ValueError(f"response_method={response_method!r}, but the Predictor has a scale already; leave it out.")
    if not hasattr(estimator, response_method):
        raise ValueError(
            f"response_method={response_method!r}, which {type(estimator).__name__} does not have; take 'auto'."
        )
    return Predictor(estimator, output=SCALES[response_method])


def read_names(feature_names: Any, space: TabularSpace) -> tuple[str, ...]:
    """What the columns are called in the figure."""
    if feature_names is None:
        return space.columns.names
    names = tuple(map(str, feature_names))
    if len(names) != len(space.columns.names) or len(set(names)) < len(names):
        raise ValueError(
            f"feature_names has {len(names)} names, {len(set(names))} of them different; expected one for each of the "
            f"{len(space.columns.names)} columns of X."
        )
    return names


def read_columns(one: Any, names: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the columns of one panel."""
    pair = isinstance(one, (tuple, list)) and str(one) not in names  # a MultiIndex calls columns by tuples
    entries = one if pair else (one,)
    if not 1 <= len(entries) <= 2:
        raise ValueError(f"features: {one!r} has {len(entries)} columns; expected one, or two for a map.")
    return tuple(_column(entry, names) for entry in entries)


def _column(entry: Any, names: Sequence[str]) -> int:
    if isinstance(entry, (int, np.integer)) and not isinstance(entry, bool):
        if 0 <= entry < len(names):
            return int(entry)
        raise ValueError(f"column {entry} is not there; X has {len(names)}, numbered from 0.")
    if str(entry) in names:
        return list(names).index(str(entry))
    shown = ", ".join(map(repr, names[:8])) + (" ..." if len(names) > 8 else "")
    raise ValueError(f"column {entry!r} is not there; X has {shown}")


def read_levels(categorical: Any, names: Sequence[str]) -> set[int]:
    """Numbers of the columns whose values are levels."""
    if categorical is None:
        return set()
    given = np.asarray(categorical)
    if given.dtype.kind == "b":
        if given.shape != (len(names),):
            raise ValueError(f"categorical_features is a mask of shape {given.shape}; X has {len(names)} columns.")
        return set(np.flatnonzero(given).tolist())
    return {_column(entry, names) for entry in given.tolist()}


def read_subsample(subsample: Any, n_rows: int) -> int:
    """How many rows' curves are kept."""
    if subsample is None:
        return n_rows
    if isinstance(subsample, (int, np.integer)) and not isinstance(subsample, bool) and subsample > 0:
        return min(int(subsample), n_rows)
    if isinstance(subsample, (float, np.floating)) and 0.0 < subsample < 1.0:
        return int(np.ceil(float(subsample) * n_rows))
    raise ValueError(
        f"subsample={subsample!r} must be a number of rows from 1 up, a share between 0 and 1, or None for all."
    )


def read_seed(random_state: Any) -> int:
    """A seed from a number, from a RandomState (which moves on by one draw), or of its own where there is none."""
    if random_state is None:
        return int(np.random.default_rng().integers(1 << 31))
    if hasattr(random_state, "randint"):
        return int(random_state.randint(1 << 31))
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    raise ValueError(f"random_state={random_state!r} must be a whole number from 0 up, a RandomState, or None.")


def read_output(predictor: Predictor, estimator: Any, target: Any, space: TabularSpace) -> list[int]:
    """The number of the output that is drawn. Asks the model for one row, of which the outputs are counted."""
    classes = getattr(estimator, "classes_", None)
    known = [] if classes is None or isinstance(classes, list) else np.asarray(classes).tolist()
    if len(known) > 2 and target not in known:
        raise ValueError(f"target={target!r} must be one of the classes {known[:8]}, as there are more than two.")
    n_outputs = predictor(space.columns.decode(space.codes[:1])).shape[1]
    if len(known) > 2:
        return [known.index(target)]
    if n_outputs == 1 or len(known) == 2:
        return [n_outputs - 1]  # of two classes the second
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)) or not 0 <= target < n_outputs:
        raise ValueError(f"target={target!r} must be the number of one of the {n_outputs} outputs, from 0.")
    return [int(target)]


def method_of(kind: str, centered: bool, n_rows: int) -> Any:
    """Which of our methods shows a kind. The mean of rows' curves that start at 0 is the average that does."""
    if kind == "ale":
        return Ale(centre="start" if centered else "data")
    if kind == "average" and not centered:
        return Pdp()
    return Ice(curves="anchored" if centered else "raw", ice_rows=1 if kind == "average" else n_rows)


def grid_of(space: TabularSpace, column: int, level: bool, resolution: int, percentiles: Any, kind: str) -> Any:
    """What `effects` takes as the grid of a column: points in the table's own values, or a number of bins for its own.

    All values of a level and of fewer than `resolution` values, else points evenly between two percentiles (as scikit-learn
    takes them); only whole ones where the column has no others.
    """
    from scipy.stats.mstats import mquantiles

    columns = space.columns
    codes, counted = space.codes[:, column], space.weights > 0
    known = codes[~np.isnan(codes)]
    if not columns.numeric[column] or (kind == "ale" and not level):
        return int(resolution) - 1 if columns.numeric[column] else max(2, int(resolution) - 1)
    values = np.unique(known)
    if level or len(values) < resolution:
        by_value = is_by_value(codes, bool(columns.whole[column]), max(2, len(values)))
        by_value &= len(np.unique(codes[counted & ~np.isnan(codes)])) == len(values)
        return max(2, len(values)) if by_value else columns.decode_values(column, values)
    low, high = mquantiles(known, prob=percentiles)
    if np.allclose(low, high):
        raise ValueError(
            f"percentiles={percentiles!r} of {columns.names[column]!r} are {low:g} and {high:g}, between which there is no "
            "grid; take them further apart."
        )
    points = np.linspace(low, high, int(resolution))
    return columns.decode_values(column, np.unique(np.rint(points)) if columns.whole[column] else points)
