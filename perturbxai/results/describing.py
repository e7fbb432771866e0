"""Attributions in words, for a reader who knows the table or the photo and no method: sentences that are safe to say.

A share is of sizes: the mean |value| of some features over the explained rows, over that of all features. What stands behind
"±" is half of a 95 % interval. A statement that noise could turn is not made, or says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from perturbxai.core import catalogue, checks
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Floats, Ints, Labels
from perturbxai.core.wording import OUTPUTS, count, highest, own_value, word
from perturbxai.results.amounts import EXACT, Unit, called, joined, share, told_apart
from perturbxai.results.superpixels import where
from perturbxai.results.taking import lacks_some
from perturbxai.results.tidy import LEVEL, normal, pointwise

if TYPE_CHECKING:
    from perturbxai.results.explanation import Attribution
    from perturbxai.results.importance import Importance
    from perturbxai.results.one_input import Explanation
    from perturbxai.results.pick import Pick

LEADERS, MOST = 3, 5  # features that a row names, and that a share of rows names at most
HALF, MINOR = 0.5, 0.01  # the leaders together reach half; what is a hundredth of all is not worth a sentence
TREND, ENOUGH = 0.8, 10  # rank correlation from which "the higher, the higher" is said, and rows for it
Z95 = normal(LEVEL)
NOTES = ("A hidden", "Behind ±", "This is the mean")  # how sentences begin that say what numbers are against, and how exact
CONTROL = "This is a control, which looks at no model: the numbers that it gives have no unit, and say nothing of the model."


def told(of: Sequence[list[str]]) -> str:
    """Sentences of several outputs as text, one a line; what is a note on all of them stands at the end, once."""
    said = [sentence for sentences in of for sentence in sentences]
    notes = dict.fromkeys(sentence for sentence in said if sentence.startswith(NOTES))
    return "\n".join([*(sentence for sentence in said if sentence not in notes), *notes])


def chosen(outputs: tuple[str, ...], output: str | int | None, prediction: Floats | None = None) -> list[int]:
    """Numbers of the outputs that are described: the one that is asked for, else a few, those of the highest prediction."""
    if output is not None:
        return [int(k) for k in select_outputs([output], outputs)]
    return list(range(len(outputs)))[:OUTPUTS] if prediction is None else highest(prediction)


def half_widths(e: Explanation) -> Floats:
    """(P, K): half of each value's 95 % interval, with the error that drawn background rows add where that is known."""
    error = e.stderr if e.stderr_background is None else np.hypot(e.stderr, e.stderr_background)
    return np.asarray(pointwise(LEVEL, e.df) * error)


# ------------------------------------------------------------------------------------------------ one input


def of_row(e: Explanation, k: int, labels: Labels | None = None) -> list[str]:
    """What output k is for this input, and what it is owed to: sentences.

    labels (H, W)  of a photo: which superpixel each pixel belongs to, so that words tell where a superpixel lies
    """
    unit, half = Unit.of(e.meta), half_widths(e)[:, k]
    values, known = e.values[:, k], bool(np.isfinite(half).all())
    if catalogue.key_of(e.method) in catalogue.CONTROLS:
        rise = float(e.prediction[k] - e.base[k])
        return [*[f"{_output(e, k, unit)} is {_compared(e, k, unit, rise)}."] * bool(np.isfinite(rise)), CONTROL]
    names = _with_values(e, labels)
    order = [int(p) for p in np.argsort(-np.abs(values), kind="stable")]
    # a single other one is named too: to sum it would save nothing
    least = max(MINOR * np.abs(values).sum(), EXACT * abs(e.prediction[k]))  # less is rounding
    shown = [p for p in order[: _named(len(order), LEADERS)] if abs(values[p]) > least]
    told = {p: f"{names[p]} ({unit.change(values[p], half[p])})" for p in shown}
    sure = [p for p in shown if not known or abs(values[p]) > half[p]]
    found = _level(e, k, unit, values, sure, told)
    if unsure := [told[p] for p in shown if p not in sure]:
        found.append(f"Whether {joined(unsure, 'or')} raises or lowers it is not beyond noise.")
    if shown and len(shown) < len(values) - 1:
        rest, size = float(values.sum() - values[shown].sum()), np.abs(values).sum()
        rest = rest if abs(rest) > EXACT * max(size, abs(e.prediction[k])) else 0.0  # what is left of sums is rounding
        found.append(f"The other {len(values) - len(shown):,} add up to {unit.change(rest)}.")
    found += _gap(e, k, unit)
    if not known and shown:
        found.append("How exact these numbers are is not known.")
    return [*found, hidden(e), *_errors(e, found)]


def _named(n: int, most: int) -> int:
    return n if n <= most + 1 else most


