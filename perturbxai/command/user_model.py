"""What the sections of a run have in common: a model that the user's code makes, and their work, ready to start."""

import functools
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from perturbxai.calls.steps import Step
from perturbxai.command import current_folder
from perturbxai.command.model_files import READERS, NotLoaded, is_model_file, load_model
from perturbxai.core.checks import did_you_mean
from perturbxai.core.extras import EXTRAS, remedy
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.manifest import describe_file
from perturbxai.results.context import Context
from perturbxai.results.explanation import Explanation


class Made(NamedTuple):
    """What a model's name came to, where it was found, and what there is to say of it."""

    model: Any
    facts: dict[str, Any]
    told: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Part:
    """A section that is ready to start: its model, its work by steps, and what the manifest tells of its input.

    asked_row  the question whose answer is a result's `prediction`
    planned    how many steps the work takes, by the word that their names begin with, those of the last kind last
    told       what there is to say of it before it starts, a line each
    targets    what the explained rows really are, in their order; nothing where that is not known
    around     what finds the context of the explained rows; None where nobody wants it
    """

    section: Any
    predictor: Predictor
    work: Callable[[Step], Any]
    facts: dict[str, Any]
    asked_row: Callable[[Explanation], Any]
    planned: Mapping[str, int]
    told: Sequence[str] = ()
    targets: Sequence[object] = ()
    around: Callable[[], Context] | None = None


def tell(lines: Iterable[str]) -> None:
    """Say something beside the results, before or while they come."""
    for line in lines:
        print(f"perturbxai: {line}", file=sys.stderr)


def reason(name: str, error: Exception) -> str:
    """Why a method cannot explain, without its name, which stands before it."""
    return str(error).removeprefix(f"{name}: ").removeprefix(f"{name} ")


def make_model(
    place: str, key: str, given: Mapping[str, Any], lacking: str = "", trust: tuple[bool, str] = (False, "")
) -> Made:
    """The model behind "package.module:name", or in a file.

    A function or class of that name makes it, and gets as many of the `given` values ("X", "y") as it has parameters that
    have no default or are called so; anything else is the model itself.
    key      where the user wrote the name, for errors;  lacking: the way out for a factory that wants what is not given
    trust    whether a file may run code when it is loaded, and how the user says so
    Raises ValueError for a name that cannot be imported or called, for a file that gives no model, and for code of the
    user's that fails, with its line.
    """
    where = f"{key} = {place!r}"
    if is_model_file(place):
        try:
            loaded = load_model(Path(place), *trust)
        except NotLoaded as error:
            raise ValueError(f"{where}: {error}.") from error
        return Made(loaded, {"file": describe_file(Path(place), Path(place).parent), "kind": type(loaded).__name__})
    found, file = _import(place, where)
    facts: dict[str, Any] = {"name": place} | ({"file": describe_file(file, file.parent)} if file else {})
    # a function in a decorator, as functools.cache is, is no routine itself
    wrapped = callable(found) and hasattr(found, "__wrapped__")
    if wrapped or inspect.isroutine(found) or inspect.isclass(found) or isinstance(found, functools.partial):
        wanted = _arguments(found, where)
        if missing := [name for _, name in wanted if name not in given]:
            taken = [name if given or parameter is None else parameter for parameter, name in wanted]
            lack = f"but there is no {missing[0]}" if given else "and there is nothing to give it"
            raise ValueError(f"{where} takes {' and '.join(taken)}, {lack}. {lacking}")
        facts["given"] = [name for _, name in wanted]
        by_place = [given[name] for parameter, name in wanted if parameter is None]
        by_name = {parameter: given[name] for parameter, name in wanted if parameter is not None}
        try:
            found = found(*by_place, **by_name)
        except Exception as error:
            raise ValueError(f"{where} failed: {_failure(error, file)}.") from error
        if found is None:
            raise ValueError(f"{where} returned nothing; let it return the model.")
    return Made(found, facts | {"kind": type(found).__name__})


def _import(place: str, where: str) -> tuple[Any, Path | None]:
    """What "package.module:name" names, and the file of its module."""
    module_name, _, name = place.partition(":")
    if not module_name or not name:
        files = ", ".join(READERS)
        raise ValueError(f"{where} is no model; expected a name of ours, 'package.module:factory', or a file ({files}).")
    try:
        with current_folder.holds(module_name):
            module = importlib.import_module(module_name)
    except Exception as error:  # the module is the user's code, and may do anything
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
            remedy = "run the command in the folder of the module, or put that on PYTHONPATH"
            raise ValueError(f"{where} cannot be imported ({error}); {remedy}.") from error
        raise ValueError(f"{where} cannot be imported: {_failure(error, None)}.") from error
    file = None if module.__file__ is None else Path(module.__file__)
    if not hasattr(module, name):
        if mine := current_folder.shadowed(module, module_name):
            found_in = file or module_name
            raise ValueError(f"{where} is in {found_in}, which is installed, and not in {mine}; rename that file.")
        hint = did_you_mean(name, [known for known in vars(module) if not known.startswith("_")]) or "."
        raise ValueError(f"{where} cannot be imported: {file or module_name} has no {name!r}{hint}")
    return getattr(module, name), file


def _arguments(factory: Callable[..., Any], where: str) -> list[tuple[str | None, str]]:
    """What a factory is given: (its parameter, or None where it goes by place; "X" or "y")."""
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):  # built in, and says nothing of itself
        return []
    needed = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p for p in needed if p.default is p.empty or p.name in ("X", "y")]
    if not needed and any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return [(None, "X"), (None, "y")]
    if len(needed) > 2:
        names = ", ".join(p.name for p in needed)
        raise ValueError(f"{where} takes {names}; expected X and y at most. Give the others a default.")
    values = [p.name if p.name in ("X", "y") else ("X", "y")[number] for number, p in enumerate(needed)]
    return [(None if p.kind is p.POSITIONAL_ONLY else p.name, v) for p, v in zip(needed, values, strict=True)]


def _failure(error: Exception, file: Path | None) -> str:
    """An error of the user's code in a line, with the place in the user's file where it came up."""
    told = f"{type(error).__name__}: {error}".removesuffix(": ").rstrip(".")
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        told += f"; {remedy(error.name)}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    frames = [frame for frame in frames if Path(frame.filename) == file] or frames
    return told if isinstance(error, SyntaxError) else f"{told} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
