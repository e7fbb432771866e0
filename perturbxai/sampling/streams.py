"""Random streams of a call: what depends on the seed alone, and what on the seed and an input."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from perturbxai.core.evaluations import Design, Law
from perturbxai.core.types import Ints, Presence
from perturbxai.sampling import laws as size_laws
from perturbxai.sampling.coalitions import draw_cells, draw_design, least_budget
from perturbxai.sampling.growing import growing_totals, nested_stages
from perturbxai.sampling.strata import name_coalitions


class Streams:
    """Generators by purpose. An input's stream is default_rng([seed, *digest]), so it answers alike in any company.

    Inputs with the same number of players share one base design; each permutes its columns with its own stream.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._designs: dict[Any, Design] = {}
        self._stages: dict[Any, list[Design]] = {}

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

    def stages(
        self, key: tuple[str, ...], laws: Sequence[Law], n_players: int, budget: int, n_base: int | None = None,
        totals: tuple[int, ...] | None = None,
    ) -> list[Design]:  # fmt: skip
        """Designs that grow into that of the portfolio: the stages of a table.

        totals: pairs of each before the last, None for stages that grow by half
        """
        where = (key, n_players, budget, n_base, totals)
        if where not in self._stages:
            rng = self.of_input([n_players], "looks")  # a word of the draw: another would draw others
            whole = self.design(key, laws, n_players, budget, n_base)
            growing = growing_totals(n_players, len(whole.z), least_budget(laws, n_players))
            stages = nested_stages(whole, any(law.listed for law in laws), rng, growing if totals is None else totals)
            told = whole.told | {"check": _check(stages[-1].z)}
            self._stages[where] = [replace(stage, told=told) for stage in stages]
        return self._stages[where]

    def design(
        self, key: tuple[str, ...], laws: Sequence[Law], n_players: int, budget: int, n_base: int | None = None
    ) -> Design:
        """The base design of a portfolio, drawn once a call for each number of players.

        budget counts coalitions, or with n_base the model rows of cells with as many background rows.
        """
        where = (key, n_players, budget, n_base)
        if where not in self._designs:
            rng = self.of_input([n_players], "design")
            if n_base is None:
                drawn = draw_design(laws, n_players, budget, rng)
            else:
                drawn = draw_cells(laws, n_players, budget, n_base, rng)
            law = size_laws.together(laws)
            told = {
                "seed": self.seed, "budget": budget, "background_rows": n_base, "share": law.design.tolist(),
                "listed": list(map(int, law.listed)), "spanning": bool(law.spanning), "least": int(law.minimum),
                "check": _check(drawn.z),
            }  # fmt: skip
            self._designs[where] = replace(drawn, told=told)
        return self._designs[where]


def _check(z: Presence) -> int:
    """A number by which a design is known again, its order too: from one release of numpy to another draws may change."""
    return zlib.crc32(name_coalitions(z).astype("<u4").tobytes())
