"""The values of a configuration: what each key may be, and how what it may not be is refused in words."""

import re
from collections.abc import Collection, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from perturbxai.command import text_options
from perturbxai.core import catalogue

Whole = Annotated[StrictInt, Field(ge=1)]
Players = Annotated[StrictInt, Field(ge=2)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]

SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d*))?")
NUMBERS = re.compile(r"-?\d+(,-?\d+)*")
SIDES = re.compile(r"(\d{1,6})x(\d{1,6})")
ALL, NONE = "all", "none"
NAMED = ("methods", "baselines", "metrics", "segments")  # keys whose values are names of ours
NO_OPTIONS = "A config gives a method no options: in Python an object has them, as in px.explain([px.Lime(ridge=0.1)], ...)"
ON_PICTURES = (*(name for name in catalogue.EXPLAINERS if name not in catalogue.ON_TABLES_ONLY), *catalogue.MAPS)
TABLES = catalogue.ON_TABLES_ONLY
ON_TABLES = tuple(name for name, entry in catalogue.BASELINES.items() if "table" in entry.on)


def workers(value: int) -> int:
    if value == 0:
        raise ValueError("0 is no process; 1 or more, or -1 for one a core")
    return value


def _fill(value: object) -> object:
    numbers = value if isinstance(value, list) else [value]
    if (isinstance(value, str) and value in catalogue.FILLS) or (numbers and all(type(n) in (int, float) for n in numbers)):
        return tuple(value) if isinstance(value, list) else value
    known = ", ".join(f'"{name}"' for name in catalogue.FILLS)
    raise ValueError(f"{value!r} is not a fill; expected {known}, a number, or a list of one number a channel")


def _size(value: object) -> tuple[object, ...]:
    """A side, or (height, width), from [192, 256] or "192x256"."""
    if isinstance(value, str) and (sides := SIDES.fullmatch(value)):
        value = [int(side) for side in sides.groups()]
    both = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if len(both) != 2 or not all(type(side) is int and side > 0 for side in both):
        raise ValueError(f'{value!r} is no size; expected the side in pixels, such as 224, or height and width: "192x256"')
    return tuple(both)


def _all(value: object) -> object:
    return [ALL] if value == ALL else value


def _none(value: object) -> object:
    """No names at all, where "none" stands for them."""
    return () if value in (NONE, [NONE], (NONE,)) else value


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _background(value: object) -> int | str:
    if value == "all" or (type(value) is int and value > 0):
        return value
    raise ValueError(f'{value!r} is not a background; expected a whole number of rows from 1 up, or "all"')


def _inputs(value: object) -> int | str | tuple[int, ...]:
    """A number of first rows, a slice as text without blanks, or the numbers of rows."""
    found = value
    if isinstance(value, str):
        found = re.sub(r"\s", "", value)
        if (parts := SLICE.fullmatch(found)) and int(parts[3] or 1) != 0:
            return found
        found = [int(number) for number in found.split(",")] if NUMBERS.fullmatch(found) else None
    elif type(value) is int and value > 0:
        return value
    if not isinstance(found, (list, tuple)) or not found or not all(type(number) is int for number in found):
        raise ValueError(
            f'{value!r} is no choice of rows; expected a slice as Python has it ("0:20", "0:100:10", "-5:"), one row ("5"), '
            'or several ("3,7,9"); they are numbered from 0'
        )
    if len(set(found)) < len(found):
        raise ValueError(f"{value!r} names a row twice")
    return tuple(found)


def names_of(known: Iterable[str], refused: Collection[str] = (), all_too: bool = False) -> AfterValidator:
    """Checks that names are known ones, each once. refused: names of methods for tables alone;  all_too: "all" is a name."""
    words = tuple(known)

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if all_too and names == (ALL,):
            return names
        if wrong := [name for name in names if name in refused]:
            raise ValueError(f"{', '.join(wrong)} explains tables only; leave it out")
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"{name!r} comes twice")
            if name in catalogue.METRICS and name not in words:
                raise ValueError(f"{name!r} needs {catalogue.METRICS[name].needs}: px.compare has it, in Python")
            if name not in words:
                raise ValueError(f"{name!r} is not known{_way(name, words)}")
        return names

    return AfterValidator(check)


def _way(name: str, words: tuple[str, ...]) -> str:
    """What to do about a name that is none of these."""
    found = catalogue.meant(name, words)
    if found in words:
        return f"; did you mean {found!r}? `perturbxai list` shows all"
    if found in catalogue.BASELINES and "table" in catalogue.METHODS[found].on:
        return f"; {found!r} is one of the baselines, name it there"
    if found in catalogue.EXPLAINERS and "table" in catalogue.METHODS[found].on:
        return f"; {found!r} is one of the methods of `perturbxai explain`, and none of {', '.join(words)}"
    if found in catalogue.METHODS and found not in catalogue.ON_TABLES_ONLY:
        return f"; {found!r} explains pictures, and is none of {', '.join(words)}"
    options = f". {NO_OPTIONS}" if re.match(r"\w+[^\w-]", name) else ""
    return f"; expected some of {', '.join(words)}{options}"


def segments(value: str) -> str:
    if value not in catalogue.SEGMENTERS:
        raise ValueError(f"{value!r} is not known; expected one of {', '.join(catalogue.SEGMENTERS)}")
    return value


Fill = Annotated[Any, BeforeValidator(_fill)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
OneOrSeveral = Annotated[Names, BeforeValidator(_one_or_several)]
AllOrSome = Annotated[tuple[str, ...], BeforeValidator(_all)]
Output = StrictInt | str
Background = Annotated[Any, BeforeValidator(_background)]
Inputs = Annotated[int | str | tuple[int, ...], BeforeValidator(_inputs)]
Separator = Annotated[str, BeforeValidator(text_options.separator)]
Decimal = Annotated[str, BeforeValidator(text_options.decimal)]
Encoding = Annotated[str, BeforeValidator(text_options.encoding)]
Metrics = Annotated[tuple[str, ...], BeforeValidator(_none)]
Pairs = tuple[Annotated[tuple[str, ...], Field(min_length=2, max_length=2)], ...]
