"""Reference rows of opacity curves: who else is shown, and what the rows cost."""

from __future__ import annotations

from dataclasses import dataclass

from perturbxai.core import checks
from perturbxai.models.device import memory_left

RESTS = ("uniform", "fade", "present", "absent", "half")
CURVES = 8  # players with whole curves, of the others only the rise
PAIRS = 20  # of reference rows, where no rows= says otherwise


@dataclass(frozen=True)
class Price:
    """What reference rows cost at most, in model rows: as many as differ where no two reference rows are alike.

    chosen    the players that are asked, None for all;  averaged, accumulated: whether PDP or ICE, and whether ALE, is asked
    """

    rest: str
    bins: int
    n_active: int
    chosen: list[int] | None
    averaged: bool
    accumulated: bool

    @property
    def n_asked(self) -> int:
        return self.n_active if self.chosen is None else len(self.chosen)

    @property
    def n_curves(self) -> int:
        return min(CURVES, self.n_active) if self.chosen is None else len(self.chosen)

    def of(self, n_pairs: int) -> int:
        """Model rows of so many pairs; of single rows whatever the pairs."""
        single = self.rest in ("present", "absent")
        n_rows = 1 if single else 2 * n_pairs
        if not self.averaged and not single:
            return 2 + 2 * n_rows * self.n_asked
        ends = 2 * self.n_asked if self.rest == "fade" else self.n_asked + 1  # a row itself is an end for all players
        steps = 0
        if self.accumulated and not single:  # both sides of a bin, of which the outermost are ends
            steps = (2 * self.bins - 2) * (self.n_asked - self.n_curves)
        return 2 + n_rows * (ends + (self.bins - 1) * self.n_curves) + n_rows * steps // self.bins

    def step(self) -> int:
        """Pairs come in multiples of it: each bin of an accumulated curve takes as many rows."""
        return self.bins if self.accumulated and self.rest not in ("present", "absent") else 1

    def least(self) -> int:
        return self.step() if self.accumulated else 2


def count_pairs(rows: object, price: Price) -> int:
    """How many pairs of reference rows are drawn. Raises ValueError where the model rows pay for too few."""
    step = price.step()
    n_pairs = -(-PAIRS // step) * step
    if rows is not None:
        n_rows, least = checks.whole("rows", rows, 1, of="model rows", way=", or None"), price.of(price.least())
        if n_rows < least:
            raise ValueError(
                f"rows={rows} is below the {least} model rows that curves of {price.n_curves} superpixels need here; ask for"
                f" rows={least} or more, for fewer features, or for a smaller grid."
            )
        n_pairs = (n_rows - 2) // (price.of(step) - 2) * step  # two are the ends of the game
    asked, left = price.of(n_pairs), memory_left()
    if left is not None and 8 * asked > left:
        raise ValueError(
            f"grid={price.bins} and rows={checks.as_given(rows)} ask for {checks.as_given(asked)} model rows, whose answers "
            f"take more than the {left / 1e9:,.1f} GB of memory that are left; give fewer rows= or a smaller grid=."
        )
    return n_pairs
