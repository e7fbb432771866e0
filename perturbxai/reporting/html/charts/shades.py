"""Colours of what a row has in a column, from its low values to its high ones; the style sheet says what they are."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.html.markup import Html, element

SHADES = 7
NO_ORDER = "qx"  # words, missing values, values that are not known


def as_numbers(values: Sequence[object]) -> Floats:
    """(n,): what is a number as it is, moments as their time, NaN for all else."""
    return np.array([_number(one) for one in values], dtype=np.float64)


def _number(value: object) -> float:
    if isinstance(value, (bool, np.bool_, int, float, np.integer, np.floating)):
        return float(value)
    stamp = getattr(value, "timestamp", None)
    if callable(stamp):
        try:
            return float(stamp())
        except (ValueError, OverflowError):  # a moment that is missing
            return float("nan")
    return float("nan")


def shades(numbers: Floats) -> list[str]:
    """(n,): the class of each number's colour, between the 5th and the 95th percentile of all."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return [NO_ORDER] * len(numbers)
    low, high = np.percentile(known, (5, 95))
    if low == high:  # a rare value beside a common one
        low, high = known.min(), known.max()
    if low == high:
        return [f"q{SHADES // 2}" if np.isfinite(one) else NO_ORDER for one in numbers]
    share = np.clip((numbers - low) / (high - low), 0.0, 1.0)
    return [NO_ORDER if np.isnan(one) else f"q{min(int(SHADES * one), SHADES - 1)}" for one in share]


def legend(low: str, high: str) -> Html:
    """What the colours mean, from low to high."""
    swatches = [element("i", class_=f"swatch q{n}") for n in range(SHADES)]
    return element("p", element("span", low), " ", *swatches, " ", element("span", high), class_="legend")
