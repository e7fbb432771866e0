"""Numbers of pairs as a table whose cells are coloured from blue over nothing to orange, centred at zero."""

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.html.markup import Html, element, name
from perturbxai.reporting.html.numbers import number

STEPS = 5  # colours on each side of zero
SHORT = 24  # of a name over a column
MANY = 8  # names from which on a table is written small


def coloured_table(
    names: Sequence[object], values: Floats, caption: str, *, most: float | None = None, diagonal: str = "",
    below: bool = True,
) -> Html:  # fmt: skip
    """The table of (n, n) numbers.

    most      the number of the strongest colour, of the largest if None;  diagonal: what stands there
    below     whether the half under the diagonal is filled too
    """
    largest = float(np.nanmax(np.abs(values), initial=0.0)) if most is None else most
    head = element("tr", element("td"), *(element("th", name(one, SHORT), scope="col") for one in names))
    lines = []
    for i, one in enumerate(names):
        cells = [element("th", name(one, 60), scope="row")]
        for j in range(len(names)):
            if i == j:
                cells.append(element("td", diagonal, class_="number self"))
            elif j < i and not below:
                cells.append(element("td"))
            else:
                cells.append(
                    element("td", number(values[i, j]), class_=f"number {cell_colour(float(values[i, j]), largest)}")
                )
        lines.append(element("tr", *cells))
    return element(
        "table", element("caption", caption, class_="hidden"), element("thead", head), element("tbody", *lines),
        class_="grid-table small" if len(names) > MANY else "grid-table",
    )  # fmt: skip


def cell_colour(value: float, largest: float) -> str:
    """The class of a number's colour: none near zero, and five steps on either side."""
    if not np.isfinite(value) or largest <= 0.0:
        return "c0"
    step = min(int(abs(value) / largest * (STEPS + 1) - 1e-9), STEPS)
    return "c0" if step == 0 else f"{'p' if value > 0 else 'n'}{step}"
