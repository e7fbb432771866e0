"""Regions of an effect: which columns tell rows apart, asked of nobody but the answers that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from perturbxai.calls.grids import Drawn, order_by_value, varies
from perturbxai.core import checks
from perturbxai.core.conditions import Condition
from perturbxai.core.options import options
from perturbxai.core.types import Bools, Codes, Features, Floats, Ints
from perturbxai.core.wording import own_value
from perturbxai.estimation.curves.grid_tables import GridTable
from perturbxai.estimation.curves.profiles import Profiles, of_curves, of_steps
from perturbxai.estimation.curves.regions import Cut, Leaf, Search
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.results.amounts import joined
from perturbxai.results.regions import Region, RegionCut, RegionsFound

FEWEST = 10  # rows of a region
DIGITS = (4, 8, 17)  # of values in the name of a region
ROUNDING = 1e-9  # of the largest answer, which is 1 then: rows that disagree by less agree


@options
class Regions:
    """How `effects(..., regions=...)` looks for regions of the data in which rows agree.

    Where rows disagree on a curve, their mean is a curve of nobody. A region is what one or two conditions leave, such as
    "workingday = 0 and temp > 20", chosen one after the other as in a regression tree, so that what rows disagree by within
    regions falls most. Herbinger, Bischl & Casalicchio, "REPID" (2022) do so for partial dependence.

    conditions  how many a region has at most
    columns     which columns conditions may be about; None for all but those of the effect itself
    least_rows  the share of the drawn rows that a region has at least; never fewer than 10 rows
    least_fall  the share of the squared heterogeneity of the rows before it that a cut has to take away from rows that did
                not choose it
    draws       how often conditions are shuffled against what rows say, for the floor that a cut has to exceed; 19 or more,
                for 95 % of draws without any region to find none

    Raises ValueError for numbers outside their bounds.
    """

    conditions: int = 2
    columns: Features | None = None
    least_rows: float = 0.05
    least_fall: float = 0.1
    draws: int = 19

    def __post_init__(self) -> None:
        checks.whole("conditions", self.conditions, 1, of="conditions")
        checks.number("least_rows", self.least_rows, "a share of the rows from 0 to 0.5", least=0.0, most=0.5)
        checks.number("least_fall", self.least_fall, "a share from 0 to below 1", least=0.0, below=1.0)
        checks.whole("draws", self.draws, 19, of="draws")


def read_regions(given: object) -> Regions | None:
    """The options of a call. Raises ValueError for another word, TypeError for what is neither."""
    if given is None or isinstance(given, Regions):
        return given
    if isinstance(given, str) and given == "auto":
        return Regions()
    kind = ValueError if isinstance(given, str) else TypeError
    raise kind(f'regions={checks.as_given(given)} must be "auto", px.Regions(...) with options, or None.')


def columns_of(asked: Regions, space: TabularSpace) -> Sequence[int] | None:
    """Numbers of the columns that conditions may be about; None for all. Raises ValueError for unknown ones."""
    if asked.columns is None:
        return None
    given: Any = space.columns.read_mask(asked.columns, "regions")
    given = checks.several("regions", asked.columns, "columns", (str, int, tuple)) if given is None else given
    found = []
    for one in given:
        number = space.columns.find(one)
        if number is None:
            near = checks.did_you_mean(one, space.columns.names)
            raise ValueError(f"regions: {checks.as_given(one)} is not a column of x{near or '.'}")
        found.append(number)
    return found


@dataclass(frozen=True, eq=False)
class RegionFinder:
    """What finds the regions of each effect of a call. columns: as `columns_of` tells them."""

    asked: Regions
    columns: Sequence[int] | None
    space: TabularSpace
    drawn: Drawn

    def find(
        self, own: Sequence[int], table: GridTable, kept: Sequence[tuple[Ints, Floats]], all_points: bool,
        rng: np.random.Generator,
    ) -> tuple[RegionsFound, dict[str, Bools]]:  # fmt: skip
        """The regions of one effect, and which of the drawn rows each holds.

        own: the columns of the effect;  kept: the answers (m, T, K), or around the places (m, window, K), of rows (m,)
        """
        rows = np.concatenate([numbers for numbers, _ in kept])
        answers = np.concatenate([found for _, found in kept])
        order = order_by_value(self.drawn.codes[rows], self.drawn.weight[rows])  # whatever the table's
        rows, answers = rows[order], answers[order]
        largest = np.abs(answers).max(axis=(0, 1), initial=0.0)
        unit = np.where(largest > 0, largest, 1.0)  # squares of the largest and the smallest numbers are no numbers
        profiles = _profiles(table, rows, answers / unit, all_points)
        search = self._search(own, rows, profiles, rng)
        leaves = list(search.leaves())
        names = self._names(leaves)
        regions = tuple(self._region(name, leaf, profiles, unit) for name, leaf in zip(names, leaves, strict=True))
        total = _weight(profiles)
        whole = profiles.heterogeneity() / total
        left = sum(profiles.heterogeneity(leaf.rows) for leaf in leaves) / total
        cuts = tuple(map(self._tried, search.tried))
        found = RegionsFound(regions, cuts, np.sqrt(whole) * unit, np.sqrt(left) * unit, all_points, self.space.columns)
        if len(leaves) == 1:
            return found, {}
        return found, {
            name: np.isin(np.arange(len(self._codes)), rows[leaf.rows]) for name, leaf in zip(names, leaves, strict=True)
        }

    def _search(self, own: Sequence[int], rows: Ints, profiles: Profiles, rng: np.random.Generator) -> Search:
        """What cuts these rows; nothing where they agree but for rounding."""
        columns, codes = self.space.columns, self._codes
        allowed = range(codes.shape[1]) if self.columns is None else self.columns
        about = [c for c in allowed if c not in own and (varies(codes[:, c]) or _some_missing(codes[:, c]))]
        free = frozenset(c for c in about if not (columns.numeric[c] or columns.ordered[c]))
        least = max(FEWEST, int(np.ceil(self.asked.least_rows * len(rows))))
        quiet = bool((profiles.heterogeneity() <= ROUNDING**2 * _weight(profiles)).all())
        return Search(
            profiles, codes[rows], [] if quiet else about, free, self.asked.conditions, least, self.asked.least_fall,
            self.asked.draws, rng,
        )  # fmt: skip

    def _tried(self, cut: Cut) -> RegionCut:
        kept = cut.fall > cut.floor and cut.honest >= self.asked.least_fall
        return RegionCut(self._told(cut.condition), cut.fall, cut.honest, cut.halves, cut.floor, kept)

    def _region(self, name: str, leaf: Leaf, profiles: Profiles, unit: Floats) -> Region:
        own = profiles.part(leaf.rows)
        share = _weight(own) / _weight(profiles)
        return Region(name, leaf.conditions, share, len(leaf.rows), np.sqrt(own.heterogeneity() / _weight(own)) * unit)

    @cached_property
    def _codes(self) -> Codes:
        """Of the drawn rows, as conditions read them."""
        return self.space.columns.gaps_as_nan(self.drawn.codes)

    def _names(self, leaves: Sequence[Leaf]) -> list[str]:
        """The regions by their conditions, with as many digits as tell them apart."""
        found: list[str] = []
        for digits in DIGITS:
            found = [self._called(leaf.conditions, digits) for leaf in leaves]
            if len(set(found)) == len(found):
                return found
        return [f"{name} ({n + 1})" for n, name in enumerate(found)]  # values that read alike

    def _called(self, conditions: Sequence[Condition], digits: int) -> str:
        """A region by its conditions; of several thresholds of one column the closest: "6 < hour ≤ 10"."""
        by_column: dict[int, list[Condition]] = {}
        for one in conditions:
            by_column.setdefault(one.column, []).append(one)
        told = []
        for column, own in by_column.items():
            lower = max((one for one in own if one.threshold is not None and one.turned), key=_threshold, default=None)
            upper = min((one for one in own if one.threshold is not None and not one.turned), key=_threshold, default=None)
            told += [self._told(one, digits) for one in own if one.threshold is None]
            if lower is not None and upper is not None:
                name = self.space.columns.names[column]
                first = self._told(lower, digits).removeprefix(f"{name} > ").removesuffix(" or missing")
                told.append(f"{first} < {self._told(upper, digits)}")
            elif (only := lower or upper) is not None:
                told.append(self._told(only, digits))
        return " and ".join(told) or "all rows"

    def _told(self, condition: Condition, digits: int = DIGITS[0]) -> str:
        """A condition in words, in the table's own values."""
        columns, c, turned = self.space.columns, condition.column, condition.turned
        name, own = columns.names[c], self._codes[:, c]
        if condition.missing:
            return f"{name} is {'known' if turned else 'missing'}"
        if condition.threshold is not None:
            known = np.unique(own[~np.isnan(own)])
            beside = " or missing" if turned and np.isnan(own).any() else ""
            sides = known[known > condition.threshold] if turned else known[known <= condition.threshold]
            if len(sides) == 1 and len(known) == 2:
                return f"{name} = {self._value(c, sides[0], digits)}{beside}"
            at = known[known <= condition.threshold][-1] if columns.whole_numbers[c] else condition.threshold
            return f"{name} {'>' if turned else '≤'} {self._value(c, at, digits)}{beside}"
        named = joined([self._value(c, code, digits) for code in condition.levels], "or")
        return f"{name} is {'not ' * turned}{named}"

    def _value(self, c: int, code: float, digits: int) -> str:
        (value,) = self.space.columns.decode_values(c, np.array([code]))
        return own_value(value.item() if isinstance(value, np.generic) else value, digits)


def _threshold(condition: Condition) -> float:
    return np.inf if condition.threshold is None else condition.threshold


def _some_missing(column: Floats) -> bool:
    missing = np.isnan(column)
    return bool(missing.any() and not missing.all())


def _profiles(table: GridTable, rows: Ints, answers: Floats, all_points: bool) -> Profiles:
    if all_points:
        return of_curves(table, rows, answers)
    step = answers.reshape(len(answers), *(a.window for a in table.along), table.n_outputs)
    for number in range(len(table.along)):
        step = np.diff(step, axis=1 + number)
    return of_steps(table, rows, step.reshape(len(step), -1, table.n_outputs))


def _weight(profiles: Profiles) -> float:
    """The summed weight of the rows: that of any point of a whole curve, or of the steps that a row takes part in."""
    mass = profiles.mass[:, : profiles.width]
    return float(mass.sum() if profiles.place.any() else mass[:, 0].sum())


def replayed(
    table: GridTable, kept: Iterator[tuple[Ints, Floats]] | Sequence[tuple[Ints, Floats]], all_points: bool
) -> None:
    """Hand a table the answers that were kept, as they came."""
    for rows, answers in kept:
        (table.add_all_points if all_points else table.add_corners)(rows, answers)
