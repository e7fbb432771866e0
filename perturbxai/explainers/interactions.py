"""Interactions: what pairs of players do together, beside what each does, from the table that SHAP asks."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np

from perturbxai.core import checks
from perturbxai.core.evaluations import Design, Estimate, Evaluations, Law, once
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.options import options
from perturbxai.core.types import Floats, Ints, Values
from perturbxai.estimation.coalitions import blocks, pair_indices, semivalues
from perturbxai.estimation.coalitions.pair_posterior import Fitted, knowledge_of, nearer
from perturbxai.estimation.coalitions.slopes import OF_SLOPES
from perturbxai.estimation.intervals import diagonals, independent, independent_factor, simultaneous_factors
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.posterior.knowledge import processes_held
from perturbxai.estimation.posterior.pairs import PairWeights
from perturbxai.estimation.spread import ROUNDING, errors_of_fit, jump_of_fit
from perturbxai.estimation.survey import MAX_LEVERAGE, Clusters, check_reuse, pair_sides, row_weights, sum_zero_basis
from perturbxai.sampling import laws

INDICES = ("sii", "k-sii", "stii", "fsii")
PAIRS_A_PAIR = 2  # complementary pairs asked, at the least, for each pair of players
LISTED_PLAYERS = 6  # up to here that is all coalitions but two, or more


@options
class Interactions(FromCoalitions):
    """Interactions of order two between players, each player's own value beside them, with standard errors.

    An index weighs the second differences D_ij(T) = v(T + ij) - v(T + i) - v(T + j) + v(T), T without i and j, t = |T|:

    "sii"    Shapley interaction index, sum of (P - t - 2)! t! / (P - 1)! D_ij(T). `values` are Shapley values phi_i.
    "k-sii"  the same pairs; `values` are phi_i - 1/2 sum_j I_ij (n-Shapley values of order two, Bordt & von Luxburg, "From
             Shapley values to generalized additive models and back", 2023)
    "fsii"   the best fit of main effects and pairs under the Shapley kernel that is exact at nothing and everything (Tsai,
             Yeh & Ravikumar, "Faith-Shap: the faithful Shapley interaction index", 2023): pairs are the sum of
             6 (t + 1)! (P - t - 1)! / (P + 1)! D_ij(T), `values` are phi_i - 1/2 sum_j I_ij
    "stii"   Shapley-Taylor index (Sundararajan, Dhamdhere & Agarwal, 2020): sum of 2 / (P C(P - 1, t)) D_ij(T); `values` are
             v({i}) - v(nothing)

    All are in units of the model's output. `interactions` (P, P, K) is symmetric and zero on the diagonal: main effects are
    `values`. But for "sii", whose values alone do so, values and pairs (each once) sum to v(N) - v(nothing).
    `interactions_frame()` is the tidy table of the pairs; `px.plot(found, "matrix")` and `"network"` draw them.

    With all coalitions listed every index is exact. From a sampled table the mean of each pair of complementary coalitions
    is fitted with one coefficient a pair of players (FSII); SII adds the weighted sum of what the fit leaves. Both are
    consistent, share the table with kernel_shap and the others, and are exact for games of main effects and pairs, and of
    triples. They need 2 + 2 P (P - 1) coalitions. A Gaussian process over coalitions, of up to 4,000 of them and 20 outputs,
    has values and pairs of its own, from all answers at once: an output has these where they are said to be nearer, as they
    are for most games of higher orders. The Shapley-Taylor index weighs the two sides of a pair unlike and needs all
    coalitions: sampled tables are refused.

    Errors are those of each pair alone: no simultaneous factor goes with them. Those of the fit are not below the mean of
    all pairs, as the few coalitions that matter to a pair may not have been drawn; those of a process lie between what it
    says and what answers that it has not seen would make of the fit. Work and memory grow with the coalitions times the
    pairs of players.

    index      "sii", "k-sii", "stii" or "fsii"
    order      the largest set of players that is looked at: 2
    surrogate  "process": values and pairs of a process wherever they are said to be nearer; "auto": as far as it takes
               little time beside the model, for which see `KernelShap`; "none": the fit alone. `meta["surrogate"]` has, by
               output, "posterior" or "none", and the ratio of the estimated variances of all pairs
    name       the key of the result, "interactions" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> model = px.Predictor(lambda X: X[:, 0] + 2 * X[:, 0] * X[:, 1] - X[:, 1] * X[:, 2])
    >>> found = px.explain(px.Interactions(index="k-sii"), model, space, np.ones((1, 3)))["interactions"]
    >>> (found.interactions[0, :, :, 0].round(6) + 0).tolist()
    [[0.0, 2.0, 0.0], [2.0, 0.0, -1.0], [0.0, -1.0, 0.0]]
    >>> (found.values[0, :, 0].round(6) + 0).tolist()
    [1.0, 0.0, 0.0]
    """

    index: Literal["sii", "k-sii", "stii", "fsii"] = "sii"
    order: int = 2
    surrogate: str = "auto"
    name: str = ""

    def __post_init__(self) -> None:
        checks.one_of("index", self.index, INDICES)
        checks.one_of("surrogate", self.surrogate, OF_SLOPES)
        if checks.as_number(self.order) != 2:
            raise ValueError(f"order={checks.as_given(self.order)}: pairs only are here; take order=2.")

    def law(self, n_players: int) -> Law:
        """Shapley's, from the least budget that tells pairs apart; all coalitions for the Shapley-Taylor index."""
        law = laws.shapley(n_players)
        if self.index == "stii":
            way = " The Shapley-Taylor index needs all coalitions; index='k-sii' and 'fsii' need a sample."
            return replace(law, minimum=2**n_players, remedy=way)
        if n_players <= LISTED_PLAYERS:
            return replace(law, minimum=2**n_players)
        return replace(law, minimum=2 + PAIRS_A_PAIR * n_players * (n_players - 1))

    def wanted(self, n_players: int) -> PairWeights | None:
        """The pairs: values follow with them."""
        sampled = self.surrogate != "none" and self.index != "stii"
        return PairWeights.of_index(self.index, n_players) if sampled else None

    def arrays_held(self, n_players: int, n_coalitions: int, on_cells: bool) -> float:  # noqa: ARG002
        """Arrays (coalitions, players) that the fit holds at once: eight of pairs of coalitions by pairs of players.

        Those of processes come beside.
        """
        beside = processes_held(n_players, n_coalitions) if self.surrogate != "none" else 0.0
        return 2.0 * (n_players - 1) + beside

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K), interactions (P, P, K) and the errors of both, from a table of coalition values.

        Raises ValueError for the Shapley-Taylor index of a sampled table, and if the table was drawn for another law, does
        not come in complementary pairs, or does not tell the pairs of players apart.
        """
        if table.design.n_players < 2 or table.design.listed:
            return _listed(self.index, table)
        if self.index == "stii":
            raise ValueError(
                f"index='stii' needs all 2^{table.design.n_players} coalitions, and the table holds a sample of "
                f"{len(table.design.z) + 2}. Take index='k-sii' or 'fsii', raise budget, or merge players into groups."
            )
        check_reuse(self.law(table.design.n_players), table.design)
        fit = _Fit.of(self.index, table.design)
        plain, left = _sampled(self.index, fit, table)
        knowledge = None if self.surrogate == "none" else knowledge_of(table, self.surrogate == "auto")
        if knowledge is None:
            return plain
        return nearer(self.index, table, knowledge, Fitted(plain, left, *fit.of_rows))


def _listed(index: str, table: Evaluations) -> Estimate:
    """Exact values and pairs, of errors that are rounding."""
    n_players = table.design.n_players
    z = semivalues.with_ends(table.design.z)
    values = np.vstack([table.empty, table.full, table.values]) - table.empty  # less rounding far from zero
    floor = ROUNDING * table.scale * max(n_players, 1)
    pairs = pair_indices.all_listed(z, values, pair_indices.size_weights(index, n_players))
    if index == "stii":
        own = values[[int(np.flatnonzero((z.sum(axis=1) == 1) & z[:, p])[0]) for p in range(n_players)]]
    else:
        own = semivalues.of_all_coalitions(z, values, semivalues.shapley_weights(n_players))
        own = own if index == "sii" else own - 0.5 * pairs.sum(axis=1)
    of_pairs = np.tile(floor, (n_players, n_players, 1))
    of_pairs[np.diag_indices(n_players)] = 0.0
    return independent(own, np.tile(floor, (n_players, 1)), np.inf, interactions=pairs, interactions_stderr=of_pairs)


def _sampled(index: str, fit: "_Fit", table: Evaluations) -> tuple[Estimate, Values]:
    """Values from the odd parts of the pairs of coalitions, interactions from the even parts, both errors from one score.

    And what the fit leaves of the table's values (M, K).
    """
    n_players, first, second = table.design.n_players, table.values[fit.first], table.values[fit.second]
    gain = table.full - table.empty
    odd, even = 0.5 * (first - second), 0.5 * (first + second) - 0.5 * (table.empty + table.full)
    shapley = gain / n_players + fit.odd @ (odd - fit.u.sum(axis=1)[:, None] * gain / n_players)
    pairs = fit.cuts @ even
    left = even - fit.evens(pairs)
    pairs = pairs if fit.extra is None else pairs + fit.extra @ left
    own = shapley if index == "sii" else shapley - 0.5 * pair_indices.incidence(n_players).T @ pairs
    floor = ROUNDING * table.scale * n_players
    stderr, of_pairs = np.full_like(own, np.inf), np.full_like(pairs, np.inf)
    critical = np.full(len(gain), independent_factor(n_players, fit.df))
    odd_left = odd - fit.u @ shapley
    jump, odd_jump = (
        jump_of_fit(np.abs(some).max(axis=0), np.zeros(len(gain)), found, table)
        for some, found in ((left, pairs), (odd_left, shapley))
    )
    rows = np.empty_like(table.values)
    rows[fit.first], rows[fit.second] = left + odd_left, left - odd_left
    unseen = np.sqrt(fit.clusters.unseen(len(fit.u), None))[:, None]
    missed = np.einsum("rd,rd->d", unseen * fit.gain, unseen * fit.gain)
    even_missed, odd_missed = (of.T @ of for of in (unseen * fit.even_gain, unseen * fit.odd_gain))
    asked, known = fit.clusters.asked, np.flatnonzero(np.isfinite(jump + odd_jump))
    for at in blocks.blocks(len(known), max(pairs.shape[0], n_players**2, len(table.design.normals))):
        some = known[at]
        variances = fit.of_pairs.variances(left[:, some])
        of_pairs[:, some] = errors_of_fit(variances, jump[some, None] ** 2 * missed, asked).T
        moved = fit.of_values.covariances(rows[:, some])
        unshown = jump[some, None, None] ** 2 * even_missed + odd_jump[some, None, None] ** 2 * odd_missed
        stderr[:, some] = errors_of_fit(diagonals(moved), diagonals(unshown), asked).T
        critical[some] = simultaneous_factors(moved + unshown, fit.df, table.design)
    square = pair_indices.square(pairs, n_players)
    square_stderr = pair_indices.square(np.maximum(of_pairs, floor), n_players)
    stderr = np.maximum(stderr, floor)
    return Estimate(own, stderr, critical, fit.df, interactions=square, interactions_stderr=square_stderr), rows


@dataclass(frozen=True, eq=False)
class _Fit:
    """Everything that depends on the design and the index alone; inputs with one design share it.

    first, second (R,) rows of the two sides of each pair of coalitions;  u (R, P) = z - 1/2 of the first side
    odd (P, R): from odd parts, less their share of the gain, to Shapley values;  odd_gain (R, P), HC3
    even_gain (R, P): what a unit residual of the even parts moves the values
    cuts (d, R): from even parts to the coefficients of the fit;  extra (d, R) or None: from what the fit leaves to what it
    lacks of the index;  gain (R, d): what a unit residual moves the pairs, HC3
    """

    first: Ints
    second: Ints
    u: Floats
    odd: Floats
    odd_gain: Floats
    even_gain: Floats
    cuts: Floats
    extra: Floats | None
    gain: Floats
    weight: Floats
    clusters: Clusters
    df: float

    def evens(self, pairs: Floats) -> Floats:
        """(R, K): even parts of the game that has these pairs (d, K)."""
        matrix = pair_indices.square(pairs, self.u.shape[1])
        inside, outside = self.u + 0.5, 0.5 - self.u
        found = [-0.5 * ((inside @ matrix[..., k]) * outside).sum(axis=1) for k in range(pairs.shape[1])]
        return np.stack(found, axis=1)

    @cached_property
    def of_values(self) -> LinearFit:
        """What residuals of the table's rows move values."""
        return self._of_rows(self.even_gain, self.odd_gain)

    @cached_property
    def of_pairs(self) -> LinearFit:
        """What residuals of the even parts move the pairs."""
        return LinearFit(self.gain, self.weight, None, self.clusters, self.df)

    @property
    def of_rows(self) -> tuple[LinearFit, LinearFit]:
        """What residuals of the table's rows move values, and pairs."""
        return self.of_values, self._of_rows(self.gain, 0.0)

    def _of_rows(self, even: Floats, odd: Floats | float) -> LinearFit:
        gain = np.empty((2 * len(even), even.shape[1]))
        gain[self.first], gain[self.second] = 0.5 * (even + odd), 0.5 * (even - odd)
        return LinearFit(gain, self.weight, self.first, self.clusters, self.df)

    @classmethod
    def of(cls, index: str, design: Design) -> Self:
        return once(design.cache, ("interactions", index), lambda: cls._make(index, design))

    @classmethod
    def _make(cls, index: str, design: Design) -> Self:
        n_players = design.n_players
        first, second = pair_sides(design)
        weights = row_weights(laws.shapley(n_players), design)
        weight = weights[first] + weights[second]
        z = design.z[first]
        u = z.astype(np.float64) - 0.5
        basis = sum_zero_basis(n_players)
        odd, odd_leverage, spans = pair_indices.solve_weighted(u @ basis, weight)
        columns = pair_indices.cut_columns(z)
        cuts, leverage, spans_pairs = pair_indices.solve_weighted(columns, weight)
        asked = np.bincount(design.sizes, minlength=n_players)[1:n_players]
        if not (spans and spans_pairs and asked.all()):
            raise ValueError(
                f"the table's {len(first)} pairs of coalitions do not tell the {columns.shape[1]} pairs of {n_players} "
                f"players apart. Draw {2 + PAIRS_A_PAIR * n_players * (n_players - 1)} coalitions or more with "
                "interactions among the methods of explain(), or merge players into groups."
            )
        odd = basis @ odd
        extra, operator = None, cuts
        if index != "fsii":  # of which the weighted residuals vanish: they are the normal equations of the fit
            extra = pair_indices.residual_weights(z, index).T
            operator = cuts + extra - (extra @ columns) @ cuts
        gain = operator.T / (1.0 - np.minimum(leverage, MAX_LEVERAGE))[:, None]
        odd_gain = odd.T / (1.0 - np.minimum(odd_leverage, MAX_LEVERAGE))[:, None]
        even_gain = np.zeros_like(odd_gain) if index == "sii" else -0.5 * gain @ pair_indices.incidence(n_players)
        df = float(len(first) - columns.shape[1])
        return cls(first, second, u, odd, odd_gain, even_gain, cuts, extra, gain, weight, Clusters.of(design), df)
