"""What a user passes in place of a name of ours: how it is called, which arguments it takes, and that it changes none."""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def read_only(value: T) -> T:
    """An array that its reader cannot change, for others read it too; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


class Shared:
    """Data that several methods read: its arrays cannot be written to."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, one.name, read_only(getattr(self, one.name)))


def name_of(function: Callable[..., Any], argument: str, taken: Collection[str] = ()) -> str:
    """What tables call a function: its `name`, or the name it was defined under.

    taken  names that it may not have.  Raises TypeError for a function without a name, ValueError for one that is taken.

    >>> name_of(max, "metrics")
    'max'
    """
    name = getattr(function, "name", None) or getattr(function, "__name__", "")
    if not isinstance(name, str) or name in ("", "<lambda>"):
        raise TypeError(
            f"{argument}: {function!r:.80} has no name for tables to show; define it with def, or give it one: "
            "function.name = 'mine'."
        )
    if name in taken:
        raise ValueError(f"{argument}: {name!r} is a name of perturbxai's own; call yours otherwise.")
    return name


def takes(
    function: Callable[..., Any], offered: Collection[str], argument: str, *, first: int = 0, needed: bool = False
) -> tuple[str, ...]:
    """Which of the offered arguments a function is given: those that it names, and that no partial has set.

    first   1 if it gets the picture besides, in front;  needed: only what it has no default for
    Raises TypeError for a function that cannot do without another argument, or has no place for the picture.

    >>> takes(lambda picture, labels: picture, ("labels", "rng"), "fill", first=1)
    ('labels',)
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, it does not tell
        return ()
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(by_place) < first and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        name = f"{getattr(function, '__name__', function)!s:.80}"
        raise TypeError(f"{argument}: {name} takes no argument by place; let it take the picture: def {name}(picture).")
    parameters = parameters[first:]
    bound = function.keywords if isinstance(function, functools.partial) else {}
    by_name = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in bound]
    found = [p for p in by_name if p.name in offered]
    lacks = [
        p.name for p in parameters
        if p not in found and p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    if set(lacks) & {p.name for p in parameters if p.kind is p.POSITIONAL_ONLY} & set(offered):
        raise TypeError(
            f"{argument}: {getattr(function, '__name__', function)!s:.80} takes {', '.join(map(repr, lacks))} by "
            "place alone, but is given it by name; leave out the / of its arguments."
        )
    if lacks:
        raise TypeError(
            f"{argument}: {getattr(function, '__name__', function)!s:.80} takes {', '.join(map(repr, lacks))}, which nobody "
            f"gives it; what it may take by name is {', '.join(offered)}."
        )
    return tuple(p.name for p in found if not needed or p.default is p.empty)
