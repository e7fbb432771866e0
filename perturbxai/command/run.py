"""A configured run: explain pictures and a table by all methods, compare them, and report."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.sent_once import sent_once
from perturbxai.calls.workers import travelling
from perturbxai.command.about import lines_of
from perturbxai.command.config import Config, Naming
from perturbxai.command.effects_part import load_effects
from perturbxai.command.found import sentences
from perturbxai.command.photo_part import load_photo
from perturbxai.command.table_part import load_table
from perturbxai.command.user_model import Part, tell
from perturbxai.core.stopping import note
from perturbxai.core.versions import versions
from perturbxai.reporting.html import overview
from perturbxai.reporting.manifest import Folder, check_place
from perturbxai.reporting.parts.ledger import DONE, PARTS
from perturbxai.reporting.parts.lock import alone_in, by
from perturbxai.reporting.parts.steps import Steps, begun, clear_empty, left_over
from perturbxai.reporting.report import report
from perturbxai.results.context import Context

GOES_ON = "the same command goes on from where it was stopped"
TITLES = {"photo": "The photo", "table": "Rows of the table", "effects": "How the prediction changes with each column"}
KEPT, UNFINISHED = "what was finished is in", "{}_unfinished"  # a note on what stopped a run; where a section's part is


@dataclass
class Run:
    """What a run made: its folder, what each section came to that was worked on (a Comparison, or effects), the context of
    its inputs where that was asked for, what each cost, and what there is to say of an earlier run that was stopped."""

    folder: Path
    found: dict[str, Any] = field(default_factory=dict)
    around: dict[str, Context] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @property
    def comparisons(self) -> dict[str, Comparison]:
        return {name: one for name, one in self.found.items() if isinstance(one, Comparison)}

    @property
    def pages(self) -> list[Path]:
        """The pages to open: that of the section, or the one over several."""
        inner = [self.folder / name / "index.html" for name in self.facts]
        return inner if len(inner) == 1 else [self.folder / "index.html"]


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
    What is found is kept in the hidden folder .steps until all is there: a picture's explanations, its maps and the answers
    that it is scored by, rows by the hundred, sections. The same run takes it from there, whatever stopped it: one with the
    same seed, section, data, model's file and answers, and versions. Others keep what they find apart. While it runs it
    holds a lock.
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
    if config.effects is not None:
        parts["effects"] = load_effects(config.effects, config.seed, progress, naming)
    for part in parts.values() if progress else ():
        tell(part.told)
    done = Run(Path(place).resolve())
    if (done.folder / PARTS).is_dir() and (done.folder / DONE).exists():
        raise ValueError(
            f"{naming('results')} = {str(place)!r} holds the parts of --out, or explain_to; give another folder."
        )
    with alone_in(done.folder) as left_by:
        done.told += [f"an earlier run{by(left_by)}, ended without a word"] if left_by else []
        steps = {
            name: Steps(done.folder, name, part.predictor, _known_by(part, config), part.asked_row, part.planned)
            for name, part in parts.items()
        }
        with begun(steps.values()):
            target = _reported(parts, steps, done, config)
        if len(parts) > 1:
            text = overview.overview_page([_of_run(name, part, done.facts[name]) for name, part in parts.items()])
            target.new("index", ".html").write_text(text, encoding="utf-8")
        facts = {"versions": versions(), "seed": config.seed, "config": config.model_dump(mode="json"), "parts": done.facts}
        target.finish(({} if command is None else {"command": list(command)}) | facts)
        for name, one in steps.items():
            target.clear(UNFINISHED.format(name))
            shutil.rmtree(one.folder, ignore_errors=True)
        clear_empty(done.folder)
        done.told += [told] if (told := left_over(done.folder)) else []
    return done


def _reported(parts: Mapping[str, Part], steps: Mapping[str, Steps], done: Run, config: Config) -> Folder:
    """Work on the sections one after the other, and report each. Returns the folder, which is begun."""
    target: Folder | None = None
    for name, part in parts.items():
        own = steps[name]
        done.facts[name] = own.finished(done.folder / name) or _work(name, part, own, done, config)
        if target is None:
            target = Folder(done.folder)
            target.begin()
        inner = target.inner(name)
        if name in done.found:
            compared, asked = done.found[name], part.section.model_dump(mode="json") | {"seed": config.seed}
            report(compared, inner, config=asked, about=lines_of(part.section, part.facts, part.told),
                   targets=part.targets or None, context=done.around.get(name))  # fmt: skip
            own.finish(done.facts[name], inner)
        done.told += [f"{name}: {one}" for one in own.told]
    assert target is not None  # a configuration has a section
    return target


def _work(name: str, part: Part, steps: Steps, done: Run, config: Config) -> dict[str, Any]:
    """Do a section's work. Returns what the manifest tells of it."""
    began = time.perf_counter()
    try:
        # workers do not find a model's module by its name where it lies in the current folder alone
        with travelling(os.getcwd()) if part.section.jobs else nullcontext(), sent_once():
            done.found[name] = part.work(steps)
            if part.around is not None:
                done.around[name] = part.around()
    except BaseException as error:
        _write_unfinished(error, done.folder, name, config)
        if steps.kept:
            note(error, GOES_ON)
        raise
    return part.facts | {
        "found": sentences(done.found[name]),
        "plan": part.predictor.plan, "rows": part.predictor.rows, "model_seconds": round(part.predictor.seconds, 3),
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip


def _of_run(name: str, part: Part, facts: Mapping[str, Any]) -> overview.Part:
    """A section as the page over all of them has it."""
    about = lines_of(part.section, part.facts, part.told)
    return overview.Part(name, TITLES[name], about, facts.get("found", ()))


def _known_by(part: Part, config: Config) -> dict[str, Any]:
    """What has to be the same for a run to go on from an earlier one."""
    return {
        "seed": config.seed, "section": part.section.model_dump(mode="json", exclude={"jobs"}), "of": part.facts,
        "versions": versions(),
    }  # fmt: skip


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
