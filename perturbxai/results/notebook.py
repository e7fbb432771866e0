"""What a notebook shows of a result: a few rows as HTML with bars in inline SVG, in the notebook's own colours.

Every word that came from outside is escaped; no script, style sheet or address of anything else is in it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core.types import Floats, Frame
from perturbxai.core.wording import OUTPUTS, count, highest, word

if TYPE_CHECKING:
    from perturbxai.results.one_input import Explanation

ROWS, FEATURES, PAIRS, LINES, COLUMNS = 3, 8, 3, 12, 12  # shown at most; the rest is counted
LONGEST = 22
WIDTH, NAMES, NUMBERS, LINE = 420, 165, 66, 18  # pixels: a panel, its names, its numbers, a feature
FOR, AGAINST = "#d6604d", "#4393c3"  # read on white and on black


def page(explanations: Sequence[Explanation], title: str) -> str:
    """HTML of the first rows: for each output shown, the leading features with values and 95 % intervals."""
    first = explanations[0]
    told = [count(len(explanations), "input"), count(len(first.names), "feature"), count(len(first.outputs), "output")]
    rows = [_row(e) for e in explanations[:ROWS]]
    return _whole(title, told, "".join(rows) + _left(len(explanations) - ROWS, "more input", ": see to_frame()"))


def bars(title: str, told: Sequence[str], outputs: Sequence[str], names: Sequence[str], ends: Sequence[Floats]) -> str:
    """HTML of values, low and high ends (P, K): for each of the first outputs, the largest values with their intervals."""
    panels = []
    for k, output in enumerate(outputs[:OUTPUTS]):
        panels.append(f"<div><b>{words(output)}</b></div>{_leading(names, *(end[:, k] for end in ends))}")
    return _whole(title, told, _side_by_side(panels) + _left(len(outputs) - len(panels), "more output"))


def table(title: str, told: Sequence[str], frame: Frame) -> str:
    """HTML of the first lines and columns of a table."""
    shown = frame.iloc[:LINES, :COLUMNS]
    cells = [[_short(one) if isinstance(one, float) else words(one) for one in line] for line in shown.to_numpy(object)]
    head = "".join(f'<th style="text-align:left">{words(name)}</th>' for name in shown)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in cells)
    rest = _left(len(frame) - len(shown), "more line") + _left(frame.shape[1] - shown.shape[1], "more column")
    return _whole(title, told, f"<table><tr>{head}</tr>{lines}</table>{rest}")


def _whole(title: str, told: Sequence[str], inner: str) -> str:
    return (
        '<div style="color:inherit;background:transparent;font-family:sans-serif;font-size:13px">'
        f"<div><b>{words(title)}</b>, {', '.join(told)}</div>{inner}</div>"
    )


def _side_by_side(panels: Sequence[str]) -> str:
    cells = "".join(f'<div style="margin:2px 12px 2px 0">{panel}</div>' for panel in panels)
    return f'<div style="display:flex;flex-wrap:wrap">{cells}</div>'


def _left(number: int, noun: str, see: str = "") -> str:
    """What is not shown, counted; nothing if all is."""
    return f'<div style="opacity:.7">and {count(number, noun)}{see}</div>' if number > 0 else ""


def words(text: object, longest: int = 60) -> str:
    """Words of any origin as HTML text: one line, not endless, nothing in them is markup or a control character."""
    return html.escape(word(text, longest))


def _row(e: Explanation) -> str:
    shown = highest(e.prediction)
    panels = _side_by_side([_panel(e, k) for k in shown])
    rest = _left(len(e.outputs) - len(shown), "more output")
    return f'<div style="margin-top:8px">row {words(e.label)}</div>{panels}{rest}'


def _panel(e: Explanation, k: int) -> str:
    """One output: its name, prediction and base, and a bar a feature."""
    low, high = e.interval()
    head = f"<b>{words(e.outputs[k])}</b>: {_short(e.prediction[k])} here, {_short(e.base[k])} with everything absent"
    return f"<div>{head}</div>{_leading(e.names, e.values[:, k], low[:, k], high[:, k])}{_strongest_pairs(e, k)}"


def _strongest_pairs(e: Explanation, k: int) -> str:
    """A line on what pairs do together, where the method says so."""
    if e.interactions is None or len(e.names) < 2:
        return ""
    first, second = np.triu_indices(len(e.names), 1)
    values = e.interactions[first, second, k]
    told = [
        f"{words(e.names[first[n]], LONGEST)} × {words(e.names[second[n]], LONGEST)} {_short(values[n])}"
        for n in np.argsort(-np.abs(values), kind="stable")[:PAIRS]
    ]
    return f"<div>strongest together: {', '.join(told)}</div>"


def _leading(names: Sequence[str], values: Floats, low: Floats, high: Floats) -> str:
    """Bars of the largest values (P,) with their intervals, and how many others there are."""
    first = np.argsort(-np.abs(values), kind="stable")[:FEATURES]
    drawn = _bars([names[p] for p in first], values[first], low[first], high[first])
    return drawn + _left(len(names) - len(first), "more feature")


def _bars(names: Sequence[str], values: Floats, low: Floats, high: Floats) -> str:
    """An SVG of bars from zero, whiskers where the interval is known; a long whisker is cut at the edge."""
    reach = np.concatenate([values, [0.0]])
    reach = reach[np.isfinite(reach)]
    span = float(np.ptp(reach)) or 1.0
    known = np.isfinite(low) & np.isfinite(high)
    ends = np.concatenate([low[known], high[known], [0.0]])
    left = max(min(reach.min(), ends.min()), reach.min() - 0.5 * span)
    right = min(max(reach.max(), ends.max()), reach.max() + 0.5 * span)

    def x(value: float) -> float:
        share = (min(max(value, left), right) - left) / ((right - left) or 1.0)
        return float(NAMES + 6 + share * (WIDTH - NAMES - NUMBERS - 12))

    lines = [_line(i, n, v, lo, hi, x) for i, (n, v, lo, hi) in enumerate(zip(names, values, low, high, strict=True))]
    height = LINE * len(names) + 2
    axis = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height}" stroke="currentColor" stroke-opacity=".4"/>'
    return (
        f'<svg width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" font-size="12" '
        f'fill="currentColor">{axis}{"".join(lines)}</svg>'
    )


def _line(i: int, name: str, value: float, low: float, high: float, x: Callable[[float], float]) -> str:
    middle = LINE * i + LINE / 2
    known = math.isfinite(low) and math.isfinite(high)
    told = f"{_short(value)}, 95 % {_short(low)} to {_short(high)}" if known else f"{_short(value)}, error not known"
    start, end = sorted((x(0.0), x(value) if math.isfinite(value) else x(0.0)))
    bar = (
        f'<rect x="{start:.1f}" y="{middle - 5:.1f}" width="{end - start:.1f}" height="10" '
        f'fill="{FOR if value > 0 else AGAINST}"/>'
    )
    across = f'x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{middle:.1f}" y2="{middle:.1f}"' if known else ""
    whisker = f'<line {across} stroke="currentColor"/>' if known else ""
    return (
        f"<g><title>{words(name)}: {told}</title>"
        f'<text x="{NAMES}" y="{middle + 4:.1f}" text-anchor="end">{words(name, LONGEST)}</text>{bar}{whisker}'
        f'<text x="{WIDTH}" y="{middle + 4:.1f}" text-anchor="end">{_short(value)}</text></g>'
    )


def _short(value: float) -> str:
    """Three significant digits, with a true minus sign."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")
