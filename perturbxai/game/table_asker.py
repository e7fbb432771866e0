"""Questions about tables, answered: cells of coalition x background row, each distinct row asked once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from perturbxai.core.questions import Answer, Cells, Coalitions, Opacities, PixelMasks, Question, Rows, Unanswered
from perturbxai.core.types import Floats, Ints, Words
from perturbxai.game.image_asker import Requests
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


@dataclass(eq=False)
class Reply:
    """The answer to a question about an input, by its number, as it comes window by window; see `Answer`.

    counted  the number by which the memo counts the question's rows;  users: the methods that use them, as bits
    words    of its rows, None where they are not asked for
    """

    number: int
    question: Coalitions | Cells | Rows
    counted: int
    users: int
    values: Floats
    spread: Floats | None
    groups: Floats | None
    words: list[Words] | None
    rows: int = 0

    @property
    def fresh(self) -> bool:
        return isinstance(self.question, Rows) and self.question.fresh

    def answer(self) -> Answer:
        names = np.unique(np.concatenate(self.words)) if self.words else None  # rows that are new have none
        return Answer(self.values, self.rows, self.spread, names, self.groups)


Part: TypeAlias = tuple[Reply, int, int]  # a question's lines low..high


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
        self.used: Counter[int] = Counter()  # distinct rows by the number of the method that uses them
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
    def own_words(self) -> Words:
        """(N, 2): the names of the inputs themselves."""
        return hash_rows(np.array([one.codes for one in self.inputs]))

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

    def knows_ends(self, number: int) -> tuple[bool, bool]:
        """Whether the background rows, and an input's own, were answered."""
        found = self.memo.places(np.concatenate([hash_rows(self.space.background), self.own_words[number, None]])) >= 0
        return bool(found[:-1].all()), bool(found[-1])

    def ends_names(self, *numbers: int) -> Words:
        """Words for the rows of v(nothing) and v(N) of inputs, each once."""
        return np.union1d(self.base_names, self.own_words[list(numbers), 0])

    def ask(
        self, requests: Requests, spread: bool, groups: bool = False, users: Sequence[int] = (), named: bool = False
    ) -> list[Answer]:
        drawn = self.mean_factor > 0  # else no draw of the background adds an error
        n_groups = len(self.group_means) if groups and drawn else 0
        replies = [
            self._reply(number, question, by, spread and drawn, n_groups, named)
            for (number, question), by in zip(requests, users or [0] * len(requests), strict=True)
        ]
        if spread and drawn:
            self.base_values(int(np.bitwise_or.reduce(np.array(users or [0], dtype=np.uint64))))
        if not self.offline:
            self._drawn = []
        for window in self._windows(replies):
            if window[0][0].fresh:
                self._ask_fresh(window)
                continue
            names = [self._names(*part) for part in window]
            found, seen = self._values(window, names)
            at = 0
            for part, words in zip(window, names, strict=True):
                self._count(part[0], seen, at, at + len(words))
                self._fill(*part, found[at : at + len(words)])
                at += len(words)
        return [reply.answer() for reply in replies]

    def _reply(self, number: int, question: Question, users: int, spread: bool, n_groups: int, named: bool) -> Reply:
        """An answer that nothing is filled in of. Raises TypeError for questions that are not of tables."""
        if isinstance(question, (Opacities, PixelMasks)):
            raise TypeError("a table's columns have no opacity")
        n, n_outputs = len(question.codes if isinstance(question, Rows) else question.z), len(self.columns)
        groups = np.zeros((n, n_groups, n_outputs)) if n_groups and isinstance(question, Coalitions) else None
        return Reply(
            number, question, self.memo.question(), users, np.empty((n, n_outputs)),
            np.zeros((n, 2, n_outputs)) if spread else None, groups, [] if named else None,
        )  # fmt: skip

    def _windows(self, replies: Sequence[Reply]) -> Iterator[list[Part]]:
        """Runs of questions' lines that make at most a window of rows, at least one line.

        Rows that are known to be new have runs of their own.
        """
        room = max(len(self.space.background), min(WINDOW, WINDOW_NUMBERS // len(self.columns)))
        run: list[Part] = []
        left = room
        for reply in replies:
            per_line = len(self.space.background) if isinstance(reply.question, Coalitions) else 1
            low = 0
            while low < len(reply.values):
                if left < per_line or (run and reply.fresh != run[-1][0].fresh):
                    yield run
                    run, left = [], room
                high = min(len(reply.values), low + left // per_line)
                run.append((reply, low, high))
                left -= (high - low) * per_line
                low = high
        if run:
            yield run

    def _names(self, reply: Reply, low: int, high: int) -> Words:
        question, one = reply.question, self.inputs[reply.number]
        if isinstance(question, Rows):
            return hash_rows(question.codes[low:high])
        if isinstance(question, Coalitions):
            return hash_cells(question.z[low:high], one.codes, one.player, self.base_words)
        used, base = np.unique(question.base[low:high], return_inverse=True)
        return hash_cells(question.z[low:high], one.codes, one.player, hash_values(self.space.background[used]), base)

    def _fill(self, reply: Reply, low: int, high: int, cells: Floats) -> None:
        """Note the values of lines, of which coalitions have a cell for each background row."""
        if not isinstance(reply.question, Coalitions):
            reply.values[low:high] = cells
            return
        cube = cells.reshape(high - low, -1, len(self.columns))
        whole = reply.question.z[low:high].all(axis=1)
        reply.values[low:high] = np.einsum("b,mbk->mk", self.space.background_weights, cube)
        reply.values[low:high][whole] = cube[whole, 0]  # x itself: a mean of equals would round
        if reply.spread is not None:
            reply.spread[low:high] = self._spread(cube)
        if reply.groups is not None:
            reply.groups[low:high] = self.group_means @ cube
            reply.groups[low:high][whole] = 0.0

    def _spread(self, cube: Floats) -> Floats:
        """(m, 2, K): variance over the background of a value less the empty one, and of the full one less it, as the
        error of its mean."""
        assert self.empty_rows is not None
        share = self.space.background_weights
        found = np.empty((len(cube), 2, cube.shape[2]))
        for side, gain in enumerate((cube - self.empty_rows[None], cube)):
            mean = np.einsum("b,mbk->mk", share, gain)
            found[:, side] = np.einsum("b,mbk->mk", share, (gain - mean[:, None]) ** 2) * self.mean_factor
        return found

    def _count(self, reply: Reply, seen: Seen, low: int, high: int) -> None:
        """Note who uses the rows low..high of a window, and count those that the question had not in windows before."""
        inside = np.zeros(len(seen.words), dtype=bool)
        inside[seen.inverse[low:high]] = True
        own = np.flatnonzero(inside)
        self.used.update(self.memo.use(seen.places[own], reply.users))
        if isinstance(reply.question, Cells):
            own = own[~np.isin(seen.words[own], self.base_names)]
        reply.rows += self.memo.count(seen.places[own], reply.counted)
        if reply.words is not None:
            reply.words.append(seen.words[own])

    def _values(self, window: list[Part], names: list[Words]) -> tuple[Floats, Seen]:
        """(R, K) for every row of a window, and where they are remembered; only those never asked go to the model."""
        unique, first, inverse = distinct(np.concatenate(names))
        known = self.memo.find(unique)
        new = np.flatnonzero(known < 0)
        answers = np.empty((len(unique), len(self.columns)))
        answers[known >= 0] = self.memo.values[known[known >= 0]]
        if len(new) and self.offline:
            raise Unanswered(f"{len(new)} rows were not answered")
        new = new[np.argsort(first[new], kind="stable")]  # in the order of the questions
        stops = np.cumsum([len(words) for words in names])
        done = 0
        try:
            for start, stop, values in self._run(self._pieces(window, stops, first[new]), window, stops, first[new]):
                answers[new[start:stop]] = values
                done = stop
        finally:  # after a failure: what was answered is known
            fresh = np.sort(new[:done])
            self.memo.add(unique[fresh], answers[fresh])
        places = self.memo.places(unique) if len(new) else known
        return np.asarray(answers[inverse]), Seen(unique[:, 0], places, inverse)

    def _pieces(self, window: list[Part], stops: Ints, rows: Ints) -> list[Spliced | Floats]:
        """Those rows of a window, sorted, as a plan takes them. stops: where in the window its parts end."""
        pieces: list[Spliced | Floats] = []
        shares = np.split(rows, np.searchsorted(rows, stops[:-1]))
        for (reply, low, high), start, share in zip(window, [0, *stops[:-1]], shares, strict=True):
            question, one, local = reply.question, self.inputs[reply.number], share - start
            if isinstance(question, Rows):
                pieces.append(question.codes[low:high][local])
            elif len(local):
                n_base = len(self.space.background)
                cells = (local, question.base[low:high][local]) if isinstance(question, Cells) else np.divmod(local, n_base)
                pieces.append(Spliced(one.codes, one.player, question.z[low:high], *cells))
        return pieces

    def _run(self, pieces: list[Any], window: list[Part], stops: Ints, rows: Ints) -> Iterator[tuple[int, int, Floats]]:
        """The model at rows of a window, batch by batch. A failure tells which input its row was first asked for."""
        plan = TablePlan(pieces, self.space.background, self.space.columns.decode_own)
        try:
            for start, stop, values in self.predictor.run(plan):
                yield start, stop, values[:, self.columns]
        except ModelError as error:
            if error.row is not None:
                reply, *_ = window[int(np.searchsorted(stops, rows[error.row], side="right"))]
                error.add_note(f"first asked while explaining row {self.inputs[reply.number].label!r}")
            raise

    def _ask_fresh(self, window: list[Part]) -> None:
        """Answers to rows that are known to be new and will not come again."""
        pieces = [reply.question.codes[low:high] for reply, low, high in window if isinstance(reply.question, Rows)]
        stops = np.cumsum([len(piece) for piece in pieces])
        if self.offline:
            self._remember_drawn()
            found, _ = self._values(window, [hash_rows(piece) for piece in pieces])
        else:
            found = np.empty((stops[-1], len(self.columns)))
            done = 0
            try:
                for start, stop, values in self._run(pieces, window, stops, np.arange(stops[-1])):
                    found[start:stop] = values
                    done = stop
            finally:
                self._drawn.append((pieces, found, done))
        for (reply, low, high), values in zip(window, np.split(found, stops[:-1]), strict=True):
            reply.values[low:high] = values
            reply.rows += high - low
            self.used.update({} if self.offline else dict.fromkeys(bits(reply.users), high - low))

    def _remember_drawn(self) -> None:
        """After a failure drawn rows are asked for again: those of the last questions that were answered are then known."""
        for pieces, found, done in self._drawn:
            unique, first, _ = distinct(hash_rows(np.concatenate(pieces)[:done]))
            new = self.memo.find(unique) < 0
            self.memo.add(unique[new], found[first[new]])
        self._drawn = []
