"""The sentences of the page: those that results say of themselves."""

from collections.abc import Sequence

from perturbxai.calls.comparison import Comparison
from perturbxai.results.effect import Effect
from perturbxai.results.explanation import Attribution, Explanation


def of_rows(result: Attribution, k: int) -> Sequence[str]:
    return []


def of_row(e: Explanation, k: int) -> Sequence[str]:
    return []


def of_comparison(compared: Comparison) -> Sequence[str]:
    return []


def of_effect(effect: Effect, k: int) -> Sequence[str]:
    return []
