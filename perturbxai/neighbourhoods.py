"""Neighbourhoods of tables as LIME draws them: quantile bins and levels by their frequency, or a Gaussian around a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from perturbxai import kernels
from perturbxai.tables import Bools, Floats, Ints

QUANTILES = {"quartile": (0.25, 0.5, 0.75), "decile": tuple(k / 10 for k in range(1, 10))}
TABULATED = 513  # quantiles a bin, between which a draw is linear: small enough to stay in the cache


@dataclass(frozen=True, eq=False)
class Column:
    """How one column is drawn and described.

    share (L,)  frequency of each bin or level in the data; they sum to one. A missing value is a level of its own, the last
    edges (E,)  bin b holds edges[b - 1] < value <= edges[b], numbers only
    low, high, centre, spread (L,): how far a bin reaches, mean and deviation of the data in it, numbers only
    mean, deviation  of the whole column, missing values left out;  whole: values are whole numbers
    levels      names of the levels, None for numbers;  gaussian: drawn around a row and not within bins
    """

    share: Floats
    edges: Floats
    low: Floats
    high: Floats
    centre: Floats
    spread: Floats
    mean: float
    deviation: float
    whole: bool
    levels: tuple[str, ...] | None
    gaussian: bool = False

    @property
    def constant(self) -> bool:
        """True if no draw can differ from another."""
        return self.deviation == 0.0 if self.gaussian else int((self.share > 0).sum()) < 2

    def bin_of(self, codes: Floats) -> Ints:
        """(n,): the bin or level of each code."""
        if self.levels is not None:
            return np.nan_to_num(codes, nan=len(self.share) - 1.0).astype(np.int64)
        bins = np.searchsorted(self.edges, codes, side="left")
        return np.where(np.isnan(codes), len(self.share) - 1, bins)

    @cached_property
    def quantiles(self) -> list[Floats]:
        """By bin, quantiles of its truncated normal at even levels; of a level, its code twice; NaN for missing values."""
        if self.levels is not None:
            named = self.levels[-1] == MISSING
            return [np.full(2, np.nan if named and b == len(self.share) - 1 else b) for b in range(len(self.share))]
        found = []
        for low, high, centre, spread in zip(self.low, self.high, self.centre, self.spread, strict=True):
            if not spread > 0:
                found.append(np.full(2, centre))
                continue
            reach = ndtr((low - centre) / spread), ndtr((high - centre) / spread)
            inside = np.clip(centre + spread * ndtri(np.linspace(*reach, TABULATED)), low, high)
            found.append(np.round(inside) if self.whole else inside)
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
        b = int(self.bin_of(np.array([code]))[0])
        if np.isnan(code):
            return f"{name} is missing"
        if self.levels is not None:
            return f"{name} = {self.levels[b]}"
        if not len(self.edges):
            return name
        if b == len(self.edges):
            return f"{name} > {self.edges[b - 1]:.4g}"
        below = f"{self.edges[b - 1]:.4g} < " if b > 0 else ""
        return f"{below}{name} \N{LESS-THAN OR EQUAL TO} {self.edges[b]:.4g}"


MISSING = "missing"


def level_column(values: Floats, weight: Floats, levels: Sequence[str]) -> Column:
    """A column of levels (their codes are 0, 1, ...), each drawn by its frequency; NaN is a level where it occurs."""
    names = (*levels, MISSING) if np.isnan(values).any() else tuple(levels)
    at = np.nan_to_num(values, nan=float(len(levels))).astype(np.int64)
    share = np.bincount(at, weights=weight, minlength=len(names)) / weight.sum()
    none = np.zeros(0)
    return Column(share, none, none, none, none, none, 0.0, 0.0, False, names)


def binned_column(values: Floats, weight: Floats, edges: Floats, whole: bool) -> Column:
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


def quantile_edges(values: Floats, weight: Floats, discretizer: str) -> Floats:
    """(E,) inner edges of quartiles or deciles; of equally weighted rows by linear interpolation, as numpy's percentile."""
    there = ~np.isnan(values)
    known, mass = values[there], weight[there]
    if not len(known):
        return np.zeros(0)
    if np.ptp(mass) <= 1e-12 * mass.max():
        return np.asarray(np.quantile(known, QUANTILES[discretizer]))
    return np.asarray(np.quantile(known, QUANTILES[discretizer], weights=mass, method="inverted_cdf"))


def gaussian_column(values: Floats, weight: Floats, whole: bool) -> Column:
    """A column of numbers that is drawn around a row's value with the data's deviation."""
    there = ~np.isnan(values)
    none = np.zeros(0)
    return Column(none, none, none, none, none, none, *_moments(values[there], weight[there]), whole, None, gaussian=True)


def _moments(values: Floats, weight: Floats) -> tuple[float, float]:
    if not len(values) or weight.sum() == 0:
        return 0.0, 0.0
    mean = float(weight @ values / weight.sum())
    return mean, float(np.sqrt(weight @ (values - mean) ** 2 / weight.sum()))


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The columns of a table as they are drawn, packed for the kernels.

    binned (D,) bool: columns in bins or levels, the others Gaussian;  top (D, L), start (D, L + 1), table (T,): see
    kernels.draw_binned;  means (D, L), placed (D, L): see kernels.sweep_bins
    """

    columns: Sequence[Column]
    binned: Bools
    top: Floats
    start: Ints
    table: Floats
    means: Floats
    placed: Bools

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Neighbourhood:
        """Pack columns."""
        binned = np.array([not c.gaussian for c in columns], dtype=bool)
        n_bins = max((len(c.share) for c in columns), default=0)
        top, means = np.ones((len(columns), n_bins)), np.zeros((len(columns), n_bins))
        start, placed = np.zeros((len(columns), n_bins + 1), dtype=np.int64), np.zeros((len(columns), n_bins), dtype=bool)
        parts, at = [np.zeros(0)], 0
        for d in np.flatnonzero(binned).tolist():
            column = columns[d]
            own = len(column.share)
            top[d, :own] = np.cumsum(column.share)
            top[d, np.flatnonzero(column.share)[-1] :] = 1.0  # what rounding leaves of one belongs to the last that occurs
            parts += column.quantiles
            start[d] = at + np.cumsum([0, *map(len, column.quantiles)] + [0] * (n_bins - own))
            at = int(start[d, -1])
            if column.levels is None:
                means[d, :own], placed[d, :own] = column.means, column.spread > 0
        return cls(columns, binned, top, start, np.concatenate(parts), means, placed)

    def draw(self, around: Floats, n_rows: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
        """Codes (n, D) and bins (n, D) of rows, independent across rows and columns; around (D,): Gaussian centres."""
        uniform = rng.random((n_rows, len(self.columns)))
        codes, bins = np.empty(uniform.shape), np.zeros(uniform.shape, dtype=np.int64)
        kernels.draw_binned(uniform, self.binned, self.top, self.start, self.table, codes, bins)
        for d in np.flatnonzero(~self.binned).tolist():
            column = self.columns[d]
            drawn = around[d] + column.deviation * ndtri(np.maximum(uniform[:, d], 1e-300))
            codes[:, d] = np.round(drawn) if column.whole else drawn
        if whole := [d for d, c in enumerate(self.columns) if c.whole and not c.gaussian]:
            codes[:, whole] = np.round(codes[:, whole])
        return codes, bins