def _level(e: Explanation, k: int, unit: Unit, values: Floats, sure: Sequence[int], told: dict[int, str]) -> list[str]:
    """The output against what it is with everything hidden, and what is sure to have led there."""
    rise, parts = float(e.prediction[k] - e.base[k]), {p: told[p] for p in sure}
    if not np.isfinite(rise):
        whole = f"{_output(e, k, unit)} has nothing to be compared with: what it is with everything hidden is not known."
        return [whole, *_largest(list(parts.values()), _some(e))]
    if not np.isfinite(values).all():
        return [f"{_output(e, k, unit)} is {_compared(e, k, unit, rise)}.", "What its features do is not known."]
    scale = max(np.abs(values).sum(), abs(e.prediction[k]), abs(e.base[k]))
    alike = abs(rise) <= EXACT * scale
    head = f"{_output(e, k, unit)} is {_compared(e, k, unit, 0.0 if alike else rise)}"
    if not np.abs(values).max(initial=0.0) > EXACT * scale:
        return [f"{head}.", f"{_none('feature' if np.ndim(e.input) == 1 else 'superpixel', _some(e))} moves it."]
    for_it = [p for p in parts if (values[p] > 0) == (rise > 0) and not alike]
    against = [parts[p] for p in parts if p not in for_it]
    if unit.parts:  # they cannot be weighed against the rise
        own = f"They are parts of the {unit.parts}, not of the {unit.noun}."
        return [f"{head}.", *_largest(list(parts.values()), _some(e)), *([own] if parts else [])]
    if not for_it:
        return [f"{head}.", *_largest(against, _some(e))]
    mostly = "mostly" if abs(values[for_it].sum()) >= HALF * abs(rise) else "in part"
    stands = [f"Against it {'stands' if len(against) == 1 else 'stand'} {joined(against)}."] if against else []
    return [f"{head}, {mostly} because of {joined([parts[p] for p in for_it])}.", *stands]


def _some(e: Explanation) -> bool:
    return lacks_some(e.meta, len(e.names))


def _whole(unit: Unit, some: bool) -> str:
    """What features have a share of."""
    return "what those that were taken do" if some else f"the differences between {unit.noun}s"


def _none(noun: str, some: bool) -> str:
    """The subject of what no feature does, or none of some that were taken of all."""
    return f"None of the {noun}s that were taken" if some else f"No {noun}"


def _output(e: Explanation, k: int, unit: Unit) -> str:
    """The beginning of a sentence: "For row 7 the prediction of 221", or "... of cat, 62 %," where there are several."""
    of = f"{called(e.outputs[k])}, {unit.level(e.prediction[k])}," if len(e.outputs) > 1 else unit.level(e.prediction[k])
    return f"For {'row' if np.ndim(e.input) == 1 else 'picture'} {called(e.label)} the {unit.noun} of {of}"


def _compared(e: Explanation, k: int, unit: Unit, rise: float) -> str:
    table = np.ndim(e.input) == 1
    base = f"the {'mean ' * table}{unit.noun} of {unit.level(e.base[k])}{'' if table else ' with all of it hidden'}"
    return f"{unit.distance(rise)} {'above' if rise > 0 else 'below'} {base}" if rise else f"as high as {base}"


def _largest(parts: Sequence[str], some: bool) -> list[str]:
    of = "Of those that were taken the" if some else "The"
    return [f"{of} largest part{'s are' if len(parts) > 1 else ' is'} {joined(parts)}."] if parts else []


def _gap(e: Explanation, k: int, unit: Unit) -> list[str]:
    """What the values do not add up to, where that is worth a sentence."""
    gap = float(e.prediction[k] - e.base[k] - e.values[:, k].sum())
    if (
        unit.parts
        or not np.isfinite(gap)
        or abs(gap) <= MINOR * max(np.abs(e.values[:, k]).sum(), abs(e.prediction[k] - e.base[k]))
    ):
        return []
    whose = "is of features that were not taken" if _some(e) else "is of no single one"
    return [f"A part of {unit.change(gap)} {whose}."]


def hidden(e: Explanation) -> str:
    """What absence is: what the values are measured against."""
    if np.ndim(e.input) > 1:
        fill = e.meta.get("fill")
        return (
            f"A hidden superpixel shows {f'the fill {word(fill)!r}' if fill else 'a fill'}; another fill may tell otherwise."
        )
    rows = e.meta.get("background")
    others = f"{count(rows, 'row')} of the table" if isinstance(rows, int) else "other rows of the table"
    return f"A hidden feature takes the values that it has in {others}."


def _errors(e: Explanation, found: Sequence[str]) -> list[str]:
    """What "±" is about, where it was used."""
    if not any("±" in sentence for sentence in found):
        return []
    rows = "" if e.stderr_background is None else ", and which rows stood for what is hidden"
    return [f"Behind ± is half of a 95 % interval. It covers the chance in which combinations were tried{rows}."]


