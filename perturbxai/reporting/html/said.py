"""Sentences that results say of themselves, on the page: what was found, and below it in small what that is against."""

from collections.abc import Sequence

from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.results.describing import NOTES


def bulleted(sentences: Sequence[str]) -> Html:
    """A list, and its notes behind it."""
    found, notes = _apart(sentences)
    listed = element("ul", *(element("li", text) for text in found), class_="found") if found else None
    return join([listed, *notes])


def paragraph(sentences: Sequence[str]) -> Html:
    """One paragraph, and its notes behind it."""
    found, notes = _apart(sentences)
    return join([element("p", " ".join(found), class_="said") if found else None, *notes])


def _apart(sentences: Sequence[str]) -> tuple[list[str], list[Html]]:
    found = [text for text in sentences if not text.startswith(NOTES)]
    notes = " ".join(text for text in sentences if text.startswith(NOTES))
    return found, [element("p", notes, class_="note")] if notes else []
