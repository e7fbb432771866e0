"""`perturbxai effects`: options of a command as the section [effects] of the configuration that `perturbxai run` reads."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from perturbxai.command import options
from perturbxai.command.arguments import add, add_run, group, option_of, section_of, whole_config

if TYPE_CHECKING:
    from perturbxai.command.config import Config

PLACE = "results/effects"
ABOUT = "draw how your model's output moves with the columns of your table: PDP, ICE and ALE"
DESCRIPTION = """\
Draw how a model's output moves with single columns of a table and with pairs of them, and report: CSV tables, figures, a
page, and a manifest written last. PDP sets every row to each value of a column and averages; ICE shows the curves of single
rows; ALE adds up steps between neighbouring values, of rows that lie near them. The model is as in `perturbxai explain`:
trees that are trained on the --target, package.module:factory, which runs that code, or a file."""
EPILOG = """\
examples:
  perturbxai effects --table houses.csv --target price --features rooms,age --pair rooms,age --open
  perturbxai effects --table houses.csv --model model.onnx --drop price --methods ale --by town

Lists are separated by commas; a name with a comma goes in double quotes inside the list."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, which make a section of the configuration."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    data = options.DATA
    parser.add_argument(data.flag, metavar=data.metavar, dest=data.key, help=data.help, required=True)
    add(parser, options.MODEL)
    curves = group(parser, "curves", options.OF_EFFECTS)
    for name, told in options.SWITCHES["effects"].items():
        curves.add_argument(f"--{name}", action="store_true", help=told)
    group(parser, "columns of the table", options.COLUMNS)
    add_run(parser, PLACE)


def config_of(given: argparse.Namespace) -> Config:
    """The configuration that the options ask for. Raises ValueError that names the option, and the way out."""
    from perturbxai.command.config import parse_config

    section = section_of(given, options.EFFECTS) | {key: True for key in options.SWITCHES["effects"] if getattr(given, key)}
    return parse_config(whole_config(given, "effects", section, PLACE), source="", naming=option_of)
