"""What the page is made of: its facts, what can be chosen, and its sections in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from perturbxai.reporting.html.choices import Choice
from perturbxai.reporting.html.markup import Html


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading. lead: what it is about, in a sentence or two;  anchor: what links lead to."""

    anchor: str
    title: str
    body: Html
    lead: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """The page. about: (what, in words) lines on top;  notes: what else has to be known before reading on."""

    title: str
    about: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    choices: Sequence[Choice] = ()
    notes: Sequence[str] = field(default_factory=tuple)
