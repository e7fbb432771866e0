"""The figures of a report: maps over the photo, curves, bars with intervals, agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import catalogue
from perturbxai.core.types import Floats
from perturbxai.metrics.mean_curves import mean_curves
from perturbxai.reporting.lettering import minus, number, text, texts
from perturbxai.reporting.style import (
    TRUTH_LOOK,
    fill_of,
    legend_handles,
    looks,
    new_figure,
    rc,
    save,
    titles,
    truth_of,
    truth_title,
)
from perturbxai.reporting.values import interactions
from perturbxai.results.explanation import Attribution

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["figures", "save"]

PER_LINE = 6  # maps side by side: small enough for a page, large enough to see
PER_LONG_LINE, MANY = 9, 18  # where there are more maps than these lines hold well
TOP_PLAYERS = 8
PANELS = 2  # outputs shown of each of several pictures
NO_FILL = ""


def figures(results: Mapping[str, Attribution], compared: Any = None) -> Iterator[tuple[str, Any]]:
    """(name, matplotlib Figure), one at a time, of everything that these results allow to draw."""
    pictures = [one for one in getattr(compared, "inputs", ()) if hasattr(one, "picture")]
    by_fill = _by_fill(results)
    for fill, names in by_fill.items():
        ending = f"_{fill}" if fill and len(by_fill) > 1 else ""
        chosen = {name: results[name] for name in names}
        for n, one in enumerate(pictures):
            yield f"maps{ending}{_of(pictures, results, n)}", maps(chosen, one, fill, compared.scores, n)
        explained = {name: one for name, one in chosen.items() if not _is_map(one)}
        if explained:
            for n, one in enumerate(pictures or [None]):
                yield f"bars{ending}{_of(pictures, results, n)}", bars(explained, one, fill, n)
    for name in interactions.interacting(results):
        yield f"pairs_{name}", interactions.report_figure(name, results[name])
    if compared is not None and len(compared.curves):
        for which in [one for one in ("deletion", "insertion") if (compared.curves.curve == one).any()]:
            yield which, curves(compared.curves, which, results)
    if compared is not None and (compared.agreement.metric == "spearman").any():
        yield "agreement", agreement(compared.agreement, results)


def _is_map(one: Attribution) -> bool:
    """Whether a result is a map of a picture; some methods are of tables as well, and have no map there."""
    base = catalogue.key_of(one.method)
    return base in catalogue.MAPS and (one[0].heat is not None or base not in catalogue.ON_BOTH)


def _of(pictures: list[Any], results: Mapping[str, Attribution], n: int) -> str:
    """What a figure of one picture among several is called by."""
    return f"_{next(iter(results.values()))[n].label}" if len(pictures) > 1 else ""


def _classes(e: Any, n_pictures: int) -> list[int]:
    """The outputs that a picture is shown for: all, or of the outputs that several pictures brought its own highest."""
    highest = np.argsort(-e.prediction, kind="stable")[: PANELS if n_pictures > 1 else None]
    return sorted(int(k) for k in highest)


def _by_fill(results: Mapping[str, Attribution]) -> dict[str, list[str]]:
    """The results explained under each fill, and those that know none beside all of them."""
    own = {name: fill_of(result) for name, result in results.items()}
    fills = list(dict.fromkeys(fill for fill in own.values() if fill)) or [NO_FILL]
    return {fill: [name for name in results if own[name] in (fill, NO_FILL)] for fill in fills}


@rc
def maps(results: Mapping[str, Attribution], one: Any, fill: str, scores: pd.DataFrame, n: int = 0) -> Any:
    """The photo, and each method's values painted on it: a block of lines a class, signed colours around zero."""
    explained = next(iter(results.values()))
    first, classes = explained[n], _classes(explained[n], len(explained))
    across = min(PER_LINE if len(results) <= MANY else PER_LONG_LINE, len(results) + 1)
    lines = -(-(len(results) + 1) // across)
    figure = new_figure(2.0 * across + 0.9, 2.45 * lines * len(classes) + 0.5)
    axes = figure.subplots(lines * len(classes), across, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    photo, names = grey(one.picture), titles(results, fill)
    outputs = texts(first.outputs)
    for place, k in enumerate(classes):
        output, block = first.outputs[k], axes[place * lines : (place + 1) * lines].ravel()
        block[0].imshow(shown(one.picture))
        ends = f"{number(first.prediction[k], 3)}, hidden {number(first.base[k], 3)}"
        block[0].set_title(f"{outputs[k]}\n{ends}", fontweight="bold")
        tell_bands(block[0], one.picture)
        for axis, (name, result) in zip(block[1:], results.items(), strict=False):
            axis.imshow(painted(photo, one.labels, result[n].values[:, k]))
            axis.set_title(f"{names[name]}\n{_score(scores, name, first.label, output)}")
    about = "insertion less deletion: under fills the map did not see (away), and under its own (home)"
    figure.suptitle(f"{about}{'; explained under ' + text(fill) if fill else ''}", fontsize=9)
    _colour_bar(figure, axes)
    return figure


def _score(scores: pd.DataFrame, name: str, row: Any, output: str) -> str:
    """Insertion less deletion, away and at home."""
    mine = scores[(scores.method == name) & (scores.row == row) & (scores.output == output)]
    mine = mine[mine.metric.isin(("insertion", "deletion"))]
    signed = mine.value.where(mine.metric == "insertion", -mine.value)
    told = []
    for where, chosen in (("away", ~mine.home.astype(bool)), ("home", mine.home.astype(bool))):
        if chosen.any():
            told.append(f"{where} {number(signed[chosen].sum() / mine.scored_fill[chosen].nunique(), 3, sign=True)}")
    return ", ".join(told)


def _colour_bar(figure: Any, axes: Any) -> None:
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(-1, 1), matplotlib.colormaps["RdBu_r"])
    bar = figure.colorbar(scale, ax=axes, shrink=0.5, aspect=30, pad=0.01, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["against", "0", "for"])
    bar.set_label("value, as a share of the map's largest")


def shown(picture: Any) -> Floats:
    """A picture in its own units as red, green and blue in 0..1; of bands, which have no colours, the grey mean."""
    values = np.asarray(picture, dtype=np.float64)
    if values.shape[2] not in (1, 3):
        low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
        values = ((values - low) / np.where(high > low, high - low, 1.0)).mean(axis=2, keepdims=True)
    top = 255.0 if values.max() > 1.0 else 1.0
    measured = values.shape[2] == 1 and top > 1.0 and bool((values != np.floor(values)).any())  # no grey levels
    if values.min() < 0.0 or values.max() > 255.0 or measured:
        values, top = values - values.min(), float(np.ptp(values)) or 1.0
    return np.broadcast_to(np.clip(values / top, 0, 1), (*values.shape[:2], 3))


def as_shown(picture: Any) -> str:
    """What `shown` made of a picture without colours, to be told beside it; nothing of a grey or coloured one."""
    n_channels = np.shape(picture)[2]
    return "" if n_channels in (1, 3) else f"grey: mean of {n_channels} bands, each in its range"


def tell_bands(axis: Any, picture: Any) -> None:
    """Say below a picture without colours what is shown of it."""
    if told := as_shown(picture):
        axis.text(0.5, -0.02, told, transform=axis.transAxes, ha="center", va="top", fontsize=6)


def grey(picture: Any) -> Floats:
    """(H, W): the brightness of a picture in 0..1."""
    return np.asarray(shown(picture) @ np.array([0.299, 0.587, 0.114]))


def painted(photo: Floats, labels: NDArray[np.int32], values: Floats) -> Floats:
    """(H, W, 3): the values in signed colours over the grey photo; the weaker a value, the more photo is seen."""
    import matplotlib

    largest = np.abs(values).max() or 1.0
    share = (values / largest)[labels]
    colour = matplotlib.colormaps["RdBu_r"](0.5 + 0.5 * share)[..., :3]
    weight = (0.25 + 0.5 * np.abs(share))[..., None]
    return np.asarray((1.0 - weight) * (0.25 + 0.65 * photo[..., None]) + weight * colour)


@rc
def bars(results: Mapping[str, Attribution], one: Any, fill: str, n: int = 0) -> Any:
    """Values of one input with 95 % intervals, thick pointwise and thin simultaneous; exact values as a line."""
    firsts, truth = {name: result[n] for name, result in results.items()}, truth_of(results)
    measured = {name: e for name, e in firsts.items() if name != truth}
    exact = None if truth is None else firsts[truth]
    first = next(iter(measured.values()))
    chosen = _top(list(measured.values()), exact)
    classes = _classes(first, 1 if one is None else len(next(iter(results.values()))))
    n_panels = len(classes) + (one is not None)
    height = 1.3 + len(chosen) * (0.115 * len(measured) + 0.12)
    outputs = texts(first.outputs)
    figure = new_figure(4.2 * n_panels + 1.0, max(height, 3.4))
    axes = figure.subplots(1, n_panels, squeeze=False)[0]
    if one is not None:
        _numbered_photo(axes[0], one, chosen)
    for place, (k, axis) in enumerate(zip(classes, axes[one is not None :], strict=True)):
        bar_panel(axis, measured, exact, chosen, k, looks(results))
        axis.set_title(outputs[k])
        axis.tick_params(labelleft=place == 0)
    where = f"explained under {text(fill)}" if fill else f"row {text(first.label)}" if one is None else ""
    about = "whiskers: thick 95 % interval, thin simultaneous over all features, an arrow goes on"
    figure.suptitle(f"{where}; {about}" if where else about, fontsize=9)
    handles = _bar_handles(results, truth, fill)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6), frameon=False)
    return figure


