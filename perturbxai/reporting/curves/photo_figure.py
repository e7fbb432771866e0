"""Figures of effects on a photo: its superpixels outlined and numbered, and beside it the curves of their opacities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.core.quantiles import spread_rows
from perturbxai.core.types import Floats, Outputs
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.lettering import minus, number, text, texts
from perturbxai.reporting.photo import deepest, draw_photo
from perturbxai.reporting.style import left_out, new_figure, rc, styles_of, titles
from perturbxai.reporting.types import Axes, Drawing, Figure, GridSpec, SubFigure
from perturbxai.reporting.values.one_row import AGAINST, FOR
from perturbxai.reporting.values.view import panels_of
from perturbxai.results.effect import Effect, Superpixel

ACROSS = 4  # curves side by side
ROWS_DRAWN = 60  # thin lines in a panel
OTHERS = {
    "uniform": "the others whole with probability t, t uniform", "half": "the others whole with probability ½",
    "present": "the others whole", "absent": "the others hidden", "fade": "the others at opacity t, t uniform",
}  # fmt: skip
SAID = (
    "Half transparent is a picture that no camera takes: a curve shows how soon a region is detected, its rise what it adds."
)


def on_a_photo(found: Found) -> bool:
    """Whether these are effects of superpixels, and not of columns."""
    return any(effect.superpixel is not None for methods in found.values() for effect in methods.values())


def plot_opacities(found: Found, kind: object, row: object, output: Outputs | None, top: int, ax: Axes | None) -> Drawing:
    """The photo, its superpixels outlined and numbered, and beside it how the output climbs with the opacity of each.

    All curves start at 0, so that a panel shows what the superpixel adds on its way from hidden to whole: thin the reference
    rows (ICE), above them their mean (PDP) and the accumulated curve (ALE), with pointwise 95 % bands. A half transparent
    region is a picture that no camera takes, and it often has its full effect at low opacity already: the curve shows
    detectability. A row of panels for each output; with `ax` the curves of a single superpixel and output.
    Raises ValueError for a kind or row, which these figures do not have, and effects of several photos.
    """
    for option, value in (("kind", kind), ("row", row)):
        if value is not None:
            raise ValueError(f"{option}={value!r}: the curves of a photo have one figure; leave it out.")
    effects = [effect for methods in found.values() for effect in methods.values()]
    first = effects[0]
    for effect in effects:
        if effect.superpixel is None or effect.outputs != first.outputs or not _same_photo(effect, first):
            raise ValueError(f"{first!r} and {effect!r} are not of the same photo and outputs; draw effects of one call.")
    prediction = np.asarray(first.meta.get("prediction", np.zeros(len(first.outputs))))
    outputs, n_left = panels_of(first.outputs, output, prediction, ax)
    if ax is None:
        return _figure(found, outputs, min(top, 2 * ACROSS), n_left)
    if len(found) > 1 or len(outputs) > 1:
        raise ValueError(
            f"ax is one panel, and {len(found)} superpixels and {len(outputs)} outputs came; give the effects of one and "
            "output=, or leave ax= out."
        )
    _on_axes(ax, next(iter(found.values())), outputs[0])
    return ax


def _region(effect: Effect) -> Superpixel:
    assert effect.superpixel is not None  # which `plot_opacities` saw to
    return effect.superpixel


def _same_photo(one: Effect, other: Effect) -> bool:
    mine, theirs = _region(one), _region(other)
    return mine.labels is theirs.labels or (
        np.array_equal(mine.labels, theirs.labels) and np.array_equal(mine.picture, theirs.picture)
    )


@rc
def _on_axes(axis: Axes, methods: Mapping[str, Effect], k: int) -> None:
    _curves(axis, methods, k)
    axis.set_xlabel("opacity")
    axis.set_ylabel("climb of the output")
    axis.legend(handles=_handles([methods]), frameon=False, loc="best")


@rc
def _figure(found: Found, outputs: Sequence[int], top: int, n_left: int) -> Figure:
    chosen = [_leading(found, k, top) for k in outputs]
    across = min(ACROSS, max(map(len, chosen)))
    lines = max(-(-len(one) // across) for one in chosen)
    photo = 3.9 if lines > 1 else 3.0
    figure = new_figure(photo + 0.3 + 1.85 * across, len(outputs) * (2.05 * lines + 0.35 if lines > 1 else 3.0) + 0.9)
    blocks = figure.subfigures(len(outputs), 1, squeeze=False)[:, 0]
    for block, k, names in zip(blocks, outputs, chosen, strict=True):
        grid = block.add_gridspec(lines, across + 1, width_ratios=[photo, *[1.85] * across])
        _photo(block.add_subplot(grid[:, 0]), found, k, names)
        _panels(block, grid, [found[name] for name in names], k, across)
    first = next(iter(found[chosen[0][0]].values()))
    figure.suptitle(_about(first) + left_out(n_left) + f"\n{SAID}", fontsize=9)
    handles = _handles([found[name] for one in chosen for name in one])
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _about(first: Effect) -> str:
    meta = first.meta
    rows = meta.get("reference_rows", 1)
    parts = [f"fill {text(meta.get('fill', '?'))}", OTHERS.get(str(meta.get("rest")), "")]
    parts.append(f"{rows} reference rows; bands: 95 % at each point" if rows > 1 else "")
    return "; ".join(part for part in parts if part)


def _leading(found: Found, k: int, top: int) -> list[tuple[str, ...]]:
    """Those with the largest rises (as the panels head them), of the ones with whole curves by every method if any have."""
    whole = [name for name, methods in found.items() if all(len(e.grid[0]) > 2 for e in methods.values())]
    return sorted(whole or found, key=lambda name: -float(_headed(found[name]).importance[k]))[:top]


def _headed(methods: Mapping[str, Effect]) -> Effect:
    """The effect whose numbers a panel tells: of an averaged curve, else of the accumulated one."""
    return next((e for e in methods.values() if not e.declared.accumulates), next(iter(methods.values())))


def _photo(axis: Axes, found: Found, k: int, names: Sequence[tuple[str, ...]]) -> None:
    """The photo, thin borders between all superpixels, thick ones around those with a panel, whose numbers are on them."""
    one = next(iter(found[names[0]].values()))
    picture, labels = _region(one).picture, _region(one).labels
    draw_photo(axis, picture, labels, white=0.65)
    for name in reversed(names):  # the leading one on top
        own = _headed(found[name])
        which, colour = _region(own).number, _sign(own, k)
        inside = np.pad(labels == which, 1)
        places = np.arange(-1, labels.shape[1] + 1), np.arange(-1, labels.shape[0] + 1)
        for shade, width in (("white", 2.8), (colour, 1.5)):  # seen on dark and on red
            axis.contour(*places, inside.astype(float), levels=[0.5], colors=[shade], linewidths=width)
        row, column = deepest(labels == which)
        box = {"boxstyle": "round,pad=0.2", "facecolor": colour, "edgecolor": "white", "linewidth": 0.6}
        axis.text(column, row, str(which), color="white", ha="center", va="center", fontsize=8.5, bbox=box)
    axis.set_xlim(-0.5, labels.shape[1] - 0.5)
    axis.set_ylim(labels.shape[0] - 0.5, -0.5)
    axis.set_title(_ends(one, k))


def _ends(one: Effect, k: int) -> str:
    if "prediction" not in one.meta:
        return texts(one.outputs)[k]
    ends = (number(one.meta[which][k], 3) for which in ("prediction", "base"))
    return f"{texts(one.outputs)[k]}: {', all hidden '.join(ends)}"


def _sign(effect: Effect, k: int) -> str:
    return FOR if _region(effect).rise[k] > 0 else AGAINST


def _panels(block: SubFigure, grid: GridSpec, chosen: Sequence[Mapping[str, Effect]], k: int, across: int) -> None:
    """Panels that share their axes, so that heights compare."""
    low, high = _limits(chosen, k)
    for place, methods in enumerate(chosen):
        line, column = divmod(place, across)
        axis = block.add_subplot(grid[line, 1 + column])
        _curves(axis, methods, k)
        axis.set_ylim(low, high)
        lowest = place + across >= len(chosen)
        axis.tick_params(labelleft=column == 0, labelbottom=lowest)
        if lowest:
            axis.set_xlabel("opacity")
        if column == 0:
            axis.set_ylabel("climb of the output")


def _limits(chosen: Sequence[Mapping[str, Effect]], k: int) -> tuple[float, float]:
    """What holds all bands, and of the thin lines all but the outermost two in a hundred."""
    ends = [0.0]
    for methods in chosen:
        for effect in methods.values():
            rise, half = climb(effect, k)
            ends += [float((rise - half).min()), float((rise + half).max())]
            if effect.individual is not None:
                ends += np.quantile(effect.individual[:, :, k] - effect.individual[:, :1, k], [0.01, 0.99]).tolist()
    span = (max(ends) - min(ends)) or 1.0
    return min(ends) - 0.05 * span, max(ends) + 0.05 * span


def climb(effect: Effect, k: int) -> tuple[Floats, Floats]:
    """The curve from 0 on, and half of its pointwise 95 % band where that is finite."""
    found = effect.values[:, k] - effect.values[0, k]
    low, high = effect.interval()
    stderr = effect.stderr[:, k]
    known = np.isfinite(stderr) & (stderr > 0)
    factor = np.where(known, (high - low)[:, k] / np.where(known, 2.0 * stderr, 1.0), 0.0)
    half = factor * np.where(known, _region(effect).climb_stderr[:, k], 0.0)
    return found, half


def _curves(axis: Axes, methods: Mapping[str, Effect], k: int) -> None:
    styles = styles_of(methods)
    averaged = any(e.declared.averages for e in methods.values())
    axis.axhline(0.0, color="#888888", linewidth=0.7, zorder=0)
    for name, effect in methods.items():
        at, colour = effect.grid[0], styles[name]["color"]
        if effect.individual is not None:
            every = effect.individual[spread_rows(len(effect.individual), ROWS_DRAWN), :, k]
            axis.plot(at, (every - every[:, :1]).T, color=colour, linewidth=0.6, alpha=0.45, zorder=1)
        if effect.declared.keeps_rows and averaged:
            continue  # its mean is the PDP
        rise, half = climb(effect, k)
        axis.fill_between(at, rise - half, rise + half, color=colour, alpha=0.25, linewidth=0, zorder=2)
        mark = "s" if effect.declared.accumulates else "o"
        axis.plot(at, rise, color=colour, linewidth=1.7, marker=mark, markersize=2.6, zorder=3)
    own = _headed(methods)
    axis.set_title(_heading(own, k), color=_sign(own, k), fontsize=8.5, pad=15)
    axis.text(0.5, 1.02, _shape(own, k), transform=axis.transAxes, va="bottom", ha="center", fontsize=7, color="#444444")
    axis.set_xlim(0.0, 1.0)
    axis.set_xticks([0.0, 0.5, 1.0], ["0", ".5", "1"])
    axis.locator_params(axis="y", nbins=5)
    axis.spines[["top", "right"]].set_visible(False)


def _heading(own: Effect, k: int) -> str:
    """Number, name if it has one, and the rise with half of its 95 % interval."""
    region, name = _region(own), own.names[0]
    plain = f"superpixel {region.number}"
    name = plain if name == plain else f"{region.number} {text(name, 14)}"
    low, high = region.interval()
    half = float((high - low)[k]) / 2.0
    rise = float(region.rise[k])
    if not np.isfinite(half) or half <= 1e-9 * abs(rise):
        return f"{name}: {number(rise, 3, sign=True)}"
    if not 1e-6 < half < 1e6:
        return f"{name}: {number(rise, 3, sign=True)} ± {number(half, 2)}"
    # two digits of the error if it begins with 1 or 2, else one; the rise has as many decimals
    decimals = int(np.clip(np.ceil(-np.log10(half / 3.0)), 0, 8))
    return minus(f"{name}: {rise:+.{decimals}f} ± {half:.{decimals}f}")


def _shape(own: Effect, k: int) -> str:
    """What the curve's shape is in numbers."""
    at, crooked = _region(own).at_half[k], _region(own).non_monotone[k]
    parts = [f"half at {at:.2f}"] * bool(np.isfinite(at)) + [f"{crooked:.0%} turn back"] * bool(np.isfinite(crooked))
    return ", ".join(parts)


def _handles(chosen: Sequence[Mapping[str, Effect]]) -> list[Any]:
    from matplotlib.lines import Line2D

    kinds = {name: effect for methods in chosen for name, effect in methods.items()}
    styles, shown = styles_of(kinds), titles(kinds)
    averaged = any(e.declared.averages for e in kinds.values())
    handles = []
    for name, effect in kinds.items():
        thin = effect.declared.keeps_rows > 0
        label = shown[name] + (", reference rows" if thin else "")
        width = 0.9 if thin and averaged else 1.7
        handles.append(Line2D([], [], color=styles[name]["color"], linewidth=width, label=label))
    return handles
