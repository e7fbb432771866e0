"""report(): what was found as tidy CSVs, figures and one HTML page in one folder, and a manifest written last."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perturbxai.calls.comparison import Comparison
from perturbxai.core.csv_files import write_csv
from perturbxai.reporting import figures as drawing
from perturbxai.reporting import page, style
from perturbxai.reporting.curves.view import as_effects
from perturbxai.reporting.manifest import Folder, check_place, facts
from perturbxai.reporting.tables import as_results, of_effects, tables
from perturbxai.results.effect import Effects
from perturbxai.results.explanation import Attribution


def report(
    anything: Attribution | Mapping[str, Attribution] | Comparison | Effects, folder: str | Path, *, config: object = None
) -> Path:
    """Write tables, figures, a page and a manifest of results, all inside one folder.

    anything  a Comparison, an Attribution, a mapping from name to Attribution, or what `effects` returned (all of it, the
              mapping of a method, or one Effect)
    folder    made if it is not there. What an older report wrote there, as its manifest says, is taken away or replaced;
              other files are left alone, and so is one that was changed since, unless it has the name of a new one
    config    kept in the manifest

    Writes attributions.csv, with a Comparison also scores, agreement, costs, fill_spread, curves and summary, of effects
    effects.csv and effects_of_pairs.csv; PNG figures;
    index.html, which shows them on one page; and manifest.json last: where it stands, everything it lists is complete.
    All is written aside first: where it breaks off, an older report stays as it is. With manifest.json.part and without a
    manifest the move itself broke off; the next report clears up. Of two at once the later one stays. Returns the folder.
    Raises TypeError for what holds no results; ValueError, before anything is drawn, for a folder that is a file, may not be
    written to, or leads elsewhere by a link.
    """
    check_place(folder, "folder=")
    if (found := as_effects(anything)) is not None:
        known = {name: effect for methods in found.values() for name, effect in methods.items()}
        drawn = drawing.of_effects(found)
        return _write(Folder(folder), of_effects(found), drawn, page.of_effects(found), facts(known, None, config))
    results, compared = as_results(anything)
    frames = tables(results, compared)
    call = None if compared is None else compared.call
    shown, drawn = page.of_results(results, frames, call), drawing.figures(results, compared)
    return _write(Folder(folder), frames, drawn, shown, facts(results, call, config))


def _write(
    target: Folder, frames: Mapping[str, Any], drawn: drawing.Figures, shown: Sequence[page.Table], known: Mapping[str, Any]
) -> Path:
    """CSVs, then figures one at a time, then the page that names both, then the manifest."""
    with target:
        for name, frame in frames.items():
            write_csv(frame, target.new(name, ".csv"))
        captions = {}
        for name, figure in drawn:
            path = target.new(name, ".png")
            style.save(figure, path)
            captions[path.name] = name
        page.write_page(target, shown, captions, known)
        target.finish(known)
    return target.place
