"""ALE's curve of one column of levels, read at explained levels: mean steps between neighbours, and what a value errs by."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from perturbxai.core.evaluations import once
from perturbxai.core.questions import Rows, TablePlayers
from perturbxai.core.types import Codes, Floats, Ints, Weights
from perturbxai.estimation.curves.accumulated import PlaceErrors
from perturbxai.estimation.curves.axes import Axis, Standing
from perturbxai.estimation.curves.grid_tables import Steps
from perturbxai.estimation.curves.ground import Ground
from perturbxai.estimation.curves.similarity import similarity_order
from perturbxai.estimation.curves.table_curve import CurveValue, is_drawn
from perturbxai.estimation.survey import ROUNDING

MOST_LEVELS = 500


def check_levels(players: TablePlayers, name: str, column: int) -> None:
    """Refuse a column of levels along which ALE has no curve, or none at the explained row."""
    missing = players.missing_codes[column]
    if players.codes[column] == missing:
        raise ValueError(
            f"ale: the explained value of {name!r} is missing, which has no place in the order of its levels; leave 'ale' "
            "or the row out, or give the column as categories without an order, where a missing value is a level too."
        )
    n_levels = len(levels_of(players, column))
    if not n_levels or (players.background[:, column] == missing).all():
        where = "the background" if n_levels else "X"
        raise ValueError(f"ale: the column {name!r} has no value in {where}; leave 'ale' or the column out.")
    if n_levels > MOST_LEVELS:
        raise ValueError(
            f"ale: the column {name!r} has {n_levels:,} levels in X; expected at most {MOST_LEVELS}, for a curve of more "
            "steps rests on few rows each, and what orders them costs the square of their number. Leave 'ale' out, or group "
            "rare levels into one."
        )


def levels_of(players: TablePlayers, column: int) -> Floats:
    """(L,): codes, rising, of the levels that rows of X with a weight have. Missing is one of them if there is no order."""

    def found() -> Floats:
        codes = np.unique(players.data[players.data_weights > 0, column])
        return np.asarray(codes[codes != players.missing_codes[column]])

    return once(players.common, ("levels of a column", column), found)


def level_key(players: TablePlayers, column: int) -> tuple[Any, ...]:
    """Which curve a column is read from. One that leads to a level that X lacks is of that level alone."""
    code = float(players.codes[column])
    return (column,) if code in levels_of(players, column) else (column, code)


@dataclass(frozen=True, eq=False)
class LevelCurve:
    """The mean steps between neighbouring levels, as the rows of each of these have them, and how to read the curve.

    points (L,)      codes of the levels as they follow each other along the curve
    step (C, S, K)   mean steps of each level's rows;  step_of (C, S) which they are, -1 for none;  share (C, S) what they
                     count in the mean step
    errors           of these means
    absent (L,)      the weight of the background at each level
    of_background (K,)  variance of the curve's mean over a drawn background, None if none was drawn
    """

    points: Floats
    step: Floats
    step_of: Ints
    share: Floats
    errors: PlaceErrors
    absent: Weights
    floor: Floats
    of_background: Floats | None

    def value(self, code: float) -> CurveValue:
        """The curve at a level less its mean over the background."""
        below = np.arange(len(self.points) - 1) < np.flatnonzero(self.points == code)[0]
        passed = np.cumsum(self.absent[::-1])[::-1][1:]  # (L - 1,): the weight of the background beyond each step
        counted = np.append(below - passed, 0.0)
        move = np.where(self.step_of >= 0, self.share * counted[self.step_of], 0.0)
        return _value(move, self.step, self.errors, self.floor, self.of_background)


@dataclass(frozen=True, eq=False)
class LeapCurve:
    """The same to a level that X lacks and no order places: straight from the level of each row of the background.

    rise (C, 1, K)   mean rise of each level's rows as they are moved there; the others as above
    """

    rise: Floats
    errors: PlaceErrors
    absent: Weights
    floor: Floats
    of_background: Floats | None

    def value(self, code: float) -> CurveValue:  # noqa: ARG002
        """The curve at the level that it leads to less its mean over the background."""
        return _value(self.absent[:, None], self.rise, self.errors, self.floor, self.of_background)


def _value(move: Floats, step: Floats, errors: PlaceErrors, floor: Floats, of_background: Floats | None) -> CurveValue:
    """What moves with the mean steps (C, S, K) by `move` (C, S)."""
    variance, df = errors.at(move)
    if not errors.pooled_df and move.any():  # of single rows, nothing is known of any spread
        variance, df = np.full_like(variance, np.inf), 0.0
    background = None if of_background is None else np.sqrt(of_background)
    return CurveValue(np.einsum("cs,csk->k", move, step), np.maximum(np.sqrt(variance), floor), df, background)


@dataclass(frozen=True, eq=False)
class LevelRows:
    """The question of one column of levels: each row at the levels around its own, one below the other.

    axis         the levels as they follow each other, and where the rows are
    weight (n,)  of the rows
    absent (L,)  the weight of the background at each level;  of_mean: variance of a mean over it, as a factor of that of one
                 row; None where no draw was made
    leaps        whether rows are asked as they are and at a level that X lacks and no order places, instead
    """

    question: Rows
    axis: Axis
    weight: Weights
    absent: Weights
    of_mean: float | None
    leaps: bool

    @classmethod
    def of(cls, rows: Codes, weight: Weights, players: TablePlayers, key: tuple[Any, ...]) -> Self:
        """Of the drawn rows (n, D), by their weights (n,), those with a level of the column that `level_key` names."""
        column, levels = key[0], levels_of(players, key[0])
        kept, weight = _rows_of_all_levels(rows, weight, players, column)
        leaps = len(key) > 1 and not players.ordered[column]
        axis = _axis(kept, weight, players, column, levels if leaps else np.union1d(levels, key[1:]))
        around = axis.points[axis.first[axis.place][:, None] + np.arange(axis.window)]
        if leaps:
            around = np.stack([kept[:, column], np.full(len(kept), key[1])], axis=1)
        asked = np.repeat(kept, around.shape[1], axis=0)
        asked[:, column] = around.ravel()
        at = players.background[:, column] == axis.points[:, None]  # (L, B)
        there = np.where(at.any(axis=0), players.background_weights, 0.0)
        there = there / there.sum()
        of_mean = float((there**2).sum()) if is_drawn(players) else None
        return cls(Rows(asked), axis, weight, at @ there, of_mean, leaps)

    def accumulate(self, answers: Floats, as_they_are: Floats) -> LevelCurve | LeapCurve:  # noqa: ARG002
        """The curve of the model's answers to the question; between levels is nothing that rows as they are could tell."""
        n_rows, n_outputs = len(self.axis.place), answers.shape[1]
        step = np.diff(answers.reshape(n_rows, -1, n_outputs), axis=1)
        steps = Steps((self.axis,), n_outputs, step.shape[1])
        steps.add(step, self.axis.place.astype(np.int64), self.weight, answers)
        floor = ROUNDING * steps.scale * len(self.axis.points) ** 0.5  # so many steps are added up
        if self.leaps:
            errors = PlaceErrors.of(steps, np.ones(steps.mean.shape[:2], dtype=bool))
            return LeapCurve(steps.mean, errors, self.absent, floor, self._of_background(steps.mean[:, 0]))
        ground = Ground((self.axis,), Standing.of((self.axis,), self.weight), steps.weight, False)
        taken = ground.step_of >= 0
        mean = np.zeros((self.axis.n_steps, n_outputs))
        np.add.at(mean, ground.step_of[taken], (ground.share[..., None] * steps.mean)[taken])
        errors = PlaceErrors.of(steps, taken).with_drawn_shares(steps, ground, mean)
        height = np.concatenate([np.zeros((1, n_outputs)), np.cumsum(mean, axis=0)])
        return LevelCurve(
            self.axis.points, steps.mean, ground.step_of, ground.share, errors, self.absent, floor,
            self._of_background(height),
        )  # fmt: skip

    def _of_background(self, height: Floats) -> Floats | None:
        """(K,): the variance of the curve's mean over the background, from how far its heights (L, K) vary over the rows."""
        if self.of_mean is None:
            return None
        at, even = height[self.axis.place], self.weight / self.weight.sum()
        spread = even @ (at - even @ at) ** 2 / max(1.0 - (even**2).sum(), np.finfo(float).tiny)
        return np.asarray(spread * self.of_mean)