def _top(explanations: list[Any], exact: Any) -> list[int]:
    """Players from the largest to the smallest by the exact values, else by the mean of all: at most a dozen."""
    ranked = [exact] if exact is not None else explanations
    strength = np.mean([np.abs(e.values).mean(axis=1) / (np.abs(e.values).max() or 1.0) for e in ranked], axis=0)
    most = 12 if len(strength) <= 12 else TOP_PLAYERS
    return [int(p) for p in np.argsort(-strength, kind="stable")[:most]]


def bar_panel(
    axis: Any, measured: Mapping[str, Any], exact: Any, chosen: list[int], k: int, styles: Mapping[str, Any]
) -> None:
    """One output's bars: a line a player, in it a bar a method. styles: of each, see `looks`."""
    names = texts(next(iter(measured.values())).names, 22)
    place = np.arange(len(chosen), dtype=float)
    step = 0.8 / len(measured)
    ends = _ends(measured, exact, chosen, k)
    for n, (name, e) in enumerate(measured.items()):
        at = place + (n - (len(measured) - 1) / 2) * step
        axis.barh(at, e.values[chosen, k], height=0.86 * step, color=styles[name]["color"], alpha=0.75, linewidth=0)
        for simultaneous, width in ((True, 0.6), (False, 1.6)):
            low, high = (end[chosen, k] for end in e.interval(simultaneous=simultaneous))
            _whiskers(axis, at, low, high, ends, width)
    if exact is not None:
        axis.vlines(exact.values[chosen, k], place - 0.44, place + 0.44, color="black", linewidth=1.3, zorder=4)
    axis.axvline(0.0, color="#888888", linewidth=0.7, zorder=0)
    axis.set_yticks(place, [names[p] for p in chosen])
    axis.set_ylim(len(chosen) - 0.4, -0.6)
    axis.set_xlim(*ends)
    axis.set_xlabel("value, in units of the model's output")
    axis.spines[["top", "right"]].set_visible(False)


