"""The figures of a report: maps over the photo, curves, bars with intervals, agreement."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.versus import Versus
from perturbxai.core import catalogue
from perturbxai.core.methods import Explainer
from perturbxai.core.types import Frame
from perturbxai.inputs.spaces import ImageInput
from perturbxai.metrics.faithfulness import mean_curves
from perturbxai.reporting import style
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.lettering import minus, number, text, texts
from perturbxai.reporting.photo import draw_photo, grey, numbered_photo, painted
from perturbxai.reporting.plot import plot
from perturbxai.reporting.scores_away import score_in_words
from perturbxai.reporting.types import Figure
from perturbxai.reporting.values import interactions
from perturbxai.reporting.values.one_row import bar_handles, bar_panel
from perturbxai.results.context import Context
from perturbxai.results.difference import Difference
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.prototypes import Prototypes

PER_LINE = 6  # maps side by side: small enough for a page, large enough to see
PER_LONG_LINE, MANY = 9, 18  # where there are more maps than these lines hold well
TOP_PLAYERS = 8
PANELS = 2  # outputs shown of each of several pictures
MOST_FEATURES = 20  # of a difference
MOST_INPUTS = 6  # pictures that are shown beside their neighbours
MOST_CURVES = 12  # effects of columns on one page
NO_FILL = ""
Figures: TypeAlias = Iterator[tuple[str, Figure]]


def figures(results: Mapping[str, Attribution], compared: Comparison | None = None) -> Figures:
    """(name, matplotlib Figure), one at a time, of everything that these results allow to draw."""
    inputs = () if compared is None else compared.inputs
    pictures: list[Any] = [one for one in inputs if hasattr(one, "picture")]
    by_fill = _by_fill(results)
    for fill, names in by_fill.items():
        ending = f"_{fill}" if fill and len(by_fill) > 1 else ""
        chosen = {name: results[name] for name in names}
        for n, one in enumerate(pictures):
            assert compared is not None  # whose pictures they are
            yield f"maps{ending}{_of(pictures, results, n)}", maps(chosen, one, fill, compared.scores, n)
        explained = {name: one for name, one in chosen.items() if not _is_map(one)}
        if explained:
            for n, one in enumerate(pictures or [None]):
                yield f"bars{ending}{_of(pictures, results, n)}", bars(explained, one, fill, n)
    for name, result in results.items():
        if result[0].interactions is not None:
            yield f"pairs_{name}", interactions.report_figure(name, result)
    if compared is not None and len(compared.curves):
        for which in [one for one in ("deletion", "insertion") if (compared.curves.curve == one).any()]:
            yield which, curves(compared.curves, which, results)
    if compared is not None and (compared.agreement.metric == "spearman").any():
        yield "agreement", agreement(compared.agreement, results)


def of_effects(found: Found) -> Figures:
    """(name, Figure): the columns' curves together, the most important ones where there are many, then pair by pair."""
    alone = [effect for names, methods in found.items() if len(names) == 1 for effect in methods.values()]
    if alone:
        yield "effects", plot(alone, top=MOST_CURVES)
    for names, methods in found.items():
        if len(names) == 2:
            yield "effects_" + "_".join(names), plot(list(methods.values()))


def of_versus(found: Versus) -> Figures:
    """(name, Figure): the differences, and the ranks where there are any to test."""
    yield "forest", plot(found)
    if np.isfinite(found.friedman.p):
        yield "ranks", plot(found, "ranks")


def of_prototypes(found: Prototypes) -> Figures:
    """(name, Figure): the examples, how well they stand for the data beside rows drawn at random, and where they do not."""
    yield "prototypes", plot(found, top=MOST_FEATURES)
    yield "worth", plot(found, "worth")
    yield "witness", plot(found, "witness")


def of_context(found: Context) -> Figures:
    """(name, Figure) of each of the first inputs: it and its neighbours, where they are pictures; rows are on the page."""
    for i in range(min(len(found), MOST_INPUTS) if found.has is None else 0):
        yield f"context_{i}", plot(found, row=i)


def of_differences(found: Mapping[str, Difference]) -> Figures:
    """(name, Figure) of each: the mean values, and the mean sizes, of its leading features."""
    for name, one in found.items():
        ending = f"_{name}" if len(found) > 1 else ""
        for kind in ("means", "sizes"):
            yield f"difference_{kind}{ending}", plot(one, kind, top=MOST_FEATURES)


