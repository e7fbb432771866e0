"""What a method gives back, which anybody may have written: checked where it comes in, and told by the method's name."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core import checks
from perturbxai.core.evaluations import Estimate, Law
from perturbxai.core.questions import Cells, Coalitions, Opacities, Question
from perturbxai.core.types import Floats

SUMS_TO_ONE = 1e-6  # of masses: so far off is rounding


def numbers(told: str, found: Any, shape: Sequence[int | None], axes: str, *, infinite: bool = False) -> Floats:
    """An array of real numbers of a shape, in which None is any length; no NaN, and no infinity unless they may be.

    Raises TypeError for what is no such array, ValueError for its shape and its numbers.

    >>> numbers("Mine: values", np.ones(3), (3, 1), "players and outputs")
    Traceback (most recent call last):
    ValueError: Mine: values has shape (3,); expected (3, 1), players and outputs.
    """
    wanted = f"({', '.join('any' if n is None else str(n) for n in shape)}{',' * (len(shape) == 1)}), {axes}"
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        came = f"an array of {found.dtype}" if isinstance(found, np.ndarray) else checks.as_given(found)
        raise TypeError(f"{told} is {came}; expected an array of real numbers of shape {wanted}.")
    if found.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, found.shape, strict=True)):
        raise ValueError(f"{told} has shape {found.shape}; expected {wanted}.")
    bad = np.isnan(found) if infinite else ~np.isfinite(found)
    if bad.any():
        raise ValueError(f"{told} holds {found[bad][0]} at {tuple(map(int, np.argwhere(bad)[0]))}; expected numbers.")
    return found


def of_type(told: str, found: Any, kind: type, expected: str = "") -> Any:
    """What a method returns, of the type that it declares. Raises TypeError for any other."""
    if not isinstance(found, kind):
        raise TypeError(f"{told} returned {checks.as_given(found)}; expected {expected or f'an object of {kind.__name__}'}.")
    return found


def with_notes(told: str, found: Any, expected: str) -> tuple[Any, dict[str, Any]]:
    """What a method returns beside what it tells of it. Raises TypeError for what is no such pair."""
    if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], dict):
        raise TypeError(f"{told} returned {checks.as_given(found)}; expected {expected} and notes, a dict.")
    return found


def law(key: str, found: Law, n_players: int) -> Law:
    """What `law` returns. Raises TypeError, and ValueError for masses by which nothing could be weighed."""
    of_type(f"{key}: law({n_players})", found, Law)
    for what in ("mass", "design"):
        told = f"{key}: {what} of law({n_players})"
        if (numbers(told, getattr(found, what), (n_players + 1,), "the sizes 0..P") < 0).any():
            raise ValueError(f"{told} is below zero at a size; expected shares from 0 up.")
    if n_players > 1 and abs(found.mass.sum() - 1) > SUMS_TO_ONE:
        raise ValueError(f"{key}: mass of law({n_players}) sums to {found.mass.sum():.6g}; expected 1: divide by the sum.")
    listed = checks.several(f"{key}: listed of law({n_players})", found.listed, "sizes, in a tuple", ())
    for size in listed:
        checks.whole(f"{key}: listed of law({n_players})", size, most=n_players, of="players", way=f" to {n_players}")
    checks.whole(f"{key}: minimum of law({n_players})", found.minimum)
    checks.number(f"{key}: emphasis of law({n_players})", found.emphasis, "above 0 and finite", above=0.0, below=np.inf)
    asked = (found.design + found.design[::-1] > 0) | np.isin(np.arange(n_players + 1), (0, n_players, *listed))
    if missed := np.flatnonzero((found.mass > 0) & ~asked).tolist():
        raise ValueError(
            f"{key}: law({n_players}) weighs the sizes {missed} and asks none of them; name them in listed=, which asks all "
            "coalitions of a size, or give them a share in design=."
        )
    if (found.design != found.design[::-1]).any():  # draws come in complementary pairs
        return replace(found, design=0.5 * (found.design + found.design[::-1]))
    return found


def estimate(key: str, found: Estimate, n_players: int, n_outputs: int) -> Estimate:
    """What `estimate` returns, or `ask` in the end. Errors may be infinite where they are not known."""
    of_type(f"{key}: estimate(), or ask() in the end,", found, Estimate)
    of_type(f"{key}: notes", found.notes, dict, "a dict")
    of_type(f"{key}: columns", found.columns, dict, "a dict")
    for what, column in found.columns.items():
        if np.shape(column) not in ((n_players,), (n_players, n_outputs)):
            raise ValueError(
                f"{key}: columns[{what!r}] has shape {np.shape(column)}; expected {(n_players,)}, players, or "
                f"{(n_players, n_outputs)}, players and outputs."
            )
    checks.number(f"{key}: df", found.df, "a number of degrees of freedom, or infinite")
    own, pairs = (n_players, n_outputs), (n_players, n_players, n_outputs)
    for what, shape, axes in (
        ("values", own, "players and outputs"), ("stderr", own, "players and outputs"), ("critical", own[1:], "outputs"),
        ("stderr_background", own, "players and outputs"), ("heat", (n_outputs, None, None), "outputs and pixels"),
        ("interactions", pairs, "pairs and outputs"), ("interactions_stderr", pairs, "pairs and outputs"),
    ):  # fmt: skip
        given, exact = getattr(found, what), what in ("values", "heat", "interactions")
        if given is None and what not in ("values", "stderr", "critical"):
            continue
        if (numbers(f"{key}: {what}", given, shape, axes, infinite=not exact) < 0).any() and not exact:
            raise ValueError(f"{key}: {what} is below zero; expected numbers from 0 up.")
    return found


def conversation(key: str, own: Any, n_players: int, budget: int) -> Generator[Sequence[Question], list[Any], Any]:
    """What `ask` returns, its questions each checked before the model sees them.

    n_players: the active ones, which are the columns of coalitions
    """
    of_type(f"{key}: ask()", own, Generator, "a generator: let it yield its questions")
    answers: list[Any] | None = None
    names: list[NDArray[Any]] = []  # of the coalitions asked so far
    ended = False
    while True:
        try:
            asked = next(own) if answers is None else own.send(answers)
        except StopIteration as end:
            return end.value
        if ended:
            raise ValueError(f"{key}: ask() asks again after a question with last=True; leave last out where more follows.")
        questions = checks.several(f"{key}: what ask() yields", asked, "questions, in a list", ())
        for one in questions:
            if not isinstance(one, Question):
                raise TypeError(f"{key}: ask() yields {checks.as_given(one)}; expected questions of core.questions.")
            if isinstance(one, Coalitions | Cells | Opacities):
                what, lines = ("alpha", one.alpha) if isinstance(one, Opacities) else ("z", one.z)
                numbers(f"{key}: {what} that ask() yields", lines, (None, n_players), "lines and active players")
                if what == "z" and lines.dtype != bool:
                    raise TypeError(f"{key}: z that ask() yields is an array of {lines.dtype}; expected bool.")
                names += [np.packbits(lines > 0, axis=1)] * isinstance(one, Coalitions)
        if sum(map(len, names)) > budget and (asks := len(np.unique(np.concatenate(names), axis=0))) > budget:
            raise ValueError(
                f"{key}: ask() wants {asks} coalitions of a budget of {budget}; let it stop at the budget that it is "
                "given, and say in least() what it cannot do without."
            )
        ended = any(isinstance(one, Coalitions) and one.last for one in questions)
        answers = yield questions
