"""An additive model of a neighbourhood's answers, whose LIME slopes are known: what it explains needs no sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai import kernels
from perturbxai.neighbourhoods import Column, Neighbourhood
from perturbxai.tables import Floats, Ints

ROWS_A_TERM = 10  # drawn rows that each term of the additive model has to have
FEWEST_IN_BIN = 10  # rows from which a bin's mean is taken


@dataclass(frozen=True, eq=False)
class Additive:
    """A sum of functions of one column each, fitted to drawn rows by one sweep over the columns.

    LIME's slope of a model is linear in the model. So it is that of this sum, which is known for any coefficients, and that
    of what the sum leaves, which is regressed on the coding: a regression adjustment. Where the model is nearly additive
    hardly any noise remains.

    bins      (D, L, K) means by bin;  curves: by Gaussian column, coefficients (3, K) of Hermite polynomials
    residual  (n, K) what the sum leaves;  n_terms that were fitted
    """

    hood: Neighbourhood
    bins: Floats
    curves: dict[int, Floats]
    residual: Floats
    n_terms: int

    @classmethod
    def of(cls, hood: Neighbourhood, codes: Floats, bins: Ints, around: Floats, values: Floats) -> Additive:
        """codes, bins (n, D); around (D,): where Gaussian columns were drawn; values (n, K)."""
        columns, n_outputs = hood.columns, values.shape[1]
        swept = np.array([not c.constant and not c.gaussian for c in columns], dtype=bool)
        # rounded numbers are not Gaussian
        curved = [d for d, c in enumerate(columns) if c.gaussian and not c.constant and not c.whole]
        n_terms = 3 * len(curved) + sum(len(c.share) for c, chosen in zip(columns, swept, strict=True) if chosen)
        left = values - values.mean(axis=0)
        effects = np.zeros((*hood.means.shape, n_outputs))
        if n_terms * ROWS_A_TERM > len(values):
            return cls(hood, effects, {}, left, 0)
        counts = np.zeros(hood.means.shape[1], dtype=np.int64)
        kernels.sweep_bins(
            codes, bins, swept, hood.means, hood.placed, FEWEST_IN_BIN, left, effects, counts, np.zeros(n_outputs)
        )
        curves = {d: _take_polynomial(columns[d], codes[:, d], around[d], left) for d in curved}
        return cls(hood, effects, curves, left, n_terms)

    def slopes(self, own: Ints, x: Floats, around: Floats, width: float) -> Floats:
        """(D, K): LIME's slopes of the sum at a row x (D,) whose bins are own (D,); of Gaussian columns, a deviation."""
        columns = self.hood.columns
        found = np.zeros((len(columns), self.residual.shape[1]))
        if not self.n_terms:
            return found
        for d, column in enumerate(columns):
            if d in self.curves:
                # the kernel makes of the drawn N(0, 1) one of a smaller variance, nearer to x
                mean = (x[d] - around[d]) / column.deviation / (1.0 + width**2)
                variance = width**2 / (1.0 + width**2)
                first, second, third = self.curves[d]
                found[d] = first + 2.0 * mean * second + 3.0 * (mean**2 + variance - 1.0) * third
            elif not column.constant and not column.gaussian:
                share = column.share.copy()
                share[own[d]] = 0.0
                found[d] = self.bins[d, own[d]] - share @ self.bins[d, : len(share)] / share.sum()
        return found


def _take_polynomial(column: Column, codes: Floats, around: float, left: Floats) -> Floats:
    """Coefficients (3, K) of Hermite polynomials of degree 1, 2, 3 in deviations, taken away one after the other."""
    v = (codes - around) / column.deviation
    effect = np.empty((3, left.shape[1]))
    for degree, term in enumerate((v, v**2 - 1.0, v**3 - 3.0 * v)):
        effect[degree] = term @ left / (term @ term)
        left -= term[:, None] * effect[degree]
    return effect
