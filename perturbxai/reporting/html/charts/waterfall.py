"""A row's way from the usual prediction to its own: a table of columns with their values, steps and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.reporting.html.charts.bars import LONGEST_NAME
from perturbxai.reporting.html.charts.strip import HIGH, axis_row, bar, line, strip, whisker
from perturbxai.reporting.html.markup import Html, element, name
from perturbxai.reporting.html.numbers import own, with_half
from perturbxai.reporting.html.per_cent import output_of, per_cent, points
from perturbxai.reporting.html.scale import Scale
from perturbxai.results.describing import half_widths
from perturbxai.results.explanation import Explanation

TOP = 9  # columns with a step of their own
WHISKER = 0.4  # of the way: how far a whisker may reach beyond the bars
GAP = 1e-3  # of the way: what a method leaves unexplained is shown from here on


@dataclass(frozen=True)
class Step:
    """From one level to the next. half: of the 95 % interval, infinite where it is not known, 0 where there is none."""

    called: object
    has: str
    start: float
    end: float
    half: float
    class_: str


def waterfall(e: Explanation, k: int, has: Sequence[object] | None, unit: str = "columns") -> Html:
    """The table of one row and output.

    has   (P,) what the row has in each column, or None where it is not known
    unit  what the players are called, several of them
    """
    steps, end = steps_of(e, k, has, unit), per_cent(e.meta)
    base, prediction = float(e.base[k]), float(e.prediction[k])
    ends = np.array([[base, prediction], *([step.start, step.end] for step in steps)]).ravel()
    half = np.array([step.half for step in steps])
    reach = np.where(np.isfinite(half), np.minimum(half, WHISKER * np.ptp(ends[np.isfinite(ends)])), 0.0)
    last = np.array([step.end for step in steps])
    scale = Scale.over(ends, last - reach, last + reach)
    head = element("tr", *(element("th", text, scope="col", class_=class_) for text, class_ in (
        ("column", None), ("value", None), ("from the usual to this prediction", "strip-head"),
        (f"adds {'points ' if points(e.meta) else ''}± 95\N{NO-BREAK SPACE}%", "number"))))  # fmt: skip
    lines = [
        _level("usual prediction", base, scale, "first", e.meta),
        *(_line(step, scale) for step in steps),
        _level("this prediction", prediction, scale, "last", e.meta),
    ]
    caption = f"From {output_of(base, e.meta)}{end} to {output_of(prediction, e.meta)}{end}, step by step"
    body = element("tbody", *lines, axis_row(scale, 2, 1))
    return element(
        "table", element("caption", caption, class_="hidden"), element("thead", head), body, class_="chart waterfall"
    )


def steps_of(e: Explanation, k: int, has: Sequence[object] | None, unit: str) -> list[Step]:
    """The leading columns, all others together, and what the values do not add up to, each from where the last ended."""
    values = e.values[:, k]
    halves = half_widths(e)[:, k]
    order = np.argsort(-np.abs(values), kind="stable")
    shown = order if len(order) <= TOP + 1 else order[:TOP]
    rest = order[len(shown) :]
    parts: list[tuple[object, str, float, float, str]] = [
        (e.names[p], "" if has is None else own(has[p]), float(values[p]),
         float(halves[p]), "")
        for p in shown
    ]  # fmt: skip
    if len(rest):
        parts.append((f"{len(rest)} other {unit} together", "", float(values[rest].sum()), 0.0, "rest"))
    way = float(e.prediction[k] - e.base[k])
    left = way - float(values.sum())  # NaN where it is not known what the way is
    if abs(left) > GAP * max(abs(way), float(np.abs(values).max(initial=0.0)), 1e-300):
        parts.append(("left over: this method's values do not add up to the prediction", "", left, 0.0, "rest"))
    found, level = [], float(e.base[k]) if np.isfinite(e.base[k]) else 0.0
    for called, text, value, half, class_ in parts:
        found.append(Step(called, text, level, level + value, half, class_))
        level += value
    return found


def _line(step: Step, scale: Scale) -> Html:
    value = step.end - step.start
    side = step.class_ or ("for" if value > 0 else "against")
    marks = [
        line(scale.place(step.start), 0, scale.place(step.start), 25, "way"), bar(scale, step.start, step.end, side, 25, 75),
        line(scale.place(step.end), 75, scale.place(step.end), HIGH, "way"),
    ]  # fmt: skip
    shown, half = with_half(value, step.half, scale.high - scale.low, sign=True)
    if half and np.isfinite(step.half):
        marks.append(whisker(scale, step.end - step.half, step.end + step.half))
    return element(
        "tr", element("th", name(step.called, LONGEST_NAME), scope="row"), element("td", name(step.has, 60), class_="has"),
        element("td", strip(scale, *marks), class_="strip-cell"),
        element("td", shown, " ", element("span", half, class_="error") if half else None, class_="number"),
        class_=step.class_ or None,
    )  # fmt: skip


def _level(text: str, level: float, scale: Scale, class_: str, meta: Mapping[str, Any]) -> Html:
    top, bottom = (50, HIGH) if class_ == "first" else (0, 50)
    marks: list[Html] = []
    if np.isfinite(level):
        at = scale.place(level)
        marks = [line(at, top, at, bottom, "way"), line(max(at - 12, 0), 50, min(at + 12, 1000), 50, "level")]
    return element(
        "tr", element("th", text, scope="row", colspan=2), element("td", strip(scale, *marks), class_="strip-cell"),
        element("td", element("b", output_of(level, meta), per_cent(meta) if np.isfinite(level) else ""), class_="number"),
        class_=f"level {class_}",
    )  # fmt: skip
