"""What lies around explained rows or pictures, on a page: sentences, and the input beside its neighbours."""

from collections.abc import Sequence
from pathlib import Path

from perturbxai.core.wording import count, own_value
from perturbxai.reporting.html.embedded import embedded
from perturbxai.reporting.html.ending import Told, ending_of
from perturbxai.reporting.html.examples_table import examples_table
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.results.context import Context
from perturbxai.results.describing_context import of_input

LINES = 20  # features of a table
INPUTS = 30  # of a page of its own


def context_page(found: Context, told: Told, drawn: Sequence[Path] = ()) -> str:
    """The page of a Context by itself; drawn: the files of its figures, of pictures."""
    about = [
        *told.about.items(), ("looked at", f"{count(found.meta['looked_at'], found.what)} of {found.meta['data']:,}"),
        ("decided otherwise", str(found.meta["rule"])), ("seed", str(found.meta["seed"])),
    ]  # fmt: skip
    title = f"What lies around the {found.what}{'s' * (len(found) > 1)}?"
    return written(Page(title, about, [context_section(found, drawn), *ending_of(told)]))


def context_section(found: Context, drawn: Sequence[Path] = ()) -> Section:
    """Each input in words, beside its neighbours."""
    shown = min(len(found), INPUTS)
    parts = []
    for i in range(shown):
        label = own_value(found.labels[i])
        summary = element("summary", f"{found.what.capitalize()} ", name(label, 80))
        picture = embedded(drawn[i : i + 1], "the input and its neighbours") if found.has is None else None
        parts.append(element("details", summary, around(found, i), picture, open=i == 0))
    if left := len(found) - shown:
        parts.append(element("p", f"{count(left, f'more {found.what}')}: in context.csv.", class_="note"))
    return Section(
        "context", "What is most like it, and what is decided otherwise?", join(parts),
        "Neighbours are of the data, not made up. All of them are in context.csv.",
    )  # fmt: skip


def around(found: Context, i: int) -> Html:
    """An input in words, and of rows a table of what its neighbours have otherwise."""
    said = bulleted(of_input(found, i))
    return said if found.has is None else join([said, _table(found, i)])


def _table(found: Context, i: int) -> Html | None:
    """Features in which a neighbour differs: what the row has there, and what they have."""
    sides = [(side, j) for side in (found.alike, found.otherwise) for j in range(len(side.labels[i]))]
    assert found.has is not None  # of rows
    own = [own_value(one) for one in found.has[i]]
    theirs = [[own_value(one) for one in side.has[i, j]] for side, j in sides if side.has is not None]
    differ = [sum(column[p] != own[p] for column in theirs) for p in range(len(own))]
    order = sorted((p for p in range(len(own)) if differ[p]), key=lambda p: -differ[p])[:LINES]
    if not order:
        return None
    heads = [("this row", own_value(found.labels[i]))]
    for side, j in sides:
        kind = "most alike" if side is found.alike else "decided otherwise"
        heads.append((kind, own_value(side.labels[i][j])))
    order = sorted(order)
    cells = [[found.decisions[i], *(side.decisions[i][j] for side, j in sides)]]
    cells += [[own[p], *(column[p] for column in theirs)] for p in order]
    strong = [[False, *(cell != line[0] for cell in line[1:])] for line in cells]
    return examples_table(heads, ["decided", *(found.names[p] for p in order)], cells, strong, "Neighbours")
