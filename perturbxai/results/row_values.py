"""What explained rows have at each player: decoded together when it is asked for, or kept as it was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.types import Codes, Objects

if TYPE_CHECKING:
    from perturbxai.results.one_input import Explanation


@dataclass(frozen=True, eq=False)
class Kept:
    """Tells values (P,) of one row that are no longer, or never were, to be had from its codes."""

    values: Objects

    def tell(self, codes: Codes) -> Objects:
        """(n, P): the same for each."""
        return np.broadcast_to(self.values, (len(codes), len(self.values)))


def told_of(explanations: Iterable[Explanation]) -> list[Objects | None]:
    """(P,) of each explanation, None where it is not known. Rows of one table are decoded together."""
    given = list(explanations)
    found: list[Objects | None] = [None] * len(given)
    together: dict[int, list[int]] = {}
    for number, e in enumerate(given):
        if e.teller is not None:
            together.setdefault(id(e.teller), []).append(number)
    for numbers in together.values():
        teller = given[numbers[0]].teller
        assert teller is not None
        told = teller.tell(np.stack([np.asarray(given[n].input, dtype=np.float64) for n in numbers]))
        for number, own in zip(numbers, told, strict=True):
            found[number] = own
    return found
