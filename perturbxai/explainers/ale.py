"""ALE's value of a player: the accumulated local effect at what x has, less that at absence."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from perturbxai.explainers.linearised import ROUNDING, independent_factor, no_players
from perturbxai.sampling import draw_references
from perturbxai.tables import Coalitions, Estimate, Floats, Ints, Opacities, Players, Question, Rows

BINS_OF_OPACITY = 5
NUMBERS_AT_ONCE = 1 << 22  # coded numbers in one request: memory stays bounded on wide tables


@dataclass(frozen=True, kw_only=True)
class Ale:
    """Accumulated local effects as one signed value a player, in units of the model's output.

    On a table: the curve of Apley & Zhu, "Visualizing the effects of predictor variables in black box supervised
    learning models" (2020), on quantile bins of drawn rows of X, interpolated at x_j, less its mean over the background:
    2 model rows a drawn row and column, once for all explained rows. On a picture: the feature is a superpixel's
    opacity in 5 equal bins, accumulated from the fill, over reference rows whose own share of whole superpixels lies in
    the bin; the values then do not sum to v(N) - v(nothing) in general, and `meta["gap"]` says by how much.

    grid  number of quantile bins of a column (ties are merged)
    rows  how many rows of X are drawn at most
    name  the key of the result, "ale" if empty
    Raises ValueError for groups of columns, and for columns of categories or with the explained value missing.
    """

    grid: int = 40
    rows: int = 1000
    name: str = ""
    law_on: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for option, value, least in (("grid", self.grid, 1), ("rows", self.rows, 2)):
            if int(value) != value or value < least:
                raise ValueError(f"{option}={value!r} must be a whole number from {least} up.")

    def check(self, players: Players) -> None:
        """Refuse, before any model call, players for which the curve is not defined."""
        if players.kind != "table":
            return
        assert players.numeric is not None and players.codes is not None
        for name, columns in zip(players.names, players.columns, strict=True):
            if len(columns) > 1:
                raise ValueError(f"ale: the player {name!r} has {len(columns)} columns; its curve needs one, ungroup it.")
            if not players.numeric[columns[0]]:
                raise ValueError(
                    f"ale: the column {name!r} has levels without an order, along which nothing accumulates; "
                    "leave 'ale' out, or give the column as numbers."
                )
            if np.isnan(players.codes[columns[0]]):
                raise ValueError(f"ale: the explained value of {name!r} is missing, which has no place on the curve.")

    def least(self, players: Players) -> int:
        return 4 * BINS_OF_OPACITY * players.n_players if players.kind == "image" else 0

    def ask(
        self, players: Players, budget: int, rng: np.random.Generator
    ) -> Generator[Sequence[Question], list[Floats], Estimate]:
        if players.n_players == 0:  # absence changes nothing; only the number of outputs is left to learn
            (values,) = yield [Coalitions(np.ones((1, 0), dtype=bool))]
            return no_players(values.shape[1])
        if players.kind == "image":
            return (yield from self._ask_picture(players, budget, rng))
        return (yield from self._ask_table(players))

    def _ask_table(self, players: Players) -> Generator[Sequence[Question], list[Floats], Estimate]:
        curves = players.common.setdefault((self.grid, self.rows), {})
        questions = players.common.setdefault((self.grid, self.rows, "asked"), {})
        rows = self._drawn_rows(players)
        missing = [columns[0] for columns in players.columns if columns[0] not in curves]
        step = max(1, NUMBERS_AT_ONCE // max(2 * rows.size, 1))
        for start in range(0, len(missing), step):
            wanted = missing[start : start + step]
            for column in wanted:
                if column not in questions:
                    questions[column] = _ask_column(rows, players, column, self.grid)
            answers = yield [questions[column].question for column in wanted]
            for column, values in zip(wanted, answers, strict=True):
                if column not in curves:
                    curves[column] = questions[column].accumulate(values)
        found = [curves[columns[0]].value(players, columns[0]) for columns in players.columns]
        rows = sum(curves[columns[0]].rows for columns in players.columns)
        return _gather(found, {"rows": rows, "once_a_call": True, "drawn_rows": len(self._drawn_rows(players))})

    def _drawn_rows(self, players: Players) -> Floats:
        """(n, D) coded rows of X, the same for all inputs of the call."""
        assert players.data is not None and players.data_weights is not None
        key = (self.rows, "rows")
        if key not in players.common:
            n_rows = int((players.data_weights > 0).sum())
            if n_rows <= self.rows:
                drawn = np.flatnonzero(players.data_weights > 0)
            else:
                drawn = np.sort(
                    players.stream().choice(len(players.data), self.rows, replace=False, p=players.data_weights)
                )
            players.common[key] = players.data[drawn]
        found: Floats = players.common[key]
        return found

    def _ask_picture(
        self, players: Players, budget: int, rng: np.random.Generator
    ) -> Generator[Sequence[Question], list[Floats], Estimate]:
        n_players, bins = players.n_players, BINS_OF_OPACITY
        half = budget // (4 * bins * n_players)  # pairs a bin, halved
        n_pairs = bins * half
        share, present = draw_references(n_pairs, n_players, rng)  # (M,), (M, P)
        edges = np.linspace(0.0, 1.0, bins + 1)
        bin_of = np.minimum((share * bins).astype(np.int64), bins - 1)
        alpha = np.repeat(present[:, None, None, :].astype(np.float64), n_players, axis=1).repeat(2, axis=2)
        own = np.arange(n_players)
        alpha[:, own, 0, own] = edges[bin_of][:, None]  # (M, P, 2, P)
        alpha[:, own, 1, own] = edges[bin_of + 1][:, None]
        (found,) = yield [Opacities(alpha.reshape(-1, n_players))]
        cube = found.reshape(2 * n_pairs, n_players, 2, -1)
        step = cube[:, :, 1] - cube[:, :, 0]
        pairs = step[0::2] + step[1::2]  # (n_pairs, P, K)
        values = pairs.sum(axis=0) / (2.0 * half)
        variance = _stratified_variance(pairs, np.minimum(bin_of[0::2], bin_of[1::2])) / (2.0 * half) ** 2
        floor = ROUNDING * np.abs(found).max(axis=0) * np.sqrt(n_players)
        critical = np.full(values.shape[1], independent_factor(n_players))
        notes = {"reference_rows": 2 * n_pairs, "bins": bins}
        return Estimate(values, np.maximum(np.sqrt(variance), floor), critical, float(n_pairs - 3), notes=notes)


@dataclass(frozen=True, eq=False)
class _Column:
    """The question of one column: both edges of each drawn row's bin, one below the other."""

    question: Rows
    edges: Floats
    bin_of: Ints

    def accumulate(self, values: Floats) -> _Curve:
        n_bins = len(self.edges) - 1
        n_rows = len(self.bin_of)
        step = values[n_rows:] - values[:n_rows]  # (n, K)
        counts = np.bincount(self.bin_of, minlength=n_bins)
        mean = np.zeros((n_bins, step.shape[1]))
        np.add.at(mean, self.bin_of, step)
        mean /= np.maximum(counts, 1)[:, None]
        squares = np.zeros_like(mean)
        np.add.at(squares, self.bin_of, (step - mean[self.bin_of]) ** 2)
        pooled = squares.sum(axis=0) / max(n_rows - n_bins, 1)
        # a bin with one row has no spread of its own: it takes the pooled one
        spread = np.where(counts[:, None] > 1, squares / np.maximum(counts - 1, 1)[:, None], pooled)
        scale = np.abs(values).max(axis=0, initial=0.0)
        error = spread / np.maximum(counts, 1)[:, None]
        return _Curve(self.edges, mean, error, float(n_rows - n_bins), scale, len(values))


