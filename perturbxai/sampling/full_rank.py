"""Whether columns stand alone, told from their sum of squares: a tenth of the time of their singular values."""

import numpy as np
from scipy.linalg import lapack

from perturbxai.core.types import Floats

# reciprocal condition of the sum of squares, of which rounding loses 1e-16 times the number of columns
BEYOND_DOUBT = 1e-8


def surely_full_rank(gram: Floats) -> bool:
    """Whether columns with this sum of squares (P, P) stand alone beyond doubt; False where they have to be looked at."""
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0.0).all():
        return False
    unit = gram / scale / scale[:, None]
    upper, failed = lapack.dpotrf(unit)
    return not failed and float(lapack.dpocon(upper, np.abs(unit).sum(axis=0).max())[0]) > BEYOND_DOUBT
