"""The one loop over the model: every method's questions of a block of inputs, answered in common batches."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from perturbxai.core.evaluations import Bases, Design, Estimate, Evaluations, RowGroups
from perturbxai.core.questions import Answer, Cells, Coalitions, Opacities, Question, Unanswered
from perturbxai.core.types import Ints, Names
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.sampling.strata import name_coalitions

# of the model's seconds that fits to its answers may take; with all else a call is to take less than a tenth more than them
SHARE = 0.08
SLOW = 0.005  # seconds a row, from which that is all
# what they may take where rows are faster: a coalition is as many rows of the model as there are in the background
PICTURE, TABLE_OF_ROWS, A_BACKGROUND_ROW = 0.5, 0.25, 0.005
TABLE = 1  # the methods that read the table, as users of rows
TABLED = ""  # the key of the table's own rows: no generator is called so


@dataclass(eq=False)
class Work:
    """What is asked of one input, and what came back.

    stages    designs, each the beginning of the next, of which so many were answered (`stage` is the number of the last)
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
    seen: dict[str, Ints | None] = field(default_factory=dict)
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

    def count(self, key: str, answers: Sequence[Answer], known: Ints | None = None) -> None:
        """Add the rows of answers to those under a key, each once.

        known: at first, names of the rows that are counted there before anything is asked
        """
        known = self.seen.get(key, known)
        self.rows.setdefault(key, 0 if known is None else len(known))
        for answer in answers:
            if answer.names is None or known is None:  # drawn for it alone, or the first
                self.rows[key] += answer.rows
            else:
                self.rows[key] += len(np.setdiff1d(answer.names, known, assume_unique=True))
            if answer.names is not None:
                known = answer.names if known is None else np.union1d(known, answer.names)
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

    def table_question(self) -> Coalitions | Cells:
        """What the table needs next: the design's rows beyond those of the last stage, over the input's active players.

        The empty and the full coalition come first; of cells the full one, for nothing is asked once for all inputs.
        """
        assert self.design is not None
        start = len(self.stages[self.stage - 1].z) if self.stage else 0
        z = self.design.z[start:, self.order]
        if self.bases is not None and self.design.base is not None:
            cells = Cells(z, self.bases[self.design.base[start:]])
            # the input itself, on any background row, belongs to what the cells cost
            whole = np.ones((1, self.n_active), dtype=bool)
            return cells if start else Cells(np.concatenate([whole, z]), np.concatenate([[0], cells.base]))
        if start:
            return Coalitions(z)
        ends = np.array([[False] * self.n_active, [True] * self.n_active], dtype=bool)
        return Coalitions(np.concatenate([ends, z]))


def one_thread_of_blas() -> AbstractContextManager[Any]:
    """A context for whatever is solved in a call: solves are small, and threads of BLAS beside a network's own wait for each
    other far longer than they work. It is also what makes a solve the same to the bit wherever it is done."""
    found: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1, user_api="blas")
    return found


@lru_cache(maxsize=1)
def _libraries(_n_modules: int) -> ThreadpoolController:
    """The BLAS libraries of the process. To look for them takes milliseconds, so it is done when a module came."""
    return ThreadpoolController()


def drive(game: Game, works: Sequence[Work], enough: Callable[[Work], bool] = lambda _work: False) -> None:
    """Answer everything these inputs ask: first all tables and first questions together, then whatever follows.

    enough: whether an input's table needs no further stage
    """
    _answer_tables(game, works, enough)
    # what each generator asked, None where it has not begun
    pending: dict[tuple[int, str], Sequence[Question] | None]
    pending = {(at, key): None for at, work in enumerate(works) for key in work.generators}
    answers: dict[int, Answer] = {}  # by the question's identity: inputs that share a question share its answer
    while pending:
        waiting: dict[tuple[int, str], Sequence[Question] | None] = {}
        with one_thread_of_blas():
            for (at, key), questions in pending.items():
                own = None if questions is None else [answers[id(question)] for question in questions]
                if (more := works[at].advance(key, questions or (), own, game)) is not None:
                    waiting[at, key] = more
        asked: dict[int, tuple[int, Question]] = {}
        users: dict[int, int] = {}
        for (at, key), questions in waiting.items():
            for question in questions or ():
                asked.setdefault(id(question), (works[at].number, question))
                users[id(question)] = users.get(id(question), 0) | works[at].users(key)
        found = game.ask(list(asked.values()), users=list(users.values()), named=True) if waiting else []
        answers, pending = dict(zip(asked, found, strict=True)), waiting


