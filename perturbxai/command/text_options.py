"""How a text file of values is written: what may be a separator, a decimal mark and an encoding. Errors are ValueErrors."""

import codecs


def separator(value: object) -> str:
    """The one character between values.

    >>> separator(";")
    ';'
    """
    if isinstance(value, str) and len(value) == 1 and value not in '\n\r"':
        return value
    raise ValueError(f'{value!r} is no separator; expected the one character between values, such as ";"')


def decimal(value: object) -> str:
    """The one character before the fraction of a number."""
    if isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in '\n\r"+- ':
        return value
    raise ValueError(f'{value!r} is no decimal mark; expected the one character before the fraction, such as ","')


def encoding(value: object) -> str:
    """The name of an encoding of text, as Python has it."""
    try:
        if isinstance(value, str) and codecs.lookup(value)._is_text_encoding:
            return value
    except (LookupError, ValueError):
        pass
    raise ValueError(f'{value!r} is no encoding that Python knows; expected a name such as "latin-1", "cp1252" or "utf-16"')
