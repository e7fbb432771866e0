"""Differences of two models or groups on a page: sentences, a table of the features, and how it is made."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from perturbxai.core.wording import OUTPUTS, count
from perturbxai.reporting.html.embedded import embedded
from perturbxai.reporting.html.ending import Told, ending_of
from perturbxai.reporting.html.making import cell
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.numbers import signed
from perturbxai.reporting.html.said import bulleted, paragraph
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.reporting.style import title
from perturbxai.results.amounts import Unit
from perturbxai.results.contrast import Contrast
from perturbxai.results.describing_differences import of_difference
from perturbxai.results.difference import Difference

LINES = 20  # features a table


def difference_page(found: Mapping[str, Difference], told: Told, drawn: Sequence[Path] = ()) -> str:
    """The page of a Difference, or of one a method; drawn: the files of their figures."""
    first = next(iter(found.values()))
    a, b = first.called
    n, m = first.n_inputs
    inputs = f"the same {count(n, first.what)}" if first.paired else f"{count(n, first.what)} and {count(m, first.what)}"
    about = [
        *told.about.items(),
        ("compared", f"{b} with {a}"),
        ("inputs", inputs),
        ("methods", ", ".join(_title(one) for one in found.values())),
    ]
    each = len(drawn) // len(found)
    sections = [
        difference_section(one, number, drawn[number * each : (number + 1) * each], alone=len(found) == 1)
        for number, one in enumerate(found.values())
    ]
    return written(Page(f"What differs between {a} and {b}?", about, [*sections, *ending_of(told)]))


def difference_section(found: Difference, number: int = 0, drawn: Sequence[Path] = (), *, alone: bool = True) -> Section:
    """Figures, and of each output sentences, and a table of the features whose differences are largest."""
    shown = range(min(len(found.outputs), OUTPUTS))
    parts = [embedded(drawn, "both sides of each feature, and the interval of their difference")]
    parts += [part for k in shown for part in (bulleted(of_difference(found, k, _title(found))), _table(found, k))]
    if left := len(found.outputs) - len(shown):
        parts.append(element("p", f"{count(left, 'more output')}: in difference.csv.", class_="note"))
    files = "difference.csv" + " and, row by row, difference_rows.csv" * found.paired
    lead = (
        f"Always {found.called[1]} less {found.called[0]}. "
        "A mean value says which way a feature moves the output on average, "
        "a mean size how much it moves it, whichever way. What is marked with a star is beyond the noise of all features at "
        f"once. All numbers are in {files}."
    )
    heading = "What differs by more than noise?" if alone else f"What differs by more than noise? {_title(found)}"
    return Section(f"difference{number or ''}", heading, join([*parts, paragraph(found.notes)]), lead)


def _title(found: Difference) -> str:
    return title(found.name, next(iter(found.results.values())))


def _table(found: Difference, k: int) -> Html:
    """The features of output k, those that differ most beyond noise first."""
    unit, (a, b) = Unit.of(found.meta), found.called
    factor = 100.0 if unit.is_probability and not unit.parts else 1.0
    shown = _order(found, k)[:LINES]
    points = ", percentage points" * (factor > 1)
    heads = ["feature"]
    for what in ("mean value", "mean size"):
        heads += [f"{what} in {a}{points}", f"in {b}", "difference", "from", "to"]
    top = [element("th", name(head), scope="col", class_="number" if n else None) for n, head in enumerate(heads)]
    lines = []
    for p in shown:
        cells = [element("th", name(found.names[p]), scope="row")]
        for sides, one in (((found.mean_a, found.mean_b), found.of_means), ((found.size_a, found.size_b), found.of_sizes)):
            cells += [cell(factor * float(side[p, k])) for side in sides]
            cells += _numbers(one, p, k, factor)
        lines.append(element("tr", *cells))
    caption = f"Differences for {found.outputs[k]}" if len(found.outputs) > 1 else "Differences"
    whole = element(
        "table",
        element("caption", name(caption), class_=None if len(found.outputs) > 1 else "hidden"),
        element("thead", element("tr", *top)),
        element("tbody", *lines),
    )
    wide = element("div", whole, class_="wide", tabindex=0, role="region", aria_label="Differences")
    left = len(found.names) - len(shown)
    return join([wide, element("p", f"{left:,} features more are in difference.csv.", class_="note") if left else None])


def _numbers(one: Contrast, p: int, k: int, factor: float) -> list[Html]:
    """The difference, with a star where it is beyond noise, and its interval among all."""
    low, high = (factor * end for end in one.interval(simultaneous=True))
    apart = signed(factor * float(one.difference[p, k])) + " *" * bool(one.moved[p, k])
    return [element("td", apart, class_="number"), cell(float(low[p, k])), cell(float(high[p, k]))]


def _order(found: Difference, k: int) -> list[int]:
    moved = found.of_sizes.moved[:, k] | found.of_means.moved[:, k]
    most = np.maximum(np.abs(found.of_sizes.difference[:, k]), np.abs(found.of_means.difference[:, k]))
    return [int(p) for p in np.lexsort((-most, ~moved))]
