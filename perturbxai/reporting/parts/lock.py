"""One run at a time in a folder: a lock that the system takes back whatever ends its process, and who holds it."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perturbxai.reporting.parts.json_files import read_json, write_json

LOCK, HOLDER = ".lock", ".running.json"
WAIT = 0.5  # seconds: who asks how a run goes holds its lock for a moment


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[dict[str, Any] | None]:
    """Nobody else runs in the folder meanwhile, which is made if it is not there, and goes again if nothing is left in it.

    Gives who held it last and ended without a word, None for nobody. Raises ValueError if a run goes on there.
    """
    from filelock import FileLock, Timeout

    made = _make(folder)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=WAIT)
    except Timeout as error:
        raise ValueError(
            f"folder={str(folder)!r}: a run goes on in it{by(holder(folder))}. Wait for it, stop it, or give another folder."
        ) from error
    try:
        left_by = holder(folder)
        began = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(folder / HOLDER, {"process": os.getpid(), "host": socket.gethostname(), "began": began})
        yield left_by
    finally:
        for name in (HOLDER, LOCK):  # the lock's file goes while it is held, so that nobody else takes it for theirs
            (folder / name).unlink(missing_ok=True)
        lock.release()
        for one in reversed(made):
            with contextlib.suppress(OSError):  # it holds something: it stays
                one.rmdir()


def _make(folder: Path) -> list[Path]:
    """The folders that were made, from the outermost on."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def running(folder: Path) -> bool | None:
    """Whether somebody is at work in a folder now; None where that cannot be told, in a folder of somebody else's."""
    from filelock import FileLock, Timeout

    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return None
    lock.release()
    return False


def holder(folder: Path) -> dict[str, Any] | None:
    """Who holds the folder, or held it and ended without a word."""
    return read_json(folder / HOLDER)


def by(who: Mapping[str, Any] | None) -> str:
    """Who it is, for an error."""
    return f", by process {who.get('process')} on {who.get('host')} since {who.get('began')}" if who else ""
