"""What a peer is given of one input, and what it concludes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike

from perturbxai.core.methods import Method
from perturbxai.core.types import Codes, Floats, Ints, Weights
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import Input, Space, TableInput, TabularSpace

ROUNDING = 8.0 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Found:
    """A peer's answer for one input.

    values   (P, K) in output units;  exact: True where nothing was drawn; then `rounding`, relative, is left
    base     (K,): what the peer itself takes for the value of nothing, or None
    notes    for `meta`;  columns: for `to_frame`
    """

    values: Floats
    exact: bool = False
    rounding: float = ROUNDING
    base: Floats | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Task:
    """One input of a call, and the three ways to ask the model about it. All of them go through the Predictor.

    budget  coalitions, or None for the peer's own default
    stream  an old numpy stream of the seed, which lime takes;  seed: for what takes a number
    asked   the coalitions of active players that the peer asked whole, packed
    """

    game: Game
    number: int
    budget: int | None
    stream: RandomState
    seed: int
    asked: set[bytes] = field(default_factory=set)

    @property
    def one(self) -> Input:
        return self.game.inputs[self.number]

    @property
    def n_outputs(self) -> int:
        return len(self.game.outputs)

    def rows(self, codes: ArrayLike) -> Floats:
        """(n, K) at coded rows (n, D), decoded to the user's table."""
        codes = np.asarray(codes, dtype=np.float64)
        if not len(codes):
            return np.zeros((0, self.n_outputs))
        return self.game.predictor(self.game.table.columns.decode(codes))[:, self.game.learn().columns]

    def pictures(self, batch: ArrayLike) -> Floats:
        """(n, K) at pictures (n, H, W, C)."""
        return self.game.predictor(np.asarray(batch, dtype=np.float32))[:, self.game.learn().columns]

    def coalitions(self, z: ArrayLike) -> Floats:
        """(n, K) at coalitions (n, P) of all players; those that come again are answered from memory."""
        z = np.asarray(z) > 0.5
        self.note(z)
        return self.game.evaluate(z, self.number)

    def note(self, z: ArrayLike) -> None:
        """Remember coalitions (n, P) that were asked whole: they are not to score this method."""
        active = np.asarray(z, dtype=bool)[:, self.one.active]
        self.asked.update(row.tobytes() for row in np.packbits(active, axis=1))


@dataclass(frozen=True, eq=False)
class Seat:
    """The game as a peer of coalitions sees it.

    over        "columns": coded rows and the background's;  "coalitions": zeros and ones, a row of zeros for nothing
    ask         rows (n, D') -> (n, K);  row (D',), background (B', D'), weights (B',)
    columns     by player of `players`, the columns that are its own
    """

    over: str
    ask: Callable[[Any], Floats]
    row: Floats
    background: Codes
    weights: Weights
    columns: list[Ints]
    players: Ints


class Peer(Method, ABC):
    """An explainer of another package.

    key           what it is called by, its package first
    own           its own defaults, which `as_shipped` takes;  own_budget: coalitions, None where it says no number itself
    """

    key: ClassVar[str]
    own: ClassVar[dict[str, Any]] = {}
    own_budget: ClassVar[int | None] = None

    @property
    def package(self) -> str:
        return self.key.partition(".")[0]

    @property
    def as_shipped(self) -> bool:
        """Whether it goes on from input to input with one random state, as a user of the package has it."""
        return False

    @abstractmethod
    def check_game(self, game: Game) -> None:
        """Refuse, before the model is asked, what the package cannot take. Raises ImportError, ValueError, TypeError."""

    @abstractmethod
    def least(self, n_active: int, n_rows: int) -> int:
        """The least budget at so many players that absence changes, and background rows."""

    @abstractmethod
    def explain(self, task: Task) -> Found:
        """What it says of one input."""


def obstacles(space: Space, one: Input, *, groups: bool, weights: bool, tolerant: bool) -> dict[str, str]:
    """Why a peer's own way with a table is not open to it, by what stands in the way. Empty if nothing does.

    groups, weights: whether the peer knows of them;  tolerant: whether to accept values that it takes for equal
    """
    if not (isinstance(one, TableInput) and isinstance(space, TabularSpace)):
        return {"picture": "pictures have superpixels and no columns"}
    found = {}
    if not groups and len(one.names) != len(one.codes):
        found["groups"] = "it knows no groups of columns"
    if not weights and np.ptp(space.background_weights) > 1e-12:
        found["weights"] = "it gives every background row the same weight"
    if not (np.isfinite(one.codes).all() and np.isfinite(space.background).all()):
        found["missing"] = "it multiplies by 0 and 1 what it hides, which spoils missing and infinite values"
    differ = (space.background != one.codes) & np.isclose(one.codes, space.background)
    if not tolerant and differ.any():
        found["tolerance"] = "it takes values within 1e-5 of each other for equal"
    return found


def table_of_columns(game: Game, key: str, does: str) -> TabularSpace:
    """The game's space, of a peer that knows no players but columns; does: what it does, and what pictures are for."""
    if not isinstance(game.space, TabularSpace):
        raise ValueError(f"{key} {does}.")
    if game.space.n_players != len(game.space.columns.names):
        raise ValueError(f"{key} knows no groups of columns; build the space without groups=.")
    return game.space


def over_columns(task: Task) -> Seat:
    """The game of a row of a table as it is to a peer that hides columns itself."""
    space, players = task.game.table, np.arange(len(task.one.names))
    owned = [np.flatnonzero(space.player_of_column == p) for p in players]
    background, weights = np.array(space.background), np.array(space.background_weights)
    row = np.array(task.game.table_rows[task.number].codes)
    return Seat("columns", task.rows, row, background, weights, owned, players)


def over_coalitions(task: Task, *, everybody: bool) -> Seat:
    """The game of a task over zeros and ones of its active players, or of everybody."""
    one = task.one
    players = np.arange(len(one.names)) if everybody else np.asarray(one.active)

    def ask(rows: Floats) -> Floats:
        z = np.ones((len(rows), len(one.names)))
        z[:, players] = rows
        return task.coalitions(z)

    alone = [np.array([p]) for p in range(len(players))]
    return Seat("coalitions", ask, np.ones(len(players)), np.zeros((1, len(players))), np.ones(1), alone, players)
