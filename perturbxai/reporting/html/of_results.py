"""The page of explained rows: what was found, first in words, then column by column and row by row."""

from collections.abc import Mapping

from perturbxai.calls.comparison import Comparison
from perturbxai.core.types import Frame
from perturbxai.reporting.html.buttons import buttons
from perturbxai.reporting.html.choices import Choice, part_of
from perturbxai.reporting.html.dependence_section import FEWEST, dependence_choice, dependence_section
from perturbxai.reporting.html.ending import Told, ending, header, notes_of
from perturbxai.reporting.html.explained import Explained
from perturbxai.reporting.html.importance_section import importance_section, swarm_section
from perturbxai.reporting.html.interactions_section import interactions_section, with_interactions
from perturbxai.reporting.html.markup import element, join
from perturbxai.reporting.html.rows_section import rows_section
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import written
from perturbxai.reporting.style import titles
from perturbxai.results.describing import of_rows
from perturbxai.results.explanation import Attribution

READING = ("idea", "value", "interval", "importance", "swarm", "scatter", "waterfall")


def table_page(results: Mapping[str, Attribution], compared: Comparison | None, frames: Mapping[str, Frame], told: Told,
               limit: int | None = None) -> str:  # fmt: skip
    """The page of explained rows. frames: the CSVs' tables;  limit: rows with a panel at most, None for what fits."""
    shown, inner = Explained.of(results, limit), list[Choice]()
    sections = [found_section(shown), importance_section(shown)]
    if len(shown.first) > 1:
        sections.append(swarm_section(shown))
    if shown.has is not None and len(shown.first) >= FEWEST:
        inner.append(dependence_choice(shown))
        sections.append(dependence_section(shown, buttons(inner[0])))
    if with_interactions(shown):
        sections.append(interactions_section(shown))
    sections.append(rows_section(shown, told.targets, told.context))
    sections += ending(results, compared, frames, told, READING, shown.numbering)
    notes = [*told.notes, *notes_of(results, len(shown.outputs))]
    if shown.n_left_out:
        notes.append(f"{shown.n_left_out} further methods are in attributions.csv.")
    about = header(results, told, list(titles(shown.results).values()), "row", "column")
    return written(Page("What the model's predictions are made of", about, sections, shown.choices, notes), inner)


def found_section(shown: Explained) -> Section:
    """The findings in words, by method and output."""
    panes = []
    for m, result in enumerate(shown.results.values()):
        for o, k in enumerate(shown.outputs):
            panes.append(element("div", bulleted(of_rows(result, k)), class_=part_of(m=m, o=o)))
    return Section("found", "What was found", join(panes))
