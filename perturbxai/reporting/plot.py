"""plot(): one result as one figure."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.versus import Versus
from perturbxai.core import checks
from perturbxai.core.types import Outputs
from perturbxai.inputs.spaces import Space
from perturbxai.reporting.curves import figure as effects_figure
from perturbxai.reporting.curves import photo_figure
from perturbxai.reporting.curves.view import as_effects
from perturbxai.reporting.interactive import twins
from perturbxai.reporting.photo import draw_photo
from perturbxai.reporting.style import rc, scale, sequence
from perturbxai.reporting.types import Axes, Drawing, Figure, Interactive
from perturbxai.reporting.values import (
    bars,
    differences,
    examples,
    features,
    importances,
    interactions,
    many_rows,
    one_row,
    scatter,
    scores,
    together,
    versus,
)
from perturbxai.reporting.values.panels import done, drawn, height_of, panels
from perturbxai.reporting.values.strip import strip
from perturbxai.reporting.values.superpixels import superpixels
from perturbxai.reporting.values.view import KINDS, View, as_named, view_of
from perturbxai.results.context import Context
from perturbxai.results.difference import Difference
from perturbxai.results.effect import Effects
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.h_statistic import HStatistic
from perturbxai.results.importance import Importance
from perturbxai.results.prototypes import Prototypes

Drawable: TypeAlias = (
    Attribution
    | Explanation
    | Importance
    | Mapping[str, Attribution]
    | Mapping[str, Importance]
    | Effects
    | Comparison
    | Versus
    | Difference
    | HStatistic
    | Prototypes
    | Context
)


# fmt: off
@overload
def plot(
    result: Drawable, kind: str | None = None, *, row: int | str | None = None, output: str | int | None = None,
    top: int = 10, ax: None = None, space: Space | None = None, feature: str | int | None = None,
    interactive: Literal[False] = False,
) -> Figure: ...
@overload
def plot(
    result: Drawable, kind: str | None = None, *, row: int | str | None = None, output: str | int | None = None,
    top: int = 10, ax: Axes, space: Space | None = None, feature: str | int | None = None,
    interactive: Literal[False] = False,
) -> Axes: ...
@overload
def plot(
    result: Drawable, kind: str | None = None, *, row: int | str | None = None, output: str | int | None = None,
    top: int = 10, ax: None = None, space: Space | None = None, feature: str | int | None = None,
    interactive: Literal[True],
) -> Interactive: ...
def plot(
    result: Drawable, kind: str | None = None, *, row: int | str | None = None, output: str | int | None = None,
    top: int = 10, ax: Axes | None = None, space: Space | None = None, feature: str | int | None = None,
    interactive: bool = False,
) -> Any:
# fmt: on
    """Draw a result with matplotlib: returns a new Figure (which a notebook shows), or `ax` if that is given.

    result  an Attribution, one Explanation, an Importance, or a mapping from name to one of these (bars and strip only); or
            an Effect, several, a mapping to them, or all that `effects` returned: a panel a column, its methods over each
            other (around their means, where scales differ), with bands and the rows of the data below; maps of pairs,
            hatched where no rows are; a panel a method where there are groups. Of effects on a photo: the numbered
            superpixels, and how the output climbs with their opacities. Half transparent is a picture that no camera
            takes: the curve shows how soon a region is detected
            Or a Comparison: each method's mean scores over the inputs, a panel a metric, under a map's own fill and under
            others; or a Versus: each method's mean difference from one of them, or mean ranks; or a Difference: of each
            feature both means, joined, with the interval of their difference, full where it is beyond noise; or an
            HStatistic: how much columns and pairs act together, and how much so few rows show by chance; or Prototypes, each
            with its share of the data and the criticisms beside them; or a Context: one input beside its neighbours
    kind    "waterfall": one row, from base to prediction; what the values do not sum to is a bar "not explained"
            "bars": one row with 95 % intervals, thick pointwise, thin simultaneous; of an Importance thick is the noise of
            the estimates, thin with that of the rows, and the diamond is the value without the bias of noise
            "beeswarm": all rows, a point each, coloured by the feature's value; "heatmap": rows by features, or a picture's
            map; "decision": a line a row, from base to prediction
            "scatter": all rows, across what they have at a feature, up its value, coloured by the feature that goes with it
            most: by the method's interactions, or else as the values of rows that are alike in the first differ with it
            "matrix", "network": one row's interactions, of a method that has them: all pairs of the features shown in
            colours beside the features' own values, or the strongest pairs as lines on a circle
            "strip": a picture's maps side by side, of baselines at several layers (`layer=[...]`) or of several methods; the
            values of superpixels where a method has no map of its own
            "overlay" (as None), "separate": of effects; "dots" (as None): of a Comparison
            "forest" (as None), "ranks": of a Versus; "means" (as None), "sizes": of a Difference, of values or |values|
            "examples" (as None), "worth", "witness": of Prototypes, these; how discrepant they are beside rows drawn at
            random; how much thicker than they say the data are at all rows
            None: beeswarm for several rows, waterfall for one (or where `row` is given), heatmap for pictures, bars else
    row     which row of waterfall, bars, matrix, network, decision (drawn strong) and a picture's heatmap: its number, or
            its label if that is text; None is the first. Of a Context the number of the input. Of effects the label of a row
            whose ICE curve is drawn strong
    output  name or number; None draws a panel for each, up to 6, of more the 6 that the model rates highest. Of a Comparison
            the name of one metric
    top     features shown; the others are summed, or in bars left out
    ax      matplotlib Axes to draw on; needs a single output
    space   the space of the call. Of a table it tells how much PDP asks where no row is (`support.unsupported`), and colours
            ordered categories by their order; of results that do not know what rows have (`feature_values`) it adds values
            to names. Of a picture it tells superpixels that were not made by name
    feature name or number of the feature of a scatter; None for the one that leads
    interactive  True returns a plotly Figure instead, with the same numbers, words, colours and panels: what lies under the
            mouse tells its row, its feature, what the row has there, the value and its 95 % error; drag to zoom, click on
            the legend to hide a method. `figure.write_html(path)` keeps it. Needs the extra `interactive`. A network, a
            strip and the curves of a photo's opacities have no such figure

    Raises TypeError for what cannot be drawn, ValueError for an unknown kind, row or output and for a kind that the result
    does not allow, ImportError where plotly is asked for and not installed, each before anything is drawn.

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> found = px.explain(["lime"], px.Predictor(lambda X: X @ [1.0, 2.0, 3.0]), space, np.ones((1, 3)))["lime"]
    >>> [tick.get_text() for tick in px.plot(found, "waterfall").axes[0].get_yticklabels()]
    ['x2 = 1', 'x1 = 1', 'x0 = 1']
    """
    top = checks.whole("top", top, 1, of="features")
    twins.check(interactive, ax)
    name, shown = _shown(result, kind, row, output, top, ax, space, feature)
    return twins.figure_of(name, shown) if interactive else _DRAWN[name](shown, ax)


def _shown(
    result: Drawable, kind: str | None, row: int | str | None, output: Outputs | None, top: int, ax: Axes | None,
    space: Space | None, feature: str | int | None,
) -> tuple[str, Any]:  # fmt: skip
    """(which figure is drawn, what it shows): all is checked here, and chosen once for both kinds of figures."""
    if (found := as_effects(result)) is not None:
        if photo_figure.on_a_photo(found):
            return "opacities", partial(photo_figure.plot_opacities, found, kind, row, output, top)
        return "effects", effects_figure.asked_of(found, kind, row, output, top, ax, space)
    if isinstance(result, Context):
        _refuse("Context", "of one input", kind=kind, output=output, feature=feature)
        return examples.of_context(result, row, top, ax)
    if isinstance(result, (Comparison, Versus, Difference, HStatistic, Prototypes)):
        return _of_whole(result, kind, row, output, top, ax, feature)
    checks.one_of("kind", kind, (*KINDS, None))
    if feature is not None and kind != "scatter":
        raise ValueError(f"feature={feature!r} is for kind='scatter'; leave it out, or draw a result of some: a[:, ...].")
    named = as_named(result)
    if all(isinstance(one, Importance) for one in named.values()):
        return "importance", importances.asked_of(named, kind, row, output, top, ax)
    if kind == "strip":
        if ax is not None:
            raise ValueError("ax is one panel, and kind='strip' draws a figure of its own; leave ax= out.")
        return "strip", partial(strip, named, row, output, space)
    if len(named) > 1:
        return "bars", bars.compared(named, kind, row, output, top, ax, space)
    ((name, one),) = named.items()
    view = view_of(name, one, kind, row, output, top, ax, space)
    if view.kind == "bars":
        return "bars", bars.bars_of(named, view)
    if view.kind == "scatter":
        return "scatter", scatter.seen_of(view, feature)
    return view.kind, view


def _of_whole(
    result: Comparison | Versus | Difference | HStatistic | Prototypes, kind: str | None, row: object, output: Any, top: int,
    ax: Axes | None, feature: object,
) -> tuple[str, Any]:
    """What is about all rows, methods or columns, and has neither a row nor a feature to choose."""
    _refuse(type(result).__name__, "whole", row=row, feature=feature)
    if isinstance(result, Comparison):
        return "scores", scores.scored(result, kind, output, ax)
    if isinstance(result, Versus):
        return versus.paired(result, kind, output)
    if isinstance(result, Prototypes):
        _refuse("Prototypes", "whole", output=output)
        return examples.of_prototypes(result, kind, top, ax)
    if isinstance(result, Difference):
        return "differences", differences.sides(result, kind, output, top, ax)
    return "h_statistic", together.acting(result, kind, output, top, ax)


def _refuse(what: str, how: str, **given: object) -> None:
    """Arguments that a result of this kind has nothing to choose by."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name}={value!r}: a {what} is drawn {how}; leave {name}= out.")


