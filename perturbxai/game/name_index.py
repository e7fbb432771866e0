"""Where the names of rows stand: a hash table. Few names need no compiled one."""

import sys
from typing import Protocol

import numpy as np

from perturbxai.core.compiled import kernels
from perturbxai.core.types import Bools, Ints, Words

FEW = 1 << 17  # names that are looked up without compiled kernels: forty times slower, and sooner than these are loaded


class NameIndex(Protocol):
    """Numbers by name. Names (C, 2) are kept by the caller, in whose array they stand by number."""

    def find(self, wanted: Words, names: Words) -> Ints:
        """(U,): the numbers of names, -1 where one was not entered."""

    def enter(self, wanted: Words, names: Words, n_known: int, again: Bools) -> tuple[Ints, Ints]:
        """(R,) numbers, and the lines (U,) of those that were not there, which are written to `names` behind the known ones.

        again: set for each that was there
        """

    def restart(self, names: Words) -> None:
        """Know these names alone, by their order."""


class PlainIndex:
    """The index of few names: a dictionary."""

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}

    def find(self, wanted: Words, names: Words) -> Ints:  # noqa: ARG002
        return np.array([self._number.get(name, -1) for name in _bytes(wanted)], dtype=np.int64)

    def enter(self, wanted: Words, names: Words, n_known: int, again: Bools) -> tuple[Ints, Ints]:
        asked, number = _bytes(wanted), self._number
        fresh = [name for name in dict.fromkeys(asked) if name not in number]
        number.update(zip(fresh, range(n_known, n_known + len(fresh)), strict=True))
        places = np.array([number[name] for name in asked], dtype=np.int64)
        line = dict(zip(reversed(asked), range(len(asked) - 1, -1, -1), strict=True))  # the first of each, for it comes last
        first = np.array([line[name] for name in fresh], dtype=np.int64)
        names[n_known : n_known + len(fresh)] = wanted[first]
        once = np.zeros(len(asked), dtype=bool)
        once[first] = True
        again[places[~once]] = True
        return places, first

    def restart(self, names: Words) -> None:
        self._number = {name: number for number, name in enumerate(_bytes(names))}


class CompiledIndex:
    """The index of many names: a table with open addressing, twice as large as there may be names."""

    def __init__(self, room: int) -> None:
        self._slots = np.zeros(2 * room, dtype=np.int32)

    def find(self, wanted: Words, names: Words) -> Ints:
        found = np.empty(len(wanted), dtype=np.int64)
        kernels.find_names(wanted, names, self._slots, found)
        return found

    def enter(self, wanted: Words, names: Words, n_known: int, again: Bools) -> tuple[Ints, Ints]:
        places, first = np.empty(len(wanted), dtype=np.int64), np.empty(len(wanted), dtype=np.int64)
        n_new = kernels.enter_names(wanted, names, n_known, self._slots, again, places, first)
        return places, first[:n_new]

    def restart(self, names: Words) -> None:
        self._slots[:] = 0
        kernels.store_names(names, 0, self._slots)


def index(n_names: int, room: int) -> NameIndex:
    """An index of so many names, and compiled of as many as there is room for."""
    few = n_names <= FEW and "perturbxai.core.kernels" not in sys.modules
    return PlainIndex() if few else CompiledIndex(room)


def _bytes(names: Words) -> list[bytes]:
    """Each name as the key of a dictionary."""
    found: list[bytes] = np.ascontiguousarray(names).view("V16").ravel().tolist()
    return found
