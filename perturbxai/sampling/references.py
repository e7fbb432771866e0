"""Reference rows of opacities, and the bins that their shares fall into."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.types import Bools, Floats, Ints
from perturbxai.sampling.strata import with_complements


@dataclass(frozen=True, eq=False)
class References:
    """Who else is shown while one player's opacity moves: others (M, P'), bool or opacities; bin_of (M,) by the row's t.

    A single row (rest "present" or "absent") is the whole population, and lies in every bin.
    """

    rest: str
    others: NDArray[Any]
    bin_of: Ints

    @property
    def single(self) -> bool:
        return len(self.others) == 1

    @classmethod
    def draw(cls, rest: str, n_pairs: int, n_players: int, n_bins: int, rng: np.random.Generator) -> Self:
        if rest in ("present", "absent"):
            return cls(rest, np.full((1, n_players), rest == "present"), np.zeros(1, dtype=np.int64))
        share, others = draw_references(n_pairs, n_players, rng, 0.5 if rest == "half" else None)
        if rest == "fade":
            return cls(rest, np.repeat(share[:, None], n_players, axis=1), bins_of(share, n_bins))
        return cls(rest, others, bins_of(share, n_bins))


def draw_references(
    n_pairs: int, n_players: int, rng: np.random.Generator, chance: float | None = None
) -> tuple[Floats, Bools]:
    """Reference rows for opacity curves: (M,) shares t and (M, P) coalitions, M = 2 n_pairs.

    t is stratified uniform on (0, 1/2), each player is present with probability t, or with a chance that does not depend on
    it; every row is followed by its antithetic twin (1 - t, complement).
    """
    share = 0.5 * (np.arange(n_pairs) + rng.random(n_pairs)) / n_pairs
    present = rng.random((n_pairs, n_players)) < (share[:, None] if chance is None else chance)
    shares = np.column_stack([share, 1.0 - share]).ravel()
    return shares, with_complements(present)


def bins_of(share: Floats, n_bins: int) -> Ints:
    """(M,): the bin of each reference row's t, the twin's mirrored, so that rounding at an edge parts no pair."""
    low = np.minimum((share[0::2] * n_bins).astype(np.int64), (n_bins - 1) // 2)
    return np.column_stack([low, n_bins - 1 - low]).ravel()