def _answer_tables(game: Game, works: Sequence[Work], enough: Callable[[Work], bool]) -> None:
    """The tables of these inputs, stage by stage and all together; v(nothing) and v(N) apart where no table holds them.

    What an input was driven for before is there already.
    """
    works = [work for work in works if not work.tabled]
    if any(work.bases is not None for work in works):
        game.base_values(TABLE)  # first, so that v(nothing) finds them
    apart = [work for work in works if not work.stages or work.bases is not None or work.generators]
    users = apart[0].users(*apart[0].generators) | (TABLE if apart[0].stages else 0) if apart else 0
    for work, ends in zip(apart, game.ends_of([work.number for work in apart], users), strict=True):
        work.empty, work.full = ends
    pending = [work for work in works if work.stages]
    for work in works:
        work.tabled = not work.stages
    while pending:
        tables: list[tuple[int, Question]] = [(work.number, work.table_question()) for work in pending]
        # tables that need the background's spread are asked with it; the questions themselves are the same
        spread, groups = any(work.wants_spread for work in pending), any(work.wants_groups for work in pending)
        answers = game.ask(tables, spread, groups, [TABLE] * len(tables), any(len(work.stages) > 1 for work in pending))
        for work, answer in zip(pending, answers, strict=True):
            _grow(work, answer, game)
        with one_thread_of_blas():
            for work in pending:
                work.tabled = work.stage + 1 == len(work.stages) or enough(work)
                if work.tabled:  # names tell what a further stage asks anew
                    work.seen.pop(TABLED, None)
        pending = [work for work in pending if not work.tabled]
        for work in pending:
            work.stage += 1


def _grow(work: Work, answer: Answer, game: Game) -> None:
    """Put the answer to `table_question` to the input's table."""
    assert work.design is not None
    work.count(TABLED, [answer])
    if work.answer is not None:
        both = {what: (getattr(work.answer, what), getattr(answer, what)) for what in ("values", "spread", "groups")}
        joined: dict[str, Any] = {what: np.concatenate(two) for what, two in both.items() if two[0] is not None}
        answer = replace(answer, **joined)
    work.answer, values, spread, groups = answer, answer.values, answer.spread, None
    bases, ends = None, None
    if work.bases is not None and work.design.base is not None:
        values = values[1:]
        controls, player, widths = work.controls
        share = game.table.background_weights
        row = work.bases[work.design.base]
        bases = Bases(row, share, game.base_values(), controls, work.order[player], widths, game.drawn)
    else:
        (work.empty, work.full), values = values[:2], values[2:]
        if spread is not None:
            ends, spread = spread[:2], spread[2:]
        if answer.groups is not None:
            space = game.table
            share = np.bincount(space.background_groups, space.background_weights).astype(np.float64)
            groups = RowGroups(share, answer.groups[0], answer.groups[2:])
    affordable = _affordable(game, work.rows[TABLED])
    work.table = Evaluations(work.design, values, work.empty, work.full, None, spread, ends, bases, affordable, groups)


def _affordable(game: Game, n_rows: int) -> float:
    """Seconds that fits to a table of so many model rows may take: a share of the model's own, or what nobody waits for."""
    pace, short = game.predictor.pace, PICTURE
    if isinstance(game.space, TabularSpace):
        short = min(A_BACKGROUND_ROW * len(game.space.background), TABLE_OF_ROWS)
    return SHARE * pace * n_rows if pace >= SLOW else max(short, SHARE * pace * n_rows)


def salvage(game: Game, work: Work, anew: Work, enough: Callable[[Work], bool]) -> Work | None:
    """What can be concluded of an input from the answers that came before a failure; None if its table is not whole.

    work: as far as it came;  anew: the same, nothing of it asked yet
    """
    generators, anew.generators = anew.generators, {}
    if work.tabled:
        anew = replace(work, generators={})
    else:
        try:
            drive(game, [anew], enough)
        except Unanswered:
            return None
    anew.asked = work.asked
    for key, generator in generators.items():
        if key in work.estimates:
            anew.estimates[key], anew.rows[key] = work.estimates[key], work.rows[key]
            continue
        anew.rows.pop(key, None)
        anew.seen.pop(key, None)
        anew.generators = {key: generator}
        with suppress(Exception):  # unanswered, or what stopped the call
            drive(game, [anew])
    return anew
