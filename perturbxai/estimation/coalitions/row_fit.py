"""Weighted fits to cells, coalitions on one background row each, with controls that describe the rows.

A value on one background row is the game's value plus what that row brings. What a row brings has mean zero over the
background, and much of it is explained by what is known of the row: its values, and the model's answer at the row itself.
Columns of such controls in the regression take that noise away and leave what is estimated as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import linalg

from perturbxai.core.evaluations import Bases, Design, Estimate, Evaluations, Law
from perturbxai.core.types import Bools, Floats, Ints, Weights
from perturbxai.estimation import spread
from perturbxai.estimation.intervals import simultaneous_factor
from perturbxai.estimation.survey import MAX_LEVERAGE, ROUNDING, Clusters, pair_sides, row_weights, sum_by, sum_zero_basis

PAIRS_A_COLUMN = 5  # pairs of cells that each column of a fit has to have, controls included
# what is left of each column beside the earlier ones, from which on normal equations lose no digit that counts
WELL_APART = 1e-3
MOST_OUTPUTS = 20  # beyond them the model's answers at the rows, which differ by output, are no controls


def shapley_on_cells(law: Law, table: Evaluations) -> Estimate:
    """Shapley values (P, K) of the mean over the background, by least squares on the odd parts of pairs of cells.

    On its row b a pair's Shapley values sum to v(N) - v_b(nothing), which is known: each pair is fitted on the hyperplane
    of its own row. The values sum to v(N) - v(nothing) to rounding.
    """
    assert table.bases is not None
    first, second = pair_sides(table.design)
    bases, basis = table.bases, sum_zero_basis(table.design.n_players)
    row, weight = bases.row[first], _weights(law, table.design, bases)
    u = table.design.z[first].astype(np.float64) - 0.5
    x, part = u @ basis, u.mean(axis=1)
    odd = 0.5 * (table.values[first] - table.values[second])
    target = odd - part[:, None] * (table.full - bases.values[row])
    # what a row's value adds for one player it takes from all: the sum is known
    controls = [(u[:, bases.player[at]] - part[:, None]) * bases.controls[np.ix_(row, at)] for at in _grades(bases)]
    root, starts = np.sqrt(weight[first] + weight[second]), np.arange(len(first))
    return _conclude(_Fit(x, controls, root, basis, starts, 0, True, table), target, bases, row)


def slopes_on_cells(law: Law, table: Evaluations) -> Estimate:
    """Slopes (P, K) of the best linear fit under a law to the mean over the background, with an intercept."""
    assert table.bases is not None
    bases, weight = table.bases, _weights(law, table.design, table.bases)
    z = table.design.z.astype(np.float64)
    ends = np.array([np.zeros(z.shape[1]), np.ones(z.shape[1])])
    # players are counted from the end that weighs more, which may be all but everything: only the intercept has its weight
    heavier = ends[int(law.in_fits[-1] > law.in_fits[0])]
    x = np.column_stack([np.ones(len(z) + 2), np.vstack([ends, z]) - heavier])
    root = np.sqrt(np.concatenate([law.in_fits[[0, -1]], weight]))
    # nothing and everything are known on all rows: no row brings anything there
    controls = [
        np.pad((1.0 - z[:, bases.player[at]]) * bases.controls[np.ix_(bases.row, at)], ((2, 0), (0, 0)))
        for at in _grades(bases)
    ]
    starts = np.unique(table.design.pair, return_index=True)[1]
    fit = _Fit(x, controls, root, np.eye(x.shape[1])[1:], starts, 2, False, table)
    values = np.vstack([table.empty, table.full, table.values])
    values = values - values[int(heavier[0])]  # less rounding where the outputs are far from zero, and none of that end
    return _conclude(fit, values, bases, bases.row)


def drawn_error(bases: Bases, row: Ints, known: Floats, scores: Floats) -> Floats:
    """(P,): the error that the draw of the background adds to a fit of cells.

    row (R,): the background row of each pair;  known (B, P): by how much the fit says a row's own values differ from the
    mean's;  scores (R, P): how the residuals of the pairs move the values. What the fit does not know of a row shows in
    products of scores of different pairs on it: the game's own noise is in none. Where most rows have a single pair, all
    that the pairs leave counts as theirs, which is too much.
    """
    n_base = len(bases.share)
    sums, squares = sum_by(row, scores, n_base), sum_by(row, scores**2, n_base)
    n_pairs = np.bincount(row, minlength=n_base)
    usable = n_pairs > 1
    if bases.share[usable].sum() < 0.5:
        rest = len(row) * squares.sum(axis=0)
    else:
        part = (sums**2 - squares)[usable] * (n_pairs / np.maximum(n_pairs - 1.0, 1.0))[usable, None]
        rest = (part / bases.share[usable, None]).sum(axis=0) / bases.share[usable].sum()
    return np.asarray(np.sqrt(bases.drawn * (bases.share @ known**2 + np.maximum(rest, 0.0))))


def _weights(law: Law, design: Design, bases: Bases) -> Floats:
    """(M,): a cell's part of the mass of its size, and of its background row's weight."""
    return row_weights(law, design) * bases.share[bases.row] * len(bases.share)


def _grades(bases: Bases) -> list[Ints]:
    """Numbers of the controls, the coarse ones, then the fine ones."""
    ends = np.cumsum([0, *bases.widths])
    return [np.arange(low, high) for low, high in pairwise(ends.tolist())]


def _own_answers(bases: Bases, row: Ints, k: int) -> Floats | None:
    """(n,): the model at each of these background rows as it is, scaled to mean 0 and deviation 1 over the background.

    A control: what a row's own answer is above the mean, its cells tend to be too. None where all rows answer alike, and
    for many outputs.
    """
    if bases.values.shape[1] > MOST_OUTPUTS:
        return None
    centred = bases.values[:, k] - bases.share @ bases.values[:, k]
    deviation = np.sqrt(bases.share @ centred**2)
    return np.asarray(centred[row] / deviation) if deviation > ROUNDING * np.abs(bases.values[:, k]).max() else None


@dataclass(frozen=True, eq=False)
class _Found:
    """values (P,), their covariance (P, P) and its degrees of freedom, controls used.

    coefficients (C,) by column of all grades, 0 for one that was left out;  scores (R, P), how each pair's residual moves
    the values;  missed (P,), variances that an unseen residual of one would make;  largest: of the residuals of drawn rows,
    and of those that are known
    """

    values: Floats
    covariance: Floats
    df: float
    n_controls: int
    coefficients: Floats
    scores: Floats
    missed: Floats
    largest: tuple[float, float]

    def of_rows(self, bases: Bases, k: int, read: Floats) -> tuple[Floats, Floats]:
        """(B, P) each: what the controls, and the model's answer at a row itself, are worth on each background row."""
        n_read = read.shape[1]
        own = _own_answers(bases, np.arange(len(bases.share)), k)
        by_answer = self.coefficients[n_read : 2 * n_read]
        if own is None or not len(by_answer):  # no such control
            own, by_answer = np.zeros(len(bases.share)), np.zeros(n_read)
            by_control = self.coefficients[n_read:]
        else:
            by_control = self.coefficients[2 * n_read :]
        brought = np.zeros((len(bases.share), len(read)))
        np.add.at(brought.T, bases.player[: len(by_control)], (bases.controls[:, : len(by_control)] * by_control).T)
        return brought, own[:, None] * (read @ by_answer)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A weighted fit of columns x (n, C) and as many grades of controls as the rows allow and the variance advises.

    root (n,): square roots of the weights;  read (P, C): from coefficients to values;  starts (R,): first row of each pair
    n_known: so many first rows are known without error
    shared_out: whether values are fitted on the hyperplane of their known sum, where every pair says something of all of
    them; else a value may rest on few pairs of its own, as a slope under a narrow law does
    """

    x: Floats
    controls: Sequence[Floats]
    root: Floats
    read: Floats
    starts: Ints
    n_known: int
    shared_out: bool
    table: Evaluations

    def best(self, target: Floats, own: Floats | None) -> _Found:
        """The fit of a target (n,) with all grades of controls that the rows allow, or without the last if that is better.

        Better is a smaller estimated variance of the values.

        own (n,): what is known of each row in one number, a control that goes with every column of x
        """
        q, r, used, widths = self._plain if own is None else self._factored([self.x * own[:, None]])
        ends = np.cumsum(widths)[-2:].tolist()
        found = [self._prefix(q[:, :end], r[:end, :end], used, target) for end in ends]
        return min(found, key=lambda one: float(one.covariance.trace()))

    @cached_property
    def _plain(self) -> tuple[Floats, Floats, Bools, list[int]]:
        """Without what differs by output."""
        return self._factored([])

    def _factored(self, own: list[Floats]) -> tuple[Floats, Floats, Bools, list[int]]:
        grades = [self.x, *own, *self.controls]
        columns = np.cumsum([grade.shape[1] for grade in grades])
        n_grades = max(1, int((columns * PAIRS_A_COLUMN <= len(self.starts)).sum()))
        return _factor([grade * self.root[:, None] for grade in grades[:n_grades]])

    def _prefix(self, q: Floats, r: Floats, used: Bools, target: Floats) -> _Found:
        n_read, n_columns = self.x.shape[1], q.shape[1]
        projected = q.T @ (target * self.root)
        solved = linalg.solve_triangular(r, projected)
        coefficients = np.zeros(len(used))
        coefficients[np.flatnonzero(used)[:n_columns]] = solved
        values = self.read @ solved[:n_read]
        left = target * self.root - q @ projected
        kept = 1.0 - np.minimum((q**2).sum(axis=1), MAX_LEVERAGE)
        to_values = linalg.solve_triangular(r, np.eye(n_columns))[:n_read]
        gain = (q @ (self.read @ to_values).T) / kept[:, None]
        scores = np.add.reduceat((gain * left[:, None])[self.n_known :], self.starts, axis=0)
        weight = np.add.reduceat((self.root**2)[self.n_known :], self.starts)
        clusters = Clusters.of(self.table.design)
        unit = (gain[self.n_known :] * self.root[self.n_known :, None]) ** 2
        missed = clusters.unseen(len(unit), self.starts if len(unit) > len(self.starts) else None) @ unit
        of_pairs = np.add.reduceat(unit.sum(axis=1, keepdims=True) if self.shared_out else unit, self.starts, axis=0)
        covariance, df = _spread(clusters, scores, weight, of_pairs, len(self.starts) - n_columns)
        residuals = np.abs(left / self.root)
        largest = residuals[self.n_known :].max(initial=0.0), residuals[: self.n_known].max(initial=0.0)
        return _Found(values, covariance, df, n_columns - n_read, coefficients, scores, missed, largest)


def _spread(clusters: Clusters, scores: Floats, weight: Weights, unit: Floats, free: int) -> tuple[Floats, float]:
    """The covariance (P, P) of the sum of the scores, and its degrees of freedom.

    What carries the weight may be few pairs, of one stratum or of one player: all others say nothing of how they vary. Their
    spread is drawn towards the mean over the players in the stratum, and strata are joined by Satterthwaite's rule ("An
    approximate distribution of estimates of variance components", 1946). The player with the fewest degrees of freedom
    decides.

    scores (C, P) and weight (C,) of pairs;  unit (C, P): the variance of each score if residuals had the variance one, or
    (C, 1) that of all together
    free: pairs less the columns that were fitted to them
    """
    n_pairs, n_players = scores.shape
    if free <= 0:
        return np.full((n_players, n_players), np.inf), float(free)
    moved, beside = [np.zeros((1, n_players))], np.zeros(n_players)
    total, doubt = np.zeros(n_players), np.zeros(n_players)
    for h in np.unique(clusters.stratum):
        inside = clusters.stratum == h
        coalition = None if clusters.coalition is None else clusters.coalition[inside]
        alone = replace(clusters, stratum=clusters.stratum[inside], walk=clusters.walk[inside], coalition=coalition)
        part = alone.deviations(scores[inside], weight[inside])
        own, n = (part**2).sum(axis=0), np.count_nonzero(inside)
        # so many draws of equal variance those of unlike variances are worth, as Kish counts them
        squares = (unit[inside] ** 2).sum(axis=0)
        worth = np.where(squares > 0, unit[inside].sum(axis=0) ** 2 / np.where(squares > 0, squares, 1.0), 1.0)
        draws = worth * (free / n_pairs) * (1.0 - 1.0 / n if n > 1 else 1.0)  # one pair misses no mean
        lent = spread.PRIOR / (draws + spread.PRIOR)
        moved.append(part * np.sqrt(1.0 - lent))
        beside += lent * own.mean()
        variance = (1.0 - lent) * own + lent * own.mean()
        total, doubt = total + variance, doubt + variance**2 / (draws + 1.0)  # one is what others lend
    rows = np.concatenate(moved)
    df = np.min(total[doubt > 0] ** 2 / doubt[doubt > 0], initial=free)
    return rows.T @ rows + np.diag(beside), float(df)


def _factor(grades: Sequence[Floats]) -> tuple[Floats, Floats, Bools, list[int]]:
    """QR of the grades side by side, without the controls that others determine; which columns it has, how many a grade.

    Raises ValueError if the columns of the first grade do not stand alone.
    """
    columns = np.concatenate(grades, axis=1, dtype=np.float64)
    grade = np.repeat(np.arange(len(grades)), [part.shape[1] for part in grades])
    scale = np.sqrt((columns**2).sum(axis=0))
    usable = (scale > 0) | (grade == 0)
    if usable.all() and (quick := _quick_factor(columns / scale, scale)) is not None:
        return *quick, usable, [part.shape[1] for part in grades]
    while True:
        q, r = linalg.qr(columns[:, usable], mode="economic")
        bad = np.abs(np.diag(r)) <= 1e-8 * scale[usable]
        if not bad.any():
            break
        at = np.flatnonzero(usable)[bad]
        if (grade[at] == 0).any():
            raise ValueError(
                f"{len(columns)} cells do not determine {grades[0].shape[1]} coefficients at the weights they have. Ask for "
                "more rows, or take a wider kernel."
            )
        usable[at] = False
    return q, r, usable, np.bincount(grade[usable], minlength=len(grades)).tolist()


def _quick_factor(columns: Floats, scale: Floats) -> tuple[Floats, Floats] | None:
    """QR of columns * scale by Cholesky, a fifth of the time; None unless the columns, of length one, are well apart."""
    try:
        upper = linalg.cholesky(columns.T @ columns)
    except linalg.LinAlgError:
        return None
    if np.diag(upper).min() < WELL_APART:
        return None
    return linalg.solve_triangular(upper, columns.T, trans="T").T, upper * scale


def _conclude(fit: _Fit, target: Floats, bases: Bases, row: Ints) -> Estimate:
    """Values (P, K) and their errors, from targets (n, K);  row: the background rows of those that are not known."""
    table, found = fit.table, []
    for k in range(target.shape[1]):
        own = _own_answers(bases, row, k)
        found.append(fit.best(target[:, k], None if own is None else np.pad(own, (fit.n_known, 0))))
    values = np.column_stack([one.values for one in found])
    if fit.shared_out:
        values = (table.full - table.empty) / len(values) + values
    floor = ROUNDING * table.scale * np.sqrt(len(values))
    stderr, critical = np.empty_like(values), np.empty(len(found))
    left, beside = np.array([one.largest for one in found]).T
    jump = spread.jump_of_fit(left, beside, values, table)
    for k, one in enumerate(found):
        missed = np.where(one.missed > 0, jump[k], 0.0) * np.sqrt(one.missed)  # with all cells asked there is none
        stderr[:, k] = np.maximum(np.maximum(np.sqrt(np.diag(one.covariance)), missed), floor[k])
        critical[k] = simultaneous_factor(one.covariance, one.df, table.design)
    notes = {"cells": len(table.values), "controls": [one.n_controls for one in found]}
    estimate = Estimate(values, stderr, critical, min(one.df for one in found), notes=notes)
    if not bases.drawn:
        return estimate
    centred, background = bases.values - bases.share @ bases.values, []
    for k, one in enumerate(found):
        brought, by_answer = one.of_rows(bases, k, fit.read)
        if fit.shared_out:  # what a control brings one player it takes from all
            apart = brought - brought.mean(axis=1, keepdims=True) + by_answer - centred[:, k, None] / len(values)
        else:  # a control counts where its player is absent
            apart = by_answer - brought
        background.append(drawn_error(bases, row[fit.starts], apart, one.scores))
    return replace(estimate, stderr_background=np.column_stack(background))
