"""Progress over rows whose number grows as questions come in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Progress = bool | Callable[[int, int], None]


class Bar:
    """Progress over rows whose number grows as questions come in: a tqdm bar, or the user's function."""

    def __init__(self, progress: Progress, what: str) -> None:
        self.total = self.done = 0
        self.call = progress if callable(progress) else None
        self.bar: Any = None
        if self.call is None:
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
