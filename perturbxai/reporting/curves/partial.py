"""What a partial dependence display asks and keeps of each panel: the average, every row's curve, and their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perturbxai.calls.effects import effects
from perturbxai.core import catalogue
from perturbxai.core.types import Floats, Ints
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.plan import Gridded, TablePlan
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.curves import points
from perturbxai.reporting.curves.off_data import Unsupported
from perturbxai.reporting.curves.view import said_of
from perturbxai.results.effect import Effect

RESOLUTION = 100  # points that scikit-learn asks where nobody says how many; of a pair for ALE more than any rows bear
EVERY_ROW = 1 << 60  # model rows: as many as it takes


class Results(dict[str, Any]):
    """Numbers of one panel by name, which are attributes too, as scikit-learn has them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked, of which rows and at which points.

    levels  columns whose every value is a level;  asked: codes of the user's own points, by column
    order   "sorted" or "likeness": how levels follow each other
    """

    predictor: Predictor
    space: TabularSpace
    X: Any
    levels: set[int]
    asked: Mapping[int, Floats]
    resolution: int
    percentiles: tuple[float, float]
    order: str
    seed: int

    def grid(self, column: int, kind: str) -> Any:
        """What `effects` takes as the grid of a column. Raises ValueError for one that cannot be made."""
        if column in self.asked:
            return points.own_grid(self.space, column, self.asked[column], kind)
        level = column in self.levels
        if level and kind != "ale" and (every := points.levels_without_weight(self.space, column)) is not None:
            return every
        return points.grid_of(self.space, column, level, self.resolution, self.percentiles, kind)


@dataclass(frozen=True, eq=False)
class Part:
    """One panel in numbers.

    results   "grid_values" (an array (G,) an axis), "average" (K, G...) and "individual" (K, N, G), as the kind has them
    effect    with bands, on its own grid;  anchored: the same from its first point, None of pairs
    order     an axis: which of the effect's points the shown ones (G,) are
    """

    results: Results
    effect: Effect
    anchored: Effect | None
    order: tuple[Ints, ...]
    said: Unsupported | None = None
    ends: Any = None

    def half(self, k: int, *, centered: bool, simultaneous: bool = False) -> Floats:
        """(G...): half the width of the 95 % band, NaN where it is not known."""
        effect = self.effect
        if centered:
            # from another point than its first one the errors were not gathered
            if self.anchored is None or self.order[0][0] != 0:
                return np.full([len(one) for one in self.order], np.nan)
            effect = self.anchored
        high = effect.interval(simultaneous=simultaneous)[1][..., k]
        width = (high - effect.values[..., k])[np.ix_(*self.order)]
        return np.asarray(np.where(np.isfinite(width), width, np.nan))


def ask(request: Request, outputs: Sequence[int], columns: tuple[int, ...], grids: Sequence[Any], kind: str) -> Part:
    """The effect of one column or pair over all rows, at the points of its grids."""
    space = request.space
    named = tuple(space.columns.names[c] for c in columns)
    grid = dict(zip(named, grids, strict=True))
    if kind == "ale" and len(columns) > 1 and request.resolution == RESOLUTION:
        grid = {
            name: one for c, name, one in zip(columns, named, grids, strict=True) if c in {*request.levels, *request.asked}
        }
    found = effects(
        _methods(kind, len(columns), len(space.codes)), request.predictor, space, request.X,
        features=[named if len(named) > 1 else named[0]], outputs=list(outputs), grid=grid, rows=EVERY_ROW,
        seed=request.seed, n_jobs=1,  # joblib's workers are the model's own here
    )  # fmt: skip
    effect, *others = (next(iter(by_feature.values())) for by_feature in found.values())
    order = tuple(
        points.order_of(space, c, values, request.asked.get(c), request.order, kind)
        for c, values in zip(columns, effect.grid, strict=True)
    )
    results = Results(grid_values=[values[one] for values, one in zip(effect.grid, order, strict=True)])
    if kind != "individual":
        results["average"] = np.moveaxis(effect.values[np.ix_(*order)], -1, 0).copy()
    if kind in ("individual", "both"):
        curves = _every_row(request, outputs, columns[0], effect)
        results["individual"] = np.moveaxis(curves[:, order[0]], -1, 0).copy()
    said = said_of(effect.names, [effect], space)
    said = said if said is None else replace(said, at=said.at[order[0]])
    ends = _ends(request, columns[0]) if kind == "ale" and len(columns) == 1 else None
    return Part(results, effect, others[0] if others else None, order, said, ends)


def _ends(request: Request, column: int) -> Any:
    """Two percentiles of a column, None where it has levels, points of the user's own, or nothing between the two."""
    space = request.space
    if column in request.levels or column in request.asked:
        return None
    codes = space.codes[space.weights > 0, column]
    ends = np.quantile(codes[~np.isnan(codes)], request.percentiles, method="inverted_cdf")
    return space.columns.decode_values(column, ends) if ends[0] < ends[1] else None


def _methods(kind: str, n_columns: int, n_rows: int) -> list[Any]:
    """What shows a kind, and the same from the first point, which reads the same answers."""
    pdp, ice, ale = (catalogue.load(catalogue.EXPLAINERS, name) for name in ("pdp", "ice", "ale"))
    if kind == "ale":
        return [ale(), ale(curves="anchored", name="from the first point")][: 1 if n_columns > 1 else 2]
    if n_columns > 1:
        return [pdp()]
    shown = pdp() if kind == "average" else ice(ice_rows=n_rows)
    return [shown, ice(curves="anchored", ice_rows=1, name="from the first point")]


def _every_row(request: Request, outputs: Sequence[int], column: int, effect: Effect) -> Floats:
    """(N, G, K): the curves of all rows of X in turn, with those whose weight is 0, which no average has."""
    space = request.space
    assert effect.individual is not None
    weightless = np.flatnonzero(space.weights == 0)
    if not len(weightless):
        return effect.individual
    curves = np.empty((len(space.codes), *effect.individual.shape[1:]))
    curves[space.weights > 0] = effect.individual
    codes = space.columns.encode_values(column, effect.grid[0])
    rows, first = np.arange(len(weightless), dtype=np.int32), np.zeros(len(weightless), dtype=np.int32)
    piece = Gridded(space.codes[weightless], rows, np.array([column]), codes[:, None], first, np.arange(len(codes)))
    plan = TablePlan([piece], space.background, space.columns.decode_own)
    with request.predictor.watched("effects"):
        answers = [values[:, list(outputs)] for _, _, values in request.predictor.run(plan)]
    curves[weightless] = np.concatenate(answers).reshape(len(weightless), len(codes), -1)
    return curves
