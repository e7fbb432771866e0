"""ALE's curve of one column, read at explained values: mean steps over bins, and what the value there errs by."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from perturbxai.core.quantiles import quantile_edges
from perturbxai.core.questions import Rows, TablePlayers
from perturbxai.core.types import Bools, Codes, Floats, Ints, Weights
from perturbxai.estimation.survey import ROUNDING, sum_by

TIED_ROUNDING = 64.0 * np.finfo(np.float64).eps
ENOUGH_INSIDE = 3  # rows within a bin, by which what the curve does there is known


def curve_key(players: TablePlayers, column: int) -> tuple[Any, ...]:
    """Which curve a column is read from. Along a column with one value in X, it leads from there to the explained value."""
    known = players.data[:, column]
    return (column, float(players.codes[column])) if np.nanmin(known) == np.nanmax(known) else (column,)


def is_drawn(players: TablePlayers) -> bool:
    """Whether the background was drawn at random; a single row is a choice, not a draw."""
    return bool(players.drawn and 1.0 / (players.background_weights**2).sum() > 1.5)


@dataclass(frozen=True, eq=False)
class Absence:
    """A background on the bins of a column.

    place (B,), share (B,), weight (B,)  the bin of each row with a value, how far through it, and what it counts; they
    sum to one;  above (L,) the weight of rows beyond each bin
    passed (L,)  which share of each bin lies below a row, on average: the curve's mean is passed @ step
    squares, bent (L,)  integrals that `between` needs of the rows
    of_mean  variance of a mean over the rows, as a factor of that of one; None where no draw was made
    """

    place: Ints
    share: Floats
    weight: Weights
    above: Floats
    passed: Floats
    squares: Floats
    bent: Floats
    of_mean: float | None

    @classmethod
    def of(cls, edges: Floats, values: Floats, weight: Weights, drawn: bool) -> Self:
        """values, weight (B,) of the background's rows, of which those without a value are left out;  drawn: at random"""
        there = ~np.isnan(values)
        order = np.argsort(values[there], kind="stable")
        values, weight = values[there][order], weight[there][order]
        weight = weight / weight.sum()
        n_bins = len(edges) - 1
        place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, n_bins - 1)
        share = np.clip((values - edges[place]) / np.diff(edges)[place], 0.0, 1.0)
        inside = np.bincount(place, weights=weight, minlength=n_bins)
        above = np.append(np.cumsum(inside[::-1])[::-1][1:], 0.0)
        beyond = np.append(np.cumsum(weight[::-1])[::-1][1:], 0.0)  # (B,): of the rows after each
        passed = np.bincount(place, weights=weight * share, minlength=n_bins) + above
        squares = np.bincount(place, weights=weight * share * (weight + 2.0 * beyond), minlength=n_bins) + above**2
        bent = np.bincount(place, weights=weight * share * (1.0 - share) / 2.0, minlength=n_bins).astype(np.float64)
        return cls(place, share, weight, above, passed, squares, bent, float((weight**2).sum()) if drawn else None)

    def between(self, passed: Floats) -> tuple[Floats, Floats]:
        """(L,) twice: what `Between.jump` counts in the variance at a value less its mean here, and `Between.bend` in it.

        passed (L,): which share of each bin lies below the value, a part of one bin at most. With A(t) what the value and
        the rows count beyond t, a tied walk has the integral of A squared less the square of the integral of A.
        """
        upto = np.where(passed > 0.0, self.passed, 0.0)  # the integral of the rows' part up to the value
        for k in np.flatnonzero((passed > 0.0) & (passed < 1.0)):
            mine = self.place == k
            upto[k] = self.weight[mine] @ np.minimum(self.share[mine], passed[k]) + passed[k] * self.above[k]
        tied = passed - 2.0 * upto + self.squares - (passed - self.passed) ** 2
        tied[tied < TIED_ROUNDING] = 0.0  # a difference of numbers of order 1, of which the root is taken
        return tied, 0.5 * passed * (1.0 - passed) - self.bent


class Between(NamedTuple):
    """What a curve may do between two edges beside going straight, each (L, K): a jump's variance, and a bend.

    jump  variance of a bin, were the curve within it a walk that is tied at both edges, as a jump somewhere in it is
    bend  the second derivative times the bin's width squared: a straight line is short of s (1 - s) / 2 times it
    """

    jump: Floats
    bend: Floats


