"""Wilcoxon's signed ranks: is the middle of paired differences 0, and how far do they lean to one side?"""

import numpy as np

from perturbxai.core.types import Floats

EXACT = 50  # differences up to which all signs are counted, ties or not


def ranked(differences: Floats) -> Floats:
    """(m,) ranks of the differences' sizes with their signs: zeros are left out, ties share the mean of their ranks."""
    from scipy import stats

    there = differences[differences != 0.0]
    return np.asarray(np.sign(there) * stats.rankdata(np.abs(there)))


def rank_biserial(differences: Floats) -> float:
    """Matched-pairs rank-biserial correlation: 1 if all differences are above 0, -1 if all are below; 0 of zeros alone.

    The share of the ranks that favours one side less the share that favours the other (Kerby 2014).
    """
    signed = ranked(differences)
    return float(signed.sum() / np.abs(signed).sum()) if len(signed) else 0.0


def wilcoxon(differences: Floats) -> float:
    """The two-sided p of the signed-rank test; differences (n,), one an input.

    Zeros are left out before ranking, ties share the mean of their ranks. Up to 50 differences all signs are counted
    exactly, with the ties that there are; of more it is the normal law with its correction for ties. 1 if all are 0.
    """
    from scipy import stats

    signed = ranked(differences)
    if not len(signed):
        return 1.0
    if len(signed) > EXACT:
        # under chance signs the sum of signed ranks has the variance sum(ranks^2), ties included
        return float(2.0 * stats.norm.sf(abs(signed.sum()) / np.sqrt((signed**2).sum())))
    return _exact(signed)


def _exact(signed: Floats) -> float:
    """Twice the share of all 2^m signs under which the lesser sum of ranks is as small as it is, at most 1."""
    doubled = np.rint(2.0 * np.abs(signed)).astype(np.int64)  # ranks of ties end in one half
    ways = np.ones(1)
    for rank in doubled:
        ways = np.concatenate([ways, np.zeros(rank)]) + np.concatenate([np.zeros(rank), ways])
    lesser = min(doubled[signed > 0].sum(), doubled[signed < 0].sum())
    return float(min(1.0, 2.0 * ways[: lesser + 1].sum() / 2.0 ** len(signed)))
