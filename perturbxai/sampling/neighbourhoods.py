"""Neighbourhoods of tables as LIME draws them: quantile bins and levels by their frequency, or a Gaussian around a row."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from scipy.special import ndtr, ndtri

from perturbxai.core.compiled import bin_kernels
from perturbxai.core.evaluations import once
from perturbxai.core.quantiles import order_statistics
from perturbxai.core.types import Bins, Bools, Floats, Ints, Ints32, Weights

MISSING = "missing"  # what a level of its own is called
PARTS = {"quartile": 4, "decile": 10}
GUIDES = 256  # parts of [0, 1) for which the first bin to look at is known
TABULATED = 513  # quantiles a bin, between which a draw is linear: small enough to stay in the cache


@dataclass(frozen=True, eq=False)
class Column:
    """How one column is drawn and described.

    share (L,)  frequency of each bin or level in the data; they sum to one. A missing value is a level of its own, the last
    edges (E,)  bin b holds edges[b - 1] < value <= edges[b], numbers only
    low, high, centre, spread (L,): how far a bin reaches, mean and deviation of the data in it, numbers only
    mean, deviation  of the whole column, missing values left out;  whole_numbers: its values are
    as_nan      the last level is the missing value, coded as NaN
    levels      names of the levels, None for numbers;  gaussian: drawn around a row and not within bins
    rules       words that were asked for, kept
    """

    share: Floats
    edges: Floats
    low: Floats
    high: Floats
    centre: Floats
    spread: Floats
    mean: float
    deviation: float
    whole_numbers: bool
    levels: tuple[str, ...] | None
    gaussian: bool = False
    as_nan: bool = False
    rules: dict[tuple[str, int, bool], str] = field(default_factory=dict)

    @property
    def constant(self) -> bool:
        """True if no draw can differ from another."""
        return self.deviation == 0.0 if self.gaussian else int((self.share > 0).sum()) < 2

    def bin_of(self, code: float) -> int:
        """The bin or level of a code."""
        if code != code:  # missing
            return len(self.share) - 1
        return int(code) if self.levels is not None else bisect_left(self._edges, code)

    @cached_property
    def _edges(self) -> list[float]:
        """A twentieth of the time of an array, for one number."""
        found: list[float] = self.edges.tolist()
        return found

    @cached_property
    def quantiles(self) -> list[Floats]:
        """By bin, quantiles of its truncated normal at even levels; of a level, its code twice; NaN for missing values."""
        if self.levels is not None:
            codes = [float(b) for b in range(len(self.share))]
            codes[-1:] = [np.nan] if self.as_nan else codes[-1:]
            return [np.full(2, code) for code in codes]
        found = []
        for low, high, centre, spread in zip(self.low, self.high, self.centre, self.spread, strict=True):
            if not spread > 0:
                found.append(np.full(2, centre))
                continue
            reach = ndtr((low - centre) / spread), ndtr((high - centre) / spread)
            inside = np.clip(centre + spread * ndtri(np.linspace(*reach, TABULATED)), low, high)
            found.append(np.round(inside) if self.whole_numbers else inside)
        return found

    @cached_property
    def means(self) -> Floats:
        """(L,) mean of what is drawn in each bin: a line between tabulated quantiles; 0 for levels."""
        if self.levels is not None:
            return np.zeros(len(self.share))
        return np.array([np.trapezoid(q, dx=1.0 / (len(q) - 1)) if self.spread[b] > 0 else 0.0
                         for b, q in enumerate(self.quantiles)])  # fmt: skip

    def rule(self, name: str, code: float) -> str:
        """What the bin or level of a code says in words: "3.2 < age <= 5", "colour = red"."""
        if self.gaussian:
            return name
        b = self.bin_of(code)
        return once(self.rules, (name, b, code != code), lambda: self._rule(name, b, code))

    def _rule(self, name: str, b: int, code: float) -> str:
        if np.isnan(code) or (self.levels is not None and self.levels[b] == MISSING):
            return f"{name} is missing"
        if self.levels is not None:
            return f"{name} = {self.levels[b]}"
        if not len(self.edges):
            return name
        if b == len(self.edges):
            return f"{name} > {self.edges[b - 1]:.4g}"
        below = f"{self.edges[b - 1]:.4g} < " if b > 0 else ""
        return f"{below}{name} \N{LESS-THAN OR EQUAL TO} {self.edges[b]:.4g}"


def level_column(values: Floats, weight: Weights, levels: Sequence[str]) -> Column:
    """A column of levels (their codes are 0, 1, ...), each drawn by its frequency; NaN is a level where it occurs."""
    names = (*levels, MISSING) if np.isnan(values).any() else tuple(levels)
    at = np.nan_to_num(values, nan=float(len(levels))).astype(np.int64)
    share = np.bincount(at, weights=weight, minlength=len(names)) / weight.sum()
    none = np.zeros(0)
    return Column(share, none, none, none, none, none, 0.0, 0.0, False, names, as_nan=len(names) > len(levels))


def binned_column(values: Floats, weight: Weights, edges: Floats, whole: bool) -> Column:
    """A column of numbers in bins. Edges that leave a bin without data are dropped; missing values are a last bin."""
    there = ~np.isnan(values)
    known, mass = values[there], weight[there]
    edges = _parting(np.sort(known), np.unique(edges))
    bins = np.searchsorted(edges, known, side="left")
    n_bins = len(edges) + 1
    total = np.bincount(bins, weights=mass, minlength=n_bins)
    parts = np.where(total > 0, total, 1.0)
    centre = np.bincount(bins, weights=mass * known, minlength=n_bins) / parts
    spread = np.sqrt(np.bincount(bins, weights=mass * (known - centre[bins]) ** 2, minlength=n_bins) / parts)
    low, high = np.full(n_bins, np.inf), np.full(n_bins, -np.inf)
    np.minimum.at(low, bins, known)
    np.maximum.at(high, bins, known)
    single = low == high  # rounding would leave it a spread, and draw what no row has
    centre[single], spread[single] = low[single], 0.0
    if not whole:  # as lime: a bin reaches to its edges, and the outer ones to the ends of the data
        low[1:], high[:-1] = edges, edges
    if not there.all():
        total = np.append(total, weight[~there].sum())
        low, high, centre = (np.append(ends, np.nan) for ends in (low, high, centre))
        spread = np.append(spread, 0.0)
    return Column(total / total.sum(), edges, low, high, centre, spread, *_moments(known, mass), whole, None)


def _parting(known: Floats, edges: Floats) -> Floats:
    """The edges (sorted) that part the data: some of it lies below each, beyond the edge before, and some above."""
    below = np.searchsorted(known, edges, side="right")
    kept = (np.diff(below, prepend=0) > 0) & (below < len(known))
    return np.asarray(edges[kept])


def quantile_edges(values: Floats, weight: Weights, discretizer: str) -> Floats:
    """(E,) inner edges of quartiles or deciles; of equally weighted rows by linear interpolation, as numpy's percentile."""
    there = ~np.isnan(values)
    known, mass, parts = values[there], weight[there], PARTS[discretizer]
    if not len(known):
        return np.zeros(0)
    if np.ptp(mass) <= 1e-12 * mass.max():
        return np.asarray(np.quantile(known, np.arange(1, parts) / parts))
    return order_statistics(known, mass, np.arange(1, parts), parts)