def _axis(rows: Codes, weight: Weights, players: TablePlayers, column: int, points: Floats) -> Axis:
    """The levels (L,) as they follow each other: ordered ones by their codes, others by how alike their rows are."""
    place = np.searchsorted(points, rows[:, column]).astype(np.int32)
    order, names = None, players.levels[column]
    if not players.ordered[column] and len(points) > 2:  # two levels are neighbours in any order
        assert names is not None
        named = [names[int(code)] for code in points]
        order = similarity_order(rows, weight, column, players.numeric, points, named)
    owner = players.everyone[players.owner[column]]
    return Axis(column, owner, points, True, True, False, place, np.zeros(len(place)), order=order).along()


def _rows_of_all_levels(rows: Codes, weight: Weights, players: TablePlayers, column: int) -> tuple[Codes, Weights]:
    """The drawn rows (n, D) with a level, by weight (n,), and a row of X for each level that the draw missed.

    So no step is without a row. Such a row counts what its level's rows count in X.
    """
    levels, data, of_data = levels_of(players, column), players.data, players.data_weights
    there, total = np.isin(rows[:, column], levels), weight.sum()
    if not there.any():  # a column so empty that no drawn row has a level: take those of X that have
        first = np.flatnonzero(np.isin(data[:, column], levels) & (of_data > 0))[: len(rows)]
        rows, weight, there, total = data[first], of_data[first], np.ones(len(first), dtype=bool), of_data.sum()
    rows, weight = rows[there], weight[there]
    missed = np.setdiff1d(levels, rows[:, column])
    if not len(missed):
        return rows, weight
    rng = players.stream().spawn(1)[0]  # none of the numbers that drew the rows
    others = np.flatnonzero(np.isin(data[:, column], missed) & (of_data > 0))
    added, counted = [], []
    for level in missed:
        of_level = others[data[others, column] == level]
        share = of_data[of_level].sum()
        added.append(rng.choice(of_level, p=of_data[of_level] / share))
        counted.append(share * total / of_data.sum())
    return np.concatenate([rows, data[added]]), np.append(weight, counted)
