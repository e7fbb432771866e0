"""The answer to a question about a table, as it comes window by window."""

from dataclasses import dataclass

import numpy as np

from perturbxai.core.questions import Answer, Cells, Coalitions, Rows
from perturbxai.core.types import Bools, Floats, Presence, Words
from perturbxai.inputs.row_names import each_once


@dataclass(eq=False)
class Reply:
    """The answer to a question about an input, by its number, as it comes window by window; see `Answer`.

    counted  the number by which the memo counts the question's rows;  users: the methods that use them, as bits
    words    of its rows, None where they are not asked for
    apart    lines whose rows no other question has, None if there are none;  unnamed: their rows, as far as they came
    filled   lines that are answered, the first so many
    """

    number: int
    question: Coalitions | Cells | Rows
    counted: int
    users: int
    values: Floats
    spread: Floats | None
    groups: Floats | None
    words: list[Words] | None
    apart: Bools | None = None
    rows: int = 0
    unnamed: int = 0
    filled: int = 0

    @property
    def fresh(self) -> bool:
        return isinstance(self.question, Rows) and self.question.fresh

    @property
    def lines(self) -> Floats | Presence:
        """What the question is about, line by line."""
        return self.question.codes if isinstance(self.question, Rows) else self.question.z

    def answer(self) -> Answer:
        names = each_once(np.concatenate(self.words)) if self.words else None  # rows that are new have none
        return Answer(self.values, self.rows, self.spread, names, self.groups, self.unnamed if names is not None else 0)

    def take_over(self, other: "Reply") -> None:
        """Take what another reply holds, if it is one to the same question: the first lines of it."""
        if not self._asks_the_same(other):
            return
        n = self.filled = other.filled
        self.rows, self.unnamed = other.rows, other.unnamed
        self.words = None if self.words is None else list(other.words or [])
        for own, old in ((self.values, other.values), (self.spread, other.spread), (self.groups, other.groups)):
            if own is not None and old is not None:
                own[:n] = old[:n]

    def _asks_the_same(self, other: "Reply") -> bool:
        """Whether a question is another's, to the bit, and all that is wanted of its answer is held there."""
        mine, its = self.question, other.question
        wanted = (self.spread, other.spread), (self.groups, other.groups), (self.words, other.words)
        if any(own is not None and old is None for own, old in wanted):
            return False
        if isinstance(mine, Rows) and isinstance(its, Rows):
            return mine.fresh == its.fresh and mine.codes.tobytes() == its.codes.tobytes()
        if self.number != other.number or type(mine) is not type(its):
            return False
        based = not isinstance(mine, Cells) or not isinstance(its, Cells) or np.array_equal(mine.base, its.base)
        return based and np.array_equal(self.lines, other.lines)
