"""Panels of a partial dependence display: scikit-learn's lines, bars, contours and heat maps, with bands and empty cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats
from perturbxai.reporting.curves import pair_panel
from perturbxai.reporting.curves.axis_places import Ground, is_missing
from perturbxai.reporting.curves.column_panel import WARNING, warning_strip, widened
from perturbxai.reporting.curves.keywords import Keywords
from perturbxai.reporting.curves.off_data import Unsupported
from perturbxai.reporting.lettering import shortened, text
from perturbxai.reporting.types import Axes, Line2D
from perturbxai.results.effect import Effect

Artists = dict[str, Any]

BAND, WHOLE_BAND = 0.25, 0.1  # opacities: at each point, of the whole curve
DECILE = 0.05  # of a panel's height
MOST_NUMBERED = 8  # levels across a heat map up to which each cell has its number
MOST_TICKS = 8  # along an axis of a heat map that are numbers
VALUE_NAMES = {"average": "Partial dependence", "ale": "Accumulated local effect"}


@dataclass(frozen=True, eq=False)
class Sheet:
    """One panel as it is to be drawn, in numbers.

    average (G...) and rows (N, G), None where they are not shown;  half, whole: half the widths of the bands (G...)
    levels   of each axis;  names: of each, as the user has them;  deciles: of each, None of levels
    said     where made-up rows are unlike the data, or None;  ends: of what of the column is shown, None for all of it
    """

    kind: str
    grid: Sequence[NDArray[Any]]
    names: Sequence[Any]
    levels: Sequence[bool]
    deciles: Sequence[NDArray[Any] | None]
    average: Floats | None
    rows: Floats | None
    half: Floats | None
    whole: Floats | None
    effect: Effect | None
    said: Unsupported | None = None
    ends: tuple[Any, Any] | None = None

    @property
    def signed(self) -> bool:
        """Whether the values lie around 0."""
        return self.kind == "ale"

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis, without missing values of numbers."""
        parts = zip(self.grid, self.levels, strict=True)
        return tuple(len(grid) if level else int((~is_missing(grid)).sum()) for grid, level in parts)


def draw_column(axis: Axes, sheet: Sheet, keywords: Keywords, ends: tuple[float, float]) -> Artists:
    """One column: rows' curves, the average with its bands, and deciles. Returns the artists by name."""
    level = sheet.levels[0]
    ground = Ground.of(str(sheet.names[0]), [sheet.grid[0]], level)
    at = _levels_at(sheet.grid[0]) if level else ground.places(sheet.grid[0])
    gone = (at == ground.at[-1]) & ground.missing & (not level)
    made: Artists = {"rows": [], "average": None}
    if sheet.rows is not None:
        words = keywords.of_rows(beside_average=sheet.average is not None)
        if level:
            bars = {"color": "#333333"} if sheet.average is not None else {}  # not that of bars that they lie on
            words = {**words, **bars, **keywords.line, **keywords.ice_lines, "linestyle": "None", "marker": "_"}
            words = {"markersize": 16.0, **{name: value for name, value in words.items() if name != "label"}}
        made["rows"] = [_line(axis, at, one, words, gone) for one in sheet.rows]
    if sheet.average is not None and level:
        made["bars"] = axis.bar(at, sheet.average, **keywords.of_bars())[0]
        for half, width in ((sheet.whole, 0.8), (sheet.half, 2.0)):  # thick at each level, thin for all of them together
            if half is not None:
                axis.vlines(at, sheet.average - half, sheet.average + half, color="#222222", linewidth=width)
    elif sheet.average is not None:
        made["average"] = _line(axis, at, sheet.average, keywords.of_average(beside_rows=sheet.rows is not None), gone)
        _bands(axis, at, sheet, made["average"].get_color(), gone)
    if level:
        axis.set_xticks(at, [_text(value) for value in sheet.grid[0]])
        axis.tick_params(axis="x", rotation=90)
    elif sheet.grid[0].dtype.kind not in "iuf" or ground.missing:
        ground.tick(axis)
    if sheet.said is not None:
        _warn(axis, sheet.said, at, ground)
    made["deciles_vlines"] = _ticks(axis, sheet.deciles[0], sheet.grid[0], "x")
    axis.set_ylim(*ends)
    if sheet.ends is not None:
        axis.set_xlim(*ground.places(np.asarray(sheet.ends)))
    name_axis(axis, "x", sheet.names[0])
    if made["average"] is not None and not str(made["average"].get_label()).startswith("_"):
        axis.legend()
    return made


