"""The interactive waterfall of one row."""

import numpy as np

from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import canvas, listed, places, rule, value_lines, whiskers
from perturbxai.reporting.interactive.colours import LINE
from perturbxai.reporting.lettering import number
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.one_row import about_waterfall, steps_of
from perturbxai.reporting.values.panels import PANEL, height_of
from perturbxai.reporting.values.view import View


def figure(view: View) -> Interactive:
    """A panel an output: a bar a feature from base (bottom) to prediction (top)."""
    steps = [steps_of(view, k) for k in view.outputs]
    about, height = about_waterfall(view), height_of(len(steps[0].labels))
    made = canvas([one.title for one in steps], about, width=PANEL, height=height, names=steps[0].labels)
    for n, (at, k) in enumerate(zip(places((1, len(steps))), view.outputs, strict=True)):
        _panel(made, at, view, k, named=n == 0)
    return made


def _panel(made: Interactive, at: dict[str, int], view: View, k: int, named: bool) -> None:
    steps, e = steps_of(view, k), view.one
    place = np.arange(len(steps.labels))
    join = {"x": listed(np.repeat(steps.ends[1:], 3)), "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    y = np.column_stack([place[1:] - 0.67, place[1:] + 0.33, np.full(len(place) - 1, np.nan)]).ravel()
    made.add_scatter(y=listed(y), line={"color": LINE, "width": 1}, **join, **at)
    told = _told(view, k)
    made.add_bar(
        x=listed(steps.changes), base=listed(steps.starts), y=listed(place), orientation="h", width=0.66,
        marker={"color": steps.colours, "line": {"width": 0}}, hovertext=told, hoverinfo="text", showlegend=False, **at,
    )  # fmt: skip
    beyond = np.where(steps.changes > 0, np.maximum(steps.ends, steps.ends + steps.far), steps.ends - steps.far)
    made.add_scatter(
        x=listed(steps.ends), y=listed(place), mode="markers", marker={"size": 1, "opacity": 0}, showlegend=False,
        error_x=whiskers(steps.far, 1.6), hovertext=told, hoverinfo="text", **at,
    )  # fmt: skip
    made.add_scatter(
        x=listed(beyond), y=listed(place), mode="text", hoverinfo="skip", showlegend=False, cliponaxis=False,
        text=[f"&#160;{number(one, 3, sign=True)}&#160;" for one in steps.changes], textfont={"size": 11},
        textposition=["middle right" if one > 0 else "middle left" for one in steps.changes], **at,
    )  # fmt: skip
    low, high = min([*steps.starts, *(steps.ends - steps.far)]), max([*steps.starts, *(steps.ends + steps.far)])
    room = 0.22 * ((high - low) or 1.0)
    for end in (e.base[k], e.prediction[k]):
        rule(made, at, float(end), dash="dot")
    value_lines(made, at, steps.labels, "model's output", (low - room, high + room), named=named)


def _told(view: View, k: int) -> list[str]:
    """What stands under the mouse at each step: the feature, what the row has there, its value, and the way so far."""
    e, (shown, rest), steps = view.one, view.leading, steps_of(view, k)
    held, (low, high) = facts.held([e])[0], e.interval()
    heads = [f"{held[p]}<br>{words.amount(e.values[p, k], low[p, k], high[p, k])}" for p in shown]
    heads += [
        f"{words.label(steps.labels[n])}<br>{words.amount(steps.changes[n])}" for n in range(len(heads), len(steps.labels))
    ]
    if rest:
        heads[len(shown)] += "<br>" + "<br>".join(f"{held[p]}: {words.amount(e.values[p, k])}" for p in rest[:MOST_OTHERS])
        heads[len(shown)] += f"<br>and {len(rest) - MOST_OTHERS} more" * (len(rest) > MOST_OTHERS)
    way = [f"output from {number(a)} to {number(b)}" for a, b in zip(steps.starts, steps.ends, strict=True)]
    return [f"{head}<br>{one}<br>{facts.rows([e])[0]}" for head, one in zip(heads, way, strict=True)]


MOST_OTHERS = 8  # features of the sum that are told one by one
