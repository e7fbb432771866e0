"""Comparisons in words: which methods agree, which scores best as far as chance allows to say, and what home flatters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from perturbxai.calls import away
from perturbxai.calls.board import AWAY, ROUNDING, Board
from perturbxai.core import catalogue
from perturbxai.core.types import Floats
from perturbxai.core.wording import count
from perturbxai.results.amounts import called, joined, rounded
from perturbxai.results.tidy import student

if TYPE_CHECKING:
    import pandas as pd

    from perturbxai.calls.comparison import Comparison

Called: TypeAlias = Callable[[str], str]

ALIKE = 0.9  # mean rank correlation from which two methods are said to rank alike
SLIGHT = 0.005  # of the best score: a lead below it, however sure, changes nothing
FEWEST = 6  # inputs from which it is said that a method is no better than a control
JUDGES = ("faithfulness", "srg")  # the metrics that words are about, the first of them that was asked for


def of_comparison(found: Comparison, titles: Mapping[str, str] | None = None) -> list[str]:
    """What a comparison says: sentences. titles: what its results are called, where not by their own names"""

    def word(name: str) -> str:
        return called((titles or {}).get(name, name))

    names = list(found.results)
    what = "row" if found.scores.scored_fill.eq("background").all() else "picture"
    head = f"{count(len(names), 'method')} at {count(len(found.inputs), what)}: {joined([word(name) for name in names])}."
    return [
        head,
        *_agreement(found, "features" if what == "row" else "superpixels", word),
        *_scores(found, word),
        *_home(found),
        *_place(found),
    ]


# ------------------------------------------------------------------------------------------------ who agrees


def _agreement(found: Comparison, parts: str, word: Called) -> list[str]:
    lines = found.agreement[found.agreement.metric == "spearman"]
    means = lines.groupby(["method_a", "method_b"]).value.mean().dropna()
    if not len(means):
        return []
    ends = zip(means.index.get_level_values(0), means.index.get_level_values(1), strict=True)
    pairs = {(str(a), str(b)): float(value) for (a, b), value in zip(ends, means.to_numpy(), strict=True)}
    groups = [group for group in alike(list(found.results), pairs) if len(group) > 1]
    said = [f"{joined([word(one) for one in group])} rank the {parts} alike" for group in groups]
    sentences = [f"{'; '.join(said)} (rank correlation {ALIKE} or more)."] if said else []
    least = min(pairs, key=lambda pair: pairs[pair])
    if pairs[least] < ALIKE:
        a, b = map(word, least)
        sentences.append(f"Least alike are {a} and {b} (rank correlation {rounded(pairs[least], 2)}).")
    return sentences


def alike(names: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> list[list[str]]:
    """Groups of methods, each of which ranks as all others of its group do, the largest groups first."""
    left, groups = list(names), []
    known = {**pairs, **{(b, a): value for (a, b), value in pairs.items()}}
    while left:
        group = [left[0]]
        for one in left[1:]:
            if all(known.get((one, other), -1.0) >= ALIKE for other in group):
                group.append(one)
        groups.append(group)
        left = [one for one in left if one not in group]
    return sorted(groups, key=len, reverse=True)


# ------------------------------------------------------------------------------------------------ who scores best


def _scores(found: Comparison, word: Called) -> list[str]:
    better = dict(found.call.get("better", {})) or {name: one.better for name, one in catalogue.METRICS.items()}
    asked = [metric for metric in found.scores.metric.unique() if better.get(metric) and metric not in catalogue.ALONE]
    metric = next((one for one in (*JUDGES, *asked) if one in asked), None)
    if metric is None:
        return []
    lines = found.scores[found.scores.metric == metric]
    board, names, missing = _ranked(Board.of(lines, list(found.results), metric))
    sign = 1.0 if better[metric] == "higher" else -1.0
    if len(names) < 2:
        return []
    means = away.means(lines, ["method"])
    best = max(names, key=lambda name: sign * float(means[name]))
    head = f"By {called(metric)} ({_about(lines)}) {word(best)} scores best: {rounded(float(means[best]), 2)}"
    if board.values.shape[1] < 2:
        return [f"{head}. One input cannot tell whether that is more than chance."]
    margins = {name: sign * board.apart(best, name, AWAY) for name in names if name != best}
    said = [f"{head}, {_lead(margins, abs(float(means[best])), word)}.", *_controls(board, names, sign, word)]
    left = f"Not ranked, since some inputs have no score of them: {joined([word(name) for name in missing])}."
    return [*said, left] if missing else said


def _ranked(board: Board) -> tuple[Board, list[str], list[str]]:
    """The inputs at which any method has all its scores away from home; the methods with, and without, all of these."""
    every = range(len(board.methods))
    known = np.array([np.isfinite(board.scores(m, board.fills_for([m], AWAY))).all(axis=1) for m in every])  # (M, N)
    there = known.any(axis=0)
    whole = np.asarray(known[:, there].all(axis=1) & there.any())
    names, missing = ([board.methods[m] for m in np.flatnonzero(which)] for which in (whole, ~whole))
    return replace(board, values=board.values[:, there]), names, missing


def _lead(margins: Mapping[str, Floats], size: float, word: Called) -> str:
    """How surely the best is ahead of each of the others, under the fills that are home to neither of the two.

    margins  by method, one an input; NaN of one that shares no such fill;  size: of the best score
    """
    apart = [name for name, own in margins.items() if np.isnan(own).any()]
    ahead = [name for name, own in margins.items() if name not in apart and beyond(-own, len(margins))]
    close = [name for name, own in margins.items() if name not in (*apart, *ahead) and not beyond(own, len(margins))]
    said = [f"not told apart from {joined([word(name) for name in close])}"] if close else []
    if ahead:
        said.append(f"but behind {joined([word(name) for name in ahead])} under the fills that neither was explained with")
    if apart:
        said.append(f"and no fill was scored that is home to neither it nor {joined([word(name) for name in apart])}")
    if said:
        return ", ".join(said)
    near = min(margins, key=lambda name: float(margins[name].mean()))
    margin = float(margins[near].mean())
    behind = f"the nearest, {word(near)}, is {rounded(margin, 2)} behind"
    matters = ", which hardly matters" if margin < SLIGHT * size else ""
    return f"better than every other beyond chance; {behind}{matters}"


def _about(lines: pd.DataFrame) -> str:
    """What the metric of some scores is, in words; where coalitions were few all were asked, and none is untouched."""
    metric = str(lines.metric.iloc[0])
    about = catalogue.ABOUT.get(metric, metric)
    whole = lines.test_set.eq("exact table")
    return about.replace("untouched", "all" if whole.all() else "untouched or all") if whole.any() else about


def beyond(margins: Floats, n_compared: int = 1) -> bool:
    """Whether the mean of margins, one an input, is above 0 beyond chance, by Student's t; all compared at once in 95 %.

    Margins that are all one have no spread to test by: what is left is that each of them might have had either sign.
    """
    n = len(margins)
    if n < 2 or np.ptp(margins) <= ROUNDING * np.abs(margins).max():
        return bool(n and margins[0] > 0 and 0.5**n <= 0.05 / n_compared)
    spread = margins.std(ddof=1) / np.sqrt(n)
    return bool(margins.mean() > student(1.0 - 0.05 / n_compared, n - 1.0) * spread and margins.mean() > 0)


def _controls(board: Board, names: Sequence[str], sign: float, word: Called) -> list[str]:
    """Methods that are not beyond chance better than a control, which looks at no model."""
    controls = [name for name in names if name.partition("@")[0] in catalogue.CONTROLS]
    sentences, n_inputs = [], board.values.shape[1]
    for control in controls:
        others = [name for name in names if name not in controls]
        worse = [n for n in others if not beyond(sign * board.apart(n, control, AWAY), len(others))]
        if worse and n_inputs < FEWEST:
            sentences.append(
                f"{n_inputs} inputs are too few to tell from the control {word(control)}, which looks at no model: "
                f"{joined([word(name) for name in worse])}."
            )
        elif worse:
            sentences.append(
                f"No better than the control {word(control)}, which looks at no model, beyond chance: "
                f"{joined([word(name) for name in worse])}."
            )
    return sentences


def _place(found: Comparison) -> list[str]:
    """What a map that says nothing has inside of masks."""
    share = found.call.get("masks_cover")
    if share is None:
        return []
    return [
        f"Masks cover {rounded(100 * share, 2)} % of a picture on average: so much of a map that is the same everywhere "
        "lies inside."
    ]


def _home(found: Comparison) -> list[str]:
    """What maps gain under the fill that they were explained under."""
    scores = found.scores
    metric = next((one for one in JUDGES if (scores.metric == one).any()), None)
    lines = scores[scores.metric == metric]
    home = lines.home.astype(bool)
    if metric is None or lines.scored_fill.nunique() < 2 or not home.any():
        return []
    means = [lines[chosen].groupby("method").value.mean() for chosen in (home, ~home)]
    gain = float((means[0] - means[1]).mean())
    if not np.isfinite(gain):
        return []
    way = "higher" if gain > 0 else "lower"
    return [
        f"Under the fill that a map was explained with it scores {rounded(abs(gain), 2)} {way} than under others; the "
        "scores above are those under others."
    ]
