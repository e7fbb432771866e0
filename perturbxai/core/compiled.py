"""numba's kernels, loaded when one is first needed: numba takes longer to load than a small job lasts.

What a job needs of them first, rows, their names and errors, numpy does as well: to the same bits, several times slower. It
does so until numbers are many, so that a short process never waits for numba.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from perturbxai.core import plain_kernels

PATIENCE = 1 << 23  # numbers that numpy makes first: in hundredths of a second, where loading numba takes .25 s or more

_made = 0


class Compiled:
    """A module of kernels that is loaded when one of them is asked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, kernel: str) -> Any:
        return getattr(import_module(self._module), kernel)


kernels = Compiled("perturbxai.core.kernels")
game_kernels = Compiled("perturbxai.core.game_kernels")
bin_kernels = Compiled("perturbxai.core.bin_kernels")
tree_kernels = Compiled("perturbxai.core.tree_kernels")


def row_kernels(n_numbers: int) -> ModuleType | Compiled:
    """The kernels by which so many numbers are made: numpy's as long as numba is not worth its loading."""
    global _made
    if "perturbxai.core.kernels" in sys.modules or _made + n_numbers > PATIENCE:
        return kernels
    _made += n_numbers
    return plain_kernels
