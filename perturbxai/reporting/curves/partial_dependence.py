"""plot_effects(): the call of scikit-learn's PartialDependenceDisplay.from_estimator, on this package's effects."""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.types import Column, Data, Model
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.curves import partial, points, sklearn_arguments
from perturbxai.reporting.curves.keywords import read_keywords
from perturbxai.reporting.curves.partial import Request
from perturbxai.reporting.curves.partial_axes import check_places
from perturbxai.reporting.curves.sklearn_display import EffectsDisplay
from perturbxai.reporting.types import Axes


def plot_effects(
    estimator: Model | Predictor,
    X: Data,
    features: Sequence[Column] | ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    categorical_features: Sequence[Column] | ArrayLike | None = None,
    feature_names: Sequence[Column] | ArrayLike | None = None,
    target: Hashable = None,
    response_method: str = "auto",
    n_cols: int = 3,
    grid_resolution: int = 100,
    percentiles: tuple[float, float] = (0.05, 0.95),
    custom_values: Mapping[Any, ArrayLike | Sequence[Any]] | None = None,
    method: str = "auto",
    n_jobs: int | None = None,
    verbose: int = 0,
    line_kw: Mapping[str, Any] | None = None,
    ice_lines_kw: Mapping[str, Any] | None = None,
    pd_line_kw: Mapping[str, Any] | None = None,
    contour_kw: Mapping[str, Any] | None = None,
    bar_kw: Mapping[str, Any] | None = None,
    heatmap_kw: Mapping[str, Any] | None = None,
    pdp_lim: Mapping[int, tuple[float, float]] | None = None,
    ax: Axes | Sequence[Axes] | NDArray[Any] | None = None,
    kind: str | Sequence[str] = "average",
    centered: bool = False,
    subsample: float | int | None = 1000,
    random_state: int | RandomState | None = None,
    levels: str = "sorted",
) -> EffectsDisplay:
    """Draw partial dependence, ICE or accumulated local effects with the call of scikit-learn's `from_estimator`.

    The averages and the rows' curves are those of scikit-learn's method="brute" on the same grid, over all rows of X, and
    the picture is its picture, with 95 % bands, with hatches where a map has no rows, and with a word where made-up rows
    leave the data. The figure is pyplot's: `plt.gcf()` has it, `plt.close()` ends it, and the style sheets hold.

    estimator  a fitted one, or anything that px.Predictor takes, or a Predictor (with the scale it has)
    X          the data, a DataFrame or an array
    features   columns by number or name, or tuples of two for a map; or a mask (D,), for a panel each. Where scikit-learn
               refuses them, levels have rows' curves (a dash a row) and maps against numbers
    sample_weight  (N,) weights of the rows in the averages. Rows of weight 0 have curves of their own all the same
    categorical_features  columns, or a mask (D,), whose every value is a level: bars. Strings and categories are anyway
    feature_names  (D,) what the columns are called
    target     the class, or how it reads, where there are more than two; of two the second is shown unless the first is
               named; of several outputs the number or the name
    response_method  "predict_proba" or "decision_function"; "auto" takes the first that there is
    n_cols     panels side by side
    grid_resolution  points along a column, evenly between two percentiles; all its values where they are fewer, and a
               missing value after them. Of "ale" the edges of bins with alike many rows; of its maps at 100, which stands
               for no wish, as many as the rows bear (see `effects`)
    percentiles  the ends of the grid; of "ale", whose bins need all the data, the ends of what is shown
    custom_values  {column: points} in place of both, in any order; of a column of levels, some of them
    method     "brute", as "auto" is here; "recursion" reads trees and averages over other rows, and is refused
    n_jobs     workers that a scikit-learn model may use for a batch where it leaves their number open (joblib's default
               for the time of the call); None leaves that as it is
    verbose    above 0 shows a bar on stderr; a Predictor has its own `progress`
    line_kw, ice_lines_kw, pd_line_kw  for `Axes.plot`: of all lines, of rows' curves, of averages
    contour_kw, bar_kw, heatmap_kw  for `Axes.contourf` of maps of numbers, `Axes.bar` of levels, `Axes.imshow` of their maps
    pdp_lim    {1: (low, high), 2: (low, high)}: the ends of panels of one column, and of maps; None for those of the data
    ax         one matplotlib Axes, which is divided; or one a panel; None for a new figure
    kind       "average", "individual", "both" or "ale", for all or one for each of the features
    centered   curves start at 0
    subsample  how many rows' curves are drawn, or which share; None draws all. `pd_results` has those of all rows
    random_state  of that draw: a number, a RandomState, or None for another one each time
    levels     how levels follow each other: "sorted" (categories with an order in that), or by "likeness" of their rows

    Returns an EffectsDisplay: figure_, axes_, lines_, pd_results, ..., and the effects themselves. Its `plot` draws again.
    Raises ValueError or TypeError before the model is asked for what cannot be honoured.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> axis = Figure().subplots()
    >>> display = plot_effects(lambda X: X[:, 0] ** 2, X, [0], grid_resolution=5, ax=axis, line_kw={"color": "k"})
    >>> display.pd_results[0]["average"].shape, display.lines_[0, 0].get_color()
    ((1, 5), 'k')
    """
    style: dict[str, Any] = {
        "line_kw": line_kw, "ice_lines_kw": ice_lines_kw, "pd_line_kw": pd_line_kw, "contour_kw": contour_kw,
        "bar_kw": bar_kw, "heatmap_kw": heatmap_kw,
    }  # fmt: skip
    read_keywords(**style)
    sklearn_arguments.read_limits(pdp_lim)
    sklearn_arguments.check_options(method, levels, n_jobs, verbose)
    space = TabularSpace(X, weights=sample_weight)
    names = sklearn_arguments.read_names(feature_names, space)
    given = sklearn_arguments.read_features(features, space.columns.labels, names)
    kinds = sklearn_arguments.read_kinds(kind, len(given))
    columns = [sklearn_arguments.read_columns(one, names) for one in given]
    sklearn_arguments.check_pairs(columns, kinds, names)
    sklearn_arguments.check_grid(grid_resolution, percentiles, kinds)
    sklearn_arguments.read_subsample(subsample, len(space.codes))
    seed = sklearn_arguments.read_seed(random_state)
    check_places(ax, n_cols, len(given))
    predictor = sklearn_arguments.read_predictor(estimator, response_method, verbose)
    shown = set(sum(columns, ()))
    asked = _asked(custom_values, names, space, shown)
    declared = sklearn_arguments.read_declared(categorical_features, names, space.columns.labels)
    sklearn_arguments.check_levels(space.codes, declared & shown - set(asked), names, grid_resolution)
    of_levels = declared | {c for c, named in enumerate(space.columns.levels) if named is not None}
    request = Request(predictor, space, X, of_levels, asked, grid_resolution, percentiles, levels, seed)
    grids = [[request.grid(c, one) for c in pair] for pair, one in zip(columns, kinds, strict=True)]
    with _workers(n_jobs), predictor.watched("plot_effects"):
        outputs, target_idx = sklearn_arguments.read_output(predictor, target, space)
        parts = [partial.ask(request, outputs, *one) for one in zip(columns, grids, kinds, strict=True)]
    display = EffectsDisplay(
        parts, features=columns, feature_names=names, target_idx=target_idx, kind=kind, subsample=subsample,
        deciles={c: points.deciles(space, c) for c in sorted(shown - of_levels)}, random_state=random_state,
        is_categorical=[tuple(c in of_levels for c in pair) for pair in columns],
    )  # fmt: skip
    return display.plot(ax=ax, n_cols=n_cols, pdp_lim=pdp_lim, centered=centered, **style)


def _asked(
    custom_values: Mapping[Any, Any] | None, names: Sequence[Any], space: TabularSpace, shown: set[int]
) -> dict[int, Any]:
    """Codes of the user's own points, by column; of columns of one value that."""
    by_column = {sklearn_arguments.read_column(key, names): values for key, values in (custom_values or {}).items()}
    given = {c: points.read_points(space, c, values) for c, values in by_column.items()}
    alone = {c: points.single_value(space, c) for c in shown - set(given)}
    return given | {c: one for c, one in alone.items() if one is not None}


def _workers(n_jobs: int | None) -> AbstractContextManager[object]:
    """Let scikit-learn's models, where they leave the number open, use so many workers."""
    if n_jobs is None:
        return nullcontext()
    import joblib

    workers: AbstractContextManager[object] = joblib.parallel_config(n_jobs=int(n_jobs))
    return workers
