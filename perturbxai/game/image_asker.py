"""Questions about pictures, answered: each distinct mask of a picture asked once."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.questions import Answer, Coalitions, Opacities, PixelMasks, Question, Unanswered
from perturbxai.core.types import Floats, Ints, PerOutput
from perturbxai.inputs.row_names import bits
from perturbxai.inputs.spaces import ImageInput, digest
from perturbxai.models.image_plan import ImagePlan, Masked
from perturbxai.models.masks import Described
from perturbxai.models.predictor import Predictor

Requests: TypeAlias = Sequence[tuple[int, Question]]  # questions about inputs, by number
Ends: TypeAlias = tuple[PerOutput | None, PerOutput | None]  # v(nothing) and v(N), None where it was not asked
Name: TypeAlias = tuple[int, bytes]  # a mask: whose picture it is of, and what it shows


class ImageAsker:
    """Questions about pictures: each distinct mask of a picture asked once, and so the fill alone where it is the same."""

    def __init__(self, predictor: Predictor, inputs: list[ImageInput], owner: list[int], columns: Ints) -> None:
        """owner: by input, the number of the first that is the same picture, cut and filled the same way."""
        self.predictor, self.inputs, self.owner, self.columns = predictor, inputs, owner, columns
        self.offline = False
        # by input: the number of the first whose empty coalition shows the same
        self.hidden = first_alike(
            [
                ("fill", digest(one.fill)) if one.player.max(initial=0) < len(one.active) else ("own", first)
                for one, first in zip(inputs, owner, strict=True)
            ]
        )
        self.memo: dict[Name, Floats] = {}
        self.users: dict[Name, int] = {}  # methods that use a mask, as bits
        self.used: Counter[int] = Counter()  # distinct masks by the number of the method that uses them
        self.there: list[dict[Any, Any]] = [{} for _ in inputs]  # what of a picture is on a device already

    def nothing(self, number: int) -> Masked:
        """The picture of an input with all its players hidden, as a plan takes it."""
        return self._piece(number, Coalitions(np.zeros((1, len(self.inputs[number].active)), dtype=bool)), [0])

    def take_over(self, other: Self) -> None:
        """Take note of what the model said of the pictures themselves when another asked it."""
        for number in range(len(self.inputs)):
            if (own := other.memo.get(other._ends(number)[1])) is not None:
                self.know_own_values(number, own)

    def know_own_values(self, number: int, values: PerOutput) -> None:
        """Take note of what the model said of a picture itself."""
        self.memo[self._ends(number)[1]] = values

    def known_ends(self, number: int) -> Ends:
        """What was answered of nothing of a picture, and of all of it."""
        nothing, everything = map(self.memo.get, self._ends(number))
        return nothing, everything

    def knows_ends(self, number: int) -> tuple[bool, bool]:
        """Whether these were answered."""
        nothing, everything = self.known_ends(number)
        return nothing is not None, everything is not None

    def know_nothing(self, number: int, values: PerOutput) -> None:
        """Take note of what the model said of a picture of which nothing shows."""
        self.memo[self._ends(number)[0]] = values

    def ends_names(self, *numbers: int) -> Ints:
        """Words for the masks of v(nothing) and v(N) of inputs, each once."""
        return _words({name for number in numbers for name in self._ends(number)})

    def ask(  # spread, groups and once are of tables
        self, requests: Requests, _spread: bool, _groups: bool = False, users: Sequence[int] = (), named: bool = False,
        _once: bool = False,
    ) -> list[Answer]:  # fmt: skip
        asked = [self._question_names(number, question) for number, question in requests]
        wanted: dict[tuple[int, ...], list[tuple[list[Name], Masked]]] = {}
        coming: set[Name] = set()
        for (number, question), names in zip(requests, asked, strict=True):
            lines: dict[Name, int] = {}
            for line, name in enumerate(names):
                if name not in self.memo and name not in coming:
                    lines.setdefault(name, line)
            coming.update(lines)
            if lines:
                piece = self._piece(number, question, list(lines.values()))
                wanted.setdefault(piece.picture.shape, []).append((list(lines), piece))
        self._run(list(wanted.values()))
        answers = []
        for names, by in zip(asked, users or [0] * len(asked), strict=True):
            values = np.array([self.memo[name] for name in names]).reshape(len(names), len(self.columns))
            own = set(names)
            self._use(own, by)
            answers.append(Answer(values, len(own), names=_words(own) if named else None))
        return answers

    def _piece(self, number: int, question: Question, lines: list[int]) -> Masked:
        """The masks of some lines of a question, over the picture that they are of."""
        one = self.inputs[number]
        if isinstance(question, PixelMasks):
            return Described(question.take(lines), *one.labels.shape).of(one.picture, one.fill)
        shown = np.pad(_mask(question)[lines], [(0, 0), (0, 1)], constant_values=1)  # the player that is always present
        return Masked(one.picture, one.fill, one.player, shown, self.there[self.owner[number]])

    def _use(self, names: set[Name], users: int) -> None:
        """Note that methods (bits) use these masks, and count those that each had not used."""
        for name in names if users else ():
            before = self.users.get(name, 0)
            self.users[name] = before | users
            self.used.update(bits(users & ~before))

    def _run(self, wanted: list[list[tuple[list[Name], Masked]]]) -> None:
        if self.offline and wanted:
            raise Unanswered(f"{sum(len(names) for group in wanted for names, _ in group)} masks were not answered")
        for group in wanted:
            names = [name for fresh, _ in group for name in fresh]
            for start, stop, values in self.predictor.run(ImagePlan([piece for _, piece in group])):
                self.memo.update(zip(names[start:stop], values[:, self.columns], strict=True))

    def _names(self, number: int, mask: NDArray[Any]) -> list[Name]:
        """What each line shows: whose picture, and which of its players. The empty coalition has the name b""."""
        owner, hidden = self.owner[number], self.hidden[number]
        return [(owner, key) if any(key) else (hidden, b"") for key in _mask_keys(mask)]

    def _ends(self, number: int) -> list[Name]:
        """The names of nothing of a picture, and of all of it."""
        return self._names(number, np.array([[False], [True]]).repeat(len(self.inputs[number].active), axis=1))

    def _question_names(self, number: int, question: Question) -> list[Name]:
        """The same of a question's lines; a mask of pixels that shows or hides everything has the name of that coalition."""
        if not isinstance(question, PixelMasks):
            return self._names(number, _mask(question))
        whole = self._ends(number)
        geometry = blake2b(question.down.tobytes() + question.across.tobytes()).digest()
        cells = question.grid.reshape(len(question), -1)
        level = np.where((cells == cells[:, :1]).all(axis=1), cells[:, 0], 0.5)
        names = []
        for grid, shift, same in zip(question.grid, question.shift, level, strict=True):
            name = b"seen" + blake2b(geometry + grid.tobytes() + shift.tobytes(), digest_size=16).digest()
            names.append(whole[int(same)] if same in (0, 1) else (self.owner[number], name))
        return names


def _mask(question: Question) -> NDArray[Any]:
    """(M, P): what of each player shows. Raises TypeError for questions that are of tables."""
    if isinstance(question, Coalitions):
        return question.z
    if isinstance(question, Opacities):
        return question.alpha.astype(np.float32)
    raise TypeError("a picture has no table rows to ask")


def _words(names: set[Name]) -> Ints:
    return np.unique(np.fromiter(map(hash, names), dtype=np.int64, count=len(names)))


def first_alike(names: Sequence[Any]) -> list[int]:
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
