"""Does a map stay where the input, or the seed, hardly moves? A map that looks at nothing stays best: never ranks alone."""

from itertools import combinations

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.metrics.agreement import spearman

ROUNDING = 1e-12  # of the maps near by: one that is smaller is of zeros


def max_sensitivity(values: Floats, neighbours: Floats) -> float:
    """How far the map of a nearby input is from this one at most, over the size of this one (Euclidean lengths).

    Yeh, Hsieh, Suggala, Inouye & Ravikumar, "On the (in)fidelity and sensitivity of explanations" (2019). The largest of ten
    is a lower bound of the largest of all; what coalitions were drawn adds to it, so that a noisy method is sensitive. 0 for
    a map that looks at no input; NaN of a map of zeros.

    values (P,), neighbours (n, P): maps of inputs within .02 of a picture's range, .1 deviations of a table's columns
    """
    size = _size(values, neighbours)
    return float(np.linalg.norm(neighbours - values, axis=1).max() / size) if size > 0 else float("nan")


def lipschitz(values: Floats, neighbours: Floats, steps: Floats) -> float:
    """The same per unit of how far the input moved: the largest ratio of a map's relative move to that of its input.

    Alvarez-Melis & Jaakkola, "On the robustness of interpretability methods" (2018), without the division by the map's size,
    by which methods of other units compare here. Neighbours that are the input itself tell nothing: NaN where all are.

    steps (n,): how far each lies, root mean square, in units of a picture's range or of the columns' deviations
    """
    size, moved = _size(values, neighbours), steps > 0
    if size == 0 or not moved.any():
        return float("nan")
    return float((np.linalg.norm(neighbours - values, axis=1)[moved] / steps[moved]).max() / size)


def _size(values: Floats, neighbours: Floats) -> float:
    """The length of a map, 0 of one that is rounding beside those near by."""
    size = float(np.linalg.norm(values))
    return size if size > ROUNDING * np.linalg.norm(neighbours, axis=1).max(initial=0.0) else 0.0


def seed_stability(reseeded: Floats) -> float:
    """Mean rank correlation of the maps that a method gives of one input under several seeds: 1 where it draws nothing.

    reseeded (S, P), two or more.  NaN where one of them is constant.
    """
    return float(np.mean([spearman(a, b) for a, b in combinations(reseeded, 2)]))