@dataclass(frozen=True, eq=False)
class _Curve:
    """Mean step of each bin (L, K), the variance of that mean, and what it takes to read the curve at a value."""

    edges: Floats
    step: Floats
    variance: Floats
    df: float
    scale: Floats
    rows: int

    def passed(self, at: Floats) -> Floats:
        """(..., L): which share of each bin lies below a value; the curve at the value is passed @ step."""
        low, high = self.edges[:-1], self.edges[1:]
        return np.asarray(np.clip((at[..., None] - low) / (high - low), 0.0, 1.0))

    def value(self, players: Players, column: int) -> tuple[Floats, Floats, float]:
        """The curve at x less its mean over the background, its standard error, and the degrees of freedom."""
        assert players.background is not None and players.background_weights is not None and players.codes is not None
        absent, weight = players.background[:, column], players.background_weights
        there = ~np.isnan(absent)
        mean = np.einsum("b,bl->l", weight[there] / weight[there].sum(), self.passed(absent[there]))
        share = self.passed(players.codes[column]) - mean
        variance = (share**2) @ self.variance
        return share @ self.step, np.maximum(np.sqrt(variance), ROUNDING * self.scale), self.df


def _ask_column(rows: Floats, players: Players, column: int, grid: int) -> _Column:
    assert players.data is not None
    kept = rows[~np.isnan(rows[:, column])]
    values, known = kept[:, column], players.data[:, column]
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, grid + 1), method="inverted_cdf"))
    # the ends reach as far as X does, so that every background row lies on the curve
    edges = np.unique(np.concatenate([[np.nanmin(known)], edges[1:-1], [np.nanmax(known)]]))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1.0])
    bin_of = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    low, high = kept.copy(), kept.copy()
    low[:, column], high[:, column] = edges[bin_of], edges[bin_of + 1]
    return _Column(Rows(np.concatenate([low, high])), edges, bin_of)


def _gather(found: list[Any], notes: dict[str, Any]) -> Estimate:
    values = np.array([v for v, _, _ in found])
    stderr = np.array([s for _, s, _ in found])
    df = min((d for *_, d in found), default=np.inf)
    return Estimate(values, stderr, np.full(values.shape[1], independent_factor(len(found))), df, notes=notes)


def _stratified_variance(sums: Floats, stratum: Ints) -> Floats:
    """Variance of the sum of pairs (n, P, K) drawn by strata; a stratum of one pair borrows the others' spread."""
    groups = [sums[stratum == h] for h in np.unique(stratum)]
    spread = [g.var(axis=0, ddof=1) if len(g) > 1 else None for g in groups]
    lent = np.mean([s for s in spread if s is not None], axis=0)
    return np.asarray(sum(len(g) * (lent if s is None else s) for g, s in zip(groups, spread, strict=True)))
