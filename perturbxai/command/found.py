"""What a run found, in a few sentences for a terminal: those that stand on top of its page."""

from collections.abc import Mapping
from typing import Any

from perturbxai.calls.comparison import Comparison
from perturbxai.core.wording import OUTPUTS
from perturbxai.reporting.html.explained import rank
from perturbxai.results.describing import NOTES

MOST = 8  # sentences


def sentences(found: object) -> list[str]:
    """The first sentences of what a section came to, without the notes on how exact they are; none for nothing known.

    Where some are left out, as of further outputs, a last one says so.
    """
    said = _of_comparison(found) if isinstance(found, Comparison) else _of_effects(found)
    found = [line for line in said if not line.startswith(NOTES)]
    return found if len(found) <= MOST else [*found[:MOST], "The report has the rest."]


def _of_comparison(compared: Comparison) -> list[str]:
    """Of the method that the page begins with."""
    result = min(compared.results.values(), key=rank)
    return result.describe().splitlines()


def _of_effects(found: Any) -> list[str]:
    """A sentence a column and output, the ones that matter most first."""
    from perturbxai.reporting.curves.view import as_effects
    from perturbxai.reporting.html.of_effects import first_words, main_of, size_of

    shown: Mapping[Any, Any] = as_effects(found) or {}
    order = sorted(shown.values(), key=lambda methods: -size_of(methods))
    outputs = [range(len(main_of(methods).outputs))[:OUTPUTS] for methods in order]
    return [line for methods, own in zip(order, outputs, strict=True) for k in own for line in first_words(methods, k)]
