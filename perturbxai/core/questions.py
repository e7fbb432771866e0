"""Questions that a method asks, the players it asks them of, and the answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from perturbxai.core.functions import Shared
from perturbxai.core.types import Bools, Codes, Floats, Ints, Labels, Presence, Values, Weights


@dataclass(frozen=True, eq=False)
class Coalitions:
    """A question: the game at these coalitions, (M, P) bool.

    last: the method asks nothing of this input after it, so that rows which nothing else can ask need not be remembered
    """

    z: Presence
    last: bool = False


@dataclass(frozen=True, eq=False)
class Cells:
    """A question: the model at these coalitions (M, P) bool, each on the one background row with the number base (M,)."""

    z: Presence
    base: Ints


@dataclass(frozen=True, eq=False)
class Opacities:
    """A question: the model at these opacities of the players, (M, P) in [0, 1]. Pictures only."""

    alpha: Floats


@dataclass(frozen=True, eq=False)
class Rows:
    """A question: the model at these coded table rows, (M, D). Tables only.

    fresh: no other question has a row like these (they hold drawn real numbers), so none is looked up or remembered
    """

    codes: Codes
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class PixelMasks:
    """A question: the model at a picture seen through masks of its pixels, which are described and not held. Pictures only.

    Mask m at pixel (i, j) is down[shift[m, 0] + i] @ grid[m] @ across[shift[m, 1] + j]: 1 shows the picture, 0 the fill.

    grid (M, a, b) in [0, 1], bool or floats;  shift (M, 2), where the picture's first row and column lie
    down (U, a), across (V, b): what each cell weighs along the rows and columns around the picture; lines sum to one
    """

    grid: NDArray[Any]
    shift: Ints
    down: Floats
    across: Floats

    def __len__(self) -> int:
        return len(self.grid)

    def take(self, rows: Sequence[int]) -> Self:
        """The same with some of its masks."""
        return self if len(rows) == len(self) else replace(self, grid=self.grid[rows], shift=self.shift[rows])

    def build(self, start: int, stop: int, height: int, width: int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """(stop - start, H, W): masks start..stop, in a float type."""
        grid, shift = self.grid[start:stop].astype(dtype), self.shift[start:stop]
        left = self.down.astype(dtype)[shift[:, :1] + np.arange(height)]  # (n, H, a)
        right = self.across.astype(dtype)[shift[:, 1:] + np.arange(width)]  # (n, W, b)
        return np.asarray(np.clip(left @ grid @ right.transpose(0, 2, 1), 0.0, 1.0))  # weights sum to one but for rounding


Question = Coalitions | Cells | Opacities | PixelMasks | Rows


@dataclass(frozen=True, eq=False)
class Regions(Shared):
    """The superpixels of a picture: pairs that touch (E, 2), each once; mean colours (P, C); sizes (P,) in pixels."""

    neighbours: Ints
    colours: Floats
    sizes: Ints


@dataclass(frozen=True, eq=False)
class Players(Shared):
    """What a generator of questions may know of one input: its active players.

    kind        "table" or "image"
    names       (P',) of the active players, those that absence can change
    common      shared by all inputs of a call: what one input has asked of the whole table serves the others
    stream      a new generator from the call's seed alone, the same for every input
    everyone    (P,) names of all players, active or not
    regions     of a picture, found when they are asked for: all its superpixels
    labels      (H, W) of a picture: the number, among all players, of the superpixel that a pixel lies in
    affordable  seconds that fits to the answers of so many of the input's coalitions may take, once they have come
    """

    kind: str
    names: tuple[str, ...]
    common: dict[Any, Any]
    stream: Callable[[], np.random.Generator]
    everyone: tuple[str, ...] = ()
    regions: Callable[[], Regions] | None = None
    labels: Labels | None = None
    affordable: Callable[[int], float] = lambda n_coalitions: 0.0  # noqa: ARG005

    @property
    def n_players(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False, kw_only=True)
class TablePlayers(Players):
    """The same of a row of a table, and the data around it.

    data (N, D), data_weights (N,), background (B, D), background_weights (B,), codes (D,): coded rows, codes the row itself
    columns     the columns of each active player;  owner (D,): which of all players each column belongs to
    numeric (D,): which columns are numbers and not levels;  whole_numbers (D,): which hold whole numbers only
    levels (D,): names of a column's levels, None for numbers;  ordered (D,): which levels have an order, that of their codes
    missing_codes (D,): the code of a missing value in a column of ordered levels, NaN in others
    drawn       whether the background rows were drawn, and are not all there are
    """

    data: Codes
    data_weights: Weights
    background: Codes
    background_weights: Weights
    codes: Codes
    columns: tuple[tuple[int, ...], ...]
    numeric: Bools
    whole_numbers: Bools
    levels: tuple[tuple[str, ...] | None, ...]
    ordered: Bools
    missing_codes: Floats
    owner: Ints
    drawn: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """values (M, K) of a question's lines;  spread (M, 2, K) or None, see `Evaluations`;  groups (M, G, K), see `RowGroups`.

    rows: what it would cost alone; of cells, which need the model at the background rows anyway, beside those

    names:   a word for each of these rows, where they were asked for, by which rows of several questions are counted once
    unnamed: how many rows have no name beside them, for no other question has them
    """

    values: Values
    rows: int
    spread: Floats | None = None
    names: Any = None
    groups: Floats | None = None
    unnamed: int = 0


class Unanswered(LookupError):
    """A question that the model was not asked before it failed."""
