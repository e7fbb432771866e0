"""The figure of one feature over many rows: what they have there, and what it does, coloured by the strongest partner."""

from dataclasses import dataclass
from functools import cached_property
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
OTHERS = "others"
SIZE = (4.4, 3.6)  # inches of a panel


@dataclass(frozen=True, eq=False)
class Seen:
    """What a scatter shows: of which feature, where rows lie along it, and which other one colours them, if any does."""

    view: View
    player: int
    own: Places
    beside: int | None
    other: Places | None

    @cached_property
    def names(self) -> list[str]:
        return texts(self.view.result.names)

    @property
    def title(self) -> str:
        return f"value of {self.names[self.player]}, in units of the model's output"

    @property
    def about(self) -> str:
        by = "" if self.beside is None else f"; colour: {self.names[self.beside]}, which goes with it most"
        return self.view.about_rows(by)

    def values(self, k: int) -> tuple[Floats, Floats, Floats]:
        """(N,) each: the values, and the ends of their 95 % intervals, NaN where none is drawn."""
        values = self.view.result.values[:, self.player, k]
        low, high = (end[:, self.player, k] for end in self.view.result.interval())
        known = np.isfinite(low) & np.isfinite(high) & (high - low > 1e-9 * (np.abs(values).max() or 1.0))
        return values, np.where(known, low, np.nan), np.where(known, high, np.nan)


def seen_of(view: View, feature: str | int | None) -> Seen:
    """Raises ValueError for an unknown feature, and for one along which rows cannot be put."""
    result = view.result
    (player,) = [view.leading[0][0]] if feature is None else player_numbers(result.names, feature)
    own = _checked(places_of(result.explanations, player), result.names[player])
    beside = _partner(view, player, own)
    return Seen(view, player, own, beside, None if beside is None else places_of(result.explanations, beside))


@rc
def scatter(seen: Seen, ax: Axes | None) -> Drawing:
    """A panel an output: across what rows have at a feature, up its value with a thin 95 % interval."""
    view, names, other = seen.view, seen.names, seen.other
    figure, axes = panels(len(view.outputs), SIZE[1], ax, SIZE[0])
    colours, handles = _colours(other, len(view.result))
    for axis, k in zip(axes, view.outputs, strict=True):
        _panel(axis, seen, k, colours)
        seen.own.label(axis, names[seen.player])
        axis.tick_params(labelleft=True)
    axes[0].set_ylabel(seen.title)
    if other is not None and seen.beside is not None and handles is None:
        scale(axes, sequence(), 0, 1, names[seen.beside], ("low", "high"))
    if ax is not None and handles:
        ax.legend(handles=handles, frameon=False, title=names[seen.beside or 0])
    return done(figure, ax, seen.about, handles)


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


def _panel(axis: Axes, seen: Seen, k: int, colours: Any) -> None:
    across = seen.own.across()
    values, low, high = seen.values(k)
    known = np.isfinite(low)
    axis.axhline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.vlines(across[known], low[known], high[known], color="#999999", linewidth=0.5, alpha=0.6, zorder=1)
    size = float(np.clip(1500.0 / len(values), 6.0, 22.0))
    axis.scatter(across, values, c=colours, s=size, linewidths=0, zorder=3)
    axis.set_ylim(*within(values, low[known], high[known]))
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(texts(seen.view.result.outputs)[k])


def within(values: Floats, low: Floats, high: Floats) -> tuple[float, float]:
    """Ends of an axis: all values, and of intervals no more than they take without flattening them."""
    span = float(np.ptp([*values, 0.0])) or 1.0
    bottom = max(min([*low, values.min()]), values.min() - 0.5 * span)
    top = min(max([*high, values.max()]), values.max() + 0.5 * span)
    return min(bottom, 0.0) - 0.04 * span, max(top, 0.0) + 0.04 * span


def _colours(other: Places | None, n_rows: int) -> tuple[Any, list[Any] | None]:
    """A colour for each row, and handles of a legend where a partner has levels."""
    if other is None:
        return [ONE_COLOUR] * n_rows, None
    if other.levels is None:
        return sequence()(np.ma.masked_invalid(features.between_percentiles(other.at))), None
    from matplotlib.patches import Patch

    colour = level_colours(other)
    handles = [Patch(color=own, label=other.levels[level]) for level, own in colour.items()]
    if len(colour) < len(other.levels):
        handles.append(Patch(color=GREY, label=OTHERS))
    return [colour.get(int(at), GREY) for at in other.at], handles


def level_colours(other: Places) -> dict[int, str]:
    """Number of a level -> its colour: of those that most rows have. All others are grey."""
    assert other.levels is not None  # which the caller saw to
    count = np.bincount(other.at.astype(int), minlength=len(other.levels))
    shown = sorted(np.argsort(-count, kind="stable")[:MOST_COLOURS].tolist())
    return {level: SPARE[n % len(SPARE)] for n, level in enumerate(shown)}
