"""Questions that share rows: each distinct row of a table on a grid is asked once, and kept only if it comes again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perturbxai.calls.effect_jobs import Job, note_of
from perturbxai.calls.grids import Drawn
from perturbxai.core.types import Bools, Floats, Ints, Words
from perturbxai.game.row_memo import RowMemo
from perturbxai.game.table_asker import TableAsker
from perturbxai.inputs.row_names import distinct, hash_values
from perturbxai.models.plan import Gridded, TablePlan
from perturbxai.models.predictor import ModelError

LINES_AT_ONCE = 1 << 14  # looked at together, whatever the batch: what is held beside what is kept stays small
NAMES_AT_ONCE = 1 << 16  # sorted together to find those that come more than once

Window = Sequence[tuple[int, int, int]]
"""Pieces by number, each from a line to a line."""


@dataclass(frozen=True, eq=False)
class Named:
    """The names of a piece's lines as sums: of what a row (n, 2) keeps, and of what a point (T, 2) puts there."""

    rest: Words
    point: Words

    def __len__(self) -> int:
        return len(self.rest) * len(self.point)

    def first_words(self) -> Iterator[Words]:
        """The first words of all names, some rows' at a time."""
        step = max(1, LINES_AT_ONCE // len(self.point))
        for at in range(0, len(self.rest), step):
            yield (self.rest[at : at + step, None, 0] + self.point[None, :, 0]).ravel()

    def of(self, low: int, high: int) -> Words:
        """(high - low, 2): the names of these lines."""
        row, point = np.divmod(np.arange(low, high), len(self.point))
        return np.asarray(self.rest[row] + self.point[point])


class OnceEach:
    """Jobs over the same drawn rows of a table, each row at all points of some columns; no distinct row is asked twice.

    most: of how many rows the answers may have to be kept: of those that `expect` found to come again, 37 + 8 K bytes each,
    twice that at most. All else is held for a window of lines alone, which is wider where several workers ask.
    """

    def __init__(self, asker: TableAsker, drawn: Drawn, most: int, n_workers: int = 1) -> None:
        self.predictor, self.space, self.columns, self.drawn = asker.predictor, asker.space, asker.columns, drawn
        self._of_value = hash_values(drawn.codes)  # (n, D, 2)
        self._memo = RowMemo(len(self.columns), room=most)
        self._memo.add(asker.memo.words, asker.memo.values)  # the first row, which told how many outputs there are
        self._again: Words | None = None
        self._at_once = LINES_AT_ONCE * (1 if n_workers < 2 else 2 * n_workers)

    def expect(self, pieces: Sequence[Gridded] | None) -> None:
        """Keep of the questions to come the answers that these pieces ask for more than once; of None all."""
        self._again = None if pieces is None else _repeated([self._named(piece) for piece in pieces])

    def run(self, jobs: Sequence[Job]) -> None:
        """Ask all questions of these jobs together. A failure notes where it happened, and leaves what came before it."""
        names = [self._named(job.piece) for job in jobs if job.piece is not None]
        for window in _windows([len(one) for one in names], self._at_once):
            words = np.concatenate([names[number].of(low, high) for number, low, high in window])
            unique, first, inverse = distinct(words)
            place = self._memo.find(unique)
            answers = np.empty((len(unique), len(self.columns)))
            answers[place >= 0] = self._memo.values[place[place >= 0]]
            new = np.flatnonzero(place < 0)
            new = new[np.argsort(first[new])]  # in the order of the questions
            known = 0
            try:
                for start, stop, values in self._ask(jobs, window, first[new]):
                    answers[new[start:stop]] = values[:, self.columns]
                    known = stop
            finally:  # after a failure: what came before the first row that was not answered
                came = new[:known]
                kept = came[self._comes_again(unique[came, 0])]
                self._memo.add(unique[kept], answers[kept])
                n_lines = len(words) if known == len(new) else int(first[new[known]])
                ends = np.cumsum([high - low for _, low, high in window])
                for (number, _, _), own in zip(window, np.split(answers[inverse[:n_lines]], ends[:-1]), strict=True):
                    jobs[number].add(own)

    def _named(self, piece: Gridded) -> Named:
        columns = piece.columns
        at_points = np.zeros((len(piece.points), self.drawn.codes.shape[1]))
        at_points[:, columns] = piece.points
        put = hash_values(at_points)[:, columns].sum(axis=1, dtype=np.uint64)
        held = np.delete(self._of_value, columns, axis=1).sum(axis=1, dtype=np.uint64)
        return Named(held, put)

    def _comes_again(self, words: Words) -> Bools:
        if self._again is None:
            return np.ones(len(words), dtype=bool)
        return np.searchsorted(self._again, words, "left") < np.searchsorted(self._again, words, "right")

    def _ask(self, jobs: Sequence[Job], window: Window, lines: Ints) -> Iterator[tuple[int, int, Floats]]:
        """The model's values at these lines of a window, ascending."""
        if not len(lines):
            return
        ends = np.cumsum([high - low for _, low, high in window])
        parts = np.split(lines, np.searchsorted(lines, ends[:-1]))
        own = [part - end + high for part, end, (_, _, high) in zip(parts, ends, window, strict=True)]
        pieces = [_some(jobs[number], of_job) for (number, _, _), of_job in zip(window, own, strict=True)]
        plan = TablePlan(pieces, self.space.background, self.space.columns.decode_own)
        try:
            yield from self.predictor.run(plan)
        except ModelError as error:
            if error.row is not None:
                which = int(np.searchsorted(ends, lines[error.row], side="right"))
                job, line = jobs[window[which][0]], int(np.concatenate(own)[error.row])
                error.add_note(note_of(job, line, self.drawn))
            raise


def _some(job: Job, lines: Ints) -> Gridded:
    """Some lines of a job's piece."""
    assert job.piece is not None
    piece = job.piece
    row, point = np.divmod(lines, len(piece.offset))
    first = (piece.first[row] + piece.offset[point]).astype(np.int32)
    return replace(piece, row=piece.row[row], first=first, offset=np.zeros(1, dtype=np.int64))


def _windows(lengths: Sequence[int], at_once: int) -> Iterator[Window]:
    """The lines of pieces of these lengths in turn, so many together."""
    ends = np.cumsum([0, *lengths]).tolist()
    for low in range(0, ends[-1], at_once):
        high = low + at_once
        yield [
            (number, max(low, start) - start, min(high, end) - start)
            for number, (start, end) in enumerate(pairwise(ends))
            if max(low, start) < min(high, end)
        ]


def _repeated(pieces: Sequence[Named]) -> Words:
    """The first words, sorted, of the names that these pieces hold more than once.

    Names are looked for in parts of the words' range, so that never all of them are held.
    """
    n_parts = -(-sum(map(len, pieces)) // NAMES_AT_ONCE) or 1
    found = []
    for part in range(n_parts):
        own = [
            words[(words >> np.uint64(32)) * np.uint64(n_parts) >> np.uint64(32) == np.uint64(part)]
            for piece in pieces
            for words in piece.first_words()
        ]
        words = np.sort(np.concatenate(own)) if own else np.zeros(0, dtype=np.uint64)
        found.append(np.unique(words[1:][words[1:] == words[:-1]]))
    return np.concatenate(found)
