"""How the output falls and rises as the parts called best are hidden or shown first: a curve a method."""

from collections.abc import Mapping

from perturbxai.core.types import Frame
from perturbxai.metrics.faithfulness import mean_curves
from perturbxai.reporting.html.charts.lines import Curve, Lines
from perturbxai.reporting.html.choices import Numbering, part_of
from perturbxai.reporting.html.markup import Html, element
from perturbxai.reporting.style import fill_of, title, titles
from perturbxai.results.explanation import Attribution

KINDS = {
    "deletion": ("Most important parts hidden first", "hidden", "low"),
    "insertion": ("Most important parts shown first", "shown", "high"),
}


def score_curves(frame: Frame, results: Mapping[str, Attribution], numbering: Numbering) -> Html:
    """A plot a kind, output and fill, of which the chosen ones are shown and the chosen method is lit."""
    there = [which for which in KINDS if len(frame) and (frame.curve == which).any()]
    return element("div", *(_plots(frame, results, which, numbering) for which in there), class_="plots")


def _plots(frame: Frame, results: Mapping[str, Attribution], which: str, numbering: Numbering) -> Html:
    heading, verb, good = KINDS[which]
    chosen = mean_frame(frame[frame.curve == which])
    called, looks, parts = titles(results), looks_of(results), []
    for key, panel in chosen.groupby(["output", "scored_fill"], sort=False):
        output, fill = map(str, key)
        if output not in numbering.outputs:
            continue
        curves = [
            Curve(called[one], mine.share.to_numpy(), mine.value.to_numpy(), look=looks[one], of=numbering.methods.get(one))
            for one in results if len(mine := panel[panel.method == one])
        ]  # fmt: skip
        against = "" if fill == "background" else f", hidden parts show: {fill}"
        across = f"share of the parts that are {verb}, those called best first ({good} is good)"
        drawn = Lines(curves, across, f"output: {output}{against}").figure()
        parts.append(element("div", drawn, class_=part_of(o=numbering.outputs[output], f=numbering.fills.get(fill))))
    return element("div", element("h3", heading), *parts)


def mean_frame(frame: Frame) -> Frame:
    """The curves, the mean over inputs."""
    import pandas as pd

    return pd.DataFrame(mean_curves(frame))


def looks_of(results: Mapping[str, Attribution]) -> dict[str, tuple[int, int]]:
    """Numbers of a colour and of dashes: a colour a method, dashes for its second and later fills."""
    fills = list(dict.fromkeys(fill for fill in map(fill_of, results.values()) if fill))
    bases = {name: title(name, one, fill_of(one)) for name, one in results.items()}
    colours = list(dict.fromkeys(bases.values()))
    return {
        name: (colours.index(bases[name]), fills.index(fill) if (fill := fill_of(one)) else 0)
        for name, one in results.items()
    }