def between_edges(edges: Floats, step: Floats) -> Between:
    """What the steps (L, K) say of it, where no row tells what the curve does within its bin.

    Each neighbour's slope, carried on into a bin, ends beside the straight line. Where the two lie on either side of it, the
    step may be a jump anywhere in the bin; where they lie on one side, the curve bends. A bin at an end has one neighbour,
    and may do both. Neither takes more than the steps at hand, and a bin whose neighbours jump may do so too.
    """
    if len(step) == 1:
        return Between(step**2, np.zeros_like(step))
    width, size = np.diff(edges)[:, None], np.abs(step)
    rise = np.diff(step / width, axis=0)  # (L - 1, K): of the slope, at each inner edge
    most = size[:-1] + size[1:]
    left, right = np.zeros((2, *step.shape))
    left[1:] = np.clip(rise * width[1:], -most, most)
    right[:-1] = np.clip(rise * width[:-1], -most, most)
    left[0], right[-1] = -right[0], -left[-1]
    jump = np.maximum(-left * right, 0.0)
    inner = jump.copy()
    inner[[0, -1]] = 0.0  # a wide bin at the end says nothing of others
    around = np.concatenate([inner[:1], inner, inner[-1:]])
    jump = np.maximum(jump, (around[:-2] + around[1:-1] + around[2:]) / 3.0)
    left[0], right[-1] = right[0], left[-1]
    return Between(jump, 0.5 * (left + right))


class CurveValue(NamedTuple):
    """A column's value (K,), its standard error, degrees of freedom, and the error of a drawn background or None."""

    value: Floats
    stderr: Floats
    df: float
    background: Codes | None


@dataclass(frozen=True, eq=False)
class TableCurve:
    """Mean step of each bin (L, K) and what it errs by, and how to read the curve.

    variance (L, K) of the mean steps;  df (L,) of a bin's own spread;  lent (L, K) bool: bins whose variance is the pooled
    one, of degrees of freedom pooled_df, so that they err together;  inside: what it may do between edges
    of_background (K,): variance of the curve's mean over a drawn background, None if none was drawn
    """

    edges: Floats
    step: Floats
    variance: Floats
    df: Ints
    lent: Bools
    pooled_df: int
    inside: Between
    scale: Floats
    absence: Absence
    of_background: Floats | None

    def value(self, at: float) -> CurveValue:
        """The curve at a value less its mean over the background."""
        passed = np.clip((at - self.edges[:-1]) / np.diff(self.edges), 0.0, 1.0)
        share = passed - self.absence.passed
        counted = share[:, None] != 0.0  # what does not count may be unknown
        parts = share[:, None] ** 2 * np.where(counted, self.variance, 0.0)
        jump, bend = self.absence.between(passed)
        variance = parts.sum(axis=0) + jump @ self.inside.jump + (bend @ self.inside.bend) ** 2
        stderr = np.maximum(np.sqrt(variance), ROUNDING * self.scale)
        background = None if self.of_background is None else np.sqrt(self.of_background)
        return CurveValue(share @ self.step, stderr, self._df(parts), background)

    def _df(self, parts: Floats) -> float:
        """Of a sum of variances with degrees of freedom of their own (Satterthwaite), the smallest of the outputs."""
        if not np.isfinite(parts).all():
            return 0.0
        total = parts.sum(axis=0)
        spread = np.where(self.lent, 0.0, parts**2 / self.df[:, None]).sum(axis=0)
        spread += np.where(self.lent, parts, 0.0).sum(axis=0) ** 2 / max(self.pooled_df, 1)
        live = spread > 0
        return float((total[live] ** 2 / spread[live]).min()) if live.any() else np.inf


