"""The command line. Its help imports nothing but the standard library, so it answers at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from perturbxai import registry

FAILED = 2
SHOWN = ("insertion", "deletion", "srg", "srg (home)", "faithfulness", "faithfulness (home)", "rows")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, or 2 with one line on stderr for what the user can mend."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    if given.command == "list":
        print(catalogue())
        return 0
    return _run(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perturbxai",
        description="Explain a model by perturbing its input: LIME, SHAP, PDP, ICE and ALE with error bars, beside CAMs.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    runs = "explain, compare and report what a config asks for"
    run = commands.add_parser(
        "run",
        help=runs,
        description=f"{runs[:1].upper()}{runs[1:]}. A config that names a model as package.module:factory runs that "
        "code: run only configs that you trust.",
    )
    run.add_argument("config", metavar="CONFIG", help="a TOML file, such as configs/quickstart.toml")
    run.add_argument("--results", metavar="DIR", help="where to write, instead of the folder that the config names")
    run.add_argument("--quiet", action="store_true", help="no progress bar, no table: only errors are told")
    commands.add_parser("list", help="the explainers, baselines and metrics, a line each")
    parser.epilog = "A config that names a model as package.module:factory runs that code: run only configs you trust."
    return parser


def catalogue() -> str:
    """Every name that a config or a call may use, with a line on what it is."""
    groups = {"explainers": registry.EXPLAINERS, "baselines": registry.BASELINES, "metrics": registry.METRICS}
    width = max(len(name) for names in groups.values() for name in names) + 2
    parts = []
    for group, names in groups.items():
        parts.append("\n".join([group, *(f"  {name:<{width}}{registry.ABOUT[name]}" for name in names)]))
    return "\n\n".join(parts)


def _run(given: argparse.Namespace) -> int:
    try:
        from perturbxai.config import load_config

        config = load_config(given.config)  # before the slow imports: a wrong key is told at once
        from perturbxai.running import run

        done = run(config, given.results, progress=not given.quiet)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"perturbxai: {' '.join(_told(error).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("perturbxai: stopped; no manifest was written", file=sys.stderr)
        return 130
    if not given.quiet:
        print(summary(done))
    return 0


def _told(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is not there"
    return str(error) or type(error).__name__


def summary(done: Any) -> str:
    """What a run found, in a short table a section, and where its files are."""
    parts = []
    for name, compared in done.comparisons.items():
        facts = done.facts[name]
        table = compared.summary()
        table = table[[column for column in SHOWN if column in table]].rename_axis(None)
        table = table.to_string(float_format=lambda v: f"{v:.2f}", na_rep="")
        parts.append(f"{name}: {facts['rows']:,} model rows in {facts['seconds']:.0f} s\n{table}")
    return "\n\n".join([*parts, f"files: {done.folder}"])
