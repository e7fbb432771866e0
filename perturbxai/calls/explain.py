"""explain(): one set of questions for all methods, driven together in full batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from perturbxai.calls.explain_call import Call
from perturbxai.core import catalogue
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageSpace, Space, TabularSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution


def explain(
    methods: str | Sequence[Any],
    predictor: Predictor,
    space: Space,
    x: Any,
    *,
    outputs: Any = None,
    budget: int | None = None,
    rows: int | None = None,
    tol: float | None = None,
    seed: int = 0,
) -> dict[str, Attribution]:
    """Explain rows or pictures by several methods at once.

    methods    names ("lime", "kernel_shap", "pdp", "ice", "ale") or method objects; a class that is given twice is keyed
               with the fields that differ, and `name=` overrides
    predictor  the model;  space  what the players of x are and what their absence looks like
    x          rows of a table (DataFrame, (N, D) or (D,)), one picture (H, W, C), or several
    outputs    names or numbers; None means all up to 20, else the five highest at the first input
    budget     coalitions an input, the empty and the full one included; each costs B model rows on a table, one on a
               picture. Default: 2^P on tables of up to 10 players, else 40 P + 2; 1,000 on pictures. Never exceeded.
               Methods of coalitions share one table; on pictures pdp and ale have a table of their own, of as many rows.
    rows       instead of budget, on tables: model rows an input. Coalitions are then asked on single background rows, each
               on one of all (with TabularSpace(background="all"): of the whole table), and the model's answers at the
               background rows, asked once a call beside what `rows` bounds (`meta["background_rows"]` of them), take most of
               the noise of that away. For kernel_shap, lime, banzhaf.
    tol        stop an input before its budget (or rows) is spent: as soon as, for every output and method, the widest half
               of a simultaneous 95 % interval is at most tol times the range of the values. Looked at after 4P, 6P, 9P ...
               coalitions; `meta["reached"]` tells whether it came to that. For methods of coalitions.
    seed       the same seed asks the same questions at any batch size, in any company and order of the inputs

    Returns a mapping from name to Attribution; mappings join with `|`.
    Raises ValueError, before the model is asked, for unknown methods and outputs, wrong inputs, and budgets below what the
    methods need; ModelError, with what was computed in `partial`, if the model fails on the way.

    >>> import numpy as np
    >>> space = TabularSpace(np.zeros((1, 2)))
    >>> found = explain(["kernel_shap", "pdp"], Predictor(lambda X: X[:, 0] + X[:, 1] ** 2), space, [3.0, 2.0])
    >>> found["pdp"].values[0, :, 0].tolist()
    [3.0, 4.0]
    """
    named = name_methods(methods, catalogue.EXPLAINERS)
    if not isinstance(predictor, Predictor):
        raise TypeError(f"predictor is {type(predictor).__name__}; wrap the model: px.Predictor(model).")
    if not isinstance(space, (TabularSpace, ImageSpace)):
        raise TypeError(f"space is {type(space).__name__}; build px.TabularSpace(X) or px.ImageSpace() first.")
    seed, budget, rows = check_seed(seed), check_budget(budget), check_rows(rows, budget, space, named)
    check_options(named)
    game = Game(predictor, space, x, outputs)
    call = Call(named, game, seed, budget, rows, check_tol(tol))
    call.check()
    with predictor.watched("explain"):
        return call.attributions(call.run())


def name_methods(methods: Any, known: dict[str, str]) -> dict[str, Any]:
    """Keys and method objects: the class's name, with the fields that differ where a class comes twice."""
    given = [methods] if isinstance(methods, str) or not isinstance(methods, Sequence) else list(methods)
    if not given:
        raise ValueError(f"methods is empty; name at least one of {', '.join(known)}.")
    objects = [catalogue.load(known, m)() if isinstance(m, str) else m for m in given]
    for one in objects:
        if catalogue.key_of(one) not in known:
            raise TypeError(f"methods: {one!r} is none of {', '.join(known)}, nor an object of their classes.")
    named: dict[str, Any] = {}
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


def check_options(named: dict[str, Any]) -> None:
    """Refuse options that only curves have: nothing here would read them."""
    for key, method in named.items():
        for option in getattr(method, "of_curves", ()):
            if getattr(method, option) != getattr(type(method), option):
                raise ValueError(
                    f"{key}: {option}={getattr(method, option)!r} is for effects(), where curves are shown; "
                    "leave it out here."
                )


def check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed={seed!r} must be a whole number from 0 up.")
    return int(seed)


def check_rows(rows: Any, budget: int | None, space: Space, named: dict[str, Any]) -> int | None:
    if rows is None:
        return None
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 2:
        raise ValueError(f"rows={rows!r} must be a whole number of model rows from 2 up, or None.")
    if budget is not None:
        raise ValueError(f"rows={rows} and budget={budget} both bound what is asked; give one of them.")
    if not isinstance(space, TabularSpace):
        raise ValueError(f"rows={rows} is for tables; on a picture a coalition costs one row: give budget={rows}.")
    if others := [key for key, method in named.items() if not getattr(method, "on_cells", False)]:
        raise ValueError(
            f"rows={rows} asks coalitions on single background rows, which {', '.join(others)} cannot take"
            + (" with a ridge" if any(getattr(named[key], "ridge", 0) for key in others) else "")
            + "; give them a call of their own with budget=."
        )
    return int(rows)


def check_tol(tol: Any) -> float | None:
    if tol is None:
        return None
    if isinstance(tol, bool) or not isinstance(tol, (int, float, np.number)) or not 0 < tol < np.inf:
        raise ValueError(f"tol={tol!r} must be a positive share of the values' range, such as 0.1, or None.")
    return float(tol)


def check_budget(budget: Any) -> int | None:
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, (int, np.integer)) or budget < 2:
        raise ValueError(f"budget={budget!r} must be a whole number of coalitions from 2 up, or None for the default.")
    return int(budget)
