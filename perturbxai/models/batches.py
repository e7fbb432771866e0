"""Batches of a model's rows, halved where one does not fit in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from perturbxai.core.stopping import loop_ended
from perturbxai.models.device import is_out_of_memory, release_cached
from perturbxai.models.torch_types import Where

T = TypeVar("T")


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
