"""What the commands that ask a model have in common: options as keys of a configuration's section."""

import argparse
import csv
from collections.abc import Sequence
from typing import Any

from perturbxai.command import options
from perturbxai.command.options import Option, whole


def group(parser: argparse.ArgumentParser, title: str, members: Sequence[Option]) -> argparse._ArgumentGroup:
    """A group of options under a title of the help."""
    found = parser.add_argument_group(title)
    for option in members:
        add(found, option)
    return found


def add(to: argparse._ActionsContainer, option: Option) -> None:
    more: dict[str, Any] = {"nargs": "+", "action": "extend"} if option.several else {}
    to.add_argument(option.flag, metavar=option.metavar, dest=option.key, help=option.help.replace("%", "%%"), **more)
    if option.old:
        to.add_argument(option.old, dest=option.old, help=argparse.SUPPRESS)


def add_run(parser: argparse.ArgumentParser, place: str) -> argparse._ArgumentGroup:
    """The options on how it runs and what it leaves. place: where results go that are not told where."""
    run = group(parser, "the run", options.RUN)
    run.add_argument("--seed", metavar="NUMBER", help="the same seed asks the same questions; default: 0")
    run.add_argument("--trust", action="store_true", help=options.TRUST)
    run.add_argument("--results", metavar="DIR", help=f"where to write; default: {place}")
    run.add_argument("--open", action="store_true", help="open the report in a browser at the end")
    run.add_argument("--write-config", metavar="FILE", help="write these options as a config, which `perturbxai run` does, "
        "and do nothing else")  # fmt: skip
    run.add_argument("--quiet", action="store_true", help="no progress, no table: only errors are told")
    return run


def section_of(given: argparse.Namespace, members: Sequence[Option]) -> dict[str, Any]:
    """The keys of a section that options give. Raises ValueError for a list that cannot be read."""
    found: dict[str, Any] = {"trust": True} if getattr(given, "trust", False) else {}
    for option in members:
        text = getattr(given, option.key)
        if text is not None:
            found[option.key] = [_read(option, one) for one in text] if option.several else _read(option, text)
    return found


def whole_config(given: argparse.Namespace, name: str, section: dict[str, Any], place: str) -> dict[str, Any]:
    """A configuration of one section, and of what is said of the run."""
    data: dict[str, Any] = {"results": given.results or place, name: section}
    return data if given.seed is None else data | {"seed": whole(given.seed)}


def _read(option: Option, text: str) -> Any:
    try:
        return option.read(text)
    except csv.Error as error:
        raise ValueError(
            f"{option.flag} = {text!r} is no list: {error}. Separate names by commas; one that has a comma goes in "
            "double quotes."
        ) from error


def option_of(key: str) -> str:
    """The option that a dotted key of the configuration was given by.

    >>> option_of("table.data"), option_of("photo.image.0"), option_of("seed")
    ('--table', '--image', '--seed')
    """
    section, _, name = key.partition(".")
    name = name.partition(".")[0] or section
    return {option.key: option.flag for option in options.SECTIONS.get(section, ())}.get(name, f"--{name}")
