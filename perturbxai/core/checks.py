"""Arguments that every room takes: whole numbers, numbers, shares, one of several words; all refused in one form.

A message has the argument, what came, what is expected, and the way out: "top=0 must be a whole number from 1 up, or None."
The way out brings its own comma or semicolon: `way=", or None"`. What is refused is a ValueError, of whatever kind it is;
a TypeError where one or several things are asked for, and what came is neither.
"""

import difflib
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeGuard, TypeVar

import numpy as np

T = TypeVar("T")

MOST_SHOWN = 120  # characters of a value in a message


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is an integer of Python or NumPy. True, 2.0, a span of time and an array without an axis are none."""
    return isinstance(value, Integral) and not isinstance(value, (bool, np.timedelta64))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a real number of Python or NumPy, NaN too. True, text, Decimal and complex numbers are none."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64))


def as_number(value: object) -> float:
    """The number, or NaN, which lies within no bounds: for what is none, and for what float64 cannot hold."""
    try:
        return float(value) if is_number(value) else np.nan
    except OverflowError:
        return np.nan


def is_missing(value: object) -> bool:
    """pandas' NA and NaT and numpy's NaT: what neither equals anything nor can be asked. NaN is a number."""
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, np.datetime64) and bool(np.isnat(value)))


def refuse_missing(**given: object) -> None:
    """Refuse pandas' missing values as arguments, by name. Raises TypeError."""
    for name, value in given.items():
        if is_missing(value):
            raise TypeError(f"{name}={value!r} is a missing value; leave it out for its default.")


def whole(
    name: str, value: object, least: int = 0, *, most: int | None = None, of: str = "", way: str = "", floats: bool = False
) -> int:
    """A whole number of something, from `least` up and no more than `most`; with `floats`, 2.0 is one too.

    >>> whole("rows", 0, 1, of="model rows", way=", or None")
    Traceback (most recent call last):
    ValueError: rows=0 must be a whole number of model rows from 1 up, or None.
    """
    found = value if is_whole(value) else as_number(value) if floats else np.nan
    if found % 1 == 0 and least <= found and (most is None or found <= most):
        return int(found)
    raise ValueError(f"{name}={as_given(value)} must be a whole number{of and f' of {of}'} from {least} up{way}.")


def seed(value: object) -> int:
    """What random numbers are drawn from: a whole number from 0 up."""
    return whole("seed", value)


def number(
    name: str,
    value: object,
    expected: str,
    *,
    above: float | None = None,
    below: float | None = None,
    least: float = -np.inf,
    most: float = np.inf,
) -> float:
    """A number within its bounds, of which `above` and `below` are outside themselves.

    >>> number("sigma", -1, "a number above 0, such as 0.15", above=0)
    Traceback (most recent call last):
    ValueError: sigma=-1 must be a number above 0, such as 0.15.
    """
    found = as_number(value)
    if least <= found <= most and (above is None or above < found) and (below is None or found < below):
        return found
    raise ValueError(f"{name}={as_given(value)} must be {expected}.")


def share(name: str, value: object, way: str = "") -> float:
    """A number above 0 and below 1."""
    if 0.0 < (found := as_number(value)) < 1.0:
        return found
    raise ValueError(f"{name}={as_given(value)} must lie between 0 and 1{way}.")


def one_of(name: str, value: T, known: Iterable[object], way: str = "") -> T:
    """One of the known words, or None where it is among them.

    >>> one_of("how", "men", ("sum", "mean", None))
    Traceback (most recent call last):
    ValueError: how='men' is not known; expected one of 'sum', 'mean' or None; did you mean 'mean'?
    """
    words = [one for one in known if isinstance(one, str)]
    if (isinstance(value, str) and value in words) or (value is None and None in known):
        return value
    expected = ", ".join(map(repr, words)) + " or None" * (None in known) + way
    raise ValueError(f"{name}={as_given(value)} is not known; expected one of {expected}{did_you_mean(value, words) or '.'}")


def flag(name: str, value: object) -> bool:
    """True or False, of Python or NumPy."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise ValueError(f"{name}={as_given(value)} must be True or False.")


def several(name: str, given: object, expected: str, alone: tuple[type, ...] = (str,)) -> list[Any]:
    """One or several things as a list: what is of a type that stands alone, or all that anything else gives, once.

    Raises TypeError for what cannot be gone through, for bytes, and for mappings, whose values nobody would read.

    >>> several("metrics", 5, "a name, or several")
    Traceback (most recent call last):
    TypeError: metrics=5 must be a name, or several.
    """
    if isinstance(given, alone):
        return [given]
    try:
        each = None if isinstance(given, (Mapping, bytes)) else iter(given)  # type: ignore[call-overload]
    except TypeError:  # also of an array without an axis, which has the method
        each = None
    if each is None:
        raise TypeError(f"{name}={as_given(given)} must be {expected}.")
    return list(each)


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """The known word that is spelled most alike, as the end of a sentence; empty if none is."""
    near = difflib.get_close_matches(value if isinstance(value, str) else as_given(value), list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def as_given(value: object) -> str:
    """What came, as Python spells it, on one line and shortened; its type where Python cannot, as of 10**5000."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an object of the caller's, or more digits than Python writes
        text = f"<{type(value).__name__}>"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 4]} ..."
