"""`perturbxai explain`: options of a command as the configuration that `perturbxai run` reads from a file."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perturbxai.command import options
from perturbxai.command.options import Option, whole

if TYPE_CHECKING:
    from perturbxai.command.config import Config

ABOUT = "explain rows of your own table, or your own pictures, and your own model by several methods, compare and report"
DESCRIPTION = """\
Explain rows of a table, or pictures, by several methods, compare them on untouched coalitions, and report: CSV tables,
figures, and a manifest written last, as `perturbxai run` does from a config. --model package.module:factory runs that code.

The model is NAME in MODULE, which may lie in the current folder:
  a function or class is called, and returns the model. For a table it is called with X (the columns, a DataFrame) and y (the
  target), with as many of these as it has parameters without a default (or named X and y): a function of both trains a
  model, one of none returns a model that is fitted, from a file perhaps. For pictures it is called with nothing.
  Anything else is the model itself.
A model for a table is a scikit-learn estimator, a torch.nn.Module, or a function from rows to numbers. It gets rows with
the table's columns, without those of --target, --label and --drop, with the dtypes that pandas reads, or that --category
and --text ask for.
A model for pictures is a torch.nn.Module that takes (n, C, H, W) float32, or a function of (n, H, W, C), in the units of the
file: 0 to 255. What it needs besides is returned with it: (model, transform), where the transform makes of arrays
(n, H, W, C), or of tensors if the network is on a GPU, what the model takes; or (model, transform, class names), with None
for what there is not; or a px.Predictor with any of its options. Pictures are turned as the camera says, laid on white
where they are transparent, cropped and scaled."""
EPILOG = """\
examples, with mymodel.py in the current folder:
  perturbxai explain --table houses.csv --target price --model mymodel:train --inputs 0:20 --methods lime,kernel_shap
  perturbxai explain --image cat.jpg dog.jpg --model mymodel:network --methods lime,kernel_shap,grad_cam --top 1

Lists are separated by commas; a name with a comma goes in double quotes inside the list: --drop '"a,b",c'.
`perturbxai list` tells the names of methods, baselines and metrics."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options. One of the inputs must be there; its options make a section of the configuration."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    inputs = parser.add_mutually_exclusive_group(required=True)
    _add(inputs, options.DATA)
    _add(inputs, options.IMAGE)
    _add(parser, options.MODEL, required=True)
    titles = {"table": "columns and rows of a table", "photo": "pictures"}
    questions = _group(parser, "questions", options.SHARED)
    of_section = {section: _group(parser, title, options.ALONE[section]) for section, title in titles.items()}
    run = _group(parser, "the run", options.RUN)
    questions.add_argument("--seed", metavar="NUMBER", help="the same seed asks the same questions; default: 0")
    for section, group in of_section.items():
        for name, told in options.SWITCHES[section].items():
            group.add_argument(f"--{name}", action="store_true", help=told)
    run.add_argument("--results", metavar="DIR", help="where to write; default: results/explain")
    run.add_argument("--quiet", action="store_true", help="no progress bar, no table: only errors are told")


def _group(parser: argparse.ArgumentParser, title: str, members: Sequence[Option]) -> argparse._ArgumentGroup:
    group = parser.add_argument_group(title)
    for option in members:
        _add(group, option)
    return group


def _add(to: argparse._ActionsContainer, option: Option, required: bool = False) -> None:
    more: dict[str, Any] = {"required": True} if required else {}
    more |= {"nargs": "+", "action": "extend"} if option.several else {}
    to.add_argument(option.flag, metavar=option.metavar, dest=option.key, help=option.help.replace("%", "%%"), **more)
    if option.old:
        to.add_argument(option.old, dest=option.old, help=argparse.SUPPRESS)


def config_of(given: argparse.Namespace) -> Config:
    """The configuration that the options ask for. Raises ValueError that names the option, and the way out."""
    from perturbxai.command.config import parse_config

    _take_old_flags(given)
    name = "table" if given.data is not None else "photo"
    other = "photo" if name == "table" else "table"
    section: dict[str, Any] = {key: getattr(given, key) for key in options.SWITCHES[name]}
    misplaced = [option.flag for option in options.ALONE[other] if getattr(given, option.key) is not None]
    misplaced += [f"--{key}" for key in options.SWITCHES[other] if getattr(given, key)]
    if misplaced:
        ours, theirs = (options.SECTIONS[one][0].flag for one in (name, other))
        raise ValueError(f"{misplaced[0]} goes with {theirs}, and not with {ours}; leave it out.")
    for option in options.SECTIONS[name]:
        text = getattr(given, option.key)
        if text is not None:
            section[option.key] = [_read(option, one) for one in text] if option.several else _read(option, text)
    if name == "photo" and "methods" in section:
        section.setdefault("baselines", [])  # who names methods wants these
    data: dict[str, Any] = {"results": given.results or "results/explain", name: section}
    if given.seed is not None:
        data["seed"] = whole(given.seed)
    return parse_config(data, source="", naming=option_of)


def _take_old_flags(given: argparse.Namespace) -> None:
    """Hands the values of flags that have a new name on to that, and says so. Raises ValueError for both names."""
    for option in (*options.TABLE, *options.PHOTO):
        value = getattr(given, option.old) if option.old else None
        if value is None:
            continue
        if getattr(given, option.key) is not None:
            raise ValueError(f"{option.flag} and {option.old}, its old name, are both given; give {option.flag} alone.")
        print(f"perturbxai: {option.old} is now called {option.flag}; the old name will go.", file=sys.stderr)
        setattr(given, option.key, value)
        setattr(given, option.old, None)


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
