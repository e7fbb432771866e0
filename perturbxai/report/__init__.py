"""report(): what was found as tidy CSVs and figures in one folder, and a manifest written last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perturbxai.report.manifest import Folder, facts
from perturbxai.report.tables import as_results, tables


def report(anything: Any, folder: str | Path, *, config: Any = None) -> Path:
    """Write tables, figures and a manifest of results, all inside one folder.

    anything  a Comparison, an Attribution, or a mapping from name to Attribution
    folder    made if it is not there; files of the same names are replaced, others left alone
    config    kept in the manifest

    Writes attributions.csv, with a Comparison also scores, agreement, costs, fill_spread, curves and summary; PNG figures;
    and manifest.json last: where it stands, everything it lists is complete. Returns the folder.
    Raises TypeError for what holds no results, ValueError for a folder that is a file or leads elsewhere by a link.
    """
    results, compared = as_results(anything)
    target = Folder(folder)
    for name, frame in tables(results, compared).items():
        frame.to_csv(target.new(name, ".csv"), index=False)
    from perturbxai.report.figures import figures, save

    for name, figure in figures(results, compared):
        save(figure, target.new(name, ".png"))
    target.finish(facts(results, compared, config))
    return target.place