def _ends(measured: Mapping[str, Any], exact: Any, chosen: list[int], k: int) -> tuple[float, float]:
    """Ends of the axis: all values, and whiskers as far as 0.6 of the values' range, so that one cannot flatten the rest."""
    shown = [*measured.values(), *([exact] if exact is not None else [])]
    values = np.array([0.0, *np.concatenate([e.values[chosen, k] for e in shown])])
    whiskers = np.concatenate([end[chosen, k] for e in shown for end in e.interval(simultaneous=True)])
    whiskers = np.append(whiskers[np.isfinite(whiskers)], 0.0)
    span = float(np.ptp(values)) or 1.0
    low = max(min(values.min(), whiskers.min()), values.min() - 0.6 * span)
    high = min(max(values.max(), whiskers.max()), values.max() + 0.6 * span)
    return low - 0.04 * span, high + 0.04 * span


def _whiskers(axis: Any, at: Floats, low: Floats, high: Floats, ends: tuple[float, float], width: float) -> None:
    """Intervals as lines; an arrow head where one goes on beyond the axis, nothing where it is not known."""
    known = np.isfinite(low) & np.isfinite(high)
    near, far = np.clip(low[known], *ends), np.clip(high[known], *ends)
    axis.hlines(at[known], near, far, color="#222222", linewidth=width)
    for end, beyond, head in ((ends[0], low < ends[0], "<"), (ends[1], high > ends[1], ">")):
        gone = known & beyond
        place = np.full(gone.sum(), end), at[gone]
        axis.plot(*place, head, color="#222222", markersize=3.5, clip_on=False, in_layout=False)


def _bar_handles(results: Mapping[str, Any], truth: str | None, fill: str) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    short, styles = titles(results, fill), looks(results)
    found: list[Any] = [Patch(color=styles[n]["color"], alpha=0.75, label=short[n]) for n in results if n != truth]
    if truth is not None:
        found.append(Line2D([], [], color="black", marker="|", markersize=9, linewidth=0, label=truth_title(short[truth])))
    return found


