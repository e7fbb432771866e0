"""Comparisons in words: which methods agree, which scores best as far as chance allows to say, and what home flatters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from perturbxai.calls import away
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
    by_input = _by_input(found.scores, metric)
    sign = 1.0 if better[metric] == "higher" else -1.0
    names = [name for name in found.results if name in by_input and by_input[name].notna().all()]
    if len(names) < 2:
        return []
    means = {name: float(by_input[name].mean()) for name in names}
    best = max(names, key=lambda name: sign * means[name])
    about = _about(found.scores, metric)
    head = f"By {called(metric)} ({about}) {word(best)} scores best: {rounded(means[best], 2)}"
    if len(by_input) < 2:
        return [f"{head}. One input cannot tell whether that is more than chance."]
    margins = {name: sign * (by_input[best] - by_input[name]).to_numpy() for name in names if name != best}
    close = [name for name, own in margins.items() if not beyond(own, len(margins))]
    if not close:
        near = min(margins, key=lambda name: float(margins[name].mean()))
        margin = float(margins[near].mean())
        behind = f"the nearest, {word(near)}, is {rounded(margin, 2)} behind"
        if margin < SLIGHT * abs(means[best]):
            behind += ", which hardly matters"
        return [f"{head}, better than every other beyond chance; {behind}.", *_controls(by_input, names, sign, word)]
    apart = f"not told apart from {joined([word(name) for name in close])}"
    return [f"{head}, {apart}.", *_controls(by_input, names, sign, word)]


def _about(scores: pd.DataFrame, metric: str) -> str:
    """What a metric is, in words; where coalitions were few all of them were asked, and none is untouched."""
    about = catalogue.ABOUT.get(metric, metric)
    whole = scores.test_set[scores.metric == metric].eq("exact table").all()
    return about.replace("untouched", "all") if whole else about


def _by_input(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A line an input, a column a method: the mean over outputs, and over the fills that are not the map's own."""
    return away.means(scores[scores.metric == metric], ["row", "method"]).unstack()


def beyond(margins: Floats, n_compared: int = 1) -> bool:
    """Whether the mean of margins, one an input, is above 0 beyond chance, by Student's t; all compared at once in 95 %."""
    n = len(margins)
    spread = margins.std(ddof=1) / np.sqrt(n)
    return bool(margins.mean() > student(1.0 - 0.05 / n_compared, n - 1.0) * spread and margins.mean() > 0)


def _controls(by_input: pd.DataFrame, names: Sequence[str], sign: float, word: Called) -> list[str]:
    """Methods that are not beyond chance better than a control, which looks at no model."""
    controls = [name for name in names if name.partition("@")[0] in catalogue.CONTROLS]
    sentences = []
    for control in controls:
        others = [name for name in names if name not in controls]
        worse = [n for n in others if not beyond(sign * (by_input[n] - by_input[control]).to_numpy(), len(others))]
        if worse and len(by_input) < FEWEST:
            sentences.append(
                f"{len(by_input)} inputs are too few to tell from the control {word(control)}, which looks at no model: "
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
