"""What goes to each worker once while a run lasts, however many calls the run makes: the model, and the space."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from perturbxai.calls.packing import LARGE, Bytes, Lacking, Name, Sent, mapped, pack, write
from perturbxai.core.stopping import context


class Lasting:
    """Things that go out once and together, packed when the first call refers to one of them.

    What they share they share where they are unpacked too. Large ones lie in a file from then on, which workers of this
    machine map, and so does this process where it sends them.
    """

    def __init__(self, things: tuple[Any, ...], folder: Callable[[], str]) -> None:
        self.things, self._folder = things, folder  # held, so that their ids stay their own
        self.name = uuid4().bytes
        self._check = b""
        self._parts: list[Bytes] = []
        self._file = ""

    def pack(self) -> None:
        if not self._parts:
            self._parts = pack(self.things)
            self._check = hashlib.sha256(self._parts[0]).digest()
            if sum(self.sizes) >= LARGE:
                # without a file, on a disk that is full for one, they go with each task
                with contextlib.suppress(OSError, Lacking):
                    self._lay(os.path.join(self._folder(), self.name.hex()))

    def _lay(self, file: str) -> None:
        write(self._parts, file)
        self._parts, self._file = mapped(file, self.sizes), file

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(part.nbytes for part in self._parts)

    def sent(self, whole: bool) -> Sent:
        """As a task brings them. whole: themselves, and not where they lie."""
        parts = self._parts if whole or not self._file else None
        return Sent(self.name, self._check, self.sizes, self._file, parts)


class Run:
    """Things that the calls of a run refer to, for as long as it lasts.

    idle  joblib's Parallel objects that are held open for the next call, by backend and number of workers
    """

    def __init__(self) -> None:
        self.idle: dict[Any, Any] = {}
        self._groups: dict[tuple[int, ...], Lasting] = {}
        self._things: dict[int, tuple[Lasting, int]] = {}  # by id: their group, and their place in that
        self._place: str | None = None
        self._brought: set[tuple[int, bytes]] = set()
        self._end = contextlib.ExitStack()

    def add(self, things: tuple[Any, ...]) -> None:
        """A group. What was in another belongs to this one from now on."""
        key = tuple(map(id, things))
        if key not in self._groups:
            self._groups[key] = Lasting(things, self._folder)
        self._things |= {one: (self._groups[key], place) for place, one in enumerate(key)}

    def naming(self, used: dict[bytes, Lasting]) -> Callable[[Any], Name | None]:
        """Where a thing is that goes out apart, for `pack`; used: takes note of the groups that are referred to."""

        def name_of(one: Any) -> Name | None:
            found = self._things.get(id(one))
            if found is None:
                return None
            group, place = found
            group.pack()
            used[group.name] = group
            return group.name, place

        return name_of

    def bring(self, things: Mapping[bytes, Lasting], client: Any) -> bool:
        """Give them to all workers of a dask cluster, and to those that join it later; False where that is no help."""
        from perturbxai.calls.on_dask import brought

        new = [one for name, one in things.items() if (id(client), name) not in self._brought]
        self._brought |= {(id(client), one.name) for one in new}
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
        self._groups.clear()  # they know this run, for its folder: nothing but a collector would let them go
        self._things.clear()


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
    """Let these go to each worker once as long as the run lasts, together. They may not change meanwhile."""
    if (run := _running.get()) is not None:
        run.add(things)
