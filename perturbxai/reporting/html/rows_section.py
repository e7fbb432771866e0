"""Every explained row: a table to find it by, and its own way from the usual prediction to its own."""

from collections.abc import Sequence

from perturbxai.reporting.html.charts.waterfall import waterfall
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.context_section import around
from perturbxai.reporting.html.explained import Explained
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.picker import picked
from perturbxai.reporting.html.said import isolated, paragraph
from perturbxai.reporting.html.sections import Section
from perturbxai.results.context import Context
from perturbxai.results.describing import of_row
from perturbxai.results.describing_targets import of_target


def rows_section(shown: Explained, targets: Sequence[object] = (), context: Context | None = None) -> Section:
    """The rows that the page holds, each in words and step by step.

    targets (N,): what they really are, or nothing;  context: what lies around them
    """
    left = len(shown.first) - len(shown.inputs)
    lead = (
        "Choose a row to see what its prediction is made of. The usual prediction is the model's mean with all "
        "columns hidden; each step adds a column's own value."
    )
    if left:
        lead += (
            f" This page holds {len(shown.inputs)} of {len(shown.first):,} rows, evenly from the lowest prediction to "
            f"the highest; the other {left:,} are in attributions.csv."
        )

    def inside(n: int, _: int) -> Html:
        has = None if shown.has is None else shown.has[n]
        panes = [element("p", *isolated(of_target(shown.first[n], k, targets[n])), class_=f"said {part_of(o=o)}")
                 for o, k in enumerate(shown.outputs)] if targets else []  # fmt: skip
        for m, result in enumerate(shown.results.values()):
            for o, k in enumerate(shown.outputs):
                panes.append(
                    element("div", paragraph(of_row(result[n], k)), waterfall(result[n], k, has), class_=part_of(m=m, o=o))
                )
        if context is not None:
            panes.append(element("details", element("summary", "Rows like it"), around(context, n)))
        return join(panes)

    parts = {part_of(m=m): result for m, result in enumerate(shown.results.values())}
    return Section(
        "rows", "Row by row", picked(shown.first, shown.inputs, shown.outputs, parts, "row", inside, targets), lead
    )
