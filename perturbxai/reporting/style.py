"""How figures look: colours that the colour-blind tell apart, one look a method, whatever a result is called."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from colorsys import hls_to_rgb
from functools import partial, wraps
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.methods import sees_fill, unnamed
from perturbxai.reporting.fitting import fit, lay_out
from perturbxai.reporting.lettering import LONGEST, catch_up, our_family, our_fonts, texts
from perturbxai.reporting.types import Artist, Axes, Colormap, Figure, Line2D
from perturbxai.results.effect import Effect
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.importance import Importance

Result: TypeAlias = Attribution | Effect | Explanation | Importance
METHOD_STYLES: dict[str, dict[str, Any]] = {name: {"color": entry.colour} for name, entry in catalogue.METHODS.items()}
TITLES = {name: entry.title for name, entry in catalogue.METHODS.items()}
TRUTH = "exact_shap"  # drawn behind or across the others where it is beside them
EXACT = "exact Shapley"
TRUTH_STYLE: dict[str, Any] = {"color": "#000000", "linewidth": 4.0, "alpha": 0.3}
SPARE = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A200")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")
FONT = {"font.size": 9.0, "axes.titlesize": 9.0, "axes.labelsize": 9.0, "legend.fontsize": 8.5}


def fill_of(result: Result) -> str:
    """The fill that a picture was explained under; "" of tables and of maps that no fill enters."""
    meta = result.meta
    seen = meta.get("space") != "table" and sees_fill(result.method)
    return str(meta.get("fill") or "") if seen else ""


def title(name: str, result: Result, fill: str = "") -> str:
    """A result's name as people write it: "KernelSHAP (surrogate='none') @blur" of the key that a call gave it.

    What it is called by somebody else stands as it is: a name says nothing of the method.
    fill  what a figure is all of, and need not be said again
    """
    own, method = fill_of(result), catalogue.key_of(result.method)
    if fill and fill == own:
        name = name.removesuffix(f"@{fill}")
    rest = name.removeprefix(method)
    by_call = name.startswith(method) and (rest == "" or rest.startswith("(") or (own != "" and rest == f"@{own}"))
    return f"{TITLES.get(method, method)} {rest}".strip() if by_call and method in TITLES else name


def titles(results: Mapping[str, Result], fill: str = "", longest: int = LONGEST) -> dict[str, str]:
    """Name -> title, as a figure shows it: those that differ do when they are cut."""
    return dict(zip(results, texts([title(*one, fill) for one in results.items()], longest), strict=True))


def truth_of(results: Mapping[str, Result]) -> str | None:
    """The name of the exact Shapley values, where they stand beside others and are the only ones."""
    found = [name for name, result in results.items() if catalogue.key_of(result.method) == TRUTH]
    return found[0] if len(found) == 1 and len(results) > 1 else None


def styles_of(results: Mapping[str, Result]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each result: a colour a method and its options, dashes for its second and later fills.

    Two results that only their names tell apart, as those of two models, have two colours.
    """
    fills = list(dict.fromkeys(fill for fill in map(fill_of, results.values()) if fill))
    groups, seen = {}, Counter[Any]()
    for name, result in results.items():
        # what results of one method under several fills have in common
        alike = catalogue.key_of(result.method), repr(unnamed(result.method)), str(result.meta.get("layer"))
        groups[name] = alike, seen[alike, fill_of(result)]
        seen[alike, fill_of(result)] += 1
    colours = _colours(list(dict.fromkeys(groups.values())))
    found = {}
    for name, result in results.items():
        dashes = DASHES[fills.index(fill_of(result)) % len(DASHES)] if fill_of(result) else "-"
        if catalogue.key_of(result.method) in catalogue.CONTROLS:
            dashes = (0, (1, 1.6))
        found[name] = {"color": colours[groups[name]], "linestyle": dashes}
    return found


def _colours(groups: Sequence[tuple[tuple[str, str, str], int]]) -> dict[Any, str]:
    """The method's own colour for the first of its groups, others that no method here has for the rest."""
    found: dict[Any, str] = {}
    for group in groups:
        own = METHOD_STYLES.get(group[0][0], {}).get("color")
        if own is not None and own not in found.values():
            found[group] = own
    spare = (colour for colour in _spare() if colour not in set(found.values()))
    return {group: found[group] if group in found else next(spare) for group in groups}


