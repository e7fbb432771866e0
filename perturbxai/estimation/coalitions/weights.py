"""Weights of a design's rows under a law, its complementary pairs, and contrasts of players."""

from __future__ import annotations

import warnings

import numpy as np

from perturbxai.core.evaluations import Design, Law
from perturbxai.core.types import Floats, Ints
from perturbxai.estimation.coalitions import blocks
from perturbxai.sampling.laws import REFUSED, WARNED, effective_fraction


def check_reuse(law: Law, design: Design) -> None:
    """Refuse to conclude under a law from coalitions drawn for another one, where they are worth too little."""
    if design.listed or not law.design.any():
        return
    # a design that holds the share a of the law's own pays at most 1 / a of its variance, however many players there are
    wanted = law.design > 0
    fraction = max(effective_fraction(law, design.share), float((design.share[wanted] / law.design[wanted]).min()))
    if fraction < REFUSED:
        raise ValueError(
            f"the table's coalitions are worth {fraction:.2g} of their number under the law of {law.name}, below "
            f"{REFUSED}. Draw for both: pass both methods to one explain(), which asks the mixture of their sizes."
        )
    if fraction < WARNED:
        warnings.warn(
            f"effective sample {fraction:.2g} of the table's rows under the law of {law.name}; ask for both methods "
            "in one explain() to draw the mixture of their sizes",
            stacklevel=3,
        )


def row_weights(law: Law, design: Design) -> Floats:
    """(M,): mass(s) / n_s. A size whose share was too small for a row passes its mass to the nearest size that has one."""
    sizes = design.sizes
    n_rows = np.bincount(sizes, minlength=design.n_players + 1)
    asked = np.flatnonzero(n_rows)
    mass, own = np.zeros(design.n_players + 1), law.in_fits
    for size in range(1, design.n_players):
        mass[asked[np.argmin(np.abs(asked - size))]] += own[size]
    return np.asarray(mass[sizes] / n_rows[sizes])


def pair_sides(design: Design) -> tuple[Ints, Ints]:
    """Row numbers of the two sides of each pair. Raises ValueError if a row has no complement beside it."""
    order = np.argsort(design.pair, kind="stable")
    if len(order) % 2 == 0 and len(order):
        first, second = order[0::2], order[1::2]
        z, parts = design.z, blocks.blocks(len(first), design.n_players)
        if (design.pair[first] == design.pair[second]).all() and all((z[first[at]] != z[second[at]]).all() for at in parts):
            return first, second
    raise ValueError(
        "the table's coalitions do not come in complementary pairs, which Shapley values are estimated from. "
        "Let explain() draw them with kernel_shap among its methods."
    )


def sum_zero_basis(n_players: int) -> Floats:
    """(P, P - 1): an orthonormal basis of the vectors that sum to zero (Helmert's, scaled)."""
    basis = np.zeros((n_players, n_players - 1))
    for k in range(1, n_players):
        basis[:k, k - 1] = 1.0
        basis[k, k - 1] = -k
        basis[:, k - 1] /= np.sqrt(k * (k + 1.0))
    return basis
