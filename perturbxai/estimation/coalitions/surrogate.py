"""Surrogates: games fitted to the answers that take what they explain out of the noise of Shapley values.

A surrogate's odd part, less the linear game of its own Shapley values, is a game whose Shapley values are zero: a share of
it may be taken from the answers, and what is estimated stays as it is. The surrogate of a pair is fitted to four folds of
the pairs and says something of the fifth (cross-fitting), so that it cannot have seen what it takes away.

Where a good part of all pairs of a size was drawn, the pairs that were not matter less, and with them the surrogate of
their fold: a size that was drawn by the share a takes 1 - a of the surrogate that has not seen the pair and a of the mean of
all five. With everything drawn nothing is left to chance, as without a surrogate.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from perturbxai.core.evaluations import Estimate, Evaluations
from perturbxai.core.types import Bools, Floats, Ints, Presence
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.surrogate_games import explained, grow, triple_controls
from perturbxai.estimation.survey import ROUNDING

SURROGATES = ("auto", "none", "linear", "triples", "trees")
N_FOLDS = 5
FEWEST = 20  # coalitions a player below which no surrogate is tried
MOST_OUTPUTS = 20  # beyond them none is tried
LOWERED = 0.8  # a surrogate is taken if the estimated variance with it is at most so much of that without
PROMISING = 0.2  # trees that explain less of the first fold are not worth the others
ENOUGH, FEW_OUTPUTS = 0.5, 3  # "auto" grows trees where triples leave more of the variance, and for so many outputs at most


def adjusted(surrogate: str, fit: PairFit, table: Evaluations, odd: Floats, plain: Estimate) -> Estimate:
    """The plain estimate with the surrogate of each output that lowers its variance enough, or as it is.

    surrogate  one of SURROGATES;  odd (R, K): odd parts of the pairs
    """
    design = table.design
    (n_pairs, n_players), n_outputs = fit.u.shape, odd.shape[1]
    few = 2 * n_pairs + 2 < FEWEST * n_players
    cheap = surrogate == "auto" and not table.costly
    if surrogate in ("none", "linear") or cheap or few or design.listed or n_outputs > MOST_OUTPUTS:
        return plain
    kept = folds(fit.clusters.stratum) != np.arange(N_FOLDS)[:, None]
    residuals = odd - fit.u @ plain.values
    values, left = plain.values.copy(), residuals.copy()
    taken: list[_Taken] = []
    for k in range(n_outputs):
        close = 1e-12 * np.abs(odd[:, k]).max()
        twin = next((j for j in range(k) if np.abs(odd[:, k] + odd[:, j]).max() <= close), None)
        if twin is not None:  # its opposite to rounding: of two classes one is told by the other
            values[:, k] -= values[:, twin] - plain.values[:, twin]
            left[:, k] = -left[:, twin]
            taken.append(taken[twin])
            continue
        game = _Game(fit, design.z[fit.first], residuals[:, k], kept)
        rounding = float(n_players * ROUNDING * table.scale[k]) ** 2
        taken.append(game.best(surrogate, rounding, n_outputs <= FEW_OUTPUTS))
        values[:, k] -= taken[k].moved
        left[:, k] = taken[k].left
    stderr, critical = fit.errors(left, values, table)
    notes = plain.notes | {"surrogate": [{"taken": one.taken, "variance": one.variance} for one in taken]}
    return Estimate(values, stderr, critical, plain.df, plain.stderr_background, notes)


def folds(stratum: Ints) -> Ints:
    """(R,): a fold for each pair, each size spread over all of them."""
    order = np.argsort(stratum, kind="stable")
    found = np.empty(len(stratum), dtype=np.int64)
    found[order] = np.arange(len(stratum)) % N_FOLDS
    return found


class _Taken(NamedTuple):
    """What was taken, the estimated variance with it over that without, by how much it moves the values, what is then left.

    moved (P,), to be taken from the values;  left (R,)
    """

    taken: str
    variance: float
    moved: Floats
    left: Floats


@dataclass(frozen=True, eq=False)
class _Game:
    """One output of a table, less the linear game of its plain estimate.

    z (R, P) first sides of pairs;  left (R,) what of their odd parts no linear game explains;  kept (5, R): the pairs that
    the surrogate of each fold may be fitted to
    """

    fit: PairFit
    z: Presence
    left: Floats
    kept: Bools

    def best(self, surrogate: str, rounding: float, may_grow: bool) -> _Taken:
        """rounding: a variance that is rounding only;  may_grow: whether "auto" may grow trees"""
        found = _Taken("none", 1.0, np.zeros(self.z.shape[1]), self.left)
        plain = self._variance(self.left)
        if plain <= rounding:
            return found
        controls = {}
        if surrogate != "trees" and (triples := triple_controls(self.z, self.left, self.fit.weight, self.kept)) is not None:
            controls["triples"] = triples
            found = self._taken(controls, plain, found)
        wanted = surrogate == "trees" or (surrogate == "auto" and may_grow and found.variance > ENOUGH)
        if wanted and (trees := self._tree_controls()) is not None:
            found = self._taken({"trees": trees}, plain, found)
            if controls:
                found = self._taken(controls | {"trees": trees}, plain, found)
        return found

    def _taken(self, controls: dict[str, Floats], plain: float, before: _Taken) -> _Taken:
        """With these controls, each (5, R), if they do better than what was found before and well enough."""
        fold, asked = np.argmin(self.kept, axis=0), self.fit.asked
        blind = np.column_stack([one[fold, np.arange(len(fold))] for one in controls.values()])  # (R, C)
        whole = np.column_stack([one.mean(axis=0) for one in controls.values()])
        # how much of each: where all pairs were drawn nothing is at stake
        root = np.sqrt(self.fit.weight * np.maximum(1.0 - asked, 0.0))[:, None]
        free = blind - self.fit.u @ self.fit.solve(blind)
        share = np.linalg.lstsq(free * root, self.left * root[:, 0], rcond=None)[0]
        left = self.left - free @ share
        ratio = self._variance(left) / plain
        if ratio > LOWERED or ratio >= before.variance:
            return before
        mixed = blind + asked[:, None] * (whole - blind)
        return _Taken(" and ".join(controls), ratio, self.fit.solve(mixed @ share), left)

    def _variance(self, left: Floats) -> float:
        """The sum over players of the estimated variances."""
        return float(np.trace(self.fit.covariance(left)))

    def _tree_controls(self) -> Floats | None:
        """(5, R), or None if the trees of the first fold tell little of it."""
        made = []
        for fold, mine in enumerate(self.kept):
            game = grow(self.z[mine], self.left[mine], self.fit.weight[mine], fold)
            made.append(game.odd(self.z) - self.fit.u @ game.shapley())
            if not fold and explained(made[0][~mine], self.left[~mine], self.fit.weight[~mine]) < PROMISING:
                return None
        return np.array(made)