def draw_contours(axis: Axes, sheet: Sheet, keywords: Keywords, levels: Floats) -> Artists:
    """Two columns of numbers: filled contours with their values, hatched where no rows are, and deciles of both."""
    assert sheet.average is not None
    grounds = [Ground.of(str(name), [grid]) for name, grid in zip(sheet.names, sheet.grid, strict=True)]
    places = [ground.places(grid) for ground, grid in zip(grounds, sheet.grid, strict=True)]
    order = [np.argsort(one, kind="stable") for one in places]
    x, y = (one[rise] for one, rise in zip(places, order, strict=True))
    z = sheet.average[np.ix_(*order)].T
    words = keywords.of_contours(levels, signed=sheet.signed)
    if sheet.signed:
        words = {"extend": "both"} | words  # what lies beyond, where no rows are, has the colours of the ends
    known = np.ix_(*(np.arange(len(one) - ground.missing) for one, ground in zip((y, x), grounds[::-1], strict=True)))
    part = x[: known[1].size], y[: known[0].size], z[known]
    with_lines = axis.contour(*part, levels=words["levels"], linewidths=0.5, colors="k")
    made: Artists = {"contours": axis.contourf(*part, **words)}
    axis.clabel(with_lines, fmt="%.3g", colors="k", fontsize=10, inline=True)
    if z[known].size < z.size:
        like = made["contours"]  # beside contours, what is at missing values, in cells of the same colours
        look = {"cmap": like.get_cmap(), "norm": like.norm, "alpha": like.get_alpha()}
        for of_block, cells in pair_panel.blocks(grounds, (x, y))[1:]:
            axis.pcolormesh(*of_block, z.T[cells].T, **look)
    if sheet.effect is not None:
        pair_panel.hatch(axis, grounds, sheet.effect)
    kept = axis.get_xlim(), axis.get_ylim()
    made["deciles_vlines"] = _ticks(axis, sheet.deciles[0], sheet.grid[0], "x")
    made["deciles_hlines"] = _ticks(axis, sheet.deciles[1], sheet.grid[1], "y")
    axis.set_xlim(kept[0])
    axis.set_ylim(kept[1])
    for side, ground in zip("xy", grounds, strict=True):
        if ground.dates or ground.missing:
            ground.tick(axis, side)
    name_axis(axis, "x", sheet.names[0])
    name_axis(axis, "y", sheet.names[1])
    return made


def draw_heatmap(axis: Axes, sheet: Sheet, keywords: Keywords, ends: tuple[float, float]) -> Artists:
    """Levels against levels, or against points: the first column downwards, as scikit-learn has it."""
    assert sheet.average is not None
    words = keywords.of_heatmap(signed=sheet.signed)
    if sheet.signed and not {"norm", "vmin", "vmax"} & set(words):
        words |= {"vmin": ends[0], "vmax": ends[1]}
    values = sheet.average
    image = axis.imshow(values, **words)
    if len(values.T) <= MOST_NUMBERED:
        size = min(10.0, 40.0 / len(values.T))
        middle = 0.5 * (values.max() + values.min())
        for (row, column), value in np.ndenumerate(values):
            colour = image.cmap(1.0) if value < middle else image.cmap(0)
            axis.text(column, row, f"{value:.3g}", ha="center", va="center", color=colour, fontsize=size)
    axis.figure.colorbar(image, ax=axis)
    for side, one in (("x", 1), ("y", 0)):
        grid = sheet.grid[one]
        shown = np.arange(len(grid))
        if not sheet.levels[one]:
            shown = np.unique(np.linspace(0, len(grid) - 1, min(len(grid), MOST_TICKS)).astype(int))
        getattr(axis, f"set_{side}ticks")(shown, [_text(value, 6 if sheet.levels[one] else 3) for value in grid[shown]])
        name_axis(axis, side, sheet.names[one])
    axis.tick_params(axis="x", rotation=90)
    return {"heatmaps": image}


