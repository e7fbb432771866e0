"""Numbers as the page shows them: few digits, a true minus, and what is not known said so."""

import math
from typing import SupportsFloat

import numpy as np

from perturbxai.reporting.lettering import minus

UNKNOWN = "not known"
ROUNDING = 1e-9  # of the numbers it stands among: an error below this is none


def number(value: SupportsFloat | None) -> str:
    """Three digits, whole numbers whole; a dash for what is not known.

    >>> number(0.12345), number(1234567), number(float("nan")), number(float("-inf"))
    ('0.123', '1,234,567', '–', '−∞')
    """
    if value is None or value != value:
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else minus("-∞")
    whole = 1000 <= abs(value) < 1e9 or (value == int(value) and abs(value) < 1e9)
    return minus(f"{value + 0.0:,.0f}" if whole else f"{value:.3g}")


def signed(value: SupportsFloat) -> str:
    """The same with a plus where it is above zero.

    >>> signed(1.5), signed(-2), signed(0.0)
    ('+1.5', '−2', '0')
    """
    shown = number(value)
    return f"+{shown}" if float(value) > 0 and shown != "0" else shown


def give_or_take(half: SupportsFloat, beside: float = 0.0) -> str:
    """Half of an interval: two digits; of an infinite one that it is not known; nothing where it is rounding.

    beside  a number of the size of those that it stands among
    >>> give_or_take(1.234), give_or_take(math.inf), give_or_take(1e-14, beside=100.0)
    ('± 1.2', '± not known', '')
    """
    half = float(half)
    if not math.isfinite(half):
        return f"± {UNKNOWN}"
    if half <= ROUNDING * abs(beside) or half == 0.0:
        return ""
    return f"± {half:,.0f}" if half >= 100 else f"± {half:.2g}"


def with_half(value: float, half: float, beside: float, sign: bool = False) -> tuple[str, str]:
    """A number to the digits that its half interval leaves it, and that half in words; see `give_or_take`.

    >>> with_half(2.3519, 0.0931, 10.0, sign=True), with_half(-3e-7, 0.015, 1.0), with_half(1.5, math.inf, 1.0)
    (('+2.352', '± 0.093'), ('0.000', '± 0.015'), ('1.5', '± not known'))
    """
    told = give_or_take(half, beside)
    if not told or not math.isfinite(half) or not math.isfinite(value):
        return (signed(value) if sign else number(value)), told
    decimals = min(max(1 - math.floor(math.log10(half)), 0), 12)
    shown = minus(f"{round(value, decimals) + 0.0:{'+' if sign and round(value, decimals) > 0 else ''},.{decimals}f}")
    return shown, told if half >= 100 else f"± {half:.{decimals}f}"


def own(value: object) -> str:
    """What a row has in a column: numbers to four digits or whole, words as they are, "missing" for what is not there.

    >>> own(32.123456), own(629944.9), own("red"), own(None), own(float("nan")), own(True)
    ('32.12', '629945', 'red', 'missing', 'missing', 'True')
    """
    if value is None or value != value:
        return "missing"
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        value = float(value)
        whole = math.isfinite(value) and (value == int(value) or abs(value) >= 1e4) and abs(value) < 1e12
        return minus(f"{value:.0f}" if whole else f"{value:.4g}")
    return str(value).removesuffix(" 00:00:00")
