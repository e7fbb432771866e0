"""Rows that were asked already, by their names: each model row is asked once, within a bound on memory."""

from collections import Counter

import numpy as np

from perturbxai.core.compiled import row_kernels
from perturbxai.core.types import Floats, Ints, Values, Words
from perturbxai.game.name_index import index
from perturbxai.inputs.row_names import BLOCK, bits

MEMO_BYTES = 1 << 25  # beyond this, rows that were not asked for again are forgotten
LEAST_ROWS = 1 << 17  # there is room for so many, however many outputs they have


class RowMemo:
    """Values by row name: a hash table, bounded in memory. Names are looked up many at a time.

    Once it is full, the names that were not asked for again make place, the oldest first. Beside each name stands which of
    64 methods used it and which question it was last counted for, so that rows are counted in no memory of their own.
    """

    def __init__(self, n_outputs: int, room: int | None = None, least: int = 0) -> None:
        """room: how many names there is place for; if None as many as MEMO_BYTES hold, and so many at least.

        The place is taken as they come.
        """
        self.n_outputs, self.n_rows = n_outputs, 0
        # a name takes two words, its values, three marks, and two slots: at most half of the slots are taken
        self.room = max(LEAST_ROWS, least, MEMO_BYTES // (37 + 8 * n_outputs)) if room is None else room
        self._again = np.zeros(0, dtype=np.bool_)
        self._users = np.zeros(0, dtype=np.uint64)
        self._counted = np.zeros(0, dtype=np.int32)
        self._question = 0
        self._reserve(1)

    @property
    def words(self) -> Words:
        """(R, 2): the names that are known, in the order in which they came."""
        return self._words[: self.n_rows]

    @property
    def values(self) -> Floats:
        """(R, K): their values."""
        return self._values[: self.n_rows]

    def find(self, words: Words) -> Ints:
        """(U,): where a name's values stand in `values` until more are entered, -1 if it is not known.

        Those that are found were asked for again.
        """
        found = self._index.find(words, self._words)
        self._again[found[found >= 0]] = True
        return found

    def enter(self, words: Words) -> tuple[Ints, Ints]:
        """(R,) where the values of names stand, and the lines (U,) of the new ones among them, each where it comes first.

        The new ones stand last in `values`, in their order, and it is for the caller to write their values there, or to
        `drop` them. Raises ValueError for more names than there is room for.
        """
        if len(words) > self.room:
            raise ValueError(f"{len(words)} names are more than the {self.room} that there is room for.")
        if self.n_rows + len(words) > self.room:
            self._forget(min(self.room - len(words), self.room // 2))
        if self.n_rows + len(words) > len(self._words):
            self._reserve(self.n_rows + len(words))
        places, first = self._index.enter(words, self._words, self.n_rows, self._again)
        self.n_rows += len(first)
        return places, first

    def drop(self, n_names: int) -> None:
        """Forget so many names, the last."""
        if n_names:
            self.n_rows -= n_names
            self._enter_all()

    def add(self, words: Words, values: Values) -> None:
        """Remember names that are not known yet; of more than there is room for, the first. Places change."""
        _, first = self.enter(words[: self.room])
        self.values[self.n_rows - len(first) :] = values[first]

    def question(self) -> int:
        """The number of a question whose rows `count` counts."""
        self._question += 1
        return self._question

    def count(self, places: Ints, question: int, users: int, used: Counter[int]) -> Ints:
        """Places of the rows, each once, that were not counted for this question, here and in what was counted before.

        users: methods, as bits;  used: how many rows each has used, to which those come that it had not used
        """
        tally, fresh = np.zeros(64, dtype=np.int64), np.empty(len(places), dtype=np.int64)
        asked = (question, self._counted, np.uint64(users), self._users)
        n_fresh = row_kernels(len(places)).tally_rows(places, *asked, tally, fresh)
        used.update({bit: int(tally[bit]) for bit in bits(users)})
        return fresh[:n_fresh]

    def _reserve(self, n_rows: int) -> None:
        """Make place for so many rows."""
        place = self.room
        while place // 2 >= n_rows:  # halves of the room: what is copied and its copy never take more than the whole
            place //= 2
        words, values = np.empty((place, 2), dtype=np.uint64), np.empty((place, self.n_outputs))
        if self.n_rows:
            words[: self.n_rows], values[: self.n_rows] = self.words, self.values
        self._words, self._values = words, values
        beyond = place - self.n_rows
        self._again = np.concatenate([self._again[: self.n_rows], np.zeros(beyond, dtype=np.bool_)])
        self._users = np.concatenate([self._users[: self.n_rows], np.zeros(beyond, dtype=np.uint64)])
        self._counted = np.concatenate([self._counted[: self.n_rows], np.zeros(beyond, dtype=np.int32)])
        self._index = index(n_rows, place)
        self._enter_all()

    def _forget(self, n_kept: int) -> None:
        """Keep so many names: up to half of them such as were ever asked for again, the others the newest."""
        again = np.flatnonzero(self._again[: self.n_rows])
        again = again[max(0, len(again) - n_kept // 2) :]
        stays = np.zeros(self.n_rows, dtype=bool)
        stays[again] = True
        others = np.flatnonzero(~stays)
        stays[others[len(others) - (n_kept - len(again)) :]] = True
        kept = np.flatnonzero(stays)
        step = max(1, BLOCK // (2 + self.n_outputs))
        for at in range(0, len(kept), step):  # in place, a block at a time: every name moves towards the front
            block = kept[at : at + step]
            self._words[at : at + len(block)] = self._words[block]
            self._values[at : at + len(block)] = self._values[block]
        self.n_rows = len(kept)
        for marks in (self._again, self._users, self._counted):
            marks[: len(kept)] = marks[kept]
        self._enter_all()

    def _enter_all(self) -> None:
        """Enter the names anew, and take away the marks of what is not there."""
        for marks in (self._again, self._users, self._counted):
            marks[self.n_rows :] = 0
        self._index.restart(self.words)