def _spare() -> Iterator[str]:
    """Colours without end: those that the colour-blind tell apart come first."""
    yield from SPARE
    for n in count():  # hues by the golden section, which keeps them apart
        red, green, blue = hls_to_rgb(0.618034 * n % 1.0, (0.35, 0.5, 0.62)[n % 3], 0.6)
        yield f"#{round(255 * red):02X}{round(255 * green):02X}{round(255 * blue):02X}"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of its own, known to no global state, which a notebook shows all the same."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def rc(function: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Draw with our fonts, whatever the user's settings are, and leave these as they were. Figures are made to fit."""

    @wraps(function)
    def drawn(*args: Arguments.args, **options: Arguments.kwargs) -> Made:
        with our_fonts(FONT):
            known = our_family()
            made = function(*args, **options)
            catch_up(made, known)
            fit(made)
            return made

    return drawn


def _png(figure: Figure) -> bytes:
    kept = BytesIO()
    save(figure, kept)
    return kept.getvalue()


def save(figure: Figure, path: Path | BytesIO) -> None:
    """Write a figure as PNG, without a window system, cut to what it shows: laid out once, and drawn once."""
    from matplotlib import rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, engine, dpi = FigureCanvasAgg(figure), figure.get_layout_engine(), figure.dpi
    with our_fonts(FONT):
        try:
            figure.dpi = 150
            lay_out(figure, renderer := canvas.get_renderer())
            shown = figure.get_tightbbox(renderer).padded(rcParams["savefig.pad_inches"])
            figure._layout_engine = None  # type: ignore[attr-defined]  # else savefig draws once more to lay out
            figure.savefig(path, format="png", dpi=150, bbox_inches=shown, metadata=dict[str, Any]())
        finally:
            figure._layout_engine = engine  # type: ignore[attr-defined]
            figure.dpi = dpi


def legend_handles(results: Mapping[str, Result]) -> list[Line2D]:
    """One line a result, for a legend."""
    from matplotlib.lines import Line2D

    styles, names, truth = styles_of(results), titles(results), truth_of(results)
    handles = []
    for name, style in styles.items():
        if name == truth:
            handles.append(Line2D([], [], label=truth_title(names[name]), **TRUTH_STYLE))
        else:
            handles.append(Line2D([], [], label=names[name], linewidth=1.4, **style))
    return handles


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend of the whole figure."""
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6), frameon=False)


def truth_title(shown: str) -> str:
    """What exact Shapley values are called in a legend, beside what a user calls them."""
    return EXACT if shown in ("exact", TITLES[TRUTH]) else f"{shown} ({EXACT})"


def scale(
    axes: Iterable[Axes], colours: Colormap | str, low: float, high: float, label: str, words: Sequence[str] = (), *,
    extend: str = "neither", pad: float = 0.01, shrink: float = 0.7, framed: bool = False,
) -> None:  # fmt: skip
    """A colour bar beside the panels. words: evenly in place of its numbers;  extend: at which ends outliers lie beyond."""
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = matplotlib.colormaps[colours] if isinstance(colours, str) else colours
    of = ScalarMappable(Normalize(low, high), colours)
    panels, ticks = list(axes), np.linspace(low, high, len(words)) if words else None
    bar = panels[0].figure.colorbar(of, ax=panels, shrink=shrink, aspect=30, pad=pad, ticks=ticks, extend=extend)
    if words:
        bar.ax.set_yticklabels(words)
    bar.set_label(label)
    bar.outline.set_visible(framed)


def value_lines(axis: Axes, names: Sequence[str], values: str) -> None:
    """A panel of lines from the top, each with its name, along an axis of values."""
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlabel(values)
    axis.spines[["top", "right"]].set_visible(False)


GREY = "#8A8A8A"


def sequence() -> Colormap:
    """Colours from low to high, dark to light, without the end that white paper swallows."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    found = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.92, 256)), name="low to high")
    return found.with_extremes(bad=GREY)


def left_out(n_left_out: int) -> str:
    return f"; the highest outputs, {n_left_out} more not shown" if n_left_out else ""
