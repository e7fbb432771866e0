"""What goes to each worker once while a run lasts, however many calls the run makes: the model, and the space."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from perturbxai.calls.packing import LARGE, Bytes, Sent, mapped, pack, write
from perturbxai.core.stopping import context


class Lasting:
    """A thing that goes out once, packed when the first call refers to it.

    A large one lies in a file from then on, which workers of this machine map, and so does this process where it sends it.
    """

    def __init__(self, thing: Any, folder: Callable[[], str]) -> None:
        self.thing, self._folder = thing, folder  # held, so that its id stays its own
        self._digest: bytes | None = None
        self._check = b""
        self._parts: list[Bytes] = []
        self._file = ""

    @property
    def digest(self) -> bytes:
        if self._digest is None:
            self._digest, self._parts = pack(self.thing)
            self._check = hashlib.sha256(self._parts[0]).digest()
            if sum(self.sizes) >= LARGE:
                # without a file, on a disk that is full for one, it goes with each task
                with contextlib.suppress(OSError):
                    self._lay(os.path.join(self._folder(), self._digest.hex()))
        return self._digest

    def _lay(self, file: str) -> None:
        write(self._parts, file)
        self._parts, self._file = mapped(file, self.sizes), file

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(part.nbytes for part in self._parts)

    def sent(self, whole: bool) -> Sent:
        """As a task brings it. whole: itself, and not where it lies."""
        parts = self._parts if whole or not self._file else None
        return Sent(self.digest, self._check, self.sizes, self._file, parts)


class Run:
    """Things that the calls of a run refer to, for as long as it lasts.

    idle  joblib's Parallel objects that are held open for the next call, by backend and number of workers
    """

    def __init__(self) -> None:
        self.idle: dict[Any, Any] = {}
        self._things: dict[int, Lasting] = {}
        self._place: str | None = None
        self._brought: set[tuple[int, bytes]] = set()
        self._end = contextlib.ExitStack()

    def add(self, thing: Any) -> None:
        self._things.setdefault(id(thing), Lasting(thing, self._folder))

    def naming(self, used: dict[bytes, Lasting]) -> Callable[[Any], bytes | None]:
        """The digest of a thing that goes out apart, for `pack`; used: takes note of those that are referred to."""

        def name_of(one: Any) -> bytes | None:
            found = self._things.get(id(one))
            if found is None:
                return None
            used[found.digest] = found
            return found.digest

        return name_of

    def bring(self, things: Mapping[bytes, Lasting], client: Any) -> bool:
        """Give them to all workers of a dask cluster, and to those that join it later; False where that is no help."""
        from perturbxai.calls.on_dask import brought

        new = [one for digest, one in things.items() if (id(client), digest) not in self._brought]
        self._brought |= {(id(client), one.digest) for one in new}
        return bool(new) and all(brought(one.sent(whole=True), client, self._end) for one in new)

    def _folder(self) -> str:
        """Where files lie, which are gone when the run ends, whatever ends it."""
        if self._place is None:
            if place := os.environ.get("JOBLIB_TEMP_FOLDER"):
                os.makedirs(place, exist_ok=True)
            self._place = tempfile.mkdtemp(prefix="perturbxai-", dir=place or None)
            self._end.callback(_clear, self._place)
            if (watch := _watch()) is not None:
                watch.register(self._place, "folder")
        return self._place

    def close(self) -> None:
        with self._end:  # whatever happens to them
            for parallel in self.idle.values():
                parallel.__exit__(None, None, None)


def _watch() -> Any:
    """A process of loky's, which clears away what is left when this one and all workers have ended, None without."""
    try:
        from joblib.externals.loky.backend import resource_tracker  # type: ignore[import-untyped]
    except ImportError:
        return None
    return resource_tracker


def _clear(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # Windows removes no file that a worker has mapped
    if not os.path.isdir(folder) and (watch := _watch()) is not None:
        watch.unregister(folder, "folder")


_running: ContextVar[Run | None] = ContextVar("_running", default=None)


def current() -> Run | None:
    return _running.get()


@context
def sent_once() -> Iterator[None]:
    """A run: within, what `hold` names goes to each worker once. One inside another is part of it."""
    if _running.get() is not None:
        yield
        return
    run = Run()
    before = _running.set(run)
    try:
        yield
    finally:
        _running.reset(before)
        run.close()


def hold(*things: Any) -> None:
    """Let these go to each worker once as long as the run lasts. They may not change meanwhile."""
    if (run := _running.get()) is not None:
        for one in things:
            run.add(one)
