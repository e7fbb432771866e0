"""The page of explained photos: their regions in words, maps over them, and methods beside each other."""

from collections.abc import Mapping
from typing import Any

from perturbxai.calls.comparison import Comparison
from perturbxai.core.types import Frame, Labels
from perturbxai.reporting.html.context_section import context_section
from perturbxai.reporting.html.ending import Told, ending, header, notes_of
from perturbxai.reporting.html.painted import Painted
from perturbxai.reporting.html.photos_section import photos_section
from perturbxai.reporting.html.sections import Page
from perturbxai.reporting.html.writing import written
from perturbxai.results.explanation import Attribution

READING = ("idea", "value", "interval", "photo")


def photo_page(results: Mapping[str, Attribution], compared: Comparison | None, frames: Mapping[str, Frame], told: Told,
               limit: int | None = None) -> str:  # fmt: skip
    """The page of explained photos. frames: the CSVs' tables;  limit: photos at most, None for what fits."""
    shown = Painted(results, limit)
    labels = regions_of(compared, len(shown.first))
    scores = None if compared is None else frames["scores"]
    sections = [photos_section(shown, labels, scores)]
    if told.context is not None:
        sections.append(context_section(told.context, told.drawn))
    sections += ending(results, compared, frames, told, READING, shown.numbering)
    title = "What the model sees in the photo" + "s" * (len(shown.first) > 1)
    about, notes = header(results, told, shown.titles, "photo", "region"), notes_of(results, len(shown.outputs))
    return written(Page(title, about, sections, shown.choices, [*told.notes, *notes]))


def regions_of(compared: Comparison | None, n_pictures: int) -> list[Labels | None]:
    """The regions (H, W) of each picture; None where no comparison holds them."""
    inputs: list[Any] = [None] * n_pictures if compared is None else list(compared.inputs)
    return [getattr(one, "labels", None) for one in inputs]
