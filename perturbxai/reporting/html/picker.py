"""A table to find an input by, and a panel for each: without a script they are folded, with it one is shown at a time."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real

from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.explained import leaders
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.numbers import number, own, signed
from perturbxai.reporting.html.per_cent import output_of, per_cent
from perturbxai.results.explanation import Attribution, Explanation


def picked(
    first: Attribution, inputs: Sequence[int], outputs: Sequence[int], shown: Mapping[str, Attribution], kind: str,
    inside: Callable[[int, int], Html], targets: Sequence[object] = (),
) -> Html:  # fmt: skip
    """The table and the panels.

    inputs   numbers of the inputs that have a panel;  outputs: numbers of the outputs shown
    shown    classes of a method's part -> its values, which the table names the leaders of
    kind     what an input is called;  inside: of an input by its number, and that of its panel, what the panel holds
    targets  what the inputs really are, for a column of their own, or nothing
    """
    panels = []
    for at, n in enumerate(inputs):
        summary = element("summary", f"{kind.capitalize()} ", name(first[n].label, 80))
        body = element("div", inside(n, at), id=f"row-{at}-body")
        panels.append(element("details", summary, body, id=f"row-{at}", class_="panel", open=at == 0))
    return join([_finder(first, inputs, outputs, shown, kind, targets), element("div", *panels, class_="panels")])


def _finder(
    first: Attribution, inputs: Sequence[int], outputs: Sequence[int], shown: Mapping[str, Attribution], kind: str,
    targets: Sequence[object],
) -> Html:  # fmt: skip
    head = element("tr", *(element("th", text, scope="col", data_sort=how, class_="number" if how == "value" else None)
                           for text, how in _heads(first, kind, targets)))  # fmt: skip
    lines = []
    for at, n in enumerate(inputs):
        e = first[n]
        link = element("a", name(e.label, 80), href=f"#row-{at}-body")
        predicted = [_number(float(e.prediction[k]), o, partial(output_of, meta=e.meta)) for o, k in enumerate(outputs)]
        apart = [_number(float(e.prediction[k] - e.base[k]), o, signed) for o, k in enumerate(outputs)]
        mostly = [
            _mostly(result[n], k, f"{classes} {part_of(o=o)}")
            for classes, result in shown.items()
            for o, k in enumerate(outputs)
        ]
        lines.append(element(
            "tr", element("th", link, scope="row"), element("td", *predicted, class_="number"),
            element("td", _target(targets[n]), class_="number") if targets else None,
            element("td", *apart, class_="number"), element("td", *mostly), data_row=at,
        ))  # fmt: skip
    label = f"Explained {kind}s"
    caption = element("caption", label, class_="hidden")
    table = element(
        "table", caption, element("thead", head), element("tbody", *lines), class_="finder", id="finder", data_kind=kind
    )
    return element("div", table, class_="wide finder-box", tabindex=0, role="region", aria_label=label)


def _heads(first: Attribution, kind: str, targets: Sequence[object]) -> list[tuple[str, str]]:
    """The columns' names, and what they are sorted as."""
    percent, of_points = per_cent(first[0].meta), ", points" * bool(per_cent(first[0].meta))
    found = [(kind, "text"), (f"prediction{percent and ',' + percent}", "value")]
    if targets:
        found.append(("in the data", "value" if all(isinstance(one, Real) for one in targets) else "text"))
    return [*found, (f"against the usual{of_points}", "value"), ("mostly because of", "text")]


def _number(value: float, o: int, shown: Callable[[float], str]) -> Html:
    return element("span", shown(value), class_=part_of(o=o), data_value=f"{value:.9g}")


def _target(value: object) -> Html:
    by = float(value) if isinstance(value, Real) else None
    # as the predictions beside it are
    told = own(value) if by is None or math.isnan(by) or isinstance(value, bool) else number(by)
    return element("span", told, data_value=None if by is None else f"{by:.9g}")


def _mostly(e: Explanation, k: int, classes: str) -> Html:
    parts: list[object] = []
    for p in leaders(e, k):
        parts += [", " if parts else "", name(e.names[p], 32), f" {signed(e.values[p, k])}"]
    return element("span", *parts, class_=classes)