def _is_map(one: Attribution) -> bool:
    """Whether a result is a map of a picture; some methods are of tables as well, and have no map there."""
    base = catalogue.key_of(one.method)
    if base not in catalogue.METHODS:  # of somebody's own: explainers have errors to show, whatever they draw
        return one[0].heat is not None and not isinstance(one.method, Explainer)
    return base in catalogue.MAPS and (one[0].heat is not None or base not in catalogue.ON_BOTH)


def _of(pictures: list[ImageInput], results: Mapping[str, Attribution], n: int) -> str:
    """What a figure of one picture among several is called by."""
    return f"_{next(iter(results.values()))[n].label}" if len(pictures) > 1 else ""


def _classes(e: Explanation, n_pictures: int) -> list[int]:
    """The outputs that a picture is shown for: all, or of the outputs that several pictures brought its own highest."""
    highest = np.argsort(-e.prediction, kind="stable")[: PANELS if n_pictures > 1 else None]
    return sorted(int(k) for k in highest)


def _by_fill(results: Mapping[str, Attribution]) -> dict[str, list[str]]:
    """The results explained under each fill, and those that know none beside all of them."""
    own = {name: style.fill_of(result) for name, result in results.items()}
    fills = list(dict.fromkeys(fill for fill in own.values() if fill)) or [NO_FILL]
    return {fill: [name for name in results if own[name] in (fill, NO_FILL)] for fill in fills}


