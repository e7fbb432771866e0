"""What a method makes of a game that it sums over a list of coalitions, and not over all there are by their sizes."""

from typing import NamedTuple, Self

import numpy as np

from perturbxai.core.types import BySize, Floats
from perturbxai.estimation.posterior.prior import Prior, sizes

AT_ONCE = 1 << 20  # covariances that are held at once


class ListWeights(NamedTuple):
    """Values sum_c weights[i, c] v(z_c) over a list of coalitions.

    signs (C, P), each coalition once;  weights (d, C)
    """

    signs: Floats
    weights: Floats

    def times(self, scale: BySize) -> Self:
        """The weights of a game that is divided by a scale (P + 1,), by size."""
        return type(self)(self.signs, self.weights * scale[sizes(self.signs)])

    def covariance(self, prior: Prior, x: Floats) -> Floats:
        """(d, n): of the values with the game at coalitions x (n, P), in signs."""
        found = np.zeros((len(self.weights), len(x)))
        size = sizes(x)
        own = prior.nugget * (size % x.shape[1] > 0)  # nothing and everything do not vary on their own
        step = max(AT_ONCE // len(x), 1)
        for start in range(0, len(self.signs), step):
            some = self.signs[start : start + step]
            same = some @ x.T == x.shape[1]
            found += self.weights[:, start : start + step] @ (prior.between(some, x) + same * own)
        return found

    def variance(self, prior: Prior) -> Floats:
        """(d,): of the values, before anything is asked."""
        return np.asarray((self.covariance(prior, self.signs) * self.weights).sum(axis=1))
