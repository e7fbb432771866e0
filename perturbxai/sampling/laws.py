"""Laws: masses over coalition sizes, uniform within a size.

Every coalition method of the suite is a weighted statistic whose weight depends on |S| only. A `Law` holds that weight as
a mass over the sizes 0..P, next to the sizes the method would like to be *asked* (its design), which need not be the same.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from math import comb
from typing import ParamSpec

import numpy as np
from scipy.special import gammaln, logsumexp

from perturbxai.core.evaluations import Law
from perturbxai.core.types import BySize, Floats

Args = ParamSpec("Args")

NARROWEST, WIDEST = 1e-6, 1e60  # of kernels: beyond, no weight differs by more than floats tell
REFUSED, WARNED = 0.05, 0.2  # effective fractions: below the first a re-use is refused, below the second warned of
FURTHEST = 1e100  # beside the second largest mass: no fit notices one that is less by as much
FLOAT_BITS = 1023  # whole numbers of so many bits have a float


def _kept(make: Callable[Args, Law]) -> Callable[Args, Law]:
    """A law that is made once for the same numbers: every input's conclusion asks for it. It can be read only."""

    @wraps(make)
    def law(*args: Args.args, **named: Args.kwargs) -> Law:
        found = make(*args, **named)
        for part in (found.mass, found.design):
            part.setflags(write=False)
        return found

    return lru_cache(maxsize=256)(law)  # type: ignore[return-value]  # whose signature lru_cache forgets


def count_pairs(n_players: int, size: int) -> int:
    """How many complementary pairs have a side of this size."""
    return comb(n_players, size) // (2 if 2 * size == n_players else 1)


def populations(n_players: int, times: int = 1) -> Floats:
    """(P // 2 + 1,): so many times the same of every size, as floats: beyond these infinite, so that any draw is no part."""
    counts = (times * count_pairs(n_players, size) for size in range(n_players // 2 + 1))
    return np.array([float(n) if n.bit_length() <= FLOAT_BITS else np.inf for n in counts])


def _log_binomial(n_players: int) -> Floats:
    sizes = np.arange(n_players + 1)
    return np.asarray(gammaln(n_players + 1) - gammaln(sizes + 1) - gammaln(n_players - sizes + 1), dtype=np.float64)


def _masses(log_mass: Floats) -> Floats:
    """(P + 1,) masses that sum to one, none further from the second largest than floats hold (at 1,030 players 10^310)."""
    second = np.partition(log_mass, -2)[-2] if len(log_mass) > 1 else log_mass[0]
    kept = np.clip(log_mass, second - np.log(FURTHEST), second + np.log(FURTHEST))
    return np.asarray(np.exp(kept - logsumexp(kept)), dtype=np.float64)


def _interior(mass: Floats) -> Floats:
    """The same mass on the sizes 1..P-1 only, symmetric, because every question comes with its complement."""
    if len(mass) <= 2:
        return np.zeros_like(mass)
    inside = mass + mass[::-1]
    inside[[0, -1]] = 0.0
    return np.asarray(inside / inside.sum(), dtype=np.float64)


@_kept
def shapley(n_players: int) -> Law:
    """The Shapley kernel, mass proportional to 1 / (s (P - s)); asked by leverage, that is uniformly over sizes.

    Leverage scores are uniform over sizes (Musco & Witter, "Provably accurate Shapley value estimation via leverage
    score sampling", 2024).
    """
    sizes = np.arange(n_players + 1)
    mass = _interior(1.0 / np.maximum(sizes * (n_players - sizes), 1))
    design = _interior(np.ones(n_players + 1))
    # in a mixture of halves with LIME it paid up to 1.7 times its own error on interacting games, LIME half as much more
    return Law("Shapley kernel", mass, design, minimum=2 * n_players, spanning=True, emphasis=1.5)


def squared(kernel_width: float) -> float:
    """Of a kernel that may be infinitely wide, so that all weigh alike, or so narrow that the nearest weigh alone."""
    return min(max(kernel_width, NARROWEST), WIDEST) ** 2


@_kept
def lime(n_players: int, kernel_width: float) -> Law:
    """LIME's law on coalitions: Binomial(1/2) sizes times exp(-(1 - sqrt(s / P))^2 / (2 width^2)).

    The distance is the cosine distance to the all-ones row, as in lime's image explainer; the empty coalition is at 1.
    """
    sizes = np.arange(n_players + 1)
    distance = 1.0 - np.sqrt(sizes / max(n_players, 1))
    log_binomial = _log_binomial(n_players) - n_players * np.log(2.0)
    log_mass = log_binomial - distance**2 / (2.0 * squared(kernel_width))
    mass = _masses(log_mass)
    total = float(np.exp(logsumexp(log_mass)))
    return Law(f"LIME (kernel width {kernel_width:g})", mass, _interior(mass), minimum=n_players + 2, total=total)


@_kept
def binomial(n_players: int, p: float, method: str = "Banzhaf") -> Law:
    """Each player present with probability p: Binomial(P, p) sizes, the law of the weighted Banzhaf value and of RISE."""
    sizes = np.arange(n_players + 1)
    log_mass = _log_binomial(n_players) + sizes * np.log(p) + (n_players - sizes) * np.log1p(-p)
    mass = _masses(log_mass)
    return Law(f"{method} (p {p:g})", mass, _interior(mass), minimum=n_players + 2)


def singletons(n_players: int) -> Law:
    """All mass on size 1: what one player adds to nothing (inclusion, and PDP's value on a table)."""
    return _listed("inclusion", n_players, min(1, n_players))


def all_but_one(n_players: int) -> Law:
    """All mass on size P - 1: what one player's absence takes from everything (occlusion, and ICE's value)."""
    return _listed("occlusion", n_players, max(n_players - 1, 0))


def _listed(name: str, n_players: int, size: int) -> Law:
    mass = np.zeros(n_players + 1)
    mass[size] = 1.0
    return Law(name, mass, np.zeros(n_players + 1), minimum=n_players + 2, listed=(size,))


def mixture(laws: Sequence[Law]) -> Floats:
    """(P + 1,): the share of questions at each size for a portfolio: the mean of what its laws would like, by emphasis.

    A law that holds the share a of the mixture pays at most 1 / a of the variance of its own design (the defensive
    mixture of Hesterberg 1995; Owen & Zhou 2000).
    """
    wanted = [law for law in laws if law.design.any()]
    if not wanted:
        return np.zeros_like(laws[0].mass)
    emphasis = [law.emphasis for law in wanted]
    return np.asarray(np.average([law.design for law in wanted], axis=0, weights=emphasis), dtype=np.float64)


def together(laws: Sequence[Law]) -> Law:
    """One law from which the same is drawn as from these together: their mixture, and what any of them needs."""
    share, listed = mixture(laws), sorted({size for law in laws for size in law.listed})
    least, spanning = max(law.minimum for law in laws), any(law.spanning for law in laws)
    return Law(", ".join(law.name for law in laws), share, share, least, tuple(listed), spanning=spanning)


def effective_fraction(law: Law, share: BySize) -> float:
    """Which fraction of its rows a design is worth under a law: 1 / sum(mass^2 / share) over the sizes 1..P-1."""
    mass = law.mass[1:-1]
    if not mass.any():
        return 1.0
    mass = mass / mass.sum()
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.where(mass > 0, mass**2 / share[1:-1], 0.0)
    total = ratio.sum()
    return float(1.0 / total) if np.isfinite(total) and total > 0 else 0.0
