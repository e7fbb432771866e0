"""Interactions by a process (`estimation/posterior`), where they are said to be nearer than those of the fit."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from perturbxai.core.evaluations import Estimate, Evaluations
from perturbxai.core.types import PerOutput, Values
from perturbxai.estimation.coalitions import pair_indices
from perturbxai.estimation.coalitions.semivalues import shapley_weights
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.posterior import cost
from perturbxai.estimation.posterior.crossfit import Known
from perturbxai.estimation.posterior.errors import posterior_errors
from perturbxai.estimation.posterior.functionals import SizeWeights
from perturbxai.estimation.posterior.knowledge import N_FOLDS, Knowledge
from perturbxai.estimation.posterior.pairs import PairWeights
from perturbxai.estimation.survey import ROUNDING


def knowledge_of(table: Evaluations, sparing: bool) -> Knowledge | None:
    """Processes to read pairs from; sparing: where that takes no longer, either, than the table can afford."""
    found = Knowledge.of(table, sparing)
    if found is None or not sparing or table.chosen is not None:
        return found
    n_rows, n_players = found.signs.shape
    return found if cost.of_pairs(n_rows, n_players, N_FOLDS * len(found.groups)) <= table.affordable else None


class Fitted(NamedTuple):
    """An estimate by fits: what they leave (M, K) of the table's values, and what residuals of these move both."""

    estimate: Estimate
    left: Values
    values: LinearFit
    pairs: LinearFit


def nearer(index: str, table: Evaluations, knowledge: Knowledge, plain: Fitted) -> Estimate:
    """The plain estimate, or of each output for which a process is said to be nearer its values and pairs."""
    n_players, before = table.design.n_players, plain.estimate
    of_pairs, of_values = PairWeights.of_index(index, n_players), SizeWeights.semivalue(shapley_weights(n_players))
    pairs = knowledge.known(of_pairs)
    ratio = _ratio(pairs, table, plain)
    taken = ratio <= 1.0
    told = [{"taken": "posterior" if one <= 1.0 else "none", "variance": min(float(one), 1.0)} for one in ratio]
    if not taken.any():
        return replace(before, notes={"surrogate": told})
    own = knowledge.known(of_values if index == "sii" else of_pairs.main_effects(of_values))
    rest = table.full - table.empty - own.values.sum(axis=0) - (pairs.values.sum(axis=0) if index != "sii" else 0.0)
    values = own.values + rest / n_players  # their sum is known better than the processes have it
    stderr, critical, of_each = np.zeros_like(values), np.ones(len(rest)), np.zeros_like(pairs.values)
    unseen = knowledge.unseen
    for k in np.flatnonzero(taken).tolist():
        left = unseen[:, k], (plain.left[:, k], np.zeros(0))
        stderr[:, k], critical[k] = posterior_errors(own, k, plain.values, *left, values[:, k], table)
        of_each[:, k], _ = posterior_errors(pairs, k, plain.pairs, *left, pairs.values[:, k], table)
    names = ("values", "stderr", "critical", "interactions", "interactions_stderr")
    found = values, stderr, critical, *(pair_indices.square(one, n_players) for one in (pairs.values, of_each))
    merged = {name: np.where(taken, part, getattr(before, name)) for name, part in zip(names, found, strict=True)}
    return replace(before, notes={"surrogate": told}, **merged)


def _ratio(pairs: Known, table: Evaluations, plain: Fitted) -> PerOutput:
    """(K,): the variance of all pairs that processes state, over that of the fit; infinite where this is rounding."""
    fitted = plain.pairs.variances(plain.left).sum(axis=1)
    rounding = (len(pairs.values) * ROUNDING * table.scale) ** 2
    said = pairs.variances.sum(axis=0)
    return np.asarray(np.divide(said, fitted, out=np.full(len(said), np.inf), where=fitted > rounding))