def name_values(axis: Axes, kind: str, beside: bool) -> None:
    """Say what curves are in, unless something is said; nothing beside a panel on the same scale."""
    if beside:
        axis.set_yticklabels([])
    elif not axis.get_ylabel():
        axis.set_ylabel(VALUE_NAMES.get(kind, VALUE_NAMES["average"]))


def name_axis(axis: Axes, side: str, name: object) -> None:
    """Call an axis what its column is called, unless it has a name."""
    if not getattr(axis, f"get_{side}label")():
        getattr(axis, f"set_{side}label")(shortened([name])[0], parse_math=False)


def limits_of(kinds: Sequence[str], results: Sequence[Mapping[str, Any]], k: int) -> dict[int, tuple[float, float]]:
    """By number of columns, the ends of what panels hold together, and a twentieth more."""
    found: dict[int, tuple[float, float]] = {}
    for kind, one in zip(kinds, results, strict=True):
        values = one["individual" if kind in ("individual", "both") else "average"][k]
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        room = 0.05 * (high - low)
        number = len(one["grid_values"])
        before = found.get(number, (np.inf, -np.inf))
        found[number] = min(low - room, before[0]), max(high + room, before[1])
    return {number: widened(*ends) for number, ends in found.items()}


def _levels_at(grid: NDArray[Any]) -> NDArray[Any]:
    """Where levels stand: whole numbers that follow each other where they are, others side by side."""
    plain = grid.dtype.kind in "iuf" and len(grid) > 1 and (np.diff(grid) == 1).all()
    return grid if plain else np.arange(len(grid), dtype=float)


def _line(axis: Axes, at: NDArray[Any], values: Floats, words: dict[str, Any], gone: Bools) -> Line2D:
    """A curve; a missing value (gone) is a mark of its own, and so is a point that is alone."""
    if (~gone).sum() == 1 and "marker" not in words:
        words = {"marker": "o", **words}
    (line,) = axis.plot(at[~gone], values[~gone], **words)
    if gone.any():
        look = {"color": line.get_color(), "alpha": line.get_alpha(), "marker": "D", "s": 16.0}
        axis.scatter(at[gone], values[gone], **look)
    return line


def _bands(axis: Axes, at: NDArray[Any], sheet: Sheet, colour: str, gone: Bools) -> None:
    """Where the average of all rows like these lies: at each point, and lighter for the whole curve."""
    assert sheet.average is not None
    alone = gone if (~gone).sum() > 1 else np.ones(len(at), dtype=bool)
    for half, alpha in ((sheet.whole, WHOLE_BAND), (sheet.half, BAND)):
        if half is None or not np.isfinite(half).any():
            continue
        low, high = sheet.average - half, sheet.average + half
        if not alone.all():
            axis.fill_between(at[~gone], low[~gone], high[~gone], color=colour, alpha=alpha, linewidth=0)
        axis.vlines(at[alone], low[alone], high[alone], color=colour, alpha=2.0 * alpha)


def _ticks(axis: Axes, deciles: NDArray[Any] | None, grid: NDArray[Any], side: str) -> Any:
    """Short lines at the deciles of a column, None of levels."""
    if deciles is None:
        return None
    at = Ground.of("", [grid]).places(np.asarray(deciles)) if grid.dtype.kind == "M" else deciles
    if side == "x":
        return axis.vlines(at, 0, DECILE, transform=axis.get_xaxis_transform(), color="k")
    return axis.hlines(at, 0, DECILE, transform=axis.get_yaxis_transform(), color="k")


def _warn(axis: Axes, said: Unsupported, at: NDArray[Any], ground: Ground) -> None:
    """How much of what is asked lies where no row is: in words above the panel, unless it has a title, and as a strip."""
    order = np.argsort(at, kind="stable")
    warning_strip(axis, ground.edges(np.asarray(at, dtype=float)[order]), said.at[order], DECILE + 0.005, zorder=1.0)
    if not any(axis.get_title(loc=loc) for loc in ("left", "center", "right")):
        words = f"{said.share:.0%} asked where no rows are, beside {text(said.column, 22)}"
        axis.set_title(words, loc="left", fontsize="small", color=WARNING)


def _text(value: object, digits: int = 6) -> str:
    if is_missing(np.array([value], dtype=object))[0]:
        return "missing"
    return text(f"{value:.{digits}g}" if isinstance(value, (float, np.floating)) else value)
