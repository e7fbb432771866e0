"""What a method from inside a model declares: what it is shown of an input, and what it needs of the model.

It inherits from what it is: `OfLayer`, `OfPixels`, `OfRow`, or of the controls `OfPlayers`, `OfPicture`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from perturbxai.baseline_methods.pixels import PixelMap, Pixels, View
from perturbxai.core import catalogue
from perturbxai.core.methods import Method
from perturbxai.core.types import Codes, Floats, Ints, PerOutput, Picture
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import Predictor


@dataclass(eq=False)
class TableRow:
    """One row to explain, beside the background that stands for absence.

    number   of the input in its game;  columns (K,): the model's outputs that are explained
    base, prediction (K,): v(nothing) and v(N)
    known    what was asked once for a whole call, by name, shared by its rows
    """

    game: Game
    number: int
    columns: Ints
    base: PerOutput
    prediction: PerOutput
    known: dict[Any, Floats] = field(default_factory=dict)

    @property
    def predictor(self) -> Predictor:
        return self.game.predictor

    @property
    def space(self) -> TabularSpace:
        return self.game.table

    @property
    def x(self) -> Floats:
        """(D,): the row's codes, which for columns of numbers are the numbers."""
        return np.asarray(self.game.table_rows[self.number].codes)

    @property
    def rise(self) -> Floats:
        """(K,): v(N) - v(nothing), what complete values sum to."""
        return self.prediction - self.base

    def gradient(self, rows: Codes) -> Floats:
        """(n, D, K): gradients of the explained outputs at rows of numbers (n, D)."""
        return self.predictor.gradient(rows, self.columns)

    def gradient_here(self) -> Floats:
        """(D, K): the gradient at the row itself, asked once however many methods want it."""
        return self.once(("gradient", self.number), lambda: self.gradient(self.x[None])[0])

    def value(self, row: Floats) -> Floats:
        """(K,): the model at another row of numbers, asked once a call."""
        return self.once(("value", row.tobytes()), lambda: self.predictor(row[None])[0, self.columns])

    def once(self, what: Any, ask: Callable[[], Floats]) -> Floats:
        """What `ask` gives, asked once a call."""
        if what not in self.known:
            self.known[what] = ask()
        return self.known[what]

    def pool(self, values: Floats) -> Floats:
        """(P, K): values of columns (D, K), summed over the columns of each player."""
        pooled = np.zeros((self.space.n_players, values.shape[1]))
        np.add.at(pooled, self.space.player_of_column, values)
        return pooled


class Baseline(Method):
    """What `baselines` takes.

    passes          forward passes a picture that look at a layer, those that it asks for by itself apart
    scores          the scores it can be taken of
    differentiates  it reads gradients at a layer;  follows: it has rules for the operations as they run
    shares          what it asks of the network, where others ask the same: none of its own if empty
    on_the_scale_of_the_predictor  what it asks are the predictor's own values
    """

    passes: ClassVar[int] = 0
    scores: ClassVar[tuple[str, ...]] = ("logit", "probability")
    differentiates: ClassVar[bool] = False
    follows: ClassVar[bool] = False
    shares: ClassVar[str] = ""
    on_the_scale_of_the_predictor: ClassVar[bool] = False

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        """Refuse, of a table, what can be known without the model's answers. Raises TypeError or ValueError."""

    def check_picture(self) -> None:
        """Refuse, of pictures, what can be known without the model. Raises ValueError, ImportError."""


class Blind(Baseline):
    """What looks at no model, and at no fill."""

    @property
    def sees_fill(self) -> bool:
        return False


class OfPlayers(Blind, ABC):
    """Values that look at nothing but how many players and outputs there are."""

    @abstractmethod
    def values(self, n_players: int, n_outputs: int, rng: Callable[[int], np.random.Generator]) -> Floats:
        """(P, K); rng: a generator of the input and a seed."""


class OfPicture(Blind, ABC):
    """A map that looks at the picture, and at no model."""

    @abstractmethod
    def heat(self, picture: Picture) -> Floats:
        """(H, W)"""


class OfRow(Baseline, ABC):
    """Values of a row of a table. at_x: it asks for the gradient at the row and nothing else."""

    at_x: ClassVar[bool] = False

    @abstractmethod
    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes."""


class OfSlopes(OfRow, ABC):
    """Values of a row of numbers, by which the model can be differentiated."""

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:
        try:
            predictor.check_gradient(space.columns.plain(space.background[:1]))
        except TypeError as error:
            raise type(error)(f"{catalogue.key_of(self)}: {error}") from error


class OfPixels(Baseline, ABC):
    """A map by the pixel, from the network's input."""

    @abstractmethod
    def of_picture(self, pixels: Pixels) -> PixelMap:
        """(K, H, W), and notes."""


@dataclass(frozen=True, kw_only=True)
class OfLayer(Baseline, ABC):
    """A map made of what a network holds at one layer: `cells` turns a view of it into (K, h, w).

    conserves   the cells sum to something that the pixels must sum to as well, at any size
    needs_fill  it looks at the fill too
    by_asking   it asks for scores of other pictures or other maps, hundreds of them
    name        the key of the result, the method's own if empty
    """

    name: str = ""
    passes: ClassVar[int] = 1
    differentiates: ClassVar[bool] = True
    conserves: ClassVar[bool] = False
    needs_fill: ClassVar[bool] = False
    by_asking: ClassVar[bool] = False

    @property
    def sees_fill(self) -> bool:
        return self.needs_fill

    @abstractmethod
    def cells(self, seen: View, fill: View | None) -> Floats:
        """(K, h, w): what each cell of the layer's map gets, before it is enlarged."""

    def paper_map(self, cells: Floats) -> Floats:
        """(K, h, w): the map in the paper's units."""
        return cells

    def enlarged(self, cells: Floats, shape: Sequence[int]) -> Floats:
        """(K, H, W): bilinear between the centres of the cells (K, h, w), each pixel with its share of the cell's value.

        The total of the cells is kept where H and W are multiples of h and w. At other sizes the corners weigh a little more
        or less; where the map conserves, what is missing is spread evenly over the pixels: the totals agree to rounding.
        """
        import torch

        height, width = shape
        coarse = torch.as_tensor(cells)[None]
        fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
        share = cells.shape[1] * cells.shape[2] / (height * width)
        heat = np.asarray(fine[0].numpy(), dtype=np.float64) * share
        if self.conserves:
            heat += (cells.sum(axis=(1, 2)) - heat.sum(axis=(1, 2)))[:, None, None] / (height * width)
        return np.asarray(heat)
