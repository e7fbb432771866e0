"""report(): what was found as tidy CSVs and figures in one folder, and a manifest written last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perturbxai.report.effect_view import Found, as_effects
from perturbxai.report.manifest import Folder, facts
from perturbxai.report.tables import as_results, tables


def report(anything: Any, folder: str | Path, *, config: Any = None) -> Path:
    """Write tables, figures and a manifest of results, all inside one folder.

    anything  a Comparison, an Attribution, a mapping from name to Attribution, or what `effects` returned (all of it, the
              mapping of a method, or one Effect)
    folder    made if it is not there; files of the same names are replaced, others left alone
    config    kept in the manifest

    Writes attributions.csv, with a Comparison also scores, agreement, costs, fill_spread, curves and summary, of effects
    effects.csv and effects_of_pairs.csv; PNG figures;
    and manifest.json last: where it stands, everything it lists is complete. Returns the folder.
    Raises TypeError for what holds no results, ValueError for a folder that is a file or leads elsewhere by a link.
    """
    if (found := as_effects(anything)) is not None:
        return _of_effects(found, Folder(folder), config)
    results, compared = as_results(anything)
    target = Folder(folder)
    for name, frame in tables(results, compared).items():
        frame.to_csv(target.new(name, ".csv"), index=False)
    from perturbxai.report.figures import figures, save

    for name, figure in figures(results, compared):
        save(figure, target.new(name, ".png"))
    target.finish(facts(results, compared, config))
    return target.place


def _of_effects(found: Found, target: Folder, config: Any) -> Path:
    from perturbxai.report import effect_report
    from perturbxai.report.style import save

    for name, frame in effect_report.tables(found).items():
        frame.to_csv(target.new(name, ".csv"), index=False)
    for name, figure in effect_report.figures(found):
        save(figure, target.new(name, ".png"))
    target.finish(facts(effect_report.metas(found), None, config))
    return target.place
