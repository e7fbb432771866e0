"""The current folder as a place of the user's code: its own modules find each other there, and nobody else looks there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType
from typing import Any


class _Siblings:
    """Finds a module in a folder for code that lies in this folder, after everything that is installed.

    A function that imports its neighbour when it is called finds it, long after its own module was imported; a library
    that tries for an optional package does not get a file of that name.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:  # fmt: skip
        if path is not None or not _is_inside(_importer(sys._getframe(1)), self.folder):
            return None
        return PathFinder.find_spec(name, [self.folder], target)


def _importer(frame: FrameType | None) -> str:
    """The file of the code that asked for an import, below those that carry it out."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen importlib") and frame.f_globals.get("__name__") != "importlib":
            return name
        frame = frame.f_back
    return ""


def _is_inside(file: str, folder: str) -> bool:
    return os.path.isabs(file) and os.path.realpath(file).startswith(os.path.join(os.path.realpath(folder), ""))


@contextmanager
def on_the_path() -> Iterator[None]:
    """The current folder as the last place where modules are looked for; afterwards only for modules that lie in it."""
    here = os.getcwd()
    known: list[Any] = sys.meta_path
    if not any(isinstance(finder, _Siblings) and finder.folder == here for finder in known):
        known.append(_Siblings(here))
    sys.path.append(here)
    try:
        yield
    finally:
        # the last of them: the same folder may have been on the path already
        del sys.path[len(sys.path) - 1 - sys.path[::-1].index(here)]


def shadowed(module: ModuleType, name: str) -> str | None:
    """The file of the current folder that was meant by a name, where something installed is called so too."""
    here = os.path.join(os.getcwd(), *name.split("."))
    mine = next((file for file in (f"{here}.py", os.path.join(here, "__init__.py")) if os.path.isfile(file)), None)
    found = getattr(module, "__file__", None)
    return mine if mine is not None and (found is None or not os.path.samefile(mine, found)) else None
