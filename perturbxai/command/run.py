"""A configured run: explain pictures and a table by all methods, compare them, and report."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.workers import travelling
from perturbxai.command.config import Config, Naming
from perturbxai.command.photo_part import load_photo
from perturbxai.command.table_part import load_table
from perturbxai.command.user_model import Part
from perturbxai.core.stopping import note
from perturbxai.core.versions import versions
from perturbxai.reporting.manifest import Folder, check_place
from perturbxai.reporting.report import report

KEPT, UNFINISHED = "what was finished is in", "{}_unfinished"  # a note on what stopped a run; where a section's part is


@dataclass
class Run:
    """What a run made: its folder, a Comparison for each section, and what each cost."""

    folder: Path
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def run(
    config: Config,
    results: str | Path | None = None,
    *,
    progress: bool = True,
    naming: Naming = str,
    command: Sequence[str] | None = None,
) -> Run:
    """Do what a configuration asks, into its results folder or another, with a manifest over everything at the end.

    Models and data of all sections are loaded, and what can be known without a model is checked, before the first question;
    the folder is made, and an old manifest in it taken away, when there is something to write. What an older run left there
    that this one does not write is taken away at the end. Of a section that is stopped, by whatever, what was finished is
    reported in SECTION_unfinished, which the next whole run takes away; a note on the exception says so.
    Raises ValueError, OSError and ImportError, with the way out, for what cannot be loaded or asked. Runs the code that the
    config names as "package.module:factory".
    naming  how errors call a dotted key, as itself if not given;  command: kept in the manifest
    """
    place = results if results is not None else config.results
    check_place(place, f"{naming('results')} = ")
    parts: dict[str, Part] = {}
    if config.photo is not None:
        parts["photo"] = load_photo(config.photo, config.seed, progress, naming)
    if config.table is not None:
        parts["table"] = load_table(config.table, config.seed, progress, naming)
    target: Folder | None = None
    done = Run(Path(place).resolve())
    for name, part in parts.items():
        began = time.perf_counter()
        try:
            # workers do not find a model's module by its name where it lies in the current folder alone
            with travelling(os.getcwd()) if part.section.jobs else nullcontext():
                compared = done.comparisons[name] = part.work()
        except BaseException as error:
            _write_unfinished(error, place, name, config)
            raise
        if target is None:
            target = Folder(place)
            target.begin()
        report(compared, target.inner(name), config=part.section.model_dump(mode="json") | {"seed": config.seed})
        done.facts[name] = part.facts | {
            "plan": part.predictor.plan,
            "rows": part.predictor.rows,
            "model_seconds": round(part.predictor.seconds, 3),
            "seconds": round(time.perf_counter() - began, 3),
        }
    assert target is not None  # a configuration has a section
    told = {"versions": versions(), "seed": config.seed, "config": config.model_dump(mode="json"), "parts": done.facts}
    target.finish(({} if command is None else {"command": list(command)}) | told)
    for name in parts:
        target.clear(UNFINISHED.format(name))
    return done


def _write_unfinished(error: BaseException, place: str | Path, name: str, config: Config) -> None:
    """Report what a section that was stopped had finished, beside the reports, and note on the exception where it is."""
    found = getattr(error, "partial", None)
    if not isinstance(found, Comparison) and not (isinstance(found, Mapping) and found):
        return
    try:
        folder = Folder(place).inner(UNFINISHED.format(name))
        report(found, folder, config=config.model_dump(mode="json") | {"unfinished": True})
        note(error, f"{KEPT} {folder}")
    except Exception as another:
        note(error, f"{KEPT} no file: {another}")
