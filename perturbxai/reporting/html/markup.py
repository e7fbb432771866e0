"""Markup that is escaped by construction: whatever is not an element that was made here becomes text."""

import html
import re
from collections.abc import Iterable

from perturbxai.core.wording import word

LONGEST = 200  # of a name
UNBROKEN = 18  # letters of a word from which on it may have to break
VOID = frozenset({"img", "input", "meta", "br", "image", "use", "path", "rect", "line", "circle", "col"})


class Html(str):
    """Text that is markup already, to this module and to jinja2."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


BREAK = Html("<wbr>")  # a place where a line may break


def element(tag: str, *children: object, **attributes: object) -> Html:
    """An element: children are escaped unless they are elements, and None is left out; so are attributes that are None.

    An attribute's name loses a trailing underscore, and others become dashes: class_, data_row. True is an attribute
    without a value, False none.

    >>> element("p", "a < b", class_="note", hidden=True)
    '<p class="note" hidden>a &lt; b</p>'
    """
    head = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None and value is not False)
    if tag in VOID and not children:
        return Html(f"<{tag}{head}/>" if tag not in ("img", "input", "meta", "br", "col") else f"<{tag}{head}>")
    return Html(f"<{tag}{head}>{join(children)}</{tag}>")


def join(parts: Iterable[object]) -> Html:
    """Elements and texts one behind the other."""
    return Html("".join(_escaped(part) for part in parts if part is not None))


def name(text: object, longest: int = LONGEST) -> Html:
    """Somebody's word of any origin: not endless, of its own direction of writing; a long one breaks behind _ and /."""
    told = words(text, longest)
    if max(map(len, told.split(" "))) <= UNBROKEN:
        return element("bdi", told)
    parts = re.split("(?<=[_/])(?=[^_/ ])", told)
    return element("bdi", *(part for n, one in enumerate(parts) for part in ([BREAK, one] if n else [one])))


def words(text: object, longest: int = LONGEST) -> str:
    """Words of any origin on one line: not endless, no control character, no half of a surrogate pair.

    >>> words("two \\n lines\\x00 of \\ud800 text")
    'two lines� of � text'
    """
    return word(text, longest)


def _attribute(key: str, value: object) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{html.escape(str(value), quote=True)}"'


def _escaped(part: object) -> str:
    return part if isinstance(part, Html) else html.escape(str(part), quote=False)
