"""Shapley values feature by feature: differences that one player makes, drawn more often where they vary more."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturbxai.explainers import semivalues
from perturbxai.explainers.linearised import ROUNDING, independent_factor
from perturbxai.options import checked
from perturbxai.tables import Bools, Coalitions, Estimate, Floats, Ints, Players, Question, Rows
from perturbxai.walks import draw_before, draw_rows

NUMBERS_AT_ONCE = 1 << 22  # numbers in one request: memory stays bounded on wide tables and large backgrounds
FIRST = 50  # samples a player from which on its variance says where further ones belong: from fewer it misleads


@checked
@dataclass(frozen=True, kw_only=True)
class SamplingShap:
    """Shapley values as means of sampled differences, player by player, in units of the model's output.

    A sample is one difference v(S + j) - v(S), S being those before j in a random order (Strumbelj & Kononenko, "An
    efficient explanation of individual classifications using game theory", 2010). On a table with several background rows
    each sample draws one of them by its weight, as shap's SamplingExplainer does, and costs 2 model rows and not 2 for
    each background row: the budget then stands for budget x B model rows, and `stderr` holds the noise of the rows drawn
    from the background too. On a picture, or with one background row, a sample is 2 coalitions.

    Half of the samples go to the players alike, and if that is 50 each or more the other half to where the deviation is
    large (Strumbelj & Kononenko, "Explaining prediction models and individual predictions with feature contributions",
    2014); with several outputs by their mean share of variance. What the values lack of v(N) - v(nothing) is then spread
    by variance, as shap does, so that they sum to it, and the errors account for that. Intervals are t with the degrees
    of freedom of the player with the fewest samples; the simultaneous factor takes players as independent. Where all
    coalitions fit the budget they are asked instead, and the values are exact. At one budget kernel_shap and
    permutation_shap err less, which ask all background rows at once and use a coalition for many players; this is for
    those who compare with shap's. Skewed differences want some hundred samples before intervals cover as they say.

    budget at least 2P + 2 coalitions, or 2^P if that is fewer; one sample a player knows no error
    name   the key of the result, "sampling_shap" if empty

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(100, 6))
    >>> model = px.Predictor(lambda X: X @ [1.0, 2.0, 3.0, 0.0, 0.0, -1.0])
    >>> found = px.explain("sampling_shap", model, px.TabularSpace(X), np.ones(6), budget=20)["sampling_shap"]
    >>> found.values[0, 3:5, 0].round(6) + 0, found.meta["rows"] <= 20 * 100
    (array([0., 0.]), True)
    """

    name: str = ""
    law_on: ClassVar[tuple[str, ...]] = ()
    asks: ClassVar[str] = "coalitions"

    def least(self, players: Players) -> int:
        return min(2 * players.n_players + 2, int(2**players.n_players))

    def ask(
        self, players: Players, budget: int, rng: np.random.Generator
    ) -> Generator[Sequence[Question], list[Floats], Estimate]:
        n_players = players.n_players
        if 2**n_players <= budget:
            return (yield from semivalues.ask_all(n_players, semivalues.shapley_weights(n_players)))
        (ends,) = yield [Coalitions(semivalues.with_ends(np.zeros((0, n_players), dtype=bool)))]
        sums = _Sums.none(n_players, ends)
        total = _n_samples(players, budget)
        each = total // n_players
        first = each // 2 if each >= 2 * FIRST else each
        yield from _sample(players, np.full(n_players, first), sums, rng)
        left = total - n_players * first
        if first < each:
            more = _where_it_varies(sums, left)
        else:
            more = np.zeros(n_players, dtype=np.int64)
            more[rng.permutation(n_players)[:left]] = 1
        yield from _sample(players, more, sums, rng)
        found = sums.estimate(ends)
        found.notes.update({"samples": sums.counts.tolist(), "listed": False})
        return found


@dataclass(eq=False)
class _Sums:
    """What is kept of the samples: by player their number (P,), and by output mean and squared deviations (P, K)."""

    counts: Ints
    mean: Floats
    squares: Floats
    scale: Floats

    @classmethod
    def none(cls, n_players: int, ends: Floats) -> _Sums:
        nothing = np.zeros((n_players, ends.shape[1]))
        return cls(np.zeros(n_players, dtype=np.int64), nothing, nothing.copy(), np.abs(ends).max(axis=0))

    def add(self, player: Ints, gains: Floats) -> None:
        """Take in samples (n, K) of these players (n,): means and deviations of two sets joined (Chan et al., 1979)."""
        counts = np.bincount(player, minlength=len(self.counts))
        share = np.maximum(counts, 1)[:, None]
        mean, squares = np.zeros_like(self.mean), np.zeros_like(self.mean)
        np.add.at(mean, player, gains)
        mean /= share
        np.add.at(squares, player, (gains - mean[player]) ** 2)
        both = np.maximum(self.counts + counts, 1)[:, None]
        apart = mean - self.mean
        self.squares += squares + apart**2 * self.counts[:, None] * counts[:, None] / both
        self.mean += apart * counts[:, None] / both
        self.counts = self.counts + counts

    def variances(self) -> Floats:
        """(P, K): of one sample. Differences that are equal up to rounding have none."""
        found = self.squares / np.maximum(self.counts - 1, 1)[:, None]
        return np.where(np.sqrt(found) <= ROUNDING * self.scale, 0.0, found)

    def estimate(self, ends: Floats) -> Estimate:
        n_players, n_outputs = self.mean.shape
        variance = self.variances() / self.counts[:, None]
        total = variance.sum(axis=0)
        known = bool((self.counts > 1).all())
        share = np.where(total > 0, variance / np.where(total > 0, total, 1.0), 1.0 / n_players)
        values = self.mean + share * (ends[1] - ends[0] - self.mean.sum(axis=0))
        floor = ROUNDING * self.scale * np.sqrt(n_players)
        stderr = np.maximum(np.sqrt(variance * (1.0 - share)), floor) if known else np.full_like(values, np.inf)
        df = float(self.counts.min() - 1)
        critical = np.full(n_outputs, independent_factor(n_players, df))
        return Estimate(values, stderr, critical, df)


def _of_coalitions(players: Players) -> bool:
    """Whether a sample is two coalitions; else two rows of a table with several background rows."""
    return players.background is None or len(players.background) == 1


def _n_samples(players: Players, budget: int) -> int:
    """How many samples the budget holds beside v(nothing) and v(N)."""
    if _of_coalitions(players):
        return (budget - 2) // 2
    assert players.background is not None
    return ((budget - 1) * len(players.background) - 1) // 2


def _sample(
    players: Players, counts: Ints, sums: _Sums, rng: np.random.Generator
) -> Generator[Sequence[Question], list[Floats], None]:
    """Draw so many samples of each player, ask, and add them up, in requests of bounded size."""
    everyone = np.repeat(np.arange(players.n_players), counts)
    width = players.n_players if players.codes is None else len(players.codes)
    step = max(1, NUMBERS_AT_ONCE // (2 * width))
    for at in range(0, len(everyone), step):
        player = everyone[at : at + step]
        without = draw_before(player, players.n_players, rng)
        z = np.concatenate([without, without])
        z[np.arange(len(player)), player] = True
        (values,) = yield [_question(players, z, rng)]
        sums.scale = np.maximum(sums.scale, np.abs(values).max(axis=0))
        sums.add(player, values[: len(player)] - values[len(player) :])


def _question(players: Players, z: Bools, rng: np.random.Generator) -> Question:
    """Coalitions z (2n, P), those with the player before those without; or rows, both of a sample on one background row."""
    if _of_coalitions(players):
        return Coalitions(z)
    assert players.codes is not None and players.background is not None and players.background_weights is not None
    row = np.tile(draw_rows(len(z) // 2, players.background_weights, rng), 2)
    codes = players.background[row]
    of_players = sorted(column for columns in players.columns for column in columns)
    always = np.setdiff1d(np.arange(codes.shape[1]), of_players)  # columns that absence would not change
    codes[:, always] = players.codes[always]
    for p, columns in enumerate(players.columns):
        for column in columns:
            codes[z[:, p], column] = players.codes[column]
    return Rows(codes)


def _where_it_varies(sums: _Sums, more: int) -> Ints:
    """(P,) how many of `more` samples each player gets, so that all of its samples go by its deviation.

    Several outputs count by the mean of each player's share of their variance.
    """
    variance = sums.variances()
    total = variance.sum(axis=0)
    share = (variance / np.where(total > 0, total, 1.0)).mean(axis=1)
    deviation = np.sqrt(share) if share.any() else np.ones(len(share))
    wanted = np.zeros(len(deviation))
    open_ = deviation > 0
    while True:  # players that have more than their part already give the rest to the others
        target = (more + sums.counts[open_].sum()) * deviation[open_] / deviation[open_].sum()
        short = target >= sums.counts[open_]
        if short.all():
            wanted[open_] = target - sums.counts[open_]
            break
        open_[np.flatnonzero(open_)[~short]] = False
    found = np.floor(wanted).astype(np.int64)
    found[np.argsort(found - wanted, kind="stable")[: more - int(found.sum())]] += 1
    return found
