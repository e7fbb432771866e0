"""Game: the value of coalitions, asked through the Predictor, each question once a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.memo import RowMemo, distinct, hash_cells, hash_rows, hash_values
from perturbxai.plan import ImagePlan, Masked, Spliced, TablePlan
from perturbxai.predictor import Predictor
from perturbxai.spaces import ImageInput, Space, TableInput, TabularSpace, digest
from perturbxai.tables import Coalitions, Opacities, Question, Rows

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

WINDOW = 1 << 17  # table rows that are looked at together; independent of the batch size, so questions never depend on it
WINDOW_NUMBERS = 1 << 22
MANY_OUTPUTS = 20  # all outputs up to here, else the five highest


@dataclass(frozen=True, eq=False)
class Answer:
    """values (M, K) of a question's lines;  rows it would cost alone;  spread (M, K) or None, see `Evaluations`."""

    values: Floats
    rows: int
    spread: Floats | None = None


class Game:
    """The masking games of the inputs of one call, with one memo.

    v(S) is the model's output with the players of S as the input has them and the others absent: averaged over the
    background rows on a table, filled on a picture. `evaluate(z)` takes coalitions of all P players of an input.

    >>> import numpy as np
    >>> game = Game(Predictor(lambda X: X.prod(axis=1)), TabularSpace(np.zeros((1, 2))), np.ones((1, 2)))
    >>> game.evaluate(np.array([[True, False], [True, True]]))
    array([[0.],
           [1.]])
    """

    def __init__(self, predictor: Predictor, space: Space, x: Any, outputs: Any = None) -> None:
        self.predictor, self.space = predictor, space
        self.inputs: list[Any] = list(space.players(x))
        if isinstance(space, TabularSpace):
            predictor.check_columns(space.columns.names)
        self._wanted = outputs
        self._asker: _TableAsker | _ImageAsker | None = None
        if outputs is not None and predictor.outputs is not None:
            predictor.select(outputs, len(predictor.outputs))

    def learn(self) -> _TableAsker | _ImageAsker:
        """Ask the model at the first input alone, which tells how many outputs there are, and whether it works at all."""
        if self._asker is None:
            one = self._first_rows()
            values = self.predictor(one)
            n_outputs = values.shape[1]
            if self._wanted is not None:
                columns = self.predictor.select(self._wanted, n_outputs)
            elif n_outputs <= MANY_OUTPUTS:
                columns = np.arange(n_outputs)
            else:
                columns = np.argsort(-values[0], kind="stable")[:5]
            if isinstance(self.space, TabularSpace):
                self._asker = _TableAsker(self.predictor, self.space, self.inputs, columns, values[:, columns])
            else:
                self._asker = _ImageAsker(self.predictor, self.inputs, columns, values[:, columns])
        return self._asker

    def _first_rows(self) -> Any:
        first = self.inputs[0]
        if isinstance(first, TableInput):
            assert isinstance(self.space, TabularSpace)
            return self.space.columns.decode(first.codes[None])
        return first.picture[None]

    def offline(self) -> None:
        """From now on only what is known is answered; anything else raises Unanswered. For salvage after a failure."""
        if self._asker is not None:
            self._asker.offline = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that are looked at."""
        columns = self.learn().columns
        assert self.predictor.outputs is not None
        return tuple(self.predictor.outputs[c] for c in columns)

    def ask(self, requests: Sequence[tuple[int, Question]], spread: bool = False) -> list[Answer]:
        """The answers to questions about inputs (by number), all of them together in full batches.

        Coalitions and opacities are over an input's *active* players. With spread=True tables also return the variance
        that the draw of the background brings.
        """
        return self.learn().ask(requests, spread)

    def evaluate(self, z: Any, number: int = 0) -> Floats:
        """(M, K): the game of one input at coalitions (M, P) over all of its players."""
        one = self.inputs[number]
        z = np.asarray(z)
        if z.ndim != 2 or z.shape[1] != len(one.names):
            raise ValueError(f"z has shape {z.shape}; expected (coalitions, {len(one.names)} players).")
        present = z.astype(bool)
        if (present != z).any():
            raise ValueError("z has values other than 0 and 1; a player is either present or absent.")
        return self.ask([(number, Coalitions(present[:, one.active]))])[0].values

    def ends(self, number: int) -> tuple[Floats, Floats]:
        """v(nothing) and v(N) of one input, (K,) each."""
        n_active = len(self.inputs[number].active)
        both = np.array([[False] * n_active, [True] * n_active], dtype=bool)
        values = self.ask([(number, Coalitions(both))])[0].values
        return values[0], values[1]

    def nothing(self, number: int) -> tuple[Any, int]:
        """The empty coalition of an input: a name, alike for inputs that share its rows, and how many rows it has."""
        asker = self.learn()
        return (0, len(asker.base_words)) if isinstance(asker, _TableAsker) else (asker.hidden[number], 1)


class Unanswered(LookupError):
    """A question that the model was not asked before it failed."""


class _TableAsker:
    """Questions about table rows: cells of coalition x background row, each distinct row asked once."""

    def __init__(
        self, predictor: Predictor, space: TabularSpace, inputs: list[TableInput], columns: Ints, first: Floats
    ) -> None:
        self.predictor, self.space, self.inputs, self.columns = predictor, space, inputs, columns
        self.base_words = hash_values(space.background)
        self.memo = RowMemo(len(columns))
        self.memo.add(hash_rows(inputs[0].codes[None]), first)
        self.offline = False
        self.empty_rows: Floats | None = None
        share = space.background_weights
        effective = 1.0 / (share**2).sum()
        drawn = space.meta["choose"] != "all" and effective > 1.5
        # variance of a mean over the drawn rows, as a factor of the weighted variance of one
        self.mean_factor = 1.0 / (effective - 1.0) if drawn else 0.0

    def ask(self, requests: Sequence[tuple[int, Question]], spread: bool) -> list[Answer]:
        n_outputs = len(self.columns)
        lengths = [len(q.codes) if isinstance(q, Rows) else len(q.z) for _, q in map(_no_opacity, requests)]
        values = [np.empty((n, n_outputs)) for n in lengths]
        spreads = [np.zeros((n, n_outputs)) if spread else None for n in lengths]
        words: list[list[NDArray[np.uint64]]] = [[] for _ in requests]
        if spread and self.empty_rows is None:
            self.empty_rows = self.ask([(0, Rows(self.space.background))], False)[0].values
        for window in self._windows(requests):
            names = [self._names(requests[r], low, high) for r, low, high in window]
            found = self._values(requests, window, names)
            at = 0
            for (r, low, high), name in zip(window, names, strict=True):
                cells = found[at : at + len(name)]
                at += len(name)
                words[r].append(name[:, 0])
                if isinstance(requests[r][1], Rows):
                    values[r][low:high] = cells
                else:
                    cube = cells.reshape(high - low, -1, n_outputs)
                    values[r][low:high] = np.einsum("b,mbk->mk", self.space.background_weights, cube)
                    if spreads[r] is not None:
                        spreads[r][low:high] = self._spread(requests[r], low, high, cube)  # type: ignore[index]
        counts = [len(np.unique(np.concatenate(w))) if w else 0 for w in words]
        return [Answer(v, n, s) for v, n, s in zip(values, counts, spreads, strict=True)]

    def _windows(self, requests: Sequence[tuple[int, Question]]) -> Iterator[list[tuple[int, int, int]]]:
        """Runs of (request, from line, to line) that make at most a window of rows, at least one line."""
        room = max(len(self.space.background), min(WINDOW, WINDOW_NUMBERS // len(self.columns)))
        run: list[tuple[int, int, int]] = []
        left = room
        for r, (_, question) in enumerate(requests):
            per_line = 1 if isinstance(question, Rows) else len(self.space.background)
            n_lines = len(question.codes) if isinstance(question, Rows) else len(question.z)  # type: ignore[union-attr]
            low = 0
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

    def _names(self, request: tuple[int, Question], low: int, high: int) -> NDArray[np.uint64]:
        number, question = request
        if isinstance(question, Rows):
            return hash_rows(question.codes[low:high])
        assert isinstance(question, Coalitions)
        one = self.inputs[number]
        return hash_cells(question.z[low:high], one.codes, one.player, self.base_words)

    def _values(
        self, requests: Sequence[tuple[int, Question]], window: list[tuple[int, int, int]], names: list[Any]
    ) -> Floats:
        """(R, K) for every row of a window; only those that were never asked go to the model."""
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
        finally:  # after a failure: what was answered is known
            fresh = np.sort(new[:done])
            self.memo.add(unique[fresh], answers[fresh])
        return np.asarray(answers[inverse])

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
            else:
                assert isinstance(question, Coalitions)
                one = self.inputs[number]
                pieces.append(
                    Spliced(one.codes, one.player, question.z[low:high], local // n_base, local % n_base)
                )
        return TablePlan(pieces, self.space.background, self.space.columns.decode)

    def _spread(self, request: tuple[int, Question], low: int, high: int, cube: Floats) -> Floats:
        """(m, K): variance over the background of a coalition's gain on the nearer end, as the error of its mean."""
        assert isinstance(request[1], Coalitions) and self.empty_rows is not None
        z = request[1].z[low:high]
        small = 2 * z.sum(axis=1) <= z.shape[1]
        gain = cube - np.where(small[:, None, None], self.empty_rows[None], 0.0)
        share = self.space.background_weights
        mean = np.einsum("b,mbk->mk", share, gain)
        return np.asarray(np.einsum("b,mbk->mk", share, (gain - mean[:, None]) ** 2) * self.mean_factor)


