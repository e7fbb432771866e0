"""LIME on coalitions: the weighted linear fit, with intercept, whose slopes are the explanation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbxai import laws
from perturbxai.explainers.linearised import (
    MAX_LEVERAGE,
    ROUNDING,
    Clusters,
    check_reuse,
    errors,
    independent_factor,
    no_players,
    row_weights,
)
from perturbxai.laws import Law
from perturbxai.tables import Design, Estimate, Evaluations, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Lime:
    """LIME on coalitions, for superpixels and for the players of a table alike.

    This is not LIME as published for tables, which perturbs within quartile bins and has a neighbourhood of its own.
    Estimates the slopes of the best linear fit to the game under LIME's law (Ribeiro, Singh & Guestrin, "Why should I
    trust you?", 2016; the kernel of lime's image explainer), in units of the model's output per player. For a linear game
    the slope is the player's contribution at any kernel width.

    kernel_width  of exp(-D^2 / (2 width^2)), D the cosine distance to the full coalition; lime's image default .25
    ridge         lime's alpha, on the slopes only; 0 solves by least squares, lime's own default is 1
    name          the key of the result, "lime" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> found = px.explain(["lime"], px.Predictor(lambda X: X @ [1.0, 2.0, 3.0]), space, np.ones((1, 3)))
    >>> found["lime"].values[0, :, 0].round(6)
    array([1., 2., 3.])
    """

    kernel_width: float = 0.25
    ridge: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        if not self.kernel_width > 0:
            raise ValueError(f"kernel_width={self.kernel_width} must be positive; lime's image default is 0.25.")
        if not self.ridge >= 0:
            raise ValueError(f"ridge={self.ridge} must be 0 (least squares) or positive; lime's default is 1.")

    def law(self, n_players: int) -> Law:
        return laws.lime(n_players, self.kernel_width)

    def estimate(self, table: Evaluations) -> Estimate:
        """Slopes (P, K) and their errors. A table with its own weights (lime's draws) is fitted with those.

        Raises ValueError if the table was drawn for another law, or if its rows do not span the players.
        """
        if table.design.n_players == 0:
            return no_players(len(table.full))
        if table.design.n_players == 1 and table.weight is None and not self.ridge:
            # a line through two points, whatever they weigh; their weights differ too much for a solver
            slope = (table.full - table.empty)[None]
            return Estimate(slope, ROUNDING * table.scale[None], np.full(len(table.full), independent_factor(1)), np.inf)
        if table.weight is None:
            check_reuse(self.law(table.design.n_players), table.design)
        fit = _Fit.of(self, table)
        values = table.values if table.weight is not None else np.vstack([table.empty, table.full, table.values])
        residuals, slopes = fit.apply(values)
        if table.weight is None:
            residuals = residuals[2:]  # the empty and the full coalition are listed: they bring no sampling error
        stderr, critical = errors(fit.clusters, fit.gain, fit.weight, residuals, fit.starts, fit.df, table)
        return Estimate(slopes, stderr, critical, fit.df if not table.design.listed else np.inf)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The part of the fit that depends on the design alone.

    z (n, P) with the empty and the full coalition first;  operator (P + 1, n): from values to intercept and slopes
    gain (M, P): what a unit residual of a drawn row moves the slopes, HC3;  starts: the first row of each pair
    """

    z: Floats
    operator: Floats
    gain: Floats
    weight: Floats
    starts: Ints
    clusters: Clusters
    df: float

    def apply(self, values: Floats) -> tuple[Floats, Floats]:
        centre = values.mean(axis=0)  # less rounding where the outputs are far from zero
        found = self.operator @ (values - centre)
        return values - centre - found[0] - self.z @ found[1:], np.asarray(found[1:])

    @classmethod
    def of(cls, lime: Lime, table: Evaluations) -> _Fit:
        if table.weight is not None:
            return cls._make(lime, table.design, table.weight)
        key = ("lime", lime.kernel_width, lime.ridge)
        if key not in table.design.cache:
            table.design.cache[key] = cls._make(lime, table.design, None)
        found: _Fit = table.design.cache[key]
        return found

    @classmethod
    def _make(cls, lime: Lime, design: Design, own: Floats | None) -> _Fit:
        n_players = design.n_players
        law = lime.law(n_players)
        if own is None:
            inner = row_weights(law, design)
            ends = np.array([[False] * n_players, [True] * n_players])
            z = np.vstack([ends, design.z]).astype(np.float64)
            # in lime's own units, where a row weighs its kernel: the ridge then means what it means there
            weight = np.concatenate([law.mass[[0, -1]], inner]) * law.total * len(z)
        else:
            z, weight, inner = design.z.astype(np.float64), own, own
        x = np.column_stack([np.ones(len(z)), z])
        operator, leverage = _solve(x, np.sqrt(weight), lime.ridge)
        drawn = slice(2, None) if own is None else slice(None)
        hat = np.minimum(leverage[drawn], MAX_LEVERAGE)
        gain = operator[1:, drawn].T / (1.0 - hat)[:, None]
        starts = np.unique(design.pair, return_index=True)[1]
        paired = 2 * len(starts) == len(design.z)
        df = float(len(starts) - n_players) if paired else 0.0
        cluster_weight = np.add.reduceat(inner, starts) if len(starts) else np.zeros(0)
        return cls(z, operator, gain, cluster_weight, starts, Clusters.of(design), df)


def _solve(x: Floats, root: Floats, ridge: float) -> tuple[Floats, Floats]:
    """The operator (P + 1, n) of weighted least squares with an unpenalised first column, and the leverages (n,).

    x (n, P + 1), ones first;  root (n,): square roots of the weights. Weights span many orders of magnitude, so the rows
    go into the factorisation from the heaviest to the lightest and its columns are pivoted: then each row is solved to
    its own precision (Cox & Higham, "Stability of Householder QR factorization for weighted least squares problems", 1998).
    """
    from scipy import linalg

    n, p = x.shape
    if not (root > np.sqrt(np.finfo(np.float64).tiny)).all() or (not ridge and np.linalg.matrix_rank(x) < p):
        raise ValueError(
            f"the table's {n} coalitions do not determine {p - 1} slopes and an intercept at the weights they have. "
            "Draw more coalitions, or take a wider kernel."
        )
    rows = np.vstack([x * root[:, None], np.sqrt(ridge) * np.eye(p)[1:]]) if ridge else x * root[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1), kind="stable")
    scale = np.sqrt((rows**2).sum(axis=0))
    q, r, pivot = linalg.qr((rows / scale)[order], mode="economic", pivoting=True)
    operator, leverage = np.empty((p, len(rows))), np.empty(len(rows))
    operator[np.ix_(pivot, order)] = linalg.solve_triangular(r, q.T)
    leverage[order] = (q**2).sum(axis=1)
    return (operator / scale[:, None])[:, :n] * root, leverage[:n]
