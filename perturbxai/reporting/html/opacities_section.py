"""Effects of a photo's regions: what each adds on its way from hidden to whole, over the photo and as bars."""

from collections.abc import Mapping

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.curves.photo_figure import OTHERS, SAID, climb
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.html.charts.bars import Bars
from perturbxai.reporting.html.charts.lines import Curve, Lines
from perturbxai.reporting.html.charts.overlay import pictures, stack
from perturbxai.reporting.html.charts.pixels import map_data, photo_data
from perturbxai.reporting.html.choices import part_of
from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.reporting.html.per_cent import points
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.style import titles
from perturbxai.results.effect import Effect, Superpixel

TOP = 12
ROWS_DRAWN = 30  # curves of reference rows


def opacities_section(found: Found, outputs: list[int]) -> Section:
    """The rises of all regions by the first method that has them."""
    known = [
        (names[0], effect.superpixel)
        for names, methods in found.items()
        for effect in [next(iter(methods.values()))]
        if effect.superpixel
    ]
    first = known[0][1]
    held, laid, tables = {"p0": photo_data(first.picture)}, [], []
    effect = next(iter(next(iter(found.values())).values()))
    for o, k in enumerate(outputs):
        rise = np.array([one.rise[k] for _, one in known])
        values = np.zeros(int(first.labels.max()) + 1)
        values[[one.number for _, one in known]] = rise
        held[f"p0-{o}"] = map_data(values[first.labels], float(np.abs(rise).max()))
        laid.append((f"p0-{o}", part_of(o=o)))
        tables.append(element("div", _bars(known, rise, k, f"adds to the output{points(effect.meta)}"), class_=part_of(o=o)))
    shape = np.shape(first.picture)
    picture = stack(shape, "p0", laid, "The photo, its regions coloured by what they add", first.labels)
    photo = element("div", element("div", picture), element("div", *tables), class_="photo")
    return Section(
        "importance",
        "What each region adds, from hidden to whole",
        join([pictures(shape, held), photo]),
        f"{_others(effect)} {SAID}",
    )


def _others(effect: Effect) -> str:
    rest = OTHERS.get(str(effect.meta.get("rest")), "")
    return f"Beside it: {rest}." if rest else ""


def _bars(known: list[tuple[str, Superpixel]], rise: Floats, k: int, axis: str) -> Html:
    top = np.argsort(-np.abs(rise), kind="stable")[:TOP]
    ends = np.array([[end[k] for end in known[p][1].interval()] for p in top])
    chart = Bars(
        [known[p][0] for p in top], rise[top], ends[:, 0], ends[:, 1], "Rises of the regions", axis,
        "region", True, [known[p][1].number for p in top],
    )  # fmt: skip
    return chart.table()


def opacity_figure(methods: Mapping[str, Effect], k: int) -> Html:
    """How the output climbs from a region hidden (0) to whole (1), by each method; thin lines are reference rows."""
    called = titles(methods)
    has_mean = any(effect.declared.averages for effect in methods.values())
    curves = []
    for name, effect in methods.items():
        up, half = climb(effect, k)
        rows = None
        if effect.individual is not None:
            chosen = np.unique(np.linspace(0, len(effect.individual) - 1, ROWS_DRAWN).round().astype(int))
            rows = effect.individual[chosen][..., k] - effect.individual[chosen][:, :1, k]
        only_rows = effect.declared.keeps_rows > 0 and has_mean  # whose mean is the averaged curve
        band = None if only_rows else (up - half, up + half)
        curves.append(
            Curve(called[name], effect.grid[0].astype(float), np.full_like(up, np.nan) if only_rows else up, band, rows)
        )
    curves.sort(key=lambda curve: bool(np.isnan(curve.y).all()))
    return Lines(curves, "opacity of the region", f"climb of the output{points(next(iter(methods.values())).meta)}").figure()
