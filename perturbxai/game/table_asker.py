"""Questions about tables, answered: cells of coalition x background row, each distinct row asked once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from perturbxai.core.questions import Answer, Cells, Coalitions, Opacities, PixelMasks, Question, Rows, Unanswered
from perturbxai.core.types import Floats, Ints, Words
from perturbxai.game.row_memo import RowMemo
from perturbxai.inputs.row_names import bits, distinct, hash_cells, hash_rows, hash_values
from perturbxai.inputs.spaces import TableInput, TabularSpace
from perturbxai.models.plan import Spliced, TablePlan
from perturbxai.models.predictor import ModelError, Predictor

WINDOW = 1 << 17  # table rows that are looked at together; independent of the batch size, so questions never depend on it
WINDOW_NUMBERS = 1 << 22


@dataclass(frozen=True)
class Seen:
    """The distinct rows of a window: words (U,), where each is remembered (U,), -1 if it is not, and the window's lines."""

    words: Words
    places: Ints
    inverse: Ints


class Counter:
    """The rows of one question as they come: how many distinct ones and, where that is asked, their words."""

    def __init__(self, question: int, users: int, named: bool) -> None:
        self.question, self.users, self.rows = question, users, 0
        self.words: list[Words] | None = [] if named else None

    def names(self) -> Words | None:
        """The words, sorted; None where they were not asked for, or rows are new and have none."""
        return np.unique(np.concatenate(self.words)) if self.words else None


