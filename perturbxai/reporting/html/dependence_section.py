"""What a column adds against what the row has there, for the columns that lead."""

import numpy as np

from perturbxai.reporting.html.charts.scatter import MOST, Scatter
from perturbxai.reporting.html.choices import Choice, part_of
from perturbxai.reporting.html.explained import Explained
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.said import some_of
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.values.partner import strongest
from perturbxai.reporting.values.places import placed
from perturbxai.results.describing import half_widths
from perturbxai.results.explanation import Attribution

COLUMNS = 6
FEWEST = 3  # rows


def dependence_choice(shown: Explained) -> Choice:
    """Which column the scatter is of."""
    return Choice("d", "Column", [str(shown.first.names[p]) for p in dependence_columns(shown)])


def dependence_columns(shown: Explained) -> list[int]:
    """The columns that lead by the first method, each output on its own scale."""
    size = np.abs(shown.first.values[:, :, shown.outputs]).mean(axis=0)
    share = (size / np.maximum(size.max(axis=0), 1e-300)).mean(axis=1)
    return [int(p) for p in np.argsort(-share, kind="stable")[:COLUMNS]]


def dependence_section(shown: Explained, buttons: Html) -> Section:
    """A scatter a leading column, method and output. buttons: those of `dependence_choice`."""
    panes = []
    for d, p in enumerate(dependence_columns(shown)):
        for m, result in enumerate(shown.results.values()):
            for o, k in enumerate(shown.outputs):
                panes.append(element("div", _scatter(shown, result, p, k).figure(), class_=part_of(d=d, m=m, o=o)))
    lead = (
        "Each dot is a row: across what it has in the column, upwards what the column adds to its output. Dots of one "
        "place across that lie at different heights say that the effect depends on other columns too; where dots "
        "have several colours, these are of the one that goes with it most, which is a hint and no proof. Thin lines "
        "are 95 % intervals."
    )
    lead += some_of(len(shown.first), MOST, "evenly along the column")
    return Section("dependence", "How the effect depends on the value", join([buttons, *panes]), lead)


def _scatter(shown: Explained, result: Attribution, p: int, k: int) -> Scatter:
    assert shown.has is not None  # else there is no section
    values = result.values[:, p, k]
    others = {n: one for n, one in shown.places.items() if n != p}
    other = strongest(values[:, None], placed([row[p] for row in shown.has]), others)
    partner = None if other is None else (result.names[other], [row[other] for row in shown.has])
    half = np.array([half_widths(e)[p, k] for e in result])
    return Scatter(result.names[p], [row[p] for row in shown.has], values, half, shown.panels, partner, points(result.meta))
