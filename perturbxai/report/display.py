"""plot_effects(): the call of scikit-learn's PartialDependenceDisplay.from_estimator, on this package's effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.effect import Effect
from perturbxai.effects import effects
from perturbxai.predictor import Predictor
from perturbxai.report import arguments, effect_figure, effect_view
from perturbxai.report.effect_view import Line, Panel
from perturbxai.report.ground import Ground
from perturbxai.report.style import LOOKS, save, title
from perturbxai.spaces import TabularSpace

EVERY_ROW = 1 << 60  # model rows: as many as it takes


@dataclass(eq=False)
class EffectsDisplay:
    """What `plot_effects` drew and computed, with the names that scikit-learn's displays have.

    effects   an Effect for each entry of features, in their order, with bands, counts and the rows' curves
    features  the columns of each, by name;  kind: of each
    figure_   the matplotlib Figure;  axes_ (rows, columns) of its panels, None where a place is empty
    pd_results  for each entry a dictionary: "grid_values", "average" (1, points...) and, of rows' curves, "individual"
    """

    effects: list[Effect]
    features: list[tuple[str, ...]]
    kind: list[str]
    _panels: list[Panel] = field(repr=False)
    _space: Any = field(repr=False)
    _within: list[tuple[float, float] | None] = field(repr=False)
    figure_: Any = None
    axes_: Any = None

    @property
    def pd_results(self) -> list[dict[str, Any]]:
        found = []
        for effect, kind in zip(self.effects, self.kind, strict=True):
            one: dict[str, Any] = {"grid_values": list(effect.grid), "average": np.moveaxis(effect.values, -1, 0)}
            if kind in ("individual", "both"):
                one["individual"] = np.moveaxis(np.asarray(effect.individual), -1, 0)
            found.append(one)
        return found

    def plot(self, *, ax: Any = None, n_cols: int = 3) -> EffectsDisplay:
        """Draw again, elsewhere or in other columns, without asking the model.

        ax      None for a new Figure; one matplotlib Axes, which is divided where there are several panels; or one a panel
        n_cols  panels side by side, where the places are not given
        Raises ValueError for another number of axes than panels, and for n_cols below 1.
        """
        arguments.check_places(ax, n_cols, len(self._panels))
        axes, places = _axes(ax, len(self._panels), int(n_cols))
        self.figure_ = axes[0].figure
        effect_figure.draw(self._panels, axes, self._space)
        for axis, ends in zip(axes, self._within, strict=True):
            if ends is not None:
                axis.set_xlim(*ends)
        if ax is None:
            effect_figure.finish(self.figure_, self._panels, axes)
        self.axes_ = places
        return self

    def _repr_png_(self) -> bytes:
        from io import BytesIO

        kept = BytesIO()
        save(self.figure_, kept)
        return kept.getvalue()


def _axes(ax: Any, n_panels: int, n_cols: int) -> tuple[list[Any], NDArray[Any]]:
    """The axes in turn, and as they are arranged."""
    if ax is not None and np.ndim(ax) > 0:
        given = np.asarray(ax, dtype=object)
        return list(given.ravel()), given
    across = min(n_cols, n_panels)
    shape = -(-n_panels // across), across
    if ax is not None and n_panels == 1:
        axes = [ax]
    elif ax is not None:
        if ax.get_subplotspec() is None:
            raise ValueError(f"ax has no place in a grid that could be divided; give {n_panels} axes, one a panel.")
        ax.set_axis_off()
        inner = ax.get_subplotspec().subgridspec(*shape)
        axes = [ax.figure.add_subplot(inner[divmod(n, across)]) for n in range(n_panels)]
    else:
        _, grid = effect_figure.canvas(shape)
        axes = list(grid.ravel()[:n_panels])
        for axis in grid.ravel()[n_panels:]:
            axis.remove()
    places = np.full(shape, None, dtype=object)
    places.ravel()[:n_panels] = axes
    return axes, places


def plot_effects(
    estimator: Any,
    X: Any,
    features: Sequence[Any],
    *,
    sample_weight: Any = None,
    categorical_features: Any = None,
    feature_names: Any = None,
    target: Any = None,
    response_method: str = "auto",
    n_cols: int = 3,
    grid_resolution: int = 100,
    percentiles: tuple[float, float] = (0.05, 0.95),
    custom_values: Mapping[Any, Any] | None = None,
    method: str = "auto",
    ax: Any = None,
    kind: str | Sequence[str] = "average",
    centered: bool = False,
    subsample: float | int | None = 1000,
    random_state: Any = None,
) -> EffectsDisplay:
    """Draw partial dependence, ICE or accumulated local effects with the call of scikit-learn's `from_estimator`.

    The averages and the rows' curves are those of scikit-learn's method="brute" on the same grid, over all rows of X; each
    has its bands, the rows below it, and a word where it leaves the data. Nothing global is touched: a notebook shows the
    figure, `display.figure_.savefig` saves it, and ax=plt.gca() draws it where pyplot shows it.

    estimator  a fitted one, or anything that px.Predictor takes, or a Predictor (with the scale it has)
    X          the data, a DataFrame or an array
    features   columns by number or name, or tuples of two for a map
    sample_weight  (N,) weights of the rows in the averages
    categorical_features  columns, or a mask (D,), whose every value is a level: bars. Strings and categories are anyway
    feature_names  (D,) what the columns are called
    target     the class, where there are more than two, or the number of the output of several
    response_method  "predict_proba" or "decision_function"; "auto" takes the first that there is
    n_cols     panels side by side
    grid_resolution  points along a column, evenly between two percentiles; all its values where they are fewer, and a
               missing value after them. Of "ale" the edges of bins with alike many rows
    percentiles  the ends of the grid; of "ale", whose bins need all the data, the ends of what is shown
    custom_values  {column: points} in place of both
    method     "brute", as "auto" is here; "recursion" reads trees and averages over other rows, and is refused
    ax         matplotlib Axes, one or one a panel; None for a new Figure
    kind       "average", "individual", "both" or "ale", for all or one for each of the features
    centered   curves start at 0
    subsample  how many rows' curves are drawn, or which share; None draws all. Other rows than scikit-learn draws
    random_state  of that draw: a number, a RandomState, or None for another one each time

    Returns an EffectsDisplay: figure_, axes_, pd_results, and the effects themselves.
    Raises ValueError or TypeError before the model is asked for what cannot be honoured.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> display = plot_effects(lambda X: X[:, 0] ** 2, X, [0], grid_resolution=5)
    >>> display.pd_results[0]["average"].shape
    (1, 5)
    """
    given = arguments.read_features(features)
    kinds = arguments.read_kinds(kind, given)
    arguments.check_method(method)
    arguments.check_places(ax, n_cols, len(given))
    arguments.check_grid(grid_resolution, percentiles, kinds)
    space = TabularSpace(X, weights=sample_weight)
    predictor = arguments.read_predictor(estimator, response_method)
    names = arguments.read_names(feature_names, space)
    columns = [arguments.read_columns(one, names) for one in given]
    for pair, one in zip(columns, kinds, strict=True):
        if len(pair) > 1 and one in ("individual", "both"):
            raise ValueError(f"kind={one!r} shows rows' curves, and {[names[c] for c in pair]} is a map; take 'average'.")
    levels = arguments.read_levels(categorical_features, names)
    points = {arguments.read_columns(key, names)[0]: one for key, one in (custom_values or {}).items()}
    for c in dict.fromkeys(sum(columns, ())):
        kinds_of = [one for pair, one in zip(columns, kinds, strict=True) if c in pair]
        for one in kinds_of if c not in points else ():
            arguments.grid_of(space, c, c in levels, grid_resolution, percentiles, one)
    n_rows = arguments.read_subsample(subsample, int((space.weights > 0).sum()))
    seed = arguments.read_seed(random_state)
    outputs = arguments.read_output(predictor, estimator, target, space)
    found, panels, within = [], [], []
    for pair, one in zip(columns, kinds, strict=True):
        asked = arguments.method_of(one, centered and len(pair) == 1, n_rows)
        grid = {c: points[c] if c in points else arguments.grid_of(space, c, c in levels, grid_resolution, percentiles, one)
                for c in pair}  # fmt: skip
        effect = _ask(asked, predictor, space, X, grid, outputs, seed)
        found.append(effect)
        panels.append(_panel(effect, one, tuple(names[c] for c in pair), [c in levels for c in pair], space))
        within.append(_ends(panels[-1], space, pair[0], percentiles) if one == "ale" and len(pair) == 1 else None)
    shown = [tuple(names[c] for c in pair) for pair in columns]
    return EffectsDisplay(found, shown, kinds, panels, space, within).plot(ax=ax, n_cols=n_cols)


def _ask(method: Any, predictor: Predictor, space: TabularSpace, X: Any, grid: Any, outputs: Any, seed: int) -> Effect:
    """One column or pair, over all rows."""
    names = tuple(space.columns.names[c] for c in grid)
    (by_feature,) = effects(
        [method], predictor, space, X, features=[names if len(names) > 1 else names[0]], outputs=outputs,
        grid={space.columns.names[c]: one for c, one in grid.items()}, rows=EVERY_ROW, seed=seed,
    ).values()  # fmt: skip
    return next(iter(by_feature.values()))


def _panel(effect: Effect, kind: str, names: tuple[str, ...], levels: Sequence[bool], space: TabularSpace) -> Panel:
    known = {"average": ("pdp", True, False), "individual": ("ice", False, True), "both": ("pdp", True, True),
             "ale": ("ale", True, False)}  # fmt: skip
    name, mean, rows = known[kind]
    lines: tuple[Line, ...] = (Line(title(name), effect, LOOKS[name]["color"], mean, False),)
    if rows:
        below = Line(title("ice"), effect, LOOKS["ice"]["color"], False, True)
        lines = (below, *lines) if mean else (below,)
    ground = tuple(Ground.of(*one) for one in zip(names, [[grid] for grid in effect.grid], levels, strict=True))
    return Panel(names, 0, lines, "", ground, said=effect_view.said_of(effect.names, [effect], space))


def _ends(panel: Panel, space: TabularSpace, column: int, percentiles: Any) -> tuple[float, float] | None:
    """The part of the axis between two percentiles of the data, None where there are levels."""
    if panel.ground[0].levels:
        return None
    codes = space.codes[space.weights > 0, column]
    ends = np.quantile(codes[~np.isnan(codes)], percentiles, method="inverted_cdf")
    low, high = panel.ground[0].places(space.columns.decode_values(column, ends))
    return (float(low), float(high)) if high > low else None
