"""What `Comparison.versus` and `Comparison.seed_spread` do: check what was asked, and read the statistics off the scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.calls.board import AWAY, HOME, ROUNDING, Board
from perturbxai.calls.versus import Versus
from perturbxai.core import catalogue, checks
from perturbxai.core.types import Bools, Floats
from perturbxai.metrics.statistics import bootstrap, margins
from perturbxai.metrics.statistics.friedman import Friedman, friedman
from perturbxai.metrics.statistics.holm import holm
from perturbxai.metrics.statistics.power import detectable
from perturbxai.metrics.statistics.signed_ranks import rank_biserial, wilcoxon
from perturbxai.metrics.statistics.win_rate import win_rate

if TYPE_CHECKING:
    from perturbxai.calls.comparison import Comparison

DEFAULT = ("srg", "faithfulness")
DIGITS = 12  # the same for ranks
CLAIMS = ("p_no_worse", "p_equivalent")


def versus_of(
    found: Comparison, against: str, metric: str | None, primary: Iterable[str] | None, margin: float | None, fill: str,
    level: float, seed: int,
) -> Versus:  # fmt: skip
    """See `Comparison.versus`."""
    import pandas as pd

    metric, better = _metric(found, metric)
    board = Board.of(found.scores, list(found.results), metric)
    checks.one_of("against", against, board.methods)
    others = [name for name in board.methods if name != against]
    if not others:
        raise ValueError(f"against={against!r} is the only method scored by {metric!r}; compare it with others first.")
    family = _primary(primary, others)
    checks.one_of("fill", fill, (AWAY, HOME, *board.fills))
    level, seed = checks.share("level", level, ", for example 0.95"), checks.seed(seed)
    margin = (
        None
        if margin is None
        else checks.number("margin", margin, "a difference that does not matter, in units of the metric", above=0.0)
    )
    pairs = _Pairs(board, board.methods.index(against), 1.0 if better == "higher" else -1.0, fill)
    _check_inputs(pairs, others)
    rngs = np.random.default_rng(seed).spawn(len(others))
    lines = [pairs.line(name, name in family, margin, level, rng) for name, rng in zip(others, rngs, strict=True)]
    table = pd.DataFrame(lines)
    tested = table.p.notna()
    table.loc[tested, "p_holm"] = holm(table.p[tested].to_numpy())
    what = "row" if set(board.fills) == {"background"} else "picture"
    used = tuple(dict.fromkeys(f for name in others for f in pairs.fills(name)))
    n_inputs, n_outputs = board.values.shape[1:3]
    return Versus(
        table, against, metric, better, fill, used, level, margin, seed, family, board.methods, pairs.ranks(), n_inputs,
        n_outputs, what, {name: found.results[name] for name in board.methods},
    )  # fmt: skip


def _metric(found: Comparison, metric: str | None) -> tuple[str, str]:
    """Its name, and which of "higher" and "lower" is better. Raises ValueError for one not scored, or that ranks nothing."""
    scored = [str(one) for one in dict.fromkeys(found.scores.metric)]
    directions = {name: one.better for name, one in catalogue.METRICS.items()} | dict(found.call.get("better", {}))
    ranking = [one for one in scored if directions.get(one)]
    if not scored:
        raise ValueError("scores is empty: no metric of single maps was asked, or it was stopped before; compare anew.")
    if metric is None:
        metric = next((one for one in DEFAULT if one in scored), None)
        if metric is None:
            way = f"name one of: {', '.join(map(repr, ranking))}" if ranking else "compare with metrics=['faithfulness']"
            raise ValueError(f"metric=None takes {' or '.join(DEFAULT)}, and neither was scored; {way}.")
    checks.one_of("metric", metric, scored)
    if not directions.get(metric):
        raise ValueError(
            f"metric={metric!r} has no direction in which it is better, so nothing can be better by it; take one of "
            f"{', '.join(map(repr, ranking)) or 'those with one'}, or give your own function an attribute `better`."
        )
    return metric, str(directions[metric])


def _primary(primary: Iterable[str] | None, others: Sequence[str]) -> tuple[str, ...]:
    """The family that is tested: by default the usual explainers, by the names that results have of them."""
    if primary is None:
        return tuple(name for name in others if name.partition("@")[0].partition("(")[0] in catalogue.USUAL)
    named = checks.several("primary", primary, "a method, or several")
    return tuple(dict.fromkeys(checks.one_of("primary", name, others) for name in named))


def _check_inputs(pairs: _Pairs, others: Sequence[str]) -> None:
    most = max(int(pairs.differences(name)[2].sum()) for name in others)
    if most >= 2:
        return
    n = pairs.board.values.shape[1]
    if n >= 2 and not any(pairs.fills(name) for name in others):
        raise ValueError(
            f"fill={pairs.fill!r} leaves no fill that a method and the one it is set against share; compare under one more, "
            f"compare(fills=[...]), or name one of {', '.join(map(repr, pairs.board.fills))}."
        )
    if n >= 2:
        raise ValueError(
            f"{most} of {n} inputs have scores of both methods, and a spread needs two: by this metric the others have none "
            "(NaN), as where a map or the model is the same everywhere. Take another metric=, or other inputs."
        )
    raise ValueError(f"{most} of {n} inputs have scores of both methods, and a spread needs two; compare more inputs.")


class _Pairs:
    """Differences of a board's methods from one of them.

    sign  1 where high is good, -1 where low is
    """

    def __init__(self, board: Board, against: int, sign: float, fill: str) -> None:
        self.board, self.against, self.sign, self.fill = board, against, sign, fill

    def _fills(self, name: str) -> list[int]:
        return self.board.fills_for([self.board.methods.index(name), self.against], self.fill)

    def fills(self, name: str) -> list[str]:
        """The names of the fills under which a method is set against the other."""
        return [self.board.fills[f] for f in self._fills(name)]

    def differences(self, name: str) -> tuple[Floats, Floats, Bools]:
        """(N, K) scores of the method and of the other, and (N,) whether an input has all of both."""
        fills = self._fills(name)
        own = self.board.scores(self.board.methods.index(name), fills)
        other = self.board.scores(self.against, fills)
        return own, other, np.asarray(np.isfinite(own + other).all(axis=1))

    def line(self, name: str, tested: bool, margin: float | None, level: float, rng: np.random.Generator) -> dict[str, Any]:
        """The line of a method in the table of `Versus`."""
        own, other, whole = self.differences(name)
        own, other, n = own[whole], other[whole], int(whole.sum())
        head = {"method": name, "primary": tested, "inputs": n, "left_out": len(whole) - n}
        apart = self.sign * (own - other)
        scale = max(np.abs(own).max(initial=0.0), np.abs(other).max(initial=0.0))
        apart = np.where(np.abs(apart) <= ROUNDING * scale, 0.0, apart)
        by_input = apart.sum(axis=1) / apart.shape[1]
        ordered = np.round(by_input / (scale or 1.0), DIGITS)  # sums of tenths that are one are tied, and what is none is 0
        known = n >= 2
        low, high = (-np.inf, np.inf)
        if known:
            low, high = bootstrap.interval(apart.sum(axis=1), np.full(n, apart.shape[1]), level, rng)
        win, win_low, win_high = win_rate(ordered, level)
        found = head | {
            "mean": own.mean() if n else np.nan, "mean_against": other.mean() if n else np.nan,
            "difference": by_input.mean() if n else np.nan, "low": low, "high": high,
            "p": wilcoxon(ordered) if tested and known else np.nan, "p_holm": np.nan,
            "rank_biserial": rank_biserial(ordered) if n else np.nan,
            "win_rate": win, "win_low": win_low, "win_high": win_high,
        }  # fmt: skip
        if margin is not None:
            claims = (margins.no_worse, margins.equivalent)
            found |= {
                claim: test(by_input, margin) if tested else np.nan for claim, test in zip(CLAIMS, claims, strict=True)
            }
        return found | {"detectable": detectable(_spread(by_input), n)}

    def ranks(self) -> Friedman:
        """Of all methods, by the fills that they can all be compared under."""
        every = range(len(self.board.methods))
        fills = self.board.fills_for(list(every), self.fill)
        by_input = np.array([self.board.scores(m, fills).mean(axis=1) for m in every]).T
        scale = np.nanmax(np.abs(by_input), initial=0.0) or 1.0
        return friedman(self.sign * np.round(by_input / scale, DIGITS))  # scores that rounding parts are tied


def _spread(differences: Floats) -> float:
    """Their standard deviation, 0 where it is rounding."""
    if len(differences) < 2 or np.ptp(differences) <= ROUNDING * np.abs(differences).max():
        return 0.0
    return float(differences.std(ddof=1))