class _ImageAsker:
    """Questions about pictures: each distinct mask of a picture asked once, and so the fill alone where it is the same."""

    def __init__(self, predictor: Predictor, inputs: list[ImageInput], columns: Ints, first: Floats) -> None:
        self.predictor, self.inputs, self.columns = predictor, inputs, columns
        self.offline = False
        # by input: the first input that is the same picture, and the first whose empty coalition shows the same
        self.owner = _first_alike([digest(one.picture, one.fill, one.player) for one in inputs])
        self.hidden = _first_alike(
            [
                ("fill", digest(one.fill)) if one.player.max(initial=0) < len(one.active) else ("own", owner)
                for one, owner in zip(inputs, self.owner, strict=True)
            ]
        )
        self.memo: dict[tuple[int, bytes], Floats] = {}
        whole = np.ones((1, len(inputs[0].active)), dtype=bool)
        self.memo[self._names(0, whole)[0]] = first[0]

    def ask(self, requests: Sequence[tuple[int, Question]], spread: bool) -> list[Answer]:  # noqa: ARG002
        asked: list[list[tuple[int, bytes]]] = []
        wanted: dict[tuple[int, ...], list[tuple[list[tuple[int, bytes]], Masked]]] = {}
        for number, question in requests:
            if isinstance(question, Rows):
                raise TypeError("a picture has no table rows to ask")
            mask = question.z if isinstance(question, Coalitions) else question.alpha.astype(np.float32)
            asked.append(self._names(number, mask))
            fresh, rows = [], []
            for line, name in enumerate(asked[-1]):
                if name not in self.memo:
                    self.memo[name] = np.empty(0)  # asked below
                    fresh.append(name)
                    rows.append(line)
            if fresh:
                one = self.inputs[number]
                chosen = mask[rows]
                always = np.ones((len(chosen), 1), dtype=chosen.dtype)
                piece = Masked(one.picture, one.fill, one.player, np.concatenate([chosen, always], axis=1))
                wanted.setdefault(one.picture.shape, []).append((fresh, piece))
        self._run(list(wanted.values()))
        answers = []
        for names in asked:
            values = np.array([self.memo[name] for name in names]).reshape(len(names), len(self.columns))
            answers.append(Answer(values, len(set(names))))
        return answers

    def _run(self, wanted: list[list[tuple[list[tuple[int, bytes]], Masked]]]) -> None:
        names = [name for group in wanted for fresh, _ in group for name in fresh]
        done = 0
        try:
            if self.offline and names:
                raise Unanswered(f"{len(names)} masks were not answered")
            for group in wanted:
                for start, stop, values in self.predictor.run(ImagePlan([piece for _, piece in group])):
                    for name, line in zip(names[done : done + stop - start], values, strict=True):
                        self.memo[name] = line[self.columns]
                    done += stop - start
        finally:
            for name in names[done:]:  # after a failure: what was not answered is not known
                del self.memo[name]

    def _names(self, number: int, mask: NDArray[Any]) -> list[tuple[int, bytes]]:
        """What each line shows: whose picture, and which of its players. The empty coalition has the name b""."""
        owner, hidden = self.owner[number], self.hidden[number]
        return [(owner, key) if any(key) else (hidden, b"") for key in _mask_keys(mask)]


def _first_alike(names: Sequence[Any]) -> list[int]:
    """For each name the number of the first that equals it."""
    first: dict[Any, int] = {}
    return [first.setdefault(name, number) for number, name in enumerate(names)]


def _mask_keys(mask: NDArray[Any]) -> list[bytes]:
    """One name a line; opacities that are all 0 or 1 have the name of their coalition."""
    if mask.dtype == bool:
        return [row.tobytes() for row in np.packbits(mask, axis=1)]
    hard = ((mask == 0) | (mask == 1)).all(axis=1)
    packed = np.packbits(mask == 1, axis=1)
    return [p.tobytes() if h else b"soft" + row.tobytes() for h, p, row in zip(hard, packed, mask, strict=True)]


def _no_opacity(request: tuple[int, Question]) -> tuple[int, Coalitions | Rows]:
    number, question = request
    if isinstance(question, Opacities):
        raise TypeError("a table's columns have no opacity")
    return number, question
