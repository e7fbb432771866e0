"""The one loop over the model: every method's questions of a block of inputs, answered in common batches."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.calls import purse
from perturbxai.calls.library_threads import one_thread_of_blas
from perturbxai.calls.work import TABLE, TABLED, Work
from perturbxai.core.evaluations import Bases, Chosen, Evaluations, RowGroups
from perturbxai.core.questions import Answer, Question, Unanswered
from perturbxai.game.game import Game


def drive(game: Game, works: Sequence[Work], more: Callable[[Work], bool] = Work.next_stage) -> None:
    """Answer everything these inputs ask: first all tables and first questions together, then whatever follows.

    more: whether an input's table is asked more, and if so, it says in the work what comes next
    """
    _answer_tables(game, works, more)
    # what each generator asked, None where it has not begun
    pending: dict[tuple[int, str], Sequence[Question] | None]
    pending = {(at, key): None for at, work in enumerate(works) for key in work.generators}
    answers: dict[int, Answer] = {}  # by the question's identity: inputs that share a question share its answer
    while pending:
        waiting: dict[tuple[int, str], Sequence[Question] | None] = {}
        with one_thread_of_blas():
            for (at, key), questions in pending.items():
                own = None if questions is None else [answers[id(question)] for question in questions]
                if (further := works[at].advance(key, questions or (), own, game)) is not None:
                    waiting[at, key] = further
        asked: dict[int, tuple[int, Question]] = {}
        users: dict[int, int] = {}
        for (at, key), questions in waiting.items():
            for question in questions or ():
                asked.setdefault(id(question), (works[at].number, question))
                users[id(question)] = users.get(id(question), 0) | works[at].users(key)
        last = _all_last(works, pending.values(), waiting.values())
        found = game.ask(list(asked.values()), users=list(users.values()), named=True, once=last) if waiting else []
        answers, pending = dict(zip(asked, found, strict=True)), waiting


def _all_last(
    works: Sequence[Work], before: Iterable[Sequence[Question] | None], waiting: Iterable[Sequence[Question] | None]
) -> bool:
    """Whether nothing is asked of these inputs beside the questions that wait, one of each: by no table and no other method,
    nothing afterwards, and nothing before, where a generator that has not begun has None."""
    alone = all(len(work.generators) == 1 and not work.stages for work in works) and all(one is None for one in before)
    return alone and all(some and len(some) == 1 and getattr(some[0], "last", False) for some in waiting)


def _answer_tables(game: Game, works: Sequence[Work], more: Callable[[Work], bool]) -> None:
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
    staged = more is not Work.next_stage
    alone = not staged and not apart and all(len(work.stages) == 1 for work in works)
    for work in works:
        work.tabled = not work.stages
    while pending:
        tables: list[tuple[int, Question]] = [(work.number, work.table_question()) for work in pending]
        # tables that need the background's spread are asked with it; the questions themselves are the same
        spread, groups = any(work.wants_spread for work in pending), any(work.wants_groups for work in pending)
        answers = game.ask(tables, spread, groups, [TABLE] * len(tables), staged, alone)
        for work, answer in zip(pending, answers, strict=True):
            _grow(work, answer, game)
        with one_thread_of_blas():
            for work in pending:
                work.tabled = not more(work)
                if work.tabled:  # names tell what a further stage asks anew
                    work.seen.pop(TABLED, None)
        pending = [work for work in pending if not work.tabled]


def _grow(work: Work, answer: Answer, game: Game) -> None:
    """Put the answer to `table_question` to the input's table."""
    assert work.design is not None
    work.count(TABLED, [answer])
    # what is asked, and so what is concluded, shall not hang on a clock
    affordable = np.inf if work.adaptive else purse.affordable(game, work.rows[TABLED])
    chosen = work.table.chosen if work.table is not None else None
    if work.choice is not None and chosen is not None:
        z, found = np.concatenate([chosen.z, work.choice]), np.concatenate([chosen.values, answer.values])
        work.table, work.choice = replace(work.table, chosen=Chosen(z, found), affordable=affordable, cache={}), None
        return
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
    if chosen is None and work.adaptive:
        chosen = Chosen(work.design.z[:0], values[:0])
    work.table = Evaluations(
        work.design, values, work.empty, work.full, None, spread, ends, bases, affordable, groups, chosen
    )


def salvage(game: Game, work: Work, anew: Work, more: Callable[[Work], bool]) -> Work | None:
    """What can be concluded of an input from the answers that came before a failure; None if its table is not whole.

    work: as far as it came;  anew: the same, nothing of it asked yet
    """
    generators, anew.generators = anew.generators, {}
    if work.tabled:
        anew = replace(work, generators={})
    else:
        try:
            drive(game, [anew], more)
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
