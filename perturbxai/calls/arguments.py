"""Arguments of several verbs: methods by name, seeds, rows, tolerances, budgets; checked before the model is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

import numpy as np

from perturbxai.core import catalogue, checks
from perturbxai.core.methods import Explainer, Method
from perturbxai.core.types import Data, Model
from perturbxai.inputs.spaces import ImageSpace, Space, TabularSpace
from perturbxai.models.predictor import Predictor

DESIGNS = ("drawn", "adaptive")
MOST_BINS = 1_000_000  # of a grid
Declared = TypeVar("Declared", bound=Method)
AnyModel: TypeAlias = Predictor | Model
AnySpace: TypeAlias = Space | Data
IMAGE_BUDGET = 1000
LISTED_PLAYERS = 10  # up to here a table's default budget lists all coalitions


def default_budget(space: Space, n_players: int) -> int:
    """Coalitions an input, where nobody says how many."""
    if not isinstance(space, TabularSpace):
        return IMAGE_BUDGET
    return int(2**n_players) if n_players <= LISTED_PLAYERS else 40 * n_players + 2


def asked(predictor: AnyModel, space: AnySpace) -> tuple[Predictor, Space]:
    """What to ask, and what it is asked about: as they are, or of a model and a table with all that is default.

    Raises TypeError or ValueError for what is neither.
    """
    return as_predictor(predictor), as_space(space)


def as_predictor(given: AnyModel) -> Predictor:
    """A Predictor as it is, or that of a model. Raises TypeError for what is no model."""
    if isinstance(given, Predictor):
        return given
    try:
        return Predictor(given)
    except TypeError as error:
        raise TypeError(
            f"predictor is {type(given).__name__}; expected the model, or px.Predictor(model): {error}"
        ) from error


def as_space(given: AnySpace) -> Space:
    """A space as it is, or that of a table. Raises TypeError or ValueError for what is no table."""
    if isinstance(given, (TabularSpace, ImageSpace)):
        return given
    try:
        return TabularSpace(given)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError  # others have arguments of their own
        way = "expected px.TabularSpace(X), its X, or px.ImageSpace() of pictures"
        raise kind(f"space is {type(given).__name__}; {way}: {error}") from error


def name_methods(methods: object, known: Mapping[str, catalogue.Entry], kind: type[Declared]) -> dict[str, Declared]:
    """Keys and method objects: the class's name, with the fields that differ where a class comes twice.

    kind: what they all have to be; an object of the caller's own class will do, if it declares itself as one
    """
    names = f"one of {', '.join(known)}, or several"
    given: list[Any] = [methods]
    if isinstance(methods, Iterable):
        given = checks.several("methods", methods, names, (str, Method))
    if not given:
        raise ValueError(f"methods is empty; name at least one of {', '.join(known)}.")
    objects = [catalogue.load(known, m)() if isinstance(m, str) else m for m in given]
    for one in objects:
        if not isinstance(one, kind):
            key = catalogue.key_of(one) if isinstance(one, Method) else ""
            elsewhere = catalogue.near(key, known) if key in catalogue.METHODS else ""
            raise TypeError(
                f"methods: {one!r} is none of {', '.join(known)}, nor an object of their classes.{elsewhere} A method of "
                f"your own inherits from {kind.__module__}.{kind.__name__}, which says what it has to have."
            )
        if type(one).__name__ in catalogue.METHODS:
            raise ValueError(f"methods: your class {type(one).__name__} has the name of a method of perturbxai; rename it.")
    named: dict[str, Declared] = {}
    for one in objects:
        key = one.name or catalogue.key_of(one)
        twins = [o for o in objects if type(o) is type(one) and not o.name]
        if not one.name and len(twins) > 1:
            differ = [f.name for f in fields(one) if len({repr(getattr(o, f.name)) for o in twins}) > 1]
            if differ:
                key += "(" + ", ".join(f"{f}={getattr(one, f)!r}" for f in differ) + ")"
        if key in named:
            raise ValueError(f"methods: {key!r} comes twice; give one of them another name=.")
        named[key] = one
    return named


def several_features(features: object, expected: str) -> list[Any]:
    """Columns or superpixels as a list; a tuple is one, for it may be a pair. Raises TypeError; ValueError for none."""
    given = checks.several("features", features, expected, (str, int, np.integer, tuple))
    if not given:
        raise ValueError("features is empty; name at least one, or leave it out for all.")
    return given


def check_options(named: Mapping[str, Explainer]) -> None:
    """Refuse options that only curves have: nothing here would read them."""
    for key, method in named.items():
        for option in method.of_curves:
            if getattr(method, option) != getattr(type(method), option):
                raise ValueError(
                    f"{key}: {option}={getattr(method, option)!r} is for effects(), where curves are shown; "
                    "leave it out here."
                )


def check_rows(rows: object, budget: int | None, space: Space, named: Mapping[str, Explainer]) -> int | None:
    if rows is None:
        return None
    n_rows = checks.whole("rows", rows, 2, of="model rows", way=", or None")
    if budget is not None:
        raise ValueError(f"rows={rows} and budget={budget} both bound what is asked; give one of them.")
    if not isinstance(space, TabularSpace):
        raise ValueError(f"rows={rows} is for tables; on a picture a coalition costs one row: give budget={rows}.")
    if others := [key for key, method in named.items() if not method.on_cells]:
        why = {named[key].off_cells for key in others} - {""}
        raise ValueError(
            f"rows={rows} asks coalitions on single background rows, which {', '.join(others)} cannot take"
            + "".join(f" ({one})" for one in sorted(why))
            + "; give them a call of their own with budget=."
        )
    return n_rows


def check_tol(tol: object) -> float | None:
    expected = "a positive share of the values' range, such as 0.1, or None"
    return None if tol is None else checks.number("tol", tol, expected, above=0.0, below=np.inf)


def check_design(design: object, rows: int | None) -> str:
    found = str(checks.one_of("design", design, DESIGNS))
    if found == "adaptive" and rows is not None:
        raise ValueError(f"design='adaptive' chooses coalitions on the whole background, not rows={rows}; give budget=.")
    return found


def check_budget(budget: object) -> int | None:
    way = ", or None for the default"
    return None if budget is None else checks.whole("budget", budget, 2, of="coalitions", way=way)
