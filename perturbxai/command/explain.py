"""`perturbxai explain`: options of a command as the configuration that `perturbxai run` reads from a file."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from perturbxai.command import options
from perturbxai.command.arguments import add, add_run, group, option_of, section_of, whole_config
from perturbxai.command.options import whole

if TYPE_CHECKING:
    from perturbxai.command.config import Config
    from perturbxai.command.table_parts import Target

PLACE = "results/explain"
ABOUT = "explain rows of your own table, or your own pictures, and your own model by several methods, compare and report"
DESCRIPTION = """\
Explain rows of a table, or pictures, by several methods, compare them on untouched coalitions, and report: CSV tables,
figures, and a manifest written last, as `perturbxai run` does from a config. --model package.module:factory runs that code.

Without --model trees are trained on the --target of a table: on words, dates and missing values as they are; how well they
predict rows that they were not trained on is told. A model's file is loaded, with --trust also one that runs code.
A model MODULE:NAME is NAME in MODULE, which may lie in the current folder:
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
examples, the others with mymodel.py in the current folder:
  perturbxai explain --table houses.csv --target price --open
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
    add(inputs, options.IMAGE)
    add(parser, options.MODEL)
    titles = {"table": "columns and rows of a table", "photo": "pictures"}
    group(parser, "questions", options.SHARED)
    of_section = {section: group(parser, title, options.ALONE[section]) for section, title in titles.items()}
    add_run(parser, PLACE)
    for section, own in of_section.items():
        for name, told in options.SWITCHES[section].items():
            own.add_argument(f"--{name}", action="store_true", help=told)
    files = parser.add_argument_group("a table of any size, into files", INTO_FILES)
    files.add_argument("--out", metavar="DIR", help="where to write the parts; all rows are explained, or those of --inputs")
    files.add_argument("--format", metavar="NAME", help="of the parts: parquet, or csv; default: parquet")
    files.add_argument("--part-rows", metavar="NUMBER", help="rows a part: what memory holds; default: 1000")


def config_of(given: argparse.Namespace) -> Config:
    """The configuration that the options ask for. Raises ValueError that names the option, and the way out."""
    from perturbxai.command.config import parse_config

    _take_old_flags(given)
    _check_files(given)
    name = "table" if given.data is not None else "photo"
    other = "photo" if name == "table" else "table"
    section: dict[str, Any] = {key: getattr(given, key) for key in options.SWITCHES[name]}
    misplaced = [option.flag for option in options.ALONE[other] if getattr(given, option.key) is not None]
    misplaced += [f"--{key}" for key in options.SWITCHES[other] if getattr(given, key)]
    if misplaced:
        ours, theirs = (options.SECTIONS[one][0].flag for one in (name, other))
        raise ValueError(f"{misplaced[0]} goes with {theirs}, and not with {ours}; leave it out.")
    given.files, given.data = given.data or [], given.data and given.data[0]  # one file, but for parts
    section |= section_of(given, options.SECTIONS[name])
    if name == "photo" and "methods" in section:
        section.setdefault("baselines", [])  # who names methods wants these
    return parse_config(whole_config(given, name, section, PLACE), source="", naming=option_of)


def _check_files(given: argparse.Namespace) -> None:
    """Refuse several files, and options that go with parts, where there are no parts; and those that do not go with them."""
    files = given.data or ()
    if given.out is None:
        if len(files) > 1:
            raise ValueError(f"--table names {len(files)} files; several go with --out DIR, which explains them into files.")
        for flag, value in (("--format", given.format), ("--part-rows", given.part_rows)):
            if value is not None:
                raise ValueError(f"{flag} is about the files that --out DIR writes; give that too, or leave it out.")
        return
    if not files:
        raise ValueError(
            "--out writes the rows of a --table; of pictures, leave it out: --results is where their report goes."
        )
    named = {
        "--results": given.results, "--baselines": given.baselines, "--metrics": given.metrics, "--exact": given.exact,
        "--context": given.context, "--open": given.open, "--write-config": given.write_config,
    }  # fmt: skip
    if wrong := [flag for flag, value in named.items() if value]:
        raise ValueError(f"{wrong[0]} is about comparing and reporting, which --out does not do; leave it out.")


def target_of(given: argparse.Namespace) -> Target:
    """Where and how the parts are written. Raises ValueError."""
    written = given.format or "parquet"
    if written not in ("parquet", "csv"):
        raise ValueError(f"--format = {written!r} is not known; expected parquet, or csv.")
    part_rows = 1000 if given.part_rows is None else whole(given.part_rows)
    if not isinstance(part_rows, int) or part_rows < 1:
        raise ValueError(f"--part-rows = {given.part_rows!r}: expected a whole number of rows, 1 or more.")
    from perturbxai.command.table_parts import Target  # slow: a wrong option is told at once

    return Target(given.out, written, part_rows, tuple(given.files))


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
