"""Words and numbers in figures: they mean themselves, are not endless, stay distinct, and have a font that shows them."""

import contextlib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, SupportsFloat

LONGEST = 28
EM, LETTER = 20.0, 0.63  # points that letters are measured at; an n, of an em
NAMELESS = "(no name)"
OUR_FONT = "DejaVu Sans"
# fonts of signs for formulas, and of boxes for what no font has
NO_LETTERS = re.compile(r"^(cm[a-z]+\d+|STIX|Last ?Resort|DejaVu Math|.*Emoji Color)")
JOINERS = re.compile("[\u200d\ufe0e\ufe0f]")  # they say how what stands beside them looks in fonts that can
_fallbacks: list[str] = []  # families that a sign was found in, in the order they were needed
_ours: ContextVar[bool] = ContextVar("our fonts are set", default=False)


def text(words: object, longest: int = LONGEST) -> str:
    """Words that a figure shows as they are: no formulas, no line breaks, not endless, not hidden from a legend.

    What is too long loses its middle. Of several names that must not become one, see `texts`.
    """
    return _literal(_cut(_flat(words), longest))


def texts(names: Iterable[Any], longest: int = LONGEST) -> list[str]:
    """The same for names that stand beside each other: those that differ still do when they are cut."""
    return [_literal(words) for words in shortened(names, longest)]


def shortened(names: Iterable[Any], longest: int = LONGEST) -> list[str]:
    """Names that stand beside each other, cut so that those that differ still do; for `text`, among other words.

    Of names with equal heads and tails what differs between them is kept; where that is too long too, they are numbered.

    >>> shortened(["temperature of the reactor 17 at noon", "temperature of the reactor 18 at noon"])
    ['temperature …or 17 at noon', 'temperature …or 18 at noon']
    """
    keys = [(type(name).__name__, str(name)) for name in names]
    flat = {key: _flat(key[1]) for key in keys}
    short = {key: _cut(words, longest) for key, words in flat.items()}
    alike: dict[str, list[tuple[str, str]]] = {}
    for key, words in short.items():
        alike.setdefault(words, []).append(key)
    for group in alike.values():
        if len({flat[key] for key in group}) > 1:
            short |= zip(group, _apart([flat[key] for key in group], longest), strict=True)
    taken: set[str] = set()
    number: dict[str, int] = {}
    for key, words in short.items():
        own = words
        while own in taken:
            number[words] = number.get(words, 1) + 1
            mark = f" #{number[words]}"
            own = _cut(words, longest - width(mark)) + mark
        taken.add(own)
        short[key] = own
    return [short[key] for key in keys]


