"""What all tasks of a call need, as it travels to workers."""

from collections.abc import Iterator
from typing import Any, Self
from uuid import uuid4

from perturbxai.calls.packing import Bytes, Sent, lock, pack, unpack
from perturbxai.calls.sent_once import Lasting, Run, current

_unpacked: dict[bytes, Any] = {}


class Shipment:
    """What all tasks of a call need: packed once a call and unpacked once a worker, or handed on in the same process.

    What the run sends once is not in it, but referred to.
    """

    def __init__(self, given: Any) -> None:
        self._given = given
        self._name = uuid4().bytes  # of this one: what is packed alike in another call may be something else
        self._packed: list[Bytes] | None = None
        self._apart: dict[bytes, Lasting] = {}
        self._run: Run | None = None
        self._whole = False
        self.here = True  # whether this is the process of the caller

    def pack(self) -> list[Bytes]:
        """Raises RuntimeError, with a way out, for what cannot travel."""
        if self._packed is None:
            self._run = current()
            try:
                self._packed = pack(self._given, self._run.naming(self._apart) if self._run else None)
            except Exception as error:
                raise RuntimeError(
                    f"the model or the space cannot be sent to workers: {type(error).__name__}: {error}. Leave out what "
                    "holds locks, files or connections, or let threads do the work: "
                    "joblib.parallel_config(backend='threading')."
                ) from error
        return self._packed

    def ways(self, client: Any) -> Iterator[Self]:
        """As it goes out first; and then, for tasks of workers who lacked something: once a cluster has it, and whole.

        client  of a dask cluster, None without
        """
        yield self
        if client is not None and self._run is not None and self._run.bring(self._apart, client):
            yield self
        whole = type(self)(self._given)
        whole._name, whole._packed, whole._apart, whole._whole = self._name, self._packed, self._apart, True
        yield whole

    def __reduce__(self) -> tuple[Any, ...]:
        return Received, (self._name, self.pack(), [one.sent(self._whole) for one in self._apart.values()])

    @property
    def given(self) -> Any:
        return self._given


class Received:
    """A shipment in the process of a worker."""

    here = False

    def __init__(self, name: bytes, parts: list[Bytes], apart: list[Sent]) -> None:
        self.name, self.parts, self.apart = name, parts, apart

    @property
    def given(self) -> Any:
        """Raises Lacking, and RuntimeError, with a way out, for what cannot be unpacked here."""
        with lock:
            if self.name not in _unpacked:
                _unpacked.clear()  # one call at a time
                _unpacked[self.name] = unpack(self.parts, {one.name: one.things for one in self.apart})
            return _unpacked[self.name]
