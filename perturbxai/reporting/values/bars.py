"""Bars of one row: its values with 95 % intervals, of one method or of several beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Outputs
from perturbxai.inputs.spaces import Space
from perturbxai.reporting.lettering import text
from perturbxai.reporting.style import left_out, rc, styles_of
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values import features, one_row
from perturbxai.reporting.values.panels import done, height_of, panels
from perturbxai.reporting.values.view import View, view_of
from perturbxai.results.explanation import Attribution, Explanation

AXIS = "value, in units of the model's output"


@dataclass(frozen=True, eq=False)
class Bars:
    """Which methods are drawn, and which features of the one row. view: of the first method;  rows: the row by each."""

    named: Mapping[str, Attribution]
    view: View
    rows: dict[str, Explanation]
    shown: list[int]

    @property
    def about(self) -> str:
        view = self.view
        of_one = len(self.named) == 1
        what = view.about if of_one else f"row {text(view.one.label)}{left_out(view.n_left_out)}"
        left = features.more(len(view.one.names) - len(self.shown))
        return f"{what}; 95 % intervals: thick of one, thin of all features together{left}"


def bars_of(named: Mapping[str, Attribution], view: View) -> Bars:
    """The features that lead by all methods together."""
    rows = {name: result[view.row or 0] for name, result in named.items()}
    shown, _ = features.leading(features.order(np.stack([e.values[:, view.outputs] for e in rows.values()])), view.top)
    return Bars(named, view, rows, shown)


def compared(
    named: Mapping[str, Attribution], kind: str | None, row: int | str | None, output: Outputs | None, top: int,
    ax: Axes | None, space: Space | None,
) -> Bars:  # fmt: skip
    """Of several methods. Raises ValueError for another kind, and for results of several calls."""
    if kind not in (None, "bars"):
        raise ValueError(f"kind={kind!r} draws one result, and {len(named)} came: give one of {', '.join(named)}, or bars.")
    views = [view_of(name, one, "bars", row, output, top, ax, space) for name, one in named.items()]
    first = views[0]
    for view in views:
        if (view.one.names, view.one.outputs) != (first.one.names, first.one.outputs):
            raise ValueError(f"{view.name} and {first.name} differ in features or outputs; draw results of one call.")
    return bars_of(named, first)


@rc
def bars(asked: Bars, ax: Axes | None) -> Drawing:
    """A panel an output."""
    view, named = asked.view, asked.named
    figure, axes = panels(len(view.outputs), height_of(len(asked.shown), 0.18 + 0.12 * len(named)), ax)
    styles = styles_of(named)
    for axis, k in zip(axes, view.outputs, strict=True):
        one_row.bar_panel(axis, asked.rows, None, asked.shown, k, styles, view.labels)
        axis.locator_params(axis="x", nbins=6)
    handles = one_row.bar_handles(named, None, "") if len(named) > 1 else None
    if ax is not None and handles:
        ax.legend(handles=handles, frameon=False)
    return done(figure, ax, asked.about, handles)
