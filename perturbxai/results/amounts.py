"""Amounts as a person reads them: rounded to what their errors allow, probabilities in per cent, lists as sentences have."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.wording import word

MINUS = "\N{MINUS SIGN}"
LONGEST = 40  # letters of a name
NEAR = 1e-4  # to 0 or 1: probabilities that are not told any closer
PER_CENT = "per cent"  # the scale of probabilities times a hundred
EXACT = 1e-9  # an error below this share of its value is rounding


def rounded(value: float, digits: int = 3) -> str:
    """A number to so many digits, written out, with thousands apart.

    >>> rounded(221.4), rounded(-0.0123), rounded(1234567.0), rounded(-0.0), rounded(2.5), rounded(np.inf)
    ('221', '−0.0123', '1,234,567', '0', '2.5', 'not known')
    """
    if not math.isfinite(value):
        return "not known"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if places > 8 or abs(value) >= 1e15:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    text = f"{abs(value):,.{max(places, 0)}f}"
    return _minus(value) + (text.rstrip("0").rstrip(".") if "." in text else text)


def with_error(value: float, half: float, sign: bool = False) -> str:
    """A number with the half width of its interval, both to where that begins; alone where that is not known, or rounding.

    >>> with_error(28.31, 1.73, True), with_error(-5.2, 0.31), with_error(0.004, 0.3, True), with_error(1 / 3, np.inf)
    ('+28 ± 2', '−5.2 ± 0.3', '0 ± 0.3', '0.333')
    >>> with_error(52341.0, 1380.0), with_error(2.0, 1e-15, True)
    ('52,300 ± 1,400', '+2')
    """
    if not math.isfinite(value) or not math.isfinite(half) or half <= EXACT * abs(value) or half == 0:
        text = rounded(value)
        return f"+{text}" if sign and math.isfinite(value) and value > 0 else text
    lead = math.floor(math.log10(half))
    places = (1 if half < 1.5 * 10.0**lead else 0) - lead
    if value and places > (most := 4 - math.floor(math.log10(abs(value)))):
        places = most  # more digits than anybody reads
    shown, error = round(value, places), round(half, places)
    if error == 0 or places > 12:
        return with_error(value, np.inf, sign)
    before, digits = "+" if sign and shown > 0 else _minus(shown), max(places, 0)
    number = f"{abs(shown):,.{digits}f}" if shown else "0"
    return f"{before}{number} ± {error:,.{digits}f}"


def _minus(value: float) -> str:
    return MINUS if value < 0 else ""


def share(value: float, half: float = np.inf) -> str:
    """A share of 1 as per cent, whole ones.

    >>> share(0.614, 0.028), share(0.5), share(0.999, 0.02), share(0.004)
    ('61 % ± 3 %', '50 %', '100 % ± 2 %', 'less than 1 %')
    """
    if value < 0.005:
        return "less than 1 %"
    error = f" ± {max(100 * half, 1):.0f} %" if math.isfinite(half) and half > EXACT else ""
    return f"{100 * value:.0f} %{error}"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """One, two and three, as a sentence has them.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def called(name: object, longest: int = LONGEST) -> str:
    """A name of any origin in a sentence: one line, not endless, and something where it is blank."""
    return word(name, longest) or '""'


def told_apart(names: Sequence[object]) -> list[str]:
    """Names in a sentence, each as `called` has it; of those that would then be alike, as much as tells them apart.

    >>> told_apart(["age", "a" * 30 + "b" + "a" * 30, "a" * 30 + "c" + "a" * 30])[0::2] == ["age", "a" * 30 + "c" + "a" * 30]
    True
    """
    found, longest = [called(name) for name in names], LONGEST
    whole = max((len(str(name)) for name in names), default=0)
    while longest < whole and (alike := {one for one, n in Counter(found).items() if n > 1}):
        longest = min(2 * longest, whole)
        found = [called(name, longest) if one in alike else one for name, one in zip(names, found, strict=True)]
    return found


@dataclass(frozen=True)
class Unit:
    """What an output is counted in. Probabilities are shown in per cent, and their changes in percentage points.

    scale  of the outputs, as `meta` has it: "probability", "logit", "raw"; "" where it is not known; and PER_CENT of those
           that were multiplied already
    parts  the scale of what an input's parts do, where that is another: maps from inside a network may be of its logits
           beside probabilities
    """

    scale: str = ""
    parts: str = ""

    @classmethod
    def of(cls, meta: Mapping[str, object]) -> Self:
        """Of a result, by its meta."""
        scale = str(meta.get("scale", ""))
        score = str(meta.get("score") or scale)
        same = score == scale or (score, scale) == ("probability", PER_CENT)
        return cls(scale, "" if same else score)

    @property
    def noun(self) -> str:
        """What the model gives: of log-odds a score, whatever is predicted."""
        return "score" if self.scale == "logit" else "prediction"

    @property
    def is_probability(self) -> bool:
        return self.scale in ("probability", PER_CENT)

    @property
    def factor(self) -> float:
        return 100.0 if self.scale == "probability" else 1.0

    def level(self, value: float) -> str:
        """An output itself. A probability that is nearly none, or nearly all, is told no closer than anybody reads.

        >>> Unit("probability").level(0.8312), Unit("probability").level(3e-9), Unit("probability").level(1 - 3e-9)
        ('83.1 %', 'less than 0.01 %', 'more than 99.99 %')
        """
        if not self.is_probability or not math.isfinite(value):
            return rounded(value)
        value *= self.factor / 100.0
        if 0 < value < NEAR:
            return f"less than {rounded(100 * NEAR)} %"
        if 1 - NEAR < value < 1:
            return f"more than {rounded(100 - 100 * NEAR, 4)} %"
        return f"{rounded(100 * value, 4 if value > 0.99 else 3)} %"

    def change(self, value: float, half: float = np.inf, sign: bool = True) -> str:
        """A change of it that a part of an input makes, with the half width of its interval."""
        if self.parts:
            return Unit(self.parts).change(value, half, sign)
        return with_error(self.factor * value, self.factor * half, sign) + " points" * self.is_probability

    def distance(self, value: float) -> str:
        """How far two outputs lie apart, in full words."""
        return rounded(self.factor * abs(value)) + " percentage points" * self.is_probability
