"""Words and numbers on a line of text, as objects show themselves: printable, short, and never the whole of an array."""

import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from perturbxai.core.checks import is_missing
from perturbxai.core.types import Floats

# control characters; lone surrogates, which cannot be written; marks of direction, which turn what stands beside them
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
OUTPUTS = 3  # shown at most; the rest is counted


def word(text: object, longest: int = 40) -> str:
    """Words of any origin on one line; what is too long loses its middle.

    >>> word("two \\n lines"), word("a" * 99, 9)
    ('two lines', 'aaaa…aaaa')
    """
    flat = " ".join(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(text)).split())
    return flat if len(flat) <= longest else f"{flat[: longest // 2]}…{flat[1 - longest + longest // 2 :]}"


def place(point: object) -> object:
    """A point of a curve: a fraction to six digits, at least two of them behind the whole part.

    >>> place(-2.3250307746388343), place(1600000000.5), place("left")
    ('-2.32503', '1600000000.5', 'left')
    """
    if not isinstance(point, (float, np.floating)) or not math.isfinite(point) or point % 1 == 0:
        return point
    return f"{point:.{max(6, len(f'{abs(point):.0f}') + 2)}g}"


def own_value(value: object, digits: int = 6) -> str:
    """What a row of a table has somewhere, on one line: a fraction to so many digits, midnight as a date, "missing".

    >>> own_value(32.10000038), own_value(None), own_value("two\\nlines"), own_value(True), own_value(-0.0)
    ('32.1', 'missing', 'two lines', 'True', '0')
    >>> own_value(np.datetime64("2024-03-31T00:00:00.000000")), own_value(np.datetime64("2024-03-31T08:30"))
    ('2024-03-31', '2024-03-31 08:30:00')
    """
    if isinstance(value, np.datetime64) and not np.isnat(value):
        value = str(value.astype("datetime64[s]")).replace("T", " ")
    if value is None or is_missing(value):
        return "missing"
    if isinstance(value, (float, np.floating)):
        number = float(value) + 0.0  # no -0
        if math.isnan(number):
            return "missing"
        short = f"{number:.{digits}g}"
        # what is longer than its digits is written out: 629944.9 is no 6.299e+05
        return f"{number:.0f}" if ("e" in short and 1 <= abs(number) < 1e15) or number == 0 else short
    if isinstance(value, np.datetime64) and not np.isnat(
        value
    ):  # 2024-03-31T00:00:00.000000 has a day's name, and nothing behind its seconds
        value = re.sub(r"T00:00:00(\.0+)?$|(?<=:\d\d)\.0+$", "", str(value)).replace("T", " ")
    return word(str(value).removesuffix(" 00:00:00"))


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def listed(names: Sequence[object] | None, most: int = 4, longest: int = 24) -> str:
    """The first names, and how many more there are; None for names that are not known.

    >>> listed("abcdef")
    'a, b, c, d and 2 more'
    """
    if names is None:
        return "not known yet"
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(word(name, longest) or '""' for name in names[:most]) + more


def quoted(names: Sequence[object], most: int) -> str:
    """The first names as Python writes them, for errors, and how many more there are."""
    return ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def figure(value: float, stderr: float | None = None) -> str:
    """A number to three digits with its standard error, "?" where that is not known, 0 where it is rounding.

    >>> figure(0.12345, 0.01), figure(2.0, np.inf), figure(2.0, 1e-15), figure(2.0)
    ('0.123 ± 0.01', '2 ± ?', '2 ± 0', '2')
    """
    if stderr is None:
        return f"{value:.3g}"
    return f"{value:.3g} ± " + (f"{stderr * (stderr > 1e-12 * abs(value)):.2g}" if math.isfinite(stderr) else "?")


def leading(names: Sequence[object], values: Floats, stderr: Floats | None = None, most: int = 3) -> str:
    """The largest of values (P,), with their names and standard errors.

    >>> leading(["age", "sex"], np.array([0.1, -0.2]), np.array([0.01, 0.02]), most=1)
    'sex -0.2 ± 0.02 and 1 more'
    """
    first = np.argsort(-np.abs(values), kind="stable")[:most]
    shown = [f"{word(names[p], 36)} {figure(values[p], None if stderr is None else stderr[p])}" for p in first]
    return ", ".join(shown) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def by_output(
    head: str, outputs: Sequence[str], of: Callable[[int], str], shown: Sequence[int] = range(OUTPUTS), noun: str = "output"
) -> str:
    """A head, and a line for each of a few outputs, by number."""
    lines = [f"  {word(outputs[k])}: {of(k)}" for k in shown if k < len(outputs)]
    more = len(outputs) - len(lines)
    return "\n".join([f"<{head}", *lines, *[f"  and {count(more, f'more {noun}')}"] * (more > 0)]) + ">"


def highest(prediction: Floats) -> list[int]:
    """Numbers of the outputs (K,) that the model rates highest, in their order: they say most of an input."""
    return sorted(np.argsort(-prediction, kind="stable")[:OUTPUTS].tolist())
