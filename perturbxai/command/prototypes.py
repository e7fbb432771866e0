"""`perturbxai prototypes`: which rows of a table stand for it, without any model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from perturbxai.command import options
from perturbxai.command.arguments import group, section_of
from perturbxai.command.options import whole

if TYPE_CHECKING:
    from pathlib import Path

    from perturbxai.command.prototypes_config import PrototypesConfig

PLACE = "results/prototypes"
ABOUT = "find a few rows that stand for your table, and those that they do not stand for; no model is asked"
DESCRIPTION = """\
Find a few rows that together stand for all rows of a table, and criticisms: rows that they do not stand for. No model is
asked. Reported are a CSV table, figures and a page. Columns that say which row it is, as ids do, are left out, and told."""
EPILOG = """\
examples:
  perturbxai prototypes --table houses.csv --open
  perturbxai prototypes --table houses.csv --drop price --n 8 --method kmedoids

Lists are separated by commas; a name with a comma goes in double quotes inside the list."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, which make a section of the configuration."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        options.DATA.flag, metavar=options.DATA.metavar, dest=options.DATA.key, help=options.DATA.help, required=True
    )
    group(parser, "examples", options.OF_PROTOTYPES)
    group(parser, "columns of the table", [one for one in options.COLUMNS if one.key != "task"])
    run = parser.add_argument_group("the run")
    run.add_argument("--seed", metavar="NUMBER", help="of the rows that are drawn from a large table; default: 0")
    run.add_argument("--results", metavar="DIR", help=f"where to write; default: {PLACE}")
    run.add_argument("--open", action="store_true", help="open the report in a browser at the end")
    run.add_argument("--quiet", action="store_true", help="print nothing: only errors are told")


def naming(key: str) -> str:
    """The option that a key of the section was given by."""
    name = key.rpartition(".")[2]
    known = {option.key: option.flag for option in options.PROTOTYPES}
    return known.get(name, f"--{name.replace('_', '-')}")


def config_of(given: argparse.Namespace) -> PrototypesConfig:
    """The section that the options ask for. Raises ValueError that names the option, and the way out."""
    from perturbxai.command.config import parsed
    from perturbxai.command.prototypes_config import PrototypesConfig

    members = [one for one in options.PROTOTYPES if one.key != "task"]
    seed = {} if given.seed is None else {"seed": whole(given.seed)}
    return parsed(PrototypesConfig, section_of(given, members) | seed, naming=naming)


def run(given: argparse.Namespace) -> tuple[str, Path]:
    """Find, report; what there is to say, and the page. Raises ValueError, OSError and ImportError, with the way out."""
    section = config_of(given)
    from perturbxai.calls.prototypes import prototypes
    from perturbxai.command.about import data_line
    from perturbxai.command.table import read_table
    from perturbxai.command.table_part import with_features
    from perturbxai.inputs.spaces import TabularSpace
    from perturbxai.reporting.manifest import check_place
    from perturbxai.reporting.report import report

    place = given.results or PLACE
    check_place(place, "--results = ")
    table = with_features(section, read_table(section, naming, section.seed), naming)
    space = TabularSpace(table.X, background=1)
    asked = {key: getattr(section, key) for key in ("criticisms", "method", "rows", "seed")}
    found = prototypes(space, section.n, **asked)
    about = {"question": "Which rows stand for the table?", "data": data_line(section, {"data": table.facts})}
    if table.told:
        about["noted"] = "; ".join(table.told)
    folder = report(found, place, config=section.model_dump(mode="json"), about=about)
    said = [*(f"perturbxai: {one}" for one in table.told), *(f"- {line}" for line in found.describe().splitlines())]
    return "\n".join([*said, "", f"files: {folder}", f"to open: {folder / 'index.html'}"]), folder / "index.html"
