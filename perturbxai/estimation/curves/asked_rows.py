"""Which distinct rows the questions of a call ask, so that a row of several questions is counted once."""

from collections.abc import Hashable, Iterable

from perturbxai.core.questions import TablePlayers
from perturbxai.core.types import Codes


def words_of(rows: Codes) -> set[int]:
    """A word for each distinct row (n, D)."""
    return {hash(row.tobytes()) for row in rows + 0.0}  # -0.0 is 0.0


def beside_ends(words: set[int], players: TablePlayers) -> int:
    """How many rows, by their words, are neither of the background nor the explained one, which are counted as such."""
    return len(words - words_of(players.background) - words_of(players.codes[None]))


class AskedRows:
    """How many rows each question is the first to ask, the background (B, D) being asked before all."""

    def __init__(self, background: Codes) -> None:
        self._first: dict[int, Hashable] = dict.fromkeys(words_of(background))
        self._count: dict[Hashable, int] = {}

    def add(self, rows: Codes, what: Hashable) -> None:
        """The next question, by a name that is not None, and its rows (n, D)."""
        new = words_of(rows) - self._first.keys()
        self._first |= dict.fromkeys(new, what)
        self._count[what] = len(new)

    def counts(self, whats: Iterable[Hashable], explained: Codes) -> list[int]:
        """Of each of these questions, the rows that it is the first to ask, but for the explained row (D,)."""
        (own,) = words_of(explained[None])
        first = self._first.get(own)
        return [self._count[what] - (what == first) for what in whats]