def gaussian_column(values: Floats, weight: Weights, whole: bool) -> Column:
    """A column of numbers that is drawn around a row's value with the data's deviation."""
    there = ~np.isnan(values)
    none = np.zeros(0)
    return Column(none, none, none, none, none, none, *_moments(values[there], weight[there]), whole, None, gaussian=True)


def _moments(values: Floats, weight: Weights) -> tuple[float, float]:
    if not len(values) or weight.sum() == 0:
        return 0.0, 0.0
    if values.min() == values.max():  # rounding would leave it a deviation
        return float(values[0]), 0.0
    mean = float(weight @ values / weight.sum())
    return mean, float(np.sqrt(weight @ (values - mean) ** 2 / weight.sum()))


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The columns of a table as they are drawn, packed for the kernels and for what is read of every row.

    gaussian, live (D,) bool: drawn around a row and not in bins or levels; any draw can differ from another
    mean, unit (D,): of the column; of a Gaussian one its deviation, else 1;  share (D, L) of bins and levels
    laws: see bin_kernels.draw_binned;  means, placed (D, L): see bin_kernels.sweep_bins
    """

    columns: Sequence[Column]
    gaussian: Bools
    live: Bools
    mean: Floats
    unit: Floats
    share: Floats
    laws: tuple[Floats, Ints32, Floats, Ints, Floats]
    means: Floats
    placed: Floats

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Self:
        """Pack columns."""
        gaussian = np.array([c.gaussian for c in columns], dtype=bool)
        n_bins = max((len(c.share) for c in columns), default=0)
        share, means, placed = np.zeros((3, len(columns), n_bins))
        for d, column in enumerate(columns):
            own = len(column.share)  # none of a Gaussian one
            share[d, :own] = column.share
            if column.levels is None:
                means[d, :own], placed[d, :own] = column.means, column.spread > 0
        live = np.array([not c.constant for c in columns], dtype=bool)
        mean = np.array([c.mean for c in columns])
        unit = np.array([c.deviation or 1.0 if c.gaussian else 1.0 for c in columns])
        return cls(columns, gaussian, live, mean, unit, share, _laws(columns, gaussian, n_bins), means, placed)

    def draw(self, around: Floats, n_rows: int, rng: np.random.Generator) -> tuple[Floats, Bins]:
        """Codes (D, n) and bins (D, n) of rows, independent across rows and columns; around (D,): Gaussian centres."""
        codes = rng.random((len(self.columns), n_rows))
        narrow = self.share.shape[1] <= np.iinfo(np.int16).max  # read several times: what is small stays in the cache
        bins = np.zeros(codes.shape, dtype=np.int16 if narrow else np.int32)
        bin_kernels.draw_binned(codes, ~self.gaussian, self.laws, bins)
        for d in np.flatnonzero(self.gaussian).tolist():
            codes[d] = around[d] + self.columns[d].deviation * ndtri(np.maximum(codes[d], 1e-300))
        for d, column in enumerate(self.columns):
            if column.whole_numbers:
                np.round(codes[d], out=codes[d])
        return codes, bins

    def bins_of(self, x: Floats) -> Ints:
        """(D,): the bin or level of each of a row's codes, 0 for Gaussian columns."""
        parts = zip(self.columns, x.tolist(), strict=True)
        return np.array([0 if column.gaussian else column.bin_of(code) for column, code in parts], dtype=np.int64)


