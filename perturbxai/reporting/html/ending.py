"""What every page of explained inputs begins and ends with: its facts, comparison, cost, making, and how to read it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.describing_comparisons import of_comparison
from perturbxai.calls.describing_versus import of_versus
from perturbxai.calls.versus_call import DEFAULT
from perturbxai.core import catalogue
from perturbxai.core.types import Frame
from perturbxai.core.wording import count
from perturbxai.reporting.html.choices import Numbering
from perturbxai.reporting.html.compared_section import compared_section
from perturbxai.reporting.html.guide import guide_section
from perturbxai.reporting.html.making import cost_section, files_section, making_section
from perturbxai.reporting.html.sections import Section
from perturbxai.reporting.style import titles
from perturbxai.results.amounts import PER_CENT
from perturbxai.results.context import Context
from perturbxai.results.describing_targets import of_targets
from perturbxai.results.explanation import Attribution

SCALES = {
    PER_CENT: "a probability, in per cent; what adds to it is in percentage points",
    "logit": "a logit",
    "raw": "as the model gives it",
}
NAMED = 4  # outputs
LISTED = 8  # methods
CAMS = ("grad_cam", "cam")  # what explainers are set against, the first of them that is compared
FEWEST = 5  # inputs from which it is told how they stand against it


@dataclass(frozen=True, eq=False)
class Told:
    """What the page is told beside the results: facts of the manifest, files beside it, and lines of the caller's own.

    targets  (N,) what each explained row really is, or nothing
    context  what lies around each explained input, or None;  drawn: the files of its figures, of pictures
    """

    facts: Mapping[str, Any]
    files: Sequence[str]
    about: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    targets: Sequence[object] = ()
    context: Context | None = None
    drawn: Sequence[Path] = ()


def ending(results: Mapping[str, Attribution], compared: Comparison | None, frames: Mapping[str, Frame], told: Told,
           reading: Sequence[str], numbering: Numbering) -> list[Section]:  # fmt: skip
    """Comparison, cost, how to read, making and files.

    reading  keys of what the pictures of the page are;  numbering: of what can be chosen on the page
    """
    found, read = [], list(reading)
    if compared is not None:
        read += ["scores", "agreement"]
        said = [*of_comparison(compared, titles(results)), *_against_cam(compared, titles(results))]
        found.append(compared_section(results, frames, compared.call, said, numbering))
    found.append(cost_section(frames["costs"] if "costs" in frames else costs_of(results), titles(results)))
    found.append(guide_section(read, [one.method for one in results.values()]))
    return [*found, *ending_of(told)]


def ending_of(told: Told) -> list[Section]:
    """Making and files, behind all else of any page."""
    return [making_section(told.facts), files_section(told.files)]


def _against_cam(compared: Comparison, called: Mapping[str, str]) -> list[str]:
    """What is better than the best known CAM, where one is compared at inputs enough to say something."""
    scored = set(compared.scores.method)
    cam = next((name for name in CAMS if name in scored), None)
    ranks = any((compared.scores.metric == metric).any() for metric in DEFAULT)
    if cam is None or not ranks or len(scored) < 2 or len(compared.inputs) < FEWEST:
        return []
    with suppress(ValueError):  # no two inputs have scores of both: there is nothing to tell
        return of_versus(compared.versus(cam), called)
    return []


def costs_of(results: Mapping[str, Attribution]) -> Frame:
    """What each method asked, where nothing was compared."""
    import pandas as pd

    lines = [(name, one.meta.get("rows"), one.meta.get("seconds")) for name, one in results.items()]
    return pd.DataFrame(lines, columns=["method", "rows", "seconds"])


def header(
    results: Mapping[str, Attribution], told: Told, methods: Sequence[str], input_: str, part: str
) -> list[tuple[str, str]]:
    """The facts on top: the caller's own lines, and beside them what the results tell of themselves.

    methods  their titles;  input_, part: what an input and a part of it are called
    """
    first = next(iter(results.values()))
    parts = sorted({len(e.names) for e in first})
    own = {
        "explained": f"{count(len(first), input_)}, {parts[0] if len(parts) == 1 else f'{parts[0]} to {parts[-1]}'} "
        f"{part}s each{_aimed(first, parts)}"
    }
    scale = SCALES.get(str(first.meta.get("scale")), "")
    own["output"] = _some([str(one) for one in first.outputs], NAMED) + (f" ({scale})" if scale else "")
    if told.targets and (said := of_targets(first, told.targets)):
        own["predictions"] = said
    own["methods"] = _some(methods, LISTED)
    if first.meta.get("seed") is not None:
        own["seed"] = str(first.meta["seed"])
    return [*told.about.items(), *((key, value) for key, value in own.items() if key not in told.about)]


def _aimed(result: Attribution, found: Sequence[int]) -> str:
    """How many superpixels were asked for, where a photo was cut into another number."""
    wanted = result.meta.get("n_segments") if result.meta.get("segments") in catalogue.SEGMENTERS else None
    return "" if wanted is None or list(found) == [wanted] else f" ({wanted} were aimed at)"


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def notes_of(results: Mapping[str, Attribution], n_shown: int) -> list[str]:
    """What is not on the page, and what hangs on errors that are not known. n_shown: outputs that are on it."""
    first, found = next(iter(results.values())), []
    if n_shown < len(first.outputs):
        found.append(
            f"{n_shown} of {len(first.outputs)} outputs are shown, those rated highest; all are in attributions.csv."
        )
    if kept := first.meta.get("outputs_kept"):
        found.append(f"Outputs: {kept}.")
    if any(not np.isfinite(e.stderr).all() for result in results.values() for e in result):
        found.append("Some errors are not known, because too little was asked: what hangs on them is marked.")
    return found
