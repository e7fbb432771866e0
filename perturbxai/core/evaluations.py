"""Pure data that passes between the sampler, the game and the explainers."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from perturbxai.core.functions import Shared
from perturbxai.core.types import BySize, Floats, Ints, PerOutput, PlayerValues, Presence, Values, Weights

T = TypeVar("T")

LEAST = 1e-14  # beside the second largest mass: a solver still tells it from nothing


def once(kept: dict[Any, Any], key: Hashable, make: Callable[[], T]) -> T:
    """What is kept under a key, made where it is not there yet."""
    if key not in kept:
        kept[key] = make()
    found: T = kept[key]
    return found


@dataclass(frozen=True, eq=False)
class Law:
    """A mass over coalition sizes.

    name     what the errors call it
    mass     (P + 1,), the weight of all coalitions of one size together; sums to one
    design   (P + 1,), the share of questions it would like at each size; zero where it only needs listed sizes
    listed   sizes that have to be listed whole (size 1 for inclusion, P - 1 for occlusion)
    minimum  the least budget, empty and full coalition included
    total    the mass before it was normalised (LIME's ridge is measured against it)
    spanning True if every size with mass needs a row, however small the share
    emphasis its part in a mixture, beside the others'
    remedy   what the error of a budget below the least adds, a sentence
    """

    name: str
    mass: BySize
    design: BySize
    minimum: int
    listed: tuple[int, ...] = ()
    total: float = 1.0
    spanning: bool = False
    emphasis: float = 1.0
    remedy: str = ""
    n_players: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_players", len(self.mass) - 1)

    @property
    def in_fits(self) -> BySize:
        """(P + 1,): the masses as a fit weighs them, none so small that a solver takes its rows for nothing.

        What is estimated stays as it is: a fit is decided by the two sizes of the largest masses, which are neighbours.
        """
        second = np.partition(self.mass, -2)[-2] if len(self.mass) > 1 else 0.0
        return np.where((self.mass > 0) & (second > 0), np.clip(self.mass, LEAST * second, second / LEAST), self.mass)


@dataclass(frozen=True, eq=False)
class Design(Shared):
    """Coalitions to ask, and how they were drawn. One design serves every input with the same number of players.

    z        (M, P) bool, sizes 1..P-1; the empty and the full coalition are asked besides
    pair     (M,), rows with the same number are complements of each other
    chain    (M,), 0 for the rows of the antithetic walk, -1 for rows drawn on their own
    share    (P + 1,), the share of the draws that each size was meant to get
    listed   True if z lists every coalition of these sizes
    base     (M,) or None: each row is asked on one of n_base background rows, these are their numbers; None: on all
    normals  (R, P) and uniforms (R,), the draws behind simultaneous intervals
    told     numbers that draw it again, which results carry
    cache    factorisations, kept by the explainers that made them
    """

    z: Presence
    pair: Ints
    chain: Ints
    share: BySize
    listed: bool
    normals: Floats
    uniforms: Floats
    base: Ints | None = None
    n_base: int = 1
    told: dict[str, Any] = field(default_factory=dict)
    cache: dict[Any, Any] = field(default_factory=dict)

    @property
    def n_players(self) -> int:
        return int(self.z.shape[1])

    @property
    def sizes(self) -> Ints:
        return np.asarray(self.z.sum(axis=1), dtype=np.int64)

    @cached_property
    def coalition(self) -> Ints:
        """(M,): numbers of the coalitions, alike for rows that have the same one on different background rows."""
        found = np.unique(np.packbits(self.z, axis=1), axis=0, return_inverse=True)[1]
        return np.asarray(found.ravel(), dtype=np.int64)

    @property
    def n_coalitions(self) -> int:
        """Distinct coalitions, the empty and the full one included."""
        return 2 + (len(self.z) if self.base is None else int(self.coalition.max()) + 1)


@dataclass(frozen=True, eq=False)
class Bases(Shared):
    """The background rows under a table of cells, and what is known of them without a coalition.

    row (M,)       the number of each cell's row;  share (B,) the rows' weights, which sum to one
    values (B, K)  the model at the rows themselves, v_b(nothing)
    controls (B, C)  numbers that describe a row, of weighted mean zero, each of one player: player (C,), a design's column
    widths         how many of the controls belong together, so many first: a few coarse ones, then finer ones
    drawn          variance of a mean over the rows, as a factor of the variance of one; 0 where no draw was made
    """

    row: Ints
    share: Weights
    values: Values
    controls: Floats
    player: Ints
    widths: tuple[int, ...]
    drawn: float = 0.0


@dataclass(frozen=True, eq=False)
class RowGroups(Shared):
    """The drawn background rows in groups at random: what a group's own mean adds to the mean over all rows.

    share (G,) the groups' weights, which sum to one;  empty (G, K) at nothing;  values (M, G, K) at each coalition
    """

    share: Weights
    empty: Values
    values: Values


@dataclass(frozen=True, eq=False)
class Chosen(Shared):
    """Answers at coalitions that were chosen for what they tell, and not drawn: z (C, P), values (C, K).

    The two of a pair come side by side.
    """

    z: Presence
    values: Values


@dataclass(frozen=True, eq=False)
class Evaluations(Shared):
    """A table of coalition values: what was asked and what the model answered.

    design   the coalitions
    values   (M, K), the game at each coalition
    empty    (K,), full (K,): the game at nothing and at everything
    weight   (M,) or None: rows that our sampler did not draw bring their own weight (lime's kernel at lime's draws)
    spread   (M, 2, K) or None: variance, from the draw of the background rows, of a value less empty, and of full less it
    ends_spread (2, 2, K) or None: the same of empty and of full
    groups   of a drawn background, None where no draw was made or no method asks for it
    chosen   answers beside those of the design, for fits to what is known (of no sample are they a part); None where nothing
             is ever chosen
    cache    what was fitted to it, kept for the methods that read it
    affordable  seconds that fits to the table may take, beside those of the model
    bases    of a table of cells: values are then those on one background row each, empty and full those on all
    """

    design: Design
    values: Values
    empty: PerOutput
    full: PerOutput
    weight: Weights | None = None
    spread: Floats | None = None
    ends_spread: Floats | None = None
    bases: Bases | None = None
    affordable: float = 0.0
    groups: RowGroups | None = None
    chosen: Chosen | None = None
    cache: dict[Any, Any] = field(default_factory=dict)

    @property
    def scale(self) -> PerOutput:
        """(K,): the largest magnitude in the table, against which rounding is measured."""
        ends = np.maximum(np.abs(self.empty), np.abs(self.full))
        return np.asarray(np.maximum(ends, np.abs(self.values).max(axis=0, initial=0.0)))


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an explainer concludes for one input, in numbers only; the api adds names and costs.

    values, stderr (P, K);  critical (K,) the factor of simultaneous 95 % intervals;  df degrees of freedom
    stderr_background (P, K) or None, the error that a drawn background adds;  notes for `meta`
    columns  further columns of the tidy table, each (P,) or (P, K), in the order of the values
    interactions, interactions_stderr  (P, P, K), symmetric, zero on the diagonal, or None
    heat     (K, H, W) or None, a map by the pixel
    """

    values: PlayerValues
    stderr: PlayerValues
    critical: PerOutput
    df: float
    stderr_background: PlayerValues | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    interactions: Floats | None = None
    interactions_stderr: Floats | None = None
    heat: Floats | None = None
