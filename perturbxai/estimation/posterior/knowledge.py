"""What a table of complementary pairs knows of its game, output by output; every method of coalitions reads it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from perturbxai.core.evaluations import Evaluations, once
from perturbxai.core.types import Floats, Ints, PerOutput, Presence, Values
from perturbxai.estimation.posterior.cost import COMMON, OWN, worthwhile
from perturbxai.estimation.posterior.crossfit import CrossFit, Known
from perturbxai.estimation.posterior.evidence import Answers
from perturbxai.estimation.posterior.pairs import Functional
from perturbxai.estimation.posterior.prior import sizes
from perturbxai.estimation.survey import pair_sides

N_FOLDS = 5
MOST_ROWS, MOST_PLAYERS, MOST_OUTPUTS = 4000, 128, 20  # beyond which a fit is too much work
FEW_OUTPUTS = 3  # so many may have rates of their own, more share them
SAME = 1e-12  # of the largest answer: outputs that differ by no more are one


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Processes of a game, made when they are asked for.

    signs (2 + M + C, P) and values (2 + M + C, K) of nothing, everything, the M rows that were drawn and the C that were
    chosen;  fold (2 + M + C,): of each pair's rows, -1 for the ends;  n_drawn: M
    groups of outputs that share rates, those that are an earlier one's opposite left out
    twin, sign (K,): the output that tells each, and whether as it is or as its opposite;  common: one rate for all players
    read: what methods, by their weights, have found in it
    """

    signs: Floats
    fold: Ints
    n_drawn: int
    values: Values
    groups: list[list[int]]
    twin: Ints
    sign: Ints
    common: bool
    read: dict[Any, Known] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Evaluations, sparing: bool) -> Self | None:
        """Made once a table; None if it is not worth it, or not possible: for pairs alone, and not too many.

        sparing: only as far as the table can afford it; where answers were chosen for it, it is made in any case
        """
        sparing = sparing and table.chosen is None
        return once(table.cache, ("knowledge", sparing), lambda: cls._make(table, sparing))

    @classmethod
    def _make(cls, table: Evaluations, sparing: bool) -> Self | None:
        if not _feasible(table) or table.weight is not None:
            return None
        own = table.chosen.values if table.chosen is not None else table.values[:0]
        values, level = np.vstack([table.empty, table.full, table.values, own]), OWN
        if sparing:
            found = best_level(values, table.design.n_players, table.affordable)
            if found is None:
                return None
            if found == OWN:  # nothing is spared: methods that insist read the same
                return cls.of(table, sparing=False)
            level = found
        return cls.at(level, *_pairs(table), len(table.values), values)

    @classmethod
    def at(cls, level: str, signs: Floats, fold: Ints, n_drawn: int, values: Values) -> Self:
        """Of such answers, with rates as one of `cost.LEVELS` has them."""
        twin, sign = _twins(values)
        distinct = np.unique(twin).tolist()
        groups = [[k] for k in distinct] if level == OWN and len(distinct) <= FEW_OUTPUTS else [distinct]
        return cls(signs, fold, n_drawn, values, groups, twin, sign, level == COMMON)

    @cached_property
    def fits(self) -> list[CrossFit]:
        """By group of outputs."""
        answers = (self.values - self._level) / self._scale
        return [CrossFit.of(Answers(self.signs, answers[:, own]), self.fold, self.common) for own in self.groups]

    @property
    def moving(self) -> list[CrossFit]:
        """The fits of outputs that change at all; every one if none does."""
        moves = np.ptp(self.values, axis=0) > SAME * np.abs(self.values).max(axis=0)
        return [fit for fit, own in zip(self.fits, self.groups, strict=True) if moves[own].any()] or self.fits

    @cached_property
    def _level(self) -> PerOutput:
        """(K,): the mean of the values of each output, summed alike in any company: a search makes more of rounding."""
        return np.array([column.mean() for column in self.values.T.copy()])

    @cached_property
    def _scale(self) -> PerOutput:
        """(K,): the spread of each output to a power of two, by which answers are divided without any rounding."""
        spread = np.array([column.std() for column in self.values.T.copy()])
        return np.asarray(2.0 ** np.round(np.log2(np.where(spread > 0.0, spread, 1.0))))

    def known(self, weights: Functional) -> Known:
        """A method's values, found once."""
        return once(self.read, tuple(part.tobytes() for part in weights), lambda: self._read(weights))

    def _read(self, weights: Functional) -> Known:
        found = [fit.known(weights) for fit in self.fits]
        values, variances, df, by_fold, surprise = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
        told = self._told
        scale = self.sign * self._scale[self.twin]
        return Known(
            values[:, told] * scale, variances[:, told] * scale**2, df[told], by_fold[..., told] * scale, surprise[told]
        )  # fmt: skip

    @property
    def unseen(self) -> Values:
        """(M, K): what the values of the rows that were drawn are more than the processes said that had not seen them."""
        rows = np.arange(2, 2 + self.n_drawn)
        return self.values[rows] - self.said[self.fold[rows], rows]

    @cached_property
    def said(self) -> Floats:
        """(F, 2 + M, K): what all pairs but those of each fold say of the ends and what was drawn."""
        found = np.concatenate([fit.said[:, : 2 + self.n_drawn] for fit in self.fits], axis=-1)[..., self._told]
        return np.asarray(found * (self.sign * self._scale[self.twin]) + self._level)

    @property
    def _told(self) -> Ints:
        """(K,): the place, among the outputs of all groups, of the one that tells each."""
        return np.searchsorted(np.concatenate(self.groups), self.twin)


