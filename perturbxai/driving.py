"""The one loop over the model: every method's questions of a block of inputs, answered in common batches."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.game import Game
from perturbxai.tables import Coalitions, Design, Estimate, Evaluations, Opacities, Question

ROWS_AT_ONCE = 1 << 18  # model rows of a block of inputs: enough for full batches, few enough to hold their tables


@dataclass(eq=False)
class Work:
    """What is asked of one input, and what came back.

    order (P',): the design's column that each active player takes
    held_out: names of the held-out coalitions and their numbers;  held_out_asked: those that a generator asked all the same
    """

    number: int
    n_active: int
    order: NDArray[np.int64]
    design: Design | None = None
    wants_spread: bool = False
    generators: dict[str, Generator[Sequence[Question], list[Any], Estimate]] = field(default_factory=dict)
    estimates: dict[str, Estimate] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    table: Any = None
    table_rows: int = 0
    empty: Any = None
    full: Any = None
    held_out: dict[bytes, int] = field(default_factory=dict)
    held_out_asked: dict[str, set[int]] = field(default_factory=dict)

    def note(self, key: str, questions: Sequence[Question]) -> None:
        """Keep which of the held-out coalitions these questions hold: nothing may be scored on what it was fitted on."""
        for question in questions:
            if isinstance(question, Coalitions):
                z = question.z
            elif isinstance(question, Opacities):
                z = question.alpha[((question.alpha == 0) | (question.alpha == 1)).all(axis=1)] == 1
            else:
                continue
            names = (row.tobytes() for row in np.packbits(z, axis=1))
            found = {self.held_out[name] for name in names if name in self.held_out}
            self.held_out_asked.setdefault(key, set()).update(found)

    def table_question(self) -> Coalitions:
        """The empty and the full coalition, then the design's rows, over the input's active players."""
        z = np.zeros((0, self.n_active), dtype=bool) if self.design is None else self.design.z[:, self.order]
        ends = np.array([[False] * self.n_active, [True] * self.n_active], dtype=bool)
        return Coalitions(np.concatenate([ends, z]))


def chunks(n_inputs: int, rows_each: int) -> Iterator[list[int]]:
    """Numbers of inputs, so many at once that their rows fill batches."""
    step = max(1, ROWS_AT_ONCE // max(rows_each, 1))
    for start in range(0, n_inputs, step):
        yield list(range(start, min(start + step, n_inputs)))


def drive(game: Game, works: Sequence[Work]) -> None:
    """Answer everything these inputs ask: first all tables and first questions together, then whatever follows."""
    tables: list[tuple[int, Question]] = [(work.number, work.table_question()) for work in works]
    # tables that need the background's spread are asked with it; the questions themselves are the same
    answers = game.ask(tables, spread=any(work.wants_spread for work in works))
    for work, answer in zip(works, answers, strict=True):
        work.empty, work.full = answer.values[0], answer.values[1]
        work.table_rows = answer.rows
        if work.design is not None:
            ends, spread = (None, None) if answer.spread is None else (answer.spread[:2], answer.spread[2:])
            work.table = Evaluations(work.design, answer.values[2:], work.empty, work.full, None, spread, ends)
    waiting: dict[tuple[int, str], Sequence[Question]] = {}
    for at, work in enumerate(works):
        for key in work.generators:
            _advance(work, key, None, waiting, at)
    while waiting:
        asked: list[tuple[int, Question]] = []
        place: dict[int, int] = {}
        for (at, _), questions in waiting.items():
            for question in questions:
                if id(question) not in place:  # inputs that share a question share its answer
                    place[id(question)] = len(asked)
                    asked.append((works[at].number, question))
        answers = game.ask(asked)
        pending, waiting = waiting, {}
        for (at, key), questions in pending.items():
            own = [answers[place[id(question)]] for question in questions]
            works[at].note(key, questions)
            works[at].rows[key] = works[at].rows.get(key, 0) + sum(answer.rows for answer in own)
            _advance(works[at], key, [answer.values for answer in own], waiting, at)


def _advance(
    work: Work, key: str, values: list[Any] | None, waiting: dict[tuple[int, str], Sequence[Question]], at: int
) -> None:
    """Send a generator its values; note its next questions, or what it concludes."""
    generator = work.generators[key]
    try:
        waiting[at, key] = next(generator) if values is None else generator.send(values)
    except StopIteration as end:
        work.estimates[key] = end.value
        work.rows.setdefault(key, 0)
