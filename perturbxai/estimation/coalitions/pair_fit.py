"""Projected least squares on complementary pairs: everything of KernelSHAP's solve that depends on the design alone."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.evaluations import Design, Law, once
from perturbxai.core.types import Floats, Ints, PerOutput, Weights
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.coalitions.blocks import Columns, Gain, Normal
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.survey import MAX_LEVERAGE, Clusters, pair_sides, row_weights, sum_zero_basis

KNOWN = 1 / 3  # degrees of freedom a player beside a walk, below which the error counts as not known


@dataclass(frozen=True, eq=False)
class PairFit(LinearFit):
    """The fit of a design; inputs with one design share it. Of a long table it is made, and used, by blocks of rows.

    first, second (R,): rows of the two sides of each pair
    u (R, P) = z - 1/2 of a pair's first row, of which the gain is HC3;  beyond (R, 1): its players beyond P / 2
    operator (P, R): from odd parts, less what is shared evenly, to values
    """

    first: Ints
    second: Ints
    u: Floats | Columns
    beyond: Floats
    operator: Floats | Normal

    def shapley(self, values: Floats, gain: PerOutput) -> tuple[Floats, Floats]:
        """Odd parts (R, K) of a game's values (M, K), and its Shapley values (P, K), which sum to the gain (K,)."""
        odd, share = 0.5 * (values[self.first] - values[self.second]), gain / self.u.shape[1]
        return odd, share + self.solve(odd - self.beyond * share)

    def solve(self, target: Floats) -> Floats:
        """(P, K): the values, which sum to zero, that fit a target (R, K) best."""
        found = self.operator @ target
        return found - found.mean(axis=0) if isinstance(self.operator, Normal) else np.asarray(found)

    @property
    def row_weight(self) -> Floats:
        return self.weight

    def answers(self, values: Floats) -> Floats:
        return 0.5 * (values[2 + self.first] - values[2 + self.second])

    def values_of(self, answers: Floats) -> Floats:
        return self.solve(answers)

    def line(self, values: Floats) -> Floats:
        return np.asarray(self.u @ values)

    def left_by(self, answers: Floats) -> Floats:
        """Of answers whose game gives everything what it gives nothing."""
        return np.asarray(answers - self.u @ self.solve(answers))

    @property
    def asked(self) -> Floats:
        """(R,): the share of all pairs of its size that was drawn."""
        stratum = self.clusters.stratum
        return np.asarray((np.bincount(stratum, minlength=len(self.clusters.pairs)) / self.clusters.pairs)[stratum])

    @classmethod
    def of(cls, law: Law, design: Design) -> Self:
        """Made once a design. Raises ValueError if there are no pairs, or if they do not span the players."""
        return once(design.cache, "kernel_shap", lambda: cls._make(law, design))

    @classmethod
    def _make(cls, law: Law, design: Design) -> Self:
        first, second = pair_sides(design)
        n_players = design.n_players
        weights = row_weights(law, design)
        weight = weights[first] + weights[second]
        parts = None if blocks.in_one_piece(len(first), n_players) else _in_blocks(design, first, weight)
        u, operator, gain = parts or _in_one_piece(design, first, weight)
        df = float(len(first) - (n_players - 1))
        if (design.chain >= 0).any() and df < n_players * KNOWN:
            df = 0.0  # the fit follows the walk so closely that what it leaves says nothing of the error
        beyond = np.asarray(design.sizes[first, None] - 0.5 * n_players, dtype=np.float64)
        return cls(gain, weight, None, Clusters.of(design), df, first, second, u, beyond, operator)


def _in_one_piece(design: Design, first: Ints, weight: Weights) -> tuple[Floats, Floats, Floats]:
    """Rows, operator and gain by factoring all rows at once."""
    n_players = design.n_players
    u = design.z[first].astype(np.float64) - 0.5
    # Removing the constraint by projection keeps efficiency to rounding and never worsens the conditioning; a large
    # weight on the empty and the full coalition would do neither.
    basis = sum_zero_basis(n_players)  # (P, P - 1)
    x = (u @ basis) * np.sqrt(weight)[:, None]
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    if len(singular) < n_players - 1 or singular[-1] <= 1e-10 * singular[0]:
        raise ValueError(
            f"the table's {len(first)} pairs of coalitions do not span {n_players} players. "
            "Draw more coalitions, or let explain() draw them: its designs always span."
        )
    leverage = np.minimum((left**2).sum(axis=1), MAX_LEVERAGE)
    # (P, R): from odd parts to values
    operator = (basis @ (right.T / singular)) @ (left.T * np.sqrt(weight))
    gain = operator.T / (1.0 - leverage)[:, None]
    return u, operator, gain


def _in_blocks(design: Design, first: Ints, weight: Weights) -> tuple[Columns, Normal, Gain] | None:
    """The same by normal equations, None where they do not tell all directions well apart."""
    n_players = design.n_players
    u = Columns(design.z, np.full(n_players, 0.5), first)
    gram = u.gram(weight)
    gram -= gram.mean(axis=0)
    gram -= gram.mean(axis=1)[:, None]  # the constraint by projection; what is added along it is taken away again
    along = np.trace(gram) / n_players
    inverse = blocks.inverse_of(gram + along / n_players)
    if inverse is None:
        return None
    inverse -= 1.0 / (n_players * along)
    lengths, squared = u.lengths(inverse)
    hat = np.minimum(weight * lengths, MAX_LEVERAGE)
    return u, Normal(u, weight, inverse), Gain(u, weight / (1.0 - hat), inverse, squared)