def _with_values(e: Explanation, labels: Labels | None) -> list[str]:
    """Names with what the row has there, a rule where the method has one, or the place of a superpixel."""
    rules, own = e.columns.get("rule"), e.feature_values
    names = told_apart(e.names)
    if rules is not None and np.shape(rules) == (len(e.names),):
        return [name if rule is None else called(rule) for name, rule in zip(names, rules, strict=True)]
    if own is not None:
        values = [own_value(one, 4) for one in own]
        return [f"{name}{': ' if ' = ' in one else ' = '}{one}" for name, one in zip(names, values, strict=True)]
    if labels is None or np.ndim(e.input) == 1:
        return names
    return [f"{name} ({where(labels, p)})" for p, name in enumerate(names)]


# ------------------------------------------------------------------------------------------------ all rows


def of_rows(result: Attribution, k: int) -> list[str]:
    """What matters over all explained rows for output k: sentences."""
    from perturbxai.results.importance import importance  # which knows attributions, and these describe themselves

    if not len(result):
        return ["Nothing is explained."]
    first = result[0]
    unit = Unit(str(first.meta.get("scale", "")))
    if np.ndim(first.input) > 1:
        return [f"{count(len(result), 'picture')}: their superpixels are not the same, so that each is told by itself."]
    prediction, base = result.prediction[:, k], float(np.mean(result.base[:, k]))
    of = f" of {called(first.outputs[k])}" * (len(first.outputs) > 1)
    if len(result) == 1:  # which has no average, and no differences to share out
        return ["One row is explained: what it says need not hold for others.", *of_row(first, k)]
    low, high = unit.level(prediction.min()), unit.level(prediction.max())
    ends = f"are all {low}" if low == high else f"go from {low} to {high}"
    mean = f", where the mean {unit.noun} is {unit.level(base)}" * bool(np.isfinite(base))
    head = f"{len(result):,} rows are explained. Their {unit.noun}s{of} {ends}{mean}."
    if catalogue.key_of(first.method) in catalogue.CONTROLS:
        return [head, CONTROL]
    found = importance(result)
    noise = found.stderr_estimate[:, k]
    if result.stderr_background is not None:  # one background serves all rows
        noise = np.hypot(noise, result.stderr_background[:, :, k].mean(axis=0))
    sizes = np.where(np.isfinite(found.corrected[:, k]), found.corrected[:, k], found.values[:, k])
    sizes = np.where(sizes > EXACT * np.abs(prediction).max(), sizes, 0.0)  # less is rounding
    about = _leading(result.names, sizes, noise, unit, _whole(unit, _some(first)), _some(first))
    return [head, *about, *_trends(result, k, sizes, unit.noun), hidden(first), *_errors(first, about)]


def of_importance(found: Importance, k: int) -> list[str]:
    """What matters by an `Importance` for output k: sentences. Behind ± is also what other rows would change."""
    unit = Unit(str(found.meta.get("scale", "")))
    sizes = np.where(np.isfinite(found.corrected[:, k]), found.corrected[:, k], found.values[:, k])
    curves = found.meta.get("of") == "curves"
    some = lacks_some(found.meta, len(found.names))
    whole = "what all curves vary" if curves and not some else _whole(unit, some)
    # curves may be of a few columns of many
    about = _leading(found.names, sizes, found.stderr[:, k], unit, whole, some or curves)
    of = f" for {called(found.outputs[k])}" * (len(found.outputs) > 1)
    note = "Behind ± is half of a 95 % interval: it covers what drawing anew, and other rows, would change."
    return [
        f"Importance by {called(found.name)}{of}, over {count(found.n_rows, 'row')}.", *about,
        *[note] * any("±" in sentence for sentence in about),
    ]  # fmt: skip


