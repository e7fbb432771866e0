"""What pairs of columns do together, as a table of pairs."""

from collections.abc import Mapping

import numpy as np

from perturbxai.reporting.html.charts.grid import coloured_table
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.explained import Explained
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.style import titles
from perturbxai.results.explanation import Attribution

TOP = 12  # columns


def with_interactions(shown: Explained) -> Mapping[str, Attribution]:
    """The results that tell of pairs."""
    return {name: one for name, one in shown.results.items() if one[0].interactions is not None}


def interactions_section(shown: Explained) -> Section:
    """A table a method and output: of one row its pairs, of several the mean size of each pair's values."""
    called, parts = titles(with_interactions(shown)), []
    for name, result in with_interactions(shown).items():
        pairs = result.interactions
        assert pairs is not None  # else it is not among these
        square = pairs[0] if len(result) == 1 else np.abs(pairs).mean(axis=0)
        panes = []
        for o, k in enumerate(shown.outputs):
            order = np.argsort(-np.abs(square[..., k]).sum(axis=1), kind="stable")[:TOP]
            table = coloured_table(
                [result.names[p] for p in order],
                square[..., k][np.ix_(order, order)],
                f"Pairs by {called[name]}",
                below=False,
            )
            panes.append(
                element(
                    "div",
                    table,
                    class_=f"wide {part_of(o=o)}",
                    tabindex=0,
                    role="region",
                    aria_label=f"Pairs by {called[name]}",
                )
            )
        parts.append(_named(called[name], panes))
    about = "this row" if len(shown.first) == 1 else "the explained rows, whatever its sign"
    unit = "percentage points" if points(shown.first.meta) else "units of the output"
    lead = f"What two columns do together, beyond what each does alone: the mean over {about}, in {unit}."
    return Section("pairs", "What columns do together", join(parts), lead)


def _named(title: str, panes: list[Html]) -> Html:
    return join([element("h3", title), *panes])
