"""ALE's value of a player: the accumulated local effect at what x has, less that at absence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.evaluations import once
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions, Opacities, Players, Rows, TablePlayers
from perturbxai.core.types import Codes, Floats, Ints, Weights
from perturbxai.estimation.curves.accumulated import accumulated_curve
from perturbxai.estimation.curves.asked_rows import AskedRows
from perturbxai.estimation.curves.grid_tables import Curve, FromGrid, GridTable
from perturbxai.estimation.curves.level_curve import LeapCurve, LevelCurve, LevelRows, check_levels, level_key
from perturbxai.estimation.curves.table_curve import EdgeRows, TableCurve, curve_key
from perturbxai.estimation.intervals import independent, no_players
from perturbxai.estimation.survey import ROUNDING
from perturbxai.sampling.references import draw_references

BINS_OF_OPACITY = 5
MOST_BINS = 1_000_000  # of which all edges are held at once
CURVES, BANDS_FOR = ("centred", "anchored"), ("sample", "population")
NUMBERS_AT_ONCE = 1 << 22  # coded numbers in one request: memory stays bounded on wide tables
DRAWN = "drawn rows as they are"


@renamed(grid="bins", rows="data_rows", target="bands_for", centre=("curves", {"data": "centred", "start": "anchored"}))
@options
class Ale(Asking, FromGrid):
    """Accumulated local effects as one signed value a player, in units of the model's output.

    On a table a column is cut into quantile bins. Drawn rows of X are moved from the lower to the upper edge of the bin
    that they lie in, and the mean changes of the output, added up from bin to bin, are the curve (Apley & Zhu, "Visualizing
    the effects of predictor variables in black box supervised learning models", 2020). The value of column j is the curve
    at x_j less its mean over the background. It costs 2 model rows a drawn row and column, and each drawn row as it is,
    once for all inputs. Beyond the values of X the curve is flat; rows with a missing value are left out; along a column
    with a single value the curve leads from there to x_j.
    Columns of levels (categories, strings, other objects; truth values are numbers) step from level to level: in the order
    of the categories, or else in one by which levels follow each other whose drawn rows are alike in the other columns. A
    row is moved to the levels beside its own, which costs up to 2 model rows again; a level that no drawn row has is there
    with one row of X. The value of a level is what the steps up to it add up to, less their mean over the background. It
    hangs on the order, unless the model is additive or the column independent of the others: in another order other rows
    take the steps. `stderr` takes the order as it was found, and few rows find it badly. To a level that X lacks and no
    order places, rows go straight from the levels of the background. Missing is a level among those without an order; in an
    order it has no place, as among numbers.
    `stderr` is the error from having asked these rows, and from reading straight lines between edges; a bin whose rows all
    change alike takes the mean spread of the others. `stderr_background` is that from having drawn the background. Together,
    sqrt(stderr^2 + stderr_background^2), they are the error towards the curve of all rows like these. In simulations the
    95 % intervals held that curve in .93 to .98 of draws, and in .7 where one row in six sees a jump and a bin has seven; of
    levels in .92 to .96, and in .88 where 100 rows left the order of five open.
    On a picture the feature is a superpixel's opacity, from the fill (0) to the picture (1) in 5 equal bins, over reference
    rows in which the other superpixels are shown about as often. The values do not sum to v(N) - v(nothing) in general;
    `meta["gap"]` is what is missing.

    For `effects` it is the curve itself; of two columns the surface of what they do together, without the effect of each.
    Whole numbers and columns of few values step from one value to the next as levels do, over the rows that have either. The
    band is Student's t on how the rows of a bin differ. The band of a pair is about the surface of all rows like the drawn
    ones on the same grid: it has how the rows of a cell differ, where they lie, and for what an empty cell takes from its
    nearest as much as that is. Over seven functions and 200 to 5,000 rows 95 % intervals held that surface at .93 to .99 of
    the data, with a grid that was not named; with two rows a cell at .75 where the function jumps.
    On a picture the curve starts at 0 at the fill. The first points of its band rest on the reference rows of one bin, few
    and skewed: with 14 a bin, simultaneous bands held the curve in 89 of 100 draws.

    bins  number of quantile bins of a column, fewer where values are tied. `effects` has `grid=` instead
    data_rows  how many rows of X are drawn at most. `effects` has `rows=` instead
    curves  `effects` only: "centred", with a mean over the data of 0; "anchored", with 0 at the first point (single columns)
    bands_for  `effects` only: what the band holds, "sample": the curve centred at the rows that were drawn; "population":
            the curve centred at all rows like them, whose mean is not known exactly: a wider band (single columns)
    differential  `effects` only: mean derivatives at the rows in place of steps between edges (Gkolemis et al., "RHALE",
            2023): for networks, single columns of numbers in bins; one gradient a row serves all columns
    name  the key of the result, "ale" if empty
    Raises ValueError for groups of columns, for columns of more than 500 levels, and for an explained value that is missing
    among numbers or ordered levels.
    """

    bins: int = 40
    data_rows: int = 1000
    curves: str = "centred"
    bands_for: str = "sample"
    differential: bool = False
    name: str = ""
    of_curves: ClassVar[tuple[str, ...]] = ("curves", "bands_for", "differential")

    def __post_init__(self) -> None:
        checks.one_of("curves", self.curves, CURVES)
        checks.one_of("bands_for", self.bands_for, BANDS_FOR)
        checks.whole("bins", self.bins, 1, most=MOST_BINS, way=f" to {MOST_BINS:,}; 40 is the default")
        checks.whole("data_rows", self.data_rows, 2)

    @property
    def accumulates(self) -> bool:
        return True

    def check_features(self, key: str, pairs: bool, levels: Sequence[str]) -> None:  # noqa: ARG002
        """Refuse what is for explain(), and of pairs what is of single columns."""
        if (self.bins, self.data_rows) != (Ale.bins, Ale.data_rows):
            raise ValueError(f"{key}: bins and data_rows of Ale are for explain(); give effects(grid=..., rows=...).")
        for option in self.of_curves if pairs else ():
            if getattr(self, option) != getattr(Ale, option):
                raise ValueError(
                    f"{key}: {option}={getattr(self, option)!r} is of single columns; take the pairs out of features."
                )

    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """What `effects` shows of one column or pair."""
        centred, population = self.curves == "centred", self.bands_for == "population"
        return accumulated_curve(table, centred=centred, population=population, rng=rng)

    def check(self, players: Players) -> None:
        """Refuse, before any model call, players for which the curve is not defined."""
        if not isinstance(players, TablePlayers):
            return
        for name, columns in zip(players.names, players.columns, strict=True):
            if len(columns) > 1:
                raise ValueError(f"ale: the player {name!r} has {len(columns)} columns; its curve needs one, ungroup it.")
            if not players.numeric[columns[0]]:
                check_levels(players, name, columns[0])
                continue
            if np.isnan(players.codes[columns[0]]):
                raise ValueError(f"ale: the explained value of {name!r} is missing, which has no place on the curve.")
            for what, rows in (("X", players.data), ("the background", players.background)):
                if np.isnan(rows[:, columns[0]]).all():
                    raise ValueError(f"ale: the column {name!r} has no value in {what}; leave 'ale' or the column out.")

    def least(self, players: Players) -> int:
        return 4 * BINS_OF_OPACITY * players.n_players if players.kind == "image" else 0

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        if players.n_players == 0:  # absence changes nothing; only the number of outputs is left to learn
            (values,) = yield [Coalitions(np.ones((1, 0), dtype=bool))]
            return no_players(values.shape[1])
        if isinstance(players, TablePlayers):
            return (yield from self._ask_table(players))
        return (yield from self._ask_picture(players, budget, rng))

    def _ask_table(self, players: TablePlayers) -> Questions:
        rows, weight = once(players.common, (self.data_rows, "rows"), lambda: self._drawn_rows(players))
        shared = once(players.common, (self.bins, self.data_rows), lambda: _Shared.of(rows, players))
        keys = [_key(players, columns[0]) for columns in players.columns]
        step = max(1, NUMBERS_AT_ONCE // max(2 * rows.size, 1))
        while wanted := [key for key in keys if key not in shared.curves][:step]:
            for key in wanted:
                if key not in shared.questions:
                    question = self._question(rows, weight, players, key)
                    shared.asked.add(question.question.codes, key)
                    shared.questions[key] = question
            # the rows as they are tell what the model does within bins; they are remembered for columns that come later
            own, *answers = yield [shared.as_they_are, *(shared.questions[key].question for key in wanted)]
            for key, values in zip(wanted, answers, strict=True):
                if key not in shared.curves:  # another input of the call may have been first
                    shared.curves[key] = shared.questions.pop(key).accumulate(values, own)
        found = [shared.curves[key].value(float(players.codes[key[0]])) for key in keys]
        names = [DRAWN, *(_name(players, p, key) for p, key in enumerate(keys))]
        counted = dict(zip(names, shared.asked.counts([DRAWN, *keys], players.codes), strict=True))
        notes = {"rows_once_a_call": counted, "drawn_rows": len(rows), "errors_in_common": True}
        values, stderr = np.array([one.value for one in found]), np.array([one.stderr for one in found])
        # a column without a degree of freedom has an infinite error already, and leaves the others theirs
        df = min((one.df for one in found if one.df > 0), default=0.0)
        drawn = [one.background for one in found if one.background is not None]
        return independent(values, stderr, df, stderr_background=np.array(drawn) if drawn else None, notes=notes)

    def _question(self, rows: Codes, weight: Weights, players: TablePlayers, key: tuple[Any, ...]) -> EdgeRows | LevelRows:
        """What is asked of the drawn rows (n, D), by weights (n,), for a curve."""
        if players.numeric[key[0]]:
            return EdgeRows.of(rows, weight, players, key, self.bins)
        return LevelRows.of(rows, weight, players, key)

    def _drawn_rows(self, players: TablePlayers) -> tuple[Floats, Floats]:
        """(n, D) coded rows of X and their weights (n,), the same for all inputs of the call."""
        there = np.flatnonzero(players.data_weights > 0)
        weight = players.data_weights[there]
        if len(there) > self.data_rows:  # drawn by their weights, so that they then count alike
            drawn = players.stream().choice(len(there), self.data_rows, replace=False, p=weight)
            there, weight = there[np.sort(drawn)], np.ones(self.data_rows)
        return players.data[there], weight

    def _ask_picture(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
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
        notes = {"reference_rows": 2 * n_pairs, "bins": bins}
        return independent(values, np.maximum(np.sqrt(variance), floor), df, notes=notes)


@dataclass(eq=False)
class _Shared:
    """What all inputs of a call share: the drawn rows as they are, curves and their questions, and which rows these ask."""

    as_they_are: Rows
    asked: AskedRows
    curves: dict[Any, TableCurve | LevelCurve | LeapCurve] = field(default_factory=dict)
    questions: dict[Any, EdgeRows | LevelRows] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Codes, players: TablePlayers) -> Self:
        """Of the drawn rows (n, D)."""
        asked = AskedRows(players.background)
        asked.add(rows, DRAWN)
        return cls(Rows(rows), asked)


def _key(players: TablePlayers, column: int) -> tuple[Any, ...]:
    """Which curve a column is read from: its own, or one that leads to the explained value alone."""
    return curve_key(players, column) if players.numeric[column] else level_key(players, column)


def _name(players: TablePlayers, number: int, key: tuple[Any, ...]) -> str:
    """What a player's curve is called where its rows are counted."""
    if len(key) == 1:
        return players.names[number]
    levels = None if players.numeric[key[0]] else players.levels[key[0]]
    return f"{players.names[number]}={key[1] if levels is None else levels[int(key[1])]!r}"


def _stratified_variance(sums: Floats, stratum: Ints) -> Floats:
    """Variance of the sum of pairs (n, P, K) drawn by strata; a stratum of one pair borrows the others' spread."""
    groups = [sums[stratum == h] for h in np.unique(stratum)]
    spread = [g.var(axis=0, ddof=1) if len(g) > 1 else None for g in groups]
    lent = np.mean([s for s in spread if s is not None], axis=0)
    return np.asarray(sum(len(g) * (lent if s is None else s) for g, s in zip(groups, spread, strict=True)))
