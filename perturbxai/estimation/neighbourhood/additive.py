"""An additive model of a neighbourhood's answers, whose LIME slopes are known: what it explains needs no sampling."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.compiled import bin_kernels
from perturbxai.core.types import Bins, Codes, Floats, Ints, Values
from perturbxai.sampling.laws import squared
from perturbxai.sampling.neighbourhoods import Neighbourhood

ROWS_A_TERM = 10  # drawn rows that each term of the additive model has to have
FEWEST_IN_BIN = 10  # rows from which a bin's mean is taken


@dataclass(frozen=True, eq=False)
class Additive:
    """A sum of functions of one column each, fitted to drawn rows by one sweep over the columns.

    LIME's slope of a model is linear in the model. So it is that of this sum, which is known for any coefficients, and that
    of what the sum leaves, which is regressed on the coding: a regression adjustment. Where the model is nearly additive
    hardly any noise remains.

    bins      (K, D, L) means by bin;  curves: by Gaussian column, coefficients (3, K) of Hermite polynomials
    residual  (K, n) what the sum leaves;  n_terms that were fitted
    """

    hood: Neighbourhood
    bins: Floats
    curves: dict[int, Floats]
    residual: Floats
    n_terms: int

    @classmethod
    def of(cls, hood: Neighbourhood, codes: Codes, bins: Bins, around: Floats, values: Values) -> Self:
        """codes, bins (D, n); around (D,): where Gaussian columns were drawn; values (n, K)."""
        swept = hood.live & ~hood.gaussian
        # rounded numbers are not Gaussian
        curved = [d for d in np.flatnonzero(hood.live & hood.gaussian).tolist() if not hood.columns[d].whole_numbers]
        n_terms = 3 * len(curved) + sum(len(hood.columns[d].share) for d in np.flatnonzero(swept).tolist())
        left = np.ascontiguousarray((values - values.mean(axis=0)).T)
        effects = np.zeros((len(left), *hood.means.shape))
        if n_terms * ROWS_A_TERM > len(values):
            return cls(hood, effects, {}, left, 0)
        bin_kernels.sweep_bins(codes, bins, swept, hood.means, hood.placed, FEWEST_IN_BIN, left, effects)
        curves = {d: _take_polynomial((codes[d] - around[d]) / hood.unit[d], left) for d in curved}
        return cls(hood, effects, curves, left, n_terms)

    def slopes(self, own: Ints, x: Floats, around: Floats, width: float) -> Floats:
        """(D, K): LIME's slopes of the sum at a row x (D,) whose bins are own (D,); of Gaussian columns, a deviation."""
        every = np.arange(len(own))
        found = np.zeros((len(own), len(self.residual)))
        binned = self.hood.live & ~self.hood.gaussian
        if self.n_terms and binned.any():
            # in x's bin less in the others: their mean is what the mean over all leaves without x's
            gap = (self.bins[:, every, own] - (self.bins * self.hood.share).sum(axis=2)).T
            found[binned] = gap[binned] / (1.0 - self.hood.share[every, own][binned, None])
        for d, (first, second, third) in self.curves.items():
            # the kernel makes of the drawn N(0, 1) one of a smaller variance, nearer to x
            mean = (x[d] - around[d]) / self.hood.unit[d] / (1.0 + squared(width))
            variance = squared(width) / (1.0 + squared(width))
            found[d] = first + 2.0 * mean * second + 3.0 * (mean**2 + variance - 1.0) * third
        return found


def _take_polynomial(v: Floats, left: Floats) -> Floats:
    """Coefficients (3, K) of Hermite polynomials of degree 1, 2, 3 of v (n,), taken from left (K, n) one after the other."""
    effect = np.empty((3, len(left)))
    for degree, term in enumerate((v, v**2 - 1.0, v**3 - 3.0 * v)):
        effect[degree] = left @ term / (term @ term)
        left -= effect[degree][:, None] * term
    return effect
