"""Options of methods are checked for their kind where an object is made, before the method's own checks compare them."""

import functools
from dataclasses import dataclass, fields
from numbers import Real
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, dataclass_transform, get_args, get_origin

import numpy as np

from perturbxai.core.checks import as_given, as_number, is_missing, is_number, is_whole

T = TypeVar("T")

MOST, MOST_OF_FLOATS = 2**63 - 1, int(np.finfo(np.float64).max)
KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool, np.bool_), "True or False"),
    "int": ((Real, np.number), "a whole number"),
    "float": ((Real, np.number), "a number"),
    "str": ((str,), "text"),
}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def options(cls: type[T]) -> type[T]:
    """A frozen dataclass of options, given by name. Plain ones refuse values of another kind, all pandas' missing values.

    Numbers are kept as Python's own: NumPy's have a width, beyond which what is computed of them would turn over.

    Raises TypeError, which names the class, the option, what came and what was expected; ValueError for whole numbers that
    64 bits do not hold.

    >>> @options
    ... class Mine:
    ...     width: float = 1.0
    >>> Mine(width="wide")
    Traceback (most recent call last):
    TypeError: Mine(width='wide'): expected a number; leave the option out for its default.
    """
    cls = dataclass(frozen=True, kw_only=True)(cls)
    declared = {field.name: [part.strip() for part in _declared(field.type).split("|")] for field in fields(cls)}  # type: ignore[arg-type]
    built = cls.__init__

    @functools.wraps(built)
    def made(self: T, *args: object, **given: Any) -> None:
        for name, value in given.items():
            if name in declared:
                _check(cls.__name__, name, value, declared[name])
                given[name] = _plain(value, declared[name])
        built(self, *args, **given)
        for name, value in given.items():  # now that the method's own checks, which know bounds as well, had the first word
            _check(cls.__name__, name, value, declared[name], whole=True)

    cls.__init__ = made  # type: ignore[assignment, method-assign]
    return cls


def _declared(kind: object) -> str:
    """What an option is declared as, in the words of the source; an annotation is these words or what they mean."""
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(_declared, get_args(kind)))
    if kind is NoneType:
        return "None"
    return kind.__name__ if type(kind) is type else str(kind)


def _plain(value: object, parts: list[str]) -> object:
    """A number as Python's own int, float or bool, and no int that NumPy does not hold; anything else as it is."""
    if isinstance(value, np.bool_):
        return bool(value)
    if not is_number(value) or (isinstance(value, int) and abs(value) <= MOST):
        return value
    if "float" in parts:
        return int(value) if is_whole(value) and abs(value) <= MOST else float(value)
    return int(value) if is_whole(value) or ("int" in parts and value % 1 == 0) else float(value)


def _fits(value: object, parts: list[str], whole: bool) -> bool:
    """Whether a value is of one of these plain kinds;  whole: whether a fraction is no whole number."""
    if value is None or isinstance(value, (bool, np.bool_)):  # which Python counts as a number
        return ("None" if value is None else "bool") in parts
    kinds = [part for part in parts if part in KINDS and not (whole and part == "int" and as_number(value) % 1 != 0)]
    return any(isinstance(value, KINDS[part][0]) for part in kinds)


def _check(owner: str, name: str, value: object, parts: list[str], whole: bool = False) -> None:
    kinds = [KINDS[part] for part in parts if part in KINDS]
    plain = bool(kinds) and all(part in KINDS or part == "None" for part in parts)
    if (plain and not _fits(value, parts, whole)) or is_missing(value):
        expected = " or ".join(words for _, words in kinds) if plain else "a value"
        raise TypeError(f"{owner}({name}={as_given(value)}): expected {expected}; leave the option out for its default.")
    if isinstance(value, int) and abs(value) > (MOST_OF_FLOATS if "float" in parts else MOST):
        raise ValueError(f"{owner}({name}={as_given(value)}): expected a number that 64 bits hold; give a smaller one.")
