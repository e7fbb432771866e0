"""Are a map's values right in size and sign? Against the model's answers, and against values that are known."""

import numpy as np

from perturbxai.core.types import Floats, Presence, Weights
from perturbxai.metrics.faithfulness import faithfulness

PER_SIZE = 8  # coalitions of one size from which a correlation within it is told
ROUNDING = 1e-12  # of the numbers that a difference is taken of: below it is none


def sensitivity_n(values: Floats, z: Presence, answers: Floats) -> float:
    """Mean over the sizes n of the correlation, over coalitions of that size, of the map's sums with the model's answers.

    Ancona, Ceolini, Öztireli & Gross, "Towards better understanding of gradient-based attribution methods for deep neural
    networks" (2018), remove n players at random; here a size is that of what is shown. Every size counts alike, which is
    what `faithfulness` weighs by how far answers spread. In [-1, 1]; a constant map scores 0. NaN where no size has 8
    coalitions.

    values (P,), z (T, P), answers (T,)
    """
    sizes = z.sum(axis=1)
    told = np.flatnonzero(np.bincount(sizes) >= PER_SIZE)
    if not len(told):
        return float("nan")
    return float(np.mean([faithfulness(values, z[sizes == n], answers[sizes == n]) for n in told]))


def infidelity(values: Floats, z: Presence, answers: Floats, prediction: float, weight: Weights | None = None) -> float:
    """How badly the sums of what is hidden foretell the fall of the output: 0 to the bit, 1 as badly as counting players.

    Yeh, Hsieh, Suggala, Inouye & Ravikumar, "On the (in)fidelity and sensitivity of explanations" (2019): the mean square of
    b times a map's sum over hidden players less f(x) - v(S). Maps have units of their own, so that each gets the scale b
    that suits it best, but none below 0, or a map and its reverse would score alike. Since hiding more players takes more
    from almost any model, a map that is the same everywhere foretells much: the mean square that it leaves is the unit here.
    A map of zeros is at 1 or above, one that leaves no more than rounding at 0. NaN where counting players leaves nothing.

    values (P,), z (T, P), answers (T,), weight (T,) or None;  prediction: f(x)
    """
    share = np.full(len(z), 1.0 / len(z)) if weight is None else weight / weight.sum()
    fall, hidden = prediction - answers, ~z.astype(bool)
    left, counted = (_left(hidden @ one, fall, share) for one in (values, np.ones(z.shape[1])))
    size = share @ fall**2
    if left <= (ROUNDING * max(abs(prediction), np.abs(answers).max(initial=0.0))) ** 2:
        left = 0.0  # or of two exact maps one would be better at every input
    return left / counted if counted > 1e-18 * size and size > 0 else float("nan")


def _left(sums: Floats, fall: Floats, share: Floats) -> float:
    """The mean square that sums leave of a fall, at the best scale from 0 up."""
    own = share @ sums**2
    scale = max(0.0, float(share @ (sums * fall) / own)) if own > 0 else 0.0
    return float(share @ (scale * sums - fall) ** 2)


def error(values: Floats, truth: Floats) -> float:
    """The squared distance from values that are known to be right, over the square of these: 0 for the same, 1 for zeros.

    What `truth=` of a comparison is for: exact Shapley values of a glass box, or of all coalitions. It is of methods that
    estimate those values; others have units of their own. 0 too where rounding alone parts them. NaN where truth is zero.

    >>> error(np.array([1.0, 0.0]), np.array([1.0, 2.0]))
    0.8
    """
    size = float(truth @ truth)
    found = float(((values - truth) ** 2).sum() / size) if size > 0 else float("nan")
    return 0.0 if found <= ROUNDING**2 else found