@style.rc
def maps(results: Mapping[str, Attribution], one: ImageInput, fill: str, scores: Frame, n: int = 0) -> Figure:
    """The photo, and each method's values painted on it: a block of lines a class, signed colours around zero."""
    explained = next(iter(results.values()))
    first, classes = explained[n], _classes(explained[n], len(explained))
    across = min(PER_LINE if len(results) <= MANY else PER_LONG_LINE, len(results) + 1)
    lines = -(-(len(results) + 1) // across)
    figure = style.new_figure(2.0 * across + 0.9, 2.45 * lines * len(classes) + 0.5)
    axes = figure.subplots(lines * len(classes), across, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    photo, names = grey(one.picture), style.titles(results, fill)
    outputs = texts(first.outputs)
    for place, k in enumerate(classes):
        output, block = first.outputs[k], axes[place * lines : (place + 1) * lines].ravel()
        draw_photo(block[0], one.picture)
        ends = f"{number(first.prediction[k], 3)}, hidden {number(first.base[k], 3)}"
        block[0].set_title(f"{outputs[k]}\n{ends}", fontweight="bold")
        for axis, (name, result) in zip(block[1:], results.items(), strict=False):
            axis.imshow(painted(photo, one.labels, result[n].values[:, k]))
            axis.set_title(f"{names[name]}\n{score_in_words(scores, name, first.label, output)}")
    about = "insertion less deletion: under fills the map did not see (away), and under its own (home)"
    figure.suptitle(f"{about}{'; explained under ' + text(fill) if fill else ''}", fontsize=9)
    signed = ("against", "0", "for")
    style.scale(axes.flat, "RdBu_r", -1, 1, "value, as a share of the map's largest", signed, shrink=0.5, framed=True)
    return figure


@style.rc
def bars(results: Mapping[str, Attribution], one: ImageInput | None, fill: str, n: int = 0) -> Figure:
    """Values of one input with 95 % intervals, thick pointwise and thin simultaneous; exact values as a line."""
    firsts, truth = {name: result[n] for name, result in results.items()}, style.truth_of(results)
    measured = {name: e for name, e in firsts.items() if name != truth}
    exact = None if truth is None else firsts[truth]
    first = next(iter(measured.values()))
    chosen = _top(list(measured.values()), exact)
    classes = _classes(first, 1 if one is None else len(next(iter(results.values()))))
    n_panels = len(classes) + (one is not None)
    height = 1.3 + len(chosen) * (0.115 * len(measured) + 0.12)
    figure = style.new_figure(4.2 * n_panels + 1.0, max(height, 3.4))
    axes = figure.subplots(1, n_panels, squeeze=False)[0]
    if one is not None:
        numbered_photo(axes[0], one, chosen)
    for place, (k, axis) in enumerate(zip(classes, axes[one is not None :], strict=True)):
        bar_panel(axis, measured, exact, chosen, k, style.styles_of(results), texts(first.names, 22))
        axis.tick_params(labelleft=place == 0)
    where = f"explained under {text(fill)}" if fill else f"row {text(first.label)}" if one is None else ""
    about = "whiskers: thick 95 % interval, thin simultaneous over all features, an arrow goes on"
    figure.suptitle(f"{where}; {about}" if where else about, fontsize=9)
    style.legend_below(figure, bar_handles(results, truth, fill))
    return figure


def _top(explanations: list[Explanation], exact: Explanation | None) -> list[int]:
    """Players from the largest to the smallest by the exact values, else by the mean of all: at most a dozen."""
    ranked = [exact] if exact is not None else explanations
    strength = np.mean([np.abs(e.values).mean(axis=1) / (np.abs(e.values).max() or 1.0) for e in ranked], axis=0)
    most = 12 if len(strength) <= 12 else TOP_PLAYERS
    return [int(p) for p in np.argsort(-strength, kind="stable")[:most]]


@style.rc
def curves(frame: Frame, which: str, results: Mapping[str, Attribution]) -> Figure:
    """Deletion or insertion, the mean over rows: a panel a class and fill, a thin line a method."""
    import pandas as pd

    chosen = pd.DataFrame(mean_curves(frame[frame.curve == which]))
    outputs, fills = list(dict.fromkeys(chosen.output)), list(dict.fromkeys(chosen.scored_fill))
    figure = style.new_figure(3.6 * len(fills) + 2.2, max(2.7 * len(outputs) + 0.5, 3.6))
    axes = figure.subplots(len(outputs), len(fills), squeeze=False, sharex=True, sharey="row")
    drawn = {name: result for name, result in results.items() if name in set(chosen.method)}
    styles, truth = style.styles_of(drawn), style.truth_of(drawn)
    named = dict(zip(outputs, texts(outputs), strict=True))
    for row, output in zip(axes, outputs, strict=True):
        for axis, fill in zip(row, fills, strict=True):
            panel = chosen[(chosen.output == output) & (chosen.scored_fill == fill)]
            for name, own in styles.items():
                # the exact values lie under the others as a broad band, which they would hide otherwise
                look = {**style.TRUTH_STYLE, "zorder": 1} if name == truth else {"linewidth": 1.1, **own}
                mean = panel[panel.method == name]
                axis.plot(mean.share, mean.value, **look)
            against = "background rows" if fill == "background" else f"{text(fill)} fill"
            axis.set_title(f"{named[output]}, {against}")
            axis.spines[["top", "right"]].set_visible(False)
    good = "hidden, best first (low is good)" if which == "deletion" else "shown, best first (high is good)"
    figure.supxlabel(f"{which}: share of features {good}", fontsize=9)
    figure.supylabel("model's output", fontsize=9)
    figure.legend(handles=style.legend_handles(drawn), loc="outside right center", frameon=False)
    return figure


@style.rc
def agreement(frame: Frame, results: Mapping[str, Attribution]) -> Figure:
    """Mean rank correlation of every pair of methods, with its number."""
    mean = frame[frame.metric == "spearman"].groupby(["method_a", "method_b"], as_index=False).value.mean()
    names = [name for name in results if name in set(frame.method_a) | set(frame.method_b)]
    square = np.eye(len(names))
    for a, b, value in zip(mean.method_a, mean.method_b, mean.value, strict=True):
        i, j = names.index(a), names.index(b)
        square[i, j] = square[j, i] = value
    side = 0.5 * len(names)
    figure = style.new_figure(max(side, 2.0) + 2.4, max(side, 2.0) + 1.6)
    axis = figure.subplots()
    picture = axis.imshow(square, cmap="RdBu_r", vmin=-1, vmax=1)
    for i, j in np.ndindex(square.shape):
        value = round(float(square[i, j]), 2) + 0.0  # no minus zero
        shown = "–" if np.isnan(value) else minus(f"{value:.2f}".replace("0.", "."))
        axis.text(j, i, shown, ha="center", va="center", fontsize=8, color="white" if abs(square[i, j]) > 0.6 else "black")
    known = style.titles(results)
    labels = [known[name] for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), labels)
    axis.spines[:].set_visible(False)
    axis.set_title("agreement: rank correlation (Spearman), mean over rows and outputs")
    figure.colorbar(picture, ax=axis, shrink=0.6, pad=0.02)
    return figure
