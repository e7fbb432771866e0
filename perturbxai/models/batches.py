"""Batches of a model's rows, halved where one does not fit in memory, and how far along they are."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from perturbxai.core.stopping import loop_ended
from perturbxai.models.device import is_out_of_memory, release_cached
from perturbxai.models.torch_types import Where

T = TypeVar("T")
Progress = bool | Callable[[int, int], None]


@dataclass(eq=False)
class Batches:
    """What is known of how many rows fit, for everything that one predictor asks.

    device   whose cached memory is given back before a smaller batch is tried
    limit    rows a batch at most, once memory ran out;  retried: rows asked again for that
    """

    device: Where | None
    limit: int | None = None
    retried: int = 0

    def run(self, n: int, size: int, ask: Callable[[int, int], T]) -> Iterator[tuple[int, int, T]]:
        """(start, stop, ask(start, stop)) over n rows in order, `size` at a time or as many as fit.

        What is asked for again has the start of what failed. Raises the model's own error if one row does not fit.
        """
        size = min(size, self.limit) if self.limit else size
        start = 0
        while start < n:
            stop = min(start + size, n)
            found: list[T] = []
            try:
                found.append(ask(start, stop))
            except (StopIteration, GeneratorExit) as error:
                raise loop_ended(error) from error
            except Exception as error:
                if not is_out_of_memory(error) or stop - start == 1:
                    raise
            if not found:  # here the error no longer holds what the batch took
                self.retried += stop - start
                size = self.limit = (stop - start) // 2
                release_cached(self.device)
                continue
            yield start, stop, found.pop()
            start = stop


class Bar:
    """Progress over rows whose number grows as questions come in: a tqdm bar, or the user's function."""

    def __init__(self, progress: Progress, what: str) -> None:
        self.total = self.done = 0
        self.call = progress if callable(progress) else None
        self.bar: Any = None
        if progress is True:
            from tqdm import tqdm

            self.bar = tqdm(total=0, desc=what, unit="row", file=sys.stderr, leave=False)

    def expect(self, rows: int) -> None:
        self.total += rows
        if self.bar is not None:
            self.bar.total = self.total
            self.bar.refresh()

    def advance(self, rows: int) -> None:
        self.done += rows
        if self.call is not None:
            try:
                self.call(self.done, self.total)
            except StopIteration as error:
                raise RuntimeError("progress raised StopIteration, which Python takes for the end of a loop.") from error
        elif self.bar is not None:
            self.bar.update(rows)

    def pass_by(self, rows: int) -> None:
        """Rows that nobody announced: how many passes a search or a line of gradients takes is known when they are over."""
        self.expect(rows)
        self.advance(rows)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
