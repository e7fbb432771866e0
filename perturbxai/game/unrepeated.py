"""Which rows of a table's question no other question can hold: they need no name, no look and no memory."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from perturbxai.core.types import Bools, Codes, Ints, Presence, Words
from perturbxai.inputs.row_names import hash_values
from perturbxai.inputs.spaces import TableInput, TabularSpace

MOST_PAIRS = 512  # of rows that are compared pair by pair; beyond, a player whose value any other row has counts as alike


class Unrepeated:
    """Which coalitions of an input make rows that no other coalition of a call makes, over any background row.

    Where two rows are the same, each player of one that takes the input's value takes it in the other as well, or has the
    value of a background row. So let T be the players at which an input has the value of some background row. A coalition S
    makes rows of its own if

    - no other coalition that is asked of the input, nor the whole input, is S outside of T,
    - S without T is larger than what the input has in common with any other input, and
    - what is hidden is larger than what any two background rows have in common (a single cell needs no such thing).

    Values are compared by 64-bit words: that two differ is certain.
    """

    def __init__(self, space: TabularSpace, inputs: Sequence[TableInput]) -> None:
        self.space, self.inputs = space, inputs

    def lines(self, number: int, z: Presence, single: bool) -> Bools:
        """(M,): whether rows are of their own, for all coalitions (M, P') of active players that are asked of an input.

        single: each is asked on one background row, not on all
        """
        own = np.flatnonzero(~self._touched[number][self.inputs[number].active])
        names, size = np.zeros(len(z), dtype=np.uint64), np.zeros(len(z), dtype=np.int64)
        for player in own:
            names += z[:, player] * self._words[player]
            size += z[:, player]
        _, place, times = np.unique(names, return_inverse=True, return_counts=True)
        alone: Bools = (times[place] == 1) & (size < len(own)) & (size > self._alike[number])
        return alone if single else alone & (z.sum(axis=1) < z.shape[1] - self._most_alike_background)

    @cached_property
    def _words(self) -> Words:
        """(P,): a word a player, whose wrapped sums name coalitions."""
        return hash_values(np.zeros((1, self.space.n_players)))[0, :, 0]

    @cached_property
    def _of_inputs(self) -> Words:
        """(N, P): words of the players' values."""
        return self._by_player(np.array([one.codes for one in self.inputs]))

    @cached_property
    def _of_background(self) -> Words:
        """(B, P): the same of the background rows."""
        return self._by_player(self.space.background)

    def _by_player(self, codes: Codes) -> Words:
        words = hash_values(codes)[..., 0]
        found = np.zeros((len(codes), self.space.n_players), dtype=np.uint64)
        for column, player in enumerate(self.space.player_of_column):
            found[:, player] += words[:, column]
        return found

    @cached_property
    def _touched(self) -> Bools:
        """(N, P): whether an input has a background row's value there."""
        pairs = zip(self._of_inputs.T, self._of_background.T, strict=True)
        return np.stack([np.isin(own, base) for own, base in pairs], axis=1)

    @cached_property
    def _alike(self) -> Ints:
        """(N,): at how many players an input has the values of another, at most."""
        return _most_alike(self._of_inputs)

    @cached_property
    def _most_alike_background(self) -> int:
        return int(_most_alike(self._of_background).max(initial=0))


def _most_alike(words: Words) -> Ints:
    """(n,): in how many columns a line has what another line has, at most; never less than that."""
    if len(words) <= MOST_PAIRS:
        alike = np.array([(words == own).sum(axis=1) for own in words])
        np.fill_diagonal(alike, 0)
        return np.asarray(alike.max(axis=1, initial=0))
    shared = np.zeros(len(words), dtype=np.int64)
    for column in words.T:
        _, place, times = np.unique(column, return_inverse=True, return_counts=True)
        shared += times[place] > 1
    return shared
