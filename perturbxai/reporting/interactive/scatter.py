"""The interactive scatter of one feature over many rows."""

from typing import Any

import numpy as np

from perturbxai.core.types import Ints
from perturbxai.reporting.interactive import facts, words
from perturbxai.reporting.interactive.canvas import BAR, Record, canvas, colour_bar, listed, places, rule, whiskers
from perturbxai.reporting.interactive.colours import FAINT, rising
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import GREY
from perturbxai.reporting.types import Interactive
from perturbxai.reporting.values.features import between_percentiles
from perturbxai.reporting.values.places import Places
from perturbxai.reporting.values.scatter import ONE_COLOUR, OTHERS, SIZE, Seen, level_colours, within

BARS = "rgba(120,120,120,0.45)"
TURNED = 40  # letters of all levels' names, from which on these are turned
MANY = 4000  # points of a panel, from which on they are drawn by WebGL


def figure(seen: Seen) -> Interactive:
    """A panel an output. Where levels colour the rows, a click on the legend hides those of one."""
    view, other = seen.view, seen.other
    heads = [texts(view.result.outputs)[k] for k in view.outputs]
    scaled = other is not None and other.levels is None
    parts = _parts(other, len(view.result))
    legend = [name for name, _, _ in parts if name]
    levels = seen.own.levels or ()
    turned = sum(map(len, levels)) > TURNED
    made = canvas(
        heads, seen.about, width=SIZE[0], height=SIZE[1] + 0.5, beside=BAR * scaled, legend=legend,
        below=62 + turned * int(5.6 * max(map(len, levels), default=0)), apart=(46, 90), names=["0" * 7],
    )  # fmt: skip
    if scaled and seen.beside is not None:
        bar = colour_bar(seen.names[seen.beside], ([0.0, 1.0], ["low", "high"]))
        made.update_layout(coloraxis={"colorscale": rising(), "cmin": 0.0, "cmax": 1.0, "colorbar": bar})
    if legend and seen.beside is not None:
        made.update_layout(legend={"title": {"text": words.label(seen.names[seen.beside]) + "&#160; "}})
    told = _told(seen)
    for n, (at, k) in enumerate(zip(places((1, len(heads))), view.outputs, strict=True)):
        rule(made, at, 0.0, "h")
        for part in parts:
            _points(made, at, seen, k, part, told[n], first=n == 0)
        _axes(made, at, seen, k, turned)
    up = "<br>".join(words.lines(seen.title, 42))
    made.update_yaxes(title={"text": up, "font": {"size": 12}}, row=1, col=1)
    return made


def _parts(other: Places | None, n_rows: int) -> list[tuple[str, Ints, Any]]:
    """(name in the legend, which rows, their colours) of each trace."""
    every = np.arange(n_rows)
    if other is None:
        return [("", every, ONE_COLOUR)]
    if other.levels is None:
        shade = between_percentiles(other.at)
        there = np.isfinite(shade)
        return [part for part in (("", every[there], shade[there]), ("", every[~there], GREY)) if len(part[1])]
    colours = level_colours(other)
    found: list[tuple[str, Ints, Any]] = [
        (words.label(other.levels[level]), np.flatnonzero(other.at == level), colour) for level, colour in colours.items()
    ]
    rest = np.flatnonzero(~np.isin(other.at, list(colours)))
    return [*found, (OTHERS, rest, GREY)] if len(rest) else found


def _points(
    made: Interactive, at: Record, seen: Seen, k: int, part: tuple[str, Ints, Any], told: list[str], first: bool
) -> None:
    name, rows, colour = part
    values, low, high = seen.values(k)
    across = np.datetime_as_string(seen.own.across()) if seen.own.moments else seen.own.across()
    size = float(np.clip(1500.0 / len(values), 6.0, 22.0)) ** 0.5 * 1.9
    shaded = isinstance(colour, np.ndarray)
    marker = {"color": listed(colour), "coloraxis": "coloraxis"} if shaded else {"color": colour}
    draw = made.add_scattergl if len(values) > MANY else made.add_scatter
    draw(
        x=listed(across[rows]), y=listed(values[rows]), mode="markers", marker={"size": size, **marker}, name=name,
        error_y=whiskers((high - low)[rows] / 2.0, 0.9, BARS), hovertext=[told[r] for r in rows], hoverinfo="text",
        legendgroup=name, showlegend=bool(name) and first, **at,
    )  # fmt: skip


def _axes(made: Interactive, at: Record, seen: Seen, k: int, turned: bool) -> None:
    own = seen.own
    values, low, high = seen.values(k)
    known = np.isfinite(low)
    bottom, top = within(values, low[known], high[known])
    made.update_yaxes(range=[bottom, top], nticks=8, **at)
    made.update_xaxes(title={"text": words.label(seen.names[seen.player]), "font": {"size": 12}}, **at)
    if own.levels is not None:
        made.update_xaxes(
            tickmode="array", tickvals=list(range(len(own.levels))), ticktext=words.labels(own.levels),
            tickangle=-60 if turned else 0, **at,
        )  # fmt: skip
    elif own.missing.any():
        (where, *_) = own.across()[own.missing]
        place = np.datetime_as_string(where) if own.moments else float(where)
        made.add_scatter(
            x=[place, place], y=[bottom, top], mode="lines", line={"color": FAINT, "width": 1}, hoverinfo="skip",
            showlegend=False, **at,
        )  # fmt: skip
        made.add_annotation(
            x=place, y=bottom, text="missing", textangle=-90, showarrow=False, yanchor="bottom", xanchor="right",
            font={"size": 10, "color": "#666666"}, **at,
        )  # fmt: skip


def _told(seen: Seen) -> list[list[str]]:
    """Of each panel what stands under the mouse at each row: what it has at both features, and its value."""
    result = seen.view.result
    held, rows = facts.held(result.explanations), facts.rows(result.explanations)
    low, high = result.interval()
    found = []
    for k in seen.view.outputs:
        amounts = words.amounts(result.values[:, seen.player, k], low[:, seen.player, k], high[:, seen.player, k])
        by = ["" if seen.beside is None else f"<br>{own[seen.beside]}" for own in held]
        found.append([f"{o[seen.player]}<br>{v}{b}<br>{r}" for o, v, b, r in zip(held, amounts, by, rows, strict=True)])
    return found
