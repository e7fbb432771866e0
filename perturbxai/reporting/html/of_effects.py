"""The page of effects: how far each column moves the prediction, in words, and how."""

from collections.abc import Mapping

import numpy as np

from perturbxai.core.types import Frame
from perturbxai.core.wording import count
from perturbxai.reporting.curves.photo_figure import on_a_photo
from perturbxai.reporting.curves.view import Found, Panel, leading, outputs_of, panels
from perturbxai.reporting.html.buttons import buttons
from perturbxai.reporting.html.charts.bars import Bars
from perturbxai.reporting.html.choices import Choice, part_of
from perturbxai.reporting.html.curves_section import curve_figure, surface_figure
from perturbxai.reporting.html.ending import NAMED, SCALES, Told
from perturbxai.reporting.html.guide import guide_section
from perturbxai.reporting.html.making import cost_section, files_section, making_section
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.opacities_section import opacities_section, opacity_figure
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.reporting.style import titles
from perturbxai.results.describing_effects import STILL, of_effect
from perturbxai.results.describing_regions import SEVERAL
from perturbxai.results.effect import Effect
from perturbxai.results.importance import importance

MOST = 24  # columns and pairs with a figure
TOP = 20  # columns with a bar
TOLD = 10  # columns and pairs that the first words are about


def curves_page(found: Found, told: Told, limit: int | None = None) -> str:
    """The page of curves and surfaces. limit: columns and pairs with a figure at most, None for what fits."""
    first = next(iter(next(iter(found.values())).values()))
    outputs = outputs_of(first.outputs, None)
    shown, n_left = leading(found, outputs, min(MOST, MOST if limit is None else limit))
    choices = [Choice("o", "Output", [str(first.outputs[k]) for k in outputs])] if len(outputs) > 1 else []
    column = _column(shown, on_a_photo(found))
    sections = [_found(shown, outputs)]
    inner = [column]
    if on_a_photo(found):
        sections.append(opacities_section(found, outputs))
    elif by_method := _of_columns(found):
        inner.append(
            Choice("m", "Method", list(titles({name: next(iter(own.values())) for name, own in by_method.items()}).values()))
        )
        sections.append(_importance(by_method, outputs, inner[-1]))
    sections.append(_figures(shown, outputs, column, n_left))
    sections += [
        cost_section(_costs(found), titles(_by_method(found))),
        guide_section(("idea", "interval", "effects"), _methods(found)),
    ]
    sections += [making_section(told.facts), files_section(told.files)]
    notes = list(told.notes)
    if len(outputs) < len(first.outputs):
        notes.append(f"{len(outputs)} of {len(first.outputs)} outputs are shown; all are in the CSVs.")
    return written(Page("How the prediction changes", _about(found, told), sections, choices, notes), inner)


def _column(shown: Found, photo: bool) -> Choice:
    """Which column is looked at: the most important one first."""
    sizes = [size_of(methods) for methods in shown.values()]
    return Choice(
        "d", "Superpixel" if photo else "Column", [" × ".join(map(str, names)) for names in shown], int(np.argmax(sizes))
    )


def _by_method(found: Found) -> dict[str, Effect]:
    """Name of a method -> its effect of the first column."""
    named: dict[str, Effect] = {}
    for methods in found.values():
        named |= {name: effect for name, effect in methods.items() if name not in named}
    return named


def _costs(found: Found) -> Frame:
    """What each method asked for all columns and pairs; a row that is asked once a call counts once."""
    import pandas as pd

    lines = []
    for name, effect in _by_method(found).items():
        metas = [methods[name].meta for methods in found.values() if name in methods]
        once = [sum(meta.get("rows_once_a_call", {}).values()) for meta in metas]
        rows = sum(int(meta["rows"]) for meta in metas) - sum(once) + max(once)
        shared = ", ".join(effect.meta.get("rows_shared_with", ()))
        lines.append((name, rows, sum(float(meta["seconds"]) for meta in metas), shared))
    return pd.DataFrame(lines, columns=["method", "rows", "seconds", "rows_shared_with"])


def _methods(found: Found) -> list[object]:
    return [effect.method for effect in _by_method(found).values()]


def _about(found: Found, told: Told) -> list[tuple[str, str]]:
    named = _by_method(found)
    first = next(iter(named.values()))
    n_pairs = sum(len(names) > 1 for names in found)
    kinds = {"region" if on_a_photo(found) else "column": len(found) - n_pairs, "pair": n_pairs}
    what = " and ".join(count(n, noun) for noun, n in kinds.items() if n)
    own = {"what": what if len(found) > 1 else " × ".join(next(iter(found)))}
    scale = SCALES.get(str(first.meta.get("scale")), "")
    shown = ", ".join(map(str, first.outputs[:NAMED])) + (f" ({scale})" if scale else "")
    own |= {"output": shown, "methods": ", ".join(titles(named).values())}
    if first.meta.get("drawn_rows"):
        own["rows behind the curves"] = f"{first.meta['drawn_rows']:,}"
    return [*told.about.items(), *((key, value) for key, value in own.items() if key not in told.about)]


