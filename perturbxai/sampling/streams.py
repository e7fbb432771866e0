"""Random streams of a call: what depends on the seed alone, and what on the seed and an input."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbxai.core.evaluations import Design, Law, once
from perturbxai.core.types import Ints, Presence
from perturbxai.sampling.coalitions import draw_cells, draw_design, draw_held_out, least_budget
from perturbxai.sampling.growing import nested_stages


class Streams:
    """Generators by purpose. An input's stream is default_rng([seed, *digest]), so it answers alike in any company.

    Inputs with the same number of players share one base design; each permutes its columns with its own stream. The
    held-out coalitions come from the seed alone and are permuted alike, so they stay apart from what was fitted on.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._designs: dict[Any, Design] = {}
        self._stages: dict[Any, list[Design]] = {}
        self._held_out: dict[int, Presence] = {}

    def of_call(self, purpose: str) -> np.random.Generator:
        return self.of_input((), purpose)

    def of_input(self, digest: Sequence[int], purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *digest, zlib.crc32(purpose.encode())])

    def order(self, n_players: int, digest: Sequence[int]) -> Ints:
        """(P,): the base design's column that each player of an input takes."""
        return np.random.default_rng([self.seed, *digest]).permutation(n_players)

    def bases(self, n_base: int, digest: Sequence[int]) -> Ints:
        """(B,): the background row that each of a design's numbers stands for at an input."""
        return self.of_input(digest, "background rows").permutation(n_base)

    def held_out(self, n_players: int) -> Presence:
        """(T, P) base coalitions that no design of this seed asks."""
        return once(self._held_out, n_players, lambda: draw_held_out(n_players, self.of_input([n_players], "held out")))

    def stages(
        self, key: tuple[str, ...], laws: Sequence[Law], n_players: int, budget: int, n_base: int | None = None
    ) -> list[Design]:
        """Designs that grow into that of the portfolio: the stages of a table."""
        where = (key, n_players, budget, n_base)
        if where not in self._stages:
            rng = self.of_input([n_players], "looks")  # a word of the draw: another would draw others
            whole = self.design(key, laws, n_players, budget, n_base)
            sides = any(law.listed for law in laws)
            self._stages[where] = nested_stages(whole, sides, self.held_out(n_players), rng, least_budget(laws, n_players))
        return self._stages[where]

    def design(
        self, key: tuple[str, ...], laws: Sequence[Law], n_players: int, budget: int, n_base: int | None = None
    ) -> Design:
        """The base design of a portfolio, drawn once a call for each number of players.

        budget counts coalitions, or with n_base the model rows of cells with as many background rows.
        """
        where = (key, n_players, budget, n_base)
        if where not in self._designs:
            rng, held_out = self.of_input([n_players], "design"), self.held_out(n_players)
            if n_base is None:
                self._designs[where] = draw_design(laws, n_players, budget, rng, held_out)
            else:
                self._designs[where] = draw_cells(laws, n_players, budget, n_base, rng, held_out)
        return self._designs[where]
