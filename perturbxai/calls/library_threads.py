"""How many threads the libraries of a process may take: BLAS for what is solved in a call, and all of them in a worker."""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread_of_blas() -> AbstractContextManager[Any]:
    """A context for whatever is solved in a call: solves are small, and threads of BLAS beside a network's own wait for each
    other far longer than they work. It is also what makes a solve the same to the bit wherever it is done."""
    found: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1, user_api="blas")
    return found


def at_most(threads: int) -> AbstractContextManager[Any]:
    """A context for a worker: so many threads of BLAS and OpenMP, and no more."""
    found: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=threads)
    return found


@lru_cache(maxsize=1)
def _libraries(_n_modules: int) -> ThreadpoolController:
    """The libraries of the process. To look for them takes milliseconds, so it is done when a module came."""
    return ThreadpoolController()
