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
    from perturbxai.command.table_parts import Target

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
INTO_FILES = """\
With --out rows are read, explained and written block by block: a line a row, method and output, with the row's own columns,
its values and their errors. --table may then be several files of one table, a folder or a pattern. The same command goes on
where it was stopped, by whatever; `perturbxai status DIR` tells how far it is. Nothing is compared and drawn, and rows come
in the order of the table. Columns that --drop and --label name are carried along as they are spelt."""
EPILOG = """\
examples, with mymodel.py in the current folder:
  perturbxai explain --table houses.csv --target price --model mymodel:train --inputs 0:20 --methods lime,kernel_shap
  perturbxai explain --table 'rows/*.parquet' --model mymodel:fitted --methods kernel_shap --out explained
  perturbxai explain --image cat.jpg dog.jpg --model mymodel:network --methods lime,kernel_shap,grad_cam --top 1

Lists are separated by commas; a name with a comma goes in double quotes inside the list: --drop '"a,b",c'.
`perturbxai list` tells the names of methods, baselines and metrics."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options. One of the inputs must be there; its options make a section of the configuration."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    inputs = parser.add_mutually_exclusive_group(required=True)
    data = options.DATA
    inputs.add_argument(data.flag, metavar=data.metavar, dest=data.key, help=data.help, nargs="+")
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
    files = parser.add_argument_group("a table of any size, into files", INTO_FILES)
    files.add_argument("--out", metavar="DIR", help="where to write the parts; all rows are explained, or those of --inputs")
    files.add_argument("--format", metavar="NAME", help="of the parts: parquet, or csv; default: parquet")
    files.add_argument("--part-rows", metavar="NUMBER", help="rows a part: what memory holds; default: 1000")
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
    files = _table_files(given)
    name = "table" if given.data is not None else "photo"
    other = "photo" if name == "table" else "table"
    section: dict[str, Any] = {key: getattr(given, key) for key in options.SWITCHES[name]}
    misplaced = [option.flag for option in options.ALONE[other] if getattr(given, option.key) is not None]
    misplaced += [f"--{key}" for key in options.SWITCHES[other] if getattr(given, key)]
    if misplaced:
        ours, theirs = (options.SECTIONS[one][0].flag for one in (name, other))
        raise ValueError(f"{misplaced[0]} goes with {theirs}, and not with {ours}; leave it out.")
    for option in options.SECTIONS[name]:
        text = files[0] if option is options.DATA and files else getattr(given, option.key)
        if text is not None:
            section[option.key] = [_read(option, one) for one in text] if option.several else _read(option, text)
    if name == "photo" and "methods" in section:
        section.setdefault("baselines", [])  # who names methods wants these
    data: dict[str, Any] = {"results": given.results or "results/explain", name: section}
    if given.seed is not None:
        data["seed"] = whole(given.seed)
    return parse_config(data, source="", naming=option_of)


def _table_files(given: argparse.Namespace) -> list[str]:
    """The files of the table. Raises ValueError for several, and for options that go with parts, where there are none."""
    files = list(given.data or ())
    if given.out is None:
        if len(files) > 1:
            raise ValueError(f"--table names {len(files)} files; several go with --out DIR, which explains them into files.")
        for flag, value in (("--format", given.format), ("--part-rows", given.part_rows)):
            if value is not None:
                raise ValueError(f"{flag} is about the files that --out DIR writes; give that too, or leave it out.")
        return files
    if not files:
        raise ValueError(
            "--out writes the rows of a --table; of pictures, leave it out: --results is where their report goes."
        )
    named = {"--results": given.results, "--baselines": given.baselines, "--metrics": given.metrics, "--exact": given.exact}
    if wrong := [flag for flag, value in named.items() if value]:
        raise ValueError(f"{wrong[0]} is about comparing and reporting, which --out does not do; leave it out.")
    return files


def target_of(given: argparse.Namespace) -> Target:
    """Where and how the parts are written. Raises ValueError."""
    written = given.format or "parquet"
    if written not in ("parquet", "csv"):
        raise ValueError(f"--format = {written!r} is not known; expected parquet, or csv.")
    part_rows = 1000 if given.part_rows is None else whole(given.part_rows)
    if not isinstance(part_rows, int) or part_rows < 1:
        raise ValueError(f"--part-rows = {given.part_rows!r}: expected a whole number of rows, 1 or more.")
    from perturbxai.command.table_parts import Target  # slow: a wrong option is told at once

    return Target(given.out, written, part_rows, tuple(given.data))


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
