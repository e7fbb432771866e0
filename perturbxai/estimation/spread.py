"""What a few draws say of how much more of them would vary: their own spread, that of others, and what none has shown.

Equal draws are no proof that all are equal. A player whose draws are all alike may have a jump that comes once in a
hundred, and what the other players show tells how large it may be. So no spread is taken as it was found: it is drawn
towards what varies elsewhere (as moderated t statistics are: Smyth, "Linear models and empirical Bayes methods for
assessing differential expression in microarray experiments", 2004), and to draws that are mostly alike is added the
spread of a jump that was not seen, at the probability that Laplace's rule of succession leaves for one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.evaluations import Evaluations
from perturbxai.core.types import Floats, Weights

ROUNDING = 8.0 * np.finfo(np.float64).eps
PRIOR = 2.0  # draws that the spread elsewhere counts for beside a player's own
NEAR = 0.02  # of the largest deviation anywhere: draws no further from their median are alike
TWICE = 2.0  # as much of an unseen jump is added to draws that are mostly alike
HALF_WAY = 0.5  # of what the ends leave of a linear fit is taken to be what rows between may leave
STILL = 1e-3  # of the largest contribution: where no draw deviates by more, none was seen to vary


def unseen(n_draws: int) -> float:
    """The variance p (1 - p) of a jump of one that none of n draws has shown: p = 1 / (n + 2)."""
    p = 1.0 / (n_draws + 2.0)
    return p * (1.0 - p)


def effective_rows(weight: Weights) -> float:
    """How many rows of one weight these (n,) are worth: (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0


def freedom(n_draws: int) -> float:
    """Degrees of freedom of a mean with such a spread: those of its own, and one for what others lend. One draw has none."""
    return float(n_draws) if n_draws > 1 else 0.0


def variances(draws: Sequence[Floats], largest: Floats, rounding: Floats) -> Floats:
    """(P, K): the variance of one draw of each player, two draws or more of each.

    draws     by player (n, K), independent of each other
    largest   (K,) the largest contribution that is known beside the draws: a jump may be as large where no draw varies
    rounding  (K,) below which a contribution is none. Where all are, nothing tells how large a jump may be: infinite
    """
    n_draws = np.array([len(one) for one in draws])
    own = _of_each(draws, lambda one: one.var(axis=0, ddof=1))
    total = own.sum(axis=0)
    elsewhere = (own**2).sum(axis=0) / np.where(total > 0, total, 1.0)  # the mean by variance: of those that vary
    farthest = _of_each(draws, lambda one: np.abs(one - one.mean(axis=0)).max(axis=0))
    jump = (farthest * np.sqrt(n_draws / (n_draws - 1.0))[:, None]).max(axis=0)  # as of samples of their sizes
    alike = _of_each(draws, lambda one: _mostly_alike(one, NEAR * jump))
    free = n_draws[:, None] - 1.0
    lent = (free * own + PRIOR * elsewhere) / (free + PRIOR)
    missed = np.array([unseen(int(n)) for n in n_draws])[:, None] * jump**2
    found = np.maximum(lent, np.where(alike, own + TWICE * missed, 0.0))
    largest = np.maximum(largest, _of_each(draws, lambda one: np.abs(one).max(axis=0)).max(axis=0))
    found = np.where(jump <= STILL * largest, unseen(int(n_draws.sum())) * largest**2, found)
    return np.where(largest <= rounding, np.inf, found)


def _of_each(draws: Sequence[Floats], along: Callable[[Floats], NDArray[Any]]) -> NDArray[Any]:
    """(P, K): a statistic along the first axis of each player's draws, at once where there are as many of each."""
    if len({len(one) for one in draws}) == 1:
        return along(np.stack(draws, axis=1))
    return np.array([along(one) for one in draws])


def _mostly_alike(draws: Floats, near: Floats) -> Floats:
    """(..., K) bool of draws (n, ..., K): whether more than half of the draws lie near their median."""
    return np.asarray((np.abs(draws - np.median(draws, axis=0)) <= near).mean(axis=0) > 0.5)


def jump_of_fit(left: Floats, beside: Floats, found: Floats, table: Evaluations, before: Floats | None = None) -> Floats:
    """(K,): how large a residual of a linear fit may be that was not drawn; infinite where nothing tells.

    left    (K,) the largest residual of the drawn rows
    beside  (K,) the largest of rows that are known beside them, nothing and everything, 0 if these are fitted exactly: they
            say what answers can be where the drawn ones are mostly alike
    found   (P, K) what the fit gives the players
    before  (K,) the largest residual before a surrogate took what it explains, None where there is none: what varied then
            was seen to vary, and where next to nothing of it is left a jump may be as large. What is known beside the drawn
            rows is then before it as well, and counts where these are mostly alike
    """
    jump = left if before is None else np.where(left <= STILL * before, before, left)
    seen = np.vstack([table.empty, table.full, table.values])
    if len(table.values):
        alike = np.sqrt(TWICE) * np.maximum(jump, beside)
        half = jump if before is not None else np.maximum(jump, HALF_WAY * beside)
        jump = np.where(_mostly_alike(table.values, NEAR * beside), alike, half)
    rounding = ROUNDING * table.scale * max(len(found), 1)
    largest, span = np.abs(found).max(axis=0, initial=0.0), np.ptp(seen, axis=0)
    largest = np.where(largest <= rounding, span, largest)
    still = (jump if before is None else before) <= STILL * largest
    return np.where(span <= rounding, np.inf, np.where(still, largest, jump))


def errors_of_fit(own: Floats, missed: Floats, asked: float) -> Floats:
    """(..., P): standard errors of a linear fit from variances: what drawn rows tell, and what an unseen jump would make.

    Where the few rows that matter most to a player were not drawn, those that were tell too little of it, and the more so
    the larger the share `asked` of all rows is: the mean over players is raised by it, and no variance is below that, nor
    below that of the jump.
    """
    return np.asarray(np.sqrt(np.maximum(np.maximum(own, (1.0 + asked) * own.mean(axis=-1, keepdims=True)), missed)))
