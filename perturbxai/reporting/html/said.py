"""Sentences that results say of themselves, on the page: what was found, and below it in small what that is against."""

import re
from collections.abc import Sequence

from perturbxai.reporting.html.markup import Html, element, join
from perturbxai.results.describing import NOTES

# names that are written from right to left, with the spaces and digits between their words
LEFTWARDS = re.compile("([\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc](?:[\\s\\d]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc])*)")

NO_BREAK = "\N{NO-BREAK SPACE}"
UNITS = re.compile(r"(?<=\d) (?:%|± [\d.,]+(?: %)?)")


def some_of(n_rows: int, most: int, how: str) -> str:
    """Behind what a chart is: that it draws about so many rows of all, and which; nothing where it draws each."""
    return f" Drawn are about {most:,} of {n_rows:,} rows, {how}." if n_rows > most else ""


def bulleted(sentences: Sequence[str]) -> Html:
    """A list, and its notes behind it."""
    found, notes = _apart(sentences)
    listed = element("ul", *(element("li", *isolated(text)) for text in found), class_="found") if found else None
    return join([listed, *notes])


def paragraph(sentences: Sequence[str]) -> Html:
    """One paragraph, and its notes behind it."""
    found, notes = _apart(sentences)
    return join([element("p", *isolated(" ".join(found)), class_="said") if found else None, *notes])


def isolated(text: str) -> list[str | Html]:
    """The text in parts, of which those that are written from right to left turn nothing that stands beside them.

    A number stays on one line with its "%" and what is behind its "±".
    """
    whole = UNITS.sub(lambda found: found.group().replace(" ", NO_BREAK), text)
    return [element("bdi", part) if n % 2 else part for n, part in enumerate(LEFTWARDS.split(whole))]


def _apart(sentences: Sequence[str]) -> tuple[list[str], list[Html]]:
    found = [text for text in sentences if not text.startswith(NOTES)]
    notes = " ".join(text for text in sentences if text.startswith(NOTES))
    return found, [element("p", notes, class_="note")] if notes else []
