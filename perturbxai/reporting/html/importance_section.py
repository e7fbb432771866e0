"""What matters over all rows: importance with intervals, and every row as a dot."""

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.html.charts.bars import Bars
from perturbxai.reporting.html.charts.beeswarm import MOST, Swarm
from perturbxai.reporting.html.charts.shades import legend
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.explained import Explained
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.said import some_of
from perturbxai.reporting.html.sections import Section
from perturbxai.results.explanation import Attribution
from perturbxai.results.importance import Importance, importance
from perturbxai.results.tidy import LEVEL, normal

TOP = 12  # columns shown


def importance_section(shown: Explained) -> Section:
    """The mean size of each column's values, by method and output; noise is taken off."""
    panes = []
    for m, result in enumerate(shown.results.values()):
        found = importance(result)
        low, high = with_background(result, found)
        for o, k in enumerate(shown.outputs):
            top = leading(found.corrected[:, k])
            chart = Bars([found.names[p] for p in top], found.corrected[top, k], low[top, k], high[top, k],
                         "Importance of the columns", f"mean size of what the column adds{points(result.meta)}")  # fmt: skip
            panes.append(element("div", chart.table(), _more(len(found.names) - len(top)), class_=part_of(m=m, o=o)))
    n_rows = len(shown.first)
    lead = (
        "How far each column moves the output of a row up or down, on average over the explained rows. The thin line "
        f"is the 95 % interval: how far the bar could be off because these are {n_rows:,} rows and not all, because others "
        "could have stood for what is hidden, and because not every question was asked of the model. "
        "It may be wider than ± in the words above, which are about these rows alone."
    )
    if n_rows == 1:
        lead = "One row was explained: how far this goes for others is not known, and so there is no interval."
    return Section("importance", "What matters most", join(panes), lead)


def swarm_section(shown: Explained) -> Section:
    """Each row's value for each column, coloured by what the row has there."""
    panes = []
    for m, result in enumerate(shown.results.values()):
        for o, k in enumerate(shown.outputs):
            values = result.values[:, :, k]
            top = leading(np.abs(values).mean(axis=0))
            chart = Swarm(
                [result.names[p] for p in top],
                values[:, top],
                shown.numbers[:, top],
                shown.panels,
                f"adds to the output{points(result.meta)}",
            )
            panes.append(element("div", chart.table(), _more(len(result.names) - len(top)), class_=part_of(m=m, o=o)))
    key = legend("low value of the column", "high value")
    lead = (
        "Each dot is a row. To the right of the line the column raises that row's output, to the left it lowers it. "
        "The colour says whether the row's own value in that column is low or high; grey dots have no order or no "
        "value. The large dot is the row that is chosen below."
    )
    lead += some_of(len(shown.first), MOST, "from the lowest to the highest")
    return Section("rows-as-dots", "Every row as a dot", join([key, *panes]), lead)


def leading(size: Floats) -> list[int]:
    """The largest first. A single one more is shown too."""
    order = np.argsort(-size, kind="stable")
    return [int(p) for p in (order if len(order) <= TOP + 1 else order[:TOP])]


def _more(n_left: int) -> Html | None:
    return (
        element("p", f"{n_left} further columns matter less; attributions.csv has them.", class_="note") if n_left else None
    )


def with_background(result: Attribution, found: Importance) -> tuple[Floats, Floats]:
    """Ends (P, K) of the interval, with the error of the background that serves all rows, which more rows do not mend."""
    low, high = found.interval()
    if result.stderr_background is None:
        return low, high
    half = np.hypot(high - found.corrected, normal(LEVEL) * result.stderr_background.mean(axis=0))
    return np.maximum(found.corrected - half, 0.0), found.corrected + half
