"""Photos with their maps: which regions speak for a class and which against it, by every method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perturbxai.core.types import Floats, Frame, Labels
from perturbxai.reporting.html.charts.bars import Bars
from perturbxai.reporting.html.charts.overlay import pictures, stack
from perturbxai.reporting.html.charts.pixels import map_data, photo_data
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.explained import leaders
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.numbers import signed, with_half
from perturbxai.reporting.html.painted import Map, Painted
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.picker import picked
from perturbxai.reporting.html.said import paragraph
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.scores_away import gain_of, score_in_words
from perturbxai.results.describing import of_row
from perturbxai.results.explanation import Explanation

TOP = 12  # regions in a table


def photos_section(shown: Painted, labels: Sequence[Labels | None], scores: Frame | None) -> Section:
    """A panel a picture. labels: the regions (H, W) of each picture, None where they are not known."""

    def inside(n: int, at: int) -> Html:
        return _picture(shown, labels[n], scores, n, at)

    parts = {one.classes(): one.result for one in shown.maps}
    lead = (
        "Orange regions speak for the class, blue ones against it; the stronger the colour, the more. Point at a "
        "region, or step through the table, for its value. Maps that a network draws by the pixel are shown so; "
        "values and scores are by region."
    )
    if len(shown.first) == 1:
        return Section("photos", "What was found, region by region", inside(0, 0), lead)
    if left := len(shown.first) - len(shown.inputs):
        lead += (
            f" This page holds {len(shown.inputs)} of {len(shown.first):,} photos; {left:,} more are in attributions.csv."
        )
    return Section(
        "photos",
        "What was found, photo by photo",
        picked(shown.first, shown.inputs, shown.outputs, parts, "photo", inside),
        lead,
    )


def _picture(shown: Painted, labels: Labels | None, scores: Frame | None, n: int, at: int) -> Html:
    """The photo under its maps, its regions in numbers, and below all maps side by side."""
    e = shown.first[n]
    shape, held = np.shape(e.input), {f"p{at}": photo_data(e.input)}
    laid, tables, thumbs = [], [], []
    for number_, one in enumerate(shown.maps):
        for o, k in enumerate(shown.outputs):
            mine, key = one.result[n], f"p{at}-{number_}-{o}"
            if (drawn := _drawn(mine, k, labels)) is not None:
                held[key] = map_data(*drawn)
                laid.append((key, one.classes(o)))
                thumbs.append(_thumb(shape, at, key, one, o, shown, mine, scores))
            regions = "|".join(_value(mine, p, k) for p in range(len(mine.names)))
            tables.append(
                element(
                    "div", paragraph(of_row(mine, k, labels)), _regions(mine, k), class_=one.classes(o), data_regions=regions
                )
            )
    alt = f"Photo {e.label} under a map of its regions; the table beside it has their values"
    left = element(
        "div", stack(shape, f"p{at}", laid, alt, labels), _slider(at) if laid else None, _scale() if laid else None
    )
    if labels is None and not laid:
        tables.append(
            element("p", "Where the regions lie is not known here: a report of a comparison shows them.", class_="note")
        )
    photo = element("div", left, element("div", *tables), class_="photo")
    beside = _side_by_side(stack(shape, f"p{at}", [], f"Photo {e.label}"), thumbs, scores) if len(shown.titles) > 1 else None
    return join([pictures(shape, held), photo, beside])


def _drawn(e: Explanation, k: int, labels: Labels | None) -> tuple[Floats, float | None] | None:
    """The map by the pixel where the method draws one, else its values on the regions, and the strongest colour's number."""
    if e.heat is not None:
        return np.asarray(e.heat[k], dtype=np.float64), None
    if labels is None:
        return None
    return e.values[:, k][labels], float(np.abs(e.values[:, k]).max())


def _value(e: Explanation, p: int, k: int) -> str:
    low, high = e.interval()
    with np.errstate(invalid="ignore"):
        half = 0.5 * (high[p, k] - low[p, k])
    told = " ".join(with_half(e.values[p, k], half, float(np.abs(e.values[:, k]).max()), sign=True))
    return f"{e.names[p]}: {told}".strip().replace("|", "/")


def _regions(e: Explanation, k: int) -> Html:
    order = np.argsort(-np.abs(e.values[:, k]), kind="stable")
    top = order if len(order) <= TOP + 1 else order[:TOP]
    low, high = (ends[top, k] for ends in e.interval())
    chart = Bars(
        [e.names[p] for p in top], e.values[top, k], low, high, "Regions by their values",
        f"adds to the output{points(e.meta)}", "region", True, [int(p) for p in top],
    )  # fmt: skip
    more = (
        element("p", f"{len(order) - len(top)} further regions matter less.", class_="note")
        if len(top) < len(order)
        else None
    )
    return join([chart.table(), more])


def _thumb(
    shape: tuple[int, ...], at: int, key: str, one: Map, o: int, shown: Painted, e: Explanation, scores: Frame | None
) -> Html:
    k = shown.outputs[o]
    told = ", ".join(f"{e.names[p]} {signed(e.values[p, k])}" for p in leaders(e, k)) or "all values are zero"
    said = score_in_words(scores, one.name, e.label, e.outputs[k])
    picture = stack(shape, f"p{at}", [(key, "")], f"{shown.titles[one.m]}: {told}")
    caption = element("figcaption", name(shown.titles[one.m], 60), element("br") if said else None, said or None)
    return element("li", element("figure", picture, caption), class_=part_of(f=one.f, o=o))


def _side_by_side(photo: Html, thumbs: Sequence[Html], scores: Frame | None) -> Html:
    plain = element("li", element("figure", photo, element("figcaption", "the photo")))
    note = (
        "The number says how much higher the output is, on average, while the regions called best are shown first "
        "than while they are hidden first: high is good. Away: hidden regions show what the method did not see; home: "
        "what it saw."
    )
    return join([
        element("h3", "All methods side by side"), element("p", note, class_="note") if gain_of(scores) else None,
        element("ul", plain, *thumbs, class_="thumbs"),
    ])  # fmt: skip


def _slider(at: int) -> Html:
    field = element("input", type="range", min=0, max=100, value=75, step=5, id=f"veil-{at}", autocomplete="off")
    return element("div", element("label", "How strong the colours are", for_=f"veil-{at}"), field, class_="slider")


def _scale() -> Html:
    return element("p", "against ", element("i", class_="ramp"), " for the class", class_="scale")