class TableAsker:
    """Questions about table rows: cells of coalition x background row, each distinct row asked once."""

    def __init__(
        self, predictor: Predictor, space: TabularSpace, inputs: list[TableInput], columns: Ints, first: Floats
    ) -> None:
        self.predictor, self.space, self.inputs, self.columns = predictor, space, inputs, columns
        self.memo = RowMemo(len(columns))
        self.memo.add(hash_rows(inputs[0].codes[None]), first)
        self.offline = False
        self._base_users = 0
        self.used: dict[int, int] = {}  # distinct rows by the number of the method that uses them
        self._drawn: list[tuple[list[Floats], Floats, int]] = []  # fresh rows of the last questions, values, how many came
        self.empty_rows: Floats | None = None
        share = space.background_weights
        effective = 1.0 / (share**2).sum()
        drawn = space.meta["choose"] != "all" and effective > 1.5
        # variance of a mean over the drawn rows, as a factor of the weighted variance of one
        self.mean_factor = 1.0 / (effective - 1.0) if drawn else 0.0

    @cached_property
    def base_words(self) -> Words:
        """(B, D, 2) names of the background's values."""
        return hash_values(self.space.background)

    @cached_property
    def base_names(self) -> Words:
        """The first words of the background rows' names, each once, sorted."""
        return np.unique(hash_rows(self.space.background)[:, 0])

    @cached_property
    def group_means(self) -> Floats:
        """(G, B): from values at the background rows to each group's mean less the mean of all."""
        share, group = self.space.background_weights, self.space.background_groups
        inside = (group == np.arange(group.max() + 1)[:, None]) * share
        return np.asarray(inside / inside.sum(axis=1, keepdims=True) - share)

    def base_values(self, users: int = 0) -> Floats:
        """(B, K): the model at the background rows, asked once a call."""
        if self.empty_rows is None or users & ~self._base_users:
            self._base_users |= users
            self.empty_rows = self.ask([(0, Rows(self.space.background))], False, users=[users])[0].values
        return self.empty_rows

    def ends_names(self, *numbers: int) -> Words:
        """Words for the rows of v(nothing) and v(N) of inputs, each once."""
        return np.union1d(self.base_names, hash_rows(np.array([self.inputs[number].codes for number in numbers]))[:, 0])

    def ask(
        self,
        requests: Sequence[tuple[int, Question]],
        spread: bool,
        groups: bool = False,
        users: Sequence[int] = (),
        named: bool = False,
    ) -> list[Answer]:
        n_outputs = len(self.columns)
        lengths = [len(q.codes) if isinstance(q, Rows) else len(q.z) for _, q in map(_no_opacity, requests)]
        values = [np.empty((n, n_outputs)) for n in lengths]
        spread = spread and self.mean_factor > 0  # else no draw of the background adds an error
        spreads = [np.zeros((n, 2, n_outputs)) if spread else None for n in lengths]
        centred = self.group_means if groups and self.mean_factor > 0 else None
        grouped = [
            np.zeros((n, len(centred), n_outputs)) if centred is not None and isinstance(q, Coalitions) else None
            for n, (_, q) in zip(lengths, requests, strict=True)
        ]
        counters = [Counter(self.memo.question(), mask, named) for mask in users or [0] * len(requests)]
        if spread:
            self.base_values(int(np.bitwise_or.reduce(np.array(users or [0], dtype=np.uint64))))
        if not self.offline:
            self._drawn = []
        for window in self._windows(requests):
            if _fresh(requests[window[0][0]][1]):
                self._ask_fresh(requests, window, values)
                for r, low, high in window:
                    self._count_fresh(counters[r], high - low)
                continue
            names = [self._names(requests[r], low, high) for r, low, high in window]
            found, seen = self._values(requests, window, names)
            at = 0
            for (r, low, high), name in zip(window, names, strict=True):
                cells = found[at : at + len(name)]
                self._count(counters[r], requests[r][1], seen, at, at + len(name))
                at += len(name)
                if isinstance(requests[r][1], (Rows, Cells)):
                    values[r][low:high] = cells
                else:
                    cube = cells.reshape(high - low, -1, n_outputs)
                    values[r][low:high] = np.einsum("b,mbk->mk", self.space.background_weights, cube)
                    whole = requests[r][1].z[low:high].all(axis=1)  # type: ignore[union-attr]
                    values[r][low:high][whole] = cube[whole, 0]  # x itself: a mean of equals would round
                    if spreads[r] is not None:
                        spreads[r][low:high] = self._spread(requests[r], low, high, cube)  # type: ignore[index]
                    if centred is not None:
                        grouped[r][low:high] = centred @ cube  # type: ignore[index]
                        grouped[r][low:high][whole] = 0.0  # type: ignore[index]
        parts = zip(values, counters, spreads, grouped, strict=True)
        return [Answer(v, c.rows, s, c.names(), g) for v, c, s, g in parts]

    def _count(self, counter: Counter, question: Question, seen: Seen, low: int, high: int) -> None:
        """Note who uses the rows low..high of a window, and count those that the question had not in windows before."""
        lines = seen.inverse[low:high]
        inside = np.zeros(len(seen.words), dtype=bool)
        inside[lines] = True
        own = np.flatnonzero(inside)
        self._use(self.memo.use(seen.places[own], counter.users))
        if isinstance(question, Cells):
            own = own[~np.isin(seen.words[own], self.base_names)]
        counter.rows += self.memo.count(seen.places[own], counter.question)
        if counter.words is not None:
            counter.words.append(seen.words[own])

    def _count_fresh(self, counter: Counter, n_rows: int) -> None:
        counter.rows += n_rows
        if not self.offline:
            self._use(dict.fromkeys(bits(counter.users), n_rows))

    def _use(self, new: dict[int, int]) -> None:
        for bit, n_rows in new.items():
            self.used[bit] = self.used.get(bit, 0) + n_rows

    def _windows(self, requests: Sequence[tuple[int, Question]]) -> Iterator[list[tuple[int, int, int]]]:
        """Runs of (request, from line, to line) that make at most a window of rows, at least one line.

        Rows that are known to be new have runs of their own.
        """
        room = max(len(self.space.background), min(WINDOW, WINDOW_NUMBERS // len(self.columns)))
        run: list[tuple[int, int, int]] = []
        left = room
        for r, (_, question) in enumerate(requests):
            per_line = len(self.space.background) if isinstance(question, Coalitions) else 1
            n_lines = len(question.codes) if isinstance(question, Rows) else len(question.z)  # type: ignore[union-attr]
            low = 0
            if run and _fresh(question) != _fresh(requests[run[-1][0]][1]):
                yield run
                run, left = [], room
            while low < n_lines:
                if left < per_line:
                    yield run
                    run, left = [], room
                high = min(n_lines, low + left // per_line)
                run.append((r, low, high))
                left -= (high - low) * per_line
                low = high
        if run:
            yield run

    def _names(self, request: tuple[int, Question], low: int, high: int) -> Words:
        number, question = request
        if isinstance(question, Rows):
            return hash_rows(question.codes[low:high])
        one = self.inputs[number]
        if isinstance(question, Cells):
            used, base = np.unique(question.base[low:high], return_inverse=True)
            words = hash_values(self.space.background[used])
            return hash_cells(question.z[low:high], one.codes, one.player, words, base)
        assert isinstance(question, Coalitions)
        return hash_cells(question.z[low:high], one.codes, one.player, self.base_words)

    def _values(
        self, requests: Sequence[tuple[int, Question]], window: list[tuple[int, int, int]], names: list[Any]
    ) -> tuple[Floats, Seen]:
        """(R, K) for every row of a window, and where they are remembered; only those never asked go to the model."""
        unique, first, inverse = distinct(np.concatenate(names))
        known = self.memo.find(unique)
        new = np.flatnonzero(known < 0)
        answers = np.empty((len(unique), len(self.columns)))
        answers[known >= 0] = self.memo.values[known[known >= 0]]
        if len(new) and self.offline:
            raise Unanswered(f"{len(new)} rows were not answered")
        new = new[np.argsort(first[new], kind="stable")]  # in the order of the questions
        plan = self._plan(requests, window, [len(n) for n in names], first[new])
        done = 0
        try:
            for start, stop, values in self.predictor.run(plan):
                answers[new[start:stop]] = values[:, self.columns]
                done = stop
        except ModelError as error:
            if error.row is not None:
                self._blame(error, requests, window, [len(n) for n in names], int(first[new[error.row]]))
            raise
        finally:  # after a failure: what was answered is known
            fresh = np.sort(new[:done])
            self.memo.add(unique[fresh], answers[fresh])
        places = self.memo.places(unique) if len(new) else known
        return np.asarray(answers[inverse]), Seen(unique[:, 0], places, inverse)

    def _blame(
        self, error: ModelError, requests: Sequence[tuple[int, Question]], window: list[Any], sizes: list[int], row: int
    ) -> None:
        """Note on a failure which input the failing row of a window was first asked for."""
        number, _ = requests[window[int(np.searchsorted(np.cumsum(sizes), row, side="right"))][0]]
        error.add_note(f"first asked while explaining row {self.inputs[number].label!r}")

    def _ask_fresh(
        self, requests: Sequence[tuple[int, Question]], window: list[tuple[int, int, int]], into: list[Floats]
    ) -> None:
        """Answers to rows that are known to be new and will not come again."""
        pieces = [requests[r][1].codes[low:high] for r, low, high in window]  # type: ignore[union-attr]
        if self.offline:
            self._remember_drawn()
            found, _ = self._values(requests, window, [hash_rows(piece) for piece in pieces])
        else:
            found = self._run_fresh(requests, window, pieces)
        at = 0
        for r, low, high in window:
            into[r][low:high] = found[at : at + high - low]
            at += high - low

    def _run_fresh(
        self, requests: Sequence[tuple[int, Question]], window: list[tuple[int, int, int]], pieces: list[Floats]
    ) -> Floats:
        found = np.empty((sum(map(len, pieces)), len(self.columns)))
        plan = TablePlan(pieces, self.space.background, self.space.columns.decode_own)
        done = 0
        try:
            for start, stop, values in self.predictor.run(plan):
                found[start:stop] = values[:, self.columns]
                done = stop
        except ModelError as error:
            if error.row is not None:
                self._blame(error, requests, window, [len(p) for p in pieces], error.row)
            raise
        finally:
            self._drawn.append((pieces, found, done))
        return found

    def _remember_drawn(self) -> None:
        """After a failure drawn rows are asked for again: those of the last questions that were answered are then known."""
        for pieces, found, done in self._drawn:
            words = hash_rows(np.concatenate(pieces)[:done])
            unique, first, _ = distinct(words)
            new = self.memo.find(unique) < 0
            self.memo.add(unique[new], found[first[new]])
        self._drawn = []

    def _plan(
        self, requests: Sequence[tuple[int, Question]], window: list[tuple[int, int, int]], sizes: list[int], rows: Ints
    ) -> TablePlan:
        pieces: list[Spliced | Floats] = []
        start = 0
        n_base = len(self.space.background)
        for (r, low, high), size in zip(window, sizes, strict=True):
            local = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + size)] - start
            start += size
            number, question = requests[r]
            if not len(local):
                continue
            if isinstance(question, Rows):
                pieces.append(question.codes[low:high][local])
            elif isinstance(question, Cells):
                one = self.inputs[number]
                pieces.append(Spliced(one.codes, one.player, question.z[low:high], local, question.base[low:high][local]))
            else:
                assert isinstance(question, Coalitions)
                one = self.inputs[number]
                pieces.append(Spliced(one.codes, one.player, question.z[low:high], local // n_base, local % n_base))
        return TablePlan(pieces, self.space.background, self.space.columns.decode_own)

    def _spread(self, request: tuple[int, Question], low: int, high: int, cube: Floats) -> Floats:
        """(m, 2, K): variance over the background of a value less the empty one, and of the full one less it, as the
        error of its mean."""
        assert isinstance(request[1], Coalitions) and self.empty_rows is not None
        share = self.space.background_weights
        found = np.empty((high - low, 2, cube.shape[2]))
        for side, gain in enumerate((cube - self.empty_rows[None], cube)):
            mean = np.einsum("b,mbk->mk", share, gain)
            found[:, side] = np.einsum("b,mbk->mk", share, (gain - mean[:, None]) ** 2) * self.mean_factor
        return found


def _no_opacity(request: tuple[int, Question]) -> tuple[int, Coalitions | Cells | Rows]:
    number, question = request
    if isinstance(question, (Opacities, PixelMasks)):
        raise TypeError("a table's columns have no opacity")
    return number, question


def _fresh(question: Question) -> bool:
    return isinstance(question, Rows) and question.fresh