def _numbered_photo(axis: Any, one: Any, chosen: list[int]) -> None:
    """The photo with the borders of its superpixels, and the numbers of those that the bars show."""
    from scipy.ndimage import distance_transform_edt

    labels = one.labels
    edge = np.zeros(labels.shape, dtype=bool)
    edge[1:] |= labels[1:] != labels[:-1]
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    outlined = shown(one.picture).copy()
    outlined[edge] = 1.0
    axis.imshow(outlined)
    axis.set_axis_off()
    for player in chosen:
        depth = distance_transform_edt(np.pad(labels == player, 1))  # deepest inside: also where it is no blob
        row, column = np.subtract(np.unravel_index(depth.argmax(), depth.shape), 1)
        box = {"boxstyle": "round,pad=0.15", "facecolor": "black", "edgecolor": "none", "alpha": 0.65}
        axis.text(column, row, str(player), color="white", ha="center", va="center", fontsize=8, bbox=box)
    axis.set_title("superpixels")
    tell_bands(axis, one.picture)


@rc
def curves(frame: pd.DataFrame, which: str, results: Mapping[str, Any]) -> Any:
    """Deletion or insertion, the mean over rows: a panel a class and fill, a thin line a method."""
    import pandas as pd

    chosen = pd.DataFrame(mean_curves(frame[frame.curve == which]))
    outputs, fills = list(dict.fromkeys(chosen.output)), list(dict.fromkeys(chosen.scored_fill))
    figure = new_figure(3.6 * len(fills) + 2.2, max(2.7 * len(outputs) + 0.5, 3.6))
    axes = figure.subplots(len(outputs), len(fills), squeeze=False, sharex=True, sharey="row")
    drawn = {name: result for name, result in results.items() if name in set(chosen.method)}
    styles, truth = looks(drawn), truth_of(drawn)
    named = dict(zip(outputs, texts(outputs), strict=True))
    for row, output in zip(axes, outputs, strict=True):
        for axis, fill in zip(row, fills, strict=True):
            panel = chosen[(chosen.output == output) & (chosen.scored_fill == fill)]
            for name, style in styles.items():
                # the exact values lie under the others as a broad band, which they would hide otherwise
                look = {**TRUTH_LOOK, "zorder": 1} if name == truth else {"linewidth": 1.1, **style}
                mean = panel[panel.method == name]
                axis.plot(mean.share, mean.value, **look)
            against = "background rows" if fill == "background" else f"{text(fill)} fill"
            axis.set_title(f"{named[output]}, {against}")
            axis.spines[["top", "right"]].set_visible(False)
    good = "hidden, best first (low is good)" if which == "deletion" else "shown, best first (high is good)"
    figure.supxlabel(f"{which}: share of features {good}", fontsize=9)
    figure.supylabel("model's output", fontsize=9)
    figure.legend(handles=legend_handles(drawn), loc="outside right center", frameon=False)
    return figure


@rc
def agreement(frame: pd.DataFrame, results: Mapping[str, Any]) -> Any:
    """Mean rank correlation of every pair of methods, with its number."""
    mean = frame[frame.metric == "spearman"].groupby(["method_a", "method_b"], as_index=False).value.mean()
    names = [name for name in results if name in set(frame.method_a) | set(frame.method_b)]
    square = np.eye(len(names))
    for a, b, value in zip(mean.method_a, mean.method_b, mean.value, strict=True):
        i, j = names.index(a), names.index(b)
        square[i, j] = square[j, i] = value
    side = 0.5 * len(names)
    figure = new_figure(max(side, 2.0) + 2.4, max(side, 2.0) + 1.6)
    axis = figure.subplots()
    picture = axis.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for i, j in np.ndindex(square.shape):
        value = round(float(square[i, j]), 2) + 0.0  # no minus zero
        shown = "–" if np.isnan(value) else minus(f"{value:.2f}".replace("0.", "."))
        axis.text(j, i, shown, ha="center", va="center", fontsize=8, color="white" if abs(square[i, j]) > 0.6 else "black")
    known = titles(results)
    labels = [known[name] for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), labels)
    axis.spines[:].set_visible(False)
    axis.set_title("agreement: rank correlation (Spearman), mean over rows and outputs")
    figure.colorbar(picture, ax=axis, shrink=0.6, pad=0.02)
    return figure
