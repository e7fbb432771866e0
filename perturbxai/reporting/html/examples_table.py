"""Examples beside each other in a table of a page: a column each, a line a feature."""

from collections.abc import Sequence

from perturbxai.reporting.html.markup import Html, element, name

LONGEST = 40


def examples_table(
    heads: Sequence[tuple[str, str]], features: Sequence[str], cells: Sequence[Sequence[str]],
    strong: Sequence[Sequence[bool]], caption: str,
) -> Html:  # fmt: skip
    """heads: above each example what it is, and its name;  cells: line by line;  strong: which of them stand out"""
    top = [element("th", "feature", scope="col")]
    top += [element("th", kind, element("br"), name(label, 24), scope="col") for kind, label in heads]
    lines = []
    for feature, line, bold in zip(features, cells, strong, strict=True):
        told = [name(cell, LONGEST) for cell in line]
        shown = [element("td", element("b", cell) if one else cell) for cell, one in zip(told, bold, strict=True)]
        lines.append(element("tr", element("th", name(feature), scope="row"), *shown))
    table = element(
        "table", element("caption", caption, class_="hidden"), element("thead", element("tr", *top)),
        element("tbody", *lines),
    )  # fmt: skip
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label=caption)
