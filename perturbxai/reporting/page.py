"""The results on one HTML page: tables, the figures beside it, and how they were made. Every name is escaped."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.types import Frame
from perturbxai.metrics.agreement import IN_SUMMARY
from perturbxai.metrics.metric import NOT_NAMES
from perturbxai.reporting.curves.view import Found
from perturbxai.reporting.lettering import minus
from perturbxai.reporting.manifest import Folder, plainly
from perturbxai.results.explanation import Attribution

MOST_LINES = 60  # of a table on the page; the CSVs hold all
LONGEST = 200  # of a name
CAPTIONS = {
    "maps": "Values on the picture, red for and blue against the output",
    "bars": "Values with 95 % intervals",
    "pairs": "Interactions of pairs",
    "deletion": "Deletion: the best features are hidden first, low is good",
    "insertion": "Insertion: the best features are shown first, high is good",
    "agreement": "Rank correlation of the methods",
    "effects": "Effects with 95 % bands",
}


@dataclass(frozen=True)
class Table:
    """A table on the page: strings are words, all else is a number."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[Any]]
    note: str = ""


def write_page(target: Folder, tables: Sequence[Table], captions: Mapping[str, str], facts: Mapping[str, Any]) -> None:
    """Write index.html into the folder, beside what was written there before.

    captions  file name of a figure -> what it is called;  facts: what the manifest will say
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"words": words, "number": number}
    template = environment.from_string(files("perturbxai.reporting").joinpath("page.html").read_text("utf-8"))
    text = template.render(
        title="Explanations by perturbation",
        tables=tables,
        figures=[(caption(name), file) for file, name in captions.items()],
        csvs=[path.name for path in target.written if path.suffix == ".csv"],
        facts=fact_lines(facts),
    )
    Path(target.new("index", ".html")).write_text(text, encoding="utf-8")


def caption(name: str) -> str:
    """What a figure shows, and of which fill, picture or pair, by the name it is drawn under."""
    kind, _, of = name.partition("_")
    return CAPTIONS.get(kind, kind) + (f": {of}" if of else "")


def of_results(
    results: Mapping[str, Attribution], frames: Mapping[str, Frame], call: Mapping[str, Any] | None = None
) -> list[Table]:
    """What was explained, and with a Comparison its summary and costs. frames: the tables of the CSVs;  call: its own."""
    first = next(iter(results.values()))
    lines = [
        (str(e.label), str(output), float(e.prediction[k]), float(e.base[k]))
        for e in first
        for k, output in enumerate(e.outputs)
    ]
    kept = first.meta.get("outputs_kept")
    note = f"Outputs: {kept}. " if kept else ""
    found = [_cut("What was explained", ("input", "output", "prediction", "base"), lines, "attributions.csv", note)]
    if "summary" in frames:
        found.append(_summary(frames["summary"], call or {}))
        costs = frames["costs"]
        lines = list(costs.itertuples(index=False, name=None))
        found.append(Table("Costs", [str(name) for name in costs], lines, "Shared rows are named, not divided."))
    else:
        cost = [(name, one.meta.get("rows"), one.meta.get("seconds")) for name, one in results.items()]
        found.append(Table("Costs", ("method", "rows", "seconds"), cost))
    return found


def of_effects(found: Found) -> list[Table]:
    """Each curve or surface with its importance, in units of the model's output, for every output."""
    lines = [
        (str(method), " × ".join(map(str, names)), str(output), float(effect.importance[k]))
        for names, methods in found.items()
        for method, effect in methods.items()
        for k, output in enumerate(effect.outputs)
    ]
    return [_cut("What was explained", ("method", "feature", "output", "importance"), lines, "the CSVs")]


def _cut(title: str, columns: Sequence[str], lines: Sequence[Any], where: str, note: str = "") -> Table:
    more = len(lines) - MOST_LINES
    return Table(title, columns, lines[:MOST_LINES], note + (f"{more} lines more are in {where}." if more > 0 else ""))


def _summary(frame: Frame, call: Mapping[str, Any]) -> Table:
    """Headline figures and a user's own, each away mean with home beside it; all metrics where none of these is there."""
    own = [name for name in call.get("metrics", ()) if name not in catalogue.METRICS]
    known = [f"{name}{ending}" for name in (*catalogue.HEADLINES, *own) for ending in catalogue.HOME]
    shown = [name for name in known if name in frame]
    shown = shown or [str(name) for name in frame if name not in NOT_NAMES]
    shown = ["method", *shown, *[name for name in (*IN_SUMMARY, "rows") if name in frame]]
    note = "Means over inputs, outputs and fills. All metrics are in summary.csv."
    if any(name.endswith(" (home)") for name in shown):
        note = (
            "Means over inputs, outputs and fills that the map did not see (away); home: under its own. "
            + note.split(". ")[1]
        )
    for good in ("higher", "lower"):
        if names := [name for name, better in call.get("better", {}).items() if better == good and name in shown]:
            note += f" {good.capitalize()} is better: {', '.join(names)}."
    return Table("Summary", shown, list(frame[shown].itertuples(index=False, name=None)), note)


def fact_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The manifest's facts as (name, words): a line each, those of every method under its name."""
    lines = [(key, facts[key]) for key in ("seeds", "plan", "versions", "compare", "config") if facts.get(key)]
    lines += [(f"method {name}", known) for name, known in facts["methods"].items()]
    return [(name, _flat(value)) for name, value in lines]


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_flat(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_flat, value))
    return value if isinstance(value, str) else json.dumps(value, default=plainly, ensure_ascii=False)


def words(value: object, longest: int = LONGEST) -> str:
    """Words of any origin on one line: not endless, no control character, no half of a surrogate pair."""
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
    return flat if len(flat) <= longest else f"{flat[: longest // 2]}…{flat[1 - longest + longest // 2 :]}"


def number(value: float | None) -> str:
    """Three digits, whole numbers whole; a dash for what is not known.

    >>> number(0.12345), number(1234567), number(float("nan")), number(float("-inf"))
    ('0.123', '1,234,567', '–', '−∞')
    """
    if value is None or value != value:
        return "–"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    value = float(value)
    if math.isinf(value):
        return "∞" if value > 0 else minus("-∞")
    whole = 1000 <= abs(value) < 1e9 or (value == int(value) and abs(value) < 1e9)
    return minus(f"{value + 0.0:,.0f}" if whole else f"{value:.3g}")
