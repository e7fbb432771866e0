"""Game: the value of coalitions, asked through the Predictor, each question once a call."""

import copy
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.outputs import asked_outputs
from perturbxai.core.questions import Answer, Coalitions, Rows, Unanswered
from perturbxai.core.types import Floats, Inputs, Ints, Outputs, PerOutput
from perturbxai.core.wording import count, listed
from perturbxai.game.image_asker import Ends, ImageAsker, Requests, first_alike
from perturbxai.game.table_asker import TableAsker
from perturbxai.inputs.spaces import ImageInput, ImageSpace, Input, Space, TableInput, TabularSpace, digest
from perturbxai.models.image_plan import ImagePlan
from perturbxai.models.predictor import Predictor

MANY_OUTPUTS = 20  # all outputs up to here, else the highest
KEPT_OUTPUTS = 5


class Game:
    """The games that explainers play, one an input: v(S) is the model's output when only the players of S are shown.

    The others are absent: they take the values of the background rows on a table, over which v is the mean, and the fill
    on a picture. `evaluate(z)` takes coalitions of all P players of an input. No model row is asked twice.
    like: a game of the same pictures under another fill, whose answers at the pictures themselves are taken over.

    >>> import numpy as np
    >>> game = Game(Predictor(lambda X: X.prod(axis=1)), TabularSpace(np.zeros((1, 2))), np.ones((1, 2)))
    >>> game.evaluate(np.array([[True, False], [True, True]]))
    array([[0.],
           [1.]])
    """

    def __init__(
        self, predictor: Predictor, space: Space, x: Inputs, outputs: Outputs | None = None, *, like: Self | None = None,
        label: Hashable = None,
    ) -> None:  # fmt: skip
        """label: of the first input, where x was made anew and has lost it."""
        self.predictor, self.space = predictor, space
        self.inputs: list[Input] = list(space.players(x))
        if label is not None:
            self.inputs[0] = replace(self.inputs[0], label=label)
        if isinstance(space, TabularSpace):
            predictor.check_columns(space.columns.names, space.columns.frame)
        else:
            for one in self.pictures:
                predictor.check_picture(one.picture, one.fill)
        self._wanted = None if outputs is None else asked_outputs(outputs)
        self._asker: TableAsker | ImageAsker | None = None
        self._like, self._offline = like, False
        self._kept: str = "" if like is None else like._kept
        if self._wanted is not None and predictor.outputs is not None:
            predictor.select(self._wanted, len(predictor.outputs))

    @property
    def table(self) -> TabularSpace:
        """The space of rows of a table."""
        assert isinstance(self.space, TabularSpace)
        return self.space

    @property
    def table_rows(self) -> list[TableInput]:
        """The inputs of a table."""
        assert isinstance(self.space, TabularSpace)
        return cast(list[TableInput], self.inputs)

    @property
    def pictures(self) -> list[ImageInput]:
        """The inputs that are pictures."""
        assert isinstance(self.space, ImageSpace)
        return cast(list[ImageInput], self.inputs)

    def __repr__(self) -> str:
        table, sizes = isinstance(self.space, TabularSpace), sorted({len(one.names) for one in self.inputs}) or [0]
        parts = f"{sizes[0]:,} to " * (len(sizes) > 1) + count(sizes[-1], "feature" if table else "superpixel")
        outputs = listed(None if self._asker is None else self.outputs)
        return f"<Game of {count(len(self.inputs), 'row' if table else 'picture')}: {parts}, outputs {outputs}>"

    def part(self, inputs: Sequence[Input], predictor: Predictor, like: Self | None = None) -> Self:
        """The same game of other inputs, asked of the same model, it may be with meters of its own; outputs are those that
        this has. like: as for a game, of these inputs."""
        found = copy.copy(self)
        found.inputs, found.predictor, found._asker, found._like = list(inputs), predictor, None, like
        found._wanted = self._wanted if self._asker is None else self._asker.columns.tolist()
        return found

    def know_background(self, values: Floats) -> None:
        """Take note of what the model said of a table's background rows, (B, K), when another game asked it."""
        asker = self.learn()
        assert isinstance(asker, TableAsker)
        asker.know(self.table.background, values)

    def learn(self) -> TableAsker | ImageAsker:
        """Ask the model at the first input alone, which tells how many outputs there are, and whether it works at all."""
        if self._asker is None and self._offline:
            raise Unanswered("the model was not asked at all")
        if self._asker is None and self._like is not None:
            other = self._like.learn()
            assert isinstance(other, ImageAsker)
            self._asker = ImageAsker(self.predictor, self.pictures, self.first_alike, other.columns)
            self._asker.take_over(other)
        if self._asker is None:
            table = isinstance(self.space, TabularSpace)
            first = self.table.columns.decode(self.table_rows[0].codes[None]) if table else self.pictures[0].picture[None]
            values = self.predictor(first)
            columns = self._columns(values)
            if isinstance(self.space, TabularSpace):
                self._asker = TableAsker(self.predictor, self.space, self.table_rows, columns, values[:, columns])
            else:
                self._asker = ImageAsker(self.predictor, self.pictures, self.first_alike, columns)
                self._asker.know_own_values(0, values[0, columns])
        return self._asker

    def _columns(self, values: Floats) -> Ints:
        """The columns that are looked at, of the outputs (1, K) at the first input."""
        n_outputs = values.shape[1]
        if self._wanted is not None:
            return self.predictor.select(self._wanted, n_outputs)
        return np.arange(n_outputs) if n_outputs <= MANY_OUTPUTS else self._highest(values[0])

    def _highest(self, values: PerOutput) -> Ints:
        """Columns of the five highest outputs at the first input, where nobody said which; told once, and in every meta."""
        columns = np.argsort(-values, kind="stable")[:KEPT_OUTPUTS]
        known = self.predictor.outputs
        assert known is not None
        self._kept = (
            f"{', '.join(known[c] for c in columns)}: the {KEPT_OUTPUTS} highest of {len(values)} at the first input "
            f"({self.inputs[0].label})"
        )
        warnings.warn(
            f"the model has {len(values)} outputs, more than {MANY_OUTPUTS}, and outputs= names none; kept are "
            f"{self._kept}. Name the outputs that matter to you in outputs=.",
            stacklevel=2,
        )
        return columns

    def offline(self) -> None:
        """From now on only what is known is answered; anything else raises Unanswered. For salvage after a failure."""
        self._offline = True
        if self._asker is not None:
            self._asker.offline = True

    @property
    def about_outputs(self) -> dict[str, Any]:
        """For meta: the scale of the outputs, of many those that were kept where nobody said which are meant, and the names
        of the first that the model has besides those that are looked at."""
        names = self.predictor.outputs if self._asker is not None else None
        others = [name for c, name in enumerate(names or ()) if c not in self.learn().columns][:MANY_OUTPUTS]
        found = {"outputs_kept": self._kept, "outputs_left_out": others}
        return {"scale": self.predictor.output} | {key: one for key, one in found.items() if one}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that are looked at."""
        columns = self.learn().columns
        assert self.predictor.outputs is not None
        return tuple(self.predictor.outputs[c] for c in columns)

    def ask(
        self, requests: Requests, spread: bool = False, groups: bool = False, users: Sequence[int] = (), named: bool = False,
        once: bool = False,
    ) -> list[Answer]:  # fmt: skip
        """The answers to questions about inputs (by number), all of them together in full batches.

        Coalitions and opacities are over an input's *active* players. With spread=True tables also return the variance
        that the draw of the background brings, with groups=True what each group of its rows would add to the values.
        users: for each question the methods of the call that ask it, as bits of a number, by which `used` counts the rows of
        each; with named=True answers tell their rows' names. once: nobody asks anything else of these inputs in this game.
        """
        return self.learn().ask(requests, spread, groups, users, named, once)

    def used(self, method: int) -> int:
        """Distinct model rows that a method of the call, by its number, has used."""
        return self.learn().used[method]

    def evaluate(self, z: ArrayLike, number: int = 0) -> Floats:
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
        return self.ends_of([number])[0]

    def ends_of(self, numbers: Sequence[int], users: int = 0) -> list[tuple[Floats, Floats]]:
        """The same of several inputs, asked together."""
        if not len(numbers):
            return []
        sizes = [len(self.inputs[number].active) for number in numbers]
        if not isinstance(self.space, TabularSpace):
            both = [Coalitions(np.array([[False] * n, [True] * n], dtype=bool)) for n in sizes]
            answers = self.ask(list(zip(numbers, both, strict=True)), users=[users] * len(both))
            return [(a.values[0], a.values[1]) for a in answers]
        # nothing is the same background for all, and everything is a row
        nothing = Coalitions(np.zeros((1, sizes[0]), dtype=bool))
        rows = Rows(np.array([self.table_rows[number].codes for number in numbers]))
        empty, full = self.ask([(numbers[0], nothing), (numbers[0], rows)], users=[users] * 2)
        return [(empty.values[0], values) for values in full.values]

    def knows_ends(self, number: int) -> tuple[bool, bool]:
        """Whether v(nothing) and v(N) of an input were answered already."""
        return (False, False) if self._asker is None else self._asker.knows_ends(number)

    def ask_nothing(self, numbers: Sequence[int], users: int = 0) -> None:
        """v(nothing) of pictures, asked together, where v(N) comes with a look inside the network.

        Where nobody said which of many outputs are meant, the first picture must be asked as in `learn`.
        """
        if self._asker is None and self._like is None and not self._offline and numbers:
            asker = ImageAsker(self.predictor, self.pictures, self.first_alike, np.zeros(0, dtype=np.int64))
            ((_, _, values),) = self.predictor.run(ImagePlan([asker.nothing(numbers[0])]))
            if self._wanted is not None or values.shape[1] <= MANY_OUTPUTS:
                asker.columns = self._columns(values)
                asker.know_nothing(numbers[0], values[0, asker.columns])
                self._asker = asker
            else:
                learnt = self.learn()
                assert isinstance(learnt, ImageAsker)
                learnt.know_nothing(numbers[0], values[0, learnt.columns])
        nothing = [Coalitions(np.zeros((1, len(self.inputs[number].active)), dtype=bool)) for number in numbers]
        self.ask(list(zip(numbers, nothing, strict=True)), users=[users] * len(nothing))

    def know_own_values(self, number: int, values: PerOutput) -> None:
        """Take note of what all outputs (K,) of the model said of a picture itself."""
        self.know_ends(number, (None, values[self.learn().columns]))

    def known_ends(self, number: int) -> Ends:
        """What is known of v(nothing) and v(N) of a picture."""
        asker = self.learn()
        assert isinstance(asker, ImageAsker)
        return asker.known_ends(number)

    def know_ends(self, number: int, ends: Ends) -> None:
        """Take note of them, (K,) each of the outputs that are looked at, when another game asked them."""
        if self._asker is None and self._wanted is not None and self.predictor.outputs is not None:
            columns = self.predictor.select(self._wanted, len(self.predictor.outputs))
            self._asker = ImageAsker(self.predictor, self.pictures, self.first_alike, columns)
        asker = self.learn()
        assert isinstance(asker, ImageAsker)
        nothing, everything = ends
        if nothing is not None:
            asker.know_nothing(number, nothing)
        if everything is not None:
            asker.know_own_values(number, everything)

    def base_values(self, users: int = 0) -> Floats:
        """(B, K): the model at each background row of a table."""
        asker = self.learn()
        assert isinstance(asker, TableAsker)
        return asker.base_values(users)

    def ends_names(self, *numbers: int) -> NDArray[Any]:
        """Names of the rows of v(nothing) and v(N) of inputs, each once."""
        return self.learn().ends_names(*numbers)

    @property
    def first_alike(self) -> list[int]:
        """By input: the number of the first that is the same."""
        if isinstance(self.space, TabularSpace):
            return first_alike([one.digest for one in self.inputs])
        return first_alike([digest(one.picture, one.fill, one.player) for one in self.pictures])

    @property
    def drawn(self) -> float:
        """Variance of a mean over the background rows, as a factor of that of one; 0 where they were not drawn."""
        asker = self.learn()
        return asker.mean_factor if isinstance(asker, TableAsker) else 0.0

    @property
    def background_rows(self) -> int:
        """Distinct rows of a table's background, which are asked once a call beside what a budget bounds; 0 on pictures."""
        asker = self.learn()
        return len(asker.base_names) if isinstance(asker, TableAsker) else 0