@dataclass(frozen=True, eq=False)
class EdgeRows:
    """The question of one column: both edges of each drawn row's bin, one below the other.

    values, weight (n,)  of the drawn rows, number (n,): which of all drawn rows they are, None if they are others
    absence: the background on the same bins
    """

    question: Rows
    edges: Floats
    bin_of: Ints
    values: Floats
    weight: Weights
    number: Ints | None
    absence: Absence

    @classmethod
    def of(cls, rows: Codes, weight: Weights, players: TablePlayers, key: tuple[Any, ...], grid: int) -> Self:
        """The drawn rows (n, D) with a value of the column that `curve_key` names, by their weights (n,)."""
        column = key[0]
        known = players.data[:, column]
        there = ~np.isnan(rows[:, column])
        number = np.flatnonzero(there) if there.any() else None
        if number is None:  # a column so empty that no drawn row has a value: take those of X that have
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
        absence = Absence.of(edges, players.background[:, column], players.background_weights, is_drawn(players))
        return cls(question, edges, bin_of, values, weight, number, absence)

    def accumulate(self, answers: Floats, as_they_are: Floats) -> TableCurve:
        """The curve of the model's answers (2 n, K) to the question, and to all drawn rows as they are."""
        n_bins, n_rows = len(self.edges) - 1, len(self.bin_of)
        step = answers[n_rows:] - answers[:n_rows]  # (n, K)
        scale = np.abs(answers).max(axis=0)
        counts = np.bincount(self.bin_of, minlength=n_bins)
        share = self.weight / np.bincount(self.bin_of, weights=self.weight, minlength=n_bins)[self.bin_of]
        mean = sum_by(self.bin_of, share[:, None] * step, n_bins)
        deviation = (step - mean[self.bin_of]) ** 2
        own = sum_by(self.bin_of, share[:, None] ** 2 * deviation, n_bins)
        # a single row has no spread, and rows that all answer alike may have missed what few others would show
        several, df = counts > 1, n_rows - n_bins
        lent = ~several[:, None] | (own <= (ROUNDING * scale) ** 2)
        pooled = sum_by(self.bin_of, deviation, n_bins).sum(axis=0) / df if df > 0 else np.full(step.shape[1], np.inf)
        of_mean = np.bincount(self.bin_of, weights=share**2, minlength=n_bins)
        borrowed = of_mean[:, None] * pooled if df > 0 else np.full_like(own, np.inf)
        error = np.where(lent, borrowed, own * (counts / np.maximum(counts - 1, 1))[:, None])
        along = np.concatenate([np.zeros((1, step.shape[1])), np.cumsum(mean, axis=0)])
        at = np.column_stack([np.interp(self.values, self.edges, one) for one in along.T])
        even = self.weight / self.weight.sum()
        spread = even @ (at - even @ at) ** 2 / max(1.0 - (even**2).sum(), np.finfo(float).tiny)
        return TableCurve(
            self.edges, mean, error, np.where(several, counts - 1, 1), lent, df, self._inside(answers, as_they_are, mean),
            scale, self.absence, None if self.absence.of_mean is None else spread * self.absence.of_mean,
        )  # fmt: skip

    def _inside(self, answers: Floats, as_they_are: Floats, mean: Floats) -> Between:
        """What the curve does between edges: as rows that lie there say, where there are enough, else as the steps do."""
        guess = between_edges(self.edges, mean)
        if self.number is None:
            return guess
        n_bins, n_rows = len(mean), len(self.bin_of)
        low, high = answers[:n_rows], answers[n_rows:]
        share = ((self.values - self.edges[self.bin_of]) / np.diff(self.edges)[self.bin_of])[:, None]
        beside = as_they_are[self.number] - low - share * (high - low)  # (n, K), of the straight line
        arc = share * (1.0 - share)
        weight, tiny = self.weight[:, None], np.finfo(float).tiny
        bend = -2.0 * sum_by(self.bin_of, weight * (arc * beside), n_bins)
        bend /= np.maximum(sum_by(self.bin_of, weight * arc**2, n_bins), tiny)
        jump = sum_by(self.bin_of, weight * (beside + 0.5 * bend[self.bin_of] * arc) ** 2, n_bins)
        jump /= np.maximum(sum_by(self.bin_of, weight * arc, n_bins), tiny)
        seen = (np.bincount(self.bin_of, weights=arc[:, 0] > 0.0, minlength=n_bins) >= ENOUGH_INSIDE)[:, None]
        return Between(np.where(seen, jump, np.maximum(jump, guess.jump)), np.where(seen, bend, guess.bend))
