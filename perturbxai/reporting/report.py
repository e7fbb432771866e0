"""report(): what was found as tidy CSVs, figures and one HTML page in one folder, and a manifest written last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from perturbxai.calls.comparison import Comparison
from perturbxai.calls.versus import Versus
from perturbxai.core.csv_files import write_csv
from perturbxai.core.types import Frame
from perturbxai.reporting import figures as drawing
from perturbxai.reporting import style
from perturbxai.reporting.curves.view import as_effects
from perturbxai.reporting.html.context_section import context_page
from perturbxai.reporting.html.difference_section import difference_page
from perturbxai.reporting.html.ending import Told
from perturbxai.reporting.html.pages import effects_page, results_page
from perturbxai.reporting.html.prototypes_section import prototypes_page
from perturbxai.reporting.html.versus_section import versus_page
from perturbxai.reporting.manifest import Folder, check_place, facts
from perturbxai.reporting.tables import (
    as_context,
    as_differences,
    as_results,
    as_targets,
    of_differences,
    of_effects,
    tables,
)
from perturbxai.results.context import Context
from perturbxai.results.difference import Difference
from perturbxai.results.effect import Effects
from perturbxai.results.explanation import Attribution
from perturbxai.results.prototypes import Prototypes


def report(
    anything: Attribution
    | Mapping[str, Attribution]
    | Comparison
    | Versus
    | Difference
    | Mapping[str, Difference]
    | Prototypes
    | Context
    | Effects,
    folder: str | Path,
    *,
    config: object = None,
    about: Mapping[str, str] | None = None,
    targets: Sequence[object] | ArrayLike | None = None,
    context: Context | None = None,
) -> Path:
    """Write tables, figures, a page and a manifest of results, all inside one folder.

    anything  a Comparison, its Versus, an Attribution, a mapping from name to Attribution, a Difference or a mapping to
              several, Prototypes, a Context, or what `effects` returned (all of it, the mapping of a method, or one Effect)
    folder    made if it is not there. What an older report wrote there, as its manifest says, is taken away or replaced;
              other files are left alone, and so is one that was changed since, unless it has the name of a new one
    config    kept in the manifest
    about     lines for the top of the page, such as {"model": "...", "data": "...", "question": "..."}: words for whoever
              reads it. What the results know of themselves is told there anyway
    targets   of the rows of a table, what each of these N really is, in their order: numbers, or classes as the model names
              them. The page has it beside the predictions, and tells how far these are off

    context   what `context` found around the same rows or photos: the page has it beside each

    Writes index.html, one page that holds all it shows, opens no address and needs no script; attributions.csv, with a
    Comparison also scores, agreement, costs, fill_spread, curves and summary, of effects effects.csv and
    effects_of_pairs.csv, of a Versus versus.csv, of a Difference difference.csv and, where both are of the same inputs,
    difference_rows.csv, of Prototypes prototypes.csv, of a Context, or with one, context.csv; PNG figures; and manifest.json
    last: where it stands, everything it lists is complete.
    All is written aside first: where it breaks off, an older report stays as it is. With manifest.json.part and without a
    manifest the move itself broke off; the next report clears up. Of two at once the later one stays. Returns the folder.
    Raises TypeError for what holds no results, and for lines that are not text; ValueError, before anything is drawn, for a
    folder that is a file, may not be written to, or leads elsewhere by a link, and for targets of other rows.
    """
    check_place(folder, "folder=")
    lines = _lines(about)
    if isinstance(anything, (Prototypes, Context)):
        return _of_examples(anything, folder, config, lines, targets, context)
    of_inputs = as_effects(anything) is None and as_differences(anything) is None and not isinstance(anything, Versus)
    if context is not None and not of_inputs:
        raise ValueError(f"context= is of explained inputs, and report got {type(anything).__name__}; leave it out.")
    if (found := as_effects(anything)) is not None:
        if targets is not None:
            raise ValueError("targets= are of explained rows, and effects are of columns; leave them out.")
        known = facts({name: effect for methods in found.values() for name, effect in methods.items()}, None, config)
        return _write(
            Folder(folder), of_effects(found), drawing.of_effects(found), known,
            lambda files: effects_page(found, Told(known, files, lines)),
        )  # fmt: skip
    if isinstance(anything, Versus):
        return _of_versus(anything, folder, Told(facts(anything.results, None, config), (), lines), targets)
    if (differences := as_differences(anything)) is not None:
        return _of_differences(differences, folder, config, lines, targets)
    results, compared = as_results(anything)
    known_targets = as_targets(targets, results)
    frames, target = tables(results, compared), Folder(folder)
    known = facts(results, None if compared is None else compared.call, config)
    told, drawn = Told(known, (), lines, targets=known_targets), drawing.figures(results, compared)
    if context is not None:
        around = as_context(context, results)
        told, drawn = replace(told, context=around), chain(drawn, drawing.of_context(around))
        frames, known["context"] = frames | {"context": around.to_frame()}, dict(around.meta)

    def page(files: list[str]) -> str:
        near = [path for path in target.now(".png") if path.stem.startswith("context_")]
        return results_page(results, compared, frames, replace(told, files=files, drawn=near))

    return _write(target, frames, drawn, known, page)


def _of_examples(
    found: Prototypes | Context,
    folder: str | Path,
    config: object,
    lines: Mapping[str, str],
    targets: object,
    context: object,
) -> Path:
    """The table, figures and a page."""
    for name, given in (("targets", targets), ("context", context)):
        if given is not None:
            raise ValueError(f"{name}= is of explained rows, and report got {type(found).__name__}; leave it out.")
    target, known = Folder(folder), facts({}, None, config) | {"found": dict(found.meta)}
    if isinstance(found, Prototypes):
        frames, drawn, made = {"prototypes": found.to_frame()}, drawing.of_prototypes(found), partial(prototypes_page, found)
    else:
        frames, drawn, made = {"context": found.to_frame()}, drawing.of_context(found), partial(context_page, found)
    return _write(target, frames, drawn, known, lambda files: made(Told(known, files, lines), target.now(".png")))


def _of_versus(found: Versus, folder: str | Path, told: Told, targets: object) -> Path:
    """The table, the forest and, of three methods or more, the ranks, and a page."""
    if targets is not None:
        raise ValueError("targets= are of explained rows, and a Versus is of methods; leave them out.")
    target = Folder(folder)
    return _write(
        target, {"versus": found.to_frame()}, drawing.of_versus(found), dict(told.facts),
        lambda files: versus_page(found, replace(told, files=files), target.now(".png")),
    )  # fmt: skip


def _of_differences(
    found: Mapping[str, Difference], folder: str | Path, config: object, lines: Mapping[str, str], targets: object
) -> Path:
    """Tables, both pictures of each, and a page. The manifest has the results of both sides."""
    if targets is not None:
        raise ValueError("targets= are of explained rows, and a Difference is of two results; leave them out.")
    results = {f"{name}, {side}": one for name, each in found.items() for side, one in each.results.items()}
    known, target = facts(results, None, config), Folder(folder)
    return _write(
        target, of_differences(found), drawing.of_differences(found), known,
        lambda files: difference_page(found, Told(known, files, lines), target.now(".png")),
    )  # fmt: skip


def _lines(about: Mapping[str, str] | None) -> dict[str, str]:
    if about is None:
        return {}
    if not isinstance(about, Mapping) or not all(isinstance(one, str) for pair in about.items() for one in pair):
        raise TypeError(f"about={about!r} must map text to text, such as {{'model': 'a forest', 'data': 'houses.csv'}}.")
    return dict(about)


def _write(
    target: Folder,
    frames: Mapping[str, Frame],
    drawn: drawing.Figures,
    known: Mapping[str, Any],
    page: Callable[[list[str]], str],
) -> Path:
    """CSVs, then figures one at a time, then the page, which is told of both by name, then the manifest."""
    with target:
        for name, frame in frames.items():
            write_csv(frame, target.new(name, ".csv"))
        for name, figure in drawn:
            style.save(figure, target.new(name, ".png"))
        text = page([path.name for path in target.written])
        target.new("index", ".html").write_text(text, encoding="utf-8")
        target.finish(known)
    return target.place