def _laws(columns: Sequence[Column], gaussian: Bools, n_bins: int) -> tuple[Floats, Ints32, Floats, Ints, Floats]:
    """How the kernel draws the columns that are not Gaussian."""
    top, scale = np.ones((len(columns), n_bins + 1)), np.zeros((len(columns), n_bins))
    guide = np.zeros((len(columns), max(GUIDES, 4 * n_bins)), dtype=np.int32)
    start = np.zeros((len(columns), n_bins + 1), dtype=np.int64)
    parts, at = [np.zeros(0)], 0
    for d in np.flatnonzero(~gaussian).tolist():
        column = columns[d]
        own = len(column.share)
        top[d, 0], top[d, 1 : own + 1] = 0.0, np.cumsum(column.share)
        top[d, np.flatnonzero(column.share)[-1] + 1 :] = 1.0  # what rounding leaves of one belongs to the last that occurs
        lengths = np.array([len(q) for q in column.quantiles])
        width = np.diff(top[d, : own + 1])
        # a hair less than a whole bin, so that rounding cannot lead beyond the last quantile
        scale[d, :own] = np.divide((lengths - 1) * (1 - 1e-15), width, out=np.zeros(own), where=width > 0)
        guide[d] = np.searchsorted(top[d, : own + 1], np.arange(guide.shape[1]) / guide.shape[1], side="right") - 1
        start[d] = at + np.cumsum([0, *lengths] + [0] * (n_bins - own))
        at = int(start[d, -1])
        parts += column.quantiles
    return top, guide, scale, start, np.concatenate(parts)
