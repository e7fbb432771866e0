"""`perturbxai explain`: options of a command as the configuration that `perturbxai run` reads from a file."""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perturbxai.config import Config

ABOUT = "explain rows of your own table and model by several methods, compare and report them"
DESCRIPTION = """\
Explain rows of a table by several methods, compare them on held-out coalitions, and report: CSV tables, figures, and a
manifest written last, as `perturbxai run` does from a config. --model package.module:factory runs that code.

The model is what NAME stands for in MODULE, which may lie in the current folder:
  a function or class makes it. It gets as many of X (the columns, a DataFrame) and y (the target) as it has parameters
  without a default (or named X and y): both to train a model, none to return one that is fitted, from a file perhaps;
  anything else is the model itself.
A model is a scikit-learn estimator, a torch.nn.Module, or a function from rows to numbers. It is asked for rows that have
the table's columns without those of --target, --label and --drop, with the dtypes that pandas reads, or --category and
--text say."""
EPILOG = """\
example, with mymodel.py beside the table:
  perturbxai explain --table houses.csv --target price --model mymodel:train --rows 0:20 --methods lime,kernel_shap

Lists are separated by commas; a name with a comma goes in double quotes inside the list: --drop '"a,b",c'.
`perturbxai list` tells the names of methods, baselines and metrics."""


@dataclass(frozen=True)
class Option:
    """An option of the command that is a key of the configuration. read: from its text to the key's value."""

    flag: str
    metavar: str
    key: str
    read: Callable[[str], Any]
    help: str


def whole(text: str) -> Any:
    """A whole number where the text is one; else the text, which the configuration refuses in its own words."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else text


def listed(text: str) -> list[str]:
    """Names between commas, quoted as in a CSV file where they hold one.

    >>> listed('"a,b", c')
    ['a,b', 'c']
    """
    found = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    return [name for name in found if name]


def separator(text: str) -> str:
    """A character; a tab, which is hard to type, has names."""
    return "\t" if text in ("tab", "\\t") else text


COLUMNS = (
    Option(
        "--target", "COLUMN", "target", str, "the column that is predicted: left out, and given to a factory that takes y"
    ),
    Option("--label", "COLUMN", "label", str, "a column that names the rows in the report, left out of the model's columns"),
    Option("--drop", "COLUMNS", "drop", listed, "columns to leave out, such as ids"),
    Option("--category", "COLUMNS", "category", listed, "columns to read as pandas categories"),
    Option("--text", "COLUMNS", "text", listed, 'columns to read as text: "007" stays "007"'),
    Option("--separator", "CHARACTER", "separator", separator, "between values, if not a comma (a tab in .tsv): ';', tab"),
)
QUESTIONS = (
    Option("--rows", "ROWS", "rows", str, "which rows, numbered from 0: 0:20 (the default), 0:100:10, -5:, 7, or 3,7,9"),
    Option(
        "--methods",
        "NAMES",
        "methods",
        listed,
        "explainers, such as lime,kernel_shap; default: lime, kernel_shap, pdp, ice, ale",
    ),
    Option(
        "--baselines",
        "NAMES",
        "baselines",
        listed,
        "what tells from inside the model, and controls: glass_box,gradient,random",
    ),
    Option("--outputs", "NAMES", "outputs", listed, "which outputs, such as a classifier's classes; default: all up to 20"),
    Option(
        "--output",
        "SCALE",
        "output",
        str,
        "probability, logit or raw; default: probability where the model has one, else raw",
    ),
    Option("--budget", "NUMBER", "budget", whole, "coalitions a row; default: all 2^P up to 10 columns, else 40 P + 2"),
    Option("--background", "NUMBER", "background", whole, "rows that stand for absence, or all; default: 100"),
    Option("--metrics", "NAMES", "metrics", listed, "what the methods are compared by; default: all"),
)
RUN = (Option("--batch-size", "NUMBER", "batch_size", whole, "rows a call of the model; default: 16384"),)
TABLE = (
    Option("--table", "FILE", "data", str, "comma-separated values below a line of column names; .gz and the like too"),
    Option(
        "--model",
        "MODULE:NAME",
        "model",
        str,
        "the model, or what makes it; 'boosted': trees fitted to a --target of numbers",
    ),
    *COLUMNS,
    *QUESTIONS,
    *RUN,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options. One of the inputs must be there; its options make a section of the configuration."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    inputs = parser.add_mutually_exclusive_group(required=True)
    _add(inputs, TABLE[0])
    _add(parser, TABLE[1], required=True)
    columns, questions, run = (parser.add_argument_group(title) for title in ("columns", "questions", "the run"))
    for group, options in ((columns, COLUMNS), (questions, QUESTIONS), (run, RUN)):
        for option in options:
            _add(group, option)
    questions.add_argument("--exact", action="store_true", help="list all 2^P coalitions too (P up to 16): exact values")
    questions.add_argument("--seed", metavar="NUMBER", help="the same seed asks the same questions; default: 0")
    run.add_argument("--results", metavar="DIR", help="where to write; default: results/explain")
    run.add_argument("--quiet", action="store_true", help="no progress bar, no table: only errors are told")


def _add(to: Any, option: Option, required: bool = False) -> None:
    more = {"required": True} if required else {}
    to.add_argument(option.flag, metavar=option.metavar, dest=option.key, help=option.help.replace("%", "%%"), **more)


def config_of(given: argparse.Namespace) -> Config:
    """The configuration that the options ask for. Raises ValueError that names the option, and the way out."""
    from perturbxai.config import parse_config

    section: dict[str, Any] = {"exact": given.exact}
    for option in TABLE:
        text = getattr(given, option.key)
        if text is None:
            continue
        try:
            section[option.key] = option.read(text)
        except csv.Error as error:
            raise ValueError(
                f"{option.flag} = {text!r} is no list: {error}. Separate names by commas; one that has a comma goes in "
                "double quotes."
            ) from error
    data: dict[str, Any] = {"results": given.results or "results/explain", "table": section}
    if given.seed is not None:
        data["seed"] = whole(given.seed)
    return parse_config(data, source="", naming=option_of)


def option_of(key: str) -> str:
    """The option that a dotted key of the configuration was given by.

    >>> option_of("table.data"), option_of("table.methods.0"), option_of("seed")
    ('--table', '--methods', '--seed')
    """
    section, _, name = key.partition(".")
    name = name.partition(".")[0] or section
    return {option.key: option.flag for option in TABLE}.get(name, f"--{name}")
