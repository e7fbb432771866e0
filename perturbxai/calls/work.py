"""What a call asks of one input, and what came back."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.evaluations import Design, Estimate
from perturbxai.core.questions import Answer, Cells, Coalitions, Opacities, Question
from perturbxai.core.types import Bools, Ints, Names, Presence
from perturbxai.game.game import Game
from perturbxai.inputs.row_names import each_once
from perturbxai.sampling.asked import tell_names
from perturbxai.sampling.strata import name_coalitions

TABLE = 1  # the methods that read the table, as users of rows
TABLED = ""  # the key of the table's own rows: no generator is called so


@dataclass(eq=False)
class Work:
    """What is asked of one input, and what came back.

    stages    designs, each the beginning of the next, of which so many were answered (`stage` is the number of the last)
    choice (C, P'): coalitions in the design's columns that the table needs next, in place of a stage
    adaptive: whether its coalitions may be chosen
    order (P',): the design's column that each active player takes;  bases (B,): the background row of a design's number
    controls  numbers that describe the background rows, the active player of each, and how many belong together
    asked     by generator, names of the coalitions in each of its questions, of active players
    numbers: of the methods, by key, under which the game counts their rows; 0 is the table's
    rows      by generator, and under TABLED the table's;  seen: their names, but for those that were drawn for it alone
    answer    to all that was asked of the table
    """

    number: int
    n_active: int
    order: Ints
    stages: Sequence[Design] = ()
    stage: int = 0
    choice: Presence | None = None
    adaptive: bool = False
    bases: Ints | None = None
    controls: Any = None
    wants_spread: bool = False
    wants_groups: bool = False
    generators: dict[str, Generator[Sequence[Question], Any, Estimate]] = field(default_factory=dict)
    estimates: dict[str, Estimate] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    answer: Any = None
    table: Any = None
    empty: Any = None
    full: Any = None
    asked: dict[str, list[Names]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    seen: dict[str, NDArray[Any] | None] = field(default_factory=dict)
    tabled: bool = False  # whether the table, or v(nothing) and v(N), is all there

    @property
    def design(self) -> Design | None:
        """The design of the table as far as it was asked; None if no method reads a table."""
        return self.stages[self.stage] if self.stages else None

    def note(self, key: str, questions: Sequence[Question]) -> None:
        """Keep which coalitions these questions hold: nothing is to be scored on what it asked."""
        for question in questions:
            if isinstance(question, Coalitions | Cells):
                z = question.z
            elif isinstance(question, Opacities):
                z = question.alpha[((question.alpha == 0) | (question.alpha == 1)).all(axis=1)] == 1
            else:
                continue
            self.asked.setdefault(key, []).append(name_coalitions(z))

    def count(self, key: str, answers: Sequence[Answer], known: NDArray[Any] | None = None) -> None:
        """Add the rows of answers to those under a key, each once.

        known: at first, names of the rows that are counted there before anything is asked
        """
        known = self.seen.get(key, known)
        self.rows.setdefault(key, 0 if known is None else len(known))
        # those that have no name were asked for it alone
        self.rows[key] += sum(answer.rows if answer.names is None else answer.unnamed for answer in answers)
        if names := [answer.names for answer in answers if answer.names is not None]:
            told: NDArray[Any] = names[0] if len(names) == 1 else each_once(np.concatenate(names))
            new = told if known is None else told[~_among(told, known)]
            self.rows[key] += len(new)
            known = new if known is None else np.sort(np.concatenate([known, new]))
        self.seen[key] = known

    def advance(
        self, key: str, questions: Sequence[Question], answers: Sequence[Answer] | None, game: Game
    ) -> Sequence[Question] | None:
        """Send a generator the answers to its questions, None at first. Its next questions; None where it has concluded."""
        self.note(key, questions)
        self.count(key, answers or (), game.ends_names(self.number) if answers is None else None)
        try:
            return self.generators[key].send(None if answers is None else [answer.values for answer in answers])
        except StopIteration as end:
            self.estimates[key] = end.value
            return None

    def users(self, *keys: str) -> int:
        """Methods as bits of a number."""
        return sum(1 << self.numbers[key] for key in keys if key in self.numbers)

    def next_stage(self) -> bool:
        """Whether the table has a further stage, which then comes next."""
        more = self.stage + 1 < len(self.stages)
        self.stage += more
        return more

    @property
    def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What results say of the coalitions of the table, and what they carry to tell them."""
        assert self.design is not None
        drawn, chosen = self.design, self.table.chosen
        if chosen is None or drawn.listed:
            said, names = {"coalitions": drawn.n_coalitions}, dict[str, Any](design=drawn.told)
        else:
            said = {"coalitions": drawn.n_coalitions + len(chosen.z), "chosen": len(chosen.z)}
            names = dict(tell_names([name_coalitions(z[:, self.order]) for z in (drawn.z, chosen.z)], self.n_active))
        return said | {"listed": said["coalitions"] == 2**self.n_active}, names

    def table_question(self) -> Coalitions | Cells:
        """What the table needs next, over the input's active players: what was chosen, or the stage beyond the last one.

        The empty and the full coalition come first; of cells the full one, for nothing is asked once for all inputs.
        """
        assert self.design is not None
        if self.choice is not None:
            return Coalitions(self.choice[:, self.order])
        start = len(self.stages[self.stage - 1].z) if self.stage else 0
        z = np.take(self.design.z[start:], self.order, axis=1)  # a tenth of the time of an index
        if self.bases is not None and self.design.base is not None:
            cells = Cells(z, self.bases[self.design.base[start:]])
            # the input itself, on any background row, belongs to what the cells cost
            whole = np.ones((1, self.n_active), dtype=bool)
            return cells if start else Cells(np.concatenate([whole, z]), np.concatenate([[0], cells.base]))
        if start:
            return Coalitions(z)
        ends = np.array([[False] * self.n_active, [True] * self.n_active], dtype=bool)
        return Coalitions(np.concatenate([ends, z]))


def _among(names: NDArray[Any], known: NDArray[Any]) -> Bools:
    """Whether each of these is among those, which are sorted."""
    place = np.minimum(np.searchsorted(known, names), len(known) - 1)
    return np.asarray(known[place] == names) if len(known) else np.zeros(len(names), dtype=bool)
