"""How far the methods agree, and how they score, in plain headings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.calls.describing_comparisons import JUDGES
from perturbxai.core import catalogue
from perturbxai.core.types import Frame
from perturbxai.metrics.agreement import IN_SUMMARY
from perturbxai.metrics.metric import NOT_NAMES, Metric
from perturbxai.reporting.html.charts.grid import coloured_table
from perturbxai.reporting.html.choices import Numbering
from perturbxai.reporting.html.making import cell
from perturbxai.reporting.html.markup import Html, element, join, name
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.score_curves import score_curves
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.style import titles
from perturbxai.results.explanation import Attribution

PLAIN = {
    "srg": "insertion less deletion", "faithfulness": "foretells answers", "fill spread": "moves with the fill",
    "sign kept": "keeps its sign", "rows": "rows asked",
}  # fmt: skip
SPREAD = {
    "mean": "mean", "sd_inputs": "moves between inputs", "sd_seeds": "moves between seeds", "icc": "share of inputs",
}  # fmt: skip
MOVED = (IN_SUMMARY[0], IN_SUMMARY[2])  # how far the fill moves a method; the rest is in the CSV


def compared_section(
    results: Mapping[str, Attribution], frames: Mapping[str, Frame], call: Mapping[str, Any], sentences: Sequence[str],
    numbering: Numbering,
) -> Section:  # fmt: skip
    """Summary, spread between seeds, curves and agreement of a comparison.

    frames  the CSVs' tables;  sentences  what it says in words;  numbering: of what can be chosen on the page
    """
    called = titles(results)
    parts: list[Html] = [bulleted(sentences), element("h3", "Scores"), _scores(frames["summary"], call, called)]
    if "seed_spread" in frames and (moved := _seeds(frames["seed_spread"], call, called)) is not None:
        parts.append(moved)
    parts.append(score_curves(frames["curves"], results, numbering))
    agreement = frames["agreement"]
    if len(agreement) and (agreement.metric == "spearman").any():
        parts += [element("h3", "How alike the methods order the parts"), _agreement(agreement, called)]
    lead = (
        "Methods answer somewhat different questions. Where they agree, the finding does not hang on the choice of method."
    )
    return Section("comparison", "Do the methods agree, and can they be trusted?", join(parts), lead)


def _scores(summary: Frame, call: Mapping[str, Any], called: Mapping[str, str]) -> Html:
    """Headline figures and a user's own, each away mean with home beside it; all metrics where none of these is there."""
    shown, note = headline_columns(summary, call)
    lines = [[line["method"], *(line[one] for one in shown)] for line in summary.to_dict("records")]
    table = _table("Scores of the methods", ["method"], [plain_head(one) for one in shown], lines, called)
    return join([table, element("p", note, class_="note")])


def _seeds(spread: Frame, call: Mapping[str, Any], called: Mapping[str, str]) -> Html | None:
    """How far the scores that words are about move between seeds, beside how far between inputs, of methods that draw."""
    drawn = spread[spread.seeds > 1]
    metric = next((one for one in (*JUDGES, *call.get("metrics", ())) if (drawn.metric == one).any()), None)
    if metric is None:
        return None
    own = drawn[drawn.metric == metric]
    heads = ["method", *(["output"] if own.output.nunique() > 1 else [])]
    lines = [[line[one] for one in (*heads, *SPREAD)] for line in own.to_dict("records")]
    note = (
        f"{plain_head(metric).capitalize()} of methods that draw, under {call.get('seeds')} seeds: the standard deviation "
        "of scores between inputs, that between seeds of one input, and the share of the whole variance that lies between "
        "inputs. Near 1, another seed changes a score little. All metrics, with intervals, are in seed_spread.csv."
    )
    table = _table("Scores under other seeds", heads, list(SPREAD.values()), lines, called)
    return join([element("h3", "Under other seeds"), table, element("p", note, class_="note")])


def _table(
    caption: str, words: Sequence[str], numbers: Sequence[str], lines: Sequence[Sequence[Any]], called: Mapping[str, str]
) -> Html:
    """A line a method, which is called by its title. words, numbers: heads of its columns"""
    heads = [element("th", one, scope="col") for one in words]
    heads += [element("th", one, scope="col", class_="number") for one in numbers]
    rows = [
        element("tr", element("th", name(called.get(str(key), str(key))), scope="row"), *map(cell, values))
        for key, *values in lines
    ]
    table = element(
        "table",
        element("caption", caption, class_="hidden"),
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
    )
    return _wide(table, caption)


def headline_columns(summary: Frame, call: Mapping[str, Any]) -> tuple[list[str], str]:
    """The columns of the summary that are shown, and what is said below them."""
    named = [one for one in call.get("metrics", ()) if one not in catalogue.METRICS or not catalogue.METRICS[one].usual]
    away, home = catalogue.HOME
    known = [f"{one}{ending}" for one in catalogue.HEADLINES for ending in (away, home)]
    for one in named:
        known += [one] if one in summary and _no_fill(one) else [f"{one}{ending}" for ending in (away, home)]
    shown = [one for one in known if one in summary]
    shown = shown or [str(one) for one in summary if one not in NOT_NAMES]
    shown += [one for one in (*MOVED, "rows") if one in summary]
    note = "Means over inputs, outputs and fills. All metrics are in summary.csv."
    if any(one.endswith(" (home)") for one in shown):
        note = (
            "Means over inputs, outputs and fills (what hidden parts show) that the method did not see (away); home: "
            "under its own. All metrics are in summary.csv."
        )
    for good in ("higher", "lower"):
        if names := [one for one, better in call.get("better", {}).items() if better == good and one in shown]:
            note += f" {good.capitalize()} is better: {', '.join(map(plain_head, names))}."
    return shown, note


def plain_head(column: str) -> str:
    """A column of the summary in plain words."""
    base = column.removesuffix(" (home)")
    plain = PLAIN.get(base) or (base.replace("_", " ") if base in catalogue.METRICS else base)
    return plain + (" (home)" if base != column and not _no_fill(base) else "")


def _no_fill(metric: str) -> bool:
    """Whether it is a metric of ours that asks nothing under a fill: it is the same at home and away."""
    if metric not in catalogue.METRICS:
        return False
    found = Metric.of(metric)
    return not (found.on_coalitions or found.curves)


def _agreement(frame: Frame, called: Mapping[str, str]) -> Html:
    mean = frame[frame.metric == "spearman"].groupby(["method_a", "method_b"], as_index=False).value.mean()
    names = [one for one in called if one in set(frame.method_a) | set(frame.method_b)]
    square = np.eye(len(names))
    for a, b, value in zip(mean.method_a, mean.method_b, mean.value, strict=True):
        if a in names and b in names:
            i, j = names.index(a), names.index(b)
            square[i, j] = square[j, i] = round(float(value), 2)
    table = coloured_table(
        [called[one] for one in names], square, "Rank correlation of each two methods", most=1.0, below=False
    )
    note = "Rank correlation, mean over inputs and outputs: 1 is the same order, 0 nothing in common, −1 reversed."
    return join([_wide(table, "Agreement of the methods"), element("p", note, class_="note")])


def _wide(table: Html, label: str) -> Html:
    return element("div", table, class_="wide", tabindex=0, role="region", aria_label=label)
