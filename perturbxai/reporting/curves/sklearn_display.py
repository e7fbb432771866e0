"""What plot_effects() returns: the numbers of its panels, and their drawing, again and again, without the model."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from perturbxai.core.types import Ints
from perturbxai.reporting.curves import partial_panels, sklearn_arguments
from perturbxai.reporting.curves.keywords import Keywords, read_keywords
from perturbxai.reporting.curves.pair_panel import PALE
from perturbxai.reporting.curves.partial import Part, Results
from perturbxai.reporting.curves.partial_axes import lay_out
from perturbxai.reporting.curves.partial_panels import Artists, Sheet, limits_of, name_values
from perturbxai.reporting.types import Axes
from perturbxai.results.effect import Effect
from perturbxai.results.surface_places import beside_rows

Words = Mapping[str, Any]


class EffectsDisplay:
    """What `plot_effects` drew and computed, under the names of scikit-learn's PartialDependenceDisplay.

    effects     an Effect for each entry of features, in their order, with bands and counts, on its own grid
    pd_results  for each entry "grid_values", "average" (K, points...) and "individual" (K, N, points), as the kind has them;
                also as attributes. Of two classes K is 1: the one that is shown
    features    the numbers of the columns of each entry;  feature_names: of all columns;  target_idx: which of K is drawn
    kind, subsample, random_state  as they were given;  is_categorical: for each entry, which of its columns has levels
    deciles     {column: (9,)} of those that are numbers
    pdp_lim     {1: (low, high), 2: (low, high)}: the ends of what is shown, of one column and of two

    Of the last drawing, arrays (rows, columns) of the places, or shaped as `ax`; None where there is no such thing:
    figure_, axes_, bounding_ax_ (which was divided), lines_ (with rows' curves an axis more, the average last), bars_ (the
    first bar), contours_, heatmaps_, deciles_vlines_, deciles_hlines_
    """

    figure_: Any
    axes_: NDArray[Any]
    bounding_ax_: Any
    lines_: NDArray[Any]
    bars_: NDArray[Any]
    contours_: NDArray[Any]
    heatmaps_: NDArray[Any]
    deciles_vlines_: NDArray[Any]
    deciles_hlines_: NDArray[Any]

    def __init__(
        self, parts: Sequence[Part], *, features: Sequence[tuple[int, ...]], feature_names: Sequence[Any], target_idx: int,
        deciles: Mapping[int, NDArray[Any]], kind: str | Sequence[str], subsample: float | None,
        random_state: int | RandomState | None, is_categorical: Sequence[tuple[bool, ...]],
    ) -> None:  # fmt: skip
        self.effects: list[Effect] = [part.effect for part in parts]
        self.pd_results: list[Results] = [part.results for part in parts]
        self.features, self.feature_names, self.target_idx = list(features), list(feature_names), target_idx
        self.deciles, self.kind, self.subsample, self.random_state = dict(deciles), kind, subsample, random_state
        self.is_categorical = list(is_categorical)
        self.pdp_lim: dict[int, tuple[float, float]] = {}
        self._ale_lim: dict[int, tuple[float, float]] = {}
        self._parts = list(parts)
        # where no seed is given, another drawing still shows the same rows
        self._seed = int(np.random.default_rng().integers(1 << 31))

    def plot(
        self, *, ax: Axes | Sequence[Axes] | NDArray[Any] | None = None, n_cols: int = 3, line_kw: Words | None = None,
        ice_lines_kw: Words | None = None, pd_line_kw: Words | None = None, contour_kw: Words | None = None,
        bar_kw: Words | None = None, heatmap_kw: Words | None = None,
        pdp_lim: Mapping[int, tuple[float, float]] | None = None, centered: bool = False,
    ) -> Self:  # fmt: skip
        """Draw again, elsewhere or in another style, without asking the model; see `plot_effects` for the arguments.

        What is drawn is `pd_results` as it is now. Raises ValueError for another number of axes than entries, for an Axes
        that was divided before, for n_cols below 1, and for a kind that does not go with the results; TypeError for
        keywords that matplotlib does not know.
        """
        keywords = read_keywords(
            line_kw=line_kw, ice_lines_kw=ice_lines_kw, pd_line_kw=pd_line_kw, contour_kw=contour_kw, bar_kw=bar_kw,
            heatmap_kw=heatmap_kw,
        )  # fmt: skip
        kinds = sklearn_arguments.read_kinds(self.kind, len(self.features))
        given = sklearn_arguments.read_limits(pdp_lim) or {}
        results = [_from_first(one, self.target_idx) if centered else one for one in self.pd_results]
        sheets = [self._sheet(n, kind, one, centered) for n, (kind, one) in enumerate(zip(kinds, results, strict=True))]
        self._set_limits(kinds, results, given)
        scales = {(len(one.grid), one.signed) for one in sheets}
        apart = scales not in ({(1, False)}, {(1, True)})
        self.axes_, self.bounding_ax_ = lay_out(ax, n_cols, len(sheets), apart=apart)
        places: list[Any] = [place for place in np.ndindex(self.axes_.shape) if self.axes_[place] is not None]
        self.figure_ = self.axes_[places[0]].figure
        self._make_room(sheets)
        named: set[Any] = set()
        for place, sheet in zip(places, sheets, strict=True):
            self._keep(place, self._draw(self.axes_[place], sheet, keywords))
            if len(sheet.grid) == 1:  # once in a line of panels
                scale = (place[0] if len(place) == 2 else place), sheet.signed
                name_values(self.axes_[place], sheet.kind, beside=scale in named)
                named.add(scale)
        if ax is None:
            self.figure_.suptitle(_caption(self.effects), fontsize="small", color="#444444")
        return self

    def _sheet(self, number: int, kind: str, results: Results, centered: bool) -> Sheet:
        """One panel in numbers."""
        k, part, columns = self.target_idx, self._parts[number], self.features[number]
        mean = None if kind == "individual" else results["average"][k]
        rows = None
        if kind in ("individual", "both"):
            rows = results["individual"][k]
            rows = rows[self._drawn_rows(len(rows))]
        half, whole = (part.half(k, centered=centered, simultaneous=one) for one in (False, True))
        return Sheet(
            kind, results["grid_values"], [self.feature_names[c] for c in columns], self.is_categorical[number],
            [self.deciles.get(c) for c in columns], mean, rows, half, whole, part.effect, part.said, part.ends,
        )  # fmt: skip

    def _drawn_rows(self, n_rows: int) -> Ints:
        """(n,): the rows whose curves are drawn, those that scikit-learn draws by the same seed."""
        state = self._seed if self.random_state is None else self.random_state
        if not hasattr(state, "choice"):
            state = np.random.RandomState(state)  # what scikit-learn draws from
        n_drawn = sklearn_arguments.read_subsample(self.subsample, n_rows)
        return np.asarray(state.choice(n_rows, n_drawn, replace=False))

    def _draw(self, axis: Axes, sheet: Sheet, keywords: Keywords) -> Artists:
        """One panel within the limits of those like it."""
        limits = self._ale_lim if sheet.kind == "ale" else self.pdp_lim
        if len(sheet.grid) == 1:
            return partial_panels.draw_column(axis, sheet, keywords, limits[1])
        if any(sheet.levels) or min(sheet.shape) < 2:
            return partial_panels.draw_heatmap(axis, sheet, keywords, limits[2])
        return partial_panels.draw_contours(axis, sheet, keywords, np.linspace(*limits[2], num=8))

    def _set_limits(self, kinds: Sequence[str], results: Sequence[Results], given: Mapping[int, Any]) -> None:
        """What panels of one column, and of two, have room for; accumulated effects are around 0, and apart."""
        for name, alike in (("pdp_lim", False), ("_ale_lim", True)):
            chosen = [n for n, kind in enumerate(kinds) if (kind == "ale") == alike]
            found = limits_of([kinds[n] for n in chosen], [results[n] for n in chosen], self.target_idx)
            if 1 in found and not alike:  # curves have room for what maps beside them show
                found[1] = min(low for low, _ in found.values()), max(high for _, high in found.values())
            if 2 in found and alike:
                maps = [n for n in chosen if len(self.features[n]) == 2]
                seen = [results[n]["average"][self.target_idx][beside_rows(self.effects[n])] for n in maps]
                reach = max(*(float(np.abs(one).max()) for one in seen), self._noise())
                found[2] = -reach, reach
            setattr(self, name, {**found, **{n: ends for n, ends in given.items() if n in found}})

    def _noise(self) -> float:
        """So far accumulated maps reach at least: one that is nowhere above its error has no strong colours."""
        maps = [one.stderr[..., self.target_idx] for one in self.effects if len(one.names) == 2]
        least = [error[np.isfinite(error)].min(initial=np.inf) for error in maps]
        return float(max((PALE * one for one in least if np.isfinite(one)), default=0.0))

    def _make_room(self, sheets: Sequence[Sheet]) -> None:
        """Empty arrays for what will be drawn."""
        shape = self.axes_.shape
        n_rows = max((0 if one.rows is None else len(one.rows) for one in sheets), default=0)
        of_lines = (*shape, n_rows + any(one.kind == "both" for one in sheets)) if n_rows else shape
        self.lines_ = np.full(of_lines, None, dtype=object)
        for name in ("bars", "contours", "heatmaps", "deciles_vlines", "deciles_hlines"):
            setattr(self, f"{name}_", np.full(shape, None, dtype=object))

    def _keep(self, place: tuple[int, ...], made: Artists) -> None:
        """Enter the artists of a panel at its place; rows' curves first and the average last."""
        for name, artist in made.items():
            if name not in ("rows", "average"):
                getattr(self, f"{name}_")[place] = artist
        rows, average = made.get("rows", ()), made.get("average")
        if self.lines_.ndim == self.axes_.ndim:
            self.lines_[place] = average
            return
        self.lines_[place][: len(rows)] = rows
        if average is not None:
            self.lines_[(*place, -1)] = average


def _from_first(results: Results, k: int) -> Results:
    """All curves less their value at the first point; maps less that at the first point of their first column."""
    found = Results(results)
    if "average" in results:
        found["average"] = results["average"] - results["average"][k, :1]
    if "individual" in results:
        found["individual"] = results["individual"] - results["individual"][k, :, :1]
    return found


def _caption(effects: Sequence[Effect]) -> str:
    """What is said once over a figure of its own."""
    rows = effects[0].meta.get("drawn_rows")
    hatched = "; hatched: no rows there" * any(len(effect.names) == 2 for effect in effects)
    banded = "; 95 % bands: dark at each point, light for the whole curve" * any(len(one.names) == 1 for one in effects)
    return f"{rows:,} rows{banded}{hatched}"
