"""Questions about tables, answered: cells of coalition x background row, each distinct row asked once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from perturbxai.core.questions import Answer, Cells, Coalitions, Opacities, PixelMasks, Question, Rows, Unanswered
from perturbxai.core.types import Codes, Floats, Ints, Words
from perturbxai.game.image_asker import Requests
from perturbxai.game.reply import Reply
from perturbxai.game.row_memo import RowMemo
from perturbxai.game.unrepeated import Unrepeated
from perturbxai.inputs.row_names import bits, hash_cells, hash_rows, hash_values
from perturbxai.inputs.spaces import TableInput, TabularSpace
from perturbxai.models.plan import Spliced, TablePlan
from perturbxai.models.predictor import ModelError, Predictor

WINDOW = 1 << 16  # table rows that are looked at together; independent of the batch size, so questions never depend on it
WINDOW_NUMBERS = 1 << 21


Part: TypeAlias = tuple[Reply, int, int]  # a question's lines low..high


class TableAsker:
    """Questions about table rows: cells of coalition x background row, each distinct row asked once."""

    def __init__(
        self, predictor: Predictor, space: TabularSpace, inputs: list[TableInput], columns: Ints, first: Floats
    ) -> None:
        self.predictor, self.space, self.inputs, self.columns = predictor, space, inputs, columns
        self.memo = RowMemo(len(columns), least=self.room)
        self.memo.add(hash_rows(inputs[0].codes[None]), first)
        self.offline = False
        self._base_users = 0
        self.used: Counter[int] = Counter()  # distinct rows by the number of the method that uses them
        self._last: list[Reply] = []  # to the last questions, as far as they came
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
    def _bases(self) -> RowMemo:
        """The names of the background rows, to find others among them."""
        found = RowMemo(0, room=len(self.space.background))
        found.enter(hash_rows(self.space.background))
        return found

    @cached_property
    def _unrepeated(self) -> Unrepeated:
        return Unrepeated(self.space, self.inputs)

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

    def know(self, codes: Codes, values: Floats) -> None:
        """Take note of what the model said of distinct rows (R, D): values (R, K)."""
        words = hash_rows(codes)
        new = self.memo.find(words) < 0
        self.memo.add(words[new], values[new])

    def knows_ends(self, number: int) -> tuple[bool, bool]:
        """Whether the background rows, and an input's own, were answered."""
        found = self.memo.find(np.concatenate([hash_rows(self.space.background), self.own_words[number, None]])) >= 0
        return bool(found[:-1].all()), bool(found[-1])

    def ends_names(self, *numbers: int) -> Words:
        """Words for the rows of v(nothing) and v(N) of inputs, each once."""
        return np.union1d(self.base_names, self.own_words[list(numbers), 0])

    @property
    def room(self) -> int:
        """Rows of a window, at most."""
        return max(len(self.space.background), min(WINDOW, WINDOW_NUMBERS // len(self.columns)))

    def ask(
        self, requests: Requests, spread: bool, groups: bool = False, users: Sequence[int] = (), named: bool = False,
        once: bool = False,
    ) -> list[Answer]:  # fmt: skip
        drawn = self.mean_factor > 0  # else no draw of the background adds an error
        n_groups = len(self.group_means) if groups and drawn else 0
        replies = [
            self._reply(number, question, by, spread and drawn, n_groups, named)
            for (number, question), by in zip(requests, users or [0] * len(requests), strict=True)
        ]
        if spread and drawn:
            self.base_values(int(np.bitwise_or.reduce(np.array(users or [0], dtype=np.uint64))))
        if self.offline:
            self._recall(replies)
        else:
            self._last = replies
        for reply in replies if once and not self.offline else ():
            if not isinstance(reply.question, Rows):
                single = isinstance(reply.question, Cells)
                reply.apart = self._unrepeated.lines(reply.number, reply.question.z, single)
        for window in self._windows(replies):
            self._answer(window)
        return [reply.answer() for reply in replies]

    def _recall(self, replies: Sequence[Reply]) -> None:
        """After a failure: rows that are of their own are in no memo, but answers to what was asked last are here."""
        for reply in replies:
            for last in self._last:
                reply.take_over(last)

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
        room = self.room
        run: list[Part] = []
        left = room
        for reply in replies:
            per_line = self._cells_a_line(reply)
            low = reply.filled
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

    def _answer(self, window: list[Part]) -> None:
        """Ask what of a window is not known, and fill its lines in, as far as the model came."""
        stops = np.cumsum([(high - low) * self._cells_a_line(reply) for reply, low, high in window])
        cells = np.empty((stops[-1], len(self.columns)))
        named, words = self._looked_up(window, stops)
        places, first = self.memo.enter(words)
        fresh = named[first]
        asked = np.ones(len(cells), dtype=bool)
        asked[named] = False
        asked[fresh] = True
        rows = np.flatnonzero(asked)  # in the order of the questions
        ahead = np.append(rows, len(cells))  # by the number of rows that came: those before the first that did not
        n_came = int(ahead[0])
        try:
            if len(rows) and self.offline:
                raise Unanswered(f"{len(rows)} rows were not answered")
            for start, stop, values in self._run(self._pieces(window, stops, rows), window, stops, rows):
                cells[rows[start:stop]] = values
                n_came = int(ahead[stop])
        finally:  # after a failure: what was answered is known
            self._remember(cells, fresh, int(np.searchsorted(fresh, n_came)))
            known = int(np.searchsorted(named, n_came))
            cells[named[:known]] = self.memo.values[places[:known]]
            self._take_in(window, stops, cells[:n_came], named, places)

    def _remember(self, cells: Floats, fresh: Ints, n_came: int) -> None:
        """Note the values of rows that were entered in the memo last, and forget those that did not come."""
        start = len(self.memo.words) - len(fresh)
        self.memo.values[start : start + n_came] = cells[fresh[:n_came]]
        self.memo.drop(len(fresh) - n_came)

    def _take_in(self, window: list[Part], stops: Ints, cells: Floats, named: Ints, places: Ints) -> None:
        """Count and fill in the lines of which all cells are there. places: of the rows that have names, `named`."""
        for (reply, low, high), stop in zip(window, stops.tolist(), strict=True):
            per_line = self._cells_a_line(reply)
            start = stop - (high - low) * per_line
            n_lines = min(high - low, max(0, len(cells) - start) // per_line)
            if n_lines:
                end = start + n_lines * per_line
                self._count(reply, end - start, places[slice(*np.searchsorted(named, [start, end]))])
                self._fill(reply, low, low + n_lines, cells[start:end])

    def _cells_a_line(self, reply: Reply) -> int:
        return len(self.space.background) if isinstance(reply.question, Coalitions) else 1

    def _looked_up(self, window: list[Part], stops: Ints) -> tuple[Ints, Words]:
        """The rows of a window that may be known, or come again, and their names."""
        rows, words = [np.zeros(0, dtype=np.int64)], [np.zeros((0, 2), dtype=np.uint64)]
        for (reply, low, high), stop in zip(window, stops, strict=True):
            if reply.fresh and not self.offline:
                continue
            per_line = self._cells_a_line(reply)
            lines = np.arange(low, high)
            if reply.apart is not None:
                lines = lines[~reply.apart[low:high]]
            start = int(stop) - (high - low) * per_line
            rows.append((start + (lines - low)[:, None] * per_line + np.arange(per_line)).ravel())
            words.append(self._names(reply, lines))
        return np.concatenate(rows), np.concatenate(words)

    def _names(self, reply: Reply, lines: Ints) -> Words:
        question, one = reply.question, self.inputs[reply.number]
        if isinstance(question, Rows):
            return hash_rows(question.codes[lines])
        if isinstance(question, Coalitions):
            return hash_cells(question.z[lines], one.codes, one.player, self.base_words)
        used, base = np.unique(question.base[lines], return_inverse=True)
        return hash_cells(question.z[lines], one.codes, one.player, hash_values(self.space.background[used]), base)

    def _fill(self, reply: Reply, low: int, high: int, cells: Floats) -> None:
        """Note the values of lines, of which coalitions have a cell for each background row."""
        reply.filled = high
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

    def _count(self, reply: Reply, n_rows: int, places: Ints) -> None:
        """Note who uses so many rows, and count those that the question had not before. places: of those that have names."""
        n_apart = n_rows - len(places)
        fresh = self.memo.count(places, reply.counted, reply.users, self.used)
        words = self.memo.words[fresh]
        if isinstance(reply.question, Cells):
            words = words[self._bases.find(words) < 0]
        reply.rows += n_apart + len(words)
        reply.unnamed += n_apart
        if n_apart and not self.offline:
            self.used.update(dict.fromkeys(bits(reply.users), n_apart))
        if reply.words is not None and not reply.fresh:
            reply.words.append(words[:, 0])

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
