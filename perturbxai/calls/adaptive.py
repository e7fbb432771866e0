"""design="adaptive": half of what a budget allows is drawn, the other half chosen by what the answers so far leave open.

Only the part that is drawn is a sample, from which fits without a process and errors by design are made. What is chosen is
for the process, which takes every answer for what it is. Each input has a choice of its own. Where no method reads its
values off a process the other half is drawn too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.calls.work import Work
from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate
from perturbxai.core.types import Presence
from perturbxai.estimation.posterior.choice import choose
from perturbxai.estimation.posterior.knowledge import MOST_OUTPUTS, MOST_PLAYERS, MOST_ROWS, Knowledge
from perturbxai.estimation.posterior.pairs import Functional
from perturbxai.game.game import Game
from perturbxai.sampling.growing import growing_totals
from perturbxai.sampling.streams import Streams
from perturbxai.sampling.untouched import draw_candidates

LEAST = 4  # coalitions a player that are drawn in any case, as far as there are: from there on every error is known
GROWTH = 0.5  # so many of what was asked are chosen at once, by one fit
CANDIDATES = 1000  # pairs of which they are chosen


@dataclass(frozen=True, eq=False)
class Adaptive:
    """wanted: by method, what it makes of a game of so many players"""

    streams: Streams
    wanted: Mapping[str, Any]

    def check(self, game: Game, budget: Callable[[int], int]) -> None:
        """Refuse what no process can be fitted to; budget: coalitions an input of so many players."""
        told = {key: of(3) for key, of in self.wanted.items()}
        if without := [key for key, found in told.items() if found is None]:
            raise ValueError(
                f"design='adaptive' chooses coalitions by what a process expects, and {', '.join(without)} reads none as it "
                "is set. Give it a call of its own, or a surrogate where it has that option."
            )
        for key, found in told.items():
            if not isinstance(found, Functional):
                came = checks.as_given(found)
                raise TypeError(f"{key}: wanted(3) returned {came}; expected SizeWeights, PairWeights, ListWeights or None.")
        if not self.wanted:
            raise ValueError("design='adaptive' is for methods of coalitions, and there is none; leave it out.")
        _check_most("players", max(len(one.active) for one in game.inputs), MOST_PLAYERS)
        asked = [(len(one.active), budget(len(one.names))) for one in game.inputs]
        # nothing and everything are known beside; where all there are fit the budget, no process is fitted
        _check_most("coalitions an input", max((n for p, n in asked if n < 2**p), default=0), MOST_ROWS + 2)

    @staticmethod
    def check_outputs(n_outputs: int) -> None:
        """The same of what only the model tells."""
        _check_most("outputs", n_outputs, MOST_OUTPUTS)

    @staticmethod
    def drawn(budget: int, n_players: int, least: int) -> int:
        """How many coalitions of a budget are drawn, nothing and everything among them; all if it holds all there are.

        least: what the methods need
        """
        return budget if 2**n_players <= budget else min(budget, max(budget // 2, LEAST * n_players + 2, least))

    def totals(self, n_players: int, budget: int, least: int, looked_at: bool) -> tuple[int, ...]:
        """Pairs of the stages before the last, which draws all: half of the budget's, and if they are looked at one by one
        those that lead to it and one behind it."""
        if 2**n_players <= budget:
            return ()
        half = (self.drawn(budget, n_players, least) - 2) // 2
        return (*growing_totals(n_players, 2 * half, least), half, half + half // 2) if looked_at else (half,)

    def choice(
        self, work: Work, budget: int, least: int, digest: Sequence[int], estimates: Iterable[Estimate]
    ) -> Presence | None:
        """(C, P') coalitions that an input is asked next, in the design's columns; None if it is the turn of a stage, or the
        budget is spent.

        estimates: what the methods conclude from the table so far
        """
        table, n_drawn, n_chosen = work.table, len(work.table.values), len(work.table.chosen.z)
        room = budget - 2 - n_drawn - n_chosen
        half = (self.drawn(budget, work.n_active, least) - 2) // 2 * 2
        if room <= 0 or n_drawn != half or work.stages[-1].listed:
            return None
        knowledge = Knowledge.of(table, sparing=False)
        if knowledge is None or not (n_chosen or any(map(_reads, estimates))):
            return None
        n_rows = min(room, int(GROWTH * (n_drawn + n_chosen)))
        if room - n_rows < work.n_active:  # too few for a look of their own
            n_rows = room
        asked = np.concatenate([work.stages[work.stage].z, table.chosen.z])
        rng = self.streams.of_input(digest, f"candidates beside {n_chosen}")
        z, free = draw_candidates(asked, max(CANDIDATES, n_rows), rng)
        found = choose(knowledge, [of(work.n_active) for of in self.wanted.values()], z, free, n_rows)
        if not len(found):
            return None
        work.stages = work.stages[: work.stage + 1]  # what is chosen takes the place of the others
        return found


def _reads(estimate: Estimate) -> bool:
    """Whether it has values of a process, of any output, or does not say as ours do."""
    told = estimate.notes.get("surrogate")
    if not (isinstance(told, list) and all(isinstance(one, dict) and "taken" in one for one in told)):
        return True
    return any(one["taken"] == "posterior" for one in told)


def _check_most(what: str, n: int, most: int) -> None:
    if n > most:
        raise ValueError(
            f"design='adaptive' fits processes of {most} {what} at most, and there are {n}. Ask for fewer, or leave it out."
        )