def folds(stratum: Ints) -> Ints:
    """(R,): a fold for each pair, each size spread over all of them."""
    order = np.argsort(stratum, kind="stable")
    found = np.empty(len(stratum), dtype=np.int64)
    found[order] = np.arange(len(stratum)) % N_FOLDS
    return found


def best_level(values: Values, n_players: int, affordable: float) -> str | None:
    """How rates may be fitted to answers (n, K) in that many seconds: one of `cost.LEVELS`, or None."""
    return worthwhile(affordable, len(values), n_players, values.shape[1], len(np.unique(_twins(values)[0])))


def _twins(values: Values) -> tuple[Ints, Ints]:
    """(K,) each: of every output itself and 1, or the first that is its opposite but for a constant, and -1."""
    centred = values - values.mean(axis=0)
    twin, sign = np.arange(values.shape[1]), np.ones(values.shape[1], dtype=np.int64)
    for k in range(values.shape[1]):
        close = SAME * np.abs(values[:, k]).max(initial=0.0)
        for j in range(k):
            if twin[j] == j and np.abs(centred[:, k] + centred[:, j]).max() <= close:
                twin[k], sign[k] = j, -1
                break
    return twin, sign


def processes_held(n_players: int, n_coalitions: int) -> float:
    """Arrays (coalitions, players) that processes hold: the factors of the folds, where there are any."""
    fitted = n_coalitions <= MOST_ROWS + 2 and 2 <= n_players <= MOST_PLAYERS
    return (N_FOLDS + 2.0) * n_coalitions / n_players if fitted else 0.0


def _pairs(table: Evaluations) -> tuple[Floats, Ints]:
    """Signs (2 + M + C, P) and fold (2 + M + C,) of nothing, everything, and what was drawn and chosen."""
    n_players = table.design.n_players
    first, second = pair_sides(table.design)
    chosen = table.chosen.z if table.chosen is not None else table.design.z[:0]
    ends = np.vstack([-np.ones(n_players), np.ones(n_players)])
    signs = np.vstack([ends, 2.0 * table.design.z - 1.0, 2.0 * chosen - 1.0])
    smaller = np.minimum(sizes(signs), n_players - sizes(signs))
    fold = np.full(len(signs), -1)
    fold[2 + first] = fold[2 + second] = folds(smaller[2 + first])
    fold[2 + len(table.values) :] = folds_of_pairs(chosen)
    return signs, fold


def folds_of_pairs(z: Presence) -> Ints:
    """(C,): the folds of coalitions (C, P), of a pair of which there may be one side, or the two in any order."""
    side = np.where(z[:, :1], z, ~z)  # both are named by that which holds the first player
    _, one, pair = np.unique(side, axis=0, return_index=True, return_inverse=True)
    size = z[one].sum(axis=1)
    return folds(np.minimum(size, z.shape[1] - size))[pair.ravel()]


def _feasible(table: Evaluations) -> bool:
    """Whether processes can be fitted to such a table: of pairs, all on the whole background, and not too many."""
    design, n_rows = table.design, len(table.values) + (0 if table.chosen is None else len(table.chosen.z))
    paired = len(design.z) % 2 == 0 and bool((design.z[0::2] != design.z[1::2]).all())
    sized = 2 * design.n_players <= n_rows <= MOST_ROWS and 2 <= design.n_players <= MOST_PLAYERS
    return paired and sized and len(table.full) <= MOST_OUTPUTS and not design.listed and design.base is None
