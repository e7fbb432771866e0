"""Owen values by a process (`estimation/posterior`), where they are said to be nearer than those of drawn pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perturbxai.core.evaluations import Estimate
from perturbxai.core.types import Bools, Floats, Ints, PerOutput, Presence, Values
from perturbxai.estimation.coalitions import owen
from perturbxai.estimation.coalitions.hierarchy import Union
from perturbxai.estimation.coalitions.owen import Deviations
from perturbxai.estimation.intervals import independent_factor
from perturbxai.estimation.posterior import cost
from perturbxai.estimation.posterior.crossfit import Known
from perturbxai.estimation.posterior.errors import of_design
from perturbxai.estimation.posterior.knowledge import (
    MOST_OUTPUTS,
    MOST_PLAYERS,
    MOST_ROWS,
    N_FOLDS,
    Knowledge,
    best_level,
    folds_of_pairs,
)
from perturbxai.estimation.posterior.listed import ListWeights
from perturbxai.estimation.posterior.prior import signs
from perturbxai.estimation.quantiles import student
from perturbxai.estimation.survey import ROUNDING

FEWEST = 3  # pairs a union, below which their errors are too uncertain to be judged by
LEAST = 2 / 3  # the part of the pairs in what is said: they are few, and what is sharp shows in few of them
MOST_LISTED = 4000  # coalitions that count, beyond which the sums over them are too much work


def nearer(
    unions: Sequence[Union], parts: Sequence[Deviations], z: Presence, values: Values, plain: Estimate,
    affordable: float | None,
) -> Estimate:  # fmt: skip
    """The estimate by drawn pairs, or of each output for which a process is said to be nearer its values.

    parts: what was found of each union;  z (M, P) what was asked, nothing and everything first;  values (M, K)
    affordable: seconds that all of it may take, None for any
    """
    knowledge = _knowledge(unions, z, values, affordable) if plain.df >= FEWEST - 1 else None
    if knowledge is None:
        return plain
    listed, weights = owen.as_sums(unions, z.shape[1])
    known = knowledge.known(ListWeights(signs(listed), weights))
    drawn, said = (plain.stderr**2).sum(axis=0), known.variances.sum(axis=0)
    ratio = np.where(_solved(parts, values), np.inf, said / np.maximum(drawn, np.finfo(np.float64).tiny))
    taken = ratio <= 1.0
    rest = values[1] - values[0] - known.values.sum(axis=0)
    found = known.values + rest / len(known.values)  # their sum is known better than the process has it
    stderr, critical = _errors(known, plain)
    told = [{"taken": "posterior" if one <= 1.0 else "none", "variance": min(float(one), 1.0)} for one in ratio]
    return replace(
        plain, values=np.where(taken, found, plain.values), stderr=np.where(taken, stderr, plain.stderr),
        critical=np.where(taken, critical, plain.critical), notes=plain.notes | {"surrogate": told},
    )  # fmt: skip


def _knowledge(unions: Sequence[Union], z: Presence, values: Values, affordable: float | None) -> Knowledge | None:
    """Processes of what was asked; None where they are not possible, or take too long."""
    rows, n_listed = _distinct(z), owen.cost_of_all(unions)
    n_players, n_outputs = z.shape[1], values.shape[1]
    few = 2 * n_players <= len(rows) - 2 <= MOST_ROWS and n_players <= MOST_PLAYERS and n_outputs <= MOST_OUTPUTS
    if not few or n_listed > MOST_LISTED:
        return None
    level = cost.OWN if affordable is None else best_level(values[rows], n_players, affordable)
    dear = affordable is not None and cost.of_list(len(rows), n_listed, N_FOLDS * n_outputs) > affordable
    if level is None or dear:
        return None
    fold = np.concatenate([[-1, -1], folds_of_pairs(z[rows[2:]])])
    return Knowledge.at(level, signs(z[rows]), fold, len(rows) - 2, values[rows])


def _distinct(z: Presence) -> Ints:
    """Numbers of the rows of z (M, P) that are there for the first time: nothing, everything, then pairs side by side, by
    the smaller size."""
    _, first = np.unique(z, axis=0, return_index=True)
    between = np.sort(first[first > 1])
    side = np.where(z[between, :1], z[between], ~z[between])
    pair = np.unique(side, axis=0, return_inverse=True)[1].ravel()
    size = z[between].sum(axis=1)
    order = np.lexsort((z[between, 0], pair, np.minimum(size, z.shape[1] - size)))
    return np.concatenate([[0, 1], between[order]])


def _solved(parts: Sequence[Deviations], values: Values) -> Bools:
    """(K,): whether the drawn pairs of every union agree, to rounding: what they say is then no chance."""
    apart = [np.ptp(part.draws, axis=0).max(axis=0) for part in parts if part.draws is not None]
    rounding = sum(part.mean.shape[0] for part in parts) * ROUNDING * np.abs(values).max(axis=0)
    return np.asarray(np.max(apart, axis=0) <= rounding)


def _errors(known: Known, plain: Estimate) -> tuple[Floats, PerOutput]:
    """Standard errors (P, K) and simultaneous factors (K,), as t statistics of the drawn pairs' freedom.

    Half widths of intervals are between the process's own and those of the pairs, as `posterior_errors` has variances: of a
    few pairs the width holds, and not the variance.
    """
    freedom = np.maximum(known.df, 1.0)
    whole = float(student(0.975, plain.df))
    own, drawn = student(0.975, freedom) * np.sqrt(known.variances), whole * plain.stderr
    share = np.maximum(of_design(known), LEAST)
    width = own ** (1.0 - share) * np.maximum(drawn, own) ** share
    factor = np.array([independent_factor(len(own), float(one)) for one in freedom])
    return width / whole, factor * whole / student(0.975, freedom)
