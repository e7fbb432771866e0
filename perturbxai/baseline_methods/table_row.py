"""What a baseline may know of one row of a table: its numbers, the background, and the Predictor's answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbxai.core.types import Codes, Floats, Ints, PerOutput
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
        key = ("gradient", self.number)
        if key not in self.known:
            self.known[key] = self.gradient(self.x[None])[0]
        return self.known[key]

    def value(self, row: Floats) -> Floats:
        """(K,): the model at another row of numbers, asked once a call."""
        key = ("value", row.tobytes())
        if key not in self.known:
            self.known[key] = self.predictor(row[None])[0, self.columns]
        return self.known[key]

    def pool(self, values: Floats) -> Floats:
        """(P, K): values of columns (D, K), summed over the columns of each player."""
        pooled = np.zeros((self.space.n_players, values.shape[1]))
        np.add.at(pooled, self.space.player_of_column, values)
        return pooled
