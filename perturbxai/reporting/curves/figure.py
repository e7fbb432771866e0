"""Figures of effects: panels of columns and pairs side by side, and what they have in common said once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from perturbxai.core.types import Outputs
from perturbxai.inputs.spaces import Space, TabularSpace
from perturbxai.reporting.curves import column_panel, pair_panel, view
from perturbxai.reporting.curves.view import Panel
from perturbxai.reporting.style import left_out, legend_below, new_figure, rc
from perturbxai.reporting.types import Artist, Axes, Drawing, Figure
from perturbxai.results.surface_places import within_noise

ACROSS = 3
WIDTH, HEIGHT = 3.5, 2.75  # inches a panel


@dataclass(frozen=True, eq=False)
class Asked:
    """Which effects are drawn: panels by column or pair, what is not shown, in words, and the space with the data."""

    lines: list[list[Panel]]
    more: list[str]
    space: TabularSpace | None

    @property
    def drawn(self) -> list[Panel]:
        return [panel for line in self.lines for panel in line]

    @property
    def about(self) -> str:
        return "; ".join([*about(self.drawn), *self.more])


def plot_effects(asked: Asked, ax: Axes | None) -> Drawing:
    """A new Figure of effects, or `ax`; see `plot.plot`."""
    if ax is None:
        return figure(asked.lines, asked.space, asked.more)
    draw(asked.drawn, [ax], asked.space)
    if keys := handles(asked.drawn):
        ax.legend(handles=keys, frameon=False)
    return ax


def asked_of(
    found: view.Found, kind: str | None, row: Hashable, output: Outputs | None, top: int, ax: Axes | None,
    space: Space | None,
) -> Asked:  # fmt: skip
    """Raises TypeError and ValueError for what `plot` says that it does, and for several panels on one `ax`."""
    known = view.check(found, kind)
    table = view.check_space(found, space)
    outputs = view.outputs_of(known, output)
    shown, n_left = view.leading(found, outputs, top)
    more = [f"{n_left} features more"] * bool(n_left)
    more += [left_out(len(known) - len(outputs)).removeprefix("; ")] * (output is None and len(known) > len(outputs))
    asked = Asked(view.panels(shown, kind, outputs, row, table), more, table)
    if ax is not None and len(asked.drawn) > 1:
        raise ValueError(
            f"ax is one panel, and {len(asked.drawn)} are to be drawn; give one effect and output=, or leave ax= out."
        )
    return asked


def places_of(lines: Sequence[Sequence[Panel]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """((row, column) of each panel, (rows, columns)): those of a column side by side where it has several, else in turn."""
    widest, n_panels = max(map(len, lines)), sum(map(len, lines))
    if widest > 1:
        return [(r, c) for r, line in enumerate(lines) for c in range(len(line))], (len(lines), widest)
    across = 2 if n_panels == 4 else min(n_panels, ACROSS)
    return [divmod(number, across) for number in range(n_panels)], (-(-n_panels // across), across)


@rc
def figure(lines: Sequence[Sequence[Panel]], space: TabularSpace | None, more: Sequence[str] = ()) -> Figure:
    """A new Figure of panels."""
    drawn = [panel for line in lines for panel in line]
    places, shape = places_of(lines)
    made = new_figure(WIDTH * shape[1] + 0.5, HEIGHT * shape[0] + 0.7)
    grid = made.subplots(*shape, squeeze=False)
    axes = [grid[place] for place in places]
    for axis in set(grid.ravel()) - set(axes):
        axis.remove()
    draw(drawn, axes, space)
    _name_scales(drawn, axes)
    made.suptitle("; ".join([*about(drawn), *more]), fontsize=9)
    if keys := handles(drawn, with_data=True):
        legend_below(made, keys)
    return made


def _name_scales(drawn: Sequence[Panel], axes: Sequence[Axes]) -> None:
    """Once in a line of panels, at the first."""
    said: set[Any] = set()
    for panel, axis in zip(drawn, axes, strict=True):
        line = axis.get_subplotspec().rowspan.start  # type: ignore[union-attr]
        if len(panel.names) == 1 and (line, panel.scale) in said:
            axis.set_ylabel("")
        said.add((line, panel.scale))


@rc
def draw(drawn: Sequence[Panel], axes: Sequence[Axes], space: TabularSpace | None) -> None:
    """Draw panels on axes. Curves of one output and scale have the same ends, so that their sizes compare."""
    for panel, axis in zip(drawn, axes, strict=True):
        if len(panel.names) == 2:
            pair_panel.draw(axis, panel)
            continue
        alike = alike_of(panel, drawn)
        column_panel.draw(axis, panel, column_panel.limits(alike), above_of(alike), space)


def alike_of(panel: Panel, drawn: Sequence[Panel]) -> list[Panel]:
    """The panels of one output and scale, which have the same ends."""
    return [one for one in drawn if len(one.names) == 1 and (one.k, one.scale) == (panel.k, panel.scale)]


def above_of(alike: Sequence[Panel]) -> float:
    """The share of a panel that is left free above its curves, for a warning in any of those it is compared with."""
    warned = any(one.said is not None for one in alike)
    return column_panel.SPACE_WARNED if warned else column_panel.SPACE_ABOVE


def about(drawn: Sequence[Panel]) -> list[str]:
    """What is said once over all panels."""
    rows = drawn[0].effects[0].meta.get("drawn_rows")
    parts = [f"{rows:,} rows"] if rows else []
    lines = [line for panel in drawn if len(panel.names) == 1 for line in panel.lines if line.mean]
    if any(line.has_band for line in lines):
        whole = ", thin lines for the whole curve" if any(line.has_band and not line.among for line in lines) else ""
        parts.append(f"95 % bands: filled at each point{whole}")
    if centred := list(dict.fromkeys(line.label for line in lines if line.centred)):
        parts.append(f"centred here, without a band: {', '.join(centred)}")
    if any(len(panel.names) == 2 and pair_panel.without_rows(panel.effects[0]).any() for panel in drawn):
        parts.append("hatched: no rows there")
    if any(len(panel.names) == 2 and within_noise(panel.effects[0], panel.k).any() for panel in drawn):
        parts.append("pale: within noise")
    return parts


def handles(drawn: Sequence[Panel], with_data: bool = False) -> list[Artist]:
    """What the lines are, for a legend, each once; nothing for a single one. with_data: also what lies below them."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found: dict[str, Any] = {}
    curved = [panel for panel in drawn if len(panel.names) == 1]
    for line in (line for panel in curved for line in panel.lines):
        if line.mean:
            found.setdefault(line.label, Line2D([], [], color=line.colour, linewidth=1.8, label=line.label))
        if line.rows:
            label = f"{line.label}, single rows"
            found.setdefault(label, Line2D([], [], color=line.colour, linewidth=0.9, alpha=0.7, label=label))
    if curved and with_data:
        found["data"] = Patch(color=column_panel.DATA, label="rows of the data (ticks: deciles)")
        if any(panel.said is not None for panel in curved):
            found["said"] = Patch(color=column_panel.WARNING, alpha=0.7, label="share of questions where no rows are")
    return list(found.values()) if len(found) > 1 else []
