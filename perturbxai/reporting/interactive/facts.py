"""What is told under the mouse of explained rows: their labels, and what they have at a feature."""

from collections.abc import Sequence

from perturbxai.core.wording import own_value
from perturbxai.reporting.interactive.words import told
from perturbxai.results.explanation import Explanation
from perturbxai.results.row_values import told_of


def held(explanations: Sequence[Explanation]) -> list[list[str]]:
    """(N, P) words "name = value" of each row, the name alone where it is not known what the row has there."""
    names = [told(name) for name in explanations[0].names]
    found = []
    for own in told_of(explanations):
        found.append(names if own is None else [f"{n} = {told(own_value(v))}" for n, v in zip(names, own, strict=True)])
    return found


def rows(explanations: Sequence[Explanation]) -> list[str]:
    """(N,) what each row is called."""
    return [f"row {told(e.label)}" for e in explanations]
