"""Several pieces of work at a time, each in a process that lasts, so that networks are loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any


def each(work: Callable[..., Any], given: Iterable[tuple[Any, ...]], n_workers: int) -> list[Any]:
    """What work returns of each tuple of arguments, in the order of these. The first failure ends all that is not begun."""
    if n_workers == 1:
        return [work(*one) for one in given]
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(work, *one) for one in given]
        try:
            for future in as_completed(waiting):
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [future.result() for future in waiting]
