"""Options of methods are checked for their kind where an object is made, before the method's own checks compare them."""

import functools
from dataclasses import dataclass, fields
from numbers import Real
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, dataclass_transform, get_args, get_origin

import numpy as np

from perturbxai.core.checks import as_given, is_missing, is_number, is_whole

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
    declared = {field.name: _declared(field.type) for field in fields(cls)}  # type: ignore[arg-type]
    built = cls.__init__

    @functools.wraps(built)
    def made(self: T, *args: object, **given: Any) -> None:
        for name, value in given.items():
            if name in declared:
                _check(cls.__name__, name, value, declared[name])
                given[name] = _plain(value, declared[name])
        built(self, *args, **given)

    cls.__init__ = made  # type: ignore[assignment, method-assign]
    return cls


def _declared(kind: object) -> str:
    """What an option is declared as, in the words of the source; an annotation is these words or what they mean."""
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(_declared, get_args(kind)))
    if kind is NoneType:
        return "None"
    return kind.__name__ if type(kind) is type else str(kind)


def _plain(value: object, declared: str) -> object:
    """A number as Python's own int, float or bool, and no int that NumPy does not hold; anything else as it is."""
    if isinstance(value, np.bool_):
        return bool(value)
    if type(value) is float or not is_number(value) or (isinstance(value, int) and abs(value) <= MOST):
        return value
    return int(value) if is_whole(value) and not ("float" in declared and abs(value) > MOST) else float(value)


def _check(owner: str, name: str, value: object, declared: str) -> None:
    parts = [part.strip() for part in declared.split("|")]
    kinds = [KINDS[part] for part in parts if part in KINDS]
    plain = bool(kinds) and all(part in KINDS or part == "None" for part in parts)
    wrong = plain and value is not None and not isinstance(value, tuple(t for types, _ in kinds for t in types))
    if wrong or is_missing(value):
        expected = " or ".join(words for _, words in kinds) if plain else "a value"
        raise TypeError(f"{owner}({name}={as_given(value)}): expected {expected}; leave the option out for its default.")
    if isinstance(value, int) and abs(value) > (MOST_OF_FLOATS if "float" in parts else MOST):
        raise ValueError(f"{owner}({name}={as_given(value)}): expected a number that 64 bits hold; give a smaller one.")
