"""What a panel of effects stands on: where the points of an axis are on paper, and how many rows of the data are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.reporting.lettering import number, text, texts
from perturbxai.reporting.types import Axes
from perturbxai.results.effect import Effect

GAP = 0.07  # of an axis: how far a missing value stands from the others
LEVEL_KINDS = "OSUb"
LONGEST_LEVEL = 14
LEVEL_DIGITS = 7
FEW = 5  # whole numbers that have a tick each, and none between them
LONG_NUMBER = 1e4  # from here on fewer have room
CROWDED = 34  # letters of all levels, from which on these are turned
BESIDE = 0.1  # of an axis: so near to the word "missing" no other stands


@dataclass(frozen=True, eq=False)
class Ground:
    """One axis of a panel.

    values  the points that are no missing value, in the table's own units;  missing: whether one has
    at      where the values stand on paper, the missing one behind them
    levels  whether the values are levels, side by side, and no numbers;  dates: whether numbers are days
    """

    name: str
    values: NDArray[Any]
    at: Floats
    levels: bool
    dates: bool
    missing: bool

    @classmethod
    def of(cls, name: str, grids: Sequence[NDArray[Any]], levels: bool = False) -> Self:
        """The axis that several grids of a column share; levels follow each other as in the last of them."""
        levels = levels or any(grid.dtype.kind in LEVEL_KINDS for grid in grids)
        missing = any(bool(is_missing(grid).any()) for grid in grids)
        known = [grid[~is_missing(grid)] for grid in grids]
        if levels:
            ordered = list(dict.fromkeys([*known[-1].tolist(), *(v for grid in known for v in grid.tolist())]))
            values = np.empty(len(ordered), dtype=object)
            values[:] = ordered
            return cls(name, values, np.arange(len(ordered) + missing, dtype=float), True, False, missing)
        values = np.unique(np.concatenate(known))
        at = _numbers(values)
        if missing:
            at = np.append(at, at[-1] + 1.5 * GAP * (at[-1] - at[0]))
        shown = f"{name} (days)" if values.dtype.kind == "m" else name
        return cls(shown, values, at, False, values.dtype.kind == "M", missing)

    @property
    def known(self) -> Floats:
        """Where the values stand, without the missing one."""
        return self.at[:-1] if self.missing else self.at

    def places(self, grid: NDArray[Any]) -> Floats:
        """(G,): where the points of a grid stand."""
        gone = is_missing(grid)
        found = np.full(len(grid), self.at[-1])
        if self.levels:
            number = {value: place for place, value in enumerate(self.values.tolist())}
            found[~gone] = [number[value] for value in grid[~gone].tolist()]
        else:
            found[~gone] = _numbers(grid[~gone])
        return found

    def edges(self, at: Floats) -> Floats:
        """(G + 1,): ends of the cells around points, half way to the next; levels reach half a step to either side."""
        beyond = 0.5 * self.levels
        return np.concatenate([at[:1] - beyond, 0.5 * (at[:-1] + at[1:]), at[-1:] + beyond])

    @property
    def _few(self) -> bool:
        """Whether the values themselves are the ticks: two, or a few whole numbers that follow each other."""
        steps = np.diff(self.known)
        return len(self.known) == 2 or (len(self.known) <= FEW and bool((self.known % 1 == 0).all() and (steps == 1).all()))

    def ticks(self) -> tuple[list[float], list[str]] | None:
        """Where what is written, of levels, of a few numbers, and beside a missing value; None where an axis has its own."""
        if self.levels:
            values = [number(value, LEVEL_DIGITS) if isinstance(value, float) else value for value in self.values]
            return self.at.tolist(), texts(values, LONGEST_LEVEL) + ["missing"] * self.missing
        if self.dates or not (self.missing or self._few):
            return None
        from matplotlib.ticker import MaxNLocator

        shown = self.known if self._few else MaxNLocator(4).tick_values(self.known[0], self.known[-1])
        return self._inside(list(map(float, shown)), [number(value, LEVEL_DIGITS) for value in shown])

    def _inside(self, shown: Sequence[float], names: Sequence[str]) -> tuple[list[float], list[str]]:
        """What lies among the values, not too near to the missing one, and this."""
        last = self.known[-1] - BESIDE * (self.missing and not self._few) * (self.known[-1] - self.known[0])
        inside = [(at, name) for at, name in zip(shown, names, strict=True) if self.known[0] <= at <= last]
        inside += [(float(self.at[-1]), "missing")] * self.missing
        return [at for at, _ in inside], [name for _, name in inside]

    def label(self, axis: Axes, side: str = "x") -> None:
        """Name the axis and its values."""
        getattr(axis, f"set_{side}label")(text(self.name))
        self.tick(axis, side)

    def tick(self, axis: Axes, side: str = "x") -> None:
        """Name the values: levels by name, days as days, a missing value as what it is."""
        ticks = getattr(axis, f"set_{side}ticks")
        if self.levels and (own := self.ticks()) is not None:
            crowded = side == "x" and sum(map(len, own[1])) > CROWDED
            turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
            ticks(*own, **turned)
            return
        if self.dates:
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, num2date

            locator = AutoDateLocator(minticks=3, maxticks=6)  # by years from three on, of which six half-years are too many
            getattr(axis, f"{side}axis").set_major_locator(locator)
            getattr(axis, f"{side}axis").set_major_formatter(ConciseDateFormatter(locator))
            shown = locator.tick_values(*num2date(self.known[[0, -1]]))
            ticks(*self._inside(shown, ConciseDateFormatter(locator).format_ticks(shown)))
            return
        axis.locator_params(axis=side, nbins=5 if np.abs(self.known).max() < LONG_NUMBER else 4)  # type: ignore[arg-type]
        if (own := self.ticks()) is not None:
            ticks(*own)


def is_missing(grid: NDArray[Any]) -> Bools:
    """(G,): which points are missing values, of whatever kind."""
    import pandas as pd

    return np.asarray(pd.isna(grid))


def _numbers(values: NDArray[Any]) -> Floats:
    """Numbers as they are, dates as matplotlib's days, spans of time in days."""
    if values.dtype.kind == "M":
        from matplotlib.dates import date2num

        return np.asarray(date2num(values), dtype=np.float64)
    if values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "D"), dtype=np.float64)
    return values.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Rows:
    """How many rows of the data lie where: at points (by_point) or between neighbours. missing: those without a value."""

    at: Floats
    counts: Ints
    by_point: bool
    missing: int

    def deciles(self) -> Floats:
        """(9,) of rows that lie between points, evenly within."""
        below = np.concatenate([[0.0], np.cumsum(self.counts)])
        return np.asarray(np.interp(np.arange(1, 10) * below[-1] / 10.0, below, self.at))


def rows_of(effects: Sequence[Effect], ground: Ground, space: TabularSpace | None = None) -> Rows | None:
    """The rows behind effects of one column, None where they do not tell: an accumulated curve over levels counts steps.

    space  whose table is counted in that case
    """
    for effect in effects:
        if not effect.declared.accumulates:
            gone = is_missing(effect.grid[0])
            n_places = len(effect.counts) - int(gone.any())
            places = ground.places(effect.grid[0][~gone])
            # between points there is one place less
            return Rows(places, effect.counts[:n_places], n_places == len(places), int(effect.counts[n_places:].sum()))
    if not ground.levels:
        return Rows(ground.places(effects[0].grid[0]), effects[0].counts, False, 0)
    if space is None:
        return None
    number = space.columns.names.index(effects[0].names[0])
    held = space.columns.decode_values(number, space.codes[space.weights > 0, number])
    gone = is_missing(held)
    known = held[~gone].tolist()
    return Rows(ground.known, np.array([known.count(value) for value in ground.values]), True, int(gone.sum()))