def number(value: SupportsFloat, digits: int = 4, sign: bool = False) -> str:
    """A number with so many digits that mean something, whatever its scale; the whole part is never rounded.

    >>> number(0.00001234567), number(12345.678), number(0), number(-0.5), number(123.456, 3, sign=True)
    ('1.235e−5', '12346', '0', '−0.5', '+123')
    """
    value = float(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else minus("∞" if value > 0 else "-∞")
    plus = "+" if sign else ""
    mantissa, _, exponent = f"{value:{plus}.{digits - 1}e}".partition("e")
    if value != 0.0 and not -4 <= int(exponent) < 7:
        return minus(f"{_short(mantissa)}e{int(exponent)}")
    decimals = max(digits - 1 - int(exponent), 0) if value else 0
    return minus(_short(f"{value:{plus}.{decimals}f}") if value else "0")


def _short(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def minus(words: str) -> str:
    """A true minus sign in place of the hyphen, as the axes have it."""
    return words.replace("-", "\N{MINUS SIGN}")


# ------------------------------------------------------------------------------------------------ cutting


def _flat(words: object) -> str:
    """On one line, in signs that a font has."""
    return _legible(" ".join(JOINERS.sub("", str(words)).split())) or NAMELESS


def plain(words: str) -> str:
    """What `text` and `texts` made for matplotlib, for who takes words as they are: the inverse of what they escape.

    >>> plain(text("$x$")), plain(text("_x"))
    ('$x$', '_x')
    """
    return (words[1:] if words.startswith(" _") else words).replace(r"\$", "$")


def _literal(words: str) -> str:
    """As matplotlib takes it: no formula, and not hidden from a legend by its first sign."""
    return (" " if words.startswith("_") else "") + words.replace("$", r"\$")


def width(words: str) -> float:
    """How wide words are in letters: an m counts more than one, signs of East Asia two, marks upon others none."""
    return sum(map(_advance, words))


@lru_cache(maxsize=4096)
def _advance(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    if unicodedata.east_asian_width(sign) in "WF" or ord(sign) not in _signs(_path(OUR_FONT)):
        return 2.0
    # in em; narrow letters count one, so that names do not become longer than is said
    return float(max(1.0, _our_font().load_char(ord(sign)).linearHoriAdvance / 65536.0 / EM / LETTER))


@lru_cache(maxsize=1)
def _our_font() -> Any:
    from matplotlib.ft2font import FT2Font

    font = FT2Font(_path(OUR_FONT))
    font.set_size(EM, 72)
    return font


def _cut(words: str, longest: float) -> str:
    if width(words) <= longest:
        return words
    room = max(longest - width("…"), 2.0)
    return f"{_head(words, 0.5 * room)}…{_head(words[::-1], 0.5 * room)[::-1]}"


def _head(words: str, room: float) -> str:
    """As much of the beginning as there is room for."""
    for end, sign in enumerate(words):
        room -= width(sign)
        if room < 0:
            return words[:end]
    return words


def _apart(names: Sequence[str], longest: float) -> list[str]:
    """Names that are equal once cut, around where they differ."""
    shortest = min(map(len, names))
    first = next((n for n in range(shortest) if len({name[n] for name in names}) > 1), shortest)
    left = shortest - first
    last = next((n for n in range(left) if len({name[len(name) - 1 - n] for name in names}) > 1), left)
    before, after = names[0][:first], names[0][len(names[0]) - last :] if last else ""
    own = [name[first : len(name) - last] for name in names]
    room = longest - max(map(width, own)) - 2.0 * width("…")
    if room < 2 or "" in own:  # one that only goes on where another ends looks like it
        return [_cut(name, longest) for name in names]
    tail = after if width(after) <= 0.5 * room else _head(after, 0.5 * room) + "…"
    head = _cut(before, max(room - width(tail.removesuffix("…")), 2.0))
    return [f"{head}{one}{tail}" for one in own]


# ------------------------------------------------------------------------------------------------ fonts


@contextlib.contextmanager
def our_fonts(settings: dict[str, Any]) -> Iterator[None]:
    """matplotlib's settings are ours, with every font that a sign was found in, and as they were afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        matplotlib.rcParams["font.family"] = our_family()
        token = _ours.set(True)
        try:
            yield
        finally:
            _ours.reset(token)


def our_family() -> list[str]:
    """Our font, and behind it those in which a sign was found that it does not have."""
    return [OUR_FONT, *_fallbacks]


def catch_up(made: object, known: list[str]) -> None:
    """Give the words of a figure the fonts of signs that were found after they were made, when `known` was all."""
    from matplotlib.artist import Artist
    from matplotlib.text import Text

    for words in made.findobj(Text) if isinstance(made, Artist) and our_family() != known else ():
        if words.get_fontfamily() == known:
            words.set_fontfamily(our_family())


def _legible(words: str) -> str:
    """Signs that no installed font has as their numbers, "\\u732b"; the others have their font from now on."""
    if words.isascii() and words.isprintable():
        return words
    return "".join(sign if sign.isprintable() and _family(sign) else _escaped(sign) for sign in words)


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _family(sign: str) -> str | None:
    """The family that has a sign, which figures use from now on; None where none has."""
    code = ord(sign)
    if code in _signs(_path(OUR_FONT)):
        return OUR_FONT
    family = next((one for one in _fallbacks if _shows(_path(one), code)), None) or _installed(code)
    if family is not None and family not in _fallbacks:
        _fallbacks.append(family)
        if _ours.get():
            import matplotlib

            matplotlib.rcParams["font.family"] = our_family()
    return family


def _installed(code: int) -> str | None:
    """The first installed family with a sign, in upright regular letters; those that are made for all scripts come first."""
    from matplotlib.font_manager import fontManager

    plain = [f for f in fontManager.ttflist if f.style == "normal" and f.weight in (400, "normal", "regular", "book")]
    known = {f.name: f.fname for f in plain if not NO_LETTERS.match(f.name)}
    ordered = sorted(known, key=lambda name: (not name.startswith("Noto Sans"), "Mono" in name or "Serif" in name, name))
    return next((name for name in ordered if _shows(known[name], code)), None)


def _path(family: str) -> str:
    from matplotlib.font_manager import findfont

    return str(findfont(family))


@lru_cache(maxsize=1024)
def _signs(path: str) -> frozenset[int]:
    """The codes that a font has."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@lru_cache(maxsize=4096)
def _shows(path: str, code: int) -> bool:
    """Whether a font has a sign and can draw it: those of coloured bitmaps cannot be scaled."""
    from matplotlib.ft2font import FT2Font

    if code not in _signs(path):
        return False
    try:
        font = FT2Font(path)
        font.set_size(9.0, 150)
        font.load_char(code)
    except (OSError, RuntimeError, ValueError):
        return False
    return True
