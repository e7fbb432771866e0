"""Words in plotly's figures: they mean themselves, though plotly reads HTML, formulas and templates in what it shows."""

import textwrap
from collections.abc import Iterable

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.lettering import number, plain

# plotly resolves entities last, so that what is written by one is no tag, no formula ($...$) and no template (%{...})
ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "&<>$%{}\"'"}
LONGEST_TOLD = 90  # letters of a name under the mouse


def escaped(words: object) -> str:
    """Any words as plotly takes them to show them as they are, on one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(words)).split()).translate(ENTITIES)


def label(words: str) -> str:
    """The same for words that `lettering` made for matplotlib; what they have lines for keeps them."""
    return "<br>".join(escaped(line) for line in plain(words).split("\n"))


def labels(words: Iterable[str]) -> list[str]:
    return [label(one) for one in words]


def told(words: object) -> str:
    """A name, a row's label or a row's own value under the mouse: whole, but not endless."""
    flat = " ".join(str(words).split())
    return escaped(flat if len(flat) <= LONGEST_TOLD else flat[: LONGEST_TOLD - 1] + "…")


def lines(words: str, longest: int) -> list[str]:
    """A figure's words in lines of so many letters, each to be shown."""
    broken = (part for line in plain(words).split("\n") for part in textwrap.wrap(line, max(longest, 12)) or [""])
    return [escaped(line) for line in broken]


def amount(value: float, low: float = np.nan, high: float = np.nan, sign: bool = True) -> str:
    """A value, with half of its 95 % interval where that is known and more than rounding."""
    half = (high - low) / 2.0
    if not np.isfinite(half) or half <= 1e-9 * abs(value):
        return number(value, 4, sign)
    return f"{number(value, 4, sign)} ± {number(half, 2)} (95 %)"


def amounts(values: Floats, low: Floats, high: Floats) -> list[str]:
    return [amount(*one) for one in zip(values.tolist(), low.tolist(), high.tolist(), strict=True)]