# ------------------------------------------------------------------------------------------------ how it is drawn


@rc
def _waterfall(view: View, ax: Axes | None) -> Drawing:
    figure, _ = drawn(view, height_of(len(view.leading[0]) + 2), ax, one_row.waterfall)
    return done(figure, ax, one_row.about_waterfall(view))


@rc
def _beeswarm(view: View, ax: Axes | None) -> Drawing:
    shown, rest = view.leading
    shade = features.colours(view.result.explanations, view.space)
    figure, axes = drawn(view, height_of(len(shown) + bool(rest), 0.36), ax, partial(many_rows.beeswarm, shade=shade))
    if not np.isnan(shade).all():
        scale(axes, sequence(), 0, 1, many_rows.shade_label(view, shade), ("low", "high"))
    return done(figure, ax, view.about_rows())


@rc
def _heatmap(view: View, ax: Axes | None) -> Drawing:
    limit = many_rows.limit_of(view)
    figure, axes = drawn(view, height_of(len(view.leading[0]) + 3, 0.28), ax, partial(many_rows.heatmap, limit=limit))
    scale(axes, "RdBu_r", -limit, limit, bars.AXIS, extend="both")
    return done(figure, ax, view.about_rows())


@rc
def _decision(view: View, ax: Axes | None) -> Drawing:
    figure, _ = drawn(view, height_of(len(view.leading[0]) + 2), ax, many_rows.decision)
    return done(figure, ax, many_rows.about_decision(view))


