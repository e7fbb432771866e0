"""The current folder as a place of the user's code: its own modules find each other there, and nobody else looks there."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType
from typing import Any

# what carries an import out for other code: by a name it was given, or that data of its hold
CARRIERS = ("importlib", "pickle", "cloudpickle", "dill", "joblib.numpy_pickle", "torch.serialization")


class _Finder:
    """Finds modules in a folder, after all that is installed: the named one, and for code that lies in the folder any.

    A function that imports its neighbour when it is called finds it, long after its own module was imported; a library
    that tries for an optional package does not get a file of that name.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.named = ""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or not (name == self.named or _is_inside(_importer(sys._getframe(1)), self.folder)):
            return None
        return PathFinder.find_spec(name, [self.folder], target)


def _importer(frame: FrameType | None) -> str:
    """The file of the code that asked for an import, below those that carry it out."""
    while frame is not None:
        module = f"{frame.f_globals.get('__name__')}."
        carries = any(module.startswith(f"{package}.") for package in CARRIERS)
        if not frame.f_code.co_filename.startswith("<frozen importlib") and not carries:
            return frame.f_code.co_filename
        frame = frame.f_back
    return ""


def _is_inside(file: str, folder: str) -> bool:
    return os.path.isabs(file) and os.path.realpath(file).startswith(os.path.join(os.path.realpath(folder), ""))


@contextmanager
def holds(name: str) -> Iterator[None]:
    """The current folder as the last place where a named module is looked for, and what it imports from beside it.

    Afterwards only code that lies in the folder finds modules in it.
    """
    here = os.getcwd()
    known: list[Any] = sys.meta_path
    finder = next((one for one in known if isinstance(one, _Finder) and one.folder == here), None)
    if finder is None:
        known.append(finder := _Finder(here))
    finder.named = name.partition(".")[0]
    try:
        yield
    finally:
        finder.named = ""


def shadowed(module: ModuleType, name: str) -> str | None:
    """The file of the current folder that was meant by a name, where something installed is called so too."""
    here = os.path.join(os.getcwd(), *name.split("."))
    mine = next((file for file in (f"{here}.py", os.path.join(here, "__init__.py")) if os.path.isfile(file)), None)
    found = getattr(module, "__file__", None)
    return mine if mine is not None and (found is None or not os.path.samefile(mine, found)) else None
