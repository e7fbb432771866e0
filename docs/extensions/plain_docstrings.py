"""Docstrings of plain text as pages: blocks of `name   what it is` become definition lists, all else is taken as it stands.

The package's docstrings are written to be read in a terminal. A line "name   what it is", with two or more blanks after the
name, begins an item, lines that are indented carry it on, and any other line ends the list. Signs that mean something to
reStructuredText (|S|, P*, coef_) mean themselves, `name` is code, and lines that begin with >>> are an example.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ITEM = re.compile(r"(?P<name>\S(?:.{0,58}?\S)?) {2,}(?P<text>\S.*)")
SECOND = re.compile(r";  (?=\w+ \(|\w+  )")  # a second item on the line of the first
HEADED = re.compile(r"(?P<name>\w+ \([^)]*\)|\w+) +(?P<text>\S.*)")
RUN_IN = re.compile(r"(?P<head>(?:What|When|How|Cost)\b[^.:`]{0,24}[.:])(?= )")
OPENS = ("Raises ", "Returns ")  # words that open a paragraph, wherever a line begins with them


class Part(NamedTuple):
    """A paragraph, an item of a list, or an example; `name` is the item's, `lines` are the example's."""

    kind: str
    text: str = ""
    name: str = ""
    lines: tuple[str, ...] = ()


def parts(lines: list[str]) -> Iterator[Part]:
    """What a docstring consists of, from the top."""
    left = list(lines)
    while left:
        line = left.pop(0)
        if not line.strip():
            continue
        if line.lstrip().startswith(">>>"):
            yield Part("example", lines=(line, *_until(left, lambda line: not line.strip())))
        elif line.startswith(" "):
            yield Part("shown", lines=(line, *_until(left, lambda line: bool(line.strip()) and not line.startswith(" "))))
        elif found := ITEM.fullmatch(line):
            yield from _items(found, _until(left, lambda line: not line.startswith(" ")))
        else:
            yield Part("prose", " ".join(one.strip() for one in (line, *_until(left, _ends_prose))))


def as_rst(lines: list[str]) -> list[str]:
    """The lines of a plain docstring in reStructuredText."""
    made: list[str] = []
    before = ""
    for part in parts(lines):
        if not (part.kind == before == "item"):
            made.append("")
        if part.kind == "prose":
            made.append(_prose(part.text))
        elif part.kind == "item":
            made += [code(part.name), f"    {escaped(part.text)}"]
        elif part.kind == "example":
            made += list(part.lines)
        else:
            made += ["::", "", *(f"    {line}" for line in part.lines)]
        before = part.kind
    return [*made, ""]


def escaped(text: str) -> str:
    """Prose whose signs mean themselves; what stands between backticks, and between pairs of stars, keeps its meaning."""
    pieces = re.split(r"(``[^`]+``|`[^`]+`|\*\*[^*]+\*\*)", text)
    made = ""
    for number, piece in enumerate(pieces):
        if number % 2:
            marked = piece if piece.startswith("**") else code(piece.strip("`"))
            after = pieces[number + 1][:1]
            made += ("\\ " if made[-1:].strip() and made[-1:] not in "([{\"'" else "") + marked
            made += "\\ " if after.strip() and after not in ".,;:!?)]}\"'" else ""
        else:
            made += re.sub(r"([\\*|`_])", r"\\\1", piece)
    return re.sub(r"^([-+•#]|\w{1,4}[.)]|\(\w{1,4}\))(?= )", r"\\\1", made)


def code(text: str) -> str:
    """Text as code in a line."""
    return f"``{text.strip()}``"


def _prose(text: str) -> str:
    head = RUN_IN.match(text)
    return f"**{head['head']}**{escaped(text[head.end() :])}" if head else escaped(text)


def _items(found: re.Match[str], more: list[str]) -> Iterator[Part]:
    text = " ".join([found["text"], *(line.strip() for line in more)])
    first, *others = SECOND.split(text)
    yield Part("item", first, found["name"].rstrip(";"))
    for other in others:
        second = HEADED.fullmatch(other)
        assert second, other
        yield Part("item", second["text"], second["name"])


def _ends_prose(line: str) -> bool:
    return not line.strip() or line.startswith((">>>", *OPENS)) or bool(ITEM.fullmatch(line))


def _until(left: list[str], ends: Callable[[str], bool]) -> list[str]:
    """Take lines off the top up to the first that ends them."""
    taken = []
    while left and not ends(left[0]):
        taken.append(left.pop(0))
    return taken


class Options(SphinxDirective):
    """The items of the docstrings of public classes: `options` in a page, and names of px in its body."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        import perturbxai as px

        made: list[nodes.Node] = []
        for name in (line.strip() for line in self.content):
            docstring = inspect.getdoc(getattr(px, name)) or ""
            items = [part for part in parts(docstring.splitlines()) if part.kind == "item"]
            link = nodes.paragraph("", "", nodes.literal("", f"px.{name}"), nodes.Text(": "))
            link += self.parse_inline(f"[all that it says of itself](/api/generated/perturbxai.{name}.rst)")[0]
            made += [link, nodes.definition_list("", *map(_definition, items))]
        return made


def _definition(item: Part) -> nodes.definition_list_item:
    words = [
        nodes.literal("", piece) if number % 2 else nodes.Text(piece) for number, piece in enumerate(item.text.split("`"))
    ]
    term = nodes.term("", "", nodes.literal("", item.name))
    return nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", "", *words)))


def _docstring(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    lines[:] = as_rst(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _docstring)
    app.add_directive("options", Options)
    return {"parallel_read_safe": True}