@rc
def _matrix(view: View, ax: Axes | None) -> Drawing:
    width, height = interactions.matrix_size(view)
    figure, axes = drawn(view, height, ax, interactions.matrix, width)
    interactions.colour_bar(axes, view)
    return done(figure, ax, view.about + interactions.about(view))


@rc
def _network(view: View, ax: Axes | None) -> Drawing:
    shown, rest = view.leading
    width, height = interactions.network_size(view)
    figure, axes = panels(len(view.outputs), height, ax, width)
    counts = [interactions.network(axis, view, k) for axis, k in zip(axes, view.outputs, strict=True)]
    n_pairs = len(shown) * (len(shown) - 1) // 2
    most = f"; the {max(counts)} strongest of {n_pairs} pairs" if max(counts) < n_pairs else ""
    about = f"{view.about}{interactions.index_of(view.one)}{most}; circles: values{features.more(len(rest))}"
    return done(figure, ax, about, interactions.pair_handles())


@rc
def _photo(view: View, ax: Axes | None) -> Drawing:
    """The photo, and beside it the map of each output."""
    e = view.one
    labels = superpixels(e, view.space)
    figure, axes = panels(len(view.outputs) + (ax is None), 3.2, ax, width=2.7)
    if ax is None:
        draw_photo(axes[0], e.input)
        axes[0].set_title("\nphoto")
    for axis, k in zip(axes[ax is None :], view.outputs, strict=True):
        one_row.photo_map(axis, e, k, labels)
    scale(axes, "RdBu_r", -1, 1, "value, as a share of the map's largest", ("against", "for"))
    return done(figure, ax, view.about)


_DRAWN: dict[str, Callable[[Any, Axes | None], Drawing]] = {
    "waterfall": _waterfall, "bars": bars.bars, "beeswarm": _beeswarm, "heatmap": _heatmap, "decision": _decision,
    "scatter": scatter.scatter, "photo": _photo, "matrix": _matrix, "network": _network, "strip": lambda shown, _: shown(),
    "importance": importances.importances, "scores": scores.scores, "h_statistic": together.together,
    "examples": examples.examples, "worth": examples.worth, "witness": examples.witness,
    "forest": versus.forest, "ranks": versus.ranks, "differences": differences.dumbbells,
    "effects": effects_figure.plot_effects, "opacities": lambda shown, ax: shown(ax),
}  # fmt: skip