def _leading(names: Sequence[str], sizes: Floats, noise: Floats, unit: Unit, whole: str, some: bool) -> list[str]:
    """Which features carry what share of all sizes (P,), and whether their order is beyond noise.

    some  these are not all features: their sizes make no whole but their own
    """
    names, total = told_apart(names), float(sizes.sum())
    if not total > 0:
        sure = np.isfinite(noise).all() and not (noise > 0).any()
        return [f"{_none('feature', some)} moves the {unit.noun}" + ("." if sure else " by more than noise.")]
    order = np.argsort(-sizes, kind="stable")
    reach = np.cumsum(sizes[order]) / total
    n_lead = min(int(np.searchsorted(reach, HALF)) + 1, MOST, int((sizes > MINOR * total).sum()))
    leaders, others = order[:n_lead], order[n_lead:]
    lead, several = joined([names[p] for p in leaders]), n_lead > 1
    if len(others):
        part = share(float(reach[n_lead - 1]), _share_half(sizes, noise, leaders))
        found = [f"{lead} {'carry' if several else 'carries'} {part} of {whole}."]
    else:
        found = [] if some else [f"{lead} {'are' if several else 'is'} all that moves the {unit.noun}."]
    shown = order[: _named(len(order), max(n_lead, LEADERS))]
    shown = shown[sizes[shown] > MINOR * total]
    amounts = [f"{names[p]} {{}}by {unit.change(sizes[p], Z95 * noise[p], sign=False)}" for p in shown]
    found.append(f"On average {joined(amounts)}.".replace("{}", "moves it ", 1).replace("{}", ""))
    found += _order(names, sizes, noise, shown)
    if len(rest := order[len(shown) :]) > 1:
        found.append(f"The {len(rest):,} not named carry {share(float(sizes[rest].sum()) / total)} together.")
    return found


def _share_half(sizes: Floats, noise: Floats, leaders: Ints) -> float:
    """Half of the 95 % interval of the leaders' share, errors taken as independent; to first order in them."""
    if not np.isfinite(noise).all():
        return np.inf
    lead = np.zeros(len(sizes), dtype=bool)
    lead[leaders] = True
    inside, outside = sizes[lead].sum(), sizes[~lead].sum()
    spread = outside**2 * (noise[lead] ** 2).sum() + inside**2 * (noise[~lead] ** 2).sum()
    return float(Z95 * np.sqrt(spread) / sizes.sum() ** 2)


def _order(names: Sequence[str], sizes: Floats, noise: Floats, shown: Ints) -> list[str]:
    """Whether noise could turn the order of neighbours among those that are shown."""
    if not np.isfinite(noise).all():
        return ["How exact these numbers are is not known, nor whether their order is chance."]
    if len(shown) < 2:
        return []
    near = [
        (a, b) for a, b in pairwise(shown)
        if sizes[a] - sizes[b] <= max(Z95 * np.hypot(noise[a], noise[b]), EXACT * sizes[a])
    ]  # fmt: skip
    if not near:
        return ["This order is beyond noise."]
    pairs = ", and ".join(f"of {names[a]} and {names[b]}" for a, b in near)
    return [f"Noise could turn the order {pairs}."]


def _trends(result: Attribution, k: int, sizes: Floats, noun: str) -> list[str]:
    """Features among the leaders of which a higher value goes with a higher, or a lower, prediction, row by row."""
    own = result.feature_values
    if own is None or len(result) < ENOUGH:
        return []
    names, sides = told_apart(result.names), dict[str, list[str]](raises=[], lowers=[])
    for p in np.argsort(-sizes, kind="stable")[:LEADERS]:
        if not sizes[p] > MINOR * sizes.sum():
            break  # what is not said to matter has no way to go
        trend = _trend(np.array([checks.as_number(one) for one in own[:, p]]), result.values[:, p, k])
        if abs(trend) >= TREND:
            sides["raises" if trend > 0 else "lowers"].append(f"a higher {names[p]}")
    said = [f"{joined(high)} {verb if len(high) == 1 else verb[:-1]}" for verb, high in sides.items() if high]
    if not said:
        return []
    return [f"In these rows {f' the {noun}, '.join(said)}{' it' if len(said) > 1 else f' the {noun}'}."]


def _trend(numbers: Floats, values: Floats) -> float:
    """Rank correlation of what rows have and what it does, 0 where too few have a number or all are alike."""
    from scipy import stats

    there = np.isfinite(numbers) & np.isfinite(values)
    if there.sum() < ENOUGH or np.ptp(numbers[there]) == 0 or np.ptp(values[there]) == 0:
        return 0.0
    return float(stats.spearmanr(numbers[there], values[there]).statistic)


def of_pick(pick: Pick) -> list[str]:
    """Which rows were picked, and what each adds: sentences."""
    if not len(pick.picked):
        return ["No row is picked."]
    rows = [f"{called(one.label)} (adds {share(float(gain))})" for one, gain in zip(pick.picked, pick.gained, strict=True)]
    show = "shows" if len(rows) == 1 else "show together"
    among = " among the features that were taken" if _some(pick.picked[0]) else ""
    what = f"{share(float(pick.coverage[-1]))} of what matters{among} over all explained rows"
    head = f"{count(len(rows), 'row')} {show} {what}"
    frame = pick.to_frame()["first to show"].tolist()
    new = [(called(one.label), word(first, 80)) for one, first in zip(pick.picked, frame, strict=True) if first]
    first = [f"{label} is the first to show {shown}." for label, shown in new]
    return [f"{head}: {joined(rows)}.", *first]