def _found(shown: Found, outputs: list[int]) -> Section:
    panes = []
    order = sorted(shown.values(), key=lambda methods: -size_of(methods))
    for o, k in enumerate(outputs):
        said = [text for methods in order[:TOLD] for text in first_words(methods, k)]
        panes.append(element("div", bulleted(said), class_=part_of(o=o)))
    return Section("found", "What was found", join(panes))


def size_of(methods: Mapping[str, Effect]) -> float:
    """How far the output varies with a column; of a pair next to nothing, so that pairs come last."""
    size = max(float(np.nanmax(effect.importance, initial=0.0)) for effect in methods.values())
    return size if len(next(iter(methods.values())).names) == 1 else 1e-6 * size


def main_of(methods: Mapping[str, Effect]) -> Effect:
    """The effect that is spoken of: an accumulated curve, which stays near the data, else the first."""
    return next((effect for effect in methods.values() if effect.declared.accumulates), next(iter(methods.values())))


def first_words(methods: Mapping[str, Effect], k: int) -> list[str]:
    """The first sentence on output k, of the effect that is spoken of; and what another says where that one sees nothing.

    Without the second, "does not move" would deny what the curve beside it shows.
    """
    main = main_of(methods)
    parted = main.regions is not None and len(main.regions.regions) > 1
    said = [line for n, line in enumerate(of_effect(main, k)) if n == 0 or (parted and line.startswith(SEVERAL))]
    if not said or STILL not in said[0] or len(main.names) > 1 or not main.declared.accumulates:
        return said
    called = titles(methods)
    for name, effect in methods.items():
        own = of_effect(effect, k)[0]
        if not effect.declared.accumulates and STILL not in own:
            own = f"{own[0].lower()}{own[1:]}"
            return [f"By {called[name_of(methods, main)]}, {said[0].removesuffix('.')}; by {called[name]} it does: {own}"]
    return said


def name_of(methods: Mapping[str, Effect], effect: Effect) -> str:
    """What the effect goes by among those of its column."""
    return next(name for name, one in methods.items() if one is effect)


def _of_columns(found: Found) -> dict[str, dict[str, Effect]]:
    """Name of a method -> column -> effect, pairs left out."""
    by_method: dict[str, dict[str, Effect]] = {}
    for names, methods in found.items():
        for name, effect in methods.items():
            if len(names) == 1:
                by_method.setdefault(name, {})[names[0]] = effect
    return by_method


def _importance(by_method: Mapping[str, Mapping[str, Effect]], outputs: list[int], method: Choice) -> Section:
    """How far each column's curve varies over the data, by each method."""
    panes = [buttons(method)] if len(by_method) > 1 else []
    for m, own in enumerate(by_method.values()):
        known = importance(own)
        low, high = known.interval()
        first = next(iter(own.values()))
        for o, k in enumerate(outputs):
            top = np.argsort(-known.corrected[:, k], kind="stable")[:TOP]
            axis = f"how far the prediction varies with it{points(first.meta)}"
            chart = Bars([known.names[p] for p in top], known.corrected[top, k], low[top, k], high[top, k],
                         "Importance of the columns", axis)  # fmt: skip
            panes.append(element("div", chart.table(), class_=part_of(m=m, o=o)))
    lead = "The standard deviation, over the data, of what each column does to the prediction."
    return Section("importance", "What matters most", join(panes), lead)


def _figures(shown: Found, outputs: list[int], column: Choice, n_left: int) -> Section:
    parts: list[Html] = [buttons(column)]
    drawn = panels(shown, None, outputs, None, None) if not on_a_photo(shown) else [[] for _ in shown]
    for d, (methods, lines) in enumerate(zip(shown.values(), drawn, strict=True)):
        parts += [_part(panel, d, outputs) for panel in lines]
        for o, k in enumerate(outputs):
            opacity = opacity_figure(methods, k) if on_a_photo(shown) else None
            parts.append(
                element(
                    "div",
                    opacity,
                    bulleted(list(dict.fromkeys([*first_words(methods, k), *of_effect(main_of(methods), k)[1:]]))),
                    class_=part_of(d=d, o=o),
                )
            )
    lead = (
        "How the prediction changes, on average, as the column does. The band is where the curve could lie (95 %); "
        "thin lines are single rows; marks along the bottom tell where the rows are, beyond which the curve is a "
        "guess."
    )
    if n_left:
        lead += f" {n_left} less important ones are in the CSVs only."
    return Section("effects", "How it changes", join(parts), lead)


def _part(panel: Panel, d: int, outputs: list[int]) -> Html:
    drawn = surface_figure(panel) if len(panel.names) == 2 else curve_figure(panel)
    return element("div", drawn, class_=part_of(d=d, o=outputs.index(panel.k)))
