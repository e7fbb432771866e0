"""Shapley values feature by feature: differences that one player makes, drawn more often where they vary more."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeGuard

import numpy as np

from perturbxai.core.evaluations import Estimate
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions, Players, Question, Rows, TablePlayers
from perturbxai.core.types import Floats, Ints, PerOutput, Presence
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import semivalues
from perturbxai.estimation.intervals import independent
from perturbxai.sampling.coalitions import draw_before, draw_rows

NUMBERS_AT_ONCE = 1 << 22  # numbers in one request: memory stays bounded on wide tables and large backgrounds
FIRST = 50  # samples a player from which on its variance says where further ones belong: from fewer it misleads


@options
class SamplingShap(Asking):
    """Shapley values as means of sampled differences, player by player, as shap's SamplingExplainer takes them.

    What it estimates. A player's Shapley value: what it adds to the model's output, on average over all orders in which
    players may join. Values are signed, in units of the model's output, and sum to v(N) - v(nothing); see `kernel_shap`.

    When to take it. To compare with shap's explainer, or with the method as published. At one budget `kernel_shap` and
    `permutation_shap` err less: they ask all background rows at once and use a coalition for many players.

    How. A sample is one difference v(S + j) - v(S), S being those before j in a random order (Strumbelj & Kononenko, "An
    efficient explanation of individual classifications using game theory", 2010). On a table with B > 1 background rows it
    is taken on one of them, drawn by its weight, and costs 2 model rows; else it is 2 coalitions. Half of the samples go to
    the players alike, and if that is 50 each or more the other half to where the deviation is large (Strumbelj & Kononenko,
    "Explaining prediction models and individual predictions with feature contributions", 2014); with several outputs by
    their mean share of variance. What the means lack of v(N) - v(nothing) is spread over the players by variance, as shap
    does. Where all 2^P coalitions fit the budget they are asked instead, and the values are exact.

    What comes back. `values` and `stderr` are (N, P, K). On a table with several background rows `stderr` holds the noise
    of the rows drawn from it too. Intervals are t with the degrees of freedom of the player with the fewest samples, and
    one that is lent; the simultaneous factor takes players as independent. Few samples may agree by luck: a player's
    deviation is drawn towards that of the players that vary, and where most of its samples agree the jump that none has
    shown is added (see `permutation_shap`). Simulated from 2 to 40 samples a player intervals hold .94 or more of the
    values, all players at once in .9 of the draws or more. `meta["samples"]` has how many each player got.

    budget (of `explain`)  in coalitions, on a table each worth B model rows; at least 2P + 2, or 2^P if that is fewer. One
                           sample a player knows no error: it is infinite
    name                   the key of the result, "sampling_shap" if empty

    `explain` raises ValueError, before the model is asked, for a budget that is too small.

    >>> import numpy as np, perturbxai as px
    >>> X = np.random.default_rng(0).normal(size=(100, 6))
    >>> model = px.Predictor(lambda X: X @ [1.0, 2.0, 3.0, 0.0, 0.0, -1.0])
    >>> found = px.explain("sampling_shap", model, px.TabularSpace(X), np.ones(6), budget=20)["sampling_shap"]
    >>> found.values[0, 3:5, 0].round(6) + 0, found.meta["rows"] <= 20 * 100
    (array([0., 0.]), True)
    """

    name: str = ""
    asks: ClassVar[str] = "coalitions"

    def least(self, players: Players) -> int:
        return min(2 * players.n_players + 2, int(2**players.n_players))

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        n_players = players.n_players
        if 2**n_players <= budget:
            return (yield from semivalues.ask_all(n_players))
        (ends,) = yield [Coalitions(semivalues.with_ends(np.zeros((0, n_players), dtype=bool)))]
        samples = _Samples([np.zeros((0, ends.shape[1]))] * n_players, np.abs(ends).max(axis=0))
        # beside v(nothing) and v(N)
        total = ((budget - 1) * len(players.background) - 1) // 2 if _on_rows(players) else (budget - 2) // 2
        each = total // n_players
        first = each // 2 if each >= 2 * FIRST else each
        yield from _sample(players, np.full(n_players, first), samples, rng)
        left = total - n_players * first
        if first < each:
            more = _where_it_varies(samples, left)
        else:
            more = np.bincount(rng.permutation(n_players)[:left], minlength=n_players)
        yield from _sample(players, more, samples, rng)
        found = samples.estimate(ends)
        found.notes.update({"samples": samples.counts.tolist(), "listed": False})
        return found


@dataclass(eq=False)
class _Samples:
    """The differences drawn so far, (n, K) by player, and the largest magnitude of a value (K,)."""

    gains: list[Floats]
    scale: PerOutput

    def add(self, player: Ints, gains: Floats) -> None:
        """Take in samples (n, K) of these players (n,), which come in order."""
        ends = np.searchsorted(player, np.arange(len(self.gains) + 1))
        for p in np.unique(player):
            self.gains[p] = np.concatenate([self.gains[p], gains[ends[p] : ends[p + 1]]])

    @property
    def counts(self) -> Ints:
        return np.array([len(one) for one in self.gains], dtype=np.int64)

    def own(self) -> Floats:
        """(P, K): the variance of one sample as a player's own tell it. What differs by rounding has none."""
        found = np.array([one.var(axis=0, ddof=min(len(one) - 1, 1)) for one in self.gains])
        return np.where(np.sqrt(found) <= spread.ROUNDING * self.scale, 0.0, found)

    def estimate(self, ends: Floats) -> Estimate:
        """Means that share out what they lack of the gain by their own variance, and errors that borrow from each other."""
        counts, n_players = self.counts[:, None], len(self.gains)
        mean, variance = np.array([one.mean(axis=0) for one in self.gains]), self.own() / counts
        total, lack = variance.sum(axis=0), ends[1] - ends[0] - mean.sum(axis=0)
        share = np.where(total > 0, variance / np.where(total > 0, total, 1.0), 1.0 / n_players)
        floor = spread.ROUNDING * self.scale * np.sqrt(n_players)
        stderr = np.full_like(mean, np.inf)
        if self.counts.min() > 1:
            lent = spread.variances(self.gains, np.abs(lack), floor) / counts
            known = np.isfinite(lent).all(axis=0)
            lent = np.where(known, lent, 0.0)
            moved = lent * (1.0 - 2.0 * share) + share**2 * lent.sum(axis=0)
            stderr = np.where(known, np.maximum(np.sqrt(moved), floor), np.inf)
        return independent(mean + share * lack, stderr, spread.freedom(int(self.counts.min())))


def _on_rows(players: Players) -> TypeGuard[TablePlayers]:
    """Whether a sample is two rows, of a table with several background rows; else it is two coalitions."""
    return isinstance(players, TablePlayers) and len(players.background) > 1


def _sample(
    players: Players, counts: Ints, samples: _Samples, rng: np.random.Generator
) -> Generator[Sequence[Question], list[Floats], None]:
    """Draw so many samples of each player, ask, and add them up, in requests of bounded size."""
    everyone = np.repeat(np.arange(players.n_players), counts)
    width = len(players.codes) if isinstance(players, TablePlayers) else players.n_players
    step = max(1, NUMBERS_AT_ONCE // (2 * width))
    for at in range(0, len(everyone), step):
        player = everyone[at : at + step]
        without = draw_before(player, players.n_players, rng)
        z = np.concatenate([without, without])
        z[np.arange(len(player)), player] = True
        (values,) = yield [_question(players, z, rng)]
        samples.scale = np.maximum(samples.scale, np.abs(values).max(axis=0))
        samples.add(player, values[: len(player)] - values[len(player) :])


def _question(players: Players, z: Presence, rng: np.random.Generator) -> Question:
    """Coalitions z (2n, P), those with the player before those without; or rows, both of a sample on one background row."""
    if not _on_rows(players):
        return Coalitions(z)
    row = np.tile(draw_rows(len(z) // 2, players.background_weights, rng), 2)
    codes = players.background[row]
    of_players = sorted(column for columns in players.columns for column in columns)
    always = np.setdiff1d(np.arange(codes.shape[1]), of_players)  # columns that absence would not change
    codes[:, always] = players.codes[always]
    for p, columns in enumerate(players.columns):
        for column in columns:
            codes[z[:, p], column] = players.codes[column]
    return Rows(codes)


def _where_it_varies(samples: _Samples, more: int) -> Ints:
    """(P,) how many of `more` samples each player gets, so that all of its samples go by its deviation.

    Several outputs count by the mean of each player's share of their variance.
    """
    variance = samples.own()
    total = variance.sum(axis=0)
    share = (variance / np.where(total > 0, total, 1.0)).mean(axis=1)
    deviation = np.sqrt(share) if share.any() else np.ones(len(share))
    wanted = np.zeros(len(deviation))
    open_ = deviation > 0
    while True:  # players that have more than their part already give the rest to the others
        target = (more + samples.counts[open_].sum()) * deviation[open_] / deviation[open_].sum()
        short = target >= samples.counts[open_]
        if short.all():
            wanted[open_] = target - samples.counts[open_]
            break
        open_[np.flatnonzero(open_)[~short]] = False
    found = np.floor(wanted).astype(np.int64)
    found[np.argsort(found - wanted, kind="stable")[: more - int(found.sum())]] += 1
    return found
