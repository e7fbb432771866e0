"""The command line. Its help imports nothing but the standard library, so it answers at once."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perturbxai.command import effects, explain, prototypes
from perturbxai.command.arguments import option_of
from perturbxai.core import catalogue

if TYPE_CHECKING:
    from perturbxai.command.run import Run

FAILED = 2
CALLERS = ("estimators", "networks", "native", "passes", "lending")  # the modules of models/ that run the user's model
TOLD = ("what was finished is in", "the same command goes on")  # of the notes on what stopped a run
GROUPS = {
    "explainers": catalogue.EXPLAINERS, "baselines": catalogue.BASELINES, "metrics": catalogue.METRICS,
    "fills": catalogue.FILLS, "segments": catalogue.SEGMENTERS,
}  # fmt: skip
SHOWN = [f"{name}{ending}" for name in catalogue.HEADLINES for ending in catalogue.METRICS[name].headline]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, or 2 with one line on stderr for what the user can mend."""
    try:
        code = _answer(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads what is printed has enough of it, as `head` and `grep -q` have
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _answer(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    given = parser.parse_args(_joined(words))
    if given.version:
        print(_versions())
        return 0
    if given.command is None:
        parser.print_help()
        return 0
    if given.command == "list":
        print(listed(given.groups))
        return 0
    if given.command == "prototypes":
        return _told(lambda: _prototypes(given))
    return _told(lambda: _status(given) if given.command == "status" else _run(given, words))


def _joined(words: Sequence[str]) -> list[str]:
    """Words with a value such as "-5:" joined to its option, which argparse would take for an option itself."""
    found: list[str] = []
    for word in words:
        if found and re.fullmatch(r"--[a-z-]+", found[-1]) and re.match(r"-\d", word):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perturbxai",
        description="Explain a model by perturbing its input: LIME, SHAP, PDP, ICE and ALE with error bars, beside CAMs.",
    )
    parser.add_argument("--version", action="store_true", help="the version, and those of the libraries below")
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
    run.add_argument("--open", action="store_true", help="open the reports in a browser at the end")
    run.add_argument("--quiet", action="store_true", help="no progress, no table: only errors are told")
    explain.add_options(commands.add_parser("explain", help=explain.ABOUT, allow_abbrev=False))
    effects.add_options(commands.add_parser("effects", help=effects.ABOUT, allow_abbrev=False))
    prototypes.add_options(commands.add_parser("prototypes", help=prototypes.ABOUT, allow_abbrev=False))
    status = commands.add_parser("status", help="how far a run is: rows done and left, speed, time left")
    status.add_argument("folder", metavar="DIR", help="the folder that --out or --results named")
    names = commands.add_parser("list", help="the explainers, baselines, metrics, fills and cuts, a line each")
    for group in GROUPS:
        names.add_argument(f"--{group}", action="append_const", dest="groups", const=group, help=f"the {group} alone")
    parser.epilog = "A model that is named as package.module:factory runs that code: run only configs that you trust."
    return parser


def _versions() -> str:
    """This package's version in the first line, and what computes below it."""
    from perturbxai.core.versions import versions

    ours, *below = sorted(versions().items(), key=lambda one: one[0] != "perturbxai")
    return "\n".join([" ".join(ours), *(f"  {name} {version}" for name, version in below)])


def listed(groups: Sequence[str] | None = None) -> str:
    """Every name that a config or a call may use, or those of some groups, with a line on what it is."""
    width = max(len(name) for names in GROUPS.values() for name in names) + 2
    parts = []
    for group, names in GROUPS.items():
        if groups and group not in groups:
            continue
        scores = group == "metrics"
        head = f"{group} (which way is good, what it is, [what it needs]; trust)" if scores else group
        told = {name: entry.scored if scores else entry.about for name, entry in names.items()}
        parts.append("\n".join([head, *(f"  {name:<{width}}{about}" for name, about in told.items())]))
    return "\n\n".join(parts)


def _status(given: argparse.Namespace) -> str:
    from perturbxai.reporting.parts.status import told

    return told(given.folder)


def _prototypes(given: argparse.Namespace) -> str:
    said, page = prototypes.run(given)
    if given.open:
        _open([page])
    return "" if given.quiet else said


def _run(given: argparse.Namespace, words: list[str]) -> str:
    """Does what a config or a command asks; what it then says."""
    config, naming = _config(given)  # before the slow imports: a wrong key is told at once
    if getattr(given, "out", None) is not None:
        target = explain.target_of(given)
        from perturbxai.command.table_parts import explain_parts
        from perturbxai.reporting.parts.status import status

        folder = explain_parts(config, target, not given.quiet, naming)
        return "" if given.quiet else f"{status(folder)}\nfiles: {folder}"
    if getattr(given, "write_config", None) is not None:
        from perturbxai.command.toml_text import write_toml

        written = write_toml(config, given.write_config, "--write-config")
        return "" if given.quiet else f"`perturbxai run {written}` does what these options ask\n{written}"
    from perturbxai.command.run import run

    done = run(config, given.results, progress=not given.quiet, naming=naming, command=words)
    if given.open:
        _open(done.pages)
    return "" if given.quiet else summary(done)


def _open(pages: Sequence[Path]) -> None:
    """Show pages in the user's browser. Where there is none, their paths, which are printed, have to do."""
    import webbrowser

    for page in pages:
        webbrowser.open(page.as_uri())


def _told(work: Callable[[], str]) -> int:
    """Print what a command came to, or in a line what the user can mend; the exit code."""
    try:
        found = work()
    except Exception as error:
        told = _of_the_model(error)
        if told is None and not isinstance(error, (ValueError, TypeError, OSError, ImportError)):
            raise
        if told is None and isinstance(error, FileNotFoundError) and error.filename:
            told = f"{error.filename} is not there"
        told = told or str(error) or type(error).__name__
        print(f"perturbxai: {' '.join(told.split())}{_kept(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as error:
        print(f"perturbxai: stopped; no manifest was written{_kept(error)}", file=sys.stderr)
        return 130
    if found:
        print(found)
    return 0


def _config(given: argparse.Namespace) -> tuple[Any, Any]:
    """The configuration that a command asks for, and how its errors name a key."""
    if given.command in ("explain", "effects"):
        return (explain if given.command == "explain" else effects).config_of(given), option_of
    from perturbxai.command.config import load_config

    return load_config(given.config), str


def _of_the_model(error: Exception) -> str | None:
    """What the user's model raised when it was asked, and where; None for errors of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(__file__).parents[1]
    ours = [number for number, frame in enumerate(frames) if Path(frame.filename).is_relative_to(package)]
    if not ours or ours[-1] + 1 == len(frames) or Path(frames[ours[-1]].filename).stem not in CALLERS:
        return None
    first = frames[ours[-1] + 1]
    return f"the model raised {type(error).__name__}: {error} ({Path(first.filename).name}, line {first.lineno})"


def _kept(error: BaseException) -> str:
    """Where a run put what it had finished when it was stopped."""
    return "".join(f"; {one}" for one in getattr(error, "__notes__", ()) if one.startswith(TOLD))


def summary(done: Run) -> str:
    """What a run found, in words and a short table a section, where its files are, and at the end the pages to open."""
    from perturbxai.command.found import sentences

    parts = ["\n".join(done.told)] if done.told else []
    for name in done.found:
        facts = done.facts[name]
        lines = [f"{name}: {facts['rows']:,} model rows in {facts['seconds']:.0f} s"]
        if name in done.comparisons:
            table = done.comparisons[name].summary()
            table = table[[column for column in (*SHOWN, "rows") if column in table]].rename_axis(None)
            lines.append(table.to_string(float_format=lambda v: f"{v:.2f}", na_rep=""))
        if said := sentences(done.found[name]):
            parts.append("\n".join(f"- {line}" for line in said))
        parts.append("\n".join(lines))
        if unread := facts.get("pictures_left_out"):
            parts.append("\n".join([f"{len(unread)} picture(s) left out:", *(f"  {why}" for why in unread.values())]))
        if left_out := facts.get("left_out"):
            parts.append("\n".join(["left out:", *(f"  {method}: {why}" for method, why in left_out.items())]))
    return "\n\n".join([*parts, "\n".join([f"files: {done.folder}", "to open:", *map(str, done.pages)])])
