"""ALE's value of a player: the accumulated local effect at what x has, less that at absence."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from perturbxai.axes import quantile_edges
from perturbxai.explainers.accumulated import accumulated_curve
from perturbxai.explainers.linearised import ROUNDING, independent_factor, no_players
from perturbxai.grid_tables import Curve, GridTable
from perturbxai.sampling import draw_references
from perturbxai.tables import Coalitions, Estimate, Floats, Ints, Opacities, Players, Question, Rows

BINS_OF_OPACITY = 5
CENTRES, TARGETS = ("data", "start"), ("sample", "population")
NUMBERS_AT_ONCE = 1 << 22  # coded numbers in one request: memory stays bounded on wide tables


@dataclass(frozen=True, kw_only=True)
class Ale:
    """Accumulated local effects as one signed value a player, in units of the model's output.

    On a table: the curve of Apley & Zhu, "Visualizing the effects of predictor variables in black box supervised
    learning models" (2020), on quantile bins of drawn rows of X, interpolated at x_j, less its mean over the background:
    2 model rows a drawn row and column, once for all explained rows. Beyond the values of X the curve is flat; along a
    column with a single value it leads from there to x_j; missing values are left out of it.
    On a picture: the feature is a superpixel's opacity in 5 equal bins, accumulated from the fill, over reference rows
    whose own share of whole superpixels lies in the bin; the values then do not sum to v(N) - v(nothing) in general, and
    `meta["gap"]` says by how much.

    For `effects` it is the curve, or the surface of two columns without the effects of each. Levels, whole numbers and few
    values step from one to the next, over the rows of both; levels without an order follow each other by likeness. Within
    a bin a band takes the rows' spread, by Student's t; bins whose rows all answer alike take the pooled one.
    On a picture the curve starts at 0 at the fill. The first points of its band rest on the reference rows of one bin, few
    and skewed: with 14 a bin, simultaneous bands held the curve in 89 of 100 draws.

    grid  number of quantile bins of a column (ties are merged); `effects` has an argument of its own
    rows  how many rows of X are drawn at most; `effects` has an argument of its own
    centre  `effects` only: "data", the mean over the data is 0; "start", the first point is (single columns)
    target  `effects` only: what the band is about: "sample", the curve centred at the drawn rows' values; "population",
            that centred at the values of all rows like these, which adds the variance of the rows' mean (single columns)
    differential  `effects` only: mean derivatives at the rows in place of steps between edges (Gkolemis et al., "RHALE",
            2023): for networks, single columns of numbers in bins; one gradient a row serves all columns
    name  the key of the result, "ale" if empty
    Raises ValueError for groups of columns, and for columns of categories or with the explained value missing.
    """

    grid: int = 40
    rows: int = 1000
    centre: str = "data"
    target: str = "sample"
    differential: bool = False
    name: str = ""
    law_on: ClassVar[tuple[str, ...]] = ()
    of_curves: ClassVar[tuple[str, ...]] = ("centre", "target", "differential")

    def __post_init__(self) -> None:
        for option, chosen, known in (("centre", self.centre, CENTRES), ("target", self.target, TARGETS)):
            if chosen not in known:
                raise ValueError(f"{option}={chosen!r} is not known; expected one of {', '.join(map(repr, known))}.")
        for option, value, least in (("grid", self.grid, 1), ("rows", self.rows, 2)):
            if int(value) != value or value < least:
                raise ValueError(f"{option}={value!r} must be a whole number from {least} up.")

    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """What `effects` shows of one column or pair."""
        return accumulated_curve(table, centred=self.centre == "data", population=self.target == "population", rng=rng)

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
            for what, rows in (("X", players.data), ("the background", players.background)):
                assert rows is not None
                if np.isnan(rows[:, columns[0]]).all():
                    raise ValueError(f"ale: the column {name!r} has no value in {what}; leave 'ale' or the column out.")

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
        common = players.common
        curves: dict[Any, _Curve] = common.setdefault((self.grid, self.rows), {})
        questions: dict[Any, _Column] = common.setdefault((self.grid, self.rows, "asked"), {})
        asked_before: set[int] = common.setdefault((self.grid, self.rows, "rows"), set())
        rows, weight = self._drawn_rows(players)
        keys = [_key(players, columns[0]) for columns in players.columns]
        step = max(1, NUMBERS_AT_ONCE // max(2 * rows.size, 1))
        while wanted := [key for key in keys if key not in curves][:step]:
            for key in wanted:
                if key not in questions:
                    questions[key] = _ask_column(rows, weight, players, key, self.grid, asked_before)
            answers = yield [questions[key].question for key in wanted]
            for key, values in zip(wanted, answers, strict=True):
                if key not in curves:  # another input of the call may have been first
                    curves[key] = questions.pop(key).accumulate(values)
        found = [curves[key].value(players, key[0]) for key in keys]
        asked = {players.names[p] if len(key) == 1 else f"{players.names[p]}={key[1]!r}": curves[key].rows
                 for p, key in enumerate(keys)}  # fmt: skip
        notes = {"rows_once_a_call": asked, "drawn_rows": len(rows), "errors_in_common": True}
        return _gather(found, notes)

    def _drawn_rows(self, players: Players) -> tuple[Floats, Floats]:
        """(n, D) coded rows of X and their weights (n,), the same for all inputs of the call."""
        assert players.data is not None and players.data_weights is not None
        key = (self.rows, "rows")
        if key not in players.common:
            there = np.flatnonzero(players.data_weights > 0)
            weight = players.data_weights[there]
            if len(there) > self.rows:  # drawn by their weights, so that they then count alike
                drawn = players.stream().choice(len(there), self.rows, replace=False, p=weight)
                there, weight = there[np.sort(drawn)], np.ones(self.rows)
            players.common[key] = players.data[there], weight
        found: tuple[Floats, Floats] = players.common[key]
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
        df = float(n_pairs - 3)  # pairs less the three groups of mirrored bins they fall into
        critical = np.full(values.shape[1], independent_factor(n_players, df))
        notes = {"reference_rows": 2 * n_pairs, "bins": bins}
        return Estimate(values, np.maximum(np.sqrt(variance), floor), critical, df, notes=notes)


@dataclass(frozen=True, eq=False)
class _Column:
    """The question of one column: both edges of each drawn row's bin, one below the other; weight (n,) of the rows.

    n_new: its distinct rows that no column before it asks (a row on an edge is a row of X, whichever the column)
    """

    question: Rows
    edges: Floats
    bin_of: Ints
    weight: Floats
    n_new: int

    def accumulate(self, values: Floats) -> _Curve:
        n_bins, n_rows = len(self.edges) - 1, len(self.bin_of)
        step = values[n_rows:] - values[:n_rows]  # (n, K)
        counts = np.bincount(self.bin_of, minlength=n_bins)
        share = self.weight / np.bincount(self.bin_of, weights=self.weight, minlength=n_bins)[self.bin_of]
        mean, squares, own, lent = np.zeros((4, n_bins, step.shape[1]))
        np.add.at(mean, self.bin_of, share[:, None] * step)
        deviation = (step - mean[self.bin_of]) ** 2
        np.add.at(own, self.bin_of, share[:, None] ** 2 * deviation)
        np.add.at(squares, self.bin_of, deviation)
        # a bin with one row has no spread of its own: it takes the pooled one
        df = n_rows - n_bins
        lent[:] = squares.sum(axis=0) / df if df > 0 else np.inf
        alone = counts == 1
        error = np.where(alone[:, None], lent, own * (counts / np.maximum(counts - 1, 1))[:, None])
        scale = np.abs(values).max(axis=0)
        df_of = np.where(alone, df, np.maximum(counts - 1, 1))
        return _Curve(self.edges, mean, error, df_of, alone, scale, self.n_new)


@dataclass(frozen=True, eq=False)
class _Curve:
    """Mean step of each bin (L, K), the variance of that mean and its degrees of freedom, and how to read the curve.

    lent (L,) bool: bins whose variance is the pooled one, so that they err together;  rows: asked here and not before
    """

    edges: Floats
    step: Floats
    variance: Floats
    df: Ints
    lent: np.ndarray
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
        counted = share != 0
        parts = share[counted, None] ** 2 * self.variance[counted]  # (L', K)
        return share @ self.step, np.maximum(np.sqrt(parts.sum(axis=0)), ROUNDING * self.scale), self._df(parts, counted)

    def _df(self, parts: Floats, counted: Any) -> float:
        """Of a sum of variances with degrees of freedom of their own (Satterthwaite), the smallest of the outputs."""
        lent, df = self.lent[counted], self.df[counted]
        if not np.isfinite(parts).all():
            return 0.0
        total = parts.sum(axis=0)
        spread = (parts[~lent] ** 2 / df[~lent, None]).sum(axis=0)
        if lent.any():
            spread = spread + parts[lent].sum(axis=0) ** 2 / df[lent][0]
        live = spread > 0
        return float((total[live] ** 2 / spread[live]).min()) if live.any() else np.inf


def _key(players: Players, column: int) -> tuple[Any, ...]:
    """Which curve a column is read from. Along a column with one value in X, it leads from there to the explained value."""
    assert players.data is not None and players.codes is not None
    known = players.data[:, column]
    return (column, float(players.codes[column])) if np.nanmin(known) == np.nanmax(known) else (column,)


def _ask_column(
    rows: Floats, weight: Floats, players: Players, key: tuple[Any, ...], grid: int, asked_before: set[int]
) -> _Column:
    assert players.data is not None
    column = key[0]
    known = players.data[:, column]
    there = ~np.isnan(rows[:, column])
    if not there.any():  # a column so empty that no drawn row has a value: take those of X that have
        rows = players.data[~np.isnan(known)][: len(rows)]
        weight, there = np.ones(len(rows)), np.ones(len(rows), dtype=bool)
    kept, weight = rows[there], weight[there]
    values = kept[:, column]
    if len(key) > 1:
        edges = np.sort([values[0], key[1]]) if values[0] != key[1] else values[0] + np.array([0.0, 1.0])
    else:
        edges = quantile_edges(values, weight, grid)
        # the ends reach as far as X does, so that every background row lies on the curve
        edges = np.unique(np.concatenate([[np.nanmin(known)], edges[1:-1], [np.nanmax(known)]]))
    bin_of = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    low, high = kept.copy(), kept.copy()
    low[:, column], high[:, column] = edges[bin_of], edges[bin_of + 1]
    question = Rows(np.concatenate([low, high]))
    n_before = len(asked_before)
    asked_before.update(hash(row.tobytes()) for row in question.codes + 0.0)  # -0.0 is 0.0
    return _Column(question, edges, bin_of, weight, len(asked_before) - n_before)


def _gather(found: list[Any], notes: dict[str, Any]) -> Estimate:
    values = np.array([v for v, _, _ in found])
    stderr = np.array([s for _, s, _ in found])
    # a column without a degree of freedom has an infinite error already, and leaves the others theirs
    df = min((d for *_, d in found if d > 0), default=0.0 if found else np.inf)
    return Estimate(values, stderr, np.full(values.shape[1], independent_factor(len(found), df)), df, notes=notes)


def _stratified_variance(sums: Floats, stratum: Ints) -> Floats:
    """Variance of the sum of pairs (n, P, K) drawn by strata; a stratum of one pair borrows the others' spread."""
    groups = [sums[stratum == h] for h in np.unique(stratum)]
    spread = [g.var(axis=0, ddof=1) if len(g) > 1 else None for g in groups]
    lent = np.mean([s for s in spread if s is not None], axis=0)
    return np.asarray(sum(len(g) * (lent if s is None else s) for g, s in zip(groups, spread, strict=True)))
