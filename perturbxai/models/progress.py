"""How far along a call is: a bar in a terminal or notebook, a line a minute where stderr goes into a file, or a function."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Progress = bool | Callable[[int, int], None] | None
SETTING, SILENT = "PERTURBXAI_PROGRESS", ("off", "0", "false", "no", "none", "")
PATIENCE = 1.0  # seconds that nothing is shown for: most calls are over by then
EVERY = 60.0  # seconds between lines


class Bar:
    """Progress over rows whose number grows as questions come in.

    progress  True for a bar, or lines where stderr is no terminal; None for a bar in a terminal or notebook and silence
              elsewhere; a function of (done, total); False for silence
    With PERTURBXAI_PROGRESS=off in the environment nothing is shown; functions are called all the same.
    """

    def __init__(self, progress: Progress, what: str) -> None:
        self.total = self.done = 0
        self.call = progress if callable(progress) else None
        self.what, self.how = what, shown_as(progress)
        self.began = self.told = time.monotonic()
        self.bar: Any = None

    def expect(self, rows: int) -> None:
        self.total += rows
        if self.bar is not None:
            self.bar.total = self.total

    def advance(self, rows: int) -> None:
        self.done += rows
        if self.call is not None:
            try:
                self.call(self.done, self.total)
            except StopIteration as error:
                raise RuntimeError("progress raised StopIteration, which Python takes for the end of a loop.") from error
        elif self.bar is not None:
            self.bar.update(rows)
        elif self.how == "bar" and time.monotonic() - self.began >= PATIENCE:
            self.bar = _bar(self.what, self.done, self.total, time.monotonic() - self.began)
        elif self.how == "lines" and time.monotonic() - self.told >= EVERY:
            self.told = time.monotonic()
            with suppress(OSError, ValueError):  # nobody reads it any more, which is no reason to stop
                print(self.line(self.told - self.began), file=sys.stderr, flush=True)

    def pass_by(self, rows: int) -> None:
        """Rows that nobody announced: how many passes a search or a line of gradients takes is known when they are over."""
        self.expect(rows)
        self.advance(rows)

    def line(self, seconds: float) -> str:
        """What is done after so many seconds, and what is left of what is known so far."""
        pace = self.done / max(seconds, 1e-9)
        left = (self.total - self.done) / max(pace, 1e-9)
        share = f"{self.done:,} of {self.total:,} model rows that are asked so far ({self.done / max(self.total, 1):.0%})"
        return f"{self.what}: {share} after {_spell(seconds)}, {pace:,.3g} a second, these take {_spell(left)} more"

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def shown_as(progress: Progress) -> str:
    """ "bar", "lines", or "" for nothing.

    >>> shown_as(False), shown_as(lambda done, total: None)
    ('', '')
    """
    if progress is False or callable(progress) or os.environ.get(SETTING, "on").strip().lower() in SILENT:
        return ""
    if _in_notebook() or _is_terminal():
        return "bar"
    return "lines" if progress and sys.stderr is not None else ""  # without one print() writes to stdout


def _is_terminal() -> bool:
    return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def _bar(what: str, done: int, total: int, seconds: float) -> Any:
    """A bar that began so many seconds ago."""
    from tqdm import tqdm

    found = tqdm(total=total, initial=0, desc=what, unit="row", file=sys.stderr, leave=False, mininterval=0.2)
    found.start_t -= seconds
    found.update(done)
    return found


def _spell(seconds: float) -> str:
    """A time in words.

    >>> _spell(42.4), _spell(200), _spell(9000)
    ('42 s', '3 min', '2.5 h')
    """
    return (
        f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
    )
