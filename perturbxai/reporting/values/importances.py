"""Figures of importances: a panel a method and output, or the groups of rows of one method side by side."""

from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Outputs
from perturbxai.core.wording import count
from perturbxai.reporting.lettering import text, texts
from perturbxai.reporting.style import SPARE, left_out, rc, styles_of, titles, value_lines
from perturbxai.reporting.types import Axes, Drawing
from perturbxai.reporting.values import features
from perturbxai.reporting.values.panels import done, height_of, panels
from perturbxai.reporting.values.view import panels_of
from perturbxai.results.importance import Importance

Z95 = 1.959963984540054
AXIS = "mean |value|, in units of the model's output"


@dataclass(frozen=True, eq=False)
class Asked:
    """Which importances are drawn, of which features and outputs: a panel a method and output, or groups side by side."""

    named: dict[str, Importance]
    outputs: list[int]
    n_left_out: int
    shown: list[int]
    rest: list[int]

    @property
    def first(self) -> Importance:
        return next(iter(self.named.values()))

    @property
    def of_groups(self) -> bool:
        return all("cohort" in one.meta for one in self.named.values())

    @property
    def about(self) -> str:
        what = text(self.first.name) if self.of_groups else f"{self.first.n_rows} rows"
        diamond = "" if self.of_groups else "; diamond: without the noise's bias"
        words = f"{what}; 95 %: thick the estimates' noise, thin with the rows'{diamond}"
        return words + features.more(len(self.rest)) + left_out(self.n_left_out)

    def group_label(self, key: str) -> str:
        return f"{text(key)} ({count(self.named[key].n_rows, 'row')})"


def asked_of(
    named: dict[str, Importance], kind: str | None, row: object, output: Outputs | None, top: int, ax: Axes | None
) -> Asked:
    """Raises ValueError for another kind, a row, an unknown output, importances of several calls, several on one panel."""
    if kind not in (None, "bars"):
        raise ValueError(f"kind={kind!r} needs single rows, and an importance is a mean over them; take bars.")
    if row is not None:
        raise ValueError(f"row={row!r}: an importance is a mean over rows; leave row= out.")
    first = next(iter(named.values()))
    if any((one.names, one.outputs) != (first.names, first.outputs) for one in named.values()):
        raise ValueError(f"{', '.join(named)} differ in features or outputs; draw importances of one call.")
    outputs, n_left_out = panels_of(first.outputs, output, first.values.sum(axis=0), ax)
    if ax is not None and len(named) > 1 and not all("cohort" in one.meta for one in named.values()):
        raise ValueError(f"ax is one panel, and {len(named)} importances came: give one of {', '.join(named)}.")
    ranked = features.order(np.stack([one.values[:, outputs] for one in named.values()]))
    return Asked(named, outputs, n_left_out, *features.leading(ranked, top))


@rc
def importances(asked: Asked, ax: Axes | None) -> Drawing:
    """A panel a method and output, or `_cohorts`."""
    if asked.of_groups:
        return _cohorts(asked, ax)
    named, outputs, shown = asked.named, asked.outputs, asked.shown
    figure, axes = panels(len(outputs) * len(named), height_of(len(shown)), ax)
    styles, shown_as = styles_of(named), titles(named)
    each = [(name, k) for k in outputs for name in named]
    for axis, (name, k) in zip(axes, each, strict=True):
        _bars(axis, named[name], k, shown, styles[name]["color"])
        axis.set_title(f"{shown_as[name]}, {texts(asked.first.outputs)[k]}")
    return done(figure, ax, asked.about)


def _cohorts(asked: Asked, ax: Axes | None) -> Drawing:
    """A panel an output: of each feature a bar a group of rows, in one scale."""
    from matplotlib.patches import Patch

    named, shown = asked.named, asked.shown
    figure, axes = panels(len(asked.outputs), height_of(len(shown), 0.14 + 0.13 * len(named)), ax)
    step = 0.84 / len(named)
    for axis, k in zip(axes, asked.outputs, strict=True):
        for n, one in enumerate(named.values()):
            _bars(axis, one, k, shown, SPARE[n % len(SPARE)], (n - (len(named) - 1) / 2) * step, 0.88 * step)
        axis.set_title(texts(asked.first.outputs)[k])
    handles = [Patch(color=SPARE[n % len(SPARE)], alpha=0.75, label=asked.group_label(key)) for n, key in enumerate(named)]
    if ax is not None:
        ax.legend(handles=handles, frameon=False)
    return done(figure, ax, asked.about, handles)


def _bars(
    axis: Axes, found: Importance, k: int, shown: list[int], colour: str, shift: float = 0.0, height: float = 0.66
) -> None:
    """Mean sizes; thick: the estimates' 95 % noise, thin: with that of the rows; a diamond without the noise's bias."""
    place = np.arange(len(shown)) + shift
    values = found.values[shown, k]
    axis.barh(place, values, height=height, color=colour, alpha=0.75, linewidth=0)
    for error, width in ((found.stderr, 0.6), (found.stderr_estimate, 2.2)):
        half = Z95 * error[shown, k]
        known = np.isfinite(half)
        low = np.maximum(values - half, 0.0)
        axis.hlines(place[known], low[known], (values + half)[known], color="#222222", linewidth=width)
    axis.plot(
        found.corrected[shown, k],
        place,
        "D",
        color="white",
        markeredgecolor="#222222",
        markersize=min(4.0, 6.0 * height),
        zorder=4,
    )
    axis.set_xlim(left=0.0)
    axis.locator_params(axis="x", nbins=6)
    value_lines(axis, features.shown_labels(found.names, shown), AXIS)
