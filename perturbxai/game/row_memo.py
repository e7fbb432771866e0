"""Rows that were asked already, by their names: each model row is asked once, within a bound on memory."""

import numpy as np

from perturbxai.core import kernels
from perturbxai.core.types import Floats, Ints, Values, Words
from perturbxai.inputs.row_names import BLOCK, bits

MEMO_BYTES = 1 << 25  # beyond this, rows that were not asked for again are forgotten
LEAST_ROWS = 1 << 17  # there is room for so many, however many outputs they have


class RowMemo:
    """Values by row name: a hash table, bounded in memory. Names are looked up many at a time.

    Once it is full, the names that were not asked for again make place, the oldest first. Beside each name stands which of
    64 methods used it and which question it was last counted for, so that rows are counted in no memory of their own.
    """

    def __init__(self, n_outputs: int, room: int | None = None) -> None:
        """room: how many names there is place for, if not as many as MEMO_BYTES hold; the place is taken as they come."""
        self.n_outputs, self.n_rows = n_outputs, 0
        # a name takes two words, its values, three marks, and two slots: at most half of the slots are taken
        self.room = max(LEAST_ROWS, MEMO_BYTES // (37 + 8 * n_outputs)) if room is None else room
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
        """(U,): where a name's values stand in `values` until the next `add`, -1 if it is not known.

        Sorted names are found fastest. Those that are found were asked for again.
        """
        found = self.places(words)
        self._again[found[found >= 0]] = True
        return found

    def places(self, words: Words) -> Ints:
        """(U,): the same, of names that are not asked for again by it."""
        found = np.empty(len(words), dtype=np.int64)
        kernels.find_names(np.ascontiguousarray(words), self._words, self._slots, found)
        return found

    def add(self, words: Words, values: Values) -> None:
        """Remember names that are not known yet; of more than there is room for, the first. Places change."""
        n_new = min(len(words), self.room)
        if self.n_rows + n_new > self.room:
            self._forget(min(self.room - n_new, self.room // 2))
        before = self.n_rows
        if before + n_new > len(self._words):
            self._reserve(before + n_new)
        self.n_rows = before + n_new
        self.words[before:], self.values[before:] = words[:n_new], values[:n_new]
        kernels.store_names(self.words, before, self._slots)

    def question(self) -> int:
        """The number of a question whose rows `count` counts."""
        self._question += 1
        return self._question

    def count(self, places: Ints, question: int) -> int:
        """How many rows at these distinct places were not counted for this question; -1 is a row that is not remembered."""
        kept = places[places >= 0]
        new = int((self._counted[kept] != question).sum())
        self._counted[kept] = question
        return new + len(places) - len(kept)

    def use(self, places: Ints, users: int) -> dict[int, int]:
        """Methods (the bits of `users`) use the rows at these distinct places: how many each of them had not used."""
        kept = places[places >= 0]
        before = self._users[kept]
        self._users[kept] = before | np.uint64(users)
        lost = len(places) - len(kept)
        return {bit: lost + int((before >> np.uint64(bit) & np.uint64(1) == 0).sum()) for bit in bits(users)}

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
        self._slots = np.zeros(2 * place, dtype=np.int32)
        kernels.store_names(self.words, 0, self._slots)

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
            marks[len(kept) :] = 0
        self._slots[:] = 0
        kernels.store_names(self.words, 0, self._slots)
