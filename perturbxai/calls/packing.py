"""Things as bytes and back: what workers get with a task, from a file of their machine, or have from an earlier task."""

import hashlib
import io
import mmap
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

LARGE = 1 << 20  # bytes of an array that travels beside the rest, and of things that lie in a file meanwhile
ALIGNED = 64  # bytes; what is mapped begins at multiples, as what numpy allocates does
KEPT = 3  # groups of things that outlast a call which a worker keeps: a model's, also with a private copy, and a space

Bytes: TypeAlias = Any
"""An array of uint8."""
Name: TypeAlias = tuple[bytes, int]
"""Of a thing that goes out apart: its group, and its place in that."""
_kept: OrderedDict[bytes, Any] = OrderedDict()  # the one that was used last comes last
_at_hand: dict[bytes, tuple[Any, ...]] = {}  # what went out apart, while what refers to it is unpacked
lock = threading.RLock()  # workers may be threads of one process


class Lacking(Exception):
    """A worker has not got what the bytes refer to, and finds it in no file."""


def pack(given: Any, name_of: Callable[[Any], Name | None] | None = None) -> list[Bytes]:
    """Arrays of bytes: the whole, and each large array that it holds.

    name_of  where a thing is that goes out apart, None for others
    """
    beside: list[Bytes] = []

    def stays(buffer: Any) -> bool:
        own = np.frombuffer(buffer.raw(), dtype=np.uint8)
        if own.nbytes >= LARGE:
            beside.append(own)
        return own.nbytes < LARGE

    with io.BytesIO() as whole:
        pickler = _pickler()(whole, protocol=5, buffer_callback=stays)
        pickler.name_of = name_of
        pickler.dump(given)
        return [np.frombuffer(whole.getvalue(), dtype=np.uint8), *beside]


@cache
def _pickler() -> Any:
    """The class that packs, made once: a class is let go by a collector alone, and so is what it refers to."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        name_of: Callable[[Any], Name | None] | None

        def reducer_override(self, one: Any) -> Any:
            name = self.name_of(one) if self.name_of is not None else None
            return super().reducer_override(one) if name is None else (_thing, name)

    return Pickler


def _thing(group: bytes, place: int) -> Any:
    return _at_hand[group][place]


def unpack(parts: Sequence[Bytes], apart: Mapping[bytes, tuple[Any, ...]] | None = None) -> Any:
    """What was packed. apart: the groups that went out apart, by name.

    Raises RuntimeError, with a way out, for what cannot be unpacked here.
    """
    import cloudpickle

    with lock:
        try:
            _at_hand.update(apart or {})
            return cloudpickle.loads(memoryview(parts[0]), buffers=parts[1:])
        except Exception as error:
            raise RuntimeError(
                f"a worker could not rebuild the model or the space: {type(error).__name__}: {error}. Functions and classes "
                "of a module travel by its name: see that workers can import it, define them in the script or notebook "
                "itself, or let threads do the work: joblib.parallel_config(backend='threading')."
            ) from error
        finally:
            _at_hand.clear()


def _ends(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where parts of these sizes begin in a file, and where the last one ends."""
    starts, end = [], 0
    for size in sizes:
        starts.append(-(-end // ALIGNED) * ALIGNED)
        end = starts[-1] + size
    return starts, end


def write(parts: Sequence[Bytes], file: str) -> None:
    """Parts into a file, from which they are mapped."""
    starts, _ = _ends([part.nbytes for part in parts])
    with open(file, "wb") as out:
        for start, part in zip(starts, parts, strict=True):
            out.seek(start)
            out.write(part)


def mapped(file: str, sizes: Sequence[int]) -> list[Bytes]:
    """Parts of these sizes as they lie in a file of this machine, of which none is copied until it is written to.

    Raises Lacking without it.
    """
    starts, end = _ends(sizes)
    try:
        with open(file, "rb") as there:
            if os.fstat(there.fileno()).st_size != end:
                raise Lacking(file)
            # no np.memmap, which joblib would send back as the name of a file that is gone by then
            held = mmap.mmap(there.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise Lacking(file) from error
    return [np.frombuffer(held, np.uint8, size, start) for size, start in zip(sizes, starts, strict=True)]


@dataclass(frozen=True)
class Sent:
    """Things that outlast a call, as a task brings them: their name, and the file where they lie, or themselves.

    name   of this group in this run: what is packed alike in another may be something else, as a model that is read from a
           file when it is unpacked, or by a class whose attributes were others meanwhile
    check  a digest of the first part, which could do harm if a file were not what was written

    A worker keeps those that it used last, so that it unpacks them once.
    """

    name: bytes
    check: bytes
    sizes: tuple[int, ...]
    file: str
    parts: list[Bytes] | None

    @property
    def things(self) -> tuple[Any, ...]:
        """Raises Lacking where it is neither kept nor in the file, RuntimeError for what cannot be unpacked here."""
        with lock:
            if self.name not in _kept:
                # a model may write into arrays of its own
                parts = self._mapped() if self.parts is None else [np.require(part, requirements="W") for part in self.parts]
                while len(_kept) >= KEPT:  # before another takes memory
                    _kept.popitem(last=False)
                _kept[self.name] = unpack(parts)
            _kept.move_to_end(self.name)
            found: tuple[Any, ...] = _kept[self.name]
            return found

    def _mapped(self) -> list[Bytes]:
        parts = mapped(self.file, self.sizes)
        if hashlib.sha256(parts[0]).digest() != self.check:
            raise Lacking(self.file)
        return parts
