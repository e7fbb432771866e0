"""The figure of one feature over many rows: what they have there, and what it does, coloured by the strongest partner."""

from typing import Any

import numpy as np

from perturbxai.core.checks import as_given
from perturbxai.core.types import Floats
from perturbxai.reporting.lettering import texts
from perturbxai.reporting.style import GREY, SPARE, rc, scale, sequence
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values import features
from perturbxai.reporting.values.panels import done, panels
from perturbxai.reporting.values.partner import strongest
from perturbxai.reporting.values.places import MOST_LEVELS, Places, places_of
from perturbxai.reporting.values.view import View
from perturbxai.results.taking import player_numbers

ONE_COLOUR, MOST_COLOURS = "#30638E", 8
SIZE = (4.4, 3.6)  # inches of a panel


@rc
def scatter(view: View, ax: Axes | None, feature: str | int | None) -> Drawing:
    """A panel an output: across what rows have at a feature, up its value with a thin 95 % interval."""
    result, names = view.result, texts(view.result.names)
    (player,) = [view.leading[0][0]] if feature is None else player_numbers(result.names, feature)
    own = _checked(places_of(result.explanations, player), result.names[player])
    beside = _partner(view, player, own)
    other = None if beside is None else places_of(result.explanations, beside)
    figure, axes = panels(len(view.outputs), SIZE[1], ax, SIZE[0])
    colours, handles = _colours(other, len(result))
    for axis, k in zip(axes, view.outputs, strict=True):
        _panel(axis, view, k, player, own, colours)
        own.label(axis, names[player])
        axis.tick_params(labelleft=True)
    axes[0].set_ylabel(f"value of {names[player]}, in units of the model's output")
    by = "" if beside is None else f"; colour: {names[beside]}, which goes with it most"
    if other is not None and beside is not None and handles is None:
        scale(axes, sequence(), 0, 1, names[beside], ("low", "high"))
    if ax is not None and handles:
        ax.legend(handles=handles, frameon=False, title=names[beside or 0])
    return done(figure, ax, view.about_rows(by), handles)


def _checked(own: Places | None, name: str) -> Places:
    if own is None:
        raise ValueError(
            f"kind='scatter' needs what rows have at {name!r}, and this result does not know it, as one that an earlier "
            "version wrote; explain again."
        )
    if own.levels is not None and len(own.levels) > MOST_LEVELS:
        raise ValueError(
            f"feature={as_given(name)} has {len(own.levels)} different values that are no numbers, and {MOST_LEVELS} can "
            "stand side by side; take another feature, or another kind."
        )
    return own


def _partner(view: View, player: int, own: Places) -> int | None:
    """The feature that interacts most, as the method tells, or else as the values look."""
    result = view.result
    pairs = result.interactions
    if pairs is not None:
        size = np.abs(pairs[:, player][:, :, view.outputs]).mean(axis=(0, 2))
        return int(np.argmax(size)) if size.max() > 0 else None
    others = {p: places_of(result.explanations, p) for p in range(len(result.names)) if p != player}
    known = {p: places for p, places in others.items() if places is not None}
    return strongest(result.values[:, player][:, view.outputs], own, known)


def _panel(axis: Axes, view: View, k: int, player: int, own: Places, colours: Any) -> None:
    values, across = view.result.values[:, player, k], own.across()
    low, high = (end[:, player, k] for end in view.result.interval())
    known = np.isfinite(low) & np.isfinite(high) & (high - low > 1e-9 * (np.abs(values).max() or 1.0))
    axis.axhline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.vlines(across[known], low[known], high[known], color="#999999", linewidth=0.5, alpha=0.6, zorder=1)
    size = float(np.clip(1500.0 / len(values), 6.0, 22.0))
    axis.scatter(across, values, c=colours, s=size, linewidths=0, zorder=3)
    _within(axis, values, low[known], high[known])
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(texts(view.result.outputs)[k])


def _within(axis: Axes, values: Floats, low: Floats, high: Floats) -> None:
    """All values on the axis, and of intervals no more than they take without flattening them."""
    span = float(np.ptp([*values, 0.0])) or 1.0
    bottom = max(min([*low, values.min()]), values.min() - 0.5 * span)
    top = min(max([*high, values.max()]), values.max() + 0.5 * span)
    axis.set_ylim(min(bottom, 0.0) - 0.04 * span, max(top, 0.0) + 0.04 * span)


def _colours(other: Places | None, n_rows: int) -> tuple[Any, list[Any] | None]:
    """A colour for each row, and handles of a legend where a partner has levels."""
    if other is None:
        return [ONE_COLOUR] * n_rows, None
    if other.levels is None:
        return sequence()(np.ma.masked_invalid(features.between_percentiles(other.at))), None
    from matplotlib.patches import Patch

    count = np.bincount(other.at.astype(int), minlength=len(other.levels))
    shown = sorted(np.argsort(-count, kind="stable")[:MOST_COLOURS].tolist())
    colour = {level: SPARE[n % len(SPARE)] for n, level in enumerate(shown)}
    handles = [Patch(color=colour[level], label=other.levels[level]) for level in shown]
    if len(shown) < len(other.levels):
        handles.append(Patch(color=GREY, label="others"))
    return [colour.get(int(at), GREY) for at in other.at], handles
