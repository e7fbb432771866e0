"""The page over a run of several sections: what each found, in words, and the way to its own page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perturbxai.reporting.html.markup import element, join, name
from perturbxai.reporting.html.said import bulleted
from perturbxai.reporting.html.sections import Page, Section
from perturbxai.reporting.html.writing import FACT, written


@dataclass(frozen=True)
class Part:
    """A section of a run.

    key    its name and that of its folder, which holds its index.html;  title: what it is about
    about  lines on its making;  said: sentences of what was found
    """

    key: str
    title: str
    about: Mapping[str, str]
    said: Sequence[str]


def overview_page(parts: Sequence[Part]) -> str:
    """A section each; lines that all have in common stand on top."""
    common = {key: value for key, value in parts[0].about.items() if all(one.about.get(key) == value for one in parts)}
    sections = []
    for part in parts:
        own = [(key, value) for key, value in part.about.items() if key not in common]
        lines = [element("div", element("dt", key), element("dd", name(value, FACT))) for key, value in own]
        link = element("a", "Open its page: pictures, every input, and how it was made", href=f"{part.key}/index.html")
        body = join([element("dl", *lines, class_="about"), bulleted(part.said), element("p", link)])
        sections.append(Section(part.key, part.title, body))
    return written(Page("What this run found", list(common.items()), sections))
