"""Arguments and options that had other names: the old ones work and warn, and are refused beside the new."""

import functools
import sys
import warnings
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

T = TypeVar("T", bound=Callable[..., Any])
Change = str | tuple[str, Mapping[Any, Any]]  # the new name; or the name and the new values, where these changed too


def renamed(**changes: Change) -> Callable[[T], T]:
    """Decorates a function or a dataclass of options, outermost: `changes` are its old names and what they are now.

    An old name as an argument gives a FutureWarning at the line of the call. Of a class it can be read as an attribute too.

    >>> @renamed(old="new", way=("kind", {1: "one"}))
    ... def called(*, new=0, kind="none"):
    ...     return new, kind
    >>> called(new=2, kind="one")
    (2, 'one')
    >>> called(new=2, old=3)
    Traceback (most recent call last):
    TypeError: called() got new= and old=, its old name; give new= alone.
    """

    def decorate(target: T) -> T:
        built = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]

        @functools.wraps(built)
        def call(*args: Any, **given: Any) -> Any:
            before, depth = _replaced()
            olds = [name for name in given if name in changes]
            for new in [_now(changes[old])[0] for old in olds if before is not None]:
                if new in given and given[new] is getattr(before, new):
                    del given[new]  # nobody gave it: `replace` hands on what the object had
            found = current(changes, given, f"{target.__name__}()")
            for old in olds:
                _warn(f"{target.__name__}({old}=...)", changes[old], depth)
            return built(*args, **found)

        if not isinstance(target, type):
            return call  # type: ignore[return-value]
        target.__init__ = call  # type: ignore[misc]
        target.renamed = changes  # type: ignore[attr-defined]
        for old, change in changes.items():
            setattr(target, old, _attribute(target.__name__, old, change))
        return target

    return decorate


def current(changes: Mapping[str, Change], given: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """What was given, under today's names, without a warning. Raises TypeError for both names of one thing."""
    found = dict(given)
    for old in [name for name in given if name in changes]:
        new, values = _now(changes[old])
        if new in found:
            raise TypeError(f"{owner} got {new}= and {old}=, its old name; give {new}= alone.")
        value = found.pop(old)
        found[new] = values.get(value, value) if values and isinstance(value, Hashable) else value
    return found


def _now(change: Change) -> tuple[str, Mapping[Any, Any]]:
    return (change, {}) if isinstance(change, str) else change


def _replaced() -> tuple[object, int]:
    """What `replace` of dataclasses or copy is making a changed copy of, where that called, else None; its frames."""
    frame, depth, before = sys._getframe(2), 0, None
    while frame.f_back and frame.f_globals.get("__name__") in ("dataclasses", "copy"):
        before = frame.f_locals.get("obj", frame.f_locals.get("self"))
        frame, depth = frame.f_back, depth + 1
    return before, depth


def _warn(old: str, change: Change, deeper: int = 0) -> None:
    new, values = _now(change)
    said = f", {', '.join(f'{then!r} -> {now!r}' for then, now in values.items())}" if values else ""
    warnings.warn(f"{old} is now called {new}{said}; the old name will go.", FutureWarning, stacklevel=3 + deeper)


def _attribute(owner: str, old: str, change: Change) -> Any:
    new, values = _now(change)

    def read(self: Any) -> Any:
        _warn(f"{owner}.{old}", change)
        value = getattr(self, new)
        return next((then for then, now in values.items() if now == value), value)

    return property(read, doc=f"Old name of `{new}`.")
